/* SPDX-License-Identifier: Apache-2.0 */
/* The key object: which kinds of key are served, their SubjectPublicKeyInfo and key id (RFC 5280 sections 4.1
 * and 4.2.1.2). Loading is in pkey_load.c, signatures are in pkey_sign.c. See pkey.h. Not here: DSA, curves
 * beside the named ones below, EC parameters spelled out. */
#include "base/arena.h"
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <openssl/asn1t.h>
#include <openssl/core_names.h>
#include <openssl/x509.h>
#include <stdlib.h>

/* Below: refused as too weak. Above: a peer could make us compute for long. */
enum { RSA_BITS_MIN = 1024, RSA_BITS_MAX = 8192 };

static const char *const curves[] = {"prime256v1",      "secp384r1",       "secp521r1",
                                     "brainpoolP256r1", "brainpoolP384r1", "brainpoolP512r1"};

static bool curve_is_served(const EVP_PKEY *evp, char *name, size_t cap)
{
    int is_explicit = 0;
    OSSL_PARAM ask[] = {
        OSSL_PARAM_construct_int(OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &is_explicit),
        OSSL_PARAM_construct_end(),
    };
    name[0] = '\0';
    EVP_PKEY_get_params(evp, ask);
    if (is_explicit || !EVP_PKEY_get_group_name(evp, name, cap, NULL))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (strcmp(curves[i], name) == 0)
            return true;
    }
    return false;
}

static bool is_odd(const EVP_PKEY *evp, const char *name)
{
    BIGNUM *n = NULL;
    bool is_ok = EVP_PKEY_get_bn_param(evp, name, &n) == 1 && BN_is_odd(n) && !BN_is_one(n);
    BN_free(n);
    return is_ok;
}

static bool check_rsa(const struct pkey *k, struct diag *d)
{
    if (k->bits < RSA_BITS_MIN || k->bits > RSA_BITS_MAX) {
        diag_set(d, FAIL_CERTIFICATE, "RSA key of %u bits refused", k->bits);
        diag_expected(d, "%d to %d bits", RSA_BITS_MIN, RSA_BITS_MAX);
        return false;
    }
    if (is_odd(k->evp, OSSL_PKEY_PARAM_RSA_N) && is_odd(k->evp, OSSL_PKEY_PARAM_RSA_E))
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the numbers of the RSA key are no key");
    diag_expected(d, "an odd modulus and an odd exponent above 1");
    return false;
}

static bool check_kind(struct pkey *k, struct diag *d)
{
    char curve[64];
    int id = EVP_PKEY_get_base_id(k->evp);
    int bits = EVP_PKEY_get_bits(k->evp);
    k->bits = bits > 0 ? (unsigned)bits : 0;
    switch (id) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
        k->type = PKEY_RSA;
        k->is_pss_only = id == EVP_PKEY_RSA_PSS;
        return check_rsa(k, d);
    case EVP_PKEY_EC:
        k->type = PKEY_ECDSA;
        if (curve_is_served(k->evp, curve, sizeof(curve)))
            return true;
        diag_set(d, FAIL_CERTIFICATE, "elliptic curve not supported");
        diag_expected(d, "a named curve: P-256, P-384, P-521 or brainpool r1 of 256, 384 or 512 bits");
        diag_got(d, "%s", curve[0] ? curve : "a curve without a name");
        return false;
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
        k->type = id == EVP_PKEY_ED25519 ? PKEY_ED25519 : PKEY_ED448;
        return true;
    default:
        diag_set(d, FAIL_CERTIFICATE, "kind of key not supported");
        diag_expected(d, "RSA, ECDSA, Ed25519 or Ed448");
        diag_got(d, "%s", OBJ_nid2sn(id) ? OBJ_nid2sn(id) : "an unknown algorithm");
        return false;
    }
}

/* SubjectPublicKeyInfo (RFC 5280 section 4.1), for its BIT STRING alone: d2i_X509_PUBKEY() would look for a
 * decoder of the key, which takes as long as a signature. */
struct key_info {
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *bits;
};

/* clang-format off */
ASN1_SEQUENCE(key_info) = {
    ASN1_SIMPLE(struct key_info, algorithm, X509_ALGOR),
    ASN1_SIMPLE(struct key_info, bits, ASN1_BIT_STRING),
} static_ASN1_SEQUENCE_END_name(struct key_info, key_info)
    /* clang-format on */

    static bool fill_spki(struct pkey * k, struct span spki)
{
    uint8_t *encoded = NULL;
    if (!spki.len) {
        int len = i2d_PUBKEY(k->evp, &encoded);
        if (len <= 0)
            return false;
        spki = span_of(encoded, (size_t)len);
    }
    k->spki = mem_new(spki.len);
    k->spki_len = spki.len;
    memcpy(k->spki, spki.ptr, spki.len);
    OPENSSL_free(encoded);

    const uint8_t *at = k->spki;
    struct key_info *info =
        (struct key_info *)ASN1_item_d2i(NULL, &at, (long)k->spki_len, ASN1_ITEM_rptr(key_info));
    bool is_ok = info && info->bits->length > 0;
    if (is_ok) {
        struct span bits = span_of(info->bits->data, (size_t)info->bits->length);
        hash_digest(HASH_SHA1, &bits, 1, k->keyid);
        k->bits_len = bits.len; /* they stand last */
        is_ok =
            k->spki_len > k->bits_len && memcmp(k->spki + k->spki_len - bits.len, bits.ptr, bits.len) == 0;
    }
    ASN1_item_free((ASN1_VALUE *)info, ASN1_ITEM_rptr(key_info));
    return is_ok;
}

struct pkey *pkey_wrap_take(EVP_PKEY *evp, bool is_private, struct span spki, struct diag *d)
{
    struct pkey *k = mem_new(sizeof(*k));
    atomic_init(&k->refs, 1);
    k->evp = evp;
    k->is_private = is_private;
    if (!check_kind(k, d)) {
        pkey_unref(k);
        return NULL;
    }
    if (!fill_spki(k, spki)) {
        diag_set(d, FAIL_CERTIFICATE, "the key has no public part that can be encoded");
        pkey_unref(k);
        return NULL;
    }
    return k;
}

struct pkey *pkey_ref(struct pkey *k)
{
    atomic_fetch_add_explicit(&k->refs, 1, memory_order_relaxed);
    return k;
}

void pkey_unref(struct pkey *k)
{
    if (!k || atomic_fetch_sub_explicit(&k->refs, 1, memory_order_acq_rel) != 1)
        return;
    if (k->signer.release)
        k->signer.release(k->signer.ctx);
    EVP_PKEY_free(k->evp); /* wipes private parts */
    free(k->spki);
    free(k);
}

enum pkey_type pkey_type(const struct pkey *k)
{
    return k->type;
}

const char *pkey_type_name(const struct pkey *k)
{
    static const char *const names[] = {[PKEY_RSA] = "RSA key",
                                        [PKEY_ECDSA] = "ECDSA key",
                                        [PKEY_ED25519] = "Ed25519 key",
                                        [PKEY_ED448] = "Ed448 key"};
    return names[k->type];
}

unsigned pkey_bits(const struct pkey *k)
{
    return k->bits;
}

bool pkey_is_private(const struct pkey *k)
{
    return k->is_private;
}

struct span pkey_spki(const struct pkey *k)
{
    return span_of(k->spki, k->spki_len);
}

struct span pkey_bits_view(const struct pkey *k)
{
    return span_of(k->spki + k->spki_len - k->bits_len, k->bits_len);
}

void pkey_keyid(const struct pkey *k, uint8_t out[20])
{
    memcpy(out, k->keyid, sizeof(k->keyid));
}

bool pkey_is_elsewhere(const struct pkey *k)
{
    return k->signer.sign != NULL;
}

struct evp_pkey_st *pkey_evp(const struct pkey *k)
{
    return k->evp;
}

bool pkey_same(const struct pkey *a, const struct pkey *b)
{
    return a->type == b->type && EVP_PKEY_eq(a->evp, b->evp) == 1;
}
