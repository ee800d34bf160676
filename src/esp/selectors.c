/* SPDX-License-Identifier: Apache-2.0 */
/* Matching packets with selectors: see selectors.h. */
#include "esp/selectors.h"

#define ICMP_HEADER 8

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
