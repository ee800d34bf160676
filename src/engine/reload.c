/* SPDX-License-Identifier: Apache-2.0 */
/* A new snapshot: unchanged connections (by hash) stay up, changed and removed ones are taken down, new ones
 * get their barrier routes and start when they are to. And the end of everything. */
#include "engine/impl.h"

static void take_down(struct ike_env *env, const struct connection *conn)
{
    struct engine *e = engine_of(env);
    struct ike_sa *sa;
    struct child_sa *c;
    list_each(sa, index_of_conn(e, conn->name), by_conn.link)
    {
        if (!conn_is(sa->conn, conn))
            continue;
        engine_touch(e, sa);
        delete_ike(env, sa, NULL);
    }
    list_each(c, index_of_owner(e, conn->name), by_owner.link)
    {
        sa = c->ike; /* the peer made it in another connection's IKE SA */
        if (c->is_gone || conn_is(sa->conn, conn) || !conn_is(child_owner(sa, c->cfg), conn))
            continue;
        engine_touch(e, sa);
        delete_child(env, c);
    }
}

static void set_traps(struct ike_env *env, struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_children; i++) {
        if (r->conn->children[i].start_action & START_TRAP || r->children[i].trap)
            trap_set(env, r, i, NULL);
    }
}

static void load_one(struct ike_env *env, struct config *config, const struct connection *conn)
{
    struct engine *e = engine_of(env);
    struct conn_run *old = conn_run_find(e, conn->name);
    if (old && old->conn->hash == conn->hash) {
        config_unref(old->config);
        old->config = config_ref(config);
        old->conn = conn;
        old->seen = config;
        set_traps(env, old);
        shunts_load(env, old);
        barrier_renew(env, old);
        conn_schedule(e, old, env->now.mono); /* its peer's address may be known now */
        return;
    }
    struct conn_run *fresh = conn_run_new(e, config, conn);
    fresh->seen = config;
    barrier_add(env, fresh); /* before the old one goes: no gap */
    set_traps(env, fresh);
    shunts_load(env, fresh);
    if (old) {
        counters_inherit(fresh, old);
        conn_log(env, conn, GROUP_CFG, LOG_NOTICE, "connection %s has changed: taking down what is up",
                 conn->name);
        take_down(env, old->conn);
        conn_run_free(env, old);
    }
    conn_schedule(e, fresh, env->now.mono);
}

void engine_load(struct ike_env *env, struct config *config)
{
    struct engine *e = engine_of(env);
    struct config *old = e->config;
    struct conn_run *r;
    e->config = env->config = config;
    config_index(config);
    pools_load(&e->pools, config->pools, config->n_pools);
    for (size_t i = 0; i < config->n_connections; i++)
        load_one(env, config, config->connections[i]);
    list_each(r, &e->conns, link)
    {
        if (r->seen == config)
            continue;
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "connection %s is not configured any more",
                 r->conn->name);
        take_down(env, r->conn);
        conn_run_free(env, r);
    }
    config_unref(old);
}

void engine_shut_down(struct ike_env *env)
{
    struct engine *e = engine_of(env);
    struct ike_sa *sa;
    struct conn_run *r;
    host_alert(env, NULL, ALERT_SHUTDOWN_SIGNAL);
    e->is_shut_down = true;
    list_each(r, &e->conns, link)
    {
        heap_remove(&e->conn_timers, &r->timer);
        for (size_t i = 0; i < r->conn->n_children; i++) {
            r->children[i].is_wanted = false;
            trap_clear(env, r, i);
        }
        shunts_clear(env, r);
    }
    list_each(sa, &e->sas, link)
    {
        engine_touch(e, sa);
        delete_ike(env, sa, NULL);
    }
    list_each(r, &e->conns, link) route_set_drop(env, &r->barrier);
}
