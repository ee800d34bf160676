/* SPDX-License-Identifier: Apache-2.0 */
/* MSS clamping and its checksum. */
#include "esp/mss.h"
#include "support/test.h"

#define ADDRESSES4 "0a010005 0a020009"
#define ADDRESSES6 "20010db8000100000000000000000005 20010db8000200000000000000000009"

/* A TCP segment with these options (hex, a multiple of 4 bytes) and flags, its checksum right. */
static struct packet segment(uint8_t *buf, uint8_t family, uint8_t flags, const char *options_text)
{
    struct span options = hex(options_text);
    struct packet_ip h = {
        .src = {family, {10, 1, 0, 5}},
        .dst = {family, {10, 2, 0, 9}},
        .proto = NH_TCP,
        .ttl = 64,
        .payload = (uint16_t)(20 + options.len)
    };
    struct wr w = wr_over(buf, 256);
    packet_write_ip(&w, &h);
    wr_u16(&w, 40000);
    wr_u16(&w, 80);
    wr_u64(&w, 0x1122334455667788);
    wr_u8(&w, (uint8_t)((20 + options.len) / 4 << 4));
    wr_u8(&w, flags);
    wr_u16(&w, 0xffff);
    wr_u32(&w, 0);
    wr_span(&w, options);
    size_t at = packet_ip_len(family);
    uint16_t sum = checksum_upper(&h.src, &h.dst, NH_TCP, span_of(buf + at, w.len - at));
    wr_patch_u16(&w, at + 16, sum);
    struct packet p;
    assert_true(packet_parse(wr_span_view(&w), &p));
    return p;
}

static void assert_sound(const uint8_t *buf, const struct packet *p)
{
    uint16_t sum = checksum_upper(&p->src, &p->dst, NH_TCP, span_of(buf + p->upper, p->len - p->upper));
    assert_true(sum == 0 || sum == 0xffff);
}

static void a_syn_is_clamped_and_its_checksum_stays_right(void **state)
{
    (void)state;
    uint8_t buf[256];
    static const char *const options[] = {
        "020405b4",                         /* alone */
        "01010402 020405b4",                /* behind others */
        "01 020405b4 010101",               /* at an odd offset */
        "0402080a0000000100000000 020405b4" /* last */
    };
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            for (uint8_t flags = 0x02; flags <= 0x12; flags += 0x10) { /* SYN, SYN-ACK */
                struct packet p = segment(buf, family, flags, options[i]);
                assert_true(mss_clamp(buf, &p, 1400));
                uint16_t want = family == 4 ? 1360 : 1340;
                uint8_t value[4] = {2, 4, (uint8_t)(want >> 8), (uint8_t)want};
                assert_non_null(memmem(buf + p.upper + 20, p.len - p.upper - 20, value, 4));
                assert_sound(buf, &p);
                assert_false(mss_clamp(buf, &p, 1400));
            }
        }
    }
}

static void what_needs_no_clamping_is_left_alone(void **state)
{
    (void)state;
    uint8_t buf[256], before[256];
    static const struct {
        uint8_t flags;
        const char *options;
    } rows[] = {
        {0x10, "020405b4"         }, /* no SYN */
        {0x02, "02040200"         }, /* small already */
        {0x02, "01010402"         }, /* no MSS */
        {0x02, ""                 },
        {0x02, "00000000 020405b4"}, /* behind the end of options */
        {0x02, "020305b4"         }, /* wrong length */
        {0x02, "03010204 05b40101"}, /* an option of length 1 */
        {0x02, "01010102"         }, /* cut off */
        {0x02, "01010204"         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct packet p = segment(buf, 4, rows[i].flags, rows[i].options);
        memcpy(before, buf, sizeof(buf));
        assert_false(mss_clamp(buf, &p, 1400));
        assert_memory_equal(buf, before, p.len);
    }
}

static void broken_tcp_headers_and_fragments_are_left_alone(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct packet p = segment(buf, 4, 2, "020405b4");
    buf[p.upper + 12] = 0xf0; /* header longer than the packet */
    assert_false(mss_clamp(buf, &p, 1400));
    p = segment(buf, 4, 2, "020405b4");
    buf[p.upper + 12] = 0x40; /* shorter than a TCP header */
    assert_false(mss_clamp(buf, &p, 1400));
    p = segment(buf, 4, 2, "020405b4");
    p.is_fragment = true;
    assert_false(mss_clamp(buf, &p, 1400));
    p.is_fragment = false;
    assert_false(mss_clamp(buf, &p, 40));
    assert_false(mss_clamp(buf, &p, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_syn_is_clamped_and_its_checksum_stays_right),
        cmocka_unit_test(what_needs_no_clamping_is_left_alone),
        cmocka_unit_test(broken_tcp_headers_and_fragments_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
