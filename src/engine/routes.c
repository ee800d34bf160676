/* SPDX-License-Identifier: Apache-2.0 */
/* Policies and routes by reference count (RFC 4301 section 4.4.1 for the policies): a policy and its routes
 * stay as long as one child SA of their reqid does; a route that two want is installed once. Barrier routes
 * stay while a connection is loaded: no plaintext leaves when its tunnel is down.
 *
 * A tunnel's networks are behind it, whatever the protocol. In transport and BEET mode the two hosts talk
 * about other things too: there a route is for the protocol and the ports that the selectors name. */
#include "engine/impl.h"
#include "ike/v2/ike_auth.h"
#include "net/packet.h"
#include <stdlib.h>

#define PREFIXES_MAX 128

static bool same(const struct route *a, const struct route *b)
{
    return ip_equal(a->dst.ip, b->dst.ip) && a->dst.bits == b->dst.bits &&
           a->is_unreachable == b->is_unreachable && a->is_exception == b->is_exception &&
           a->flow.proto == b->flow.proto && a->flow.sport_from == b->flow.sport_from &&
           a->flow.sport_to == b->flow.sport_to && a->flow.dport_from == b->flow.dport_from &&
           a->flow.dport_to == b->flow.dport_to && a->plane == b->plane &&
           strcmp(a->device, b->device) == 0 && ip_equal(a->outer_local, b->outer_local) &&
           ip_equal(a->outer_remote, b->outer_remote);
}

static void emit(struct ike_env *env, const struct route *route)
{
    struct route *copy = arena_alloc(env->out->arena, sizeof(*copy));
    *copy = *route;
    outbox_add(env->out, ACTION_ROUTE_ADD)->route = copy;
}

static uint64_t dst_hash(const struct route *r)
{
    uint8_t key[29 + 1 + 2 * 17];
    struct wr w = wr_over(key, sizeof(key));
    wr_bytes(&w, r->dst.ip.b, sizeof(r->dst.ip.b));
    wr_u8(&w, r->dst.ip.family);
    wr_u8(&w, r->dst.bits);
    wr_u8(&w, r->is_unreachable);
    wr_u8(&w, r->is_exception);
    wr_u8(&w, r->flow.proto);
    wr_u16(&w, r->flow.sport_from);
    wr_u16(&w, r->flow.sport_to);
    wr_u16(&w, r->flow.dport_from);
    wr_u16(&w, r->flow.dport_to);
    wr_u8(&w, r->plane);
    wr_bytes(&w, r->outer_local.b, sizeof(r->outer_local.b));
    wr_u8(&w, r->outer_local.family);
    wr_bytes(&w, r->outer_remote.b, sizeof(r->outer_remote.b));
    wr_u8(&w, r->outer_remote.family);
    return map_hash(wr_span_view(&w));
}

static struct route_ref *find_route(const struct engine *e, const struct route *r)
{
    for (struct map_node *n = map_first(&e->routes_by_dst, dst_hash(r)); n; n = map_next(n)) {
        struct route_ref *ref = container_of(n, struct route_ref, by_dst);
        if (same(&ref->route, r))
            return ref;
    }
    return NULL;
}

static void want(struct ike_env *env, struct route_set *s, struct route route)
{
    struct engine *e = engine_of(env);
    struct route_ref *found = find_route(e, &route);
    for (size_t i = 0; i < s->n; i++) {
        if (found && s->v[i] == found)
            return;
    }
    if (!found) {
        found = mem_new(sizeof(*found));
        found->route = route;
        found->route.id = ++e->next_id;
        list_append(&e->routes, &found->link);
        map_insert(&e->routes_by_dst, &found->by_dst, dst_hash(&route));
        emit(env, &found->route);
    }
    found->refs++;
    if (s->n == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 8;
        struct route_ref **v = mem_new(cap * sizeof(*v));
        if (s->n)
            memcpy(v, s->v, s->n * sizeof(*v));
        free(s->v);
        s->v = v;
        s->cap = cap;
    }
    s->v[s->n++] = found;
}

void route_set_drop(struct ike_env *env, struct route_set *s)
{
    while (s->n) {
        struct route_ref *ref = s->v[--s->n];
        if (--ref->refs)
            continue;
        outbox_add(env->out, ACTION_ROUTE_DEL)->id = ref->route.id;
        list_remove(&ref->link);
        map_remove(&engine_of(env)->routes_by_dst, &ref->by_dst);
        free(ref);
    }
}

static bool is_host(const struct prefix *p)
{
    return p->bits == (p->ip.family == 4 ? 32 : 128);
}

static bool is_peer(const struct prefix *p, struct ip peer)
{
    return is_host(p) && ip_equal(p->ip, peer);
}

static void want_exception(struct ike_env *env, struct route_set *s, const struct prefix *inside,
                           const struct prefix *p)
{
    if (p->ip.family == inside->ip.family && p->bits > inside->bits && prefix_contains(inside, p->ip))
        want(env, s, (struct route){.dst = *p, .is_exception = true});
}

static struct prefix host_prefix(struct ip ip)
{
    return (struct prefix){.ip = ip, .bits = ip.family == 4 ? 32 : 128};
}

/* The peer itself, and our own networks, do not go into a larger network behind the tunnel. */
static void exceptions(struct ike_env *env, struct route_set *s, const struct prefix *dst, struct ip peer,
                       const struct ts *local, size_t n_local)
{
    struct prefix v[PREFIXES_MAX], host = host_prefix(peer);
    if (is_host(dst))
        return;
    if (!ip_is_unspecified(peer))
        want_exception(env, s, dst, &host);
    for (size_t i = 0; i < n_local; i++) {
        size_t n = local[i].is_dynamic ? 0 : ts_to_prefixes(&local[i], v, PREFIXES_MAX);
        for (size_t k = 0; k < n; k++)
            want_exception(env, s, dst, &v[k]);
    }
}

/* What an interface takes is led there by routes of its owner's. */
static bool routes_are_ours(const struct config *config, const struct child_config *cfg)
{
    const struct kernel_interface *k = &cfg->kernel.interface;
    return config->settings.installs_routes && cfg->installs_policies &&
           (k->name[0] ? k->is_routed : !cfg->kernel.out.if_id);
}

/* Whoever marks packets decides what goes into a tunnel for these. */
static bool is_chosen_by_others(const struct child_config *cfg)
{
    const struct kernel_interface *k = &cfg->kernel.interface;
    return k->name[0] ? !k->is_routed : cfg->kernel.out.if_id || cfg->kernel.out.mark.mask;
}

static bool may_bar(const struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_children; i++) {
        if (is_chosen_by_others(&r->conn->children[i]))
            return false;
    }
    return r->config->settings.installs_routes;
}

/* Ports as a routing rule can name them: not 0, not 65535. Where it cannot, it is all ports: what the
 * selectors do not hold is then dropped, and does not leave. */
static void set_ports(const struct ts *t, uint16_t *from, uint16_t *to)
{
    bool is_all = t->port_from > t->port_to || t->port_to == UINT16_MAX;
    *from = is_all ? 0 : t->port_from ? t->port_from : 1;
    *to = is_all ? 0 : t->port_to;
    if (*from > *to)
        *from = *to = 0;
}

/* False when no packet is in both. */
static bool flow_of(const struct ts *local, const struct ts *remote, struct route_flow *out)
{
    *out = (struct route_flow){0};
    if (local->proto && remote->proto && local->proto != remote->proto)
        return false;
    out->proto = local->proto ? local->proto : remote->proto;
    if (out->proto != NH_TCP && out->proto != NH_UDP)
        return true;
    if (local->proto)
        set_ports(local, &out->sport_from, &out->sport_to);
    if (remote->proto)
        set_ports(remote, &out->dport_from, &out->dport_to);
    return true;
}

/* One route for each kind of packet that the selectors name. */
static void want_flows(struct ike_env *env, struct route_set *s, enum child_mode mode, const struct ts *local,
                       size_t n_local, const struct ts *remote, struct route route)
{
    if (child_mode_is_tunnel(mode))
        want(env, s, route);
    for (size_t i = 0; i < n_local && !child_mode_is_tunnel(mode); i++) {
        bool is_one_family = local[i].is_dynamic || local[i].from.family == route.dst.ip.family;
        if (is_one_family && flow_of(&local[i], remote, &route.flow))
            want(env, s, route);
    }
}

/* Before a child is up. In transport mode the peer's own address is what is protected. */
static size_t known_prefixes(const struct connection *conn, const struct child_config *cfg,
                             const struct ts *remote, struct prefix v[PREFIXES_MAX])
{
    if (!remote->is_dynamic)
        return ts_to_prefixes(remote, v, PREFIXES_MAX);
    if (cfg->mode != MODE_TRANSPORT || ip_is_unspecified(conn->resolved_remote))
        return 0;
    v[0] = host_prefix(conn->resolved_remote);
    return 1;
}

/* What peers have from our pools is behind tunnels, too, and nowhere else. */
static void barrier_pools(struct ike_env *env, struct conn_run *r)
{
    struct prefix v[2 * PREFIXES_MAX];
    for (size_t i = 0; may_bar(r) && i < r->conn->n_pools; i++) {
        const struct pool_config *p = config_pool(r->config, r->conn->pools[i]);
        for (size_t k = 0; p && k < p->n_ranges; k++) {
            struct ts range = ts_any(p->ranges[k].from.family);
            range.from = p->ranges[k].from;
            range.to = p->ranges[k].to;
            size_t n = ts_to_prefixes(&range, v, ARRAY_LEN(v));
            for (size_t j = 0; j < n; j++)
                want(env, &r->barrier, (struct route){.dst = v[j], .is_unreachable = true});
        }
    }
}

void barrier_renew(struct ike_env *env, struct conn_run *r)
{
    struct route_set old = r->barrier;
    r->barrier = (struct route_set){0};
    barrier_add(env, r);
    route_set_drop(env, &old);
    free(old.v);
}

static struct route led_to(struct route r, const struct child_config *cfg)
{
    memcpy(r.device, cfg->kernel.interface.name, sizeof(r.device));
    return r;
}

/* Of one before the peer's own address the executor has to know whose it is, and which interface stops what
 * has no SA: IKE and ESP have to pass. */
static struct route barrier_of(const struct conn_run *r, const struct child_config *cfg, struct prefix dst)
{
    struct route barrier = {.dst = dst, .is_unreachable = true, .plane = PLANE_USER};
    if (!is_peer(&dst, r->conn->resolved_remote))
        return barrier;
    barrier.is_peer = true;
    barrier.plane = r->plane;
    return led_to(barrier, cfg);
}

void barrier_add(struct ike_env *env, struct conn_run *r)
{
    struct prefix v[PREFIXES_MAX];
    barrier_pools(env, r);
    for (size_t i = 0; i < r->conn->n_children; i++) {
        const struct child_config *cfg = &r->conn->children[i];
        if (!routes_are_ours(r->config, cfg) || is_chosen_by_others(cfg) || cfg->peer_decides)
            continue;
        for (size_t k = 0; k < cfg->n_remote_ts; k++) {
            size_t n = known_prefixes(r->conn, cfg, &cfg->remote_ts[k], v);
            for (size_t j = 0; j < n; j++) {
                /* the way out for the peer is there before the barrier is */
                exceptions(env, &r->barrier, &v[j], r->conn->resolved_remote, cfg->local_ts, cfg->n_local_ts);
                want_flows(env, &r->barrier, cfg->mode, cfg->local_ts, cfg->n_local_ts, &cfg->remote_ts[k],
                           barrier_of(r, cfg, v[j]));
            }
        }
    }
}

static struct prefix source_of(const struct child_config *cfg, const struct ts_pair *ts,
                               const struct prefix *dst)
{
    struct prefix p;
    if (cfg->source.family == dst->ip.family)
        return host_prefix(cfg->source);
    for (uint8_t i = 0; i < ts->n_local; i++) {
        struct prefix v[PREFIXES_MAX];
        if (ts->local[i].from.family != dst->ip.family)
            continue;
        if (ts_to_prefix(&ts->local[i], &p))
            return p;
        if (ts_to_prefixes(&ts->local[i], v, PREFIXES_MAX))
            return v[0];
    }
    return (struct prefix){0};
}

/* Where the peer decides what goes into the tunnel it may name networks, so that less does than the selectors
 * let through [RFC7296#3.15.2]. */
static struct ts_pair routed(const struct child_sa *c)
{
    const struct sa_cfg *cfg = c->ike->cfg;
    struct ts_pair p = c->ts;
    if (!cfg || !c->cfg->peer_decides || !cfg->n_includes)
        return p;
    p.n_remote = 0;
    for (uint8_t i = 0; i < cfg->n_includes; i++) {
        struct ts net = ts_from_prefix(&cfg->includes[i]), both;
        for (uint8_t k = 0; k < c->ts.n_remote && p.n_remote < SA_MAX_TS; k++) {
            if (ts_intersect(&net, &c->ts.remote[k], &both))
                p.remote[p.n_remote++] = both;
        }
    }
    return p.n_remote ? p : c->ts;
}

/* And networks around which the tunnel is to go. */
static void want_excluded(struct ike_env *env, struct slot *s, const struct child_sa *c,
                          const struct ts_pair *ts)
{
    struct prefix v[PREFIXES_MAX];
    const struct sa_cfg *cfg = c->ike->cfg;
    if (!cfg || !cfg->n_excludes || !c->cfg->peer_decides || !routes_are_ours(c->ike->config, c->cfg))
        return;
    for (uint8_t i = 0; i < ts->n_remote; i++) {
        size_t n = ts_to_prefixes(&ts->remote[i], v, PREFIXES_MAX);
        for (size_t k = 0; k < n * cfg->n_excludes; k++)
            want_exception(env, &s->routes, &v[k / cfg->n_excludes], &cfg->excludes[k % cfg->n_excludes]);
    }
}

void routes_want(struct ike_env *env, struct route_set *s, const struct config *config,
                 const struct child_config *cfg, const struct ts_pair *ts, const struct carrier *by)
{
    struct prefix v[PREFIXES_MAX];
    const struct ip peer = by->remote;
    const bool is_kernels = by->plane == PLANE_KERNEL;
    if (!routes_are_ours(config, cfg))
        return;
    for (uint8_t i = 0; i < ts->n_remote; i++) {
        size_t n = ts_to_prefixes(&ts->remote[i], v, PREFIXES_MAX);
        for (size_t k = 0; k < n; k++) {
            exceptions(env, s, &v[k], peer, ts->local, ts->n_local);
            want_flows(env, s, cfg->mode, ts->local, ts->n_local, &ts->remote[i],
                       led_to((struct route){.dst = v[k],
                                             .local = source_of(cfg, ts, &v[k]),
                                             .is_peer = is_peer(&v[k], peer),
                                             .plane = by->plane,
                                             .outer_local = is_kernels ? by->local : (struct ip){0},
                                             .outer_remote = is_kernels ? peer : (struct ip){0}},
                              cfg));
        }
    }
}

/* Again with the same id: other addresses, as the kernel finds SAs by them. */
static void add_policy(struct ike_env *env, struct slot *s, const struct child_sa *c)
{
    struct esp_policy *p = arena_alloc(env->out->arena, sizeof(*p));
    if (!c->cfg->installs_policies)
        return;
    if (!s->policy_id) {
        s->policy_id = ++engine_of(env)->next_id;
        map_insert(&engine_of(env)->slots_by_policy, &s->by_policy, map_hash_u64(s->policy_id));
    }
    s->asks_per_cpu = per_cpu_asks(engine_of(env), c);
    *p = (struct esp_policy){.id = s->policy_id,
                             .reqid = s->reqid,
                             .priority = null_auth_is_guest(c->ike) ? POLICY_LAST : c->cfg->priority,
                             .action = POLICY_PROTECT,
                             .asks_per_cpu = s->asks_per_cpu,
                             .dscp = c->cfg->dscp,
                             .n_local_ts = c->ts.n_local,
                             .n_remote_ts = c->ts.n_remote};
    planes_fill(p, &s->by, c->cfg);
    memcpy(p->local_ts, c->ts.local, sizeof(p->local_ts));
    memcpy(p->remote_ts, c->ts.remote, sizeof(p->remote_ts));
    outbox_add(env->out, ACTION_POLICY_ADD)->policy = p;
}

static void remove_both(struct ike_env *env, struct slot *s)
{
    route_set_drop(env, &s->routes);
    lease_source_drop(env, s->source);
    s->source = (struct ip){0};
    if (!s->policy_id)
        return;
    outbox_add(env->out, ACTION_POLICY_DEL)->id = s->policy_id;
    map_remove(&engine_of(env)->slots_by_policy, &s->by_policy);
    s->policy_id = 0;
}

struct slot *slot_of_policy(const struct engine *e, uint64_t id)
{
    for (struct map_node *n = map_first(&e->slots_by_policy, map_hash_u64(id)); n; n = map_next(n)) {
        struct slot *s = container_of(n, struct slot, by_policy);
        if (s->policy_id == id)
            return s;
    }
    return NULL;
}

struct slot *slot_find(const struct engine *e, uint32_t reqid)
{
    for (struct map_node *n = map_first(&e->slots_by_reqid, map_hash_u64(reqid)); n; n = map_next(n)) {
        struct slot *s = container_of(n, struct slot, by_reqid);
        if (s->reqid == reqid)
            return s;
    }
    return NULL;
}

struct child_sa *slot_child(const struct engine *e, const struct slot *s)
{
    struct child_sa *c;
    list_each(c, index_of_reqid(e, s->reqid), by_reqid.link)
    {
        if (c->reqid == s->reqid && c->holds_policy && !c->is_gone && c->state != CHILD_DELETING)
            return c;
    }
    return NULL;
}

static bool same_ts(const struct ts *a, uint8_t n_a, const struct ts *b, uint8_t n_b)
{
    bool same = n_a == n_b;
    for (uint8_t i = 0; same && i < n_a; i++)
        same = ts_equal(&a[i], &b[i]);
    return same;
}

static void want_routes(struct ike_env *env, struct slot *s, const struct child_sa *c)
{
    struct ts_pair ts = routed(c);
    want_excluded(env, s, c, &ts);
    routes_want(env, &s->routes, c->ike->config, c->cfg, &ts, &s->by);
}

/* A trap is where its child is: another plane would take its packets away. */
static void lead_trap(struct ike_env *env, const struct child_sa *c)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), c->ike, c->cfg, &run);
    if (!r || run->plane == c->plane)
        return;
    run->plane = c->plane;
    if (run->trap)
        trap_set(env, r, (size_t)(run - r->children), NULL);
}

void slot_add(struct ike_env *env, const struct child_sa *c)
{
    struct engine *e = engine_of(env);
    struct slot *s = slot_find(e, c->reqid);
    lead_trap(env, c);
    if (s && s->by.plane == c->plane && same_ts(s->ts.local, s->ts.n_local, c->ts.local, c->ts.n_local) &&
        same_ts(s->ts.remote, s->ts.n_remote, c->ts.remote, c->ts.n_remote)) {
        s->refs++;
        slot_follow(env, c);
        return;
    }
    if (!s) {
        s = mem_new(sizeof(*s));
        s->reqid = c->reqid;
        list_append(&e->slots, &s->link);
        map_insert(&e->slots_by_reqid, &s->by_reqid, map_hash_u64(s->reqid));
    } else {
        updown_slot(env, s, c, false);
        remove_both(env, s); /* narrowed differently this time */
    }
    s->refs++;
    s->ts = c->ts;
    s->by = planes_carrier(c);
    add_policy(env, s, c);
    s->source = lease_source(env, c->cfg, &s->by);
    want_routes(env, s, c);
    updown_slot(env, s, c, true);
}

void slot_follow(struct ike_env *env, const struct child_sa *c)
{
    struct slot *s = slot_find(engine_of(env), c->reqid);
    struct carrier by = planes_carrier(c);
    if (!s || s->by.plane != c->plane)
        return;
    const bool is_alike = planes_carry_alike(&s->by, &by), has_moved = !ip_equal(s->by.remote, by.remote);
    const bool is_same = is_alike && s->asks_per_cpu == per_cpu_asks(engine_of(env), c);
    s->by = by;
    if (!is_same)
        add_policy(env, s, c);
    if (is_alike && !has_moved)
        return;
    struct route_set old = s->routes;
    s->routes = (struct route_set){0};
    want_routes(env, s,
                c); /* what is wanted still is not touched, and what is new comes before the old goes */
    route_set_drop(env, &old);
    free(old.v);
}

static bool holds_too(const struct child_sa *o, const struct child_sa *c)
{
    return o != c && o->holds_policy && o->reqid == c->reqid;
}

/* Who holds the slot beside c: one in the same place, or else the newest. */
static const struct child_sa *other_holder(const struct engine *e, const struct child_sa *c)
{
    const struct child_sa *o, *newest = NULL;
    list_each(o, &c->ike->children, link)
    {
        if (holds_too(o, c))
            return o;
    }
    list_each(o, index_of_reqid(e, c->reqid), by_reqid.link)
    {
        if (holds_too(o, c) && (!newest || o->id > newest->id))
            newest = o;
    }
    return newest;
}

void slot_drop(struct ike_env *env, const struct child_sa *c)
{
    struct engine *e = engine_of(env);
    struct slot *s = slot_find(e, c->reqid);
    if (!s)
        return;
    if (--s->refs) {
        const struct child_sa *o = s->by.plane == PLANE_KERNEL ? other_holder(e, c) : NULL;
        if (o) /* its addresses may be others */
            slot_follow(env, o);
        return;
    }
    updown_slot(env, s, c, false);
    remove_both(env, s);
    list_remove(&s->link);
    map_remove(&e->slots_by_reqid, &s->by_reqid);
    free(s->routes.v);
    free(s);
}
