/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --issue`: a certificate for a public key or a request, signed by a CA. */
#include "bin/pki/cert_options.h"
#include "bin/pki/commands.h"
#include "pki/issue/request.h"

/* clang-format off */
static const struct pki_option options[] = {
    {"in", 'i', PKI_TEXT, "file", NULL, "key/request file to issue, default: stdin", 0, 0},
    {"type", 't', PKI_CHOICE, "pub|pkcs10|priv|rsa|ecdsa|ed25519|ed448|x509", "pub", "type of input", 0, 0},
    {"cacert", 'c', PKI_TEXT, "file", NULL, "CA certificate file", 1, 0},
    {"cakey", 'k', PKI_TEXT, "file", NULL, "CA private key file", 0, 0},
    {"cakeyid", 'x', PKI_TEXT, "hex", NULL, "CA private key on a token", 0, 0},
    {"dn", 'd', PKI_TEXT, "subject-dn", NULL, "distinguished name to include as subject", 0, 0},
    PKI_ROWS_CERT_START,
    {"crl", 'u', PKI_TEXT, "uri", NULL, "CRL distribution point URI to include", 0, 1},
    {"crlissuer", 'I', PKI_TEXT, "dn", NULL, "CRL issuer of the --crl before", 0, 1},
    PKI_ROWS_CERT_END,
    {0},
};
/* clang-format on */

struct issuing {
    struct cert *ca;
    struct pkey *ca_key, *key;
    struct request *request;
};

/* --crlissuer is of the --crl before it. */
static bool fill_crls(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    struct issue_crl_point *v = arena_calloc(r->arena, r->n_args + 1, sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; i < r->n_args; i++) {
        const struct pki_arg *arg = &r->args[i];
        bool is_issuer = pki_is(arg, "crlissuer");
        if (is_issuer && !n) {
            diag_set(d, FAIL_USAGE, "--crlissuer must follow a --crl");
            return false;
        }
        if (is_issuer && !pki_dn(r, arg->value, &v[n - 1].issuer, d))
            return false;
        if (!pki_is(arg, "crl"))
            continue;
        if (!pki_uri(arg->value, "crl", d))
            return false;
        v[n++].uri = arg->value;
    }
    c->crls = v;
    c->n_crls = n;
    return true;
}

/* What a request asks for: its subject where --dn names none, its names behind those of --san, the usage of
 * its profile. */
static void fill_requested(const struct request *req, struct issue_cert *c)
{
    static const struct {
        const char *profile;
        unsigned flags;
    } profiles[] = {
        {"server", ISSUE_SERVER_AUTH                    },
        {"client", ISSUE_CLIENT_AUTH                    },
        {"dual",   ISSUE_SERVER_AUTH | ISSUE_CLIENT_AUTH},
        {"ocsp",   ISSUE_OCSP_SIGNING                   },
    };
    if (!c->subject.len)
        c->subject = request_subject_der(req);
    c->more_names = request_names_der(req);
    for (size_t i = 0; i < ARRAY_LEN(profiles); i++) {
        if (span_equal(request_profile(req), span_str(profiles[i].profile)))
            c->flags |= profiles[i].flags;
    }
}

static bool read_key(const struct pki_run *r, struct issuing *s, struct diag *d)
{
    const char *type = pki_get(r, "type"), *path = pki_get(r, "in");
    if (strcasecmp(type, "pkcs10") != 0) {
        s->key = pki_public_key(r, path, type, d);
        return s->key != NULL;
    }
    s->request = pki_request(r, path, d);
    if (s->request)
        s->key = pkey_ref(request_public_key(s->request));
    return s->request != NULL;
}

static bool prepare(const struct pki_run *r, struct issuing *s, struct issue_cert *c, struct diag *d)
{
    if (pki_has(r, "dn") && !pki_dn(r, pki_get(r, "dn"), &c->subject, d))
        return false;
    if (!pki_cert_fill(r, c, d) || !fill_crls(r, c, d) || !read_key(r, s, d))
        return false;
    if (s->request)
        fill_requested(s->request, c);
    if (!c->subject.len && !pki_dn(r, "", &c->subject, d))
        return false;
    c->key = s->key;
    s->ca = pki_certificate(pki_get(r, "cacert"), d);
    s->ca_key = s->ca ? pki_key_of(r, "cakey", "cakeyid", "priv", pki_has(r, "in"), d) : NULL;
    return s->ca_key != NULL;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span der;
    struct issue_cert c = {0};
    struct issuing s = {0};
    if (!pki_has(r, "cakey") && !pki_has(r, "cakeyid"))
        return pki_refuse(r, "--cakey or --cakeyid is required");
    bool is_ok = prepare(r, &s, &c, &d);
    if (is_ok) {
        struct issue_signer by = pki_signer(r, s.ca_key);
        is_ok = issue_certificate(r->arena, &c, s.ca, &by, &der, &d);
    }
    cert_unref(s.ca);
    pkey_unref(s.ca_key);
    pkey_unref(s.key);
    request_free(s.request);
    return is_ok ? pki_write(r, "CERTIFICATE", der) : pki_fail(r, &d);
}

const struct pki_command pki_cmd_issue = {
    .name = "issue",
    .letter = 'i',
    .doc = "issue a certificate using a CA certificate and key",
    .options = options,
    .run = run,
};
