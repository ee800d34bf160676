/* SPDX-License-Identifier: Apache-2.0 */
/* What an IKE SA does when time has passed (RFC 7296 sections 2.1, 2.4, 2.8): requests without an answer are
 * repeated and given up, it is rekeyed, renewed and ended. */
#include "ike/v2/child.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/followup.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/resume.h"

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
    env->host->alert(env, sa, ALERT_RETRANSMIT_SEND_TIMEOUT);
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
    if (x->kind == X_INIT)
        env->host->alert(env, sa, ALERT_PEER_INIT_UNREACHABLE);
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
        env->host->alert(env, sa, ALERT_RETRANSMIT_SEND);
        sa_log(env, sa, LOG_NOTICE, "no answer to request %u (%s) yet: sending it again, %u of %u times",
               x->out.id, exchange_kind_name(x->kind), x->out.sent - 1, schedule.tries);
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
    env->host->alert(env, sa, ALERT_HALF_OPEN_TIMEOUT);
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
        bool renews = sa->duplicate_at > now, is_expired = renews && sa->expires_at <= now;
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
        if (is_expired)
            env->host->alert(env, sa, ALERT_IKE_SA_EXPIRED);
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
