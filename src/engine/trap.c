/* SPDX-License-Identifier: Apache-2.0 */
/* Traps: policies without an SA that bring up their child when a packet meets them (RFC 4301 section 4.4.1,
 * RFC 7296 section 2.9). A trap has the child's configured selectors and its reqid, so the SA that comes
 * serves it as well as the policy that comes with it; it stays when that goes, and when an attempt fails, as
 * long as the connection is loaded. The data plane holds a few packets meanwhile (esp/hold.h).
 *
 * Who may come is known: a trap needs the peer's address. An attempt that fails is followed by the pause that
 * every failed attempt is followed by, however many packets ask. */
#include "engine/impl.h"
#include <stdlib.h>

static uint8_t resolve(const struct ts *v, size_t n, struct ip host, struct ts *out)
{
    uint8_t k = 0;
    for (size_t i = 0; i < n && k < SA_MAX_TS; i++) {
        if (v[i].is_dynamic && !host.family)
            continue; /* not known yet */
        out[k++] = ts_resolve_dynamic(&v[i], host);
    }
    return k;
}

static struct ts_pair selectors(const struct connection *conn, const struct child_config *cfg)
{
    struct ts_pair p = {0};
    p.n_local = resolve(cfg->local_ts, cfg->n_local_ts, conn->resolved_local, p.local);
    p.n_remote = resolve(cfg->remote_ts, cfg->n_remote_ts, conn->resolved_remote, p.remote);
    return p;
}

static bool same_ts(const struct ts *a, uint8_t n_a, const struct ts *b, uint8_t n_b)
{
    bool same = n_a == n_b;
    for (uint8_t i = 0; same && i < n_a; i++)
        same = ts_equal(&a[i], &b[i]);
    return same;
}

static void add_policy(struct ike_env *env, const struct trap *t)
{
    const struct child_config *cfg = &t->run->conn->children[t->child];
    struct esp_policy *p = arena_alloc(env->out->arena, sizeof(*p));
    *p = (struct esp_policy){.id = t->policy_id,
                             .reqid = t->run->children[t->child].reqid,
                             .priority = cfg->priority,
                             .action = POLICY_PROTECT,
                             .is_trap = true,
                             .dscp = cfg->dscp,
                             .n_local_ts = t->ts.n_local,
                             .n_remote_ts = t->ts.n_remote};
    planes_fill(p, &t->by, cfg);
    memcpy(p->local_ts, t->ts.local, sizeof(p->local_ts));
    memcpy(p->remote_ts, t->ts.remote, sizeof(p->remote_ts));
    outbox_add(env->out, ACTION_POLICY_ADD)->policy = p;
}

static bool is_same(const struct trap *t, const struct ts_pair *ts)
{
    return same_ts(t->ts.local, t->ts.n_local, ts->local, ts->n_local) &&
           same_ts(t->ts.remote, t->ts.n_remote, ts->remote, ts->n_remote);
}

/* What a trap lacks; NULL: nothing. */
static const char *obstacle(struct ike_env *env, const struct conn_run *r, const struct child_config *cfg,
                            const struct ts_pair *ts, const struct carrier *by)
{
    struct diag d;
    if (r->is_refused) {
        planes_explain(engine_of(env), r, &d);
        return arena_strdup(env->out->arena, d.what);
    }
    if (!by->remote.family)
        return "its peer has no address";
    if (by->plane == PLANE_KERNEL && !by->local.family)
        return "no address of ours leads to its peer";
    if (!ts->n_local || !ts->n_remote)
        return "it has no selectors";
    return cfg->installs_policies ? NULL : "its policies are not installed (policies = no)";
}

bool trap_set(struct ike_env *env, struct conn_run *r, size_t i, struct diag *why)
{
    struct engine *e = engine_of(env);
    struct child_run *run = &r->children[i];
    const struct child_config *cfg = &r->conn->children[i];
    struct ts_pair ts = selectors(r->conn, cfg);
    const struct carrier by = {.plane = run->plane,
                               .local = r->conn->resolved_local,
                               .remote = r->conn->resolved_remote,
                               .mode = cfg->mode,
                               .is_ah = cfg->ah_proposals.n > 0,
                               .has_ipcomp = cfg->has_ipcomp};
    const char *lacks = obstacle(env, r, cfg, &ts, &by);
    if (run->trap && is_same(run->trap, &ts) && planes_carry_alike(&run->trap->by, &by))
        return true;
    trap_clear(env, r, i);
    if (lacks) {
        conn_log(env, r->conn, GROUP_KNL, LOG_WARN, "child %s has no trap: %s", cfg->name, lacks);
        if (why)
            diag_set(why, FAIL_GENERIC, "child %s can have no trap: %s", cfg->name, lacks);
        return false;
    }
    run->reqid = host_child_reqid(e, r, i);
    struct trap *t = mem_new(sizeof(*t));
    e->last_child_id++; /* users see it in the numbers of children: one that is routed has one */
    *t = (struct trap){.run = r, .child = i, .policy_id = ++e->next_id, .by = by, .ts = ts};
    map_insert(&e->traps_by_policy, &t->by_policy, map_hash_u64(t->policy_id));
    run->trap = t;
    add_policy(env, t);
    t->source = lease_source(env, cfg, &by);
    routes_want(env, &t->routes, r->config, cfg, &ts, &by);
    updown_trap(env, t, true);
    return true;
}

void trap_clear(struct ike_env *env, struct conn_run *r, size_t i)
{
    struct trap *t = r->children[i].trap;
    if (!t)
        return;
    route_set_drop(env, &t->routes);
    lease_source_drop(env, t->source);
    outbox_add(env->out, ACTION_POLICY_DEL)->id = t->policy_id;
    map_remove(&engine_of(env)->traps_by_policy, &t->by_policy);
    updown_trap(env, t, false);
    trap_free(r, i);
}

void trap_free(struct conn_run *r, size_t i)
{
    struct trap *t = r->children[i].trap;
    if (t)
        free(t->routes.v);
    free(t);
    r->children[i].trap = NULL;
}

static struct trap *find(const struct engine *e, uint64_t policy_id)
{
    for (struct map_node *n = map_first(&e->traps_by_policy, map_hash_u64(policy_id)); n; n = map_next(n)) {
        struct trap *t = container_of(n, struct trap, by_policy);
        if (t->policy_id == policy_id)
            return t;
    }
    return NULL;
}

/* A trap that is gone, or one whose SA is on its way to the data plane, has nothing to be done. */
void trap_acquire(struct ike_env *env, const struct dataplane_event *ev)
{
    struct engine *e = engine_of(env);
    struct trap *t = find(e, ev->policy_id);
    if (!t || e->is_shut_down)
        return;
    struct conn_run *r = t->run;
    struct child_run *run = &r->children[t->child];
    const struct child_config *cfg = &r->conn->children[t->child];
    if (conn_child_is_up(e, r->conn, cfg))
        return;
    if (!t->has_packet) {
        char a[TS_TEXT_MAX], b[TS_TEXT_MAX];
        conn_log(env, r->conn, GROUP_KNL, LOG_NOTICE, "child %s is asked for by a packet from %s to %s",
                 cfg->name, ts_format(&ev->packet_local, a), ts_format(&ev->packet_remote, b));
    }
    t->has_packet = true;
    t->packet_local = ev->packet_local;
    t->packet_remote = ev->packet_remote;
    run->is_wanted = run->is_configured = true;
    if (!r->timer.index || !r->attempts) /* after a failure not before the pause is over */
        conn_schedule(e, r, env->now.mono);
}

void trap_failed(struct ike_env *env, struct child_run *run)
{
    struct trap *t = run->trap;
    if (!t || !t->has_packet)
        return;
    t->has_packet = false;
    outbox_add(env->out, ACTION_TRAP_FAILED)->id = t->policy_id;
}

void trap_refused(struct ike_env *env, uint64_t policy_id, const char *why)
{
    struct trap *t = find(engine_of(env), policy_id);
    struct conn_run *r = t ? t->run : NULL;
    if (!t)
        return;
    conn_log(env, r->conn, GROUP_KNL, LOG_ERR, "the trap of child %s cannot be installed: %s",
             r->conn->children[t->child].name, why);
    trap_clear(env, r, t->child);
}

void trap_served(struct child_run *run)
{
    if (run->trap)
        run->trap->has_packet = false;
}

bool trap_packet(const struct child_run *run, struct ts *local, struct ts *remote)
{
    if (!run->trap || !run->trap->has_packet)
        return false;
    *local = run->trap->packet_local;
    *remote = run->trap->packet_remote;
    return true;
}

bool engine_trap_next(const struct engine *e, struct trap_view *v)
{
    const struct conn_run *r = v->connection ? conn_run_find(e, v->connection) : NULL;
    const struct list *at = r ? &r->link : e->conns.next;
    size_t i = r ? v->index + 1 : 0;
    for (; at != &e->conns; at = at->next, i = 0) {
        r = container_of(at, struct conn_run, link);
        for (; i < r->conn->n_children; i++) {
            const struct trap *t = r->children[i].trap;
            if (!t)
                continue;
            *v = (struct trap_view){.connection = r->conn->name,
                                    .child = r->conn->children[i].name,
                                    .mode = r->conn->children[i].mode,
                                    .index = i,
                                    .policy_id = t->policy_id,
                                    .local_ts = t->ts.local,
                                    .remote_ts = t->ts.remote,
                                    .n_local_ts = t->ts.n_local,
                                    .n_remote_ts = t->ts.n_remote};
            return true;
        }
    }
    return false;
}
