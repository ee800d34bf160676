/* SPDX-License-Identifier: Apache-2.0 */
/* Matching packets with selectors: see selectors.h. */
#include "esp/selectors.h"
#include "base/arena.h"
#include "base/list.h"
#include "base/wr.h"

#include <stdlib.h>

#define ICMP_HEADER 8
#define TS_BYTES    40 /* of one selector in what is hashed */
#define TS_MOST     32 /* that take part in the hash; all are compared */

/* The larger, the more packets. Addresses count before protocols and ports. */
static unsigned ts_width(const struct ts *t)
{
    unsigned ports = t->port_from == t->port_to ? 0 : t->port_from == 0 && t->port_to == UINT16_MAX ? 2 : 1;
    unsigned addresses = 8u * (unsigned)ip_len(t->from) - ip_common_bits(t->from, t->to);
    return addresses * 4 + ports + (t->proto == 0);
}

/* 1 and the width of the narrowest that matches; 0: none. */
static unsigned narrowest(const struct ts *ts, size_t n, struct ip ip, const struct packet *p, uint16_t port)
{
    unsigned best = 0;
    for (size_t i = 0; i < n; i++) {
        if (!ts_matches(&ts[i], ip, p->proto, port, p->port_known))
            continue;
        unsigned here = 1 + ts_width(&ts[i]);
        best = !best || here < best ? here : best;
    }
    return best;
}

unsigned selectors_width(const struct selectors *s, const struct packet *p, bool is_outbound)
{
    struct ip remote = is_outbound ? p->dst : p->src, local = is_outbound ? p->src : p->dst;
    uint16_t rport = is_outbound ? p->dport : p->sport, lport = is_outbound ? p->sport : p->dport;
    unsigned r = narrowest(s->remote, s->n_remote, remote, p, rport);
    unsigned l = r ? narrowest(s->local, s->n_local, local, p, lport) : 0;
    return l ? r + l : 0;
}

static bool any_matches(const struct ts *ts, size_t n, struct ip ip, const struct packet *p, uint16_t port)
{
    for (size_t i = 0; i < n; i++)
        if (ts_matches(&ts[i], ip, p->proto, port, p->port_known))
            return true;
    return false;
}

bool selectors_match(const struct selectors *s, const struct packet *p, bool is_outbound)
{
    if (is_outbound)
        return any_matches(s->remote, s->n_remote, p->dst, p, p->dport) &&
               any_matches(s->local, s->n_local, p->src, p, p->sport);
    return any_matches(s->remote, s->n_remote, p->src, p, p->sport) &&
           any_matches(s->local, s->n_local, p->dst, p, p->dport);
}

bool selectors_quoted(const struct packet *p, struct span bytes, struct packet *quoted)
{
    if (!p->is_icmp_error || p->len < p->upper + ICMP_HEADER)
        return false;
    uint32_t at = p->upper + ICMP_HEADER;
    if (!packet_parse_quoted(span_of(bytes.ptr + at, p->len - at), quoted))
        return false;
    return ip_equal(quoted->src, p->dst);
}

static uint64_t set_hash(const struct selectors *s)
{
    uint8_t bytes[2 + TS_MOST * TS_BYTES];
    struct wr w = wr_over(bytes, sizeof(bytes));
    wr_u8(&w, (uint8_t)s->n_local);
    wr_u8(&w, (uint8_t)s->n_remote);
    for (size_t i = 0; i < s->n_local + s->n_remote && i < TS_MOST; i++) {
        const struct ts *t = i < s->n_local ? &s->local[i] : &s->remote[i - s->n_local];
        wr_u8(&w, t->from.family);
        wr_bytes(&w, t->from.b, sizeof(t->from.b));
        wr_bytes(&w, t->to.b, sizeof(t->to.b));
        wr_u8(&w, t->proto);
        wr_u16(&w, t->port_from);
        wr_u16(&w, t->port_to);
    }
    return map_hash(wr_span_view(&w));
}

static bool lists_equal(const struct ts *a, size_t n_a, const struct ts *b, size_t n_b)
{
    if (n_a != n_b)
        return false;
    for (size_t i = 0; i < n_a; i++)
        if (!ts_equal(&a[i], &b[i]))
            return false;
    return true;
}

struct selector_set *selector_set_ref(struct map *sets, const struct selectors *s)
{
    uint64_t hash = set_hash(s);
    struct selector_set *set;
    for (struct map_node *n = map_first(sets, hash); n; n = map_next(n)) {
        set = container_of(n, struct selector_set, node);
        struct selectors have = selector_set_view(set);
        if (!lists_equal(have.local, have.n_local, s->local, s->n_local) ||
            !lists_equal(have.remote, have.n_remote, s->remote, s->n_remote))
            continue;
        set->refs++;
        return set;
    }
    set = mem_new(sizeof(*set) + (s->n_local + s->n_remote) * sizeof(struct ts));
    set->refs = 1;
    set->n_local = (uint8_t)s->n_local;
    set->n_remote = (uint8_t)s->n_remote;
    memcpy(set->ts, s->local, s->n_local * sizeof(struct ts));
    memcpy(set->ts + s->n_local, s->remote, s->n_remote * sizeof(struct ts));
    map_insert(sets, &set->node, hash);
    return set;
}

void selector_set_unref(struct map *sets, struct selector_set *s)
{
    if (--s->refs)
        return;
    map_remove(sets, &s->node);
    free(s);
}
