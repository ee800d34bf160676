/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as the numbers they are made of, for formats that are not ASN.1. See pkey_impl.h. */
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

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
    EVP_PKEY *evp = NULL;
    OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (params && ctx && EVP_PKEY_fromdata_init(ctx) > 0 &&
        EVP_PKEY_fromdata(ctx, &evp, EVP_PKEY_PUBLIC_KEY, params) <= 0)
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
    EVP_PKEY *evp = BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) ? from_params("RSA", build) : NULL;
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
    EVP_PKEY *evp = from_params("EC", build);
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
