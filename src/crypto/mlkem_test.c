/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM by whoever has it here: Project Wycheproof's cases, properties with random keys, and our own against
 * OpenSSL's. OpenSSL's has tests only where there is one, unless it is asked for; the lab asks for it with
 * the OpenSSL of a newer Debian (tests/interop/scenarios/crypto.py).
 *
 *   test_crypto_mlkem [random key pairs of each parameter set to compare with OpenSSL's, 100 [seed]] */
#include "base/secret.h"
#include "crypto/mlkem.h"
#include "crypto/random.h"
#include "support/test.h"
#include "support/wycheproof.h"
#include <stdlib.h>

static const struct {
    const struct mlkem_set *set;
    const char *keygen, *encaps, *decaps;
} files[] = {
    {&mlkem_512,  "mlkem_512_keygen_seed_test.json",  "mlkem_512_encaps_test.json",  "mlkem_512_test.json" },
    {&mlkem_768,  "mlkem_768_keygen_seed_test.json",  "mlkem_768_encaps_test.json",  "mlkem_768_test.json" },
    {&mlkem_1024, "mlkem_1024_keygen_seed_test.json", "mlkem_1024_encaps_test.json", "mlkem_1024_test.json"},
};
static const struct mlkem_engine *const engines[] = {&mlkem_own, &mlkem_openssl};
static long comparisons = 100;
static uint64_t comparison_seed;

struct run {
    const struct mlkem_set *set;
    const struct mlkem_engine *engine;
    size_t ran, refused;
};

static void keygen_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span seed = vector_hex(v, "seed");
    uint8_t key[MLKEM_PUBLIC_MAX];
    assert_int_equal(vector_result(v), VECTOR_VALID);
    assert_int_equal(seed.len, MLKEM_SEED_LEN);
    if (!r->engine->keygen(r->set, seed.ptr, key))
        vector_fail(v, "refused");
    if (!span_equal(span_of(key, r->set->key_len), vector_hex(v, "ek")))
        vector_fail(v, "another key");
    r->ran++;
}

/* Lengths are checked by the table of kex.c, which takes them from the set. */
static void encaps_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span key = vector_hex(v, "ek"), m = vector_hex(v, "m");
    uint8_t ciphertext[MLKEM_PUBLIC_MAX], shared[MLKEM_SHARED_LEN];
    bool is_good = vector_result(v) == VECTOR_VALID;
    bool done = key.len == r->set->key_len && m.len == MLKEM_RANDOM_LEN &&
                r->engine->encaps(r->set, key.ptr, m.ptr, ciphertext, shared);
    if (done != is_good)
        vector_fail(v, is_good ? "refused" : "accepted");
    if (is_good && !span_equal(span_of(ciphertext, r->set->ciphertext_len), vector_hex(v, "c")))
        vector_fail(v, "another ciphertext");
    if (is_good && !span_equal(span_of(shared, sizeof(shared)), vector_hex(v, "K")))
        vector_fail(v, "another secret");
    r->ran++;
    r->refused += !is_good;
}

static void decaps_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span seed = vector_hex(v, "seed"), c = vector_hex(v, "c");
    uint8_t shared[MLKEM_SHARED_LEN];
    bool is_good = vector_result(v) == VECTOR_VALID;
    bool done = seed.len == MLKEM_SEED_LEN && c.len == r->set->ciphertext_len &&
                r->engine->decaps(r->set, seed.ptr, c.ptr, shared);
    if (done != is_good)
        vector_fail(v, is_good ? "refused" : "accepted");
    if (is_good && !span_equal(span_of(shared, sizeof(shared)), vector_hex(v, "K")))
        vector_fail(v, "another secret");
    r->ran++;
    r->refused += !is_good;
}

static void run_files(const struct mlkem_engine *engine)
{
    static const size_t encaps_cases[] = {261, 265, 269};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct run keygen = {files[i].set, engine}, encaps = keygen, decaps = keygen;
        wycheproof_each(files[i].keygen, keygen_case, &keygen);
        wycheproof_each(files[i].encaps, encaps_case, &encaps);
        wycheproof_each(files[i].decaps, decaps_case, &decaps);
        print_message(
            "%s by %s: %zu keys; %zu encapsulations, %zu of them bad; %zu decapsulations, %zu bad\n",
            files[i].set->name, engine->name, keygen.ran, encaps.ran, encaps.refused, decaps.ran,
            decaps.refused);
        assert_int_equal(keygen.ran, 100);
        assert_int_equal(encaps.ran, encaps_cases[i]);
        assert_int_equal(decaps.ran, 193);
    }
}

static void our_own_gives_what_wycheproof_says(void **state)
{
    (void)state;
    run_files(&mlkem_own);
}

static void openssls_gives_what_wycheproof_says(void **state)
{
    (void)state;
    assert_true(mlkem_openssl.has(&mlkem_768)); /* or it was asked for in vain */
    run_files(&mlkem_openssl);
}

/* Whose key pair, whose ciphertext. */
static void agree(const struct mlkem_set *s, const struct mlkem_engine *i, const struct mlkem_engine *r)
{
    uint8_t seed[MLKEM_SEED_LEN], m[MLKEM_RANDOM_LEN], key[MLKEM_PUBLIC_MAX], c[MLKEM_PUBLIC_MAX];
    uint8_t shared_i[MLKEM_SHARED_LEN], shared_r[MLKEM_SHARED_LEN];
    crypto_random(seed, sizeof(seed));
    crypto_random(m, sizeof(m));
    assert_true(i->keygen(s, seed, key));
    assert_true(r->encaps(s, key, m, c, shared_r));
    assert_true(i->decaps(s, seed, c, shared_i));
    assert_memory_equal(shared_i, shared_r, sizeof(shared_i));
}

static void both_sides_agree(void **state)
{
    (void)state;
    crypto_random_seed(5);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        for (int round = 0; round < 50; round++)
            agree(files[f].set, &mlkem_own, &mlkem_own);
    }
    crypto_random_set_source(NULL, NULL);
}

/* Implicit rejection: one bit anywhere, and the secret is that of FIPS 203: SHAKE256(z | c), which nobody can
 * tell from another without z. */
static void a_tampered_ciphertext_gives_a_secret_that_the_sender_does_not_have(void **state)
{
    (void)state;
    crypto_random_seed(6);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        const struct mlkem_set *s = files[f].set;
        for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
            uint8_t seed[MLKEM_SEED_LEN], m[MLKEM_RANDOM_LEN], key[MLKEM_PUBLIC_MAX], c[MLKEM_PUBLIC_MAX];
            uint8_t sent[MLKEM_SHARED_LEN], first[MLKEM_SHARED_LEN], got[MLKEM_SHARED_LEN];
            if (!engines[e]->has(s))
                continue;
            crypto_random(seed, sizeof(seed));
            crypto_random(m, sizeof(m));
            assert_true(engines[e]->keygen(s, seed, key));
            assert_true(engines[e]->encaps(s, key, m, c, sent));
            for (size_t bit = 0; bit < 8 * (size_t)s->ciphertext_len; bit += 97) {
                c[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_true(engines[e]->decaps(s, seed, c, first));
                assert_memory_not_equal(first, sent, sizeof(sent));
                seed[MLKEM_SEED_LEN - 1] ^= 1; /* z decides, and nothing else of the key does */
                assert_true(engines[e]->decaps(s, seed, c, got));
                assert_memory_not_equal(first, got, sizeof(got));
                seed[MLKEM_SEED_LEN - 1] ^= 1;
                c[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
            seed[MLKEM_SEED_LEN - 1] ^= 1;
            assert_true(engines[e]->decaps(s, seed, c, got));
            assert_memory_equal(got, sent, sizeof(got));
        }
    }
    crypto_random_set_source(NULL, NULL);
}

static void a_key_with_a_number_that_is_no_residue_is_refused(void **state)
{
    (void)state;
    crypto_random_seed(7);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        const struct mlkem_set *s = files[f].set;
        for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
            uint8_t seed[MLKEM_SEED_LEN], m[MLKEM_RANDOM_LEN] = {0}, key[MLKEM_PUBLIC_MAX];
            uint8_t c[MLKEM_PUBLIC_MAX], shared[MLKEM_SHARED_LEN];
            if (!engines[e]->has(s))
                continue;
            crypto_random(seed, sizeof(seed));
            assert_true(engines[e]->keygen(s, seed, key));
            for (size_t i = 0; i < 256u * s->k; i += 51) {
                uint8_t *two = key + i * 3 / 2, was[2] = {two[0], two[1]};
                two[0] |= i % 2 ? 0xf0 : 0xff; /* 4095 */
                two[1] |= i % 2 ? 0xff : 0x0f;
                assert_false(engines[e]->encaps(s, key, m, c, shared));
                memcpy(two, was, sizeof(was));
            }
            assert_true(engines[e]->encaps(s, key, m, c, shared));
        }
    }
    crypto_random_set_source(NULL, NULL);
}

static void our_own_and_openssls_give_the_same_bytes(void **state)
{
    (void)state;
    if (!comparison_seed)
        crypto_random((uint8_t *)&comparison_seed, sizeof(comparison_seed));
    print_message("seed %llu\n", (unsigned long long)comparison_seed);
    crypto_random_seed(comparison_seed);
    for (size_t f = 0; f < ARRAY_LEN(files); f++) {
        const struct mlkem_set *s = files[f].set;
        for (long n = 0; n < comparisons; n++) {
            uint8_t seed[MLKEM_SEED_LEN], m[MLKEM_RANDOM_LEN], key[2][MLKEM_PUBLIC_MAX];
            uint8_t c[2][MLKEM_PUBLIC_MAX], shared[2][MLKEM_SHARED_LEN], got[2][MLKEM_SHARED_LEN];
            crypto_random(seed, sizeof(seed));
            crypto_random(m, sizeof(m));
            for (size_t e = 0; e < 2; e++) {
                assert_true(engines[e]->keygen(s, seed, key[e]));
                assert_true(engines[e]->encaps(s, key[0], m, c[e], shared[e]));
            }
            assert_memory_equal(key[0], key[1], s->key_len);
            assert_memory_equal(c[0], c[1], s->ciphertext_len);
            assert_memory_equal(shared[0], shared[1], MLKEM_SHARED_LEN);
            if (n % 2)
                c[0][seed[0]] ^= m[0] | 1; /* implicit rejection, too */
            for (size_t e = 0; e < 2; e++)
                assert_true(engines[e]->decaps(s, seed, c[0], got[e]));
            assert_memory_equal(got[0], got[1], MLKEM_SHARED_LEN);
            assert_int_equal(memcmp(got[0], shared[0], MLKEM_SHARED_LEN) == 0, n % 2 == 0);
        }
        print_message("%s: %ld key pairs compared\n", s->name, comparisons);
    }
    crypto_random_set_source(NULL, NULL);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(our_own_gives_what_wycheproof_says),
        cmocka_unit_test(both_sides_agree),
        cmocka_unit_test(a_tampered_ciphertext_gives_a_secret_that_the_sender_does_not_have),
        cmocka_unit_test(a_key_with_a_number_that_is_no_residue_is_refused),
    };
    const struct CMUnitTest openssl_tests[] = {
        cmocka_unit_test(openssls_gives_what_wycheproof_says),
        cmocka_unit_test(our_own_and_openssls_give_the_same_bytes),
    };
    if (argc > 1)
        comparisons = strtol(argv[1], NULL, 10);
    if (argc > 2)
        comparison_seed = strtoull(argv[2], NULL, 10);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    if (argc > 1 || mlkem_openssl.has(&mlkem_768))
        failed += cmocka_run_group_tests(openssl_tests, NULL, NULL);
    return failed;
}
