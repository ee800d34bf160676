/* SPDX-License-Identifier: Apache-2.0 */
/* The SPD (RFC 4301 section 4.4.1): ordered policies with protect, bypass and discard. The lowest priority
 * that matches decides; among equals the one that was added first. Policies are found by the prefixes that
 * cover their remote selectors, one hash lookup for each prefix length in use, so that a gateway with a
 * policy for each of many remote networks does not walk them all; many policies for one and the same remote
 * prefix are walked. A flow cache in front answers for packets of flows seen before; any change of the
 * policies empties it. It holds no SA: which SA serves a policy is asked every time. */
#pragma once

#include "esp/sad.h"
#include "esp/selectors.h"

#define SPD_FLOWS 4096

struct policy {
    struct map_node by_id;
    uint64_t id;
    uint32_t priority;
    uint64_t age; /* order of arrival */
    enum policy_action action;
    struct bundle *bundle; /* POLICY_PROTECT */
    struct ts local_ts[SA_MAX_TS], remote_ts[SA_MAX_TS];
    uint8_t n_local_ts, n_remote_ts;
    struct policy_prefix *prefixes;
    size_t n_prefixes;
};

struct flow_key {
    uint8_t family, proto, port_known, zero;
    uint16_t sport, dport;
    uint8_t src[16], dst[16];
};

struct flow {
    struct flow_key key;
    uint64_t generation;
    const struct policy *policy; /* NULL: none matches */
};

struct spd {
    struct sad *sad;
    struct map by_id, by_prefix;
    size_t lengths4[33], lengths6[129]; /* how many prefixes of that length there are */
    uint64_t next_age, generation;
    struct flow *flows;
    struct flow *last; /* the flow of the last packet */
};

void spd_init(struct spd *s, struct sad *sad);
void spd_deinit(struct spd *s);
bool spd_add(struct spd *s, const struct esp_policy *r, struct diag *d);
bool spd_del(struct spd *s, uint64_t id, struct diag *d);
/* The policy for an outbound packet, or NULL. No allocation. */
const struct policy *spd_lookup(struct spd *s, const struct packet *p, struct span bytes);
