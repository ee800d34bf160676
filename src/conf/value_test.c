/* SPDX-License-Identifier: Apache-2.0 */
/* The forms of single values, and what is none of them. */
#include "base/time.h"
#include "conf/value.h"
#include "support/test.h"

static void times_have_units_and_bounds(void **state)
{
    (void)state;
    int64_t t;
    assert_true(value_time("90", &t) && t == 90 * TIME_SECOND);
    assert_true(value_time("4h", &t) && t == 4 * 3600 * TIME_SECOND);
    assert_true(value_time("2M", &t) && t == 120 * TIME_SECOND);
    assert_true(value_time("1d", &t) && t == 86400 * TIME_SECOND);
    const char *const bad[] = {
        "", "h", "-1", "1.5", "4hours", "4 h", "1w", "99999999999999999999", "99999999999999d"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(value_time(bad[i], &t));
    assert_true(value_seconds("2.5", &t) && t == 2500 * TIME_MS);
    assert_true(value_seconds("1m", &t) && t == 60 * TIME_SECOND);
    assert_false(value_seconds("1.5m", &t));
}

static void volumes_and_numbers_do_not_wrap(void **state)
{
    (void)state;
    uint64_t v;
    assert_true(value_bytes("10k", &v) && v == 10240);
    assert_true(value_bytes("2G", &v) && v == UINT64_C(2) << 30);
    assert_false(value_bytes("18446744073709551615g", &v));
    assert_true(value_number("18446744073709551615", &v) && v == UINT64_MAX);
    assert_false(value_number("18446744073709551616", &v));
    assert_true(value_number("0xfF", &v) && v == 255);
    assert_false(value_number("0x", &v));
    assert_false(value_number("12a", &v));
}

static void reals_have_one_point(void **state)
{
    (void)state;
    double d;
    assert_true(value_real("1.8", &d) && d > 1.79 && d < 1.81);
    assert_true(value_real("3", &d) && d > 2.99 && d < 3.01);
    assert_false(value_real("1.8.1", &d));
    assert_false(value_real(".", &d));
    assert_false(value_real("1e3", &d));
}

static void lists_are_trimmed_and_skip_nothings(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    size_t n;
    const char **v = value_list(a, " a, b c ,,d,", &n);
    assert_int_equal(n, 3);
    assert_string_equal(v[1], "b c");
    assert_string_equal(v[2], "d");
    value_list(a, "", &n);
    assert_int_equal(n, 0);
    arena_free(a);
}

static void secrets_are_text_hex_or_base64(void **state)
{
    (void)state;
    struct secret s = {0};
    assert_true(value_secret("0x00ff", &s));
    assert_span_equal(secret_view(&s), hex("00ff"));
    secret_free(&s);
    assert_true(value_secret("0sAAEC", &s));
    assert_span_equal(secret_view(&s), hex("000102"));
    secret_free(&s);
    assert_true(value_secret("0 x", &s));
    assert_int_equal(s.len, 3);
    secret_free(&s);
    assert_false(value_secret("0x0", &s));
    assert_false(value_secret("0s*", &s));
}

static void typing_errors_are_counted(void **state)
{
    (void)state;
    assert_int_equal(value_distance("proposals", "proposals"), 0);
    assert_int_equal(value_distance("propsals", "proposals"), 1);
    assert_int_equal(value_distance("prpoosals", "proposals"), 1);
    assert_int_equal(value_distance("abc", "xyz"), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_have_units_and_bounds),
        cmocka_unit_test(volumes_and_numbers_do_not_wrap),
        cmocka_unit_test(reals_have_one_point),
        cmocka_unit_test(lists_are_trimmed_and_skip_nothings),
        cmocka_unit_test(secrets_are_text_hex_or_base64),
        cmocka_unit_test(typing_errors_are_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
