/* SPDX-License-Identifier: Apache-2.0 */
/* AH from one side to the other: what the MAC covers and what it does not, headers that others put in front
 * of it, and packets that no honest peer makes. The MAC is computed here a second time, over bytes that are
 * put together by hand. */
#include "crypto/mac.h"
#include "esp/ah.h"
#include "support/esp_pair_fixture.h"
#include "support/test.h"
#include <stdlib.h>

static const uint16_t integs[] = {INTEG_HMAC_SHA2_256_128, INTEG_HMAC_SHA2_384_192, INTEG_HMAC_SHA2_512_256,
                                  INTEG_HMAC_SHA1_96,      INTEG_AES_XCBC_96,       INTEG_AES_CMAC_96,
                                  INTEG_HMAC_MD5_96,       INTEG_HMAC_SHA2_256_96};

static struct esp_sa in; /* B's record */
static struct esp_buffer buffer;
static struct esp_packet p;

static struct esp_sa record(enum esp_side side, enum sa_direction dir, uint16_t integ, uint8_t outer)
{
    struct esp_suite s = {.encr = ENCR_NULL, .integ = integ};
    struct esp_sa sa = pair_sa(&s, side, dir, outer);
    sa.encr = sa.key_bits = 0;
    sa.is_ah = true;
    return sa;
}

static void open_sides(uint16_t integ, uint8_t outer, void (*change)(struct esp_sa *, enum esp_side))
{
    struct esp_config c = {.path_mtu = 1500};
    struct esp_sa out = record(SIDE_A, SA_OUT, integ, outer);
    in = record(SIDE_B, SA_IN, integ, outer);
    if (change) {
        change(&out, SIDE_A);
        change(&in, SIDE_B);
    }
    a = pair_new(&c, SIDE_A);
    b = pair_new(&c, SIDE_B);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
}

static void with_esn(struct esp_sa *sa, enum esp_side side)
{
    (void)side;
    sa->has_esn = true;
}

/* What A sends; it stays in the buffer. */
static void send(uint8_t family, uint32_t len)
{
    p = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = family, .len = len, .tos = 0xb8});
    esp_outbound(a, &p, 1, 1);
    if (p.verdict != ESP_FORWARD || !p.is_ah)
        fail_msg("%s", esp_drop_name(p.drop));
}

/* What the network and the sockets do. */
static void carry(void)
{
    pair_carry(&p);
    esp_inbound(b, &p, 1, 1);
}

static void assert_arrived(void)
{
    if (p.verdict != ESP_FORWARD)
        fail_msg("%s", esp_drop_name(p.drop));
    assert_span_equal(span_of(p.data, p.len), span_of(buffer.copy, buffer.len));
}

static void assert_dropped(enum esp_drop why)
{
    if (p.verdict != ESP_DROP || p.drop != why)
        fail_msg("verdict %d, %s", p.verdict, esp_drop_name(p.drop));
}

static void packets_arrive_with_every_mac_under_both_families(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8 * ARRAY_LEN(integs); i++) {
        uint8_t outer = i & 1 ? 6 : 4, inner = i & 2 ? 6 : 4;
        open_sides(integs[i / 8], outer, i & 4 ? with_esn : NULL);
        for (uint32_t len = 60; len < 64; len++) {
            send(inner, len);
            carry();
            assert_arrived();
        }
        teardown(NULL);
    }
}

/* [RFC4302#2.2] [RFC4302#3.3.3.1.1.1] byte by byte. */
static void an_ipv4_packet_looks_as_the_rfc_says(void **state)
{
    (void)state;
    uint8_t image[200], full[MAC_MAX_LEN];
    open_sides(INTEG_HMAC_SHA2_256_128, 4, NULL);
    send(4, 60);
    assert_int_equal(p.len, 20 + 28 + 60);
    assert_span_equal(span_of(p.data, 4), hex("45 b8 00 6c"));
    assert_int_equal(p.data[6] & 0xbf, 0);
    assert_int_equal(p.data[9], 51);
    assert_true(p.data[4] || p.data[5]); /* the kernel would fill in an identification of zero */
    assert_int_equal(checksum_finish(checksum_add(0, span_of(p.data, 20))), 0);
    assert_span_equal(span_of(p.data + 20, 12), hex("04 05 0000 10001000 00000001"));
    assert_memory_equal(p.data + 48, buffer.copy, 60);
    memcpy(image, p.data, p.len);
    image[1] = image[6] = image[7] = image[8] = image[10] = image[11] = 0;
    memset(image + 32, 0, 16);
    struct mac *mac = mac_new(mac_of_integ(INTEG_HMAC_SHA2_256_128), span_of(in.integ_key, in.integ_key_len));
    struct span whole = span_of(image, p.len);
    mac_run(mac, &whole, 1, full);
    mac_free(mac);
    assert_memory_equal(p.data + 32, full, 16);
}

/* A multiple of eight bytes; ESN's high half behind the end. */
static void an_ipv6_packet_looks_as_the_rfc_says(void **state)
{
    (void)state;
    uint8_t image[200], full[MAC_MAX_LEN];
    open_sides(INTEG_HMAC_SHA2_256_128, 6, with_esn);
    send(6, 80);
    assert_int_equal(p.len, 40 + 32 + 80);
    assert_span_equal(span_of(p.data + 4, 3), hex("0070 33"));
    assert_span_equal(span_of(p.data + 40, 12), hex("29 06 0000 10001000 00000001"));
    assert_span_equal(span_of(p.data + 40 + 28, 4), hex("00000000"));
    memcpy(image, p.data, p.len);
    memset(image + 1, 0, 3);
    image[0] = 0x60;
    image[7] = 0;
    memset(image + 52, 0, 16);
    struct mac *mac = mac_new(mac_of_integ(INTEG_HMAC_SHA2_256_128), span_of(in.integ_key, in.integ_key_len));
    const struct span parts[] = {span_of(image, p.len), span_of("\0\0\0\0", 4)};
    mac_run(mac, parts, 2, full);
    mac_free(mac);
    assert_memory_equal(p.data + 52, full, 16);
}

static void what_routers_change_does_not_matter(void **state)
{
    (void)state;
    static const uint8_t at4[] = {1, 6, 8, 10, 11}, at6[] = {1, 2, 3, 7};
    for (uint8_t outer = 4; outer <= 6; outer += 2) {
        open_sides(INTEG_HMAC_SHA2_256_128, outer, NULL);
        size_t n = outer == 4 ? ARRAY_LEN(at4) : ARRAY_LEN(at6);
        for (size_t i = 0; i < n; i++) {
            uint8_t at = outer == 4 ? at4[i] : at6[i];
            send(4, 100);
            p.data[at] ^= at == 6 && outer == 4 ? 0x40 : 0x5a; /* DF alone: a fragment is another matter */
            carry();
            assert_arrived();
        }
        teardown(NULL);
    }
}

static bool is_mutable(uint8_t outer, uint32_t bit)
{
    uint32_t at = bit / 8;
    if (outer == 4)
        return at == 1 || at == 8 || at == 10 || at == 11 || bit == 6 * 8 + 1 || bit == 6 * 8;
    return (at == 0 && bit % 8 >= 4) || (at >= 1 && at <= 3) || at == 7;
}

/* Bits are numbered from the left. */
static void every_other_bit_is_covered(void **state)
{
    (void)state;
    for (uint8_t outer = 4; outer <= 6; outer += 2) {
        open_sides(INTEG_AES_CMAC_96, outer, NULL);
        uint32_t bits = 8 * ((uint32_t)packet_ip_len(outer) + 24 + 40);
        for (uint32_t bit = 0; bit < bits; bit++) {
            uint64_t forwarded = esp_counters(b)->packets_in;
            send(4, 40);
            p.data[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
            carry();
            bool passed = p.verdict == ESP_FORWARD;
            assert_int_equal(esp_counters(b)->packets_in, forwarded + passed);
            if (passed != is_mutable(outer, bit))
                fail_msg("IPv%u bit %u of byte %u: %s", outer, bit % 8, bit / 8,
                         passed ? "taken" : "refused");
        }
        teardown(NULL);
    }
}

/* ---- headers that others put in front */

/* Makes the packet one with more between its IP header and AH, with a right ICV over an image of it in which
 * the bytes at zero_from to zero_to of the insertion count as zero. */
static void insert(struct span more, uint32_t zero_from, uint32_t zero_to)
{
    static uint8_t wire[512], image[512];
    uint8_t full[MAC_MAX_LEN];
    bool is4 = p.data[0] >> 4 == 4;
    uint32_t head = is4 ? 20 : 40, n = (uint32_t)more.len, len = p.len + n;
    memcpy(wire, p.data, head);
    memcpy(wire + head, more.ptr, n);
    memcpy(wire + head + n, p.data + head, p.len - head);
    if (is4) {
        wire[0] = (uint8_t)(0x40 | (head + n) / 4);
        wire[2] = (uint8_t)(len >> 8);
        wire[3] = (uint8_t)len;
    } else {
        wire[4] = (uint8_t)((len - 40) >> 8);
        wire[5] = (uint8_t)(len - 40);
        wire[6] = 0; /* hop-by-hop */
    }
    memcpy(image, wire, len);
    if (is4) {
        image[1] = image[6] = image[7] = image[8] = image[10] = image[11] = 0;
    } else {
        image[0] = 0x60;
        image[1] = image[2] = image[3] = image[7] = 0;
    }
    memset(image + head + zero_from, 0, zero_to - zero_from);
    memset(image + head + n + 12, 0, 12);
    struct mac *mac = mac_new(mac_of_integ(INTEG_HMAC_SHA1_96), span_of(in.integ_key, in.integ_key_len));
    struct span whole = span_of(image, len);
    mac_run(mac, &whole, 1, full);
    mac_free(mac);
    memcpy(wire + head + n + 12, full, 12);
    p.data = wire;
    p.len = len;
}

static void ipv4_options_count_by_their_kind(void **state)
{
    (void)state;
    open_sides(INTEG_HMAC_SHA1_96, 4, NULL);
    /* no operation; router alert, which counts; record route, which does not; end and padding */
    struct span options = hex("01 94040000 07070400000000 00000000");
    send(4, 60);
    insert(options, 5, 12);
    carry();
    assert_arrived();
    send(4, 60);
    insert(options, 5, 12);
    p.data[20 + 8] ^= 0xff; /* an address of the record route */
    carry();
    assert_arrived();
    send(4, 60);
    insert(options, 5, 12);
    p.data[20 + 3] ^= 1; /* router alert */
    carry();
    assert_dropped(DROP_BAD_ICV);
    send(4, 60);
    insert(options, 0, 0); /* a sender that covers the route */
    carry();
    assert_dropped(DROP_BAD_ICV);
}

static void ipv4_options_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"01010107", "94050000", "07010000", "07000000", "010107ff"};
    open_sides(INTEG_HMAC_SHA1_96, 4, NULL);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        send(4, 60);
        insert(hex(wrong[i]), 0, 0);
        carry();
        assert_dropped(DROP_HEADERS);
    }
}

static void ipv6_options_count_unless_their_type_says_that_they_change(void **state)
{
    (void)state;
    open_sides(INTEG_HMAC_SHA1_96, 6, NULL);
    /* next AH; Pad1; 0x3e changes on the way: its data is zero; 0x1e does not; PadN */
    struct span hop = hex("33 01 00 3e02aabb 1e03010203 01020000");
    send(4, 60);
    insert(hop, 5, 7);
    carry();
    assert_arrived();
    send(4, 60);
    insert(hop, 5, 7);
    p.data[40 + 5] ^= 0xff;
    carry();
    assert_arrived();
    send(4, 60);
    insert(hop, 5, 7);
    p.data[40 + 9] ^= 0xff;
    carry();
    assert_dropped(DROP_BAD_ICV);
    send(4, 60);
    insert(hex("33 00 00 3e09aabb 00"), 5, 7); /* longer than its header */
    carry();
    assert_dropped(DROP_HEADERS);
    send(4, 60);
    insert(hex("33 40 00 00 00 00 00 00"), 0, 0); /* a header beyond the packet */
    carry();
    assert_dropped(DROP_SHORT);
}

/* ---- what no honest peer sends */

static void wrong_lengths_are_refused(void **state)
{
    (void)state;
    open_sides(INTEG_HMAC_SHA2_256_128, 4, NULL);
    for (unsigned words = 0; words < 256; words++) {
        if (words == 5)
            continue;
        send(4, 60);
        p.data[21] = (uint8_t)words;
        carry();
        if (words == 6) /* what Linux makes of it unless told not to: a right length, not this packet's */
            assert_dropped(DROP_BAD_ICV);
        else
            assert_dropped(DROP_SHORT);
    }
    for (uint32_t len = 0; len < 108; len++) { /* cut off */
        send(4, 60);
        p.len = len;
        carry();
        assert_dropped(DROP_SHORT);
    }
    for (unsigned total = 0; total < 48; total++) { /* says that it is shorter */
        send(4, 60);
        p.data[2] = 0;
        p.data[3] = (uint8_t)total;
        carry();
        assert_dropped(DROP_SHORT);
    }
    send(4, 60);
    p.data[0] = 0x44;
    carry();
    assert_dropped(DROP_SHORT);
    send(4, 60);
    p.data[0] = 0x4f; /* options over what is AH */
    carry();
    assert_dropped(DROP_UNKNOWN_SPI);
    assert_int_equal(esp_counters(b)->packets_in, 0);
}

/* In a buffer of just the promised size: the sanitizer looks on. */
static void nothing_is_written_beyond_the_tail(void **state)
{
    (void)state;
    for (uint8_t outer = 4; outer <= 6; outer += 2) {
        open_sides(INTEG_HMAC_SHA2_512_256, outer, NULL);
        send(6, 93);
        uint8_t *exact = malloc(p.len + AH_TAIL);
        memcpy(exact, p.data, p.len);
        p.data = exact;
        carry();
        assert_arrived();
        free(exact);
        teardown(NULL);
    }
}

static void fragments_are_refused(void **state)
{
    (void)state;
    open_sides(INTEG_HMAC_SHA2_256_128, 4, NULL);
    send(4, 60);
    p.data[6] = 0x20;
    carry();
    assert_dropped(DROP_FRAGMENT);
    send(4, 60);
    p.data[7] = 1;
    carry();
    assert_dropped(DROP_FRAGMENT);
}

static void a_repeated_packet_is_refused(void **state)
{
    (void)state;
    static uint8_t again[200];
    open_sides(INTEG_HMAC_SHA2_256_128, 4, with_esn);
    send(4, 60);
    struct esp_packet copy = p;
    memcpy(again, p.data, p.len);
    carry();
    assert_arrived();
    p = copy;
    p.data = again;
    carry();
    assert_dropped(DROP_REPLAY);
}

/* An SPI means one protocol. */
static void esp_and_ah_do_not_mix(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    open_sides(INTEG_HMAC_SHA2_256_128, 4, NULL);
    send(4, 60);
    struct esp *other = pair_new(&c, SIDE_B);
    pair_add_sa(other, pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4));
    pair_carry(&p);
    esp_inbound(other, &p, 1, 1);
    assert_dropped(DROP_UNKNOWN_SPI);
    esp_free(other);
    uint8_t esp[64] = {0x10, 0x00, 0x10, 0x00, 0, 0, 0, 1};
    p = inner_raw(&buffer, span_of(esp, sizeof(esp)));
    esp_inbound(b, &p, 1, 1);
    assert_dropped(DROP_UNKNOWN_SPI);
}

static void records_that_ah_cannot_be_are_refused(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    a = pair_new(&c, SIDE_A);
    for (int i = 0; i < 3; i++) {
        struct diag d = {0};
        struct esp_sa sa = record(SIDE_A, SA_OUT, INTEG_HMAC_SHA2_256_128, 4);
        sa.has_encap = i == 0;
        sa.integ = i == 1 ? INTEG_NONE : sa.integ;
        memset(sa.local.ip.b, i == 2 ? 0 : 1, 4);
        assert_false(esp_apply(a, &(struct action){.kind = ACTION_SA_ADD, .sa = &sa}, 1, &d));
        assert_true(diag_failed(&d));
    }
}

/* ---- in company */

static void what_fits_the_path_is_known_to_the_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(integs); i++) {
        open_sides(integs[i / 2], i % 2 ? 6 : 4, NULL);
        send(4, esp_inner_mtu(a, SPI_A_TO_B));
        assert_int_equal(p.len, 1500);
        teardown(NULL);
    }
}

static void narrow(struct esp_sa *sa, enum esp_side side)
{
    struct ip host[2] = {ip4(10, 1, 0, 5), ip4(10, 2, 0, 9)};
    sa->mode = MODE_TRANSPORT;
    sa->n_local_ts = sa->n_remote_ts = 1;
    sa->local_ts[0].from = sa->local_ts[0].to = sa->local.ip = host[side];
    sa->remote_ts[0].from = sa->remote_ts[0].to = sa->remote.ip = host[1 - side];
}

static void transport_mode_protects_what_follows_the_ip_header(void **state)
{
    (void)state;
    open_sides(INTEG_HMAC_SHA2_256_128, 4, narrow);
    send(4, 100);
    assert_int_equal(p.len, 100 + 28);
    assert_int_equal(p.data[20], 17);
    assert_memory_equal(p.data + 12, buffer.copy + 12, 8); /* the addresses */
    assert_memory_equal(p.data + 48, buffer.copy + 20, 80);
    carry();
    assert_int_equal(p.verdict, ESP_FORWARD);
    assert_int_equal(p.len, 100);
    assert_memory_equal(p.data + 12, buffer.copy + 12, 88);
}

static void compresses(struct esp_sa *sa, enum esp_side side)
{
    (void)side;
    sa->cpi = 4711;
}

static void ah_compresses_and_carries_trains(void **state)
{
    (void)state;
    static struct esp_buffer buffers[4];
    struct esp_packet train[4];
    open_sides(INTEG_HMAC_SHA2_256_128, 4, compresses);
    for (size_t i = 0; i < 4; i++) {
        train[i] =
            inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = i < 3 ? 1000 : 60});
        train[i].follows = i > 0;
    }
    esp_outbound(a, train, 4, 1);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(train[i].next_header, i < 3 ? 108 : 4);
        assert_true(train[i].is_ah);
        pair_carry(&train[i]);
    }
    esp_inbound(b, train, 4, 1);
    for (size_t i = 0; i < 4; i++)
        assert_span_equal(span_of(train[i].data, train[i].len), span_of(buffers[i].copy, buffers[i].len));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(packets_arrive_with_every_mac_under_both_families),
        TEST(an_ipv4_packet_looks_as_the_rfc_says),
        TEST(an_ipv6_packet_looks_as_the_rfc_says),
        TEST(what_routers_change_does_not_matter),
        TEST(every_other_bit_is_covered),
        TEST(ipv4_options_count_by_their_kind),
        TEST(ipv4_options_that_do_not_fit_are_refused),
        TEST(ipv6_options_count_unless_their_type_says_that_they_change),
        TEST(wrong_lengths_are_refused),
        TEST(nothing_is_written_beyond_the_tail),
        TEST(fragments_are_refused),
        TEST(a_repeated_packet_is_refused),
        TEST(esp_and_ah_do_not_mix),
        TEST(records_that_ah_cannot_be_are_refused),
        TEST(what_fits_the_path_is_known_to_the_byte),
        TEST(transport_mode_protects_what_follows_the_ip_header),
        TEST(ah_compresses_and_carries_trains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
