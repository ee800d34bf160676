/* SPDX-License-Identifier: Apache-2.0 */
/* The source of randomness and its replacement in tests. */
#include "crypto/random.h"
#include "support/test.h"
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>

static void a_seed_repeats_its_stream_whatever_the_cuts(void **state)
{
    (void)state;
    uint8_t whole[3000], cut[3000], other[3000];
    crypto_random_seed(7);
    crypto_random(whole, sizeof(whole));
    crypto_random_seed(7);
    for (size_t at = 0, n = 0; at < sizeof(cut); at += n) {
        n = at % 77 + 1;
        n = n < sizeof(cut) - at ? n : sizeof(cut) - at;
        crypto_random(cut + at, n);
    }
    assert_memory_equal(whole, cut, sizeof(whole));
    crypto_random_seed(8);
    crypto_random(other, sizeof(other));
    assert_memory_not_equal(whole, other, sizeof(whole));
    crypto_random_set_source(NULL, NULL);
}

static void without_a_seed_nothing_repeats(void **state)
{
    (void)state;
    uint8_t a[32], b[32];
    size_t big = (3 << 20) + 5;
    uint8_t *p = calloc(1, big);
    crypto_random(a, sizeof(a));
    crypto_random(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    crypto_random(p, big); /* more than one call's worth: to the last byte */
    assert_memory_not_equal(p + big - 32, ((uint8_t[32]){0}), 32);
    free(p);
}

static size_t sign_once(uint64_t seed, uint8_t *sig, size_t cap)
{
    crypto_random_seed(seed);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, key, NULL), 1);
    assert_int_equal(EVP_DigestSign(ctx, sig, &cap, (const uint8_t *)"message", 7), 1);
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(key);
    crypto_random_set_source(NULL, NULL);
    return cap;
}

static void a_seed_repeats_keys_and_signatures_of_libcrypto(void **state)
{
    (void)state;
    uint8_t first[128], again[128], other[128];
    size_t first_len = sign_once(1, first, sizeof(first)), again_len = sign_once(1, again, sizeof(again));
    assert_span_equal(span_of(again, again_len), span_of(first, first_len));
    size_t other_len = sign_once(2, other, sizeof(other));
    assert_false(span_equal(span_of(other, other_len), span_of(first, first_len)));
    crypto_random_seed(1);
    crypto_random_set_source(NULL, NULL);
    EVP_PKEY *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256");
    assert_int_not_equal(EVP_PKEY_eq(a, b), 1);
    EVP_PKEY_free(a);
    EVP_PKEY_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_repeats_its_stream_whatever_the_cuts),
        cmocka_unit_test(without_a_seed_nothing_repeats),
        cmocka_unit_test(a_seed_repeats_keys_and_signatures_of_libcrypto),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
