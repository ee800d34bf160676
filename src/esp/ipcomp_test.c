/* SPDX-License-Identifier: Apache-2.0 */
/* Compression of single packets: what comes back, what is left alone, and what a peer may send that is not to
 * be believed. */
#include "base/wr.h"
#include "crypto/random.h"
#include "esp/esp.h"
#include "esp/ipcomp.h"
#include "support/test.h"

#define CPI 0x1234

static struct ipcomp *c;
static struct ipcomp_pace pace;
static uint8_t bytes[70000];

static int setup(void **state)
{
    (void)state;
    c = ipcomp_new();
    pace = (struct ipcomp_pace){0};
    crypto_random_seed(3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ipcomp_free(c);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static void fill_text(uint32_t len)
{
    static const char words[] = "GET /index.html HTTP/1.1 Host: example.net Accept: text/html ";
    for (uint32_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)words[(i * i / 7 + i) % (sizeof(words) - 1)];
    memset(bytes + len / 2, 'x', len / 4);
}

/* Restores IPComp bytes as they would come from a peer. */
static bool restore(struct span packet, uint16_t cpi, struct span *out, uint8_t *next)
{
    static uint8_t in[70000];
    memcpy(in, packet.ptr, packet.len);
    uint8_t *data = in;
    uint32_t len = (uint32_t)packet.len;
    *next = 0;
    ipcomp_begin(c);
    bool ok = ipcomp_restore(c, &data, &len, next, cpi);
    assert_true(ok || (data == in && len == packet.len && *next == 0));
    *out = span_of(data, len);
    return ok;
}

static void what_was_compressed_comes_back_as_it_was(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {90, 97, 500, 1400, 9000, 65535};
    static uint8_t before[70000];
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        uint32_t len = lengths[i];
        struct span out;
        uint8_t next;
        fill_text(len);
        memcpy(before, bytes, len);
        assert_true(ipcomp_compress(c, &pace, bytes, &len, 41, CPI));
        assert_true(len < lengths[i]);
        assert_span_equal(span_of(bytes, 4), hex("29 00 12 34"));
        assert_true(restore(span_of(bytes, len), CPI, &out, &next));
        assert_int_equal(next, 41);
        assert_span_equal(out, span_of(before, lengths[i]));
    }
}

/* By another implementation: fixed and stored blocks, and one with dynamic codes over 600 bytes. */
static void streams_of_others_are_understood(void **state)
{
    (void)state;
    struct span out;
    uint8_t next;
    assert_true(restore(hex("04 00 1234 cb48cdc9c90700"), CPI, &out, &next));
    assert_span_equal(out, span_str("hello"));
    assert_true(
        restore(hex("04 ff 1234 01 0500 faff 68656c6c6f"), CPI, &out, &next)); /* flags count for nothing */
    assert_span_equal(out, span_str("hello"));
    assert_int_equal(next, 4);
    assert_true(
        restore(hex("04 00 1234 cb48cdc9c90700 000000"), CPI, &out, &next)); /* padded behind its end */
    assert_span_equal(out, span_str("hello"));
}

static void another_cpi_is_refused(void **state)
{
    (void)state;
    struct span out;
    uint8_t next;
    assert_false(restore(hex("04 00 1235 cb48cdc9c90700"), CPI, &out, &next));
    assert_false(restore(hex("04 00 3412 cb48cdc9c90700"), CPI, &out, &next));
    assert_false(restore(hex("04 00 0002 cb48cdc9c90700"), CPI, &out, &next));
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    uint32_t len = 1000;
    struct span out;
    uint8_t next;
    fill_text(len);
    assert_true(ipcomp_compress(c, &pace, bytes, &len, 4, CPI));
    for (uint32_t n = 0; n < len; n++)
        assert_false(restore(span_of(bytes, n), CPI, &out, &next));
    assert_true(restore(span_of(bytes, len), CPI, &out, &next)); /* a refused one leaves no trace */
}

static void what_is_no_deflate_stream_is_refused(void **state)
{
    (void)state;
    struct span out;
    uint8_t next;
    assert_false(restore(hex("04 00 1234 07"), CPI, &out, &next));                      /* block type 3 */
    assert_false(restore(hex("04 00 1234 01 0500 0000 68656c6c6f"), CPI, &out, &next)); /* lengths disagree */
    assert_false(restore(hex("04 00 1234 030200"), CPI, &out, &next)); /* a copy from before the start */
    assert_false(
        restore(hex("04 00 1234 789c cb48cdc9c90700 062c0215"), CPI, &out, &next)); /* zlib's wrapping */
}

/* A bomb restores as much as an IP packet can be, and not a byte more; whatever it is, the next one is not
 * hurt. */
static void a_bomb_stops_at_the_size_of_an_ip_packet(void **state)
{
    (void)state;
    static uint8_t bomb[70000];
    static uint8_t zeros[65535];
    struct span out;
    uint8_t next;
    uint32_t len = sizeof(zeros);
    memcpy(bytes, zeros, len);
    assert_true(ipcomp_compress(c, &pace, bytes, &len, 4, CPI));
    assert_true(len < 600);
    assert_true(restore(span_of(bytes, len), CPI, &out, &next));
    assert_int_equal(out.len, 65535);
    /* the same with its last block made to go on, twice: stored blocks are simplest to put together */
    struct wr w = wr_over(bomb, sizeof(bomb));
    wr_u32(&w, 0x04001234);
    for (int i = 0; i < 2; i++) {
        wr_bytes(&w, i ? "\x01\x01\x00\xfe\xff" : "\x00\xff\xff\x00\x00", 5);
        wr_zero(&w, i ? 1 : 65535);
    }
    assert_true(wr_ok(&w));
    assert_false(restore(wr_span_view(&w), CPI, &out, &next));
    assert_true(restore(hex("04 00 1234 cb48cdc9c90700"), CPI, &out, &next));
}

static void a_batch_of_bombs_has_room_and_no_more(void **state)
{
    (void)state;
    uint32_t packed = 65535;
    memset(bytes, 0, packed);
    assert_true(ipcomp_compress(c, &pace, bytes, &packed, 4, CPI));
    ipcomp_begin(c);
    uint8_t *first = NULL, next;
    for (size_t i = 0; i <= ESP_BATCH; i++) {
        uint8_t *data = bytes;
        uint32_t len = packed;
        assert_true(ipcomp_restore(c, &data, &len, &next, CPI) == (i < ESP_BATCH));
        first = first ? first : data;
        if (i < ESP_BATCH)
            data[0] = data[len - 1] = (uint8_t)(i + 1); /* nobody else's */
    }
    assert_int_equal(first[0], 1);
    assert_int_equal(first[65534], 1);
}

static void what_would_not_get_smaller_stays_as_it_is(void **state)
{
    (void)state;
    uint8_t before[1400];
    uint32_t len = sizeof(before);
    crypto_random(bytes, len);
    memcpy(before, bytes, len);
    assert_false(ipcomp_compress(c, &pace, bytes, &len, 4, CPI));
    assert_int_equal(len, sizeof(before));
    assert_memory_equal(bytes, before, len);
    memset(bytes, 0, 89); /* it would, but is too small to be tried */
    len = 89;
    assert_false(ipcomp_compress(c, &pace, bytes, &len, 4, CPI));
    assert_int_equal(len, 89);
}

/* [RFC3173#2.2] an adaptive algorithm */
static void trying_in_vain_becomes_rare_until_it_helps_again(void **state)
{
    (void)state;
    unsigned helped = 0;
    for (int i = 0; i < 4; i++) {
        uint32_t len = 1400;
        crypto_random(bytes, len);
        assert_int_equal(pace.skip, 0);
        assert_false(ipcomp_compress(c, &pace, bytes, &len, 4, CPI));
    }
    assert_int_equal(pace.skip, 8);
    for (int i = 0; i < 8; i++) {
        uint32_t len = 1400;
        memset(bytes, 0, len);
        helped += ipcomp_compress(c, &pace, bytes, &len, 4, CPI);
    }
    assert_int_equal(helped, 0);
    for (int i = 0; i < 4; i++) {
        uint32_t len = 1400;
        memset(bytes, 0, len);
        helped += ipcomp_compress(c, &pace, bytes, &len, 4, CPI);
    }
    assert_int_equal(helped, 4);
    for (int i = 0; i < 20000; i++) { /* the waits are bounded */
        uint32_t len = 1400;
        crypto_random(bytes, len);
        ipcomp_compress(c, &pace, bytes, &len, 4, CPI);
    }
    assert_in_range(pace.skip, 0, 1024);
    assert_true(pace.failures >= 12);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(what_was_compressed_comes_back_as_it_was),
        TEST(streams_of_others_are_understood),
        TEST(another_cpi_is_refused),
        TEST(every_truncation_is_refused),
        TEST(what_is_no_deflate_stream_is_refused),
        TEST(a_bomb_stops_at_the_size_of_an_ip_packet),
        TEST(a_batch_of_bombs_has_room_and_no_more),
        TEST(what_would_not_get_smaller_stays_as_it_is),
        TEST(trying_in_vain_becomes_rare_until_it_helps_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
