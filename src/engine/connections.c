/* SPDX-License-Identifier: Apache-2.0 */
/* Connections as they run: what is to be up, what is missing, when to try (again). A connection that is to be
 * up for ever is tried with a bounded exponential back-off, 1 s to 60 s with jitter; a failure never stops
 * it. When the peer is on its way to us, or an SA is there, no second IKE SA is begun. */
#include "engine/impl.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/resume.h"
#include <stdlib.h>

#define BACKOFF_MIN (1 * TIME_SECOND)
#define BACKOFF_MAX (60 * TIME_SECOND)
#define PEER_COMES  (2 * TIME_SECOND)
#define PEER_FILLS                                                                                           \
    (3 * TIME_SECOND) /* the responder leaves further children to the initiator for this long */
#define PORT_NATT 4500

static uint64_t name_hash(const char *name)
{
    return map_hash(span_str(name));
}

struct conn_run *conn_run_find(const struct engine *e, const char *name)
{
    for (struct map_node *n = name ? map_first(&e->conns_by_name, name_hash(name)) : NULL; n;
         n = map_next(n)) {
        struct conn_run *r = container_of(n, struct conn_run, by_name);
        if (strcmp(r->conn->name, name) == 0)
            return r;
    }
    return NULL;
}

/* An SA of a connection that was changed or removed meanwhile belongs to none. */
struct conn_run *conn_run_of(const struct engine *e, const struct connection *conn)
{
    struct conn_run *r = conn ? conn_run_find(e, conn->name) : NULL;
    return r && r->conn->ike_hash == conn->ike_hash ? r : NULL;
}

struct conn_run *conn_run_renamed(const struct engine *e, const struct connection *conn)
{
    struct conn_run *r;
    for (struct map_node *n = map_first(&e->conns_renamed, name_hash(conn->name)); n; n = map_next(n)) {
        r = container_of(n, struct conn_run, by_old_name);
        if (strcmp(r->was_called, conn->name) == 0 && r->conn->ike_hash == conn->ike_hash)
            return r;
    }
    return NULL;
}

static void forget_old_name(struct engine *e, struct conn_run *r)
{
    if (r->was_called)
        map_remove(&e->conns_renamed, &r->by_old_name);
    free(r->was_called);
    r->was_called = NULL;
}

void conn_run_rename(struct engine *e, struct conn_run *r, const char *name)
{
    forget_old_name(e, r);
    if (!name)
        return;
    r->was_called = strdup(r->conn->name);
    map_insert(&e->conns_renamed, &r->by_old_name, name_hash(r->was_called));
    map_remove(&e->conns_by_name, &r->by_name);
    map_insert(&e->conns_by_name, &r->by_name, name_hash(name));
}

struct conn_run *conn_run_of_child(const struct engine *e, const struct ike_sa *sa,
                                   const struct child_config *cfg, struct child_run **run)
{
    struct conn_run *r = conn_run_of(e, child_owner(sa, cfg));
    const struct child_config *now = r ? connection_same_child(r->conn, cfg) : NULL;
    *run = now ? &r->children[now - r->conn->children] : NULL;
    return now ? r : NULL;
}

bool conn_is(const struct connection *a, const struct connection *b)
{
    return a->ike_hash == b->ike_hash && strcmp(a->name, b->name) == 0;
}

void conn_run_configure(struct conn_run *r, struct config *config, const struct connection *conn)
{
    r->config = config_ref(config);
    r->seen = config;
    r->conn = conn;
    r->children = mem_new((conn->n_children + 1) * sizeof(*r->children));
    r->shunts = mem_new((conn->n_shunts + 1) * sizeof(*r->shunts));
    for (size_t i = 0; i < conn->n_children; i++) {
        r->children[i].is_wanted = r->children[i].is_configured = starts_by_itself(&conn->children[i]);
        r->children[i].plane = r->plane;
    }
}

struct conn_run *conn_run_new(struct engine *e, struct config *config, const struct connection *conn)
{
    struct conn_run *r = mem_new(sizeof(*r));
    conn_run_configure(r, config, conn);
    list_append(&e->conns, &r->link);
    map_insert(&e->conns_by_name, &r->by_name, name_hash(conn->name));
    return r;
}

void conn_run_free(struct ike_env *env, struct conn_run *r)
{
    if (env) {
        struct engine *e = engine_of(env);
        for (size_t i = 0; i < r->conn->n_children; i++)
            trap_clear(env, r, i);
        shunts_clear(env, r);
        pace_forget(e, r);
        route_set_drop(env, &r->barrier);
        map_remove(&e->conns_by_name, &r->by_name);
        forget_old_name(e, r);
        heap_remove(&e->conn_timers, &r->timer);
    }
    for (size_t i = 0; i < r->conn->n_children; i++)
        trap_free(r, i);
    list_remove(&r->link);
    free(r->barrier.v);
    free(r->children);
    free(r->shunts);
    free(r->was_called);
    resumption_free(r->session);
    config_unref(r->config);
    free(r);
}

bool conn_is_single(const struct connection *conn)
{
    const struct host_spec *h = conn->remote_addrs;
    return conn->n_remote_addrs == 1 && !h->is_any && (h->fqdn || ip_equal(h->from, h->to));
}

void conn_schedule(struct engine *e, struct conn_run *r, int64_t at)
{
    if (!e->is_shut_down && (!r->timer.index || at < r->timer.at))
        heap_set(&e->conn_timers, &r->timer, at);
}

void conn_schedule_retry(struct ike_env *env, struct conn_run *r)
{
    struct engine *e = engine_of(env);
    int64_t wait = BACKOFF_MIN;
    for (unsigned i = 0; i < r->attempts && wait < BACKOFF_MAX; i++)
        wait *= 2;
    wait = time_min(wait, BACKOFF_MAX);
    if (r->attempts < 16)
        r->attempts++;
    if (!e->is_shut_down)
        heap_set(&e->conn_timers, &r->timer, env->now.mono + jittered(wait, wait / 4));
}

/* cfg, of owner, is that child of conn, as it is configured now. */
static bool is_child(const struct connection *owner, const struct child_config *cfg,
                     const struct connection *conn, const struct child_config *want)
{
    return cfg->hash == want->hash && strcmp(cfg->name, want->name) == 0 && conn_is(owner, conn);
}

static bool sa_makes_child(const struct ike_sa *sa, const struct connection *conn,
                           const struct child_config *want)
{
    const struct exchange *x;
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++) {
        if (x->child_cfg && !x->per_cpu.is_further && is_child(x->child_conn, x->child_cfg, conn, want))
            return true;
    }
    for (size_t i = 0; i < sa->n_tasks; i++) {
        const struct child_config *cfg = sa->tasks[i].cfg;
        if (cfg && !sa->tasks[i].cpu.is_set && is_child(child_owner(sa, cfg), cfg, conn, want))
            return true;
    }
    return false;
}

static bool is_of(const struct ike_sa *sa, const struct connection *conn)
{
    return conn_is(sa->conn, conn);
}

bool conn_child_is_up(const struct engine *e, const struct connection *conn, const struct child_config *cfg)
{
    const struct child_sa *c;
    list_each(c, index_of_owner(e, conn->name), by_owner.link)
    {
        bool carries = ike_sa_is_up(c->ike) || c->ike->state == IKE_REKEYED;
        if (carries && !c->per_cpu.is_further && c->state != CHILD_DELETING &&
            is_child(c->conn, c->cfg, conn, cfg))
            return true;
    }
    return false;
}

static bool is_alive(const struct ike_sa *sa)
{
    return !sa->is_dead && sa->state != IKE_DELETING;
}

bool conn_lacks_child(const struct engine *e, const struct conn_run *r, const struct child_run *run)
{
    const struct child_sa *c;
    const struct child_config *cfg = &r->conn->children[run - r->children];
    if (!run->is_wanted)
        return false;
    list_each(c, index_of_owner(e, r->conn->name), by_owner.link)
    {
        if (is_alive(c->ike) && !c->per_cpu.is_further && c->state != CHILD_DELETING &&
            is_child(c->conn, c->cfg, r->conn, cfg))
            return false;
    }
    return true;
}

static bool is_missing(const struct engine *e, const struct conn_run *r, size_t i)
{
    const struct ike_sa *sa;
    if (!conn_lacks_child(e, r, &r->children[i]))
        return false;
    list_each(sa, index_of_conn(e, r->conn->name), by_conn.link)
    {
        if (is_alive(sa) && sa_makes_child(sa, r->conn, &r->conn->children[i]))
            return false;
    }
    return true;
}

void conn_child_again(struct ike_env *env, const struct child_sa *going, bool with_ike)
{
    struct engine *e = engine_of(env);
    const struct child_sa *c;
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(e, going->ike, going->cfg, &run);
    if (!r || going->per_cpu.is_further) /* its processor asks again */
        return;
    list_each(c, index_of_owner(e, r->conn->name), by_owner.link)
    {
        bool is_going = c == going || (with_ike && c->ike == going->ike);
        bool carries = ike_sa_is_up(c->ike) && (c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING);
        if (!is_going && carries && !c->per_cpu.is_further && is_child(c->conn, c->cfg, r->conn, going->cfg))
            return;
    }
    run->is_wanted = run->is_configured = true;
}

static bool can_take_more(const struct ike_sa *sa)
{
    return is_alive(sa) && !sa->is_lingering && sa->state != IKE_REKEYED && sa->duplicate_at == TIME_NEVER;
}

/* What there is already for the peer: an SA that can take more, or one that is on its way. */
static struct ike_sa *best_sa(const struct engine *e, const struct conn_run *r)
{
    struct ike_sa *sa, *best = NULL;
    list_each(sa, index_of_conn(e, r->conn->name), by_conn.link)
    {
        if (can_take_more(sa) && is_of(sa, r->conn) && (!best || (ike_sa_is_up(sa) && !ike_sa_is_up(best))))
            best = sa;
    }
    if (!best && conn_is_single(r->conn) && r->conn->resolved_remote.family)
        best = engine_half_open_from(e, r->conn->resolved_remote);
    return best && can_take_more(best) ? best : NULL;
}

static bool queue_child(struct ike_sa *sa, const char *name)
{
    const struct child_config *cfg = connection_child(sa->conn, name);
    return cfg && ike_sa_queue(sa, (struct task){.kind = X_NEW_CHILD, .cfg = cfg});
}

static struct ip_pair way_of(const struct conn_run *r)
{
    if (r->redirected.remote.family)
        return r->redirected;
    if (r->path && r->path <= r->conn->n_further)
        return r->conn->further[r->path - 1];
    return (struct ip_pair){.local = r->conn->resolved_local, .remote = r->conn->resolved_remote};
}

/* A new IKE SA, not begun yet. */
static struct ike_sa *sa_to_peer(struct ike_env *env, struct conn_run *r)
{
    const struct connection *conn = r->conn;
    const struct settings *s = &r->config->settings;
    struct ike_env of_snapshot = *env;
    of_snapshot.config = r->config;
    struct ike_sa *sa = ike_sa_new(&of_snapshot, conn, true);
    struct ip_pair way = way_of(r);
    sa->redirected_from = r->redirected_by;
    redirect_over(r);
    bool in_tcp = streams_come_first(env, r, way.remote);
    sa->is_patient = r->is_patient;
    r->is_patient = false;
    sa->remote = (struct endpoint){.ip = way.remote,
                                   .port = in_tcp              ? conn->tcp_port
                                           : conn->remote_port ? conn->remote_port
                                                               : 500};
    sa->has_marker = in_tcp || sa->remote.port == PORT_NATT;
    sa->local =
        (struct endpoint){.ip = way.local,
                          .port = in_tcp                                             ? 0
                                  : sa->has_marker                                   ? s->port_natt
                                  : conn->local_port == 0 || conn->local_port == 500 ? s->port
                                                                                     : conn->local_port};
    return sa;
}

static void begin(struct ike_env *env, struct conn_run *r, struct ike_sa *sa)
{
    pace_begin(engine_of(env), r, sa);
    if (streams_come_first(env, r, sa->remote.ip))
        streams_begin(env, sa);
    else
        init_start(env, sa);
    env->host->adopt(env, sa);
}

static bool is_renewed(const struct engine *e, const struct ike_sa *old)
{
    const struct ike_sa *sa;
    list_each(sa, index_of_conn(e, old->conn->name), by_conn.link)
    {
        if (is_alive(sa) && sa->renews == old->id)
            return true;
    }
    return false;
}

bool conn_renew(struct ike_env *env, struct ike_sa *old)
{
    struct engine *e = engine_of(env);
    struct conn_run *r = conn_run_of(e, old->conn);
    const struct child_sa *c;
    if (!r || e->is_shut_down || !way_of(r).remote.family)
        return false;
    if (is_renewed(e, old)) {
        redirect_over(r); /* it has been begun already, and may be redirected itself */
        return true;
    }
    struct ike_sa *sa = sa_to_peer(env, r);
    list_each(c, &old->children, link)
    {
        struct child_run *run;
        bool is_up = c->state == CHILD_INSTALLED || c->state == CHILD_REKEYING;
        if (!is_up || conn_run_of_child(e, old, c->cfg, &run) != r)
            continue;
        queue_child(sa, c->cfg->name);
        run->is_wanted = run->is_configured = true; /* whichever of the two goes first */
    }
    if (!sa->n_tasks) { /* nothing to be kept up */
        ike_sa_free(sa);
        return false;
    }
    sa->renews = old->id;
    begin(env, r, sa);
    return true;
}

void conn_renewal_follows(struct ike_env *env, struct ike_sa *sa, uint64_t old_id)
{
    struct engine *e = engine_of(env);
    struct ike_sa *o;
    const struct ike_sa *old = engine_sa_by_id(e, old_id);
    list_each(o, index_of_conn(e, sa->conn->name), by_conn.link)
    {
        if (o->renews == old_id)
            o->renews = sa->id;
    }
    if (old && old->renewed_by)
        renew_settled(env, sa, old->renewed_by);
}

/* What is wanted stays wanted: nothing was tried yet. */
static void wait_for_name(struct ike_env *env, struct conn_run *r, const struct diag *why)
{
    r->last_failure = *why;
    command_failed(env, r->conn, NULL, why);
    conn_schedule(engine_of(env), r, env->now.mono + r->config->settings.retry_initiate_interval);
}

static void initiate(struct ike_env *env, struct conn_run *r)
{
    struct diag d;
    const struct connection *conn = r->conn;
    if (!conn->resolved_remote.family) {
        diag_clear(&d);
        diag_set(&d, FAIL_UNREACHABLE, "the peer of %s has no address to go to", conn->name);
        host_alert(env, NULL, ALERT_PEER_ADDR_FAILED);
        if (conn->n_remote_addrs && conn->remote_addrs[0].fqdn)
            diag_got(&d, "no answer for the name %s", conn->remote_addrs[0].fqdn);
        diag_where_of(&d, &conn->origins, "remote_addrs");
        diag_try(&d, "name an address of the peer, or wait for the peer to begin");
        char line[1024];
        conn_log(env, conn, GROUP_IKE, LOG_ERR, "%s", diag_format(&d, line, sizeof(line)));
        if (r->config->settings.retry_initiate_interval)
            wait_for_name(env, r, &d);
        else
            conn_attempt_failed(env, r, &d);
        return;
    }
    if (!pace_admits(engine_of(env), r, command_waiting_for(engine_of(env), conn)))
        return;
    struct ike_sa *sa = sa_to_peer(env, r);
    bool shares = r->config->settings.reuses_ike_sas, has_more = false;
    for (size_t i = 0; i < conn->n_children; i++) {
        bool misses = is_missing(engine_of(env), r, i);
        has_more |= misses && !shares && sa->n_tasks;
        if (misses && (shares || !sa->n_tasks))
            queue_child(sa, conn->children[i].name);
    }
    session_give(env, r, sa);
    begin(env, r, sa);
    if (has_more)
        conn_schedule(engine_of(env), r, env->now.mono);
}

/* An address to go to, or a name that may get one. */
static bool conn_has_peer(const struct connection *conn)
{
    bool has = conn->resolved_remote.family != 0;
    for (size_t i = 0; !has && i < conn->n_remote_addrs; i++)
        has = conn->remote_addrs[i].fqdn != NULL;
    return has;
}

/* Nothing of it is tried: no attempt would end in another way. */
static void give_up(struct ike_env *env, struct conn_run *r)
{
    planes_explain(engine_of(env), r, &r->last_failure);
    for (size_t i = 0; i < r->conn->n_children; i++)
        r->children[i].is_wanted = false;
    command_failed(env, r->conn, NULL, &r->last_failure);
}

void conn_reconcile(struct ike_env *env, struct conn_run *r)
{
    struct engine *e = engine_of(env);
    bool any = false;
    for (size_t i = 0; i < r->conn->n_children && !any; i++)
        any = is_missing(e, r, i);
    if (!any || e->is_shut_down)
        return;
    if (r->is_refused) {
        give_up(env, r);
        return;
    }
    struct ike_sa *sa = best_sa(e, r);
    if (sa && !r->config->settings.reuses_ike_sas && !sa->is_half_open)
        sa = NULL;
    if (!sa && !conn_has_peer(r->conn) && !command_waiting_for(e, r->conn)) {
        for (size_t i = 0; i < r->conn->n_children; i++) {
            r->children[i].is_wanted = false; /* the peer begins */
            trap_failed(env, &r->children[i]);
        }
        return;
    }
    if (!sa) {
        initiate(env, r);
        return;
    }
    if (sa->is_half_open || !is_of(sa, r->conn)) { /* the peer is coming */
        conn_schedule(e, r, env->now.mono + PEER_COMES);
        return;
    }
    for (size_t i = 0; i < r->conn->n_children; i++) {
        if (is_missing(e, r, i) && !queue_child(sa, r->conn->children[i].name))
            conn_schedule(e, r, env->now.mono + PEER_COMES);
    }
    engine_touch(e, sa);
}

void conn_attempt_over(struct ike_env *env, struct conn_run *r, const struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    for (size_t i = 0; i < r->conn->n_children; i++) {
        const struct child_config *cfg = &r->conn->children[i];
        if (sa_makes_child(sa, r->conn, cfg) && !conn_child_is_up(e, r->conn, cfg))
            r->children[i].is_wanted = true;
    }
}

/* The initiator did not get an IKE SA. */
void conn_attempt_failed(struct ike_env *env, struct conn_run *r, const struct diag *why)
{
    const struct connection *conn = r->conn;
    r->last_failure = *why;
    command_failed(env, conn, NULL, why);
    for (size_t i = 0; i < conn->n_children; i++) {
        struct child_run *run = &r->children[i];
        bool goes_on = (conn->retries_forever && starts_by_itself(&conn->children[i])) ||
                       conn->keyingtries == 0 || r->attempts + 1 < conn->keyingtries;
        if (run->is_configured && goes_on)
            continue;
        run->is_wanted = false;
        trap_failed(env, run);
    }
    conn_schedule_retry(env, r);
}

void conn_child_came_up(struct ike_env *env, struct child_sa *c)
{
    struct engine *e = engine_of(env);
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(e, c->ike, c->cfg, &run);
    if (!r || c->per_cpu.is_further)
        return;
    r->attempts = 0;
    r->path = 0;
    diag_clear(&r->last_failure);
    run->is_wanted = r->conn->retries_forever && (run->is_wanted || starts_by_itself(c->cfg));
    trap_served(run);
    conn_schedule(e, r, env->now.mono + (c->ike->was_initiator ? 0 : PEER_FILLS));
}
