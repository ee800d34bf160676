/* SPDX-License-Identifier: Apache-2.0 */
/* A new snapshot. A connection whose IKE SAs would be the same (by ike_hash) goes on: of its children, and of
 * its shunts, those that did not change keep all that they have, and only the others lose it; new and changed
 * ones begin as they are configured to. A connection whose IKE SAs would be others is taken down, and so is
 * one that is gone. What that means for each IKE SA is in follow.c. And the end of everything.
 *
 * What ipsec.conf has as several conns may be one connection, by the name of the first of them
 * (conf/ipsec/twins.c): when that one is taken out or comes to be another the connection has another name,
 * and goes on under it. */
#include "engine/impl.h"
#include "model/changes.h"
#include <stdlib.h>

static void set_traps(struct ike_env *env, struct conn_run *r)
{
    for (size_t i = 0; i < r->conn->n_children; i++) {
        if (r->conn->children[i].start_action & START_TRAP || r->children[i].trap)
            trap_set(env, r, i, NULL);
    }
}

/* A command waits for what is not what it was: it waits on only where that comes up by itself. */
static void tell_waiting(struct ike_env *env, const struct connection *conn, const struct child_config *old,
                         const struct connection *now)
{
    struct diag d;
    const struct child_config *same = connection_child(now, old->name);
    if (same && starts_by_itself(same))
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_NOT_FOUND, "child %s of connection %s was removed or changed meanwhile", old->name,
             conn->name);
    command_failed(env, conn, old, &d);
}

/* ---- children and shunts from one snapshot to the next */

/* Those that are what they were get what they had: it is not in old any more. */
static void carry_over(struct conn_run *r, struct conn_run *old)
{
    for (size_t i = 0; i < r->conn->n_children; i++) {
        const struct child_config *was = connection_same_child(old->conn, &r->conn->children[i]);
        struct child_run *from = was ? &old->children[was - old->conn->children] : NULL;
        if (!from)
            continue;
        r->children[i] = *from;
        *from = (struct child_run){0};
        if (r->children[i].trap)
            r->children[i].trap->child = i;
    }
    for (size_t i = 0; i < r->conn->n_shunts; i++) {
        const struct child_config *was = connection_same_shunt(old->conn, &r->conn->shunts[i]);
        struct shunt_run *from = was ? &old->shunts[was - old->conn->shunts] : NULL;
        if (!from)
            continue;
        r->shunts[i] = *from;
        *from = (struct shunt_run){0};
    }
}

/* Of r, which is of the new snapshot already. */
static void drop_old(struct ike_env *env, const struct conn_run *r, struct conn_run *old)
{
    for (size_t i = 0; i < old->conn->n_children; i++) {
        const struct child_config *cfg = &old->conn->children[i];
        if (connection_same_child(r->conn, cfg))
            continue;
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "child %s of connection %s %s: taking down what is up",
                 cfg->name, r->conn->name,
                 connection_child(r->conn, cfg->name) ? "has changed" : "is not configured any more");
        tell_waiting(env, r->conn, cfg, r->conn);
        if (old->children[i].trap)
            old->children[i].trap->run = old;
        trap_clear(env, old, i);
    }
    shunts_clear(env, old);
}

static void log_new(struct ike_env *env, const struct conn_run *r, const struct conn_run *old)
{
    for (size_t i = 0; i < r->conn->n_children; i++) {
        const char *name = r->conn->children[i].name;
        if (!connection_child(old->conn, name))
            conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "child %s of connection %s is new", name,
                     r->conn->name);
    }
}

/* Its IKE SAs stay. */
static void renew(struct ike_env *env, struct conn_run *r, struct config *config,
                  const struct connection *conn)
{
    struct conn_run old = {
        .config = r->config, .conn = r->conn, .children = r->children, .shunts = r->shunts};
    conn_run_configure(r, config, conn);
    carry_over(r, &old);
    planes_settle(env, r, true);
    set_traps(env, r);
    shunts_load(env, r);
    barrier_renew(env, r);
    drop_old(env, r, &old); /* when the new ones are there: no gap */
    log_new(env, r, &old);
    free(old.children);
    free(old.shunts);
    config_unref(old.config);
    conn_schedule(engine_of(env), r, env->now.mono); /* its peer's address may be known now */
}

/* ---- connections */

/* The one that conn is in force as: found again already, or NULL. */
static struct conn_run *found(const struct engine *e, const struct config *config,
                              const struct connection *conn)
{
    struct conn_run *r = conn_run_find(e, conn->name);
    return r && r->seen == config ? r : NULL;
}

static void find_by_name(struct ike_env *env, struct config *config, const struct connection *conn)
{
    struct conn_run *r = conn_run_find(engine_of(env), conn->name);
    if (r && r->seen != config && r->conn->ike_hash == conn->ike_hash)
        renew(env, r, config, conn);
}

/* Under another name. */
static void find_by_child(struct ike_env *env, struct config *config, const struct connection *conn)
{
    struct engine *e = engine_of(env);
    struct conn_run *r;
    list_each(r, &e->conns, link)
    {
        if (r->seen == config || !connection_is_renamed(r->conn, conn))
            continue;
        conn_log(env, conn, GROUP_CFG, LOG_NOTICE, "connection %s is called %s now", r->conn->name,
                 conn->name);
        command_renamed(e, r->conn->name, conn->name);
        conn_run_rename(e, r, conn->name);
        renew(env, r, config, conn);
        return;
    }
}

static void begin_anew(struct ike_env *env, struct config *config, const struct connection *conn)
{
    struct engine *e = engine_of(env);
    struct conn_run *old = conn_run_find(e, conn->name);
    struct conn_run *fresh = conn_run_new(e, config, conn);
    planes_settle(env, fresh, false);
    barrier_add(env, fresh); /* before the old one goes: no gap */
    set_traps(env, fresh);
    shunts_load(env, fresh);
    if (old) {
        counters_inherit(fresh, old);
        conn_log(env, conn, GROUP_CFG, LOG_NOTICE, "connection %s has changed: taking down what is up",
                 conn->name);
        for (size_t i = 0; i < old->conn->n_children; i++)
            tell_waiting(env, conn, &old->conn->children[i], conn);
        conn_run_free(env, old);
    }
    conn_schedule(e, fresh, env->now.mono);
}

static size_t count_unseen(const struct engine *e, const struct config *config)
{
    const struct conn_run *r;
    size_t n = 0;
    list_each(r, &e->conns, link) n += r->seen != config;
    return n;
}

static void load_connections(struct ike_env *env, struct config *config)
{
    struct engine *e = engine_of(env);
    for (size_t i = 0; i < config->n_connections; i++)
        find_by_name(env, config, config->connections[i]);
    size_t n_unseen = count_unseen(e, config); /* changed, renamed or gone */
    for (size_t i = 0; n_unseen && i < config->n_connections; i++) {
        if (!found(e, config, config->connections[i]))
            find_by_child(env, config, config->connections[i]);
    }
    for (size_t i = 0; i < config->n_connections; i++) {
        if (!found(e, config, config->connections[i]))
            begin_anew(env, config, config->connections[i]);
    }
}

void engine_load(struct ike_env *env, struct config *config)
{
    struct engine *e = engine_of(env);
    struct config *old = e->config;
    struct conn_run *r;
    struct ike_sa *sa;
    e->config = env->config = config;
    config_index(config);
    pools_load(&e->pools, config->pools, config->n_pools);
    list_each(r, &e->conns, link) conn_run_rename(e, r, NULL);
    load_connections(env, config);
    list_each(r, &e->conns, link)
    {
        if (r->seen == config)
            continue;
        conn_log(env, r->conn, GROUP_CFG, LOG_NOTICE, "connection %s is not configured any more",
                 r->conn->name);
        conn_run_free(env, r);
    }
    list_each(sa, &e->sas, link) engine_touch(e, sa); /* each follows: see follow.c */
    config_unref(old);
}

void engine_set_planes(struct ike_env *env, const struct planes *p)
{
    struct engine *e = engine_of(env);
    struct conn_run *r;
    struct ike_sa *sa;
    e->planes = *p;
    list_each(r, &e->conns, link)
    {
        if (!planes_settle(env, r, true))
            continue;
        for (size_t i = 0; i < r->conn->n_children; i++)
            r->children[i].is_wanted |= starts_by_itself(&r->conn->children[i]);
        set_traps(env, r);
        barrier_renew(env, r);
        conn_schedule(e, r, env->now.mono);
    }
    list_each(sa, &e->sas, link) engine_touch(e, sa);
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
