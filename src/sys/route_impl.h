/* SPDX-License-Identifier: Apache-2.0 */
/* What route.c and route_way.c share. */
#pragma once

#include "base/map.h"
#include "sys/netlink.h"
#include "sys/route.h"
#include "sys/route_flow.h"
#include "sys/route_way.h"
#include <net/if.h>

#define MESSAGE_MAX 512

struct entry { /* one request; several may be for one kernel route */
    struct map_node node;
    uint64_t id;
    struct route_spec spec;
    struct prefix local; /* what the source address is chosen from */
    enum plane plane;
    struct ip outer_local, outer_remote; /* PLANE_KERNEL */
    char device[KERNEL_DEVICE];          /* likewise: to that interface instead; empty: no */
};

struct kernel_route { /* one route that is in the kernel, and how many ask for it */
    struct map_node node;
    struct route_spec spec;
    unsigned refs;
    bool is_stale; /* an earlier run's */
};

struct route_table {
    struct route_options o;
    struct netlink nl;
    struct map entries, routes;
    struct route_flows flows;
    char strict[IF_NAMESIZE]; /* the interface whose reverse path filter was complained about last */
};

/* ---- route.c */
/* Adds it, or puts it in the place of one to the same destination. */
bool route_install(struct route_table *t, const struct route_spec *s, struct diag *d);
struct kernel_route *route_find(struct route_table *t, const struct route_spec *s);
/* All nodes of a map, NULL behind them: an array that is the caller's. */
struct map_node **route_nodes(const struct map *m);

struct ifaddrs;
/* One of these addresses of the machine that is inside the prefix, or none. */
struct ip route_source(const struct prefix *local, const struct ifaddrs *all);

/* ---- route_way.c */
/* Where s leads: to the interface of that name, or, without one, the way that packets between these outer
 * addresses take. False when there is none now. */
bool route_lead(struct route_table *t, const char *device, struct ip local, struct ip remote,
                struct route_spec *s);
