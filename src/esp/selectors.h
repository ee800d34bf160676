/* SPDX-License-Identifier: Apache-2.0 */
/* Packets against pairs of selector lists (RFC 4301 sections 4.4.1.1, 5.2 and 6.2): what policies and SAs
 * both ask. Later fragments and packets whose ports cannot be seen match only ANY and OPAQUE ports. The
 * lists of a policy, of its SAs and of their successors after a rekey are the same ones, and kept once. */
#pragma once

#include "base/map.h"
#include "net/packet.h"
#include "net/ts.h"

#define SELECTORS_WIDEST 1032

struct selectors {
    const struct ts *local, *remote;
    size_t n_local, n_remote;
};

/* Selector lists shared by all that have equal ones. */
struct selector_set {
    struct map_node node;
    uint32_t refs;
    uint8_t n_local, n_remote;
    struct ts ts[]; /* local, then remote */
};

/* The set in the map of sets, made if need be; to be given back. */
struct selector_set *selector_set_ref(struct map *sets, const struct selectors *s);
void selector_set_unref(struct map *sets, struct selector_set *s);
static inline struct selectors selector_set_view(const struct selector_set *s)
{
    return (struct selectors){
        .local = s->ts, .remote = s->ts + s->n_local, .n_local = s->n_local, .n_remote = s->n_remote};
}

/* Outbound: the source is local. Inbound: the destination is. */
bool selectors_match(const struct selectors *s, const struct packet *p, bool is_outbound);
/* 0: no match. Else how wide the narrowest selectors are that match, both sides together; the narrower the
 * more precise. At most SELECTORS_WIDEST. */
unsigned selectors_width(const struct selectors *s, const struct packet *p, bool is_outbound);
/* The packet that an ICMP error quotes; false when p is none or quotes nothing sound. [RFC4301#6.2] such an
 * error travels with the traffic that returns to the quoted packet's sender, so the error must go there. */
bool selectors_quoted(const struct packet *p, struct span bytes, struct packet *quoted);
