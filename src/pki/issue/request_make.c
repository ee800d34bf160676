/* SPDX-License-Identifier: Apache-2.0 */
/* Making certificate requests (RFC 2986): the extensions that are asked for (RFC 2985 section 5.4.2) and a
 * challenge password (section 5.4.1). See issue.h. */
#include "pki/issue/issue_impl.h"
#include "pki/issue/request.h"
#include <openssl/err.h>

static bool put_profile(STACK_OF(X509_EXTENSION) * *list, struct span profile)
{
    unsigned char *der = NULL;
    ASN1_UTF8STRING *s = profile.len ? ASN1_UTF8STRING_new() : NULL;
    if (!profile.len)
        return true;
    int len = s && ASN1_STRING_set(s, profile.ptr, (int)profile.len) ? i2d_ASN1_UTF8STRING(s, &der) : -1;
    bool is_ok = len > 0 && issue_ext_add_bytes(list, REQUEST_PROFILE_OID, false, span_of(der, (size_t)len));
    OPENSSL_free(der);
    ASN1_UTF8STRING_free(s);
    return is_ok;
}

static bool put_attributes(X509_REQ *x, const struct issue_request *r)
{
    STACK_OF(X509_EXTENSION) *list = NULL;
    bool is_ok = issue_ext_add_names(&list, r->names, r->more_names) && put_profile(&list, r->profile) &&
                 (!list || X509_REQ_add_extensions(x, list));
    sk_X509_EXTENSION_pop_free(list, X509_EXTENSION_free);
    if (is_ok && r->password.len)
        is_ok = X509_REQ_add1_attr_by_NID(x, NID_pkcs9_challengePassword, V_ASN1_UTF8STRING, r->password.ptr,
                                          (int)r->password.len);
    return is_ok;
}

static bool sign(struct arena *a, X509_REQ *x, const struct issue_signer *by, struct span *der,
                 struct diag *d)
{
    unsigned char *encoded = NULL;
    EVP_MD_CTX *ctx = issue_signing(by, d);
    int len = ctx && X509_REQ_sign_ctx(x, ctx) > 0 ? i2d_X509_REQ(x, &encoded) : -1;
    bool is_ok = ctx && issue_take(a, encoded, len, "certificate request", der, d);
    EVP_MD_CTX_free(ctx);
    return is_ok;
}

static bool sign_elsewhere(struct arena *a, X509_REQ *x, const struct issue_signer *by, struct span *der,
                           struct diag *d)
{
    unsigned char *tbs = NULL;
    X509_ALGOR *algorithm = issue_algorithm(by, d);
    int len = algorithm ? i2d_re_X509_REQ_tbs(x, &tbs) : -1;
    bool is_ok = algorithm && issue_sign_elsewhere(a, by, tbs, len, algorithm, der, d);
    X509_ALGOR_free(algorithm);
    return is_ok;
}

bool issue_request(struct arena *a, const struct issue_request *r, const struct issue_signer *by,
                   struct span *der, struct diag *d)
{
    struct issue_signer own = {.key = r->key, .digest = by->digest, .is_pss = by->is_pss};
    X509_REQ *x = X509_REQ_new();
    X509_NAME *subject = issue_x509_name(r->subject);
    bool is_ok = x && subject && X509_REQ_set_version(x, X509_REQ_VERSION_1) &&
                 X509_REQ_set_subject_name(x, subject) && X509_REQ_set_pubkey(x, pkey_evp(r->key)) &&
                 put_attributes(x, r);
    if (!is_ok)
        diag_set(d, FAIL_USAGE, "the contents of the certificate request cannot be encoded");
    is_ok = is_ok && (pkey_is_elsewhere(r->key) ? sign_elsewhere : sign)(a, x, &own, der, d);
    X509_NAME_free(subject);
    X509_REQ_free(x);
    ERR_clear_error();
    return is_ok;
}
