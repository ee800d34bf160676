/* SPDX-License-Identifier: Apache-2.0 */
/* The life of an IKE SA: making, timers, the queue of exchanges that wait for their turn, the end (RFC 7296
 * sections 2.1, 2.3, 2.4, 2.8). What the exchanges do is in the files named after them. */
#include "crypto/random.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/overlap.h"
#include "ike/v2/resume.h"
#include <stdlib.h>

#define SA_ARENA 65536

int64_t jittered(int64_t span, int64_t jitter)
{
    if (span <= 0 || jitter <= 0)
        return span;
    uint64_t r;
    crypto_random(&r, sizeof(r));
    return span - (int64_t)(r % (uint64_t)(jitter < span ? jitter + 1 : span));
}

struct ike_sa *ike_sa_new(struct ike_env *env, const struct connection *conn, bool is_initiator)
{
    struct ike_sa *sa = mem_new(sizeof(*sa));
    sa->id = env->host->new_id(env->ctx);
    sa->generation = 1;
    sa->config = config_ref(env->config);
    sa->conn = conn;
    sa->arena = arena_new(SA_ARENA);
    sa->state = IKE_CREATED;
    sa->is_initiator = sa->was_initiator = is_initiator;
    sa->own.is_own = true;
    sa->schedule = retransmit_from(&sa->config->settings);
    list_init(&sa->children);
    list_init(&sa->followups);
    list_init(&sa->held);
    sa->created_at = sa->last_in = sa->last_out = env->now.mono;
    sa->rekey_at = sa->reauth_at = sa->expires_at = sa->give_up_at = sa->auth_ends_at = TIME_NEVER;
    sa->dpd_at = sa->keepalive_at = sa->duplicate_at = sa->ticket_at = TIME_NEVER;
    return sa;
}

void exchange_begin(struct ike_sa *sa, struct exchange *x, enum exchange_kind kind)
{
    (void)sa;
    x->kind = kind;
    if (!x->tx)
        x->tx = arena_new(EXCHANGE_CAP);
}

void exchange_end(struct exchange *x)
{
    bool is_own = x->is_own;
    outstanding_done(&x->out);
    reassembly_reset(&x->frags);
    arena_free(x->tx);
    arena_free(x->rx);
    secret_free(&x->ke_private);
    secret_free(&x->ke_public);
    secret_free(&x->shared);
    secret_free(&x->additional);
    secret_free(&x->first);
    secret_free(&x->auth_data);
    secret_free(&x->crash_token);
    memset(x, 0, sizeof(*x));
    x->is_own = is_own;
}

static void child_free(struct child_sa *c)
{
    if (c->waiting) {
        secret_wipe(c->waiting, sizeof(*c->waiting));
        free(c->waiting);
    }
    free(c);
}

void ike_sa_free(struct ike_sa *sa)
{
    struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        list_remove(&c->link);
        child_free(c);
    }
    followup_drop_all(sa);
    overlap_end(sa);
    free(sa->more);
    overlap_forget(sa);
    exchange_end(&sa->peer);
    reassembly_reset(&sa->in_request);
    window_deinit(&sa->window);
    sealer_deinit(&sa->sealer);
    cipher_free(sa->opener);
    ike_keys_deinit(&sa->keys);
    ppk_deinit(&sa->ppk);
    secret_free(&sa->init_request);
    secret_free(&sa->init_response);
    secret_free(&sa->cookie);
    secret_free(&sa->crash_token);
    secret_free(&sa->ticket);
    resumption_free(sa->resume);
    arena_free(sa->rounds.rx);
    arena_free(sa->arena);
    config_unref(sa->config);
    secret_wipe(sa, sizeof(*sa));
    free(sa);
}

bool ike_sa_is_up(const struct ike_sa *sa)
{
    return !sa->is_dead && (sa->state == IKE_ESTABLISHED || sa->state == IKE_REKEYING);
}

bool ike_sa_set_keys(struct ike_sa *sa, struct ike_keys *keys, const struct chosen *chosen)
{
    struct cipher *ours = ike_keys_cipher(keys, chosen, sa->is_initiator);
    struct cipher *theirs = ike_keys_cipher(keys, chosen, !sa->is_initiator);
    if (!ours || !theirs) {
        cipher_free(ours);
        cipher_free(theirs);
        ike_keys_deinit(keys);
        return false;
    }
    ike_keys_deinit(&sa->keys);
    sealer_deinit(&sa->sealer);
    cipher_free(sa->opener);
    sa->keys = *keys;
    memset(keys, 0, sizeof(*keys));
    sa->chosen = *chosen;
    sealer_init(&sa->sealer, ours);
    sa->opener = theirs;
    return true;
}

void ike_sa_established(struct ike_env *env, struct ike_sa *sa, uint64_t old_id)
{
    const struct connection *conn = sa->conn;
    int64_t now = env->now.mono;
    sa->state = IKE_ESTABLISHED;
    sa->was_up = true;
    sa->established_at = sa->last_in = now;
    sa->give_up_at = TIME_NEVER;
    sa->esp = sa->mobike.target = path_of(sa);
    sa->mobike.found_at = now;
    if (!sa->mobike.udp_at) /* else it is what replaces another */
        tcp_stays(env, sa);
    if (conn->rekey_time)
        sa->rekey_at = now + jittered(conn->rekey_time, conn->rand_time);
    if (!old_id)
        lifetime_begin(sa, now);
    resume_established(env, sa);
    int64_t soft = time_min(sa->rekey_at, sa->reauth_at);
    if (soft != TIME_NEVER && conn->over_time)
        sa->expires_at = time_min(sa->rekey_at, sa->reauth_at) + conn->over_time + conn->rand_time;
    sa->expires_at = time_min(sa->expires_at, sa->auth_ends_at);
    if (conn->dpd_delay)
        sa->dpd_at = now + conn->dpd_delay;
    if (sa->has_nat_local && sa->config->settings.keep_alive)
        sa->keepalive_at = now + sa->config->settings.keep_alive;
    secret_free(&sa->init_request);
    secret_free(&sa->init_response);
    secret_free(&sa->cookie);
    secret_wipe(&sa->int_auth, sizeof(sa->int_auth));
    arena_free(sa->rounds.rx);
    sa->rounds.rx = NULL;
    env->host->ike_up(env, sa, old_id);
}

static void end_children(struct ike_env *env, struct ike_sa *sa)
{
    struct child_sa *c;
    list_each(c, &sa->children, link) child_end(env, c);
}

static void stop(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    static const struct diag none;
    rekey_ike_inherit(env, sa); /* while ours had no answer the peer's replacement came */
    if (!sa->is_lingering && sa->state != IKE_DELETING && sa->state != IKE_REKEYED)
        env->host->ike_down(env, sa, why ? why : &none);
    if (sa->state != IKE_DELETING)
        rekey_ike_ends(env, sa, false);
    end_children(env, sa);
    cfg_release(env, sa);
    followup_drop_all(sa);
    sa->n_tasks = 0;
}

void ike_sa_end(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (sa->is_dead)
        return;
    stop(env, sa, why);
    sa->state = IKE_DELETING;
    sa->is_dead = true;
}

void ike_sa_linger(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (sa->is_dead || sa->is_lingering)
        return;
    stop(env, sa, why);
    sa->state = IKE_DELETING;
    sa->is_lingering = true;
    overlap_end(sa);
    sa->give_up_at = env->now.mono + LINGER;
}

bool ike_sa_has_task(const struct ike_sa *sa, enum exchange_kind kind, uint64_t child_id)
{
    if (sa->own.kind == kind && (!child_id || sa->own.old_child == child_id))
        return true;
    if (kind == X_NEW_CHILD && overlap_is_busy(sa))
        return true;
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (sa->tasks[i].kind == kind && sa->tasks[i].child_id == child_id)
            return true;
    }
    return false;
}

static bool queued(const struct ike_sa *sa, const struct task *t)
{
    for (size_t i = 0; i < sa->n_tasks; i++) {
        const struct task *o = &sa->tasks[i];
        if (o->kind == t->kind && o->child_id == t->child_id && o->cfg == t->cfg)
            return true;
    }
    return false;
}

bool ike_sa_queue(struct ike_sa *sa, struct task t)
{
    if (sa->n_tasks == IKE_TASKS_MAX || sa->is_lingering || queued(sa, &t))
        return false;
    sa->tasks[sa->n_tasks++] = t;
    return true;
}

/* While the peer is replacing the IKE SA its children are about to move [RFC7296#2.25.2]; while it is
 * replacing a child, or making one, that is waited for; while two replacements contend the children are with
 * neither. */
static bool is_held_back(const struct ike_sa *sa, const struct task *t)
{
    bool is_child = t->kind == X_NEW_CHILD || t->kind == X_REKEY_CHILD || t->kind == X_DELETE_CHILD;
    bool is_late = sa->is_contested && t->kind != X_DELETE_IKE && t->kind != X_LIVENESS;
    bool moves = rekey_ike_by_peer(sa);
    return is_late || !(exchange_own(t->kind)->states >> sa->state & 1) || (is_child && moves) ||
           (t->kind == X_REKEY_CHILD && rekey_child_by_peer(sa, t->child_id)) ||
           (t->kind == X_REKEY_IKE && (moves || followup_waits_any(sa)));
}

static int64_t not_before(const struct ike_sa *sa, const struct task *t)
{
    bool is_of_child = t->kind == X_REKEY_CHILD || t->kind == X_DELETE_CHILD;
    const struct child_sa *c = is_of_child ? child_find(sa, t->child_id) : NULL;
    int64_t unsure = c ? child_is_unsure(c) : 0;
    return unsure > t->not_before ? unsure : t->not_before;
}

static bool may_start(const struct ike_sa *sa, const struct task *t, int64_t now)
{
    return not_before(sa, t) <= now && !is_held_back(sa, t) && overlap_has_place(sa, t->kind);
}

void ike_sa_advance(struct ike_env *env, struct ike_sa *sa)
{
    overlap_release(env, sa);
    overlap_send_parked(env, sa);
    while (!sa->is_dead && !sa->is_lingering) {
        size_t best = sa->n_tasks;
        for (size_t i = 0; i < sa->n_tasks; i++) {
            if (may_start(sa, &sa->tasks[i], env->now.mono) &&
                (best == sa->n_tasks ||
                 exchange_own(sa->tasks[i].kind)->priority < exchange_own(sa->tasks[best].kind)->priority))
                best = i;
        }
        if (best == sa->n_tasks)
            return;
        struct task t = sa->tasks[best];
        sa->n_tasks--;
        memmove(&sa->tasks[best], &sa->tasks[best + 1], (sa->n_tasks - best) * sizeof(t));
        exchange_own(t.kind)->start(env, sa, &t);
    }
}

static int64_t tasks_deadline(const struct ike_sa *sa)
{
    int64_t at = TIME_NEVER;
    if (sa->is_lingering)
        return at;
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (!is_held_back(sa, &sa->tasks[i]) && overlap_has_place(sa, sa->tasks[i].kind))
            at = time_min(at, not_before(sa, &sa->tasks[i]));
    }
    return at;
}

int64_t ike_sa_deadline(const struct ike_sa *sa)
{
    /* of an SA that is up; one that is replaced or going has only its end before it: see ike_sa_tick() */
    const int64_t life[] = {sa->rekey_at,     sa->reauth_at,    sa->expires_at, sa->dpd_at,
                            sa->keepalive_at, sa->duplicate_at, sa->ticket_at,  tcp_leaves_at(sa)};
    int64_t at = time_min(sa->give_up_at, time_min(tasks_deadline(sa), overlap_deadline(sa)));
    at = time_min(at, followup_deadline(sa));
    for (size_t i = 0; ike_sa_is_up(sa) && i < ARRAY_LEN(life); i++)
        at = time_min(at, life[i]);
    const struct child_sa *c;
    list_each(c, &sa->children, link) at = time_min(at, child_deadline(c));
    return at;
}

/* encap = auto took IKE to port 4500, and nothing comes back from there: once more without. */
static bool starts_again_without_udp(struct ike_env *env, struct ike_sa *sa)
{
    char ip[IP_TEXT_MAX];
    if (!intermediate_is_first(sa))
        return false;
    if (!natd_is_by_choice(sa)) {
        if (sa->stays_on_500) /* that was not it */
            env->host->note_udp(env, sa->remote.ip, true);
        return false;
    }
    sa_log(env, sa, LOG_WARN,
           "no answer from %s to %s, though IKE_SA_INIT was answered: UDP port %u does not seem to "
           "pass. Starting again without %s",
           endpoint_format(&sa->remote, ip), exchange_kind_name(sa->own.kind), sa->remote.port,
           sa->conn->encap == ENCAP_AUTO ? "ESP in UDP (encap = auto)" : "MOBIKE");
    env->host->note_udp(env, sa->remote.ip, false);
    sa->starts_again = true;
    ike_sa_end(env, sa, NULL);
    return true;
}

/* [RFC4555#3.1] */
static bool starts_again_elsewhere(struct ike_env *env, struct ike_sa *sa)
{
    char ip[IP_TEXT_MAX];
    if (sa->own.kind != X_INIT || !env->host->try_next(env, sa))
        return false;
    sa_log(env, sa, LOG_NOTICE, "no answer from %s to IKE_SA_INIT: trying the peer's next address",
           endpoint_format(&sa->remote, ip));
    sa->starts_again = true;
    ike_sa_end(env, sa, NULL);
    return true;
}

static bool starts_again_forgotten(struct ike_env *env, struct ike_sa *sa)
{
    char ip[IP_TEXT_MAX];
    if (!liveness_is_forgotten(sa))
        return false;
    sa_log(env, sa, LOG_NOTICE,
           "no answer from %s to %s: it has forgotten the half-open IKE SA by now. Beginning anew",
           endpoint_format(&sa->remote, ip), exchange_kind_name(sa->own.kind));
    sa->starts_again = sa->is_forgotten = true;
    ike_sa_end(env, sa, NULL);
    return true;
}

static void unanswered(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    char ip[IP_TEXT_MAX];
    struct diag d;
    diag_clear(&d);
    env->stats->timeouts++;
    unsigned tries = schedule_for(sa, x).tries + 1;
    if (x->kind == X_DELETE_IKE || x->kind == X_AUTH_FAILED) {
        ike_sa_end(env, sa, NULL);
        return;
    }
    if (starts_again_without_udp(env, sa) || starts_again_elsewhere(env, sa) || tcp_falls_back(env, sa) ||
        starts_again_forgotten(env, sa))
        return;
    diag_set(&d, FAIL_UNREACHABLE, "no answer from %s to %s", endpoint_format(&sa->remote, ip),
             exchange_kind_name(x->kind));
    diag_got(&d, "nothing to %u transmissions", tries);
    diag_where_of(&d, &sa->conn->origins, "remote_addrs");
    if (sa->remote.stream)
        diag_try(&d, "TCP port %u was answered: is it IKE that listens there?", sa->remote.port);
    else if (x->kind == X_INIT)
        diag_try(&d, "is the peer running there, and does UDP port %u reach it in both directions?",
                 sa->remote.port);
    else if (x->kind == X_AUTH || x->kind == X_INTERMEDIATE)
        diag_try(&d, "IKE_SA_INIT was answered: does UDP port %u pass, and do large packets (fragmentation)?",
                 sa->remote.port);
    else
        diag_try(&d, "the peer was there before: is it down, or the path to it?");
    sa_log_diag(env, sa, LOG_ERR, &d);
    ike_sa_end(env, sa, &d);
}

static void tick_exchange(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct datagrams again = {0};
    if (outstanding_deadline(&x->out) > env->now.mono)
        return;
    if (sa->state != IKE_DELETING && path_is_stranded(env, sa)) {
        x->out.due = env->now.mono + TIME_SECOND;
        path_ask(env, sa); /* what was answered last may have been old news */
        return;
    }
    struct retransmit schedule = schedule_for(sa, x);
    switch (outstanding_tick(&x->out, env->now.mono, &schedule, &again)) {
    case TICK_RESEND:
        env->stats->retransmitted++;
        sa_log(env, sa, LOG_DETAIL, "sending %s again", exchange_kind_name(x->kind));
        path_resend(env, sa, x, &again);
        break;
    case TICK_GIVE_UP:
        if (!liveness_goes_on(env, sa))
            unanswered(env, sa, x);
        break;
    case TICK_NOTHING:
        break;
    }
}

static void tick_window(struct ike_env *env, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; !sa->is_dead && (x = overlap_at(sa, i)); i++)
        tick_exchange(env, sa, x);
}

static void tick_give_up(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->give_up_at > env->now.mono)
        return;
    sa->give_up_at = TIME_NEVER;
    if (sa->is_lingering) {
        sa->is_dead = true;
        return;
    }
    if (sa->state == IKE_REKEYED) { /* the peer did not delete it */
        ike_sa_end(env, sa, NULL);
        return;
    }
    if (sa->is_initiator) {
        init_give_up(env, sa);
        return;
    }
    struct diag d;
    diag_clear(&d);
    if (natd_is_by_choice(sa)) /* perhaps it tried to, over port 4500 */
        env->host->note_udp(env, sa->remote.ip, false);
    diag_set(&d, FAIL_UNREACHABLE, "the peer did not go on after %s",
             sa->rounds.theirs ? "a round of authentication" : "IKE_SA_INIT");
    if (env->host->may_complain(env))
        sa_log_diag(env, sa, LOG_NOTICE, &d);
    ike_sa_end(env, sa, &d);
}

static void tick_lifetime(struct ike_env *env, struct ike_sa *sa)
{
    int64_t now = env->now.mono;
    bool is_handled = (sa->duplicate_at <= now && renew_over(env, sa)) ||
                      (sa->expires_at > now && sa->reauth_at <= now && renew_due(env, sa));
    if (!is_handled && (sa->expires_at <= now || sa->reauth_at <= now || sa->duplicate_at <= now)) {
        struct diag d;
        diag_clear(&d);
        bool renews = sa->duplicate_at > now;
        sa->is_double = !renews && sa->was_initiator;
        if (renews && lifetime_is_over(env, sa, &d))
            sa_log_diag(env, sa, LOG_WARN, &d);
        else
            sa_log(env, sa, LOG_NOTICE, "IKE SA %llu: %s", (unsigned long long)sa->id,
                   sa->duplicate_at <= now ? "a newer one to the same peer stays"
                   : sa->reauth_at <= now  ? "authenticating again (the SA is made anew)"
                                           : "lifetime is over");
        sa->expires_at = sa->reauth_at = sa->duplicate_at = TIME_NEVER;
        if (renews && !diag_failed(&d)) /* down and to be brought up again: not what an operator asked for */
            diag_set(&d, FAIL_GENERIC, "the IKE SA's lifetime is over");
        sa->is_renewing = renews;
        delete_ike(env, sa, &d);
        return;
    }
    if (sa->rekey_at <= now) {
        sa->rekey_at = TIME_NEVER;
        ike_sa_queue(sa, (struct task){.kind = X_REKEY_IKE});
    }
    if (sa->dpd_at <= now)
        liveness_due(env, sa);
    if (sa->ticket_at <= now) {
        sa->ticket_at = TIME_NEVER;
        resume_ask(sa);
    }
    if (sa->keepalive_at <= now)
        natd_keepalive(env, sa);
    tcp_leave(env, sa);
}

void ike_sa_tick(struct ike_env *env, struct ike_sa *sa)
{
    struct child_sa *c;
    if (!sa->is_dead)
        tick_give_up(env, sa);
    if (!sa->is_dead)
        tick_window(env, sa);
    if (ike_sa_is_up(sa))
        tick_lifetime(env, sa);
    if (sa->is_dead)
        return;
    followup_tick(env, sa);
    list_each(c, &sa->children, link) child_tick(env, c);
    if (sa->is_idle)
        delete_ike(env, sa, NULL);
}
