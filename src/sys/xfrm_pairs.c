/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selectors as the kernel's: prefixes, one protocol, ports under masks. A range of addresses or of
 * ports becomes as many as it needs, so that they allow exactly what was negotiated. */
#include "esp/spd.h"
#include "sys/xfrm_msg.h"
#include <arpa/inet.h>
#include <sys/socket.h>

#define BLOCKS_MAX 32 /* aligned blocks of 16 bit numbers that a range can need */

struct block {
    uint16_t value, mask;
};

struct blocks {
    struct block v[BLOCKS_MAX];
    size_t n;
};

static struct blocks blocks_of(uint16_t from, uint16_t to)
{
    struct blocks b = {0};
    for (uint32_t at = from; at <= to && b.n < BLOCKS_MAX;) {
        uint32_t size = 1;
        while (at % (size * 2) == 0 && at + size * 2 - 1 <= to)
            size *= 2;
        b.v[b.n++] = (struct block){(uint16_t)at, (uint16_t)(0x10000u - size)};
        at += size;
    }
    return b;
}

/* What the packets of a pair of selectors are but for their addresses. */
struct flow_range {
    uint8_t proto;
    bool is_icmp;
    struct blocks local, remote; /* ICMP: type and code in local, one of any in remote */
};

/* False: no packet is in both. */
static bool flow_of(const struct ts *l, const struct ts *r, struct flow_range *out)
{
    if (l->proto && r->proto && l->proto != r->proto)
        return false;
    out->proto = l->proto ? l->proto : r->proto;
    out->is_icmp = out->proto == PROTO_ICMP || out->proto == PROTO_ICMPV6;
    if (!out->is_icmp) {
        out->local = blocks_of(l->port_from, l->port_to);
        out->remote = blocks_of(r->port_from, r->port_to);
        return true;
    }
    uint16_t from = l->port_from > r->port_from ? l->port_from : r->port_from;
    uint16_t to = l->port_to < r->port_to ? l->port_to : r->port_to;
    out->local = blocks_of(from, to);
    out->remote = blocks_of(0, 65535);
    return from <= to;
}

static struct xfrm_pair pair_of(const struct flow_range *f, const struct block *l, const struct block *r)
{
    struct xfrm_pair p = {.proto = f->proto};
    if (!f->is_icmp) {
        p.lport = l->value, p.lmask = l->mask, p.rport = r->value, p.rmask = r->mask;
        return p;
    }
    uint16_t type = l->mask >> 8, code = l->mask & 0xff;
    p.lport = l->value >> 8, p.lmask = type ? (uint16_t)(0xff00 | type) : 0;
    p.rport = l->value & 0xff, p.rmask = code ? (uint16_t)(0xff00 | code) : 0;
    return p;
}

#define PREFIXES_MAX 254 /* that a range of IPv6 addresses can need */

struct pair_list {
    struct xfrm_pair *v;
    size_t n, cap;
};

static bool add_pair(struct pair_list *out, const struct xfrm_pair *p)
{
    if (out->n == out->cap)
        return false;
    out->v[out->n++] = *p;
    return true;
}

static bool add_flows(struct pair_list *out, const struct flow_range *f, const struct prefix *l,
                      const struct prefix *r)
{
    for (size_t i = 0; i < f->local.n; i++) {
        for (size_t j = 0; j < f->remote.n; j++) {
            struct xfrm_pair p = pair_of(f, &f->local.v[i], &f->remote.v[j]);
            p.local = *l, p.remote = *r;
            if (!add_pair(out, &p))
                return false;
        }
    }
    return true;
}

static bool too_many(struct diag *d, size_t cap)
{
    diag_set(d, FAIL_SELECTORS, "the selectors need more than %zu policies of the kernel", cap);
    diag_try(d, "prefixes instead of ranges of addresses or ports, or the userspace data plane");
    return false;
}

static bool add_selectors(struct pair_list *out, const struct ts *l, const struct ts *r, struct diag *d)
{
    struct prefix lp[PREFIXES_MAX], rp[PREFIXES_MAX];
    struct flow_range f;
    char text[TS_TEXT_MAX];
    if (ts_is_opaque(l) || ts_is_opaque(r)) {
        diag_set(d, FAIL_SELECTORS, "the kernel's policies cannot say OPAQUE ports (%s)",
                 ts_format(ts_is_opaque(l) ? l : r, text));
        return false;
    }
    if (l->from.family != r->from.family || !flow_of(l, r, &f))
        return true;
    size_t nl = ts_to_prefixes(l, lp, PREFIXES_MAX), nr = ts_to_prefixes(r, rp, PREFIXES_MAX);
    for (size_t i = 0; i < nl; i++) {
        for (size_t j = 0; j < nr; j++) {
            if (!add_flows(out, &f, &lp[i], &rp[j]))
                return too_many(d, out->cap);
        }
    }
    return true;
}

size_t xfrm_pairs(const struct ts *local, size_t n_local, const struct ts *remote, size_t n_remote,
                  struct xfrm_pair *out, size_t cap, struct diag *d)
{
    struct pair_list list = {.v = out, .cap = cap};
    for (size_t i = 0; i < n_local; i++) {
        for (size_t j = 0; j < n_remote; j++) {
            if (!add_selectors(&list, &local[i], &remote[j], d))
                return 0;
        }
    }
    if (!list.n)
        diag_set(d, FAIL_SELECTORS, "no packet is in both the local and the remote selectors");
    return list.n;
}

struct xfrm_selector xfrm_selector_of(const struct xfrm_pair *p, uint8_t dir, uint32_t device)
{
    bool is_out = dir == XFRM_POLICY_OUT, is_icmp = p->proto == PROTO_ICMP || p->proto == PROTO_ICMPV6;
    bool local_is_source = is_out || is_icmp; /* as to ports */
    const struct prefix *src = is_out ? &p->local : &p->remote, *dst = is_out ? &p->remote : &p->local;
    return (struct xfrm_selector){
        .saddr = xfrm_address(src->ip),
        .daddr = xfrm_address(dst->ip),
        .prefixlen_s = src->bits,
        .prefixlen_d = dst->bits,
        .family = src->ip.family == 4 ? AF_INET : AF_INET6,
        .proto = p->proto,
        .sport = htons(local_is_source ? p->lport : p->rport),
        .sport_mask = htons(local_is_source ? p->lmask : p->rmask),
        .dport = htons(local_is_source ? p->rport : p->lport),
        .dport_mask = htons(local_is_source ? p->rmask : p->lmask),
        .ifindex = (int)device,
    };
}

/* The prefix around all of them; bits 0 where they are of several families. */
static struct prefix around(const struct ts *ts, size_t n)
{
    struct prefix p = {.ip = ts->from, .bits = (uint8_t)(8 * ip_len(ts->from))};
    for (size_t i = 0; i < n; i++) {
        unsigned common = 0;
        if (ts[i].from.family == ts->from.family) {
            unsigned a = ip_common_bits(ts->from, ts[i].from), b = ip_common_bits(ts->from, ts[i].to);
            common = a < b ? a : b;
        }
        if (common < p.bits)
            p.bits = (uint8_t)common;
    }
    return prefix_of(ts->from, p.bits);
}

/* A tunnel's packets are judged by its policies. In transport mode under IPComp the tunnel is inside. */
struct xfrm_selector xfrm_selector_of_sa(const struct esp_sa *sa)
{
    struct xfrm_pair one;
    struct diag d;
    uint8_t dir = sa->direction == SA_OUT ? XFRM_POLICY_OUT : XFRM_POLICY_IN;
    if (child_mode_is_tunnel(sa->mode) || !sa->n_local_ts || !sa->n_remote_ts)
        return (struct xfrm_selector){0};
    if (xfrm_pairs(sa->local_ts, sa->n_local_ts, sa->remote_ts, sa->n_remote_ts, &one, 1, &d) == 1)
        return xfrm_selector_of(&one, dir, 0);
    one = (struct xfrm_pair){.local = around(sa->local_ts, sa->n_local_ts),
                             .remote = around(sa->remote_ts, sa->n_remote_ts)};
    return xfrm_selector_of(&one, dir, 0);
}

#define PREFIX_BITS_MOST 256
#define PORT_BITS_MOST   32

/* Prefixes weigh most, then the protocol, the ports, the interface. */
uint32_t xfrm_priority_of(const struct xfrm_selector *s)
{
    uint32_t ports = (uint32_t)(__builtin_popcount(s->sport_mask) + __builtin_popcount(s->dport_mask));
    uint32_t wide = PREFIX_BITS_MOST - s->prefixlen_s - s->prefixlen_d;
    wide = wide * 2 + (s->proto ? 0 : 1);
    wide = wide * (PORT_BITS_MOST + 1) + PORT_BITS_MOST - ports;
    wide = wide * 2 + (s->ifindex ? 0 : 1);
    return SPD_BY_SIZE + wide;
}
