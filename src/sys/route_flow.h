/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that lead the packets of a flow to a table of their own: see route.h. A rule stands as long as a
 * route needs it. What an earlier run left is recognised by its rtm_protocol and priority. */
#pragma once

#include "base/map.h"
#include "sys/netlink.h"
#include "sys/route.h"

struct route_flows {
    struct netlink *nl;  /* the owner's */
    int table, priority; /* of the flows' rules; those of the rule for everything are one more */
    struct map rules;
    bool has_goto;
};

/* Notes what an earlier run left. */
void route_flows_init(struct route_flows *f, struct netlink *nl, int table, int priority);
void route_flows_deinit(struct route_flows *f); /* removes nothing from the kernel */
/* False with d when the kernel refuses. Each is given back by release. */
bool route_flows_hold(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow,
                      struct diag *d);
void route_flows_release(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow);
/* Removes all rules, or those that an earlier run left and nobody asked for again. */
void route_flows_drop(struct route_flows *f, bool only_stale);
