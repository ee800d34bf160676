/* SPDX-License-Identifier: Apache-2.0 */
/* Key exchange methods: the table and the dispatch. The families are in kex_modp.c, kex_ecp.c, kex_xdh.c and
 * kex_mlkem.c; each draws its private keys from crypto_random() and takes and gives raw bytes, so that a job
 * can carry them and a seeded test repeats them. */
#include "crypto/kex.h"
#include "crypto/alg.h"
#include "crypto/kex_group.h"
#include "crypto/mlkem.h"
#include <openssl/err.h>
#include <openssl/obj_mac.h>

static const struct kex_group groups[];
static const size_t group_count;

static const struct kex_group *group_find(uint16_t id)
{
    for (size_t i = 0; i < group_count; i++) {
        if (groups[i].id == id)
            return &groups[i];
    }
    return NULL;
}

bool kex_generate(uint16_t group, struct secret *private_key, uint8_t public_key[KEX_PUBLIC_MAX],
                  size_t *public_len)
{
    const struct kex_group *g = group_find(group);
    if (!g)
        return false;
    struct secret key = secret_new(g->private_len);
    if (!g->family->generate(g, key.ptr, public_key)) {
        secret_free(&key);
        return false;
    }
    *private_key = key;
    *public_len = g->public_len;
    return true;
}

/* [RFC8031#3.2] a peer's point of small order gives an all-zero secret, which must be refused. libcrypto
 * refuses it too; the check here does not rest on that. */
static bool is_zero(struct span s)
{
    uint8_t seen = 0;
    for (size_t i = 0; i < s.len; i++)
        seen |= s.ptr[i];
    return seen == 0;
}

static bool answer_with_a_key_pair(const struct kex_group *g, const uint8_t *peer, uint8_t *answer,
                                   uint8_t *shared)
{
    struct secret key = secret_new(g->private_len);
    bool done = g->family->generate(g, key.ptr, answer) && g->family->derive(g, key.ptr, peer, shared);
    secret_free(&key);
    return done;
}

bool kex_answer(uint16_t group, struct span peer_public, uint8_t answer[KEX_PUBLIC_MAX], size_t *answer_len,
                struct secret *shared)
{
    const struct kex_group *g = group_find(group);
    if (!g || peer_public.len != g->public_len)
        return false;
    struct secret out = secret_new(g->shared_len);
    bool done = g->family->answer ? g->family->answer(g, peer_public.ptr, answer, out.ptr)
                                  : answer_with_a_key_pair(g, peer_public.ptr, answer, out.ptr);
    if (!done || is_zero(secret_view(&out))) {
        ERR_clear_error();
        secret_free(&out);
        return false;
    }
    *answer_len = g->answer_len;
    *shared = out;
    return true;
}

bool kex_derive(uint16_t group, struct span private_key, struct span answer, struct secret *shared)
{
    const struct kex_group *g = group_find(group);
    if (!g || private_key.len != g->private_len || answer.len != g->answer_len)
        return false;
    struct secret out = secret_new(g->shared_len);
    if (!g->family->derive(g, private_key.ptr, answer.ptr, out.ptr) || is_zero(secret_view(&out))) {
        ERR_clear_error(); /* what a peer sends is no error of ours */
        secret_free(&out);
        return false;
    }
    *shared = out;
    return true;
}

bool kex_public_plausible(uint16_t group, struct span peer_public)
{
    const struct kex_group *g = group_find(group);
    return g && peer_public.len == g->public_len;
}

bool kex_answer_plausible(uint16_t group, struct span answer)
{
    const struct kex_group *g = group_find(group);
    return g && answer.len == g->answer_len;
}

const char *kex_served_by(uint16_t group)
{
    const struct kex_group *g = group_find(group);
    struct secret private_key = {0};
    uint8_t public_key[KEX_PUBLIC_MAX];
    size_t len;
    if (!g)
        return NULL;
    bool is_there = g->prime || kex_generate(group, &private_key, public_key, &len);
    secret_free(&private_key);
    if (!is_there)
        return NULL;
    return g->family->served_by ? g->family->served_by(g) : "openssl";
}

/* Private exponents of MODP groups are as long as the larger estimate of RFC 3526 section 8 says; what that
 * table lacks (768, 1024) gets what 1536 has. */
#define MODP(i, bytes, exponent, p)                                                                          \
    {                                                                                                        \
        .id = (i), .family = &kex_modp, .private_len = (exponent), .public_len = (bytes),                    \
        .answer_len = (bytes), .shared_len = (bytes), .prime = (p)                                           \
    }
#define ECP(i, bytes, n)                                                                                     \
    {                                                                                                        \
        .id = (i), .family = &kex_ecp, .private_len = (bytes), .public_len = 2 * (bytes),                    \
        .answer_len = 2 * (bytes), .shared_len = (bytes), .nid = (n)                                         \
    }
#define XDH(i, bytes, n)                                                                                     \
    {                                                                                                        \
        .id = (i), .family = &kex_xdh, .private_len = (bytes), .public_len = (bytes), .answer_len = (bytes), \
        .shared_len = (bytes), .name = (n)                                                                   \
    }
#define KEM(i, key, ciphertext, set)                                                                         \
    {                                                                                                        \
        .id = (i), .family = &kex_mlkem, .private_len = MLKEM_SEED_LEN, .public_len = (key),                 \
        .answer_len = (ciphertext), .shared_len = MLKEM_SHARED_LEN, .kem = (set)                             \
    }

static const struct kex_group groups[] = {
    XDH(KE_CURVE25519, 32, "X25519"),
    XDH(KE_CURVE448, 56, "X448"),
    ECP(KE_ECP_256, 32, NID_X9_62_prime256v1),
    ECP(KE_ECP_384, 48, NID_secp384r1),
    ECP(KE_ECP_521, 66, NID_secp521r1),
    ECP(KE_ECP_224BP, 28, NID_brainpoolP224r1),
    ECP(KE_ECP_256BP, 32, NID_brainpoolP256r1),
    ECP(KE_ECP_384BP, 48, NID_brainpoolP384r1),
    ECP(KE_ECP_512BP, 64, NID_brainpoolP512r1),
    MODP(KE_MODP_2048, 256, 40, BN_get_rfc3526_prime_2048),
    MODP(KE_MODP_3072, 384, 53, BN_get_rfc3526_prime_3072),
    MODP(KE_MODP_4096, 512, 60, BN_get_rfc3526_prime_4096),
    MODP(KE_MODP_6144, 768, 68, BN_get_rfc3526_prime_6144),
    MODP(KE_MODP_8192, 1024, 78, BN_get_rfc3526_prime_8192),
    MODP(KE_MODP_1536, 192, 30, BN_get_rfc3526_prime_1536),
    MODP(KE_MODP_1024, 128, 30, BN_get_rfc2409_prime_1024),
    MODP(KE_MODP_768, 96, 30, BN_get_rfc2409_prime_768),
    KEM(KE_ML_KEM_512, 800, 768, &mlkem_512),
    KEM(KE_ML_KEM_768, 1184, 1088, &mlkem_768),
    KEM(KE_ML_KEM_1024, 1568, 1568, &mlkem_1024),
};
static const size_t group_count = ARRAY_LEN(groups);
