/* SPDX-License-Identifier: Apache-2.0 */
/* Liveness (RFC 7296 section 2.4): an empty INFORMATIONAL when nothing has been heard for dpd_delay. Its own,
 * short schedule: a peer that has lost its state must be noticed within 15 seconds, so that traffic flows
 * again within 30 with dpd_delay 10 s. */
#include "ike/v2/child.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"

/* 14 transmissions in 14 seconds, from 0.5 to 1.7 s apart: with a quarter of all packets lost one living peer
 * in 100000 is taken for dead. */
struct retransmit liveness_schedule(void)
{
    return (struct retransmit){.timeout = TIME_SECOND / 2, .base = 1.1, .tries = 13};
}

/* Repetitions of IKE_AUTH over port 4500 before it is tried without: 24 s with the usual settings. With a
 * quarter of all packets lost one attempt in twelve gives up port 4500 for nothing; with 2 % one in 16000. */
#define AUTH_OVER_UDP_TRIES 2

/* A responder forgets a half-open IKE SA after 30 s, as we do and others. Who repeats IKE_AUTH for longer
 * than that repeats it for nothing, and begins anew: once, and then waits as for anything else, since a peer
 * may be slow (it looks for revocations, asks RADIUS) and would be asked anew again and again. */
#define HALF_OPEN_ENDS (40 * TIME_SECOND)

static void end_when_forgotten(struct retransmit *r)
{
    struct retransmit less = *r;
    for (less.tries = 0; less.tries < r->tries && retransmit_total(&less) < HALF_OPEN_ENDS;)
        less.tries++;
    *r = less;
}

static bool is_before_auth(const struct ike_sa *sa)
{
    return sa->own.kind == X_AUTH || sa->own.kind == X_INTERMEDIATE;
}

bool liveness_is_forgotten(const struct ike_sa *sa)
{
    return is_before_auth(sa) && !sa->is_patient && schedule_of(sa).tries < sa->schedule.tries;
}

/* Repetitions of IKE_SA_INIT when the peer has other addresses to be tried, or of IKE_SESSION_RESUME: 12 s
 * for each. */
#define INIT_ELSEWHERE_TRIES 2

/* [RFC4555#3.11] an initiator that is on its way finds a path by itself: 25 repetitions, at most 20 s apart,
 * in 5 minutes. A peer with an address of its own is another gateway, which is not waited for. */
static const struct retransmit mobile_schedule = {
    .timeout = TIME_SECOND / 2, .base = 1.3, .tries = 25, .limit = 20 * TIME_SECOND};

static bool waits_for_mobile_peer(const struct ike_sa *sa)
{
    return sa->mobike.is_on && !sa->was_initiator && !sa->conn->resolved_remote.family;
}

/* Nobody should wait minutes for the end of what is to end, nor for a port that encap = auto chose and a
 * firewall shuts. */
struct retransmit schedule_of(const struct ike_sa *sa)
{
    return schedule_for(sa, &sa->own);
}

struct retransmit schedule_for(const struct ike_sa *sa, const struct exchange *x)
{
    enum exchange_kind k = x->kind;
    bool is_short = k == X_LIVENESS || k == X_DELETE_IKE || k == X_AUTH_FAILED || k == X_UPDATE_ADDRESSES ||
                    k == X_ROUTABILITY || k == X_ADDRESSES || k == X_CRASH_TOKEN || k == X_TICKET ||
                    k == X_WINDOW_SIZE;
    struct retransmit r = is_short ? liveness_schedule() : sa->schedule;
    if (sa->state == IKE_DELETING) /* what is under way holds the Delete up */
        return liveness_schedule();
    if (waits_for_mobile_peer(sa) && k != X_DELETE_IKE && !sa->remote.stream)
        return mobile_schedule;
    if (is_before_auth(sa) && !sa->is_patient)
        end_when_forgotten(&r);
    if (intermediate_is_first(sa) && natd_is_by_choice(sa) && r.tries > AUTH_OVER_UDP_TRIES)
        r.tries = AUTH_OVER_UDP_TRIES;
    if (k == X_INIT && (sa->conn->n_further || sa->resume)) {
        r.timeout = time_min(r.timeout, 2 * TIME_SECOND);
        r.tries = r.tries < INIT_ELSEWHERE_TRIES ? r.tries : INIT_ELSEWHERE_TRIES;
    }
    return tcp_schedule(sa, k, r);
}

static int64_t last_since(const struct ike_sa *sa, int64_t at)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link) at = c->last_in > at ? c->last_in : at;
    return at;
}

static int64_t last_heard(const struct ike_sa *sa)
{
    return last_since(sa, sa->last_in);
}

/* What a NAT in front of us lets in may be answers alone: that the peer finds us with what it begins, and
 * with ESP, is to be seen of those, or of where it says that it sees us [RFC4555#3.8]. */
static int64_t last_found(const struct ike_sa *sa)
{
    bool asks = sa->mobike.is_on && sa->was_initiator && sa->has_nat_local;
    return asks ? last_since(sa, sa->mobike.found_at) : last_heard(sa);
}

void liveness_due(struct ike_env *env, struct ike_sa *sa)
{
    int64_t delay = sa->conn->dpd_delay, next = last_found(sa) + delay;
    if (next > env->now.mono || sa->own.kind != X_NONE ||
        overlap_is_busy(sa)) { /* an exchange under way asks the same */
        sa->dpd_at = next > env->now.mono ? next : env->now.mono + delay;
        return;
    }
    sa->dpd_at = env->now.mono + delay;
    ike_sa_queue(sa, (struct task){.kind = X_LIVENESS});
}

/* No answer came, but something else that only the peer can have sent since: it lives. The request goes on.
 */
bool liveness_goes_on(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->own.kind != X_LIVENESS || sa->state == IKE_DELETING || last_heard(sa) <= sa->own.begun_at)
        return false;
    struct retransmit r = schedule_of(sa);
    sa->own.begun_at = env->now.mono;
    outstanding_restart(&sa->own.out, env->now.mono, &r);
    return true;
}

void liveness_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_LIVENESS);
    sa->own.begun_at = env->now.mono;
    chain_begin(env, &b);
    if (sa->mobike.is_on && sa->was_initiator) { /* [RFC4555#3.8] */
        struct path path = path_of(sa);
        natd_put_path(&b, sa, &path);
    }
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void liveness_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    mobike_compare(env, sa, x);
    exchange_end(x);
}
