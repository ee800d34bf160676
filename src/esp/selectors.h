/* SPDX-License-Identifier: Apache-2.0 */
/* Packets against pairs of selector lists (RFC 4301 sections 4.4.1.1, 5.2 and 6.2): what policies and SAs
 * both ask. Later fragments and packets whose ports cannot be seen match only ANY and OPAQUE ports. */
#pragma once

#include "net/packet.h"
#include "net/ts.h"

struct selectors {
    const struct ts *local, *remote;
    size_t n_local, n_remote;
};

/* Outbound: the source is local. Inbound: the destination is. */
bool selectors_match(const struct selectors *s, const struct packet *p, bool is_outbound);
/* The packet that an ICMP error quotes; false when p is none or quotes nothing sound. [RFC4301#6.2] such an
 * error travels with the traffic that returns to the quoted packet's sender, so the error must go there. */
bool selectors_quoted(const struct packet *p, struct span bytes, struct packet *quoted);
