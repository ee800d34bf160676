/* SPDX-License-Identifier: Apache-2.0 */
/* By which interface, and to which link-layer address, a packet of ours leaves: what the kernel would decide
 * for a packet with our mark and this source, asked over rtnetlink and remembered for a second at most, and
 * no longer than until the kernel announces a change of routes, rules, addresses, links or neighbours.
 *
 * It knows only what is plain: Ethernet, one unicast route, a neighbour that the kernel has resolved. All
 * else is "not known", and then the packet has to leave through a socket of the kernel's IP, which also makes
 * the kernel resolve the neighbour. One object belongs to one thread. */
#pragma once

#include "base/diag.h"
#include "net/ip.h"

struct nexthop {
    int device;         /* interface index */
    uint32_t mtu;       /* bytes of an IP packet: of the interface, or less where the route says so */
    uint8_t address[6]; /* the neighbour's */
};

struct nexthops;

struct nexthops *nexthops_open(struct diag *d);
void nexthops_close(struct nexthops *t);
/* Takes note of what the kernel has announced. Before each batch; now: mono microseconds. */
void nexthops_refresh(struct nexthops *t, int64_t now);
/* local: the source address. NULL: not known. Valid until the next call. */
const struct nexthop *nexthops_find(struct nexthops *t, struct ip local, struct ip remote, int64_t now);
