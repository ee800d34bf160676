/* SPDX-License-Identifier: Apache-2.0 */
/* A SCEP pkiMessage (RFC 8894 section 3.2): the data in an envelope for the server (3.2.2), that in signed
 * data with the attributes of the transaction (3.2.1) and the signer's certificate. By OpenSSL's CMS. Not
 * here: envelopes by password, for keys that cannot encrypt (3.1). */
#include "bin/pki/scep_message.h"
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

static X509 *as_x509(const struct cert *c)
{
    struct span der = cert_der(c);
    const uint8_t *at = der.ptr;
    return d2i_X509(NULL, &at, (long)der.len);
}

static bool refuse(struct diag *d, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    diag_set(d, FAIL_GENERIC, "%s", what);
    if (reason)
        diag_got(d, "%s", reason);
    return false;
}

static CMS_ContentInfo *envelope_of(const struct scep_message *m)
{
    STACK_OF(X509) *to = sk_X509_new_null();
    X509 *x = as_x509(m->to);
    BIO *in = BIO_new_mem_buf(m->data.ptr, (int)m->data.len);
    CMS_ContentInfo *cms = NULL;
    if (to && x && in && sk_X509_push(to, x))
        cms = CMS_encrypt(to, in, m->is_des3 ? EVP_des_ede3_cbc() : EVP_aes_128_cbc(), CMS_BINARY);
    sk_X509_free(to);
    X509_free(x);
    BIO_free(in);
    return cms;
}

static bool add(CMS_SignerInfo *si, const char *oid, int type, struct span value)
{
    ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
    bool is_ok = o && CMS_signed_add1_attr_by_OBJ(si, o, type, value.ptr, (int)value.len);
    ASN1_OBJECT_free(o);
    return is_ok;
}

static bool add_attributes(CMS_SignerInfo *si, const struct scep_message *m)
{
    char type[12];
    snprintf(type, sizeof(type), "%d", (int)m->type);
    return add(si, SCEP_OID_MESSAGE_TYPE, V_ASN1_PRINTABLESTRING, span_str(type)) &&
           add(si, SCEP_OID_SENDER_NONCE, V_ASN1_OCTET_STRING, span_of(m->nonce, sizeof(m->nonce))) &&
           add(si, SCEP_OID_TRANSACTION_ID, V_ASN1_PRINTABLESTRING, span_str(m->transaction));
}

static bool set_padding(CMS_SignerInfo *si, const struct issue_signer *by)
{
    EVP_PKEY_CTX *ctx = CMS_SignerInfo_get0_pkey_ctx(si);
    return !by->is_pss || (ctx && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                           EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) > 0);
}

static CMS_ContentInfo *signed_of(const struct scep_message *m, BIO *content)
{
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
    const EVP_MD *md = EVP_get_digestbyname(m->by.digest);
    X509 *x = as_x509(m->signer);
    CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, flags);
    CMS_SignerInfo *si = cms && x && md ? CMS_add1_signer(cms, x, pkey_evp(m->by.key), md,
                                                          flags | (m->by.is_pss ? CMS_KEY_PARAM : 0))
                                        : NULL;
    bool is_ok =
        si && set_padding(si, &m->by) && add_attributes(si, m) && CMS_final(cms, content, NULL, flags);
    X509_free(x);
    if (is_ok)
        return cms;
    CMS_ContentInfo_free(cms);
    return NULL;
}

bool scep_message_make(struct arena *a, const struct scep_message *m, struct span *der, struct diag *d)
{
    uint8_t *out = NULL;
    ERR_clear_error();
    CMS_ContentInfo *envelope = envelope_of(m);
    BIO *content = BIO_new(BIO_s_mem());
    if (!envelope || !content || i2d_CMS_bio(content, envelope) != 1) {
        CMS_ContentInfo_free(envelope);
        BIO_free(content);
        return refuse(d, "could not encrypt the request");
    }
    CMS_ContentInfo *cms = signed_of(m, content);
    int len = cms ? i2d_CMS_ContentInfo(cms, &out) : 0;
    if (len > 0)
        *der = arena_dup(a, span_of(out, (size_t)len));
    OPENSSL_free(out);
    CMS_ContentInfo_free(cms);
    CMS_ContentInfo_free(envelope);
    BIO_free(content);
    return len > 0 || refuse(d, "could not sign the request");
}
