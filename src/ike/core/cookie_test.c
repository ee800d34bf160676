/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/random.h"
#include "ike/core/cookie.h"
#include "support/test.h"

#define NONCE "000102030405060708090a0b0c0d0e0f"

struct fixture {
    struct cookie_jar jar;
    uint8_t cookie[COOKIE_LEN];
    struct span ni;
    struct ip from;
};

static struct fixture made(int64_t now)
{
    struct fixture f = {.ni = hex(NONCE), .from = ip4(192, 0, 2, 1)};
    crypto_random_seed(7);
    cookie_make(&f.jar, now, f.ni, f.from, 99, f.cookie);
    return f;
}

static bool check(struct fixture *f, int64_t now)
{
    return cookie_check(&f->jar, now, f->ni, f->from, 99, span_of(f->cookie, COOKIE_LEN));
}

static void own_cookie_is_accepted(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    assert_true(check(&f, 1000));
    assert_true(check(&f, 1000 + COOKIE_LIFETIME / 2));
}

static void cookie_is_bound_to_nonce_address_and_spi(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    struct span c = span_of(f.cookie, COOKIE_LEN);
    assert_false(cookie_check(&f.jar, 1000, hex("ff0102030405060708090a0b0c0d0e0f"), f.from, 99, c));
    assert_false(cookie_check(&f.jar, 1000, f.ni, ip4(192, 0, 2, 2), 99, c));
    assert_false(cookie_check(&f.jar, 1000, f.ni, f.from, 98, c));
    /* A byte moved from the nonce to the address must not go unnoticed. */
    assert_false(cookie_check(&f.jar, 1000, hex("000102030405060708090a0b0c0d0e0fc0"), f.from, 99, c));
}

static void every_changed_bit_and_every_cut_is_refused(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    for (size_t bit = 0; bit < 8 * COOKIE_LEN; bit++) {
        f.cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(check(&f, 1000));
        f.cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    for (size_t len = 0; len < COOKIE_LEN; len++)
        assert_false(cookie_check(&f.jar, 1000, f.ni, f.from, 99, span_of(f.cookie, len)));
    assert_true(check(&f, 1000));
}

static void cookie_survives_one_rotation_and_not_two(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    assert_true(check(&f, 1000 + COOKIE_LIFETIME));
    assert_true(check(&f, 1000 + 2 * COOKIE_LIFETIME - 1));
    assert_false(check(&f, 1000 + 2 * COOKIE_LIFETIME));
}

static void cookie_of_a_long_idle_jar_is_refused_at_once(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    assert_false(check(&f, 1000 + 3 * COOKIE_LIFETIME));
}

static void two_jars_do_not_know_each_other(void **state)
{
    (void)state;
    struct fixture f = made(1000);
    struct cookie_jar other = {0};
    assert_false(cookie_check(&other, 1000, f.ni, f.from, 99, span_of(f.cookie, COOKIE_LEN)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_cookie_is_accepted),
        cmocka_unit_test(cookie_is_bound_to_nonce_address_and_spi),
        cmocka_unit_test(every_changed_bit_and_every_cut_is_refused),
        cmocka_unit_test(cookie_survives_one_rotation_and_not_two),
        cmocka_unit_test(cookie_of_a_long_idle_jar_is_refused_at_once),
        cmocka_unit_test(two_jars_do_not_know_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
