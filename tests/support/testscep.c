/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of a SCEP server for tests: see testscep.h. */
#include "support/testscep.h"
#include <openssl/cms.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>

static void must(bool is_ok)
{
    if (!is_ok)
        abort();
}

static X509 *x509_of(const struct testca_cert *c)
{
    struct span der = testca_der(c);
    const uint8_t *at = der.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    must(x != NULL);
    return x;
}

static EVP_PKEY *key_of(const struct testca_cert *c)
{
    struct span der = testca_key_der(c);
    const uint8_t *at = der.ptr;
    EVP_PKEY *k = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    must(k != NULL);
    return k;
}

/* A copy that free() takes; frees der by OpenSSL. */
static struct span owned(uint8_t *der, int len)
{
    must(len > 0);
    uint8_t *copy = malloc((size_t)len);
    must(copy != NULL);
    memcpy(copy, der, (size_t)len);
    OPENSSL_free(der);
    return span_of(copy, (size_t)len);
}

static void add_signer(CMS_ContentInfo *cms, const struct testscep_spec *spec, unsigned flags)
{
    X509 *x = x509_of(spec->signer);
    EVP_PKEY *key = key_of(spec->signer);
    const EVP_MD *md = EVP_get_digestbyname(spec->digest ? spec->digest : "SHA256");
    CMS_SignerInfo *si = CMS_add1_signer(cms, x, key, md, flags);
    must(si != NULL);
    for (size_t i = 0; i < spec->n_attributes; i++) {
        const struct testscep_text *t = &spec->attributes[i];
        ASN1_OBJECT *o = OBJ_txt2obj(t->oid, 1);
        must(CMS_signed_add1_attr_by_OBJ(si, o, t->type, t->value.ptr, (int)t->value.len) == 1);
        ASN1_OBJECT_free(o);
    }
    X509_free(x);
    EVP_PKEY_free(key);
}

struct span testscep_answer(const struct testscep_spec *spec)
{
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL | (spec->content.ptr ? 0 : CMS_DETACHED) |
                     (spec->has_no_certificate ? CMS_NOCERTS : 0);
    uint8_t *der = NULL;
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    BIO *content =
        BIO_new_mem_buf(spec->content.ptr ? spec->content.ptr : (const uint8_t *)"", (int)spec->content.len);
    must(cms && content);
    add_signer(cms, spec, flags);
    if (spec->is_signed_twice)
        add_signer(cms, spec, flags | CMS_NOCERTS);
    must(CMS_final(cms, content, NULL, flags) == 1);
    int len = i2d_CMS_ContentInfo(cms, &der);
    BIO_free(content);
    CMS_ContentInfo_free(cms);
    return owned(der, len);
}

struct span testscep_envelope(struct span content, const struct testca_cert *recipient)
{
    uint8_t *der = NULL;
    STACK_OF(X509) *to = sk_X509_new_null();
    BIO *in = BIO_new_mem_buf(content.ptr, (int)content.len);
    must(to && in && sk_X509_push(to, x509_of(recipient)) == 1);
    CMS_ContentInfo *cms = CMS_encrypt(to, in, EVP_aes_128_cbc(), CMS_BINARY);
    must(cms != NULL);
    int len = i2d_CMS_ContentInfo(cms, &der);
    sk_X509_pop_free(to, X509_free);
    BIO_free(in);
    CMS_ContentInfo_free(cms);
    return owned(der, len);
}

struct span testscep_certs(struct testca_cert *const *certs, size_t n)
{
    uint8_t *der = NULL;
    PKCS7 *p7 = PKCS7_new();
    must(p7 && PKCS7_set_type(p7, NID_pkcs7_signed) && PKCS7_content_new(p7, NID_pkcs7_data) &&
         PKCS7_set_detached(p7, 1) == 1);
    for (size_t i = 0; i < n; i++) {
        X509 *x = x509_of(certs[i]);
        must(PKCS7_add_certificate(p7, x) == 1);
        X509_free(x);
    }
    int len = i2d_PKCS7(p7, &der);
    PKCS7_free(p7);
    return owned(der, len);
}
