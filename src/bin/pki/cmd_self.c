/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --self`: a self-signed certificate. */
#include "bin/pki/cert_options.h"
#include "bin/pki/commands.h"

/* clang-format off */
static const struct pki_option options[] = {
    {"in", 'i', PKI_TEXT, "file", NULL, "private key input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "private key on a token", 0, 0},
    {"type", 't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448|priv", "priv", "type of input key", 0, 0},
    {"dn", 'd', PKI_TEXT, "distinguished-name", NULL, "subject and issuer distinguished name", 1, 0},
    PKI_ROWS_CERT_START,
    PKI_ROWS_CERT_END,
    {0},
};
/* clang-format on */

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span der;
    struct issue_cert c = {0};
    if (!pki_dn(r, pki_get(r, "dn"), &c.subject, &d) || !pki_cert_fill(r, &c, &d))
        return pki_fail(r, &d);
    c.key = pki_key_of(r, "in", "keyid", pki_get(r, "type"), true, &d);
    if (!c.key)
        return pki_fail(r, &d);
    struct issue_signer by = pki_signer(r, c.key);
    bool is_ok = issue_certificate(r->arena, &c, NULL, &by, &der, &d);
    pkey_unref(c.key);
    return is_ok ? pki_write(r, "CERTIFICATE", der) : pki_fail(r, &d);
}

const struct pki_command pki_cmd_self = {
    .name = "self", .letter = 's', .doc = "create a self signed certificate", .options = options, .run = run};
