/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM (FIPS 203), our own: for machines whose OpenSSL has none (before 3.5). Deterministic: randomness is
 * an argument, and a key pair is the 64 bytes that it is made of (d | z), which is also what a holder keeps.
 * Nothing that a secret decides decides a branch, an address or a division; what is secret is wiped. Which
 * implementation serves a key exchange: kex_mlkem.c. Private to src/crypto (and its benchmark). */
#pragma once

#include "base/span.h"

#define MLKEM_SEED_LEN   64 /* d | z [FIPS203#7.1] */
#define MLKEM_RANDOM_LEN 32 /* m [FIPS203#7.2] */
#define MLKEM_SHARED_LEN 32
#define MLKEM_PUBLIC_MAX 1568 /* both an encapsulation key and a ciphertext of ML-KEM-1024 */

/* [FIPS203#8] a parameter set. */
struct mlkem_set {
    uint8_t k, eta1, du, dv;
    uint16_t key_len, ciphertext_len;
    const char *name; /* OpenSSL's */
};
extern const struct mlkem_set mlkem_512, mlkem_768, mlkem_1024;

/* The three algorithms, by one who has them. key: key_len bytes; ciphertext: ciphertext_len bytes. */
struct mlkem_engine {
    const char *name;
    /* Does it have this set, here and now? Any thread. */
    bool (*has)(const struct mlkem_set *s);
    /* KeyGen_internal(d, z) [FIPS203#6.1]: the encapsulation key. */
    bool (*keygen)(const struct mlkem_set *s, const uint8_t *seed, uint8_t *key);
    /* Encaps_internal(ek, m) [FIPS203#6.2]. False when the key fails the modulus check [FIPS203#7.2]. */
    bool (*encaps)(const struct mlkem_set *s, const uint8_t *key, const uint8_t *random, uint8_t *ciphertext,
                   uint8_t *shared);
    /* Decaps_internal(dk, c) [FIPS203#6.3]. A ciphertext that nobody made with this key gives a secret that
     * nobody else has, and is no error: that is for whatever uses the secret to find out. */
    bool (*decaps)(const struct mlkem_set *s, const uint8_t *seed, const uint8_t *ciphertext,
                   uint8_t *shared);
};
extern const struct mlkem_engine mlkem_own, mlkem_openssl;
