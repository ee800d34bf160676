/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as the numbers they are made of, for formats that are not ASN.1. See pkey_impl.h. */
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>

/* Padded to len; as short as it can be when len is 0. */
static bool get_number(const struct pkey *k, const char *name, size_t len, uint8_t *out, size_t *out_len)
{
    BIGNUM *n = NULL;
    bool is_ok = EVP_PKEY_get_bn_param(k->evp, name, &n) == 1;
    len = is_ok && !len ? (size_t)BN_num_bytes(n) : len;
    is_ok = is_ok && len <= PKEY_PART_MAX && BN_bn2binpad(n, out, (int)len) == (int)len;
    BN_free(n);
    *out_len = len;
    return is_ok;
}

bool pkey_parts_get(const struct pkey *k, struct pkey_parts *p)
{
    size_t field = (k->bits + 7) / 8;
    *p = (struct pkey_parts){.first_len = sizeof(p->first)};
    switch (k->type) {
    case PKEY_RSA:
        return get_number(k, OSSL_PKEY_PARAM_RSA_N, 0, p->first, &p->first_len) &&
               get_number(k, OSSL_PKEY_PARAM_RSA_E, 0, p->second, &p->second_len);
    case PKEY_ECDSA:
        return EVP_PKEY_get_group_name(k->evp, p->curve, sizeof(p->curve), NULL) &&
               get_number(k, OSSL_PKEY_PARAM_EC_PUB_X, field, p->first, &p->first_len) &&
               get_number(k, OSSL_PKEY_PARAM_EC_PUB_Y, field, p->second, &p->second_len);
    default:
        return EVP_PKEY_get_raw_public_key(k->evp, p->first, &p->first_len) == 1;
    }
}

void pkey_ckaid(const struct pkey *k, uint8_t out[20])
{
    struct pkey_parts p;
    if (!pkey_parts_get(k, &p)) {
        pkey_keyid(k, out);
        return;
    }
    bool is_point = k->type == PKEY_ECDSA;
    struct span number[] = {span_of("\4", is_point), span_of(p.first, p.first_len),
                            span_of(p.second, is_point ? p.second_len : 0)};
    hash_digest(HASH_SHA1, number, ARRAY_LEN(number), out);
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build, int selection)
{
    EVP_PKEY *evp = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &evp, selection, params) <= 0)
        evp = NULL;
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_free(params);
    ERR_clear_error();
    return evp;
}

static EVP_PKEY *make_rsa(struct span modulus, struct span exponent)
{
    if (!modulus.len || modulus.len > PKEY_PART_MAX || !exponent.len || exponent.len > PKEY_PART_MAX)
        return NULL;
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    BIGNUM *n = BN_bin2bn(modulus.ptr, (int)modulus.len, NULL);
    BIGNUM *e = BN_bin2bn(exponent.ptr, (int)exponent.len, NULL);
    if (!build || !n || !e || !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) ||
        !OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
        evp_panic("RSA key");
    EVP_PKEY *evp = from_params("RSA", build, EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(build);
    BN_free(n);
    BN_free(e);
    return evp;
}

/* The curve's equation is checked as the point is read. */
static EVP_PKEY *make_ec(const char *curve, struct span x, struct span y)
{
    uint8_t point[1 + 2 * 66];
    if (!x.len || x.len != y.len || 1 + 2 * x.len > sizeof(point))
        return NULL;
    point[0] = 0x04;
    memcpy(point + 1, x.ptr, x.len);
    memcpy(point + 1 + x.len, y.ptr, y.len);
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    if (!build || !OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) ||
        !OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2 * x.len))
        evp_panic("EC key");
    EVP_PKEY *evp = from_params("EC", build, EVP_PKEY_PUBLIC_KEY);
    OSSL_PARAM_BLD_free(build);
    return evp;
}

EVP_PKEY *pkey_parts_make(enum pkey_type type, const char *curve, struct span first, struct span second)
{
    if (type == PKEY_RSA)
        return make_rsa(first, second);
    if (type == PKEY_ECDSA)
        return make_ec(curve, first, second);
    EVP_PKEY *evp = EVP_PKEY_new_raw_public_key_ex(NULL, type == PKEY_ED25519 ? "ED25519" : "ED448", NULL,
                                                   first.ptr, first.len);
    ERR_clear_error();
    return evp;
}

/* ---- private keys */

struct numbers {
    OSSL_PARAM_BLD *build;
    BIGNUM *v[8];
    size_t n;
    bool is_ok;
};

static BIGNUM *keep(struct numbers *s, const char *name, BIGNUM *n)
{
    if (!n || s->n == ARRAY_LEN(s->v))
        evp_panic("private key");
    s->v[s->n++] = n;
    s->is_ok = s->is_ok && OSSL_PARAM_BLD_push_BN(s->build, name, n);
    return n;
}

/* In OpenSSL's secure heap, where there is one. */
static BIGNUM *push(struct numbers *s, const char *name, struct span bytes)
{
    BIGNUM *n = BN_secure_new();
    s->is_ok = s->is_ok && bytes.len && bytes.len <= PKEY_PART_MAX + 1;
    if (n && s->is_ok && !BN_bin2bn(bytes.ptr, (int)bytes.len, n))
        evp_panic("private key");
    return keep(s, name, n);
}

/* d mod (prime - 1), which the Chinese remainder theorem wants. */
static void push_exponent(struct numbers *s, const char *name, const BIGNUM *d, const BIGNUM *prime)
{
    BN_CTX *ctx = BN_CTX_secure_new();
    BIGNUM *less = BN_secure_new(), *out = BN_secure_new();
    if (!ctx || !less || !out)
        evp_panic("private key");
    s->is_ok = s->is_ok && !BN_is_zero(prime) && !BN_is_one(prime) && BN_sub(less, prime, BN_value_one()) &&
               BN_mod(out, d, less, ctx);
    BN_clear_free(less);
    BN_CTX_free(ctx);
    keep(s, name, out);
}

static void push_rsa(struct numbers *s, const struct pkey_private_parts *p)
{
    push(s, OSSL_PKEY_PARAM_RSA_N, p->n);
    push(s, OSSL_PKEY_PARAM_RSA_E, p->e);
    const BIGNUM *d = push(s, OSSL_PKEY_PARAM_RSA_D, p->d);
    const BIGNUM *first = push(s, OSSL_PKEY_PARAM_RSA_FACTOR1, p->p);
    const BIGNUM *second = push(s, OSSL_PKEY_PARAM_RSA_FACTOR2, p->q);
    push_exponent(s, OSSL_PKEY_PARAM_RSA_EXPONENT1, d, first);
    push_exponent(s, OSSL_PKEY_PARAM_RSA_EXPONENT2, d, second);
    push(s, OSSL_PKEY_PARAM_RSA_COEFFICIENT1, p->iqmp);
}

static void push_ec(struct numbers *s, const struct pkey_private_parts *p)
{
    s->is_ok =
        p->point.len && p->point.len <= 133 &&
        OSSL_PARAM_BLD_push_utf8_string(s->build, OSSL_PKEY_PARAM_GROUP_NAME, p->curve, 0) &&
        OSSL_PARAM_BLD_push_octet_string(s->build, OSSL_PKEY_PARAM_PUB_KEY, p->point.ptr, p->point.len);
    push(s, OSSL_PKEY_PARAM_PRIV_KEY, p->scalar);
}

EVP_PKEY *pkey_private_make(enum pkey_type type, const struct pkey_private_parts *p)
{
    EVP_PKEY *evp = NULL;
    struct numbers s = {.build = OSSL_PARAM_BLD_new(), .is_ok = true};
    if (!s.build)
        evp_panic("private key");
    if (type == PKEY_RSA)
        push_rsa(&s, p);
    else
        push_ec(&s, p);
    if (s.is_ok)
        evp = from_params(type == PKEY_RSA ? "RSA" : "EC", s.build, EVP_PKEY_KEYPAIR);
    OSSL_PARAM_BLD_free(s.build);
    for (size_t i = 0; i < s.n; i++)
        BN_clear_free(s.v[i]);
    ERR_clear_error();
    return evp;
}
