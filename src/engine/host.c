/* SPDX-License-Identifier: Apache-2.0 */
/* What an IKE SA asks of its owner (struct ike_host): numbers, tables, policies, and the events that users
 * see. */
#include "crypto/random.h"
#include "engine/impl.h"
#include <stdio.h>

/* How long UDP is not tried first once it has stayed without an answer and TCP has not (tcp = fallback). */
#define TCP_INSTEAD (10 * 60 * TIME_SECOND)

uint64_t engine_init_hash(const struct ike_sa *sa);

static uint64_t new_id(void *ctx)
{
    return ++((struct engine *)ctx)->next_id;
}

static bool spi_in_use(const struct engine *e, uint32_t spi)
{
    for (struct map_node *n = map_first(&e->children_by_spi, map_hash_u64(spi)); n; n = map_next(n)) {
        if (container_of(n, struct child_sa, by_spi)->spi_in == spi)
            return true;
    }
    return false;
}

static uint32_t new_child_spi(void *ctx, uint32_t reqid)
{
    uint32_t spi, steering = (1u << SPI_STEER_BITS) - 1;
    do {
        crypto_random(&spi, sizeof(spi));
        spi = (spi & ~steering) | (reqid & steering);
    } while (spi < 256 || spi_in_use(ctx, spi)); /* [RFC4303#2.1] */
    return spi;
}

static uint64_t new_ike_spi(void *ctx)
{
    uint64_t spi;
    (void)ctx; /* 64 random bits do not meet again */
    do
        crypto_random(&spi, sizeof(spi));
    while (spi == 0);
    return spi;
}

static uint32_t reqid_for(void *ctx, const struct ike_sa *sa, const struct child_config *cfg)
{
    struct engine *e = ctx;
    const struct child_sa *c;
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(e, sa, cfg, &run);
    if (cfg->reqid)
        return cfg->reqid;
    if (r && (conn_is_single(r->conn) || run->trap)) {
        if (!run->reqid)
            run->reqid = ++e->next_reqid;
        return run->reqid;
    }
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg)
            return c->reqid;
    }
    return ++e->next_reqid;
}

static void adopt(struct ike_env *env, struct ike_sa *sa)
{
    struct engine *e = engine_of(env);
    list_append(&e->sas, &sa->link);
    map_insert(&e->by_id, &sa->by_id, map_hash_u64(sa->id));
    map_insert(&e->by_spi, &sa->by_spi, map_hash_u64(ike_sa_own_spi(sa)));
    sa->init_remote = sa->remote;
    if (!sa->was_initiator)
        map_insert(&e->by_init, &sa->by_init, engine_init_hash(sa));
    path_note_source(env, sa);
    index_sa(e, sa);
    engine_touch(e, sa);
    engine_count_half_open(e, sa);
}

static struct ike_sa *find(void *ctx, uint64_t id)
{
    struct ike_sa *sa = engine_sa_by_id(ctx, id);
    if (sa)
        engine_touch(ctx, sa);
    return sa;
}

static void child_track(struct ike_env *env, struct child_sa *c, bool is_added)
{
    struct engine *e = engine_of(env);
    if (is_added) {
        map_insert(&e->children_by_id, &c->by_id, map_hash_u64(c->id));
        map_insert(&e->children_by_spi, &c->by_spi, map_hash_u64(c->spi_in));
        index_child(e, c);
        e->stats.child_sas++;
    } else {
        map_remove(&e->children_by_id, &c->by_id);
        map_remove(&e->children_by_spi, &c->by_spi);
        index_child_gone(e, c);
        e->stats.child_sas--;
    }
}

static bool is_served(void *ctx, const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, index_of_owner(ctx, child_owner(c->ike, c->cfg)->name), by_owner.link)
    {
        bool is_used = o->has_out && o->state != CHILD_DELETING && ike_sa_is_up(o->ike);
        if (o != c && is_used && o->reqid == c->reqid)
            return true;
    }
    return false;
}

/* What waits to take over from this one sends from now on. */
static void hand_over_out(struct ike_env *env, const struct child_sa *from)
{
    struct child_sa *o;
    list_each(o, index_of_owner(engine_of(env), child_owner(from->ike, from->cfg)->name), by_owner.link)
    {
        if (o != from && o->waiting && o->reqid == from->reqid && from->has_out)
            child_switch(env, o);
    }
}

static void policy(struct ike_env *env, struct child_sa *c, bool is_added)
{
    if (is_added) {
        slot_add(env, c);
        return;
    }
    hand_over_out(env, c);
    slot_drop(env, c);
}

static bool renew(struct ike_env *env, struct ike_sa *sa)
{
    return conn_renew(env, sa);
}

/* A peer that came over port 4500 shows that it passes. Addresses are few and the array small: it is looked
 * through. */
static void note_udp(struct ike_env *env, struct ip peer, bool passes)
{
    struct engine *e = engine_of(env);
    struct blocked *found = NULL;
    for (size_t i = 0; i < ARRAY_LEN(e->blocked) && !found; i++) {
        if (ip_equal(e->blocked[i].peer, peer))
            found = &e->blocked[i];
    }
    if (passes) {
        if (found)
            *found = (struct blocked){0};
        return;
    }
    if (!found)
        found = &e->blocked[e->next_blocked++ % ARRAY_LEN(e->blocked)];
    *found = (struct blocked){.peer = peer, .until = env->now.mono + UDP_BLOCKED};
}

static bool is_udp_blocked(void *ctx, int64_t now, struct ip peer)
{
    const struct engine *e = ctx;
    for (size_t i = 0; i < ARRAY_LEN(e->blocked); i++) {
        if (e->blocked[i].until > now && ip_equal(e->blocked[i].peer, peer))
            return true;
    }
    return false;
}

static bool has_other(void *ctx, const struct ike_sa *sa)
{
    return unique_has_other(ctx, sa);
}

static bool keeps_other(struct ike_env *env, const struct ike_sa *sa)
{
    return unique_keeps_other(env, sa);
}

static bool packet_for(void *ctx, const struct ike_sa *sa, const struct child_config *cfg, struct ts *local,
                       struct ts *remote)
{
    struct child_run *run;
    return conn_run_of_child(ctx, sa, cfg, &run) && trap_packet(run, local, remote);
}

static bool is_taken(void *ctx, const struct ike_sa *sa, const struct ts_pair *ts)
{
    return conflict_is_taken(ctx, sa, ts);
}

static struct event *event(struct ike_env *env, enum event_kind kind, const struct ike_sa *sa)
{
    struct event *ev = &outbox_add(env->out, ACTION_EVENT)->event;
    ev->kind = kind;
    ev->level = LOG_NOTICE;
    ev->connection = arena_strdup(env->out->arena, sa->conn->name);
    ev->ike_id = sa->id;
    ev->command_id = command_waiting_for(engine_of(env), sa->conn);
    return ev;
}

static void log_line_of(struct ike_env *env, const struct connection *conn, enum log_level level,
                        const char *text)
{
    struct event *ev = &outbox_add(env->out, ACTION_EVENT)->event;
    ev->kind = EVENT_LOG;
    ev->level = level;
    ev->connection = conn ? arena_strdup(env->out->arena, conn->name) : NULL;
    ev->text = arena_strdup(env->out->arena, text);
    ev->command_id = conn ? command_waiting_for(engine_of(env), conn) : 0;
}

#define COMPLAINTS_PER_SECOND 10

static bool may_complain(struct ike_env *env)
{
    struct engine *e = engine_of(env);
    char text[120];
    if (env->now.mono >= e->complaints_at + TIME_SECOND || env->now.mono < e->complaints_at) {
        if (e->complaints > COMPLAINTS_PER_SECOND) {
            snprintf(text, sizeof(text),
                     "%u more lines about peers that have not authenticated were left out",
                     e->complaints - COMPLAINTS_PER_SECOND);
            log_line_of(env, NULL, LOG_WARN, text);
        }
        e->complaints_at = env->now.mono;
        e->complaints = 0;
    }
    return e->complaints++ < COMPLAINTS_PER_SECOND;
}

static bool awaits_contact(void *ctx, const struct ike_sa *sa)
{
    return unique_awaits_contact(ctx, sa);
}

static void ike_up(struct ike_env *env, struct ike_sa *sa, uint64_t old_id)
{
    char local[IP_TEXT_MAX], remote[IP_TEXT_MAX], mine[ID_TEXT_MAX], theirs[ID_TEXT_MAX];
    sa_log(env, sa, LOG_NOTICE, "IKE SA %llu %s between %s[%s] and %s[%s]", (unsigned long long)sa->id,
           old_id ? "rekeyed" : "established", ip_format(sa->local.ip, local),
           identity_format(&sa->local_id, mine), ip_format(sa->remote.ip, remote),
           identity_format(&sa->remote_id, theirs));
    if (sa->has_marker && !sa->remote.stream)
        note_udp(env, sa->remote.ip, true);
    struct event *ev = event(env, old_id ? EVENT_IKE_REKEY : EVENT_IKE_UPDOWN, sa);
    ev->is_up = true;
    ev->old_id = old_id;
    unique_contact_over(engine_of(env), sa);
    path_note_source(env, sa);
    if (sa->mobike.is_on && sa->was_initiator) /* how it is now: to see later what has changed */
        path_ask(env, sa);
    if (old_id)
        conn_renewal_follows(env, sa, old_id);
    else if (!sa->is_redirected)
        unique_check(env, sa);
}

static void set_trap_of(struct ike_env *env, const struct child_sa *c)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), c->ike, c->cfg, &run);
    if (r)
        trap_set(env, r, (size_t)(run - r->children), NULL);
}

/* What the configuration says about children whose IKE SA is gone without our doing: dpd_action when the peer
 * was silent, close_action when it said so. What is to be made anew returns in any case. */
static void act_on_end(struct ike_env *env, struct ike_sa *sa, bool is_dead)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        bool starts = sa->is_renewing || (is_dead && c->cfg->dpd_action == DPD_RESTART) ||
                      (sa->is_closed_by_peer && c->cfg->close_action == START_START);
        bool traps = (is_dead && c->cfg->dpd_action == DPD_TRAP) ||
                     (sa->is_closed_by_peer && c->cfg->close_action == START_TRAP);
        if (c->state == CHILD_DELETING || c->state == CHILD_REKEYED)
            continue;
        if (starts)
            conn_child_again(env, c, true);
        if (traps)
            set_trap_of(env, c);
    }
}

static void ike_down(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    struct engine *e = engine_of(env);
    struct conn_run *r = conn_run_of(e, sa->conn);
    engine_touch(e, sa);
    unique_contact_over(e, sa);
    session_keep(env, r, sa, why->class == FAIL_UNREACHABLE);
    if (!sa->was_up) {
        if (r && sa->was_initiator) /* TCP that fails, too, is no better: UDP is next */
            r->tcp_until = sa->wants_tcp ? env->now.mono + TCP_INSTEAD : sa->remote.stream ? 0 : r->tcp_until;
        if (r && sa->was_initiator)
            r->is_patient = sa->is_forgotten || (sa->starts_again && sa->is_patient);
        if (renew_failed(env, sa)) {
            if (r)
                redirect_again(r, sa);
            return;
        }
        if (r && sa->starts_again) {
            redirect_again(r, sa);
            conn_schedule(e, r, env->now.mono);
        } else if (r && sa->was_initiator && diag_failed(why))
            conn_attempt_failed(env, r, why);
        else if (r && sa->was_initiator) {
            struct diag d;
            diag_clear(&d);
            diag_set(&d, FAIL_GENERIC, "the attempt was ended by another command");
            command_failed(env, sa->conn, NULL, &d);
        }
        return;
    }
    sa_log(env, sa, LOG_NOTICE, "IKE SA %llu is down", (unsigned long long)sa->id);
    event(env, EVENT_IKE_UPDOWN, sa)->is_up = false;
    if (!diag_failed(why))
        return;
    bool is_dead = why->class == FAIL_UNREACHABLE;
    act_on_end(env, sa, is_dead);
    if (!r)
        return;
    r->last_failure = *why;
    if (is_dead || sa->is_renewing)
        conn_schedule(e, r, env->now.mono);
    else
        conn_schedule_retry(env, r);
}

static bool try_next(struct ike_env *env, const struct ike_sa *sa)
{
    struct conn_run *r = conn_run_of(engine_of(env), sa->conn);
    if (sa->redirected_from.family) /* where it is was not one of those */
        return false;
    bool has_next = r && r->path < r->conn->n_further;
    if (r)
        r->path = has_next ? r->path + 1 : 0;
    return has_next;
}

static const struct ip *addresses(void *ctx, size_t *n)
{
    const struct engine *e = ctx;
    *n = e->n_addresses;
    return e->knows_addresses ? e->addresses : NULL;
}

static void moved(struct ike_env *env, struct ike_sa *sa)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->holds_policy)
            slot_follow(env, c);
    }
}

static void child_up(struct ike_env *env, struct child_sa *c, uint64_t old_id)
{
    char a[200], b[200], alg[PROPOSAL_TEXT_MAX];
    const struct ike_sa *sa = c->ike;
    sa_log(env, sa, LOG_NOTICE, "child %s %s: SPIs %08x_i %08x_o, %s === %s, %s", c->cfg->name,
           old_id ? "rekeyed" : "established", c->spi_in, c->spi_out,
           ts_list_format(c->ts.local, c->ts.n_local, a, sizeof(a)),
           ts_list_format(c->ts.remote, c->ts.n_remote, b, sizeof(b)), chosen_format(&c->chosen, alg));
    struct event *ev = event(env, old_id ? EVENT_CHILD_REKEY : EVENT_CHILD_UPDOWN, sa);
    ev->child = arena_strdup(env->out->arena, c->cfg->name);
    ev->child_id = c->id;
    ev->old_id = old_id;
    ev->is_up = true;
    conn_child_came_up(env, c);
    if (!old_id)
        renew_child_up(env, c->ike);
}

#define IDLE_MARGIN (5 * TIME_SECOND)
#define SHORT_LIVED (10 * TIME_SECOND) /* a child that goes so soon is not made again without a pause */

/* Closed for its inactivity setting, by us or by a peer that has the same one and was quicker. */
static bool is_idle(const struct ike_env *env, const struct child_sa *c)
{
    int64_t limit = c->cfg->inactivity;
    return limit && env->now.mono - child_last_use(c) >= limit - time_min(limit / 4, IDLE_MARGIN);
}

static void child_down(struct ike_env *env, struct child_sa *c)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), c->ike, c->cfg, &run);
    sa_log(env, c->ike, LOG_NOTICE, "child %s is down", c->cfg->name);
    struct event *ev = event(env, EVENT_CHILD_UPDOWN, c->ike);
    ev->child = arena_strdup(env->out->arena, c->cfg->name);
    ev->child_id = c->id;
    if (r && is_idle(env, c)) /* it waits until somebody asks for it */
        run->is_wanted = false;
    else if (c->is_closed_by_peer && c->cfg->close_action == START_START)
        conn_child_again(env, c, false);
    if (c->is_closed_by_peer && c->cfg->close_action == START_TRAP)
        set_trap_of(env, c);
    bool may_return = r && (run->is_wanted || env->now.mono - c->installed_at < SHORT_LIVED);
    if (may_return && (ike_sa_is_up(c->ike) || !conn_is(r->conn, c->ike->conn)))
        conn_schedule_retry(env, r);
}

static bool has_work(const struct ike_sa *sa)
{
    const struct child_sa *c;
    if (sa->n_tasks)
        return true;
    list_each(c, &sa->children, link)
    {
        if (!c->is_gone)
            return true;
    }
    return false;
}

/* The one that is there goes with the IKE SA that this one renews. */
static bool takes_over_child(const struct engine *e, const struct ike_sa *sa, const struct child_config *cfg)
{
    const struct ike_sa *old = sa->renews ? engine_sa_by_id(e, sa->renews) : NULL;
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->cfg == cfg && c->state != CHILD_DELETING)
            return false;
    }
    return old && ike_sa_is_up(old);
}

static bool needs_child(void *ctx, const struct ike_sa *sa, const struct child_config *cfg)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(ctx, sa, cfg, &run);
    return !r || conn_lacks_child(ctx, r, run) || takes_over_child(ctx, sa, cfg);
}

static void child_failed(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg,
                         const struct diag *why)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), sa, cfg, &run);
    command_failed(env, child_owner(sa, cfg), cfg, why);
    if (r) {
        r->last_failure = *why;
        if (!r->conn->retries_forever || !starts_by_itself(cfg))
            run->is_wanted = false;
        if (run->is_wanted || run->trap) /* the pause holds for what packets ask for, too */
            conn_schedule_retry(env, r);
        if (!run->is_wanted)
            trap_failed(env, run);
    }
    if (!has_work(sa))
        delete_ike(env, sa, NULL);
}

#define REKEY_AGAIN (15 * TIME_SECOND)

static void rekey_failed(struct ike_env *env, struct ike_sa *sa, uint64_t child_id, const struct diag *why)
{
    struct child_sa *c = child_id ? child_find(sa, child_id) : NULL;
    command_rekey_failed(env, child_id ? WAIT_CHILD : WAIT_IKE, child_id ? child_id : sa->id, why);
    if (c)
        c->rekey_at = env->now.mono + jittered(REKEY_AGAIN, REKEY_AGAIN / 2);
    else if (!child_id)
        sa->rekey_at = env->now.mono + jittered(REKEY_AGAIN, REKEY_AGAIN / 2);
}

const struct ike_host engine_host = {
    .new_id = new_id,
    .new_child_spi = new_child_spi,
    .new_ike_spi = new_ike_spi,
    .reqid_for = reqid_for,
    .adopt = adopt,
    .find = find,
    .child_track = child_track,
    .policy = policy,
    .is_udp_blocked = is_udp_blocked,
    .note_udp = note_udp,
    .open_stream = streams_open,
    .may_complain = may_complain,
    .lease_ask = lease_ask,
    .lease_hold = lease_hold,
    .lease_release = lease_release,
    .vip = lease_vip,
    .dns = lease_dns,
    .vip_wanted = lease_vip_wanted,
    .has_other = has_other,
    .is_taken = is_taken,
    .is_ticket_used = session_is_ticket_used,
    .use_ticket = session_use_ticket,
    .keeps_other = keeps_other,
    .packet_for = packet_for,
    .awaits_contact = awaits_contact,
    .renew = renew,
    .is_served = is_served,
    .guest_may_come = guests_may_come,
    .guest_may_have = guests_may_have,
    .ike_up = ike_up,
    .redirect = redirect_ask,
    .try_next = try_next,
    .addresses = addresses,
    .moved = moved,
    .ike_down = ike_down,
    .child_up = child_up,
    .child_down = child_down,
    .needs_child = needs_child,
    .child_failed = child_failed,
    .rekey_failed = rekey_failed,
    .log = log_line_of,
};
