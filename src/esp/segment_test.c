/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting super-packets, compared with packets that the plain model builds from their fields. */
#include "esp/segment.h"
#include "support/flow.h"
#include "support/test.h"

#define ROUNDS 3000

static uint8_t text[65536];
/* IPv6: destination options; hop-by-hop and then a routing header that is used up */
static const struct {
    uint8_t first;
    const char *tcp, *udp;
} extensions[] = {
    {60, "0600010400000000",                  "1100010400000000"                 },
    {0,  "2b00010400000000 0600000000000000", "2b00010400000000 1100000000000000"},
};

static struct flow_packet random_flow(uint32_t *r, uint8_t family, uint8_t proto)
{
    static const char *const options[] = {"", "0101080a0000000100000002", "020405b40101040201030307"};
    struct flow_packet f = {.family = family,
                            .proto = proto,
                            .tos = (uint8_t)flow_random(r, 256),
                            .ttl = (uint8_t)(1 + flow_random(r, 255)),
                            .has_df = flow_random(r, 2),
                            .id = (uint16_t)flow_random(r, 65536),
                            .host = 5,
                            .sport = (uint16_t)flow_random(r, 65536),
                            .dport = (uint16_t)flow_random(r, 65536),
                            .seq = flow_random(r, 2) ? 0xffffff00u : flow_random(r, 1 << 24),
                            .ack = flow_random(r, 1 << 24),
                            .flags = (uint8_t)flow_random(r, 256),
                            .window = (uint16_t)flow_random(r, 65536),
                            .urgent = (uint16_t)flow_random(r, 65536),
                            .options = hex(options[flow_random(r, 3)])};
    if (!flow_random(r, 3)) {
        size_t i = flow_random(r, 2);
        f.first_more = extensions[i].first;
        f.ip_more =
            family == 4 ? hex("94040000 01010101") : hex(proto == 6 ? extensions[i].tcp : extensions[i].udp);
    }
    return f;
}

/* Segment number i of the flow, as the sender would have built it. */
static struct flow_packet expected(const struct flow_packet *f, size_t i, size_t size)
{
    struct flow_packet e = *f;
    size_t from = i * size, left = f->payload.len - from;
    e.payload = span_of(f->payload.ptr + from, left < size ? left : size);
    e.id = (uint16_t)(f->id + i);
    e.seq = f->seq + (uint32_t)from;
    if (i)
        e.flags &= 0x7f; /* CWR */
    if (left > size)
        e.flags &= (uint8_t)~0x09; /* FIN, PSH */
    return e;
}

static void check(const struct flow_packet *f, size_t size, bool needs_checksum)
{
    static uint8_t whole[66000], want[66000], got[66000];
    size_t upper, payload, n = 0;
    size_t len = flow_build(f, whole, &upper, &payload);
    struct offload o = {.kind = f->proto == 6 ? OFFLOAD_TCP : OFFLOAD_UDP,
                        .needs_checksum = needs_checksum,
                        .header = 9999, /* the kernel's is a hint */
                        .size = (uint16_t)size};
    if (needs_checksum)
        flow_leave_checksum(f, whole, len, upper);
    struct segmenter s;
    assert_true(segment_start(&s, span_of(whole, len), &o));
    for (size_t next; (next = segment_next_len(&s)); n++) {
        struct flow_packet e = expected(f, n, size);
        size_t want_len = flow_build(&e, want, &upper, &payload);
        got[next] = 0xa5;
        segment_write_next(&s, got);
        assert_int_equal(got[next], 0xa5);
        assert_span_equal(span_of(got, next), span_of(want, want_len));
    }
    assert_int_equal(n, (f->payload.len + size - 1) / size);
}

static void segments_are_what_the_sender_would_have_built(void **state)
{
    (void)state;
    uint32_t r = 7;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)flow_random(&r, 256);
    for (int round = 0; round < ROUNDS; round++) {
        struct flow_packet f = random_flow(&r, flow_random(&r, 2) ? 4 : 6, flow_random(&r, 2) ? 6 : 17);
        size_t size = 1 + flow_random(&r, flow_random(&r, 4) ? 1500 : 9000), most = size * 66;
        f.payload = span_of(text + flow_random(&r, 64),
                            1 + flow_random(&r, (uint32_t)(round % 50 ? (most < 8000 ? most : 8000)
                                                                      : (most < 65000 ? most : 65000))));
        check(&f, size, flow_random(&r, 4));
    }
}

static void a_single_packet_gets_its_checksum(void **state)
{
    (void)state;
    uint32_t r = 9;
    uint8_t want[2048], got[2048];
    for (int round = 0; round < ROUNDS; round++) {
        struct flow_packet f = random_flow(&r, flow_random(&r, 2) ? 4 : 6, flow_random(&r, 2) ? 6 : 17);
        size_t upper, payload;
        f.payload = span_of(text, flow_random(&r, 1400));
        size_t len = flow_build(&f, want, &upper, &payload);
        memcpy(got, want, len);
        struct offload o = {0};
        if (round % 4) {
            flow_leave_checksum(&f, got, len, upper);
            o = (struct offload){.needs_checksum = true,
                                 .checksum_start = (uint16_t)upper,
                                 .checksum_offset = f.proto == 6 ? 16 : 6};
        }
        uint8_t out[2048];
        struct segmenter s;
        assert_true(segment_start(&s, span_of(got, len), &o));
        assert_int_equal(segment_next_len(&s), len);
        segment_write_next(&s, out);
        assert_span_equal(span_of(out, len), span_of(want, len));
        assert_int_equal(segment_next_len(&s), 0);
    }
}

/* [RFC768] on the wire zero means that there is no checksum. */
static void a_checksum_of_zero_is_written_as_ones(void **state)
{
    (void)state;
    uint8_t whole[2048], out[2048], bytes[300] = {0};
    size_t upper, payload;
    struct flow_packet f = {.family = 4, .proto = 17, .ttl = 64, .payload = span_of(bytes, 100)};
    flow_build(&f, whole, &upper, &payload);
    for (size_t i = 0; i < sizeof(bytes); i += 100)
        memcpy(bytes + i, whole + upper + 6, 2);
    f.payload.len = sizeof(bytes);
    size_t len = flow_build(&f, whole, &upper, &payload);
    struct offload o = {.kind = OFFLOAD_UDP, .size = 100};
    struct segmenter s;
    assert_true(segment_start(&s, span_of(whole, len), &o));
    segment_write_next(&s, out);
    assert_memory_equal(out + upper + 6, "\xff\xff", 2);
}

static void what_no_offload_fits_is_refused(void **state)
{
    (void)state;
    uint8_t whole[2048];
    size_t upper, payload;
    struct segmenter s;
    struct flow_packet f = {.family = 4, .proto = 6, .ttl = 64, .flags = 0x10, .payload = span_of(text, 900)};
    size_t len = flow_build(&f, whole, &upper, &payload);
    struct offload tcp = {.kind = OFFLOAD_TCP, .size = 100}, o = tcp;
    assert_true(segment_start(&s, span_of(whole, len), &tcp));
    o.size = 0;
    assert_false(segment_start(&s, span_of(whole, len), &o));
    assert_int_equal(segment_next_len(&s), 0);
    o = (struct offload){.kind = OFFLOAD_UDP, .size = 100};
    assert_false(segment_start(&s, span_of(whole, len), &o));
    assert_false(segment_start(&s, span_of(whole, len - 1), &tcp)); /* the IP header says more */
    assert_false(segment_start(&s, span_of(whole, len + 1), &tcp)); /* and less */
    assert_false(segment_start(&s, span_of(whole, 0), &(struct offload){0}));
    whole[upper + 12] = 0x40; /* a TCP header of 16 bytes */
    assert_false(segment_start(&s, span_of(whole, len), &tcp));
    whole[upper + 12] = 0xf0; /* reaches into the payload, which is allowed */
    assert_true(segment_start(&s, span_of(whole, len), &tcp));
    whole[6] = 0x20; /* a fragment */
    assert_false(segment_start(&s, span_of(whole, len), &tcp));
    f.payload.len = 0;
    len = flow_build(&f, whole, &upper, &payload);
    assert_false(segment_start(&s, span_of(whole, len), &tcp));
    for (size_t field = len - 2; field < len + 2; field++) { /* the checksum must lie inside */
        o = (struct offload){
            .needs_checksum = true, .checksum_start = 20, .checksum_offset = (uint16_t)(field - 20)};
        assert_int_equal(segment_start(&s, span_of(whole, len), &o), field + 2 <= len);
    }
}

static void no_bytes_of_any_kind_are_read_or_written_outside(void **state)
{
    (void)state;
    uint32_t r = 11;
    for (int round = 0; round < 2 * ROUNDS; round++) {
        struct flow_packet f = random_flow(&r, flow_random(&r, 2) ? 4 : 6, flow_random(&r, 2) ? 6 : 17);
        size_t upper, payload;
        uint8_t whole[2048];
        f.payload = span_of(text, flow_random(&r, 600));
        size_t len = flow_build(&f, whole, &upper, &payload);
        for (uint32_t i = flow_random(&r, 4); i; i--)
            whole[flow_random(&r, (uint32_t)payload)] = (uint8_t)flow_random(&r, 256);
        uint8_t *exact = test_malloc(len);
        memcpy(exact, whole, len);
        struct offload o = {.kind = (uint8_t)flow_random(&r, 3),
                            .needs_checksum = flow_random(&r, 2),
                            .size = (uint16_t)flow_random(&r, 300),
                            .checksum_start = (uint16_t)flow_random(&r, 700),
                            .checksum_offset = (uint16_t)flow_random(&r, 40)};
        struct segmenter s;
        size_t next, total = 0;
        if (segment_start(&s, span_of(exact, len), &o)) {
            while ((next = segment_next_len(&s))) {
                uint8_t *out = test_malloc(next);
                segment_write_next(&s, out);
                test_free(out);
                assert_true(++total <= len);
            }
        }
        test_free(exact);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(segments_are_what_the_sender_would_have_built),
        cmocka_unit_test(a_single_packet_gets_its_checksum),
        cmocka_unit_test(a_checksum_of_zero_is_written_as_ones),
        cmocka_unit_test(what_no_offload_fits_is_refused),
        cmocka_unit_test(no_bytes_of_any_kind_are_read_or_written_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
