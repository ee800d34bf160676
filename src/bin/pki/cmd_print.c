/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --print`: what is in a credential, in words. The layout is src/pki/print's; times are the user's. */
#include "bin/pki/commands.h"
#include "pki/print/print.h"
#include <stdlib.h>
#include <time.h>

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "object on a token", 0, 0},
    {"type",     't', PKI_CHOICE, "x509|crl|ac|pub|priv|rsa|ecdsa|ed25519|ed448|ocsp-req|ocsp-rsp", "x509",
     "type of credential", 0, 0},
    {0       },
};

static int64_t zone_offset(int64_t when)
{
    struct tm tm;
    time_t t = when;
    return localtime_r(&t, &tm) ? tm.tm_gmtoff : 0;
}

static bool print_bytes(struct text *t, const char *type, struct span data, const struct print_env *env,
                        struct diag *d)
{
    if (!strcasecmp(type, "crl"))
        return print_crl(t, data, env, d);
    if (!strcasecmp(type, "ac"))
        return print_attribute_cert(t, data, env, d);
    if (!strcasecmp(type, "ocsp-req"))
        return print_ocsp_request(t, data, d);
    if (!strcasecmp(type, "ocsp-rsp"))
        return print_ocsp_response(t, data, env, d);
    return print_cert(t, data, env, d);
}

/* The label of PEM tells a user who took the default what to say. */
static void suggest_type(struct span data, struct diag *d)
{
    static const struct {
        const char *label, *type;
    } rows[] = {
        {"PRIVATE KEY-----",            "priv"},
        {"PUBLIC KEY-----",             "pub" },
        {"BEGIN X509 CRL",              "crl" },
        {"BEGIN ATTRIBUTE CERTIFICATE", "ac"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (data.len && memmem(data.ptr, data.len, rows[i].label, strlen(rows[i].label)))
            diag_try(d, "--type %s", rows[i].type);
    }
}

/* Tokens have certificates, and nothing else that is shown as bytes. */
static bool read_bytes(const struct pki_run *r, const char *type, struct secret *out, struct diag *d)
{
    if (!pki_has(r, "keyid"))
        return pki_read_in(r, out, d);
    if (strcasecmp(type, "x509") != 0) {
        diag_set(d, FAIL_USAGE, "no %s is on tokens: --keyid goes with certificates and private keys", type);
        return false;
    }
    struct cert *c = pki_cert_on_token(r, "keyid", d);
    if (c)
        *out = secret_copy(cert_der(c));
    cert_unref(c);
    return c != NULL;
}

static int show_bytes(const struct pki_run *r, const char *type)
{
    struct print_env env = {.now = r->now, .zone_offset = zone_offset};
    struct secret data = {0};
    struct diag d = {0};
    if (!read_bytes(r, type, &data, &d))
        return pki_fail(r, &d);
    struct text t = {.buf = malloc(print_room(data.len)), .cap = print_room(data.len)};
    if (!t.buf)
        abort();
    t.buf[0] = '\0';
    bool is_ok = print_bytes(&t, type, secret_view(&data), &env, &d);
    if (!is_ok && !strcasecmp(type, "x509"))
        suggest_type(secret_view(&data), &d);
    int code = is_ok ? pki_write_bytes(r, span_of(t.buf, t.len)) : pki_fail(r, &d);
    free(t.buf);
    secret_free(&data);
    return code;
}

static int show_key(const struct pki_run *r, const char *type)
{
    char buf[512] = "";
    struct text t = TEXT_ON(buf);
    struct diag d = {0};
    struct pkey *k = pki_has(r, "keyid") ? pki_key_on_token(r, "keyid", type, true, &d)
                                         : pki_public_key(r, pki_get(r, "in"), type, &d);
    if (!k)
        return pki_fail(r, &d);
    print_key(&t, k);
    pkey_unref(k);
    return pki_write_bytes(r, span_of(t.buf, t.len));
}

static int run(struct pki_run *r)
{
    static const char *const keys[] = {"pub", "priv", "rsa", "ecdsa", "ed25519", "ed448"};
    const char *type = pki_get(r, "type");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!strcasecmp(type, keys[i]))
            return show_key(r, keys[i]);
    }
    return show_bytes(r, type);
}

const struct pki_command pki_cmd_print = {
    .name = "print",
    .letter = 'a',
    .doc = "print a credential in a human readable form",
    .options = options,
    .run = run,
    .manual = "Shown are the first certificate, revocation list (\\fBcrl\\fR) or attribute certificate "
              "(\\fBac\\fR) of the\n"
              "input, a key with its identifiers, or an OCSP request or response. Nothing is verified.",
};
