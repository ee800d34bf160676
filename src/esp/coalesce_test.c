/* SPDX-License-Identifier: Apache-2.0 */
/* Putting packets together. The measure: cutting what came out gives back the very packets that went in, each
 * once, and those of a flow in their order. */
#include "esp/coalesce.h"
#include "esp/segment.h"
#include "net/packet.h"
#include "support/cut.h"
#include "support/flow.h"
#include "support/test.h"

#define ROUNDS 4000
#define FLOWS  5
#define ROOM   2048

struct batch {
    uint8_t bytes[ESP_BATCH][ROOM], before[ESP_BATCH][ROOM];
    struct esp_packet p[ESP_BATCH];
    int flow[ESP_BATCH];    /* whose order counts */
    bool is_odd[ESP_BATCH]; /* not to be told from any other flow of its address */
    size_t n;
};

static struct batch b;
static struct coalescer c;
static uint8_t text[4096];

static void start(void)
{
    b.n = 0;
    c = (struct coalescer){.has_tcp = true, .has_udp = true};
}

static void add(const struct flow_packet *f, int flow)
{
    size_t upper, payload, i = b.n++;
    assert_true(i < ESP_BATCH);
    size_t len = flow_build(f, b.bytes[i], &upper, &payload);
    b.p[i] = (struct esp_packet){.data = b.bytes[i], .len = (uint32_t)len, .verdict = ESP_FORWARD};
    b.flow[i] = flow;
    b.is_odd[i] = false;
}

/* The packets of one super-packet as one, headers finished. */
static size_t gather(const struct super *s, uint8_t *out, struct offload *o)
{
    coalesce_finish(s, b.p, o);
    uint8_t at = s->first;
    size_t len = b.p[at].len;
    memcpy(out, b.p[at].data, len);
    for (int i = 1; i < s->n; i++) {
        at = c.next[at];
        memcpy(out + len, b.p[at].data + s->header, b.p[at].len - s->header);
        len += b.p[at].len - s->header;
    }
    return len;
}

static void assert_same_packet(uint8_t *got, size_t len, size_t i)
{
    uint8_t *want = b.before[i];
    if (want[0] >> 4 == 4 && want[6] & 0x40) { /* the identification means nothing here */
        memset(want + 4, 0, 2);
        memset(got + 4, 0, 2);
        memset(want + 10, 0, 2);
        memset(got + 10, 0, 2);
    }
    assert_span_equal(span_of(got, len), span_of(want, b.p[i].len));
}

/* Returns the number of super-packets. */
static size_t run(void)
{
    static uint8_t whole[70000], one[70000];
    int position[ESP_BATCH], at = 0;
    memcpy(b.before, b.bytes, sizeof(b.bytes));
    memset(position, -1, sizeof(position));
    coalesce(&c, b.p, b.n);
    for (size_t k = 0; k < c.n; k++) {
        const struct super *s = &c.supers[k];
        struct offload o;
        struct segmenter cut;
        uint8_t i = s->first;
        size_t len = gather(s, whole, &o), next;
        assert_true(len <= 65535);
        assert_int_equal(o.kind != OFFLOAD_NONE, s->n > 1);
        if (s->n == 1) {
            assert_memory_equal(whole, b.before[i], len);
            position[i] = at++;
            continue;
        }
        assert_true(segment_start(&cut, span_of(whole, len), &o));
        for (int left = s->n; (next = segment_next_len(&cut)); left--, i = c.next[i]) {
            assert_true(left > 0);
            segment_write_next(&cut, one);
            assert_same_packet(one, next, i);
            assert_int_equal(position[i], -1);
            position[i] = at++;
        }
    }
    for (size_t j = 0; j < b.n; j++) {
        assert_int_equal(position[j] >= 0, b.p[j].verdict == ESP_FORWARD);
        for (size_t i = 0; i < j && position[j] >= 0; i++) {
            if (b.flow[i] == b.flow[j] || b.is_odd[i] || b.is_odd[j])
                assert_true(position[i] < position[j]);
        }
    }
    return c.n;
}

static struct flow_packet stream(uint8_t family, uint8_t proto)
{
    return (struct flow_packet){.family = family,
                                .proto = proto,
                                .ttl = 63,
                                .has_df = true,
                                .host = 5,
                                .sport = 40000,
                                .dport = 443,
                                .seq = 0xfffffa00, /* wraps on the way */
                                .ack = 77,
                                .flags = 0x10,
                                .window = 500,
                                .options = hex("0101080a0000000100000002"),
                                .payload = span_of(text, 1000)};
}

/* Some oddity for the next packet of a flow, mostly none; what stays is written to f, what passes to now. */
static void vary(uint32_t *r, struct flow_packet *f, struct flow_packet *now)
{
    *now = *f;
    switch (flow_random(r, 60)) {
    case 0:
        now->flags |= 0x08; /* PSH */
        break;
    case 1:
        now->flags |= 0x01; /* FIN */
        break;
    case 2:
        now->flags |= (uint8_t)(1 << flow_random(r, 8));
        break;
    case 3:
        f->flags ^= 0x40; /* ECE */
        break;
    case 4:
        now->ack = ++f->ack;
        break;
    case 5:
        now->window = ++f->window;
        break;
    case 6:
        now->tos = f->tos = (uint8_t)flow_random(r, 256);
        break;
    case 7:
        now->ttl = --f->ttl;
        break;
    case 8:
        f->has_df = !f->has_df;
        break;
    case 9:
        f->id = (uint16_t)(f->id + flow_random(r, 3));
        break;
    case 10:
        now->payload.len = 0;
        break;
    case 11:
        now->payload.len = 1 + flow_random(r, 1200);
        break;
    case 12:
        f->payload.len = 1 + flow_random(r, 1200);
        break;
    case 13:
        f->seq += flow_random(r, 3000) - 1500;
        break;
    case 14:
        f->options = hex("0101080a0000000300000004");
        break;
    case 15:
        now->options = hex("");
        break;
    case 16:
        now->reserved = 1; /* AE */
        break;
    case 17:
        now->urgent = 5;
        break;
    }
}

/* Oddities that the builder does not know. */
static void damage(uint32_t *r, size_t i)
{
    uint8_t *ip = b.p[i].data;
    size_t upper = ip[0] >> 4 == 4 ? 20 : 40;
    switch (flow_random(r, 40)) {
    case 0:
        ip[flow_random(r, (uint32_t)(b.p[i].len - upper)) + upper] ^= 1; /* somewhere behind the IP header */
        b.is_odd[i] = false;
        b.flow[i] = -1 - (int)i; /* perhaps in the ports */
        break;
    case 1:
        if (upper == 20) {
            ip[6] |= 0x20; /* a fragment */
            b.is_odd[i] = true;
        }
        break;
    case 2:
        if (upper == 20 && ip[9] == 17)
            memset(ip + 26, 0, 2); /* no checksum */
        break;
    case 3:
        ip[upper == 20 ? 9 : 6] = upper == 20 ? 1 : 58; /* ICMP */
        b.is_odd[i] = true;
        break;
    case 4:
        b.p[i].verdict = ESP_DROP;
        b.flow[i] = -1 - (int)i;
        break;
    case 5:
        if (upper == 20)
            ip[6] |= 0x80; /* the reserved bit */
        b.is_odd[i] = upper == 20;
        break;
    }
}

static void random_flows_come_out_as_they_went_in(void **state)
{
    (void)state;
    uint32_t r = 3;
    size_t packets = 0, supers = 0;
    for (int round = 0; round < ROUNDS; round++) {
        struct flow_packet f[FLOWS], now;
        start();
        for (uint8_t i = 0; i < FLOWS; i++) {
            f[i] = stream(flow_random(&r, 2) ? 4 : 6, flow_random(&r, 2) ? 6 : 17);
            f[i].sport = (uint16_t)(40000 + flow_random(&r, 3) + i * 8);
            f[i].has_df = flow_random(&r, 2);
            f[i].payload.len = 1 + flow_random(&r, 1400);
        }
        size_t n = 1 + flow_random(&r, ESP_BATCH);
        for (uint32_t i = 0; b.n < n; i = flow_random(&r, 3) ? i : flow_random(&r, FLOWS)) {
            vary(&r, &f[i], &now);
            now.id = f[i].id++;
            now.payload.ptr = text + flow_random(&r, 64);
            f[i].seq += (uint32_t)now.payload.len;
            add(&now, (int)i);
            damage(&r, b.n - 1);
            packets += b.p[b.n - 1].verdict == ESP_FORWARD;
        }
        supers += run();
    }
    assert_true(supers * 2 < packets); /* else little of this was put to the test */
}

static void a_stream_becomes_one_packet(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        for (uint8_t proto = 6; proto <= 17; proto += 11) {
            struct flow_packet f = stream(family, proto);
            start();
            for (int i = 0; i < 40; i++, f.seq += 1000, f.id++) {
                f.has_df = false;
                f.payload.len = i == 39 ? 10 : 1000;
                f.flags = i == 39 ? 0x18 : 0x10;
                add(&f, 0);
            }
            assert_int_equal(run(), 1);
        }
    }
}

static void two_streams_that_take_turns_become_two_packets(void **state)
{
    (void)state;
    struct flow_packet f = stream(4, 6), g = stream(4, 6);
    start();
    g.sport++;
    for (int i = 0; i < 20; i++, f.seq += 1000, g.seq += 1000) {
        add(&f, 0);
        add(&g, 1);
    }
    assert_int_equal(run(), 2);
}

static void what_is_not_to_be_put_together_stays_alone(void **state)
{
    (void)state;
    for (uint8_t proto = 6; proto <= 17; proto += 11) {
        struct flow_packet f = stream(4, proto);
        start();
        *(proto == 6 ? &c.has_tcp : &c.has_udp) = false;
        for (int i = 0; i < 4; i++, f.seq += 1000)
            add(&f, 0);
        assert_int_equal(run(), 4);
    }
}

/* Kernels differ in what they make of these when they cut. */
static void congestion_signals_travel_alone(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct flow_packet f = stream(6, 6);
        start();
        f.flags = kind == 0 ? 0x90 : 0x10; /* CWR */
        f.reserved = kind == 1;            /* AE */
        for (int i = 0; i < 4; i++, f.seq += 1000)
            add(&f, 0);
        assert_int_equal(run(), kind == 2 ? 1 : 4);
    }
}

/* [RFC768] zero means that there is none, even where the sum happens to be zero. */
static void a_datagram_without_checksum_stays_alone(void **state)
{
    (void)state;
    for (int zeroes = 0; zeroes < 2; zeroes++) {
        struct flow_packet f = stream(4, 17);
        uint8_t bytes[1000] = {0};
        f.payload.ptr = bytes;
        start();
        add(&f, 0);
        memcpy(bytes, b.bytes[0] + 26, 2); /* so the sum becomes zero, which is written as 0xffff */
        start();
        for (size_t i = 0; i < 3; i++) {
            add(&f, 0);
            assert_memory_equal(b.bytes[i] + 26, "\xff\xff", 2);
            if (zeroes)
                memset(b.bytes[i] + 26, 0, 2);
        }
        assert_int_equal(run(), zeroes ? 3 : 1);
    }
}

static void no_packet_is_larger_than_ip_allows(void **state)
{
    (void)state;
    struct flow_packet f = stream(4, 6);
    start();
    f.payload.len = 1900;
    for (int i = 0; i < 64; i++, f.seq += 1900)
        add(&f, 0);
    assert_int_equal(run(), 2);
}

/* A wrong checksum must reach the receiver as it is: it is the sender's and not ours to mend. */
static void a_wrong_checksum_is_not_mended(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < 3; bad++) {
        struct flow_packet f = stream(6, 6);
        start();
        for (int i = 0; i < 3; i++, f.seq += 1000)
            add(&f, 0);
        b.bytes[bad][200] ^= 4;
        assert_int_equal(run(), bad == 1 ? 3 : 2);
    }
}

/* A router that meets a wrong header checksum drops the packet [RFC1812#5.2.2]: it must not be mended here.
 */
static void a_wrong_header_checksum_is_not_mended(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < 3; bad++) {
        struct flow_packet f = stream(4, 6);
        start();
        for (int i = 0; i < 3; i++, f.seq += 1000)
            add(&f, 0);
        b.bytes[bad][11] ^= 4;
        assert_int_equal(run(), bad == 1 ? 3 : 2);
    }
}

/* Kernels before 6.9 refuse a write of more, and all of it would be lost. */
static void at_most_64_datagrams_become_one(void **state)
{
    (void)state;
    for (uint8_t proto = 6; proto <= 17; proto += 11) {
        struct flow_packet f = stream(4, proto);
        start();
        f.payload.len = 100;
        for (int i = 0; i < ESP_BATCH; i++, f.seq += 100)
            add(&f, 0);
        assert_int_equal(run(), proto == 6 ? 1 : 2);
        assert_int_equal(c.supers[0].n, proto == 6 ? ESP_BATCH : 64);
    }
}

/* What has bytes behind it that its IP header does not count, or lacks some. */
static void a_packet_of_another_length_than_it_says_stays_alone(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        for (int more = -1; more <= 1; more++) {
            struct flow_packet f = stream(family, 6);
            start();
            for (int i = 0; i < 3; i++, f.seq += 1000, f.id = 100)
                add(&f, 0);
            uint8_t *ip = b.bytes[1];
            ip[5] = (uint8_t)(ip[5] - (family == 4 ? more : -more));
            if (family == 4) /* the identification means nothing with DF, and levels the header's checksum */
                ip[3] = (uint8_t)(ip[3] + more);
            assert_int_equal(run(), more ? 3 : 1);
        }
    }
}

/* The datagram may end before its packet [RFC768]; a sum over all of it that happens to be right says
 * nothing. */
static void a_datagram_of_another_length_than_it_says_stays_alone(void **state)
{
    (void)state;
    struct flow_packet f = stream(4, 17);
    start();
    for (int i = 0; i < 3; i++)
        add(&f, 0);
    b.bytes[1][25]--;
    b.bytes[1][29]++; /* a byte of the payload that levels the sum */
    assert_int_not_equal(b.bytes[1][25], 0xff);
    assert_int_not_equal(b.bytes[1][29], 0);
    assert_int_equal(run(), 3);
}

/* Anybody can choose addresses that meet in coalesce.c's hash: the sender's here is another, and the
 * receiver's such that the hash is the same again. */
static void flows_with_one_hash_are_kept_apart(void **state)
{
    (void)state;
    struct flow_packet f = stream(4, 6);
    start();
    for (int i = 0; i < 8; i++, f.seq += i % 2 ? 1000 : 0) {
        add(&f, i % 2);
        uint8_t *ip = b.bytes[b.n - 1];
        if (i % 2 == 0)
            continue;
        uint32_t from = 0x0a010005, other = from + 1;
        uint32_t change = ((NH_TCP ^ from) * 0x9e3779b1u) ^ ((NH_TCP ^ other) * 0x9e3779b1u);
        ip[15] = (uint8_t)other;
        for (size_t k = 0; k < 4; k++)
            ip[16 + k] ^= (uint8_t)(change >> (24 - 8 * k));
        cut_mend(ip, b.p[b.n - 1].len, false);
    }
    assert_int_equal(run(), 2);
    assert_int_equal(c.supers[0].hash, c.supers[1].hash);
}

int main(void)
{
    uint32_t r = 1;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)flow_random(&r, 256);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_flows_come_out_as_they_went_in),
        cmocka_unit_test(a_stream_becomes_one_packet),
        cmocka_unit_test(two_streams_that_take_turns_become_two_packets),
        cmocka_unit_test(what_is_not_to_be_put_together_stays_alone),
        cmocka_unit_test(congestion_signals_travel_alone),
        cmocka_unit_test(a_datagram_without_checksum_stays_alone),
        cmocka_unit_test(no_packet_is_larger_than_ip_allows),
        cmocka_unit_test(a_wrong_checksum_is_not_mended),
        cmocka_unit_test(a_wrong_header_checksum_is_not_mended),
        cmocka_unit_test(at_most_64_datagrams_become_one),
        cmocka_unit_test(a_packet_of_another_length_than_it_says_stays_alone),
        cmocka_unit_test(a_datagram_of_another_length_than_it_says_stays_alone),
        cmocka_unit_test(flows_with_one_hash_are_kept_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
