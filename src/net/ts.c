/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selectors: containment, intersection, cover by prefixes (RFC 7296 section 3.13.1; RFC 4301 section
 * 4.4.1.1 for ANY and OPAQUE). ANY ports cover everything including OPAQUE; OPAQUE covers only packets whose
 * ports cannot be seen. As text: ts_text.c. */
#include "net/ts.h"
#include <endian.h>

struct ts ts_from_prefix(const struct prefix *p)
{
    return (struct ts){.from = p->ip, .to = prefix_last(p), .port_to = 65535};
}

struct ts ts_any(uint8_t family)
{
    struct prefix p = {.ip = {.family = family}};
    return ts_from_prefix(&p);
}

struct ts ts_resolve_dynamic(const struct ts *t, struct ip host)
{
    struct ts r = *t;
    if (t->is_dynamic) {
        r.from = r.to = host;
        r.is_dynamic = false;
    }
    return r;
}

bool ts_equal(const struct ts *a, const struct ts *b)
{
    return a->is_dynamic == b->is_dynamic && ip_equal(a->from, b->from) && ip_equal(a->to, b->to) &&
           a->proto == b->proto && a->port_from == b->port_from && a->port_to == b->port_to;
}

static bool ports_contain(const struct ts *outer, const struct ts *inner)
{
    if (ts_is_any_port(outer))
        return true;
    if (ts_is_opaque(outer) || ts_is_opaque(inner))
        return ts_is_opaque(outer) && ts_is_opaque(inner);
    return outer->port_from <= inner->port_from && inner->port_to <= outer->port_to;
}

bool ts_contains(const struct ts *outer, const struct ts *inner)
{
    return outer->from.family == inner->from.family && ip_cmp(outer->from, inner->from) <= 0 &&
           ip_cmp(inner->to, outer->to) <= 0 && (outer->proto == 0 || outer->proto == inner->proto) &&
           ports_contain(outer, inner);
}

static bool ports_intersect(const struct ts *a, const struct ts *b, struct ts *out)
{
    const struct ts *narrow = ts_is_any_port(a) ? b : a;
    if (ts_is_any_port(a) || ts_is_any_port(b) || (ts_is_opaque(a) && ts_is_opaque(b))) {
        out->port_from = narrow->port_from;
        out->port_to = narrow->port_to;
        return true;
    }
    if (ts_is_opaque(a) || ts_is_opaque(b))
        return false;
    out->port_from = a->port_from > b->port_from ? a->port_from : b->port_from;
    out->port_to = a->port_to < b->port_to ? a->port_to : b->port_to;
    return out->port_from <= out->port_to;
}

bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out)
{
    struct ts r = {.proto = a->proto ? a->proto : b->proto};
    if (a->is_dynamic || b->is_dynamic || a->from.family != b->from.family)
        return false;
    if (a->proto && b->proto && a->proto != b->proto)
        return false;
    r.from = ip_cmp(a->from, b->from) > 0 ? a->from : b->from;
    r.to = ip_cmp(a->to, b->to) < 0 ? a->to : b->to;
    if (ip_cmp(r.from, r.to) > 0 || !ports_intersect(a, b, &r))
        return false;
    *out = r;
    return true;
}

static uint64_t load(const uint8_t *p, size_t len)
{
    uint64_t v = 0;
    memcpy((uint8_t *)&v + sizeof(v) - len, p, len);
    return be64toh(v);
}

/* As integers: every packet is compared with selectors, and memcmp() showed as the first line of the profile.
 */
static bool is_between4(const uint8_t *from, const uint8_t *at, const uint8_t *to)
{
    uint64_t v = load(at, 4);
    return load(from, 4) <= v && v <= load(to, 4);
}

static bool is_between6(const uint8_t *from, const uint8_t *at, const uint8_t *to)
{
    uint64_t high = load(at, 8), low = load(at + 8, 8);
    uint64_t from_high = load(from, 8), to_high = load(to, 8);
    return (high > from_high || (high == from_high && low >= load(from + 8, 8))) &&
           (high < to_high || (high == to_high && low <= load(to + 8, 8)));
}

bool ts_matches(const struct ts *t, struct ip ip, uint8_t proto, uint16_t port, bool port_known)
{
    if (t->from.family != ip.family || (t->proto && t->proto != proto))
        return false;
    if (!(ip.family == 4 ? is_between4 : is_between6)(t->from.b, ip.b, t->to.b))
        return false;
    if (ts_is_any_port(t))
        return true;
    if (!port_known)
        return ts_is_opaque(t);
    return t->port_from <= port && port <= t->port_to; /* never true for OPAQUE */
}

/* The largest aligned block that starts at ip and does not pass last. */
static struct prefix block_at(struct ip ip, struct ip last)
{
    struct prefix p = {.ip = ip, .bits = (uint8_t)(ip_len(ip) * 8)};
    while (p.bits > 0) {
        struct prefix wider = {.ip = ip, .bits = (uint8_t)(p.bits - 1)};
        unsigned bit = wider.bits; /* becomes a host bit: must be zero */
        if ((ip.b[bit / 8] & (0x80 >> (bit % 8))) || ip_cmp(prefix_last(&wider), last) > 0)
            break;
        p = wider;
    }
    return p;
}

bool ts_to_prefix(const struct ts *t, struct prefix *out)
{
    if (t->is_dynamic || t->from.family == 0 || t->from.family != t->to.family || ip_cmp(t->from, t->to) > 0)
        return false;
    struct prefix p = block_at(t->from, t->to);
    if (!ip_equal(prefix_last(&p), t->to))
        return false;
    *out = p;
    return true;
}

/* The next address; false past the last one of the family. */
static bool ip_next(struct ip *ip)
{
    for (size_t i = ip_len(*ip); i-- > 0;)
        if (++ip->b[i])
            return true;
    return false;
}

size_t ts_to_prefixes(const struct ts *t, struct prefix *out, size_t cap)
{
    struct ip at = t->from;
    size_t n = 0;
    if (t->is_dynamic || t->from.family == 0 || t->from.family != t->to.family)
        return 0;
    while (ip_cmp(at, t->to) <= 0) {
        if (n == cap)
            return 0;
        struct prefix p = block_at(at, t->to);
        size_t i = n++;
        for (; i > 0 && out[i - 1].bits > p.bits; i--) /* largest first, then by address */
            out[i] = out[i - 1];
        out[i] = p;
        at = prefix_last(&p);
        if (!ip_next(&at))
            break;
    }
    return n;
}
