/* SPDX-License-Identifier: Apache-2.0 */
/* One step: an input goes to the SA, connection or command that it is for; then every SA that was touched
 * goes on with what waits, gets its timer, or is buried. */
#include "crypto/random.h"
#include "engine/impl.h"
#include "ike/v2/icmp.h"
#include <stdlib.h>

struct engine *engine_new(void)
{
    struct engine *e = mem_new(sizeof(*e));
    struct list *const lists[] = {&e->sas,    &e->dirty,   &e->conns,    &e->slots,
                                  &e->routes, &e->waiters, &e->half_open};
    struct map *const maps[] = {&e->by_id,           &e->by_spi,         &e->by_init,
                                &e->by_addr,         &e->children_by_id, &e->children_by_spi,
                                &e->conns_by_name,   &e->conns_renamed,  &e->slots_by_reqid,
                                &e->slots_by_policy, &e->routes_by_dst,  &e->traps_by_policy};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++)
        list_init(lists[i]);
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_init(maps[i]);
    struct bag *const bags[] = {&e->by_conn, &e->by_ids, &e->by_peer, &e->children_by_owner,
                                &e->children_by_reqid};
    for (size_t i = 0; i < ARRAY_LEN(bags); i++)
        bag_init(bags[i]);
    e->planes.has_user = true; /* until somebody says what there is */
    e->look_at = TIME_NEVER;
    streams_init(&e->streams);
    pace_init(&e->pace);
    leases_init(e);
    heap_init(&e->sa_timers);
    heap_init(&e->conn_timers);
    return e;
}

static void bury(struct engine *e, struct ike_sa *sa, int64_t now)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        map_remove(&e->children_by_id, &c->by_id);
        map_remove(&e->children_by_spi, &c->by_spi);
        index_child_gone(e, c);
    }
    index_sa_gone(e, sa);
    pace_end(e, sa, now);
    for (size_t i = 0; i < SA_STREAMS; i++)
        bag_take(&e->streams.users, &sa->streams[i].link);
    sa->state = IKE_DELETING;
    engine_count_half_open(e, sa);
    e->n_guests -= sa->counts_as_guest;
    e->stats.ike_sas -= sa->counts_as_up;
    list_remove(&sa->link);
    list_remove(&sa->dirty);
    map_remove(&e->by_id, &sa->by_id);
    map_remove(&e->by_spi, &sa->by_spi);
    if (!sa->was_initiator)
        map_remove(&e->by_init, &sa->by_init);
    heap_remove(&e->sa_timers, &sa->timer);
    ike_sa_free(sa);
}

void engine_free(struct engine *e)
{
    struct ike_sa *sa;
    struct conn_run *r;
    struct slot *s;
    struct route_ref *ref;
    if (!e)
        return;
    e->is_shut_down = true;
    list_each(sa, &e->sas, link) bury(e, sa, 0);
    list_each(r, &e->conns, link)
    {
        pace_forget(e, r);
        conn_run_free(NULL, r);
    }
    list_each(s, &e->slots, link)
    {
        free(s->routes.v);
        free(s);
    }
    list_each(ref, &e->routes, link) free(ref);
    commands_free(e);
    struct map *const maps[] = {&e->by_id,           &e->by_spi,         &e->by_init,
                                &e->by_addr,         &e->children_by_id, &e->children_by_spi,
                                &e->conns_by_name,   &e->conns_renamed,  &e->slots_by_reqid,
                                &e->slots_by_policy, &e->routes_by_dst,  &e->traps_by_policy};
    for (size_t i = 0; i < ARRAY_LEN(maps); i++)
        map_deinit(maps[i]);
    struct bag *const bags[] = {&e->by_conn, &e->by_ids, &e->by_peer, &e->children_by_owner,
                                &e->children_by_reqid};
    for (size_t i = 0; i < ARRAY_LEN(bags); i++)
        bag_deinit(bags[i]);
    streams_deinit(&e->streams);
    pace_deinit(&e->pace);
    leases_deinit(e);
    heap_deinit(&e->sa_timers);
    heap_deinit(&e->conn_timers);
    cookie_jar_deinit(&e->jar);
    secret_free(&e->secret);
    free(e->used_tickets);
    free(e->addresses);
    config_unref(e->config);
    free(e);
}

struct ike_sa *engine_sa_by_id(const struct engine *e, uint64_t id)
{
    for (struct map_node *n = map_first(&e->by_id, map_hash_u64(id)); n; n = map_next(n)) {
        struct ike_sa *sa = container_of(n, struct ike_sa, by_id);
        if (sa->id == id)
            return sa;
    }
    return NULL;
}

struct child_sa *engine_child_by_id(const struct engine *e, uint64_t id)
{
    for (struct map_node *n = map_first(&e->children_by_id, map_hash_u64(id)); n; n = map_next(n)) {
        struct child_sa *c = container_of(n, struct child_sa, by_id);
        if (c->id == id)
            return c;
    }
    return NULL;
}

void engine_touch(struct engine *e, struct ike_sa *sa)
{
    if (!list_linked(&sa->dirty))
        list_append(&e->dirty, &sa->dirty);
}

static void settle(struct ike_env *env, struct engine *e)
{
    while (!list_empty(&e->dirty)) {
        struct ike_sa *sa = container_of(e->dirty.next, struct ike_sa, dirty);
        list_remove(&sa->dirty);
        engine_follow(env, sa);
        planes_follow(env, sa);
        ike_sa_advance(env, sa);
        streams_settle(env, sa);
        host_ike_update(env, sa);
        if (sa->is_dead) {
            bury(e, sa, env->now.mono);
            continue;
        }
        index_sa(e, sa);
        engine_count_half_open(e, sa);
        guests_count(e, sa);
        bool is_up = ike_sa_is_up(sa);
        e->stats.ike_sas += (uint64_t)is_up - sa->counts_as_up;
        sa->counts_as_up = is_up;
        if (is_up || sa->is_lingering || sa->state == IKE_DELETING)
            pace_end(e, sa, env->now.mono);
        heap_set(&e->sa_timers, &sa->timer, ike_sa_deadline(sa));
    }
}

static void on_tick(struct ike_env *env, struct engine *e)
{
    struct heap_node *n;
    pace_tick(e, env->now.mono);
    streams_tick(env);
    while ((n = heap_first(&e->sa_timers)) && n->at <= env->now.mono) {
        struct ike_sa *sa = container_of(n, struct ike_sa, timer);
        heap_remove(&e->sa_timers, n);
        engine_touch(e, sa);
        ike_sa_tick(env, sa);
    }
    while ((n = heap_first(&e->conn_timers)) && n->at <= env->now.mono) {
        heap_remove(&e->conn_timers, n);
        conn_reconcile(env, container_of(n, struct conn_run, timer));
    }
}

static void on_job(struct ike_env *env, struct engine *e, struct job *job)
{
    struct ike_sa *sa = engine_sa_by_id(e, job->sa_id);
    e->n_jobs -= e->n_jobs > 0;
    if (sa) {
        engine_touch(e, sa);
        ike_sa_job_done(env, sa, job);
    }
    job_free(job);
}

static void on_counters(struct child_sa *c, const struct dataplane_event *ev)
{
    bool is_in = ev->direction == SA_IN;
    if (ev->spi != (is_in ? c->spi_in : c->spi_out))
        return;
    *(is_in ? &c->bytes_in : &c->bytes_out) = ev->bytes;
    *(is_in ? &c->packets_in : &c->packets_out) = ev->packets;
    *(is_in ? &c->last_in : &c->last_out) = ev->last_use;
}

static void on_dataplane(struct ike_env *env, struct engine *e, const struct dataplane_event *ev)
{
    if (ev->kind == DP_ACQUIRE) {
        (ev->cpu.is_set ? per_cpu_acquire : trap_acquire)(env, ev);
        return;
    }
    if (ev->kind == DP_SETTLED) {
        e->kernel_answered_at = env->now.mono;
        return;
    }
    if (ev->kind == DP_FAILED) {
        planes_failed(env, ev);
        return;
    }
    struct child_sa *c = engine_child_by_id(e, ev->child_id);
    if (!c || c->is_gone)
        return;
    struct ike_sa *sa = c->ike;
    engine_touch(e, sa);
    switch (ev->kind) {
    case DP_SOFT_EXPIRE:
        if (c->state == CHILD_INSTALLED)
            ike_sa_queue(sa, (struct task){.kind = X_REKEY_CHILD, .child_id = c->id});
        break;
    case DP_HARD_EXPIRE:
        if (ev->why)
            child_vanished(env, c, ev->why);
        else
            child_expired(env, c);
        break;
    case DP_MAPPING:
        if (!c->per_cpu.is_agreed || !ip_equal(ev->remote.ip, sa->esp.remote.ip)) /* from any port */
            natd_mapping(env, sa, &ev->remote);
        break;
    case DP_COUNTERS:
        on_counters(c, ev);
        break;
    case DP_ACQUIRE:
    case DP_SETTLED:
    case DP_FAILED:
        break;
    }
}

static void on_addresses(struct ike_env *env, struct engine *e, const struct input *in)
{
    struct ike_sa *sa;
    struct conn_run *r;
    e->knows_addresses = true;
    free(e->addresses);
    e->n_addresses = in->addresses.n;
    e->addresses = mem_new((e->n_addresses + 1) * sizeof(*e->addresses));
    for (size_t i = 0; i < e->n_addresses; i++)
        e->addresses[i] = in->addresses.v[i];
    list_each(r, &e->conns, link) r->tcp_until = 0; /* another network may let UDP pass */
    list_each(sa, &e->sas, link)
    {
        engine_touch(e, sa);
        path_addresses_changed(env, sa);
    }
}

/* Anybody can send it, and all SAs are looked at: not more often than that. */
#define ICMP_INTERVAL (TIME_SECOND / 20)

static void on_icmp(struct ike_env *env, struct engine *e, const struct input *in)
{
    struct ike_sa *sa;
    if (env->now.mono < e->icmp_at)
        return;
    e->icmp_at = env->now.mono + ICMP_INTERVAL;
    list_each(sa, &e->sas, link) icmp_take(env, sa, &in->icmp.to, in->icmp.from, in->icmp.why);
}

static void on_paths(struct ike_env *env, struct engine *e, const struct input *in)
{
    struct ike_sa *sa = engine_sa_by_id(e, in->paths.ike_id);
    if (!sa)
        return;
    engine_touch(e, sa);
    path_take(env, sa, in->paths.v, in->paths.n);
}

static void on_resolved(struct ike_env *env, struct engine *e, const struct input *in)
{
    struct ike_sa *sa = engine_sa_by_id(e, in->resolved.ike_id);
    if (!sa)
        return;
    engine_touch(e, sa);
    redirect_answer(env, sa, in->resolved.v, in->resolved.n);
}

void engine_step(struct engine *e, struct time now, const struct input *in, struct outbox *out)
{
    struct ike_env env = {.now = now,
                          .out = out,
                          .config = e->config,
                          .stats = &e->stats,
                          .host = &engine_host,
                          .ctx = e,
                          .secret = secret_view(&e->secret)};
    size_t before = out->n;
    switch (in->kind) {
    case INPUT_TICK:
        break;
    case INPUT_DATAGRAM:
        engine_datagram(&env, in);
        break;
    case INPUT_ICMP:
        on_icmp(&env, e, in);
        break;
    case INPUT_STREAM:
        streams_news(&env, &in->stream);
        break;
    case INPUT_JOB_DONE:
        on_job(&env, e, in->job);
        break;
    case INPUT_COMMAND:
        command_run(&env, &in->command);
        break;
    case INPUT_DATAPLANE:
        on_dataplane(&env, e, &in->dataplane);
        break;
    case INPUT_CONFIG:
        engine_load(&env, in->config);
        env.config = e->config;
        break;
    case INPUT_ADDRESSES:
        on_addresses(&env, e, in);
        break;
    case INPUT_PATHS:
        on_paths(&env, e, in);
        break;
    case INPUT_SECRET:
        secret_free(&e->secret);
        e->secret = secret_copy(in->secret);
        break;
    case INPUT_PLANES:
        engine_set_planes(&env, in->planes);
        break;
    case INPUT_RESOLVED:
        on_resolved(&env, e, in);
        break;
    case INPUT_UPDOWN:
        updown_ended(&env, in->updown.failure, in->updown.reqid, in->updown.token, in->updown.verb);
        break;
    case INPUT_SHUTDOWN:
        engine_shut_down(&env);
        break;
    }
    settle(&env, e);
    on_tick(&env, e);
    settle(&env, e);
    command_check(&env);
    settle(&env, e);
    for (size_t i = before; i < out->n; i++)
        e->n_jobs += out->v[i].kind == ACTION_JOB;
}

int64_t engine_deadline(const struct engine *e)
{
    const struct heap_node *a = heap_first(&e->sa_timers), *b = heap_first(&e->conn_timers);
    int64_t at = time_min(a ? a->at : TIME_NEVER, b ? b->at : TIME_NEVER);
    at = time_min(at, streams_deadline(e));
    at = time_min(at, e->look_at);
    return time_min(at, pace_deadline(&e->pace));
}
