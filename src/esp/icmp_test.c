/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors: content, checksums, whom they may go to, how many. */
#include "base/time.h"
#include "esp/icmp.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp_buffer buffer;

static struct packet make(uint8_t family, uint32_t len, struct esp_packet *raw)
{
    struct packet p;
    *raw = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = family, .len = len, .has_df = true});
    assert_true(packet_parse(span_of(raw->data, raw->len), &p));
    return p;
}

static void too_big_for_ipv4_quotes_the_packet_and_names_the_mtu(void **state)
{
    (void)state;
    struct esp_packet raw;
    struct packet about = make(4, 1500, &raw), p;
    icmp_build(&about, ICMP_TOO_BIG, 1422, &raw.data, &raw.len);
    assert_int_equal(raw.len, 576);
    assert_true(packet_parse(span_of(raw.data, raw.len), &p));
    assert_true(ip_equal(p.src, about.dst) && ip_equal(p.dst, about.src));
    assert_int_equal(p.sport, 3 << 8 | 4);
    assert_int_equal(checksum_finish(checksum_add(0, span_of(raw.data, 20))), 0);
    assert_int_equal(checksum_upper(NULL, NULL, 0, span_of(raw.data + 20, raw.len - 20)), 0);
    assert_memory_equal(raw.data + 24, "\0\0\x05\x8e", 4);
    assert_memory_equal(raw.data + 28, buffer.copy, 548);
}

static void too_big_for_ipv6_quotes_the_packet_and_names_the_mtu(void **state)
{
    (void)state;
    struct esp_packet raw;
    struct packet about = make(6, 1500, &raw), p;
    icmp_build(&about, ICMP_TOO_BIG, 1402, &raw.data, &raw.len);
    assert_int_equal(raw.len, 1280);
    assert_true(packet_parse(span_of(raw.data, raw.len), &p));
    assert_true(ip_equal(p.src, about.dst) && ip_equal(p.dst, about.src));
    assert_int_equal(p.sport, 2 << 8);
    assert_int_equal(checksum_upper(&p.src, &p.dst, NH_ICMPV6, span_of(raw.data + 40, raw.len - 40)), 0);
    assert_memory_equal(raw.data + 44, "\0\0\x05\x7a", 4);
    assert_memory_equal(raw.data + 48, buffer.copy, 1232);
}

static void unreachable_has_the_codes_of_a_host_that_is_not_there(void **state)
{
    (void)state;
    struct esp_packet raw;
    struct packet about = make(4, 60, &raw), p;
    icmp_build(&about, ICMP_UNREACHABLE, 0, &raw.data, &raw.len);
    assert_int_equal(raw.len, 88);
    assert_true(packet_parse(span_of(raw.data, raw.len), &p));
    assert_int_equal(p.sport, 3 << 8 | 1);
    assert_int_equal(checksum_upper(NULL, NULL, 0, span_of(raw.data + 20, raw.len - 20)), 0);
    about = make(6, 60, &raw);
    icmp_build(&about, ICMP_UNREACHABLE, 0, &raw.data, &raw.len);
    assert_true(packet_parse(span_of(raw.data, raw.len), &p));
    assert_int_equal(p.sport, 1 << 8 | 3);
}

static void errors_multicast_and_later_fragments_are_not_answered(void **state)
{
    (void)state;
    struct esp_packet raw;
    const struct packet four = make(4, 60, &raw), six = make(6, 60, &raw);
    struct packet p = four;
    assert_true(icmp_may_answer(&p, ICMP_UNREACHABLE));
    p.is_icmp_error = true;
    assert_false(icmp_may_answer(&p, ICMP_TOO_BIG));
    p = four;
    p.is_later_fragment = true;
    assert_false(icmp_may_answer(&p, ICMP_TOO_BIG));
    p = four;
    p.dst = ip4(224, 0, 0, 5);
    assert_false(icmp_may_answer(&p, ICMP_TOO_BIG));
    p = four;
    p.src = ip4(0, 0, 0, 0);
    assert_false(icmp_may_answer(&p, ICMP_TOO_BIG));
    p = four;
    p.src = ip4(255, 255, 255, 255);
    assert_false(icmp_may_answer(&p, ICMP_TOO_BIG));
    p = six;
    p.dst.b[0] = 0xff; /* path MTU discovery works for IPv6 multicast */
    assert_true(icmp_may_answer(&p, ICMP_TOO_BIG));
    assert_false(icmp_may_answer(&p, ICMP_UNREACHABLE));
}

static void a_flood_is_answered_at_a_bounded_rate(void **state)
{
    (void)state;
    struct icmp_limit l = {0};
    unsigned burst = 0, steady = 0;
    int64_t now = 5 * TIME_SECOND;
    for (size_t i = 0; i < 10000; i++)
        burst += icmp_limit_take(&l, now);
    assert_int_equal(burst, 100);
    for (size_t i = 0; i < 100000; i++) /* a second, one packet every 10 microseconds */
        steady += icmp_limit_take(&l, now + (int64_t)i * 10);
    assert_in_range(steady, 950, 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_big_for_ipv4_quotes_the_packet_and_names_the_mtu),
        cmocka_unit_test(too_big_for_ipv6_quotes_the_packet_and_names_the_mtu),
        cmocka_unit_test(unreachable_has_the_codes_of_a_host_that_is_not_there),
        cmocka_unit_test(errors_multicast_and_later_fragments_are_not_answered),
        cmocka_unit_test(a_flood_is_answered_at_a_bounded_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
