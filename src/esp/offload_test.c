/* SPDX-License-Identifier: Apache-2.0 */
/* Whole journeys: random flows are cut, travel (interleaved, lost, repeated, overtaken, marked, damaged), are
 * put together, and are cut again by a kernel. Cutting is compared packet by packet with support/cut.h, which
 * also plays the kernel at the end. What reached the far gateway must come out of it: each packet once, as it
 * was, those of a flow in their order. OFFLOAD_SEED=n runs one journey alone. */
#include "esp/segment.h"
#include "support/cut.h"
#include "support/flow.h"
#include "support/joined.h"
#include "support/test.h"
#include <stdlib.h>

#define JOURNEYS 2500
#define PACKETS  400
#define ROOM     2048
#define FLOWS    40

struct sent {
    uint8_t bytes[ROOM];
    size_t len;
    int flow; /* negative: may belong to any */
};

static struct sent sent[PACKETS], arrived[PACKETS];
static size_t n_sent, n_arrived;
static uint8_t text[66000];
static uint32_t r, seed;

static uint32_t below(uint32_t n)
{
    return flow_random(&r, n);
}

static void give_up(const char *what)
{
    fail_msg("OFFLOAD_SEED=%u: %s", seed, what);
}

/* ---- before the tunnel */

static struct flow_packet new_flow(int i)
{
    static const char *const options[] = {"", "0101080a0000000100000002", "0101050a0000000100000002"};
    uint8_t proto = below(3) ? 6 : 17;
    struct flow_packet f = {.family = below(2) ? 4 : 6,
                            .proto = proto,
                            .tos = (uint8_t)below(4),
                            .ttl = (uint8_t)(60 + below(4)),
                            .has_df = below(2),
                            .id = (uint16_t)below(65536),
                            .host = (uint8_t)(1 + i % 3),
                            .sport = (uint16_t)(40000 + i),
                            .dport = 443,
                            .seq = below(2) ? 0u - below(9000) : below(1 << 24),
                            .ack = below(1 << 24),
                            .flags = 0x10,
                            .window = (uint16_t)below(65536),
                            .options = hex(options[below(3)])};
    return f;
}

/* What the sender's kernel cannot leave to anybody: one finished packet. */
static void send_single(struct flow_packet f, int flow)
{
    struct sent *s = &sent[n_sent];
    size_t upper, payload;
    bool is_any = false;
    f.payload = span_of(text + below(64), below(2) ? 1 + below(1200) : 0);
    uint32_t kind = below(12);
    if (kind == 0)
        f.flags = (uint8_t)below(256);
    if (kind == 1)
        f.urgent = (uint16_t)(1 + below(9));
    if (kind == 2)
        f.reserved = (uint8_t)below(16);
    if (kind == 3 && f.family == 4)
        f.ip_more = hex("94040000");
    if (kind == 3 && f.family == 6)
        f.ip_more = f.proto == 6 ? hex("0600010400000000") : hex("1100010400000000");
    f.first_more = 60;
    s->len = flow_build(&f, s->bytes, &upper, &payload);
    if (kind == 4)
        cut_mend(s->bytes, s->len, true);
    if (kind == 5 && f.family == 4) /* fragments and other protocols: nobody knows whose */
        s->bytes[6 + below(2)] |= 0x20, is_any = true;
    if (kind == 5 && f.family == 6)
        s->bytes[6] = 44, is_any = true;
    if (kind == 6)
        s->bytes[f.family == 4 ? 9 : 6] = f.family == 4 ? 1 : 58, is_any = true;
    if (kind == 7 && f.proto == 17)
        s->bytes[upper + 5] ^= 1; /* a length that is not its own */
    s->flow = is_any || kind == 3 ? -1 : flow;
    n_sent++;
}

static void compare_cut(struct span whole, const struct offload *o, const struct offload *same, size_t at)
{
    static uint8_t want[66000];
    const char *why = NULL;
    size_t n = cut_count(whole, same, &why);
    if (n != n_sent - at)
        give_up(why ? why : "another number of segments");
    for (size_t i = 0; i < n; i++) {
        struct span got = span_of(sent[at + i].bytes, sent[at + i].len);
        size_t len = cut_write(whole, same, i, want);
        if (!cut_is_sound(got))
            give_up("a segment is not sound");
        if (got.len != len || memcmp(got.ptr, want, len) != 0)
            give_up(o->kind == OFFLOAD_TCP ? "a TCP segment differs" : "a UDP segment differs");
    }
}

/* A super-packet as the kernel hands it over, and what is cut from it. */
static void send_super(struct flow_packet *f, int flow)
{
    static uint8_t whole[66000], finished[66000];
    size_t upper, payload, size = 1 + below(below(3) ? 1400 : 200), at = n_sent, n = 1 + below(20), next;
    if (n > PACKETS - n_sent)
        n = PACKETS - n_sent;
    struct flow_packet p = *f;
    p.payload = span_of(text + below(64), 1 + below((uint32_t)(size * n)));
    if (f->proto == 6)
        p.flags |= (uint8_t)((below(3) ? 0 : 8) | (below(5) ? 0 : 1) | (below(5) ? 0 : 0x80));
    size_t len = flow_build(&p, whole, &upper, &payload);
    struct offload o = {.kind = p.proto == 6 ? OFFLOAD_TCP : OFFLOAD_UDP,
                        .size = (uint16_t)size,
                        .header = (uint16_t)payload,
                        .needs_checksum = true,
                        .checksum_start = (uint16_t)upper,
                        .checksum_offset = p.proto == 6 ? 16 : 6},
                   same = o;
    memcpy(finished, whole, len);
    flow_leave_checksum(&p, whole, len, upper);
    o.needs_checksum = below(4);
    struct segmenter s;
    if (!segment_start(&s, span_of(o.needs_checksum ? whole : finished, len), &o))
        give_up("a super-packet is refused");
    while ((next = segment_next_len(&s)) && n_sent < PACKETS) {
        struct sent *to = &sent[n_sent++];
        to->len = next;
        to->flow = flow;
        segment_write_next(&s, to->bytes);
    }
    if (next)
        give_up("too many segments");
    compare_cut(span_of(whole, len), &o, &same, at);
    f->seq += (uint32_t)p.payload.len;
    f->id = (uint16_t)(f->id + n_sent - at);
}

/* What changes from one write of an application to the next. */
static void live_on(struct flow_packet *f)
{
    switch (below(12)) {
    case 0:
        f->ack++;
        break;
    case 1:
        f->window++;
        break;
    case 2:
        f->flags ^= 0x40; /* ECE */
        break;
    case 3:
        if (f->options.len)
            f->options = hex("0101080a0000000300000004");
        break;
    case 4:
        f->id++; /* a packet that went elsewhere */
        break;
    case 5:
        f->tos ^= 0x40;
        break;
    case 6:
        f->has_df = !f->has_df;
        break;
    case 7:
        f->seq += below(1000) - 500;
        break;
    }
}

/* ---- on the way */

static void damage(struct sent *s)
{
    size_t upper = s->bytes[0] >> 4 == 4 ? 20 : 40;
    switch (below(8)) {
    case 0: /* a CE mark */
        s->bytes[1] |= upper == 20 ? 0x03 : 0x30;
        break;
    case 1: /* one hop more */
        s->bytes[upper == 20 ? 8 : 7]--;
        break;
    case 2: /* another flow label, or service */
        s->bytes[upper == 20 ? 1 : 3] ^= 4;
        break;
    case 3: /* spoilt and not mended */
        s->bytes[s->len - 1 - below((uint32_t)(s->len - upper - 4))] ^= (uint8_t)(1 << below(8));
        return;
    case 4:
        if (upper == 20)
            s->bytes[11] ^= 1;
        return;
    case 5:
        if (upper == 20 && s->bytes[9] == 17) /* no checksum */
            cut_mend(s->bytes, s->len, true);
        return;
    case 6:
        if (upper == 20)
            s->bytes[6] |= 0x80; /* the reserved bit */
        s->flow = upper == 20 ? -1 : s->flow;
        break;
    }
    cut_mend(s->bytes, s->len, false);
}

static void arrive(const struct sent *s, bool is_damaged)
{
    if (n_arrived == PACKETS)
        return;
    arrived[n_arrived] = *s;
    if (is_damaged)
        damage(&arrived[n_arrived]);
    n_arrived++;
}

/* Flows take turns of random length; inside a flow, order is changed by overtaking alone. */
static void travel(uint32_t loss, uint32_t harm)
{
    static bool is_gone[PACKETS];
    memset(is_gone, 0, sizeof(is_gone));
    n_arrived = 0;
    int turn = 0;
    for (size_t left = n_sent; left;) {
        size_t i = 0;
        if (!below(4))
            turn = sent[below((uint32_t)n_sent)].flow;
        while (i < n_sent && (is_gone[i] || (turn >= 0 && sent[i].flow != turn)))
            i++;
        if (i == n_sent) {
            turn = -1; /* whoever is next */
            continue;
        }
        if (!below(200) && i + 1 < n_sent && !is_gone[i + 1])
            i++;
        is_gone[i] = true;
        left--;
        if (below(1000) < loss)
            continue;
        arrive(&sent[i], below(1000) < harm);
        if (below(1000) < loss)
            arrive(&sent[i], false);
    }
}

/* ---- behind the tunnel */

static uint8_t opened[ESP_BATCH][ROOM];
static struct esp_packet p[ESP_BATCH];
static struct coalescer c;

static size_t receive_batch(const struct sent *in, size_t n)
{
    struct joined_packet came[ESP_BATCH];
    for (size_t i = 0; i < n; i++) {
        memcpy(opened[i], in[i].bytes, in[i].len);
        p[i] = (struct esp_packet){.data = opened[i], .len = (uint32_t)in[i].len, .verdict = ESP_FORWARD};
        came[i] = (struct joined_packet){in[i].bytes, in[i].len, in[i].flow};
    }
    coalesce(&c, p, n);
    const char *why = joined_check(&c, p, came, n);
    if (why)
        give_up(why);
    return c.n;
}

/* ---- journeys */

static void prepare(uint32_t number)
{
    static bool is_filled;
    seed = number;
    r = number * 2654435761u + 1;
    for (size_t i = 0; !is_filled && i < sizeof(text); i++)
        text[i] = (uint8_t)below(256);
    is_filled = true;
    n_sent = 0;
    c = (struct coalescer){.has_tcp = true, .has_udp = true};
}

/* Returns the writes to the TUN. */
static size_t run_journey(uint32_t number)
{
    prepare(number);
    struct flow_packet flows[FLOWS];
    int n = 1 + (int)below(below(3) ? 5 : FLOWS);
    for (int i = 0; i < n; i++)
        flows[i] = new_flow(i);
    uint32_t singles = below(4), size = 1 + below(PACKETS), tame = below(3);
    while (n_sent < size) {
        int i = (int)below((uint32_t)n);
        if (below(12) < singles)
            send_single(flows[i], i);
        else
            send_super(&flows[i], i);
        if (tame)
            live_on(&flows[i]);
    }
    travel(below(3) ? below(20) : below(400), tame ? below(60) : 0);
    size_t writes = 0, most = 1 + below(ESP_BATCH);
    for (size_t at = 0; at < n_arrived;) {
        size_t left = n_arrived - at, take = 1 + below((uint32_t)most);
        take = take < left ? take : left;
        writes += receive_batch(arrived + at, take);
        at += take;
    }
    return writes;
}

static void what_arrives_comes_out_as_it_was_sent(void **state)
{
    (void)state;
    const char *only = getenv("OFFLOAD_SEED");
    size_t packets = 0, writes = 0;
    for (uint32_t i = 1; i <= JOURNEYS && !only; i++) {
        writes += run_journey(i);
        packets += n_arrived;
    }
    if (only) {
        run_journey((uint32_t)strtoul(only, NULL, 10));
        return;
    }
    print_message("%d journeys, %zu packets in %zu writes\n", JOURNEYS, packets, writes);
    assert_true(packets > 100 * JOURNEYS / 2);
    assert_true(writes * 3 < packets * 2); /* else little was put together */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_arrives_comes_out_as_it_was_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
