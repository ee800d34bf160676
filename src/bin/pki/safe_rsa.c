/* SPDX-License-Identifier: Apache-2.0 */
/* RSA keys of safe primes: (p - 1) / 2 and (q - 1) / 2 are prime as well. Finding them takes minutes. */
#include "bin/pki/commands.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/x509.h>

enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 8192, RSA_EXPONENT = 65537 };

/* The key of two primes, p the larger one. */
static EVP_PKEY *rsa_of(BIGNUM *p, BIGNUM *q, BN_CTX *ctx)
{
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *from = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *key = NULL;
    OSSL_PARAM *params = NULL;
    BIGNUM *p1 = BN_CTX_get(ctx), *q1 = BN_CTX_get(ctx), *phi = BN_CTX_get(ctx), *v[6];
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        v[i] = BN_CTX_get(ctx); /* n, e, d, d mod p-1, d mod q-1, 1/q mod p */
    bool is_ok = v[5] && BN_mul(v[0], p, q, ctx) && BN_set_word(v[1], RSA_EXPONENT) &&
                 BN_sub(p1, p, BN_value_one()) && BN_sub(q1, q, BN_value_one()) && BN_mul(phi, p1, q1, ctx) &&
                 BN_mod_inverse(v[2], v[1], phi, ctx) && BN_mod(v[3], v[2], p1, ctx) &&
                 BN_mod(v[4], v[2], q1, ctx) && BN_mod_inverse(v[5], q, p, ctx);
    const struct {
        const char *name;
        const BIGNUM *value;
    } parts[] = {
        {OSSL_PKEY_PARAM_RSA_N,            v[0]},
        {OSSL_PKEY_PARAM_RSA_E,            v[1]},
        {OSSL_PKEY_PARAM_RSA_D,            v[2]},
        {OSSL_PKEY_PARAM_RSA_FACTOR1,      p   },
        {OSSL_PKEY_PARAM_RSA_FACTOR2,      q   },
        {OSSL_PKEY_PARAM_RSA_EXPONENT1,    v[3]},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2,    v[4]},
        {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, v[5]},
    };
    for (size_t i = 0; is_ok && i < ARRAY_LEN(parts); i++)
        is_ok = OSSL_PARAM_BLD_push_BN(build, parts[i].name, parts[i].value);
    if (is_ok && (params = OSSL_PARAM_BLD_to_param(build)) && EVP_PKEY_fromdata_init(from) == 1)
        EVP_PKEY_fromdata(from, &key, EVP_PKEY_KEYPAIR, params);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(from);
    return key;
}

static EVP_PKEY *make(unsigned bits)
{
    BN_CTX *ctx = BN_CTX_secure_new();
    EVP_PKEY *key = NULL;
    BN_CTX_start(ctx);
    BIGNUM *p = BN_CTX_get(ctx), *q = BN_CTX_get(ctx);
    bool is_ok = q && BN_generate_prime_ex(p, (int)(bits - bits / 2), 1, NULL, NULL, NULL);
    do
        is_ok = is_ok && BN_generate_prime_ex(q, (int)(bits / 2), 1, NULL, NULL, NULL);
    while (is_ok && !BN_cmp(p, q));
    if (is_ok && BN_cmp(p, q) < 0)
        BN_swap(p, q);
    if (is_ok)
        key = rsa_of(p, q, ctx);
    BN_CTX_end(ctx);
    BN_CTX_free(ctx);
    return key;
}

struct pkey *pki_safe_rsa(unsigned bits, struct diag *d)
{
    unsigned char *der = NULL;
    struct pkey *k = NULL;
    if (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX) {
        diag_set(d, FAIL_USAGE, "no RSA key of %u bits is made", bits);
        diag_expected(d, "%d to %d bits", RSA_BITS_MIN, RSA_BITS_MAX);
        return NULL;
    }
    EVP_PKEY *evp = make(bits);
    int len = evp ? i2d_PrivateKey(evp, &der) : -1;
    if (len > 0)
        k = pkey_load_private(span_of(der, (size_t)len), span_of(NULL, 0), d);
    else
        diag_set(d, FAIL_GENERIC, "OpenSSL finds no safe primes");
    if (len > 0)
        OPENSSL_clear_free(der, (size_t)len);
    EVP_PKEY_free(evp);
    return k;
}
