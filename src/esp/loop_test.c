/* SPDX-License-Identifier: Apache-2.0 */
/* Whole packets through two data planes: every cipher, every pairing of IP versions, published packets, and
 * what must not get through. */
#include "crypto/prf.h"
#include "support/esp_pair_fixture.h"
#include "support/test.h"

#include <stdlib.h>

static struct esp_buffer buffers[ESP_BATCH];
static struct esp_packet packets[ESP_BATCH];

static void open_both(const struct esp_suite *s, uint8_t outer_family)
{
    esp_free(a);
    esp_free(b);
    a = pair_side(s, SIDE_A, outer_family, NULL);
    b = pair_side(s, SIDE_B, outer_family, NULL);
}

/* One UDP packet from A into packets[0]. */
static void make(uint8_t family, uint32_t len)
{
    packets[0] = inner_udp(&buffers[0], &(struct inner){.from = SIDE_A, .family = family, .len = len});
}

static void send(size_t n)
{
    esp_outbound(a, packets, n, 1);
    for (size_t i = 0; i < n; i++) {
        if (packets[i].verdict != ESP_FORWARD)
            fail_msg("packet %zu: %s", i, esp_drop_name(packets[i].drop));
        pair_carry(&packets[i]);
    }
}

static void receive_one(void)
{
    esp_inbound(b, packets, 1, 1);
}

static void assert_arrived(size_t i)
{
    if (packets[i].verdict != ESP_FORWARD)
        fail_msg("packet %zu: %s", i, esp_drop_name(packets[i].drop));
    assert_int_equal(packets[i].len, buffers[i].len);
    assert_memory_equal(packets[i].data, buffers[i].copy, buffers[i].len);
}

static void assert_dropped(enum esp_drop why)
{
    assert_int_equal(packets[0].verdict, ESP_DROP);
    if (packets[0].drop != why)
        fail_msg("dropped for %s", esp_drop_name(packets[0].drop));
}

/* Suites that some engine of this build carries. */
static bool is_carried(const struct esp_suite *s, const char *engine)
{
    struct esp_config c = {.engine = engine};
    struct esp *e = esp_new(&c);
    struct esp_sa sa = pair_sa(s, SIDE_A, SA_OUT, 4);
    struct action add = {.kind = ACTION_SA_ADD, .sa = &sa};
    struct diag d = {0};
    bool ok = esp_apply(e, &add, 1, &d);
    esp_free(e);
    return ok;
}

static void every_cipher_and_pairing_of_ip_versions_returns_the_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < esp_suites_count; i++) {
        const struct esp_suite *s = &esp_suites[i];
        if (!is_carried(s, NULL))
            fail_msg("no engine carries %s", s->name);
        for (uint8_t outer = 4; outer <= 6; outer += 2) {
            open_both(s, outer);
            for (uint8_t inner = 4; inner <= 6; inner += 2) {
                size_t n = 0;
                for (uint32_t len = 49; n < 40; len += 17)
                    packets[n] =
                        inner_udp(&buffers[n], &(struct inner){.from = SIDE_A, .family = inner, .len = len}),
                    n++;
                send(n);
                for (size_t k = 0; k < n; k++) {
                    assert_false(packets[k].has_encap);
                    assert_int_equal(packets[k].remote.ip.family, outer);
                    assert_int_equal(packets[k].child_id, 1);
                }
                esp_inbound(b, packets, n, 1);
                for (size_t k = 0; k < n; k++) {
                    assert_arrived(k);
                    assert_int_equal(packets[k].next_header, inner == 4 ? 4 : 41);
                }
            }
        }
    }
}

static void both_engines_understand_each_other(void **state)
{
    (void)state;
    static const char *const engines[] = {"openssl", "ipsec-mb"};
    size_t common = 0;
    for (size_t i = 0; i < esp_suites_count; i++) {
        const struct esp_suite *s = &esp_suites[i];
        if (!is_carried(s, engines[0]) || !is_carried(s, engines[1]))
            continue;
        common++;
        for (size_t dir = 0; dir < 2; dir++) {
            teardown(NULL);
            a = pair_side(s, SIDE_A, 4, engines[dir]);
            b = pair_side(s, SIDE_B, 4, engines[!dir]);
            make(4, 1400);
            send(1);
            receive_one();
            assert_arrived(0);
        }
    }
#if defined(__x86_64__)
    assert_true(common >= 5);
#endif
}

static void the_plaintext_is_nowhere_in_the_sealed_packet(void **state)
{
    (void)state;
    for (size_t i = 0; i < esp_suites_count; i++) {
        if (esp_suites[i].encr == ENCR_NULL || esp_suites[i].encr == ENCR_NULL_AES_GMAC)
            continue;
        open_both(&esp_suites[i], 4);
        make(4, 200);
        send(1);
        for (size_t at = 0; at + 16 <= buffers[0].len; at += 16)
            assert_null(memmem(packets[0].data, packets[0].len, buffers[0].copy + at, 16));
    }
}

static uint8_t fixed_iv_mask[8];

static void fixed_random(void *ctx, void *out, size_t len)
{
    (void)ctx;
    memset(out, 0, len);
    memcpy(out, fixed_iv_mask, len < 8 ? len : 8);
}

static void the_packet_of_rfc7634_appendix_a_comes_out_byte_for_byte(void **state)
{
    (void)state;
    static const struct esp_suite chacha = {"chacha", ENCR_CHACHA20_POLY1305, 256, INTEG_NONE};
    struct span source = hex("45000054a6f200004001e778c6336405c000020508005b7a3a080000553bec10"
                             "0007362708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
                             "2425262728292a2b2c2d2e2f3031323334353637");
    struct span sealed = hex("010203040000000510111213141516172403942 8b97f417e3c13753a4f05087b67c352e6"
                             "a7fab1b982d466ef407ae5c614ee8099d52844eb61aa95dfab4c02f72aa71e7c4c4f64c9"
                             "befe2facc638e8f3cbec163fac469b502773f6fb94e664da9165b82829f641e0"
                             "76aaa8266b7fb0f7b11b369907e1ad43");
    struct span key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3");
    /* The number 5 under this mask gives the RFC's IV. */
    memcpy(fixed_iv_mask, "\x10\x11\x12\x13\x14\x15\x16\x12", 8);
    crypto_random_set_source(fixed_random, NULL);
    for (size_t side = 0; side < 2; side++) {
        struct esp_config c = {0};
        struct esp *e = esp_new(&c);
        struct esp_sa sa = pair_sa(&chacha, SIDE_A, side ? SA_IN : SA_OUT, 4);
        struct esp_policy policy = pair_policy(SIDE_A, 1);
        sa.spi = 0x01020304;
        sa.n_local_ts = sa.n_remote_ts = policy.n_local_ts = policy.n_remote_ts = 1;
        sa.local_ts[0] = sa.remote_ts[0] = policy.local_ts[0] = policy.remote_ts[0] = ts_any(4);
        memcpy(sa.encr_key, key.ptr, key.len);
        sa.encr_key_len = (uint8_t)key.len;
        pair_add_sa(e, sa);
        pair_add_policy(e, policy);
        for (size_t i = 0; i < 5; i++)
            packets[i] = inner_raw(&buffers[i], side ? sealed : source);
        if (side) {
            esp_inbound(e, packets, 1, 1);
            assert_int_equal(packets[0].verdict, ESP_FORWARD);
            assert_span_equal(span_of(packets[0].data, packets[0].len), source);
        } else {
            esp_outbound(e, packets, 5, 1);
            assert_span_equal(span_of(packets[4].data, packets[4].len), sealed);
        }
        esp_free(e);
    }
}

/* Case 7 of RFC 3602, a tunnel mode packet; the RFC has no integrity, so the ICV is computed here. */
static void the_tunnel_packet_of_rfc3602_is_opened(void **state)
{
    (void)state;
    static const struct esp_suite cbc = {"cbc", ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128};
    uint8_t packet[256];
    struct span sealed = hex("0000876500000002f4e765244f6407adf13dc1380f673f37"
                             "773b5241a4c449225e4f3ce5ed611b0c237ca96cf74a93013c1b0ea1a0cf70f8"
                             "e4ecaec78ac53aad7a0f022b859243c647752e94a859352b8a4d4d2decd136e5"
                             "c177f132ad3fbfb2201ac9904c74ee0a109e0ca1e4dfe9d5a100b842f1c22f0d");
    struct span inner = hex("45000054090400004001f988c0a87b03c0a87bc808009f76a90a0100b49c083d"
                            "02a2040008090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20212223"
                            "2425262728292a2b2c2d2e2f3031323334353637");
    struct esp_config c = {0};
    b = esp_new(&c);
    struct esp_sa sa = pair_sa(&cbc, SIDE_B, SA_IN, 4);
    sa.spi = 0x8765;
    sa.local_ts[0] = sa.remote_ts[0] = ts_any(4);
    memcpy(sa.encr_key, hex("0123456789abcdef0123456789abcdef").ptr, 16);
    struct span integ_key = hex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    memcpy(sa.integ_key, integ_key.ptr, 32);
    memcpy(packet, sealed.ptr, sealed.len);
    assert_true(integ_compute(INTEG_HMAC_SHA2_256_128, integ_key, &sealed, 1, packet + sealed.len));
    pair_add_sa(b, sa);
    packets[0] = inner_raw(&buffers[0], span_of(packet, sealed.len + 16));
    receive_one();
    assert_int_equal(packets[0].verdict, ESP_FORWARD);
    assert_span_equal(span_of(packets[0].data, packets[0].len), inner);
}

static void a_changed_bit_anywhere_is_found(void **state)
{
    (void)state;
    const struct esp_suite *const suites[] = {esp_suite_gcm, esp_suite_cbc};
    for (size_t s = 0; s < ARRAY_LEN(suites); s++) {
        open_both(suites[s], 4);
        uint32_t sealed_len = 0;
        for (uint32_t at = 8; at == 8 || at < sealed_len; at++) {
            make(4, 60);
            send(1);
            sealed_len = packets[0].len;
            packets[0].data[at] ^= 0x10;
            receive_one();
            assert_dropped(DROP_BAD_ICV);
        }
        /* The sequence number and SPI are covered too. */
        make(4, 60);
        send(1);
        packets[0].data[6] ^= 1;
        receive_one();
        assert_dropped(DROP_BAD_ICV);
        struct dataplane_event in;
        assert_true(esp_sa_counters(b, SA_IN, SPI_A_TO_B, &in));
        assert_true(in.packets == 0 && in.bytes == 0 && in.last_use == 0);
    }
}

static void forged_packets_leave_the_window_alone(void **state)
{
    (void)state;
    open_both(esp_suite_gcm, 4);
    make(4, 60);
    send(1);
    struct esp_packet genuine = packets[0];
    struct esp_buffer saved = buffers[0];
    /* A forged packet far ahead: were the window moved, the genuine one would be too old. */
    packets[0].data[4] = 0x7f;
    receive_one();
    assert_dropped(DROP_BAD_ICV);
    buffers[0] = saved;
    packets[0] = genuine;
    receive_one();
    assert_arrived(0);
}

static void a_replayed_packet_is_dropped_also_within_one_batch(void **state)
{
    (void)state;
    open_both(esp_suite_gcm, 4);
    make(4, 100);
    send(1);
    memcpy(buffers[1].raw, buffers[0].raw, sizeof(buffers[0].raw));
    memcpy(buffers[2].raw, buffers[0].raw, sizeof(buffers[0].raw));
    for (size_t i = 1; i < 3; i++) {
        packets[i] = packets[0];
        packets[i].data = buffers[i].raw + (packets[0].data - buffers[0].raw);
    }
    esp_inbound(b, packets, 2, 1);
    assert_arrived(0);
    assert_int_equal(packets[1].drop, DROP_REPLAY);
    packets[0] = packets[2];
    receive_one();
    assert_dropped(DROP_REPLAY);
    assert_int_equal(esp_counters(b)->drops[DROP_REPLAY], 2);
    assert_int_equal(esp_counters(b)->packets_in, 1);
}

static void unknown_and_short_packets_are_dropped(void **state)
{
    (void)state;
    open_both(esp_suite_gcm, 4);
    for (uint32_t len = 0; len < 8 + 8 + 16 + 2; len++) {
        make(4, 60);
        send(1);
        packets[0].len = len;
        receive_one();
        assert_dropped(DROP_SHORT);
    }
    make(4, 60);
    send(1);
    packets[0].data[0] ^= 1;
    receive_one();
    assert_dropped(DROP_UNKNOWN_SPI);
    assert_int_equal(packets[0].child_id, 0);
}

static void an_odd_ciphertext_length_is_no_crash(void **state)
{
    (void)state;
    for (size_t i = 0; i < esp_suites_count; i++) {
        open_both(&esp_suites[i], 4);
        for (uint32_t cut = 1; cut < 16; cut++) {
            make(4, 60);
            send(1);
            packets[0].len -= cut;
            receive_one();
            assert_int_equal(packets[0].verdict, ESP_DROP);
        }
    }
}

int main(void)
{
#define LOOP_TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        LOOP_TEST(every_cipher_and_pairing_of_ip_versions_returns_the_packet),
        LOOP_TEST(both_engines_understand_each_other),
        LOOP_TEST(the_plaintext_is_nowhere_in_the_sealed_packet),
        LOOP_TEST(the_packet_of_rfc7634_appendix_a_comes_out_byte_for_byte),
        LOOP_TEST(the_tunnel_packet_of_rfc3602_is_opened),
        LOOP_TEST(a_changed_bit_anywhere_is_found),
        LOOP_TEST(forged_packets_leave_the_window_alone),
        LOOP_TEST(a_replayed_packet_is_dropped_also_within_one_batch),
        LOOP_TEST(unknown_and_short_packets_are_dropped),
        LOOP_TEST(an_odd_ciphertext_length_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
