/* SPDX-License-Identifier: Apache-2.0 */
/* Certs-only messages: see certs_only.h. OpenSSL's CMS reads them. */
#include "pki/certs_only.h"
#include <openssl/cms.h>
#include <openssl/err.h>

/* The message; NULL with d. */
static CMS_ContentInfo *message_of(struct span der, struct diag *d)
{
    const uint8_t *at = der.ptr;
    CMS_ContentInfo *cms = der.len ? d2i_CMS_ContentInfo(NULL, &at, (long)der.len) : NULL;
    bool is_whole = cms && at == der.ptr + der.len && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed;
    ERR_clear_error();
    if (is_whole)
        return cms;
    diag_set(d, FAIL_GENERIC, "the server's answer is no message with certificates");
    diag_expected(d, "a certs-only PKCS#7");
    diag_got(d, "%zu bytes", der.len);
    CMS_ContentInfo_free(cms);
    return NULL;
}

static bool take_cert(X509 *x, struct certs_only *out, struct diag *d)
{
    uint8_t *der = NULL;
    int len = i2d_X509(x, &der);
    struct cert *c = len > 0 ? cert_load(span_of(der, (size_t)len), d) : NULL;
    OPENSSL_free(der);
    if (c)
        out->v[out->n++] = c;
    return c != NULL;
}

static bool take_certs(const STACK_OF(X509) * certs, struct certs_only *out, struct diag *d)
{
    int n = sk_X509_num(certs);
    if (n < 1 || n > CERTS_ONLY_MAX) {
        diag_set(d, FAIL_GENERIC, "a message with %d certificates", n < 0 ? 0 : n);
        diag_expected(d, "1 to %d", CERTS_ONLY_MAX);
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (!take_cert(sk_X509_value(certs, i), out, d))
            return false;
    }
    return true;
}

bool certs_only_read(struct span der, struct certs_only *out, struct diag *d)
{
    *out = (struct certs_only){0};
    CMS_ContentInfo *cms = message_of(der, d);
    if (!cms)
        return false;
    STACK_OF(X509) *certs = CMS_get1_certs(cms);
    bool is_ok = take_certs(certs, out, d);
    if (!is_ok)
        certs_only_free(out);
    sk_X509_pop_free(certs, X509_free);
    CMS_ContentInfo_free(cms);
    ERR_clear_error();
    return is_ok;
}

void certs_only_free(struct certs_only *c)
{
    while (c->n)
        cert_unref(c->v[--c->n]);
}

struct cert *certs_only_issued(const struct certs_only *c, const struct pkey *key, struct diag *d)
{
    for (size_t i = 0; i < c->n; i++) {
        if (pkey_same(cert_public_key(c->v[i]), key))
            return c->v[i];
    }
    diag_set(d, FAIL_CERTIFICATE, "the server issued a certificate for another key");
    diag_expected(d, "one for the key of the request");
    if (c->n)
        diag_got(d, "%s", cert_subject_text(c->v[0]));
    return NULL;
}
