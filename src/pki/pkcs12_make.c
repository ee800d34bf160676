/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 containers (RFC 7292) are made here and read in pkcs12.c: keys and certificates under PBES2 with
 * AES-256, a MAC with SHA-256, which OpenSSL, NSS and Windows since 2019 read. */
#include "base/arena.h"
#include "pki/pkcs12.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>

enum { ITERATIONS = 100000 };

static X509 *x509_of(const struct cert *c, const char *name)
{
    struct span der = cert_der(c);
    const uint8_t *at = der.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (x && name)
        X509_alias_set1(x, (const unsigned char *)name, (int)strlen(name));
    return x;
}

/* The certificates but for the first; NULL: one cannot be taken. */
static STACK_OF(X509) * others(const struct pkcs12 *p)
{
    STACK_OF(X509) *list = sk_X509_new_null();
    for (size_t i = 1; list && i < p->n_certs; i++) {
        X509 *x = x509_of(p->certs[i], p->cert_names[i]);
        if (x && sk_X509_push(list, x))
            continue;
        X509_free(x);
        sk_X509_pop_free(list, X509_free);
        list = NULL;
    }
    return list;
}

static bool encode(PKCS12 *p12, struct secret *out)
{
    uint8_t *der = NULL;
    int len = p12 ? i2d_PKCS12(p12, &der) : 0;
    if (len > 0)
        *out = secret_copy(span_of(der, (size_t)len));
    OPENSSL_free(der);
    return len > 0;
}

bool pkcs12_make(const struct pkcs12 *p, struct span passphrase, struct secret *out, struct diag *d)
{
    char *text = mem_new(passphrase.len + 1);
    if (passphrase.len)
        memcpy(text, passphrase.ptr, passphrase.len);
    *out = (struct secret){0};
    X509 *x = x509_of(p->certs[0], NULL);
    STACK_OF(X509) *rest = others(p);
    PKCS12 *p12 = x && rest ? PKCS12_create(text, p->cert_names[0], pkey_evp(p->keys[0]), x, rest,
                                            NID_aes_256_cbc, NID_aes_256_cbc, ITERATIONS, ITERATIONS, 0)
                            : NULL;
    bool is_ok = encode(p12, out);
    if (!is_ok)
        diag_set(d, FAIL_GENERIC, "OpenSSL does not make a PKCS#12 container of this");
    PKCS12_free(p12);
    sk_X509_pop_free(rest, X509_free);
    X509_free(x);
    secret_wipe(text, passphrase.len);
    free(text);
    ERR_clear_error();
    return is_ok;
}
