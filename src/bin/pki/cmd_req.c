/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --req`: a certificate request (RFC 2986); what the options leave out may come from an old one. */
#include "bin/pki/cert_options.h"
#include "bin/pki/commands.h"
#include "pki/issue/request.h"

/* clang-format off */
static const struct pki_option options[] = {
    {"in", 'i', PKI_TEXT, "file", NULL, "private key input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "private key on a token", 0, 0},
    {"type", 't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448|priv", "priv", "type of input key", 0, 0},
    {"oldreq", 'o', PKI_TEXT, "file", NULL, "old certificate request to be used as a template", 0, 0},
    {"dn", 'd', PKI_TEXT, "distinguished-name", NULL, "subject distinguished name", 0, 0},
    {"san", 'a', PKI_TEXT, "subjectAltName", NULL, "subjectAltName to include in cert request", 0, 1},
    {"profile", 'P', PKI_TEXT, "name", NULL, "certificate profile name to include: server, client, dual, ocsp", 0, 0},
    {"password", 'p', PKI_TEXT, "challengePassword", NULL, "challengePassword to include in cert request", 0, 0},
    PKI_ROWS_SIGNATURE,
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of generated request", 0, 0},
    {0},
};
/* clang-format on */

/* What the options do not say. */
static void fill_from_old(const struct request *old, struct issue_request *q)
{
    if (!q->subject.len)
        q->subject = request_subject_der(old);
    q->more_names = request_names_der(old);
    q->profile = request_profile(old);
    q->password = request_password(old);
}

static bool prepare(const struct pki_run *r, struct issue_request *q, struct request **old, struct diag *d)
{
    if (pki_has(r, "dn") && !pki_dn(r, pki_get(r, "dn"), &q->subject, d))
        return false;
    if (pki_has(r, "oldreq")) {
        *old = pki_request(r, pki_get(r, "oldreq"), d);
        if (!*old)
            return false;
        fill_from_old(*old, q);
    }
    if (pki_has(r, "password"))
        q->password = span_str(pki_get(r, "password"));
    if (pki_has(r, "profile"))
        q->profile = span_str(pki_get(r, "profile"));
    q->key = pki_key_of(r, "in", "keyid", pki_get(r, "type"), true, d);
    return q->key && pki_names(r, "san", pki_san, &q->names, d);
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span der;
    struct issue_request q = {0};
    struct request *old = NULL;
    if (!pki_has(r, "dn") && !pki_has(r, "oldreq"))
        return pki_refuse(r, "--dn or --oldreq is required");
    bool is_ok = prepare(r, &q, &old, &d);
    if (is_ok) {
        struct issue_signer by = pki_signer(r, q.key);
        is_ok = issue_request(r->arena, &q, &by, &der, &d);
    }
    pkey_unref(q.key);
    request_free(old);
    return is_ok ? pki_write(r, "CERTIFICATE REQUEST", der) : pki_fail(r, &d);
}

const struct pki_command pki_cmd_req = {.name = "req",
                                        .letter = 'r',
                                        .doc = "create a PKCS#10 certificate request",
                                        .options = options,
                                        .run = run};
