/* SPDX-License-Identifier: Apache-2.0 */
/* Routes into the tunnel, in a table of their own behind one rule for each family:
 *     not fwmark MARK lookup 220
 * Three kinds: the route itself (dev kw0), the barrier that stays while a connection is loaded (unreachable,
 * worse metric), and exceptions (throw: go on with the next table). A fourth one, for the peer's own address
 * where the reverse path filter is loose, stands before the barrier and leads to the device, too, which drops
 * what no policy is for: by the barrier alone the filter would drop what the peer sends. Everything carries
 * our rtm_protocol, so that what a crash left is recognised without a state file. Barriers survive kill -9 on
 * purpose: no plaintext until the next start or `keywayd --cleanup`.
 *
 * A route for some packets to a host alone (struct route_flow) is in a second table behind a rule that names
 * them:
 *     fwmark MARK goto 220
 *     to HOST ipproto udp dport 1701 lookup 221
 * The rules' priorities are the two before that of the first one.
 *
 * Where the kernel's IPsec carries the packets (PLANE_KERNEL) a route leads the way that packets to the peer
 * take, by its interface and gateway, so that a source address is chosen and the policies are asked; and the
 * barrier before the peer's own address is a route to it, with a policy that drops (xfrm.h). To a child's own
 * interface (tunnel_interface) a route leads without a gateway; sealed packets have this daemon's mark, and
 * so do not meet it again. There a barrier before the peer's own address leads to the interface, too, which
 * drops what it has no SA for, with an unreachable route behind it for when there is no interface. */
#pragma once

#include "base/diag.h"
#include "model/action.h"

#define ROUTE_PROTOCOL 225 /* rtm_protocol of what is ours */

struct route_table;

struct route_options {
    int device; /* index of kw0 */
    int table, priority;
    uint16_t mtu, mss; /* of the routes into tunnels; 0: none said */
};

/* Installs the rules and notes what an earlier run left. NULL with the reason. */
struct route_table *route_open(const struct route_options *o, struct diag *d);
/* The same destination may be asked for several times; it goes when the last one does. */
bool route_add(struct route_table *t, const struct route *r, struct diag *d);
void route_del(struct route_table *t, uint64_t id);
/* The machine's addresses or routes have changed: those of the kernel's data plane follow, and source
 * addresses are chosen anew. */
void route_follow(struct route_table *t);
/* Removes what an earlier run left and nobody asked for again. Call when the configuration is in force, so
 * that there is no moment without a barrier. */
void route_sweep(struct route_table *t);
/* Removes all of ours, rules too. */
void route_close(struct route_table *t);
/* The same without a daemon: after a crash. Returns how many routes were removed, or -1 with the reason. */
int route_cleanup(int table, int priority, struct diag *d);

/* ---- messages, pure: for tests */

enum route_kind { ROUTE_TUNNEL, ROUTE_HOLD, ROUTE_BARRIER, ROUTE_EXCEPTION, ROUTE_KINDS };
/* By its rtm_type and metric; ROUTE_KINDS: none of ours. */
enum route_kind route_kind_of(uint8_t type, uint32_t metric);

struct route_spec {
    enum route_kind kind;
    struct route_flow flow;
    struct prefix dst;
    struct ip source;  /* preferred; family 0: none. ROUTE_TUNNEL only */
    int device;        /* ROUTE_TUNNEL and ROUTE_HOLD only; 0: there is no way now, and no route */
    struct ip gateway; /* family 0: none */
    int table;
    uint16_t mtu, mss; /* 0: none. ROUTE_TUNNEL only */
};

struct nlmsghdr;
/* RTM_NEWROUTE (create or replace) or RTM_DELROUTE into buf (at least 512 bytes). */
struct nlmsghdr *route_message(void *buf, const struct route_spec *s, bool adds);
/* There is no message for it: it has no device yet. */
bool route_leads_nowhere(const struct route_spec *s);

enum rule_whose { RULE_ALL, RULE_OURS, RULE_NOT_OURS }; /* by the mark of this daemon's own packets */

struct rule_spec {
    uint8_t family; /* 4 or 6 */
    int priority;
    uint8_t action; /* FR_ACT_TO_TBL, FR_ACT_GOTO, FR_ACT_NOP, FR_ACT_BLACKHOLE, FR_ACT_PROHIBIT */
    int to;         /* the table, or the priority to go on at */
    enum rule_whose whose;
    const char *from_device; /* arrived there; NULL: wherever */
    struct prefix src, dst;  /* no bits: any */
    struct route_flow flow;
};

/* RTM_NEWRULE (not twice) or RTM_DELRULE into buf (at least 512 bytes). */
struct nlmsghdr *route_rule_message(void *buf, const struct rule_spec *s, bool adds);
/* What of a dumped rule such a message would name; from_device is in h. False when it is not one of ours. */
bool route_rule_parse(const struct nlmsghdr *h, struct rule_spec *out);
