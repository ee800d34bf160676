/* SPDX-License-Identifier: Apache-2.0 */
/* Many tunnels: see esp_many.h. */
#include "support/esp_many.h"

#include <stdio.h>
#include <stdlib.h>

static struct ip numbered(uint8_t net, uint32_t i)
{
    return ip4(net, (uint8_t)(128 + (i >> 16)), (uint8_t)(i >> 8), (uint8_t)i);
}

static struct ts host(struct ip ip)
{
    struct prefix p = {.ip = ip, .bits = 32};
    return ts_from_prefix(&p);
}

struct ip many_inner(uint32_t i)
{
    return numbered(10, i);
}

static void selectors(struct ts *a, struct ts *b, enum esp_side side, uint32_t i)
{
    struct prefix net = {.ip = ip4(10, 1, 0, 0), .bits = 16};
    *(side == SIDE_A ? a : b) = ts_from_prefix(&net);
    *(side == SIDE_A ? b : a) = host(many_inner(i));
}

struct esp_sa many_sa(const struct esp_suite *s, enum esp_side side, enum sa_direction dir, uint32_t i)
{
    struct esp_sa r = pair_sa(s, side, dir, 4);
    struct endpoint *spoke = side == SIDE_A ? &r.remote : &r.local;
    spoke->ip = numbered(172, i);
    r.child_id = i + 1;
    r.reqid = i + 1;
    r.spi += i * 3;
    if (r.encr_key_len)
        memcpy(r.encr_key, &i, sizeof(i));
    if (r.integ_key_len)
        memcpy(r.integ_key, &i, sizeof(i));
    selectors(r.local_ts, r.remote_ts, side, i);
    r.n_local_ts = r.n_remote_ts = 1;
    return r;
}

struct esp_policy many_policy(enum esp_side side, uint32_t i)
{
    struct esp_policy p = {.id = i + 1, .reqid = i + 1, .priority = 1000, .action = POLICY_PROTECT};
    selectors(p.local_ts, p.remote_ts, side, i);
    p.n_local_ts = p.n_remote_ts = 1;
    return p;
}

void many_add(struct esp *e, const struct esp_suite *s, enum esp_side side, uint32_t i)
{
    pair_add_policy(e, many_policy(side, i));
    pair_add_sa(e, many_sa(s, side, SA_IN, i));
    pair_add_sa(e, many_sa(s, side, SA_OUT, i));
}

static void apply(struct esp *e, struct action a)
{
    struct diag d = {0};
    if (!esp_apply(e, &a, 1, &d)) {
        fprintf(stderr, "%s\n", d.what);
        abort();
    }
}

void many_del(struct esp *e, enum esp_side side, uint32_t i)
{
    struct esp_sa in = many_sa(esp_suite_gcm, side, SA_IN, i), out = many_sa(esp_suite_gcm, side, SA_OUT, i);
    apply(e, (struct action){.kind = ACTION_POLICY_DEL, .id = i + 1});
    apply(e, (struct action){.kind = ACTION_SA_DEL, .sa = &in});
    apply(e, (struct action){.kind = ACTION_SA_DEL, .sa = &out});
}

struct esp_packet many_packet(struct esp_buffer *b, enum esp_side from, uint32_t i, uint32_t len)
{
    static uint8_t bytes[sizeof(b->copy)], payload[sizeof(b->copy)];
    struct endpoint hub = {.ip = ip4(10, 1, 0, 5), .port = 1024}, spoke = {.ip = many_inner(i), .port = 7};
    const struct endpoint *src = from == SIDE_A ? &hub : &spoke, *dst = from == SIDE_A ? &spoke : &hub;
    struct packet_ip h = {.src = src->ip,
                          .dst = dst->ip,
                          .proto = NH_UDP,
                          .ttl = 64,
                          .payload = (uint16_t)(len - packet_ip_len(4))};
    struct wr w = wr_over(bytes, sizeof(bytes));
    struct span data = span_of(payload, h.payload - 8u);
    packet_write_ip(&w, &h);
    packet_write_udp(&w, src, dst, data);
    wr_bytes(&w, data.ptr, data.len);
    return inner_raw(b, wr_span_view(&w));
}
