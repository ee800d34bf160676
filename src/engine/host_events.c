/* SPDX-License-Identifier: Apache-2.0 */
/* What an IKE SA tells its owner (struct ike_host): that it or a child came up, went down or failed. Users
 * see it as events and lines of the log, and the configuration says what follows from it (dpd_action,
 * close_action, attempts that are made again). */
#include "engine/impl.h"
#include "ike/v2/create_child.h"
#include <stdio.h>

static struct event *event(struct ike_env *env, enum event_kind kind, const struct ike_sa *sa)
{
    struct event *ev = &outbox_add(env->out, ACTION_EVENT)->event;
    ev->kind = kind;
    ev->level = LOG_NOTICE;
    ev->connection = arena_strdup(env->out->arena, sa->conn->name);
    ev->ike_id = sa->id;
    ev->command_id = command_waiting_for(engine_of(env), sa->conn);
    ev->ike = engine_keep_ike(env->out->arena, sa);
    return ev;
}

static struct event *child_event(struct ike_env *env, enum event_kind kind, const struct child_sa *c)
{
    struct event *ev = event(env, kind, c->ike);
    ev->child = arena_strdup(env->out->arena, c->cfg->name);
    ev->child_id = c->id;
    ev->child_sa = engine_keep_child(env->out->arena, c);
    return ev;
}

/* Strangers can cause these, too: not many in a second. */
#define ALERTS_PER_SECOND 50

void host_alert(struct ike_env *env, const struct ike_sa *sa, enum alert what)
{
    struct engine *e = engine_of(env);
    if (env->now.mono >= e->alerts_at + TIME_SECOND || env->now.mono < e->alerts_at) {
        e->alerts_at = env->now.mono;
        e->alerts = 0;
    }
    if (e->alerts++ >= ALERTS_PER_SECOND)
        return;
    struct event *ev = sa ? event(env, EVENT_ALERT, sa) : &outbox_add(env->out, ACTION_EVENT)->event;
    ev->kind = EVENT_ALERT;
    ev->alert = what;
}

void host_ike_update(struct ike_env *env, struct ike_sa *sa)
{
    bool is_news =
        sa->was_up && sa->told_remote.ip.family && !sa->is_lingering && !sa->is_dead &&
        (!endpoint_equal(&sa->told_local, &sa->local) || !endpoint_equal(&sa->told_remote, &sa->remote));
    if (is_news) {
        struct event *ev = event(env, EVENT_IKE_UPDATE, sa);
        ev->old_local = sa->told_local;
        ev->old_remote = sa->told_remote;
    }
    sa->told_local = sa->local;
    sa->told_remote = sa->remote;
}

void host_log(struct ike_env *env, const struct connection *conn, uint64_t ike_id, enum log_group group,
              enum log_level level, const char *text)
{
    struct event *ev = &outbox_add(env->out, ACTION_EVENT)->event;
    ev->kind = EVENT_LOG;
    ev->group = group;
    ev->level = level;
    ev->ike_id = ike_id;
    ev->connection = conn ? arena_strdup(env->out->arena, conn->name) : NULL;
    ev->text = arena_strdup(env->out->arena, text);
    ev->command_id = conn ? command_waiting_for(engine_of(env), conn) : 0;
}

#define COMPLAINTS_PER_SECOND 10

bool host_may_complain(struct ike_env *env)
{
    struct engine *e = engine_of(env);
    char text[120];
    if (env->now.mono >= e->complaints_at + TIME_SECOND || env->now.mono < e->complaints_at) {
        if (e->complaints > COMPLAINTS_PER_SECOND) {
            snprintf(text, sizeof(text),
                     "%u more lines about peers that have not authenticated were left out",
                     e->complaints - COMPLAINTS_PER_SECOND);
            host_log(env, NULL, 0, GROUP_NET, LOG_WARN, text);
        }
        e->complaints_at = env->now.mono;
        e->complaints = 0;
    }
    return e->complaints++ < COMPLAINTS_PER_SECOND;
}

void host_ike_up(struct ike_env *env, struct ike_sa *sa, uint64_t old_id)
{
    char local[IP_TEXT_MAX], remote[IP_TEXT_MAX], mine[ID_TEXT_MAX], theirs[ID_TEXT_MAX];
    sa_log(env, sa, LOG_AUDIT, "IKE SA %llu %s between %s[%s] and %s[%s]", (unsigned long long)sa->id,
           old_id ? "rekeyed" : "established", ip_format(sa->local.ip, local),
           identity_format(&sa->local_id, mine), ip_format(sa->remote.ip, remote),
           identity_format(&sa->remote_id, theirs));
    if (sa->has_marker && !sa->remote.stream)
        host_note_udp(env, sa->remote.ip, true);
    struct event *ev = event(env, old_id ? EVENT_IKE_REKEY : EVENT_IKE_UPDOWN, sa);
    sa->told_local = sa->local; /* who hears of it from here on hears where it is */
    sa->told_remote = sa->remote;
    ev->is_up = true;
    ev->old_id = old_id;
    if (old_id)
        ev->old_ike = engine_keep_ike(env->out->arena, engine_sa_by_id(engine_of(env), old_id));
    unique_contact_over(engine_of(env), sa);
    if (!old_id)
        session_up(env, sa);
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
        if (starts || sa->is_double) /* nobody asked for the end of what the other IKE SA does not carry */
            conn_child_again(env, c, true);
        if (traps)
            set_trap_of(env, c);
    }
}

void host_ike_down(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    struct engine *e = engine_of(env);
    struct conn_run *r = conn_run_of(e, sa->conn);
    engine_touch(e, sa);
    unique_contact_over(e, sa);
    session_keep(env, r, sa, why->class == FAIL_UNREACHABLE);
    if (!sa->was_up) {
        event(env, EVENT_IKE_FAILED, sa);
        if (r && sa->was_initiator) {
            streams_judge(env, r, sa);
            r->is_patient = sa->is_forgotten || (sa->starts_again && sa->is_patient);
        }
        if (renew_failed(env, sa)) {
            if (r)
                redirect_again(r, sa);
            return;
        }
        if (r && sa->was_initiator && (sa->starts_again || diag_failed(why)))
            conn_attempt_over(env, r, sa);
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
    sa_log(env, sa, LOG_AUDIT, "IKE SA %llu is down", (unsigned long long)sa->id);
    enum ike_state was = sa->state;
    if (!diag_failed(why)) /* it is deleted, by the peer or by us, and is shown so */
        sa->state = IKE_DELETING;
    event(env, EVENT_IKE_UPDOWN, sa)->is_up = false;
    sa->state = was;
    if (!diag_failed(why) && sa->is_double) {
        act_on_end(env, sa, false);
        if (r)
            conn_schedule(e, r, env->now.mono);
    }
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

static bool differs(const struct ts *is, size_t n_is, const struct ts *asked, size_t n_asked)
{
    bool has_dynamic = false, is_same = n_is == n_asked;
    for (size_t i = 0; i < n_asked; i++) {
        has_dynamic |= asked[i].is_dynamic;
        is_same = is_same && ts_equal(&is[i], &asked[i]);
    }
    return !is_same && !has_dynamic;
}

/* The peer has less than the configuration says. */
static bool is_narrowed(const struct child_sa *c)
{
    return differs(c->ts.local, c->ts.n_local, c->cfg->local_ts, c->cfg->n_local_ts) ||
           differs(c->ts.remote, c->ts.n_remote, c->cfg->remote_ts, c->cfg->n_remote_ts);
}

void host_child_up(struct ike_env *env, struct child_sa *c, uint64_t old_id)
{
    char a[200], b[200], alg[PROPOSAL_TEXT_MAX];
    const struct ike_sa *sa = c->ike;
    sa_log(env, sa, LOG_AUDIT, "child %s %s: SPIs %08x_i %08x_o, %s === %s, %s", c->cfg->name,
           old_id ? "rekeyed" : "established", c->spi_in, c->spi_out,
           ts_list_format(c->ts.local, c->ts.n_local, a, sizeof(a)),
           ts_list_format(c->ts.remote, c->ts.n_remote, b, sizeof(b)), chosen_format(&c->chosen, alg));
    struct event *ev = child_event(env, old_id ? EVENT_CHILD_REKEY : EVENT_CHILD_UPDOWN, c);
    ev->old_id = old_id;
    if (old_id)
        ev->old_child = engine_keep_child(env->out->arena, engine_child_by_id(engine_of(env), old_id));
    else if (is_narrowed(c))
        host_alert(env, sa, ALERT_TS_NARROWED);
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

void host_child_down(struct ike_env *env, struct child_sa *c)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), c->ike, c->cfg, &run);
    sa_log(env, c->ike, LOG_AUDIT, "child %s is down", c->cfg->name);
    child_event(env, EVENT_CHILD_UPDOWN, c);
    if (c->per_cpu.is_further)
        return;
    if (c->is_missed) {
        conn_child_again(env, c, false);
        if (r)
            conn_schedule(engine_of(env), r, env->now.mono);
        return;
    }
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

void host_child_failed(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg,
                       const struct diag *why)
{
    struct child_run *run;
    struct conn_run *r = conn_run_of_child(engine_of(env), sa, cfg, &run);
    if (r)
        command_failed(env, r->conn, cfg, why);
    if (why->class == FAIL_PROPOSAL || why->class == FAIL_SELECTORS)
        host_alert(env, sa, why->class == FAIL_PROPOSAL ? ALERT_PROPOSAL_MISMATCH_CHILD : ALERT_TS_MISMATCH);
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
    else
        host_alert(env, sa, ALERT_KEEP_ON_CHILD_FAILURE);
}

#define REKEY_AGAIN (15 * TIME_SECOND)

void host_rekey_failed(struct ike_env *env, struct ike_sa *sa, uint64_t child_id, const struct diag *why)
{
    struct child_sa *c = child_id ? child_find(sa, child_id) : NULL;
    command_rekey_failed(env, child_id ? WAIT_CHILD : WAIT_IKE, child_id ? child_id : sa->id, why);
    if (c)
        c->rekey_at = env->now.mono + jittered(REKEY_AGAIN, REKEY_AGAIN / 2);
    else if (!child_id)
        sa->rekey_at = env->now.mono + jittered(REKEY_AGAIN, REKEY_AGAIN / 2);
}
