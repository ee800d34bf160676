/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses of named pools, in memory (RFC 7296 section 2.19). A pool is a list of ranges and two
 * numbers: what it holds costs nothing until somebody gets one of its addresses. A lease binds an address to
 * an identity; it stays when it is given back, so that who returns gets the same address, until the pool has
 * no other. No address is ever leased twice, also when two pools overlap.
 *
 * Not here: what else a pool tells clients (its attributes are ike/v2/cfg.c's); leases that survive the
 * daemon; pools that are somebody else's (DHCP, RADIUS, a database): those would take struct lease_request as
 * it is and answer later. */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "model/origin.h"
#include "net/identity.h"

struct ip_range {
    struct ip from, to; /* inclusive, one family */
};

struct pool_attr { /* what clients are told: as it goes into a configuration payload */
    uint16_t type;
    struct span value;
    const char *key, *text; /* as configured */
};

struct pool_config {
    const char *name;
    const struct ip_range *ranges; /* what may be leased: without what was excluded; disjoint */
    size_t n_ranges;
    struct ip base;                  /* what addrs begins with, as it is written; family 0: nothing */
    size_t place;                    /* among all pools, as they were loaded */
    const struct ip_range *excluded; /* as configured */
    size_t n_excluded;
    const struct pool_attr *attrs;
    size_t n_attrs;
    struct origins origins;
};

/* Ranges less what is excluded; both may overlap among themselves. Into out, sorted and disjoint; at most
 * n + n_excluded. Returns how many. */
size_t pool_ranges(const struct ip_range *v, size_t n, const struct ip_range *excluded, size_t n_excluded,
                   struct ip_range *out);
uint64_t pool_ranges_size(const struct ip_range *v, size_t n); /* at most UINT64_MAX */
/* Of one family; 0: of both. */
uint64_t pool_ranges_size_of(const struct ip_range *v, size_t n, uint8_t family);

struct pool;
struct lease;

struct pools { /* all of a daemon; nothing is shared with other threads */
    struct list all;
    struct map by_name, by_ip, by_owner;
};

/* What an answer is about. */
enum lease_status {
    LEASE_GIVEN,
    LEASE_NONE, /* none of the pools has addresses of this family */
    LEASE_FULL, /* they have, and all are in use */
};

#define LEASE_EXCEPT_MAX 8

/* One address for one peer. The record that any kind of pool is asked with: a pool in memory answers at once.
 */
struct lease_request {
    const char *const *pools; /* names, in this order */
    size_t n_pools;
    const struct identity *owner;
    uint8_t family;
    struct ip wanted; /* family 0: any */
    /* The owner's other logins end with this one: it may take over an address that is in use. What it asks
     * for by name it may take over from its own logins in any case: so it authenticates again. */
    bool replaces;
    struct ip except[LEASE_EXCEPT_MAX]; /* asked for and given already: not again */
    size_t n_except;
};

struct lease_answer {
    enum lease_status status;
    struct ip ip;
    const char *pool;      /* which gave it, or was full last; lives as long as the pool */
    uint64_t size, online; /* of that pool and family */
};

void pools_init(struct pools *p);
void pools_deinit(struct pools *p);
/* What the configuration has now. Leases stay that fit into it, and those in use in any case. */
void pools_load(struct pools *p, const struct pool_config *v, size_t n);
/* With LEASE_GIVEN the address is held once more. */
struct lease_answer pools_ask(struct pools *p, const struct lease_request *r);
/* One more holder of an address that is in use: an IKE SA that replaces another one. */
void pools_hold(struct pools *p, struct ip ip);
/* One holder less. The last one leaves the address to its owner's return. */
void pools_release(struct pools *p, struct ip ip);

struct pool_view {
    const char *name;
    struct ip base;
    size_t place; /* of the order in which the configuration has them */
    uint64_t size;
    size_t online, offline;
    bool is_loaded; /* false: gone from the configuration, but in use */
};
struct lease_view {
    struct ip ip;
    struct identity owner;
    bool is_online;
};
/* index 0.. until false. */
bool pools_at(const struct pools *p, size_t index, struct pool_view *out);
/* The leases of the pool at that index: each calls cb, those in use first, until that says false. */
void pools_leases(const struct pools *p, size_t index, bool (*cb)(void *ctx, const struct lease_view *v),
                  void *ctx);
