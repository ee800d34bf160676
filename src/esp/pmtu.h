/* SPDX-License-Identifier: Apache-2.0 */
/* Path MTUs, one per peer address, learned from ICMP and aged (RFC 4301 sections 8.2.1 and 8.2.2, RFC 1191
 * section 6.3, RFC 8201). An ICMP error is unauthenticated: it may only lower the MTU of a peer that we have
 * an SA with, not below what every link must carry in practice, and it is forgotten after ten minutes. */
#pragma once

#include "base/map.h"
#include "net/ip.h"

struct path {
    struct map_node node;
    struct ip peer;
    uint32_t mtu;       /* learned; 0 = nothing learned */
    int64_t learned_at; /* mono */
    size_t refs;        /* SAs that use it */
};

struct pmtu {
    struct map paths;
    uint32_t initial;
};

void pmtu_init(struct pmtu *m, uint32_t initial);
void pmtu_deinit(struct pmtu *m);
/* The path to a peer, made if need be; to be given back. */
struct path *pmtu_path_ref(struct pmtu *m, struct ip peer);
void pmtu_path_unref(struct pmtu *m, struct path *p);
/* What ICMP said. Ignored when the peer is unknown or the value is no reduction. */
void pmtu_learn(struct pmtu *m, struct ip peer, uint32_t mtu, int64_t now);
/* The outer packet size that the path takes now; forgets what is too old. */
uint32_t pmtu_current(const struct pmtu *m, struct path *p, int64_t now);
