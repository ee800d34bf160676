/* SPDX-License-Identifier: Apache-2.0 */
/* See pool.h. A fresh address is the next one that was never given; when there is none left, the lease that
 * has been given back longest is taken from its owner. */
#include "model/pool.h"
#include "base/arena.h"
#include <stdlib.h>

/* A pool remembers so many identities that are away. From then on it forgets the oldest, though it has
 * addresses left: a prefix of IPv6 holds more than a machine remembers. */
#define REMEMBERED_MAX 100000

struct pool {
    struct list link;
    struct map_node by_name;
    char *name;
    struct ip_range *ranges;
    uint64_t *next; /* of each range: from here on nothing was given, but for what was asked for by name */
    size_t n_ranges;
    struct list online, offline; /* leases; offline: the longest away first */
    size_t n_online[2], n_offline;
    struct ip base;
    size_t place;
    bool is_loaded;
};

struct lease {
    struct list link;
    struct map_node by_ip, by_owner;
    struct pool *pool;
    struct ip ip;
    unsigned holders;
    struct identity owner; /* the bytes follow */
};

static bool range_has(const struct ip_range *r, struct ip ip)
{
    return r->from.family == ip.family && ip_cmp(r->from, ip) <= 0 && ip_cmp(ip, r->to) <= 0;
}

static bool pool_has(const struct pool *p, struct ip ip)
{
    for (size_t i = 0; i < p->n_ranges; i++) {
        if (range_has(&p->ranges[i], ip))
            return true;
    }
    return false;
}

/* ---- leases */

static uint64_t ip_hash(struct ip ip)
{
    return map_hash(ip_view(&ip));
}

static struct lease *find_ip(const struct pools *p, struct ip ip)
{
    for (struct map_node *n = map_first(&p->by_ip, ip_hash(ip)); n; n = map_next(n)) {
        struct lease *l = container_of(n, struct lease, by_ip);
        if (ip_equal(l->ip, ip))
            return l;
    }
    return NULL;
}

static size_t *online_of(struct lease *l)
{
    return &l->pool->n_online[l->ip.family == 6];
}

static void hold(struct lease *l)
{
    if (l->holders++)
        return;
    list_remove(&l->link);
    list_append(&l->pool->online, &l->link);
    l->pool->n_offline--;
    ++*online_of(l);
}

static void forget(struct pools *p, struct lease *l)
{
    list_remove(&l->link);
    map_remove(&p->by_ip, &l->by_ip);
    map_remove(&p->by_owner, &l->by_owner);
    l->pool->n_offline--;
    free(l);
}

static struct lease *remember(struct pools *p, struct pool *pool, struct ip ip, const struct identity *owner)
{
    struct lease *l = mem_new(sizeof(*l) + owner->data.len);
    uint8_t *bytes = (uint8_t *)(l + 1);
    if (owner->data.len)
        memcpy(bytes, owner->data.ptr, owner->data.len);
    l->pool = pool;
    l->ip = ip;
    l->owner = (struct identity){.type = owner->type, .data = span_of(bytes, owner->data.len)};
    list_append(&pool->offline, &l->link);
    pool->n_offline++;
    map_insert(&p->by_ip, &l->by_ip, ip_hash(ip));
    map_insert(&p->by_owner, &l->by_owner, identity_hash(owner));
    return l;
}

/* ---- pools */

static struct pool *find_pool(const struct pools *p, const char *name)
{
    for (struct map_node *n = map_first(&p->by_name, map_hash(span_str(name))); n; n = map_next(n)) {
        struct pool *pool = container_of(n, struct pool, by_name);
        if (strcmp(pool->name, name) == 0)
            return pool;
    }
    return NULL;
}

static void pool_free(struct pools *p, struct pool *pool)
{
    map_remove(&p->by_name, &pool->by_name);
    list_remove(&pool->link);
    free(pool->ranges);
    free(pool->next);
    free(pool->name);
    free(pool);
}

/* One that is gone from the configuration stays as long as somebody has an address of it. */
static void drop_unused(struct pools *p, struct pool *pool)
{
    struct lease *l;
    list_each(l, &pool->offline, link)
    {
        if (!pool->is_loaded || !pool_has(pool, l->ip))
            forget(p, l);
    }
    if (!pool->is_loaded && list_empty(&pool->online))
        pool_free(p, pool);
}

void pools_init(struct pools *p)
{
    list_init(&p->all);
    map_init(&p->by_name);
    map_init(&p->by_ip);
    map_init(&p->by_owner);
}

void pools_deinit(struct pools *p)
{
    struct pool *pool;
    struct lease *l;
    list_each(pool, &p->all, link)
    {
        list_each(l, &pool->online, link) free(l);
        list_each(l, &pool->offline, link) free(l);
        free(pool->ranges);
        free(pool->next);
        free(pool->name);
        free(pool);
    }
    map_deinit(&p->by_name);
    map_deinit(&p->by_ip);
    map_deinit(&p->by_owner);
}

static bool same_ranges(const struct pool *p, const struct pool_config *c)
{
    bool same = p->n_ranges == c->n_ranges;
    for (size_t i = 0; same && i < c->n_ranges; i++)
        same = ip_equal(p->ranges[i].from, c->ranges[i].from) && ip_equal(p->ranges[i].to, c->ranges[i].to);
    return same;
}

static void load_one(struct pools *p, const struct pool_config *c)
{
    struct pool *pool = find_pool(p, c->name);
    if (!pool) {
        pool = mem_new(sizeof(*pool));
        pool->name = mem_new(strlen(c->name) + 1);
        memcpy(pool->name, c->name, strlen(c->name));
        list_init(&pool->online);
        list_init(&pool->offline);
        list_append(&p->all, &pool->link);
        map_insert(&p->by_name, &pool->by_name, map_hash(span_str(c->name)));
    }
    pool->is_loaded = true;
    pool->base = c->base.family || !c->n_ranges ? c->base : c->ranges[0].from;
    pool->place = c->place;
    if (pool->ranges && same_ranges(pool, c))
        return;
    free(pool->ranges);
    free(pool->next);
    pool->n_ranges = c->n_ranges;
    pool->ranges = mem_new((c->n_ranges + 1) * sizeof(*pool->ranges));
    pool->next = mem_new((c->n_ranges + 1) * sizeof(*pool->next));
    if (c->n_ranges)
        memcpy(pool->ranges, c->ranges, c->n_ranges * sizeof(*pool->ranges));
}

void pools_load(struct pools *p, const struct pool_config *v, size_t n)
{
    struct pool *pool;
    list_each(pool, &p->all, link) pool->is_loaded = false;
    for (size_t i = 0; i < n; i++)
        load_one(p, &v[i]);
    list_each(pool, &p->all, link) drop_unused(p, pool);
}

/* ---- asking */

static bool is_excepted(const struct lease_request *r, struct ip ip)
{
    for (size_t i = 0; i < r->n_except && i < LEASE_EXCEPT_MAX; i++) {
        if (ip_equal(r->except[i], ip))
            return true;
    }
    return false;
}

/* What the owner has in this pool already: the address it asks for, one that it gave back, or one that it
 * has now and gives up. Who is nobody (RFC 7619) is not who was nobody before: what is in use stays. */
static struct lease *owned(const struct pools *p, const struct pool *pool, const struct lease_request *r)
{
    struct lease *best = NULL;
    for (struct map_node *n = map_first(&p->by_owner, identity_hash(r->owner)); n; n = map_next(n)) {
        struct lease *l = container_of(n, struct lease, by_owner);
        bool is_asked_for = ip_equal(l->ip, r->wanted);
        bool is_free = l->holders == 0 || (r->owner->type != ID_NULL && (r->replaces || is_asked_for));
        if (l->pool != pool || l->ip.family != r->family || !is_free || is_excepted(r, l->ip) ||
            !identity_equal(&l->owner, r->owner) || !pool_has(pool, l->ip))
            continue;
        if (is_asked_for)
            return l;
        if (!best || (best->holders && !l->holders))
            best = l;
    }
    return best;
}

static struct lease *asked_for(struct pools *p, struct pool *pool, const struct lease_request *r)
{
    if (r->wanted.family != r->family || !pool_has(pool, r->wanted) || find_ip(p, r->wanted))
        return NULL;
    return remember(p, pool, r->wanted, r->owner);
}

static struct lease *never_given(struct pools *p, struct pool *pool, const struct lease_request *r)
{
    for (size_t i = 0; pool->n_offline < REMEMBERED_MAX && i < pool->n_ranges; i++) {
        const struct ip_range *range = &pool->ranges[i];
        uint64_t size = range->from.family == r->family ? pool_ranges_size(range, 1) : 0;
        while (pool->next[i] < size) {
            struct ip ip = ip_add(range->from, pool->next[i]++);
            if (!find_ip(p, ip))
                return remember(p, pool, ip, r->owner);
        }
    }
    return NULL;
}

/* The address of who has been away longest. */
static struct lease *taken_away(struct pools *p, struct pool *pool, const struct lease_request *r)
{
    struct lease *l;
    list_each(l, &pool->offline, link)
    {
        struct ip ip = l->ip;
        if (ip.family != r->family)
            continue;
        forget(p, l);
        return remember(p, pool, ip, r->owner);
    }
    return NULL;
}

static struct lease_answer answer_of(const struct pool *pool, uint8_t family, enum lease_status s)
{
    return (struct lease_answer){.status = s,
                                 .pool = pool->name,
                                 .size = pool_ranges_size_of(pool->ranges, pool->n_ranges, family),
                                 .online = pool->n_online[family == 6]};
}

struct lease_answer pools_ask(struct pools *p, const struct lease_request *r)
{
    struct lease_answer a = {.status = LEASE_NONE};
    struct lease *(*const ways[])(struct pools *, struct pool *,
                                  const struct lease_request *) = {asked_for, never_given, taken_away};
    struct lease *l = NULL;
    for (size_t way = 0; way <= ARRAY_LEN(ways) && !l; way++) {
        for (size_t i = 0; i < r->n_pools && !l; i++) {
            struct pool *pool = find_pool(p, r->pools[i]);
            if (!pool || !pool->is_loaded || !pool_ranges_size_of(pool->ranges, pool->n_ranges, r->family))
                continue;
            l = way == 0 ? owned(p, pool, r) : ways[way - 1](p, pool, r);
            if (!l)
                a = answer_of(pool, r->family, LEASE_FULL);
        }
    }
    if (!l)
        return a;
    hold(l);
    a = answer_of(l->pool, r->family, LEASE_GIVEN);
    a.ip = l->ip;
    return a;
}

void pools_hold(struct pools *p, struct ip ip)
{
    struct lease *l = find_ip(p, ip);
    if (l)
        hold(l);
}

void pools_release(struct pools *p, struct ip ip)
{
    struct lease *l = find_ip(p, ip);
    if (!l || !l->holders || --l->holders)
        return;
    struct pool *pool = l->pool;
    --*online_of(l);
    list_remove(&l->link);
    list_append(&pool->offline, &l->link);
    pool->n_offline++;
    if (!pool->is_loaded || !pool_has(pool, ip))
        forget(p, l);
    if (!pool->is_loaded && list_empty(&pool->online))
        pool_free(p, pool);
}

/* ---- looking */

static struct pool *pool_at(const struct pools *p, size_t index)
{
    struct pool *pool;
    list_each(pool, &p->all, link)
    {
        if (index-- == 0)
            return pool;
    }
    return NULL;
}

bool pools_at(const struct pools *p, size_t index, struct pool_view *out)
{
    const struct pool *pool = pool_at(p, index);
    if (!pool)
        return false;
    *out = (struct pool_view){.name = pool->name,
                              .base = pool->base,
                              .place = pool->place,
                              .size = pool_ranges_size_of(pool->ranges, pool->n_ranges, 0),
                              .online = pool->n_online[0] + pool->n_online[1],
                              .offline = pool->n_offline,
                              .is_loaded = pool->is_loaded};
    return true;
}

void pools_leases(const struct pools *p, size_t index, bool (*cb)(void *ctx, const struct lease_view *v),
                  void *ctx)
{
    const struct pool *pool = pool_at(p, index);
    const struct list *const lists[] = {&pool->online, &pool->offline};
    for (size_t i = 0; pool && i < ARRAY_LEN(lists); i++) {
        const struct lease *l;
        list_each(l, lists[i], link)
        {
            struct lease_view v = {.ip = l->ip, .owner = l->owner, .is_online = l->holders > 0};
            if (!cb(ctx, &v))
                return;
        }
    }
}
