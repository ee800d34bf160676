/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM's arithmetic against the definitions of FIPS 203, computed here with plain division: exhaustively
 * where numbers are few, else with random polynomials. */
#include "crypto/mlkem_poly.h"
#include "crypto/random.h"
#include "support/test.h"
#include <stdlib.h>

static void draw(struct poly *p)
{
    crypto_random(p->c, sizeof(p->c));
    for (size_t i = 0; i < MLKEM_N; i++)
        p->c[i] %= MLKEM_Q;
}

static void product(struct poly *to, struct poly *a, struct poly *b)
{
    struct poly_sum sum = {0};
    poly_ntt(a);
    poly_ntt(b);
    poly_mul_add(&sum, a, b);
    poly_reduce(to, &sum);
    poly_ntt_inverse(to);
}

/* [FIPS203#2.4] modulo X^256 + 1 */
static void schoolbook(struct poly *to, const struct poly *a, const struct poly *b)
{
    uint64_t sum[2 * MLKEM_N] = {0};
    for (size_t i = 0; i < MLKEM_N; i++) {
        for (size_t j = 0; j < MLKEM_N; j++)
            sum[i + j] += (uint64_t)a->c[i] * b->c[j];
    }
    for (size_t i = 0; i < MLKEM_N; i++)
        to->c[i] = (uint16_t)((sum[i] % MLKEM_Q + MLKEM_Q - sum[i + MLKEM_N] % MLKEM_Q) % MLKEM_Q);
}

static void products_are_those_of_the_ring(void **state)
{
    (void)state;
    struct poly a, b, fast, slow;
    crypto_random_seed(1);
    for (int round = 0; round < 20; round++) {
        draw(&a);
        draw(&b);
        if (round == 0) { /* all as large as can be */
            for (size_t i = 0; i < MLKEM_N; i++)
                a.c[i] = b.c[i] = MLKEM_Q - 1;
        }
        schoolbook(&slow, &a, &b);
        product(&fast, &a, &b);
        assert_memory_equal(&fast, &slow, sizeof(fast));
    }
    crypto_random_set_source(NULL, NULL);
}

static void the_largest_sum_of_four_products_does_not_overflow(void **state)
{
    (void)state;
    struct poly a, one, four;
    struct poly_sum sum = {0};
    for (size_t i = 0; i < MLKEM_N; i++)
        a.c[i] = MLKEM_Q - 1;
    poly_mul_add(&sum, &a, &a);
    poly_reduce(&one, &sum);
    for (int i = 0; i < 3; i++)
        poly_mul_add(&sum, &a, &a);
    poly_reduce(&four, &sum);
    for (size_t i = 0; i < MLKEM_N; i++)
        assert_int_equal(four.c[i], 4 * one.c[i] % MLKEM_Q);
}

static void the_transform_and_its_inverse_cancel_out(void **state)
{
    (void)state;
    struct poly p, was;
    crypto_random_seed(2);
    for (int round = 0; round < 50; round++) {
        draw(&p);
        was = p;
        poly_ntt(&p);
        assert_memory_not_equal(&p, &was, sizeof(p));
        for (size_t i = 0; i < MLKEM_N; i++)
            assert_true(p.c[i] < MLKEM_Q);
        poly_ntt_inverse(&p);
        assert_memory_equal(&p, &was, sizeof(p));
    }
    crypto_random_set_source(NULL, NULL);
}

static void sums_and_differences_stay_below_the_modulus(void **state)
{
    (void)state;
    struct poly a, b;
    for (unsigned x = 0; x < MLKEM_Q; x++) {
        for (unsigned y = 0; y < MLKEM_Q; y += MLKEM_N) {
            for (unsigned i = 0; i < MLKEM_N; i++) {
                a.c[i] = (uint16_t)x;
                b.c[i] = (uint16_t)((y + i) % MLKEM_Q);
            }
            poly_add(&a, &b);
            for (unsigned i = 0; i < MLKEM_N; i++)
                assert_true(a.c[i] == (x + b.c[i]) % MLKEM_Q);
            poly_sub(&a, &b);
            for (unsigned i = 0; i < MLKEM_N; i++)
                assert_true(a.c[i] == x);
        }
    }
}

static void compression_rounds_every_number_as_a_division_does(void **state)
{
    (void)state;
    struct poly p;
    for (unsigned d = 1; d < MLKEM_Q_BITS; d++) {
        for (unsigned first = 0; first < MLKEM_Q; first += MLKEM_N) {
            for (unsigned i = 0; i < MLKEM_N; i++)
                p.c[i] = (uint16_t)((first + i) % MLKEM_Q);
            poly_compress(&p, d);
            for (unsigned i = 0; i < MLKEM_N; i++) {
                unsigned x = (first + i) % MLKEM_Q;
                assert_int_equal(p.c[i], ((2 * x << d) + MLKEM_Q) / (2 * MLKEM_Q) % (1u << d));
            }
        }
        for (unsigned first = 0; first < 1u << d; first += MLKEM_N) {
            for (unsigned i = 0; i < MLKEM_N; i++)
                p.c[i] = (uint16_t)((first + i) % (1u << d));
            poly_decompress(&p, d);
            poly_compress(&p, d);
            for (unsigned i = 0; i < MLKEM_N; i++) /* [FIPS203#4.2.1] */
                assert_int_equal(p.c[i], (first + i) % (1u << d));
        }
    }
}

static void what_is_encoded_is_decoded(void **state)
{
    (void)state;
    struct poly p, back;
    uint8_t bytes[32 * 12 + 1];
    crypto_random_seed(3);
    for (unsigned d = 1; d <= 12; d++) {
        draw(&p);
        for (size_t i = 0; i < MLKEM_N; i++)
            p.c[i] &= (uint16_t)((1u << d) - 1);
        bytes[32 * d] = 0xa5;
        poly_encode(bytes, &p, d);
        assert_int_equal(bytes[32 * d], 0xa5);
        for (size_t bit = 0; bit < 256 * d; bit++)
            assert_int_equal(bytes[bit / 8] >> bit % 8 & 1, p.c[bit / d] >> bit % d & 1);
        poly_decode(&back, bytes, d);
        assert_memory_equal(&p, &back, sizeof(p));
    }
    crypto_random_set_source(NULL, NULL);
}

static void a_number_that_is_not_below_the_modulus_is_noticed_wherever_it_stands(void **state)
{
    (void)state;
    static const uint16_t numbers[] = {0, MLKEM_Q - 1, MLKEM_Q, MLKEM_Q + 1, 4095};
    struct poly p, back;
    uint8_t bytes[32 * 12];
    for (size_t n = 0; n < ARRAY_LEN(numbers); n++) {
        for (size_t i = 0; i < MLKEM_N; i++) {
            memset(&p, 0, sizeof(p));
            p.c[i] = numbers[n];
            poly_encode(bytes, &p, 12);
            assert_int_equal(poly_decode_checked(&back, bytes), numbers[n] < MLKEM_Q);
        }
    }
}

/* The mean of the binomial distribution is 0 and its variance eta / 2; neither tail is missing. */
static void noise_is_small_and_evenly_spread(void **state)
{
    (void)state;
    uint8_t secret[32];
    struct poly p;
    crypto_random_seed(4);
    for (unsigned eta = 2; eta <= 3; eta++) {
        long sum = 0, squares = 0, seen[7] = {0};
        for (int round = 0; round < 200; round++) {
            crypto_random(secret, sizeof(secret));
            poly_sample_binomial(&p, secret, (uint8_t)round, eta);
            for (size_t i = 0; i < MLKEM_N; i++) {
                int x = p.c[i] > MLKEM_Q / 2 ? p.c[i] - MLKEM_Q : p.c[i];
                assert_in_range(x + (int)eta, 0, 2 * eta);
                seen[x + (int)eta]++;
                sum += x;
                squares += x * x;
            }
        }
        const long n = 200 * MLKEM_N;
        assert_true(labs(sum) < n / 100);
        assert_true(labs(2 * squares - n * (long)eta) < n / 20);
        for (unsigned i = 0; i <= 2 * eta; i++)
            assert_true(seen[i] > n / 128);
    }
    crypto_random_set_source(NULL, NULL);
}

static void columns_and_rows_give_different_polynomials_below_the_modulus(void **state)
{
    (void)state;
    static const uint8_t rho[32] = {1};
    struct poly a, b;
    poly_sample_uniform(&a, rho, 0, 1);
    poly_sample_uniform(&b, rho, 1, 0);
    assert_memory_not_equal(&a, &b, sizeof(a));
    for (size_t i = 0; i < MLKEM_N; i++)
        assert_true(a.c[i] < MLKEM_Q && b.c[i] < MLKEM_Q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_those_of_the_ring),
        cmocka_unit_test(the_largest_sum_of_four_products_does_not_overflow),
        cmocka_unit_test(the_transform_and_its_inverse_cancel_out),
        cmocka_unit_test(sums_and_differences_stay_below_the_modulus),
        cmocka_unit_test(compression_rounds_every_number_as_a_division_does),
        cmocka_unit_test(what_is_encoded_is_decoded),
        cmocka_unit_test(a_number_that_is_not_below_the_modulus_is_noticed_wherever_it_stands),
        cmocka_unit_test(noise_is_small_and_evenly_spread),
        cmocka_unit_test(columns_and_rows_give_different_polynomials_below_the_modulus),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
