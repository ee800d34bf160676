/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that are read and written, and checksums kept right. */
#include "net/packet.h"
#include "support/test.h"

/* The ICMP echo of RFC 7634 appendix A. */
#define ECHO4                                                                                                \
    "45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"                                       \
    "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"                                       \
    "2425262728292a2b2c2d2e2f3031323334353637"
#define ADDRESSES6 "20010db8000100000000000000000005 20010db8000200000000000000000009"

static struct packet parsed(const char *text)
{
    struct packet p;
    struct span s = hex(text);
    assert_true(packet_parse(s, &p));
    return p;
}

static bool is_refused(const char *text)
{
    struct packet p;
    return !packet_parse(hex(text), &p);
}

static void an_ipv4_packet_is_read(void **state)
{
    (void)state;
    struct packet p = parsed(ECHO4);
    assert_int_equal(p.family, 4);
    assert_int_equal(p.proto, NH_ICMP);
    assert_int_equal(p.len, 84);
    assert_int_equal(p.upper, 20);
    assert_true(p.port_known);
    assert_int_equal(p.sport, 8 << 8);
    assert_int_equal(p.dport, 8 << 8);
    assert_false(p.is_icmp_error || p.has_df || p.is_fragment);
    assert_true(ip_equal(p.src, ip4(198, 51, 100, 5)));
    assert_true(ip_equal(p.dst, ip4(192, 0, 2, 5)));
}

static void options_and_padding_behind_the_packet_are_handled(void **state)
{
    (void)state;
    struct packet p = parsed("46b80020 00004000 40110000 0a010005 0a020009 01010100 04d20050 00080000 ffff");
    assert_int_equal(p.tos, 0xb8);
    assert_int_equal(p.len, 32);
    assert_int_equal(p.upper, 24);
    assert_true(p.has_df);
    assert_int_equal(p.sport, 1234);
    assert_int_equal(p.dport, 80);
}

static void fragments_show_their_ports_in_the_first_one_only(void **state)
{
    (void)state;
    struct packet first = parsed("4500001c 00012000 40110000 0a010005 0a020009 04d20050 00080000");
    assert_true(first.is_fragment && !first.is_later_fragment && first.port_known);
    struct packet later = parsed("4500001c 00010001 40110000 0a010005 0a020009 04d20050 00080000");
    assert_true(later.is_fragment && later.is_later_fragment);
    assert_false(later.port_known);
}

static void unsound_ipv4_packets_are_refused(void **state)
{
    (void)state;
    assert_true(is_refused(""));
    assert_true(is_refused("45"));
    assert_true(is_refused("55000014 00000000 40060000 0a010005 0a020009")); /* version */
    assert_true(is_refused("44000014 00000000 40060000 0a010005 0a020009")); /* header length */
    assert_true(is_refused("46000014 00000000 40060000 0a010005 0a020009")); /* options beyond the packet */
    assert_true(is_refused("45000015 00000000 40060000 0a010005 0a020009")); /* longer than there is */
    assert_true(is_refused("45000013 00000000 40060000 0a010005 0a020009")); /* shorter than its header */
    struct packet p = parsed("45000014 00000000 40060000 0a010005 0a020009");
    assert_false(p.port_known);
}

static void ipv6_extension_headers_are_walked(void **state)
{
    (void)state;
    struct packet p = parsed("6ab00000 0018 00 40" ADDRESSES6 /* hop-by-hop, destination options, UDP */
                             "3c00010400000000 1100010400000000 04d20035 00080000");
    assert_int_equal(p.family, 6);
    assert_int_equal(p.tos, 0xab);
    assert_int_equal(p.proto, NH_UDP);
    assert_int_equal(p.upper, 56);
    assert_int_equal(p.dport, 53);
    assert_true(p.has_df);
    p = parsed("60000000 0010 2c 40" ADDRESSES6 "1100000100000001 04d20035 00080000");
    assert_true(p.is_fragment && !p.is_later_fragment && p.port_known);
    p = parsed("60000000 0010 2c 40" ADDRESSES6 "1100000900000001 04d20035 00080000");
    assert_true(p.is_later_fragment && !p.port_known);
    assert_int_equal(p.proto, NH_UDP);
    p = parsed("60000000 0008 3a 40" ADDRESSES6 "0200000000000500");
    assert_true(p.is_icmp_error);
    assert_int_equal(p.sport, 2 << 8);
}

static void unsound_ipv6_packets_are_refused(void **state)
{
    (void)state;
    assert_true(is_refused("60000000 0001 11 40" ADDRESSES6));
    assert_true(
        is_refused("60000000 0008 00 40" ADDRESSES6 "1101000000000000")); /* extension beyond the end */
    assert_true(is_refused("60000000 0050 3c 40" ADDRESSES6
                           "3c00000000000000 3c00000000000000 3c00000000000000"
                           "3c00000000000000 3c00000000000000 3c00000000000000 3c00000000000000"
                           "3c00000000000000 3c00000000000000 1100000000000000")); /* too many of them */
    assert_true(is_refused("60000000 0000 11 40 20010db8"));
}

static void a_quoted_packet_may_be_cut_off(void **state)
{
    (void)state;
    struct packet p;
    struct span s = hex("450005dc 00004000 40060000 0a010005 0a020009 04d20050");
    assert_false(packet_parse(s, &p));
    assert_true(packet_parse_quoted(s, &p));
    assert_int_equal(p.dport, 80);
    assert_true(packet_parse_quoted(span_of(s.ptr, 20), &p));
    assert_false(p.port_known);
    assert_false(packet_parse_quoted(span_of(s.ptr, 19), &p));
    assert_true(packet_parse_quoted(hex("60000000 0500 3c 40" ADDRESSES6 "1109"), &p));
    assert_false(p.port_known);
}

static void every_cut_of_a_packet_is_read_without_harm(void **state)
{
    (void)state;
    struct span whole[] = {hex(ECHO4), hex("6ab00000 0018 00 40" ADDRESSES6
                                           "3c00010400000000 1100010400000000 04d20035 00080000")};
    struct packet p;
    for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
        for (size_t len = 0; len < whole[i].len; len++) {
            assert_false(packet_parse(span_of(whole[i].ptr, len), &p));
            packet_parse_quoted(span_of(whole[i].ptr, len), &p);
        }
    }
}

static void checksums_agree_with_published_packets(void **state)
{
    (void)state;
    struct span s = hex(ECHO4);
    assert_int_equal(checksum_finish(checksum_add(0, span_of(s.ptr, 20))), 0);
    assert_int_equal(checksum_upper(NULL, NULL, 0, span_of(s.ptr + 20, 64)), 0);
    /* [RFC1071#3] */
    assert_int_equal(checksum_finish(checksum_add(0, hex("0001f203f4f5f6f7"))), (uint16_t)~0xddf2);
    /* [RFC1624#4] */
    assert_int_equal(checksum_update(0xdd2f, 0x5555, 0x3285), 0x0000);
}

static void a_checksum_of_any_length_and_alignment_is_the_sum_of_its_words(void **state)
{
    (void)state;
    uint8_t bytes[1500];
    uint32_t random = 1;
    for (size_t i = 0; i < sizeof(bytes); i++) {
        random = random * 1103515245 + 12345;
        bytes[i] = (uint8_t)(i % 3 ? random >> 16 : 0xff);
    }
    for (size_t len = 0; len < 1490; len += len < 100 ? 1 : 37) {
        for (size_t from = 0; from < 9; from++) {
            uint32_t want = 0xfffe;
            for (size_t i = 0; i < len; i++) {
                want += i % 2 ? bytes[from + i] : (uint32_t)bytes[from + i] << 8;
                want = (want & 0xffff) + (want >> 16);
            }
            assert_int_equal(checksum_finish(checksum_add(0xfffe, span_of(bytes + from, len))),
                             (uint16_t)~want);
        }
    }
}

static void a_new_tos_keeps_the_checksum_right_and_the_rest_alone(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct span s = hex(ECHO4);
    memcpy(buf, s.ptr, s.len);
    for (unsigned tos = 0; tos < 256; tos++) {
        packet_set_tos(buf, (uint8_t)tos);
        assert_int_equal(checksum_finish(checksum_add(0, span_of(buf, 20))), 0);
        assert_int_equal(buf[1], tos);
    }
    memcpy(buf, hex("6ab12345 0000 3b 40" ADDRESSES6).ptr, 40);
    packet_set_tos(buf, 0x5c);
    assert_memory_equal(buf, "\x65\xc1\x23\x45", 4);
}

static void written_headers_are_read_back(void **state)
{
    (void)state;
    uint8_t buf[128];
    struct endpoint from = {.port = 4500}, to = {.port = 53};
    static const char *const texts[][2] = {
        {"10.1.0.5",      "10.2.0.9"     },
        {"2001:db8:1::5", "2001:db8:2::9"}
    };
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        assert_true(ip_parse(texts[i][0], &from.ip));
        assert_true(ip_parse(texts[i][1], &to.ip));
        struct packet_ip h = {
            .src = from.ip, .dst = to.ip, .proto = NH_UDP, .tos = 0xb8, .ttl = 9, .payload = 11};
        struct wr w = wr_over(buf, sizeof(buf));
        packet_write_ip(&w, &h);
        packet_write_udp(&w, &from, &to, span_str("odd"));
        wr_span(&w, span_str("odd"));
        assert_true(wr_ok(&w));
        struct packet p;
        assert_true(packet_parse(wr_span_view(&w), &p));
        assert_int_equal(p.len, w.len);
        assert_int_equal(p.tos, 0xb8);
        assert_int_equal(p.sport, 4500);
        assert_int_equal(p.dport, 53);
        assert_true(ip_equal(p.src, from.ip) && ip_equal(p.dst, to.ip));
        assert_int_equal(checksum_upper(&from.ip, &to.ip, NH_UDP, span_of(buf + p.upper, p.len - p.upper)),
                         0);
        if (p.family == 4)
            assert_int_equal(checksum_finish(checksum_add(0, span_of(buf, 20))), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ipv4_packet_is_read),
        cmocka_unit_test(options_and_padding_behind_the_packet_are_handled),
        cmocka_unit_test(fragments_show_their_ports_in_the_first_one_only),
        cmocka_unit_test(unsound_ipv4_packets_are_refused),
        cmocka_unit_test(ipv6_extension_headers_are_walked),
        cmocka_unit_test(unsound_ipv6_packets_are_refused),
        cmocka_unit_test(a_quoted_packet_may_be_cut_off),
        cmocka_unit_test(every_cut_of_a_packet_is_read_without_harm),
        cmocka_unit_test(checksums_agree_with_published_packets),
        cmocka_unit_test(a_checksum_of_any_length_and_alignment_is_the_sum_of_its_words),
        cmocka_unit_test(a_new_tos_keeps_the_checksum_right_and_the_rest_alone),
        cmocka_unit_test(written_headers_are_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
