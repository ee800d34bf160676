/* SPDX-License-Identifier: Apache-2.0 */
/* Signing what is issued with a key that is elsewhere, on a token: OpenSSL cannot, so that the part that is
 * signed, its AlgorithmIdentifier and the signature are put together here: SIGNED{} of RFC 5912, which
 * certificates, requests, revocation lists and attribute certificates have in common. */
#include "base/wr.h"
#include "pki/issue/issue_impl.h"
#include <openssl/err.h>

enum { ALGORITHM_MAX = 128 };

static enum hash_id hash_of(const char *word)
{
    static const struct {
        const char *word;
        enum hash_id hash;
    } rows[] = {
        {"sha256", HASH_SHA256},
        {"sha384", HASH_SHA384},
        {"sha512", HASH_SHA512},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (!strcasecmp(rows[i].word, word))
            return rows[i].hash;
    }
    return HASH_IDENTITY;
}

static bool scheme_of(const struct issue_signer *by, struct sig_scheme *out, struct diag *d)
{
    enum pkey_type type = pkey_type(by->key);
    bool has_digest = type == PKEY_RSA || type == PKEY_ECDSA;
    const char *word = by->digest ? by->digest : issue_usual_digest(by->key);
    *out = (struct sig_scheme){.type = type,
                               .hash = has_digest ? hash_of(word) : HASH_IDENTITY,
                               .is_pss = by->is_pss && type == PKEY_RSA};
    if (!has_digest || out->hash != HASH_IDENTITY)
        return true;
    diag_set(d, FAIL_USAGE, "no signatures are made on tokens with %s", word);
    diag_expected(d, "sha256, sha384 or sha512");
    return false;
}

X509_ALGOR *issue_algorithm(const struct issue_signer *by, struct diag *d)
{
    uint8_t der[ALGORITHM_MAX];
    const uint8_t *at = der;
    struct wr w = wr_over(der, sizeof(der));
    struct sig_scheme s;
    if (!scheme_of(by, &s, d))
        return NULL;
    X509_ALGOR *algorithm =
        sig_scheme_encode(s, &w) && wr_ok(&w) ? d2i_X509_ALGOR(NULL, &at, (long)w.len) : NULL;
    if (!algorithm)
        diag_set(d, FAIL_GENERIC, "the %s cannot sign so", pkey_type_name(by->key));
    return algorithm;
}

/* An empty list with the algorithm inside, which OpenSSL lets nobody set. */
X509_CRL *issue_crl_with(const X509_ALGOR *algorithm)
{
    static const uint8_t issuer_and_date[] = {0x30, 0x00, 0x17, 0x0d, '7', '0', '0', '1', '0',
                                              '1',  '0',  '0',  '0',  '0', '0', '0', 'Z'};
    static const uint8_t no_signature[] = {0x03, 0x01, 0x00};
    uint8_t inner[ALGORITHM_MAX], buf[3 * ALGORITHM_MAX], *p = inner;
    int alg_len = i2d_X509_ALGOR(algorithm, NULL);
    if (alg_len <= 0 || alg_len > (int)sizeof(inner) || i2d_X509_ALGOR(algorithm, &p) != alg_len)
        return NULL;
    int tbs_len = alg_len + (int)sizeof(issuer_and_date);
    int all = ASN1_object_size(1, tbs_len, V_ASN1_SEQUENCE) + alg_len + (int)sizeof(no_signature);
    if (ASN1_object_size(1, all, V_ASN1_SEQUENCE) > (int)sizeof(buf))
        return NULL;
    p = buf;
    ASN1_put_object(&p, 1, all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    ASN1_put_object(&p, 1, tbs_len, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(p, inner, (size_t)alg_len);
    p += alg_len;
    memcpy(p, issuer_and_date, sizeof(issuer_and_date));
    p += sizeof(issuer_and_date);
    memcpy(p, inner, (size_t)alg_len);
    p += alg_len;
    memcpy(p, no_signature, sizeof(no_signature));
    p += sizeof(no_signature);
    const uint8_t *at = buf;
    return d2i_X509_CRL(NULL, &at, (long)(p - buf));
}

static struct span put_together(struct arena *a, struct span tbs, const X509_ALGOR *algorithm,
                                struct span sig)
{
    int alg_len = i2d_X509_ALGOR(algorithm, NULL), bits = (int)sig.len + 1;
    int all = (int)tbs.len + alg_len + ASN1_object_size(0, bits, V_ASN1_BIT_STRING);
    size_t len = (size_t)ASN1_object_size(1, all, V_ASN1_SEQUENCE);
    uint8_t *out = arena_alloc(a, len), *p = out;
    ASN1_put_object(&p, 1, all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
    memcpy(p, tbs.ptr, tbs.len);
    p += tbs.len;
    i2d_X509_ALGOR(algorithm, &p);
    ASN1_put_object(&p, 0, bits, V_ASN1_BIT_STRING, V_ASN1_UNIVERSAL);
    *p++ = 0; /* no unused bits */
    memcpy(p, sig.ptr, sig.len);
    return span_of(out, len);
}

bool issue_sign_elsewhere(struct arena *a, const struct issue_signer *by, unsigned char *tbs, int len,
                          const X509_ALGOR *algorithm, struct span *der, struct diag *d)
{
    struct secret sig = {0};
    struct sig_scheme s;
    bool is_ok =
        len > 0 && scheme_of(by, &s, d) && pkey_sign_raw(by->key, s, span_of(tbs, (size_t)len), &sig);
    if (is_ok)
        *der = put_together(a, span_of(tbs, (size_t)len), algorithm, secret_view(&sig));
    else if (!diag_failed(d))
        diag_set(d, FAIL_GENERIC, "the token does not sign with this %s, digest and padding",
                 pkey_type_name(by->key));
    secret_free(&sig);
    OPENSSL_free(tbs);
    ERR_clear_error();
    return is_ok;
}
