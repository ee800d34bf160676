/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM of libcrypto: OpenSSL 3.5 and later have it, and the headers that we are compiled with may be older,
 * so that all goes by names. Randomness is given to it (its "seed" and "ikme"), so that a seeded test repeats
 * itself whoever computes. */
#include "crypto/evp.h"
#include "crypto/mlkem.h"
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>

#define PARAM_SEED   "seed" /* OSSL_PKEY_PARAM_ML_KEM_SEED */
#define PARAM_RANDOM "ikme" /* OSSL_KEM_PARAM_IKME */

static const struct mlkem_set *const sets[] = {&mlkem_512, &mlkem_768, &mlkem_1024};
static bool is_there[ARRAY_LEN(sets)];

static void look(void)
{
    ERR_set_mark();
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        EVP_KEM *kem = EVP_KEM_fetch(NULL, sets[i]->name, NULL);
        is_there[i] = kem != NULL;
        EVP_KEM_free(kem);
    }
    ERR_pop_to_mark();
}

static bool openssl_has(const struct mlkem_set *set)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, look);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        if (sets[i] == set)
            return is_there[i];
    }
    return false;
}

static EVP_PKEY *key_of_seed(const struct mlkem_set *set, const uint8_t *seed)
{
    EVP_PKEY *key = NULL;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(PARAM_SEED, (void *)seed, MLKEM_SEED_LEN),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, set->name, NULL);
    if (!ctx || EVP_PKEY_keygen_init(ctx) != 1 || EVP_PKEY_CTX_set_params(ctx, params) != 1 ||
        EVP_PKEY_generate(ctx, &key) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool openssl_keygen(const struct mlkem_set *set, const uint8_t *seed, uint8_t *key)
{
    size_t len = set->key_len;
    EVP_PKEY *pair = key_of_seed(set, seed);
    bool done = pair && EVP_PKEY_get_raw_public_key(pair, key, &len) == 1 && len == set->key_len;
    EVP_PKEY_free(pair);
    return done;
}

static bool openssl_encaps(const struct mlkem_set *set, const uint8_t *key, const uint8_t *random,
                           uint8_t *ciphertext, uint8_t *shared)
{
    size_t ciphertext_len = set->ciphertext_len, shared_len = MLKEM_SHARED_LEN;
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(PARAM_RANDOM, (void *)random, MLKEM_RANDOM_LEN),
        OSSL_PARAM_END,
    };
    /* this is where the modulus is checked */
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, set->name, NULL, key, set->key_len);
    EVP_PKEY_CTX *ctx = theirs ? EVP_PKEY_CTX_new_from_pkey(NULL, theirs, NULL) : NULL;
    bool done = ctx && EVP_PKEY_encapsulate_init(ctx, params) == 1 &&
                EVP_PKEY_encapsulate(ctx, ciphertext, &ciphertext_len, shared, &shared_len) == 1 &&
                ciphertext_len == set->ciphertext_len && shared_len == MLKEM_SHARED_LEN;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(theirs);
    return done;
}

static bool openssl_decaps(const struct mlkem_set *set, const uint8_t *seed, const uint8_t *ciphertext,
                           uint8_t *shared)
{
    size_t len = MLKEM_SHARED_LEN;
    EVP_PKEY *pair = key_of_seed(set, seed);
    EVP_PKEY_CTX *ctx = pair ? EVP_PKEY_CTX_new_from_pkey(NULL, pair, NULL) : NULL;
    bool done = ctx && EVP_PKEY_decapsulate_init(ctx, NULL) == 1 &&
                EVP_PKEY_decapsulate(ctx, shared, &len, ciphertext, set->ciphertext_len) == 1 &&
                len == MLKEM_SHARED_LEN;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(pair);
    return done;
}

const struct mlkem_engine mlkem_openssl = {.name = "openssl",
                                           .has = openssl_has,
                                           .keygen = openssl_keygen,
                                           .encaps = openssl_encaps,
                                           .decaps = openssl_decaps};
