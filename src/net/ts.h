/* SPDX-License-Identifier: Apache-2.0 */
/* Traffic selectors (RFC 7296 section 3.13.1; RFC 4301 section 4.4.1.1) and their arithmetic. */
#pragma once

#include "net/ip.h"

#define TS_TEXT_MAX 160

struct ts {
    struct ip from, to; /* inclusive, same family */
    uint8_t proto;      /* 0 = any */
    uint16_t port_from; /* host order. any: 0-65535. OPAQUE: from 65535 to 0. ICMP: type << 8 | code */
    uint16_t port_to;
    bool is_dynamic; /* configured as "dynamic": replaced by ts_resolve_dynamic() */
};

#define PROTO_ICMP   1
#define PROTO_ICMPV6 58
/* Ports, or types and codes. */
static inline bool ts_is_any_port(const struct ts *t)
{
    return t->port_from == 0 && t->port_to == 65535;
}
static inline bool ts_is_opaque(const struct ts *t)
{
    return t->port_from == 65535 && t->port_to == 0;
}
static inline bool ts_is_icmp(const struct ts *t)
{
    return t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6;
}

/* swanctl's form: net/bits[proto/port], a-b, dynamic, ports n, n-m, any, opaque. err points at a static
 * reason. */
bool ts_parse(const char *text, struct ts *out, const char **err);
const char *ts_format(const struct ts *t, char buf[TS_TEXT_MAX]);
struct ts ts_from_prefix(const struct prefix *p);
struct ts ts_any(uint8_t family);
/* A dynamic selector becomes the host (keeping protocol and ports); others stay. */
struct ts ts_resolve_dynamic(const struct ts *t, struct ip host);
bool ts_equal(const struct ts *a, const struct ts *b);
bool ts_contains(const struct ts *outer, const struct ts *inner);
/* The intersection; false when empty. */
bool ts_intersect(const struct ts *a, const struct ts *b, struct ts *out);
/* Does an address with protocol and port (host order; ICMP: type << 8 | code) fall into it? port_known false
 * for fragments and protocols without ports: then it matches only selectors for any port or OPAQUE. */
bool ts_matches(const struct ts *t, struct ip ip, uint8_t proto, uint16_t port, bool port_known);
/* Is it exactly one prefix? */
bool ts_to_prefix(const struct ts *t, struct prefix *out);
/* The prefixes that cover exactly the range, largest first; returns how many (0 when more than cap). */
size_t ts_to_prefixes(const struct ts *t, struct prefix *out, size_t cap);
