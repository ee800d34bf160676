/* SPDX-License-Identifier: Apache-2.0 */
/* The SPD (RFC 4301 section 4.4.1): ordered policies with protect, bypass and discard. The lowest priority
 * that matches decides; priority 0 stands for SPD_BY_SIZE and what is above it, the narrower the lower, so
 * that a policy for a host decides before that for its network. Among equals a trap comes last, and else the
 * one that was added first.
 *
 * Traffic classes (RFC 4301 section 4.1): equal policies, each with an SA of its own, may each name DSCP
 * values, so that the reordering of classes on the way does not meet one replay window. DSCP is no selector:
 * the classes share out what the selectors protect and keep nothing from being protected. A packet goes to
 * the policy of its class; where that has no SA, to the one without a class, as all packets do that are in
 * none; only where there is no such policy to that of another class. A trap of its class hears of it all the
 * same.
 *
 * Policies are found by prefix of their remote selectors and prefix around their local ones together: one
 * hash lookup for each pair of prefix lengths in use. A gateway whose policies differ in the remote network
 * or host, in the local one, or in both finds one of 100,000 in as many steps as one of ten; it has one to
 * four pairs of lengths as a rule. Policies for the same remote and local prefix, those that differ in
 * protocols and ports or in priority alone, are walked. The pairs are bounded: past SPD_PAIRS a new one
 * counts as (remote length, 0), whose policies for one remote prefix are walked as well, so that no mixture
 * of ranges that peers ask for costs a packet more than SPD_PAIRS + 129 lookups.
 *
 * A flow cache in front answers for packets of flows seen before; any change of the policies empties it. A
 * rekey changes none. It holds no SA: which SA serves a policy is asked every time. As long as there are
 * classes a flow is of one DSCP. */
#pragma once

#include "esp/hold.h"
#include "esp/sad.h"
#include "esp/selectors.h"

#define SPD_FLOWS   4096
#define SPD_PAIRS   64
#define SPD_BY_SIZE 200000 /* fixed priorities below decide before all that go by size */

/* One place of a policy in the index. */
struct policy_entry {
    struct map_node node;
    struct policy *policy;
    uint8_t family, pair; /* index into spd.pairs6 or pairs4 */
};

struct policy {
    struct map_node by_id;
    uint64_t id;
    uint64_t age; /* order of arrival */
    uint32_t priority;
    enum policy_action action;
    bool wants_whole;
    uint64_t classes;      /* by DSCP; 0: none */
    struct bundle *bundle; /* POLICY_PROTECT */
    struct hold *hold;     /* a trap's */
    struct selector_set *selectors;
    size_t n_entries;
    struct policy_entry entries[];
};

/* Lengths of a remote and a local prefix under which entries stand. */
struct prefix_pair {
    uint8_t remote, local;
    uint32_t entries; /* 0: free */
};

struct flow_key {
    uint8_t family, proto, port_known;
    uint8_t tos; /* as far as it matters */
    uint16_t sport, dport;
    uint8_t src[16], dst[16];
};

struct flow {
    struct flow_key key;
    uint64_t generation;
    const struct policy *policy; /* NULL: none matches */
    const struct policy *asks;   /* the trap of its class, while something else serves it; or NULL */
};

struct spd {
    struct sad *sad;
    struct holds holds;
    struct map by_id, by_prefixes;
    struct prefix_pair pairs4[SPD_PAIRS + 33], pairs6[SPD_PAIRS + 129];
    size_t n_pairs4, n_pairs6; /* places ever used */
    size_t n_whole;            /* policies that want whole datagrams */
    size_t n_classed;          /* those of a traffic class */
    uint8_t tos_mask;          /* what of TOS and traffic class makes a flow: its DSCP, or nothing */
    uint64_t next_age, generation;
    struct flow *flows;
    struct flow *last; /* the flow of the last packet */
};

void spd_init(struct spd *s, struct sad *sad);
void spd_deinit(struct spd *s);
bool spd_add(struct spd *s, const struct esp_policy *r, struct diag *d);
bool spd_del(struct spd *s, uint64_t id, struct diag *d);
/* ACTION_TRAP_FAILED. */
bool spd_trap_failed(struct spd *s, uint64_t id, struct diag *d);
/* Does a policy that wants whole datagrams lie between these addresses? Whatever the ports: a fragment may
 * not show them. */
bool spd_wants_whole(struct spd *s, const struct packet *p);
/* The policy for an outbound packet, or NULL. No allocation. */
const struct policy *spd_lookup(struct spd *s, const struct packet *p, struct span bytes);
/* Tells the trap, if any, of the class of the packet that was just looked up. */
static inline void spd_ask(struct spd *s, const struct packet *p, int64_t now)
{
    if (s->last->asks)
        hold_ask(&s->holds, s->last->asks->hold, p, now);
}
