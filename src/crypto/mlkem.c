/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM over K-PKE (FIPS 203, sections 5, 6 and 8): see mlkem.h. A key pair is expanded from its seed for
 * each use, and the expanded form lives on the stack only. */
#include "crypto/mlkem.h"
#include "base/secret.h"
#include "crypto/keccak.h"
#include "crypto/mlkem_poly.h"

#define K_MAX 4

/* What had to be computed from a secret and is public: for a tool that follows secrets through the code,
 * which defines this otherwise before it includes this file (tests/ct/ct_mlkem.c). */
#ifndef mlkem_note_public
#define mlkem_note_public(p, len) ((void)(p), (void)(len))
#endif

/* An encapsulation key, expanded; and, where the seed is known, the decapsulation key with it. */
struct keys {
    struct poly a[K_MAX][K_MAX], t[K_MAX], s[K_MAX]; /* in the NTT's domain; s: secret */
    uint8_t hash[32];                                /* H(ek) */
};

static void hash_h(const struct span *parts, size_t n, uint8_t out[32])
{
    keccak_digest(SHA3_256_RATE, SHA3_SUFFIX, parts, n, out, 32);
}

static void hash_g(struct span one, struct span two, uint8_t out[64])
{
    const struct span parts[] = {one, two};
    keccak_digest(SHA3_512_RATE, SHA3_SUFFIX, parts, ARRAY_LEN(parts), out, 64);
}

static void expand_matrix(const struct mlkem_set *set, struct keys *keys, const uint8_t rho[32])
{
    for (uint8_t i = 0; i < set->k; i++) {
        for (uint8_t j = 0; j < set->k; j++)
            poly_sample_uniform(&keys->a[i][j], rho, j, i);
    }
}

static void hash_key(const struct mlkem_set *set, struct keys *keys, const uint8_t *key)
{
    const struct span whole = span_of(key, set->key_len);
    hash_h(&whole, 1, keys->hash);
}

/* [FIPS203#5.1] K-PKE.KeyGen (Algorithm 13) of the seed's first half; the encapsulation key goes to key. */
static void expand_seed(const struct mlkem_set *set, const uint8_t *seed, struct keys *keys, uint8_t *key)
{
    uint8_t rho_sigma[64], number = 0;
    const uint8_t *sigma = rho_sigma + 32;
    struct poly_sum sum;
    struct poly error;
    hash_g(span_of(seed, 32), span_of(&set->k, 1), rho_sigma);
    mlkem_note_public(rho_sigma, 32);
    expand_matrix(set, keys, rho_sigma);
    for (size_t i = 0; i < set->k; i++) {
        poly_sample_binomial(&keys->s[i], sigma, number++, set->eta1);
        poly_ntt(&keys->s[i]);
    }
    for (size_t i = 0; i < set->k; i++) {
        memset(&sum, 0, sizeof(sum));
        for (size_t j = 0; j < set->k; j++)
            poly_mul_add(&sum, &keys->a[i][j], &keys->s[j]);
        poly_reduce(&keys->t[i], &sum);
        poly_sample_binomial(&error, sigma, number++, set->eta1);
        poly_ntt(&error);
        poly_add(&keys->t[i], &error);
        poly_encode(key + 32 * MLKEM_Q_BITS * i, &keys->t[i], MLKEM_Q_BITS);
    }
    memcpy(key + 32 * MLKEM_Q_BITS * (size_t)set->k, rho_sigma, 32);
    mlkem_note_public(key, set->key_len);
    hash_key(set, keys, key);
    secret_wipe(rho_sigma, sizeof(rho_sigma));
    secret_wipe(&sum, sizeof(sum));
    secret_wipe(&error, sizeof(error));
}

/* [FIPS203#7.2] False: a coefficient is not below the modulus. */
static bool expand_key(const struct mlkem_set *set, const uint8_t *key, struct keys *keys)
{
    bool is_good = true;
    for (size_t i = 0; i < set->k; i++)
        is_good &= poly_decode_checked(&keys->t[i], key + 32 * MLKEM_Q_BITS * i);
    if (!is_good)
        return false;
    expand_matrix(set, keys, key + 32 * MLKEM_Q_BITS * (size_t)set->k);
    hash_key(set, keys, key);
    return true;
}

/* [FIPS203#5.2] K-PKE.Encrypt (Algorithm 14) of 32 bytes under 32 bytes of randomness. */
static void encrypt(const struct mlkem_set *set, const struct keys *keys, const uint8_t message[32],
                    const uint8_t random[32], uint8_t *ciphertext)
{
    struct poly y[K_MAX], error, m, p;
    struct poly_sum sum;
    uint8_t number = 0;
    for (size_t i = 0; i < set->k; i++) {
        poly_sample_binomial(&y[i], random, number++, set->eta1);
        poly_ntt(&y[i]);
    }
    for (size_t i = 0; i <= set->k; i++) { /* u, then v */
        memset(&sum, 0, sizeof(sum));
        for (size_t j = 0; j < set->k; j++)
            poly_mul_add(&sum, i < set->k ? &keys->a[j][i] : &keys->t[j], &y[j]);
        poly_reduce(&p, &sum);
        poly_ntt_inverse(&p);
        poly_sample_binomial(&error, random, number++, 2);
        poly_add(&p, &error);
        if (i == set->k) {
            poly_decode(&m, message, 1);
            poly_decompress(&m, 1);
            poly_add(&p, &m);
        }
        unsigned d = i < set->k ? set->du : set->dv;
        poly_compress(&p, d);
        poly_encode(ciphertext, &p, d);
        ciphertext += 32 * (size_t)d;
    }
    secret_wipe(y, sizeof(y));
    secret_wipe(&error, sizeof(error));
    secret_wipe(&m, sizeof(m));
    secret_wipe(&p, sizeof(p));
    secret_wipe(&sum, sizeof(sum));
}

/* [FIPS203#5.3] K-PKE.Decrypt (Algorithm 15). */
static void decrypt(const struct mlkem_set *set, const struct keys *keys, const uint8_t *ciphertext,
                    uint8_t message[32])
{
    struct poly u, v, w;
    struct poly_sum sum = {0};
    for (size_t i = 0; i < set->k; i++) {
        poly_decode(&u, ciphertext + 32 * (size_t)set->du * i, set->du);
        poly_decompress(&u, set->du);
        poly_ntt(&u);
        poly_mul_add(&sum, &keys->s[i], &u);
    }
    poly_decode(&v, ciphertext + 32 * (size_t)set->du * set->k, set->dv);
    poly_decompress(&v, set->dv);
    poly_reduce(&w, &sum);
    poly_ntt_inverse(&w);
    poly_sub(&v, &w);
    poly_compress(&v, 1);
    poly_encode(message, &v, 1);
    secret_wipe(&v, sizeof(v));
    secret_wipe(&w, sizeof(w));
    secret_wipe(&sum, sizeof(sum));
}

static bool own_has(const struct mlkem_set *set)
{
    (void)set;
    return true;
}

static bool own_keygen(const struct mlkem_set *set, const uint8_t *seed, uint8_t *key)
{
    struct keys keys;
    expand_seed(set, seed, &keys, key);
    secret_wipe(&keys, sizeof(keys));
    return true;
}

static bool own_encaps(const struct mlkem_set *set, const uint8_t *key, const uint8_t *random,
                       uint8_t *ciphertext, uint8_t *shared)
{
    struct keys keys;
    uint8_t shared_random[64];
    if (!expand_key(set, key, &keys))
        return false;
    hash_g(span_of(random, MLKEM_RANDOM_LEN), span_of(keys.hash, sizeof(keys.hash)), shared_random);
    encrypt(set, &keys, random, shared_random + 32, ciphertext);
    memcpy(shared, shared_random, MLKEM_SHARED_LEN);
    secret_wipe(shared_random, sizeof(shared_random));
    return true;
}

/* 0xff where the bytes differ, else 0. */
static uint8_t difference_mask(const uint8_t *a, const uint8_t *b, size_t len)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < len; i++)
        seen |= a[i] ^ b[i];
    seen = (0 - seen) >> 31;
    __asm__("" : "+r"(seen)); /* a compiler that knew it for 0 or 1 might branch on it */
    return (uint8_t)(0 - seen);
}

/* Implicit rejection: both secrets are always computed, and a mask chooses. */
static bool own_decaps(const struct mlkem_set *set, const uint8_t *seed, const uint8_t *ciphertext,
                       uint8_t *shared)
{
    struct keys keys;
    uint8_t key[MLKEM_PUBLIC_MAX], again[MLKEM_PUBLIC_MAX], message[32], shared_random[64], rejected[32];
    const struct span z_and_c[] = {span_of(seed + 32, 32), span_of(ciphertext, set->ciphertext_len)};
    expand_seed(set, seed, &keys, key);
    decrypt(set, &keys, ciphertext, message);
    hash_g(span_of(message, sizeof(message)), span_of(keys.hash, sizeof(keys.hash)), shared_random);
    keccak_digest(SHAKE256_RATE, SHAKE_SUFFIX, z_and_c, ARRAY_LEN(z_and_c), rejected, sizeof(rejected));
    encrypt(set, &keys, message, shared_random + 32, again);
    uint8_t differs = difference_mask(ciphertext, again, set->ciphertext_len);
    for (size_t i = 0; i < MLKEM_SHARED_LEN; i++)
        shared[i] = (uint8_t)(shared_random[i] ^ (differs & (shared_random[i] ^ rejected[i])));
    secret_wipe(&keys, sizeof(keys));
    secret_wipe(again, sizeof(again));
    secret_wipe(message, sizeof(message));
    secret_wipe(shared_random, sizeof(shared_random));
    secret_wipe(rejected, sizeof(rejected));
    return true;
}

const struct mlkem_engine mlkem_own = {
    .name = "keyway", .has = own_has, .keygen = own_keygen, .encaps = own_encaps, .decaps = own_decaps};

#define SET(ring, first_eta, u_bits, v_bits, n)                                                              \
    {                                                                                                        \
        .k = (ring), .eta1 = (first_eta), .du = (u_bits), .dv = (v_bits), .key_len = 384 * (ring) + 32,      \
        .ciphertext_len = 32 * ((u_bits) * (ring) + (v_bits)), .name = (n)                                   \
    }
const struct mlkem_set mlkem_512 = SET(2, 3, 10, 4, "ML-KEM-512");
const struct mlkem_set mlkem_768 = SET(3, 2, 10, 4, "ML-KEM-768");
const struct mlkem_set mlkem_1024 = SET(4, 2, 11, 5, "ML-KEM-1024");
