/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --gen`: a new private key. RSA is written as PKCS#1 (RFC 8017), ECDSA as SEC1 (RFC 5915), EdDSA as
 * PKCS#8 (RFC 8410). Not here: shares of RSA keys. */
#include "bin/pki/commands.h"
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/encoder.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

static const struct pki_option options[] = {
    {"type",      't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448", "rsa", "type of key", 0, 0},
    {"size", 's', PKI_NUMBER, "bits", NULL, "keylength in bits, default: rsa 2048, ecdsa 384", 0, 0},
    {"safe-primes",      'p', PKI_SWITCH, NULL, NULL, "generate rsa safe primes", 0, 0},
    {"shares",          'n', PKI_NUMBER, "n", NULL, "number of private rsa key shares; not served", 0, 0},
    {"threshold",           'l', PKI_NUMBER, "l", NULL, "least number of shares that sign; not served", 0, 0},
    {"outform",        'f', PKI_CHOICE, "der|pem", "der", "encoding of the private key", 0, 0},
    {0    },
};

enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 8192, RSA_EXPONENT = 65537 };

struct shape {
    const char *name;      /* as --type says it */
    const char *algorithm; /* OpenSSL's */
    const char *structure; /* how it is written */
    const char *label;     /* in PEM */
    unsigned bits;         /* when --size does not say; 0: --size does not matter */
};

static const struct shape shapes[] = {
    {"rsa",     "RSA",     "type-specific",  "RSA PRIVATE KEY", 2048},
    {"ecdsa",   "EC",      "type-specific",  "EC PRIVATE KEY",  384 },
    {"ed25519", "ED25519", "PrivateKeyInfo", "PRIVATE KEY",     0   },
    {"ed448",   "ED448",   "PrivateKeyInfo", "PRIVATE KEY",     0   },
};

static const char *curve_of(unsigned bits)
{
    return bits == 256 ? "prime256v1" : bits == 384 ? "secp384r1" : bits == 521 ? "secp521r1" : NULL;
}

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

/* (p - 1) / 2 and (q - 1) / 2 are prime as well. */
static EVP_PKEY *make_safe_rsa(unsigned bits)
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

static EVP_PKEY *make_key(const struct shape *s, unsigned bits, bool has_safe_primes)
{
    if (!strcmp(s->algorithm, "RSA"))
        return has_safe_primes ? make_safe_rsa(bits) : EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)bits);
    if (!strcmp(s->algorithm, "EC"))
        return EVP_PKEY_Q_keygen(NULL, NULL, "EC", curve_of(bits));
    return EVP_PKEY_Q_keygen(NULL, NULL, s->algorithm);
}

static int write_key(const struct pki_run *r, const struct shape *s, EVP_PKEY *key)
{
    unsigned char *der = NULL;
    size_t len = 0;
    int code = 1;
    OSSL_ENCODER_CTX *ctx = OSSL_ENCODER_CTX_new_for_pkey(key, EVP_PKEY_KEYPAIR, "DER", s->structure, NULL);
    if (ctx && OSSL_ENCODER_to_data(ctx, &der, &len))
        code = pki_write(r, s->label, span_of(der, len));
    else
        fprintf(stderr, "%s --gen: cannot encode the key\n", r->program);
    OSSL_ENCODER_CTX_free(ctx);
    OPENSSL_clear_free(der, len);
    return code;
}

static int run(struct pki_run *r)
{
    const struct shape *s = shapes;
    while (strcasecmp(s->name, pki_get(r, "type")) != 0)
        s++;
    unsigned bits = (unsigned)pki_number(r, "size", s->bits);
    if (pki_has(r, "shares") || pki_has(r, "threshold"))
        return pki_refuse(r, "shares of RSA keys are not made");
    if (s == shapes && (bits < RSA_BITS_MIN || bits > RSA_BITS_MAX))
        return pki_refuse(r, "invalid --size %u: expected %d to %d bits for rsa", bits, RSA_BITS_MIN,
                          RSA_BITS_MAX);
    if (!strcmp(s->name, "ecdsa") && !curve_of(bits))
        return pki_refuse(r, "invalid --size %u: expected 256, 384 or 521 bits for ecdsa", bits);
    EVP_PKEY *key = make_key(s, bits, pki_has(r, "safe-primes"));
    if (!key) {
        fprintf(stderr, "%s --gen: private key generation failed\n", r->program);
        return 1;
    }
    int code = write_key(r, s, key);
    EVP_PKEY_free(key);
    return code;
}

const struct pki_command pki_cmd_gen = {
    .name = "gen", .letter = 'g', .doc = "generate a new private key", .options = options, .run = run};
