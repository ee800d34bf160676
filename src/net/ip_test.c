/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses and prefixes: their texts and their arithmetic. */
#include "net/ip.h"
#include "support/test.h"

static void assert_prefix(const char *text, const char *canonical)
{
    struct prefix p;
    char buf[IP_TEXT_MAX];
    assert_true(prefix_parse(text, &p));
    assert_string_equal(prefix_format(&p, buf), canonical);
}

static void addresses_survive_parsing_and_formatting(void **state)
{
    (void)state;
    static const char *const texts[] = {"192.0.2.1", "0.0.0.0", "::", "2001:db8::1", "fe80::ffff:1"};
    char buf[IP_TEXT_MAX];
    struct ip ip;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(ip_parse(texts[i], &ip));
        assert_string_equal(ip_format(ip, buf), texts[i]);
    }
    assert_true(ip_equal(ip4(192, 0, 2, 1), ip4(192, 0, 2, 1)));
    assert_string_equal(ip_format((struct ip){0}, buf), "none");
}

static void what_is_no_address_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",         "1.2.3",       "1.2.3.256", "1.2.3.4/8", "a.b.c.d",
                                        "1.2.3.4 ", "2001:db8::g", ":::",       "%any",      "fe80::1%eth0"};
    struct ip ip = ip4(9, 9, 9, 9);
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(ip_parse(texts[i], &ip));
    assert_true(ip_equal(ip, ip4(9, 9, 9, 9)));
}

static void endpoints_put_brackets_around_ipv6(void **state)
{
    (void)state;
    char buf[IP_TEXT_MAX];
    struct endpoint e = {.ip = ip4(192, 0, 2, 1), .port = 500};
    assert_string_equal(endpoint_format(&e, buf), "192.0.2.1:500");
    assert_true(ip_parse("2001:db8::1", &e.ip));
    e.port = 4500;
    assert_string_equal(endpoint_format(&e, buf), "[2001:db8::1]:4500");
    struct endpoint f = e;
    assert_true(endpoint_equal(&e, &f));
    f.port = 500;
    assert_false(endpoint_equal(&e, &f));
}

static void prefixes_clear_their_host_bits(void **state)
{
    (void)state;
    assert_prefix("10.1.2.3/8", "10.0.0.0/8");
    assert_prefix("10.255.2.3/9", "10.128.0.0/9");
    assert_prefix("10.1.2.3", "10.1.2.3/32");
    assert_prefix("1.2.3.4/0", "0.0.0.0/0");
    assert_prefix("2001:db8:ffff::1/33", "2001:db8:8000::/33");
    assert_prefix("::1", "::1/128");
}

static void bad_prefix_lengths_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",   "10.0.0.0/8x",
                                        "::/129",      "/8",        "10.0.0.0/0008", "10.0.0.0/ 8"};
    struct prefix p;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_false(prefix_parse(texts[i], &p));
}

static void a_prefix_contains_its_first_and_last_address_only(void **state)
{
    (void)state;
    struct prefix p;
    char buf[IP_TEXT_MAX];
    assert_true(prefix_parse("10.1.0.0/15", &p));
    assert_string_equal(ip_format(prefix_last(&p), buf), "10.1.255.255");
    assert_true(prefix_contains(&p, ip4(10, 0, 0, 0)));
    assert_true(prefix_contains(&p, ip4(10, 1, 255, 255)));
    assert_false(prefix_contains(&p, ip4(10, 2, 0, 0)));
    struct ip six;
    assert_true(ip_parse("a00::", &six));
    assert_false(prefix_contains(&p, six));
}

static void order_is_family_then_bytes(void **state)
{
    (void)state;
    struct ip six;
    assert_true(ip_parse("::", &six));
    assert_true(ip_cmp(ip4(255, 0, 0, 0), six) < 0);
    assert_true(ip_cmp(ip4(10, 0, 0, 2), ip4(10, 0, 0, 1)) > 0);
    assert_true(ip_is_unspecified(six));
    assert_true(ip_is_unspecified((struct ip){0}));
    assert_false(ip_is_unspecified(ip4(0, 0, 0, 1)));
    struct ip from;
    assert_false(ip_from_bytes(span_of("abc", 3), &from));
    assert_true(ip_from_bytes(span_of("\x0a\x00\x00\x01", 4), &from));
    assert_true(ip_equal(from, ip4(10, 0, 0, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_survive_parsing_and_formatting),
        cmocka_unit_test(what_is_no_address_is_refused),
        cmocka_unit_test(endpoints_put_brackets_around_ipv6),
        cmocka_unit_test(prefixes_clear_their_host_bits),
        cmocka_unit_test(bad_prefix_lengths_are_refused),
        cmocka_unit_test(a_prefix_contains_its_first_and_last_address_only),
        cmocka_unit_test(order_is_family_then_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
