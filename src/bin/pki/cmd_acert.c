/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --acert`: an attribute certificate (RFC 5755), which puts the holder of a certificate into groups. */
#include "bin/pki/cert_options.h"
#include "bin/pki/commands.h"

enum { HOUR = 3600 };

/* clang-format off */
static const struct pki_option options[] = {
    {"in", 'i', PKI_TEXT, "file", NULL, "holder certificate, default: stdin", 0, 0},
    {"group", 'm', PKI_TEXT, "name", NULL, "group membership string to include", 0, 1},
    {"issuercert", 'c', PKI_TEXT, "file", NULL, "issuer certificate file", 1, 0},
    {"issuerkey", 'k', PKI_TEXT, "file", NULL, "issuer private key file", 0, 0},
    {"issuerkeyid", 'x', PKI_TEXT, "hex", NULL, "issuer private key on a token", 0, 0},
    {"serial", 's', PKI_TEXT, "hex", NULL, "serial number in hex, default: random", 0, 0},
    {"lifetime", 'l', PKI_NUMBER, "hours", "24", "hours the acert is valid", 0, 0},
    PKI_ROWS_VALIDITY("not-before", "not-after", "AC"),
    PKI_ROWS_SIGNATURE,
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of generated cert", 0, 0},
    {0},
};
/* clang-format on */

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span der;
    struct issue_acert c = {0};
    struct cert *holder = NULL, *issuer = NULL;
    struct pkey *key = NULL;
    if (!pki_has(r, "issuerkey") && !pki_has(r, "issuerkeyid"))
        return pki_refuse(r, "--issuerkey or --issuerkeyid is required");
    c.groups = pki_texts(r, "group", &c.n_groups);
    bool is_ok = pki_new_serial(r, &c.serial, &d) &&
                 pki_validity(r, "not-before", "not-after", HOUR, &c.not_before, &c.not_after, &d) &&
                 (holder = pki_certificate(pki_get(r, "in"), &d)) &&
                 (issuer = pki_certificate(pki_get(r, "issuercert"), &d)) &&
                 (key = pki_key_of(r, "issuerkey", "issuerkeyid", "priv", pki_has(r, "in"), &d));
    if (is_ok) {
        struct issue_signer by = pki_signer(r, key);
        c.holder = holder;
        is_ok = issue_acert(r->arena, &c, issuer, &by, &der, &d);
    }
    cert_unref(holder);
    cert_unref(issuer);
    pkey_unref(key);
    return is_ok ? pki_write(r, "ATTRIBUTE CERTIFICATE", der) : pki_fail(r, &d);
}

const struct pki_command pki_cmd_acert = {
    .name = "acert", .letter = 'z', .doc = "issue an attribute certificate", .options = options, .run = run};
