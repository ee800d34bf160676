/* SPDX-License-Identifier: Apache-2.0 */
/* What a SCEP server answers to a request or a poll: CertRep (RFC 8894 sections 3.2, 3.3.2). OpenSSL's CMS
 * checks the signature and opens the envelope. Two things are refused that strongSwan's tool takes: an answer
 * with another nonce or type than it has to have, and one signed by MD5, or by SHA-1 unasked. */
#include "pki/asn1.h"
#include "pki/scep.h"
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdlib.h>

struct scep_answer {
    CMS_ContentInfo *cms;
    BIO *content; /* the envelope; empty: there is none */
    struct cert *signer;
    int digest; /* NID */
};

static X509 *as_x509(const struct cert *c)
{
    struct span der = cert_der(c);
    const uint8_t *at = der.ptr;
    return d2i_X509(NULL, &at, (long)der.len);
}

static CMS_SignerInfo *signer_info(const struct scep_answer *a)
{
    return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(a->cms), 0);
}

/* Signed data that is whole, and of data [RFC8894#3.2]. */
static bool is_message(const CMS_ContentInfo *cms, const uint8_t *at, struct span body)
{
    return cms && at == body.ptr + body.len && OBJ_obj2nid(CMS_get0_type(cms)) == NID_pkcs7_signed &&
           OBJ_obj2nid(CMS_get0_eContentType((CMS_ContentInfo *)(uintptr_t)cms)) == NID_pkcs7_data;
}

static bool decode(struct scep_answer *a, struct span body, const char *type, struct diag *d)
{
    const uint8_t *at = body.ptr;
    if (body.len > SCEP_ANSWER_MAX) {
        diag_set(d, FAIL_GENERIC, "the server's answer is longer than %d bytes", SCEP_ANSWER_MAX);
        return false;
    }
    a->cms = body.len ? d2i_CMS_ContentInfo(NULL, &at, (long)body.len) : NULL;
    if (!is_message(a->cms, at, body)) {
        diag_set(d, FAIL_GENERIC, "the server's answer is no SCEP message");
        diag_expected(d, "signed PKCS#7");
        diag_got(d, "%zu bytes of type %.100s", body.len, *type ? type : "none");
        return false;
    }
    int n = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(a->cms));
    if (n == 1)
        return true;
    diag_set(d, FAIL_GENERIC, "the server's answer has %d signatures", n < 0 ? 0 : n);
    diag_expected(d, "one");
    return false;
}

static bool take_signer(struct scep_answer *a, struct diag *d)
{
    X509 *x = NULL;
    X509_ALGOR *digest = NULL;
    uint8_t *der = NULL;
    CMS_SignerInfo_get0_algs(signer_info(a), NULL, &x, &digest, NULL);
    int len = x ? i2d_X509(x, &der) : 0;
    a->signer = len > 0 ? cert_load(span_of(der, (size_t)len), d) : NULL;
    OPENSSL_free(der);
    a->digest = digest ? OBJ_obj2nid(digest->algorithm) : NID_undef;
    return a->signer != NULL;
}

/* An answer without contents may have none at all, or empty ones. */
static bool verify(struct scep_answer *a, struct cert *const *known, size_t n_known, struct diag *d)
{
    ASN1_OCTET_STRING **inside = CMS_get0_content(a->cms);
    BIO *nothing = inside && *inside ? NULL : BIO_new_mem_buf("", 0);
    STACK_OF(X509) *certs = sk_X509_new_null();
    for (size_t i = 0; certs && i < n_known; i++) {
        X509 *x = as_x509(known[i]);
        if (!x || !sk_X509_push(certs, x))
            X509_free(x);
    }
    a->content = BIO_new(BIO_s_mem());
    bool is_ok = a->content && CMS_verify(a->cms, certs, NULL, nothing, a->content,
                                          CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
    sk_X509_pop_free(certs, X509_free);
    BIO_free(nothing);
    if (is_ok)
        return true;
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    diag_set(d, FAIL_CERTIFICATE, "the signature of the server's answer is wrong");
    if (reason)
        diag_got(d, "%s", reason);
    return false;
}

struct scep_answer *scep_answer_load(struct span body, const char *type, struct cert *const *known,
                                     size_t n_known, struct diag *d)
{
    struct scep_answer *a = mem_new(sizeof(*a));
    bool is_ok = decode(a, body, type, d) && verify(a, known, n_known, d) && take_signer(a, d);
    ERR_clear_error();
    if (is_ok)
        return a;
    scep_answer_free(a);
    return NULL;
}

void scep_answer_free(struct scep_answer *a)
{
    if (!a)
        return;
    CMS_ContentInfo_free(a->cms);
    BIO_free(a->content);
    cert_unref(a->signer);
    free(a);
}

struct cert *scep_answer_signer(const struct scep_answer *a)
{
    return a->signer;
}

/* The only value of a signed attribute that stands there once; empty: there is none of that type. */
static struct span attribute(const struct scep_answer *a, const char *oid, int type)
{
    enum { ONCE_WITH_ONE_VALUE = -3 };
    ASN1_OBJECT *o = OBJ_txt2obj(oid, 1);
    const ASN1_STRING *s =
        o ? CMS_signed_get0_data_by_OBJ(signer_info(a), o, ONCE_WITH_ONE_VALUE, type) : NULL;
    ASN1_OBJECT_free(o);
    ERR_clear_error();
    return asn1_octets(s);
}

/* A numeric text; -1 when it is none that anybody knows. */
static int number(const struct scep_answer *a, const char *oid)
{
    struct span s = attribute(a, oid, V_ASN1_PRINTABLESTRING);
    int n = 0;
    if (!s.len || s.len > 3)
        return -1;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return -1;
        n = 10 * n + (s.ptr[i] - '0');
    }
    return n;
}

static bool digest_proves(const struct scep_answer *a, bool takes_sha1, struct diag *d)
{
    bool is_sha1 = a->digest == NID_sha1;
    if (!asn1_digest_is_weak(a->digest) || (is_sha1 && takes_sha1))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the server's answer is signed with %s, which proves nothing",
             OBJ_nid2sn(a->digest));
    if (is_sha1)
        diag_try(d, "--digest sha1, if the server knows nothing better");
    return false;
}

bool scep_answer_fits(const struct scep_answer *a, const struct scep_expect *e, struct diag *d)
{
    struct span transaction = attribute(a, SCEP_OID_TRANSACTION_ID, V_ASN1_PRINTABLESTRING);
    if (!digest_proves(a, e->takes_sha1, d))
        return false;
    if (!span_equal(transaction, span_str(e->transaction))) {
        diag_set(d, FAIL_GENERIC, "transaction ID of scep response does not match");
        return false;
    }
    /* [RFC8894#3.2.1.5] if the nonce does not match, then the message MUST be rejected */
    struct span nonce = attribute(a, SCEP_OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING);
    if (!span_equal(nonce, span_of(e->nonce, sizeof(e->nonce)))) {
        diag_set(d, FAIL_GENERIC, "nonce of scep response does not match: it answers another message");
        return false;
    }
    if (number(a, SCEP_OID_MESSAGE_TYPE) != SCEP_CERT_REP) {
        diag_set(d, FAIL_GENERIC, "scep response of another type");
        diag_expected(d, "%d (CertRep)", SCEP_CERT_REP);
        diag_got(d, "%d", number(a, SCEP_OID_MESSAGE_TYPE));
        return false;
    }
    return true;
}

enum scep_status scep_answer_status(const struct scep_answer *a)
{
    switch (number(a, SCEP_OID_STATUS)) {
    case SCEP_SUCCESS:
        return SCEP_SUCCESS;
    case SCEP_FAILURE:
        return SCEP_FAILURE;
    case SCEP_PENDING:
        return SCEP_PENDING;
    default:
        return SCEP_UNKNOWN;
    }
}

void scep_answer_fail_info(const struct scep_answer *a, struct text *t)
{
    static const char *const words[] = {
        "badAlg - unrecognized or unsupported algorithm identifier",
        "badMessageCheck - integrity check failed",
        "badRequest - transaction not permitted or supported",
        "badTime - Message time field was not sufficiently close to the system time",
        "badCertId - No certificate could be identified matching the provided criteria",
    };
    int n = number(a, SCEP_OID_FAIL_INFO);
    if (n >= 0 && n < (int)ARRAY_LEN(words))
        text_str(t, words[n]);
    else if (n >= 0)
        text_printf(t, "unknown reason %d", n);
}

void scep_answer_fail_text(const struct scep_answer *a, struct text *t)
{
    text_safe(t, attribute(a, SCEP_OID_FAIL_TEXT, V_ASN1_UTF8STRING));
}

static bool open_envelope(const struct scep_answer *a, X509 *recipient, const struct pkey *key, BIO *out)
{
    uint8_t *der = NULL;
    long len = BIO_get_mem_data(a->content, &der);
    const uint8_t *at = der;
    CMS_ContentInfo *envelope = len > 0 ? d2i_CMS_ContentInfo(NULL, &at, len) : NULL;
    bool is_ok = envelope && OBJ_obj2nid(CMS_get0_type(envelope)) == NID_pkcs7_enveloped && recipient &&
                 CMS_decrypt(envelope, pkey_evp(key), recipient, NULL, out, CMS_BINARY) == 1;
    CMS_ContentInfo_free(envelope);
    return is_ok;
}

bool scep_answer_certs(const struct scep_answer *a, const struct cert *recipient, const struct pkey *key,
                       struct certs_only *out, struct diag *d)
{
    *out = (struct certs_only){0};
    X509 *x = as_x509(recipient);
    BIO *opened = BIO_new(BIO_s_mem());
    uint8_t *der = NULL;
    bool is_open = opened && open_envelope(a, x, key, opened);
    long len = is_open ? BIO_get_mem_data(opened, &der) : 0;
    bool is_ok = is_open && certs_only_read(span_of(der, len > 0 ? (size_t)len : 0), out, d);
    if (!is_open) {
        diag_set(d, FAIL_GENERIC, "could not decrypt envelopedData");
        diag_expected(d, "certificates encrypted for the key that signed the request");
    }
    X509_free(x);
    BIO_free(opened);
    ERR_clear_error();
    return is_ok;
}
