/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec certutil -L` and `-K`: lists as NSS's certutil writes them, and one certificate. */
#include "base/text.h"
#include "bin/ipsec/certutil.h"
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>

static bool has_key(const struct keystore *s, const struct keystore_cert *c)
{
    return keystore_find(s, cert_public_key(c->cert)) != NULL;
}

/* "CTu,u,u" */
static void trust_text(const struct keystore *s, const struct keystore_cert *c, struct text *t)
{
    const char *user = has_key(s, c) ? "u" : "";
    for (const char *p = c->trust.text; *p; p++)
        text_printf(t, *p == ',' ? "%s%c" : "%.0s%c", user, *p);
    text_str(t, user);
}

static int list_all(const struct keystore *s)
{
    printf("\n%-60s %-5s\n%-60s %-5s\n\n", "Certificate Nickname", "Trust Attributes", "",
           "SSL,S/MIME,JAR/XPI");
    for (size_t i = 0; i < s->n_certs; i++) {
        char buf[2 * KEYSTORE_TRUST_MAX];
        struct text t = TEXT_ON(buf);
        trust_text(s, &s->certs[i], &t);
        printf("%-60s %-5s\n", s->certs[i].nickname, buf);
    }
    return 0;
}

static int show_in_words(const struct keystore *s, const struct keystore_cert *c, FILE *to)
{
    char buf[2 * KEYSTORE_TRUST_MAX];
    struct text t = TEXT_ON(buf);
    struct span der = cert_der(c->cert);
    const uint8_t *at = der.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    bool is_ok = x && X509_print_fp(to, x) == 1;
    X509_free(x);
    ERR_clear_error();
    trust_text(s, c, &t);
    fprintf(to, "    Certificate Trust Flags: %s\n\n", buf);
    return is_ok ? 0 : CERTUTIL_BAD;
}

static int show(const struct ipsec_run *r, const struct keystore *s, const struct keystore_cert *c, FILE *to)
{
    struct secret pem = {0};
    struct span der = cert_der(c->cert);
    if (ipsec_has(r, "r"))
        return fwrite(der.ptr, 1, der.len, to) == der.len ? 0 : CERTUTIL_BAD;
    if (!ipsec_has(r, "a"))
        return show_in_words(s, c, to);
    pem_encode(der, "CERTIFICATE", &pem);
    int code = fwrite(pem.ptr, 1, pem.len, to) == pem.len ? 0 : CERTUTIL_BAD;
    secret_free(&pem);
    return code;
}

int certutil_list(const struct ipsec_run *r, struct keystore *s)
{
    const char *nickname = ipsec_get(r, "n"), *path = ipsec_get(r, "o");
    if (!nickname)
        return list_all(s);
    const struct keystore_cert *c = keystore_find_cert(s, nickname);
    if (!c)
        return certutil_fail("Could not find cert: %s\n: PR_FILE_NOT_FOUND_ERROR: File not found", nickname);
    FILE *to = path ? fopen(path, "we") : stdout;
    if (!to)
        return certutil_fail("unable to open \"%s\" for writing: %s", path, strerror(errno));
    int code = show(r, s, c, to);
    if (path && fclose(to) != 0)
        code = certutil_fail("%s: %s", path, strerror(errno));
    return code;
}

/* ---- keys */

static const char *kind_of(const struct pkey *k)
{
    return pkey_type(k) == PKEY_RSA ? "rsa" : pkey_type(k) == PKEY_ECDSA ? "ec" : "ed";
}

static bool is_chosen(const struct pkey *k, const char *kind)
{
    return !kind || !strcmp(kind, "all") || !strcmp(kind, kind_of(k));
}

/* What the key is called: by itself, else as a certificate of it. */
static void name_of(const struct keystore *s, const struct keystore_key *e, struct text *t)
{
    if (*e->label) {
        text_str(t, e->label);
        return;
    }
    for (size_t i = 0; i < s->n_certs; i++) {
        if (keystore_find(s, cert_public_key(s->certs[i].cert)) != e)
            continue;
        text_printf(t, "NSS Certificate DB:%s", s->certs[i].nickname);
        return;
    }
    text_str(t, "(orphan)");
}

int certutil_keys(const struct ipsec_run *r, struct keystore *s)
{
    size_t n = 0;
    printf("certutil: Checking token \"NSS Certificate DB\" in slot \"NSS User Private Key and Certificate "
           "Services\"\n");
    fflush(stdout);
    int code = certutil_unlock(r, s);
    for (size_t i = 0; !code && i < s->n_keys; i++) {
        char hex[2 * KEYSTORE_CKAID_LEN + 1], name[KEYSTORE_NICKNAME_MAX + 32];
        struct text t = TEXT_ON(hex), nt = TEXT_ON(name);
        if (!is_chosen(s->keys[i].public_key, ipsec_get(r, "k")))
            continue;
        text_hex(&t, span_of(s->keys[i].ckaid, KEYSTORE_CKAID_LEN));
        name_of(s, &s->keys[i], &nt);
        printf("<%2zu> %-8s %-42s %s\n", n++, kind_of(s->keys[i].public_key), hex, name);
    }
    if (code || n)
        return code;
    printf("certutil: no keys found\n");
    return CERTUTIL_BAD;
}
