/* SPDX-License-Identifier: Apache-2.0 */
/* Signing what is issued: which digest a key takes, PKCS#1 v1.5 or PSS (RFC 4055), EdDSA without any (RFC
 * 8410). MD5 is refused: whoever has a certificate with it can make others of the same issuer. */
#include "pki/cert_impl.h"
#include "pki/issue/issue_impl.h"
#include <openssl/err.h>
#include <openssl/rsa.h>

static const struct {
    const char *word, *name; /* of --digest; OpenSSL's */
} digests[] = {
    {"sha1",     "SHA1"    },
    {"sha224",   "SHA224"  },
    {"sha256",   "SHA256"  },
    {"sha384",   "SHA384"  },
    {"sha512",   "SHA512"  },
    {"sha3_224", "SHA3-224"},
    {"sha3_256", "SHA3-256"},
    {"sha3_384", "SHA3-384"},
    {"sha3_512", "SHA3-512"},
};

/* [SP800-57] for RSA */
const char *issue_usual_digest(const struct pkey *k)
{
    unsigned bits = pkey_bits(k), weak = pkey_type(k) == PKEY_RSA ? 3072 : 256,
             middle = weak == 256 ? 384 : 7680;
    return bits <= weak ? "sha256" : bits <= middle ? "sha384" : "sha512";
}

static const EVP_MD *find_digest(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        if (!strcasecmp(digests[i].word, word))
            return EVP_get_digestbyname(digests[i].name);
    }
    return NULL;
}

bool issue_times_fit(int64_t from, int64_t to, struct diag *d)
{
    const int64_t year_0 = -62167219200, last = 253402300799; /* 9999-12-31 23:59:59 [RFC5280#4.1.2.5] */
    if (from > to)
        diag_set(d, FAIL_USAGE, "the end would be before the beginning");
    else if (from < year_0 || to > last)
        diag_set(d, FAIL_USAGE, "the dates go beyond the year 9999");
    return from <= to && from >= year_0 && to <= last;
}

bool issue_key_fits(const struct cert *issuer, const struct issue_signer *by, struct diag *d)
{
    if (pkey_same(issuer->key, by->key))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the private key is not that of the certificate of %s",
             issuer->subject_text);
    return false;
}

EVP_MD_CTX *issue_signing(const struct issue_signer *by, struct diag *d)
{
    enum pkey_type type = pkey_type(by->key);
    bool has_digest = type == PKEY_RSA || type == PKEY_ECDSA;
    const char *word = by->digest ? by->digest : issue_usual_digest(by->key);
    const EVP_MD *md = has_digest ? find_digest(word) : NULL;
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (has_digest && !md) {
        diag_set(d, FAIL_USAGE, "no signatures are made with %s", word);
        diag_expected(d, "sha256, sha384 or sha512");
        EVP_MD_CTX_free(ctx);
        return NULL;
    }
    bool is_ok =
        ctx && pkey_is_private(by->key) && EVP_DigestSignInit(ctx, &pctx, md, NULL, pkey_evp(by->key)) == 1;
    if (is_ok && type == PKEY_RSA && by->is_pss)
        is_ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
                EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) > 0;
    if (is_ok)
        return ctx;
    ERR_clear_error();
    diag_set(d, FAIL_GENERIC, "the %s cannot sign with %s", pkey_type_name(by->key),
             md ? word : "its own scheme");
    EVP_MD_CTX_free(ctx);
    return NULL;
}

bool issue_take(struct arena *a, unsigned char *encoded, int len, const char *what, struct span *der,
                struct diag *d)
{
    ERR_clear_error();
    if (len > 0)
        *der = arena_dup(a, span_of(encoded, (size_t)len));
    else
        diag_set(d, FAIL_GENERIC, "OpenSSL cannot sign a %s with this key, digest and padding", what);
    OPENSSL_free(encoded);
    return len > 0;
}
