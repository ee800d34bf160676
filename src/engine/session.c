/* SPDX-License-Identifier: Apache-2.0 */
/* Session resumption (RFC 5723), the part that outlives an IKE SA: what a lost one leaves for the next
 * attempt of its connection, in memory; and which of our own tickets are no good any more
 * (section 4.3.1, 9.8), as long as the daemon runs. */
#include "engine/impl.h"
#include "ike/v2/resume.h"
#include <stdlib.h>

#define USED_TICKETS 4096 /* the oldest is forgotten first, and expires within the hour anyway */

/* An attempt that had no answer at all may have failed for the ticket: every other one goes without. */
void session_give(struct ike_env *env, struct conn_run *r, struct ike_sa *sa)
{
    bool rests = r->session_rests;
    r->session_rests = false;
    if (!r->session || rests)
        return;
    if (resume_may(r->session, r->conn, env->now.mono)) {
        sa->resume = r->session;
        if (!sa->resume->was_refused)
            sa->resume->is_auth_short = r->has_short_auth;
    } else {
        resumption_free(r->session);
    }
    r->session = NULL;
}

static void put_back(struct conn_run *r, struct resumption *session, bool rests)
{
    resumption_free(r->session);
    r->session = session;
    r->session_rests = rests;
}

/* sa goes, and was not replaced. is_lost: the peer did not answer, or has lost it. */
void session_keep(struct ike_env *env, struct conn_run *r, struct ike_sa *sa, bool is_lost)
{
    static const uint8_t none[sizeof(sa->ticket_given)];
    if (sa->was_up && !is_lost && memcmp(sa->ticket_given, none, sizeof(none)))
        session_use_ticket(env, sa->ticket_given);
    if (!r || !sa->was_initiator)
        return;
    bool is_silent = is_lost && sa->own.kind == X_INIT;
    if (!sa->was_up && sa->resume && (is_silent || sa->resume->tries_again)) {
        put_back(r, sa->resume, is_silent);
        sa->resume->tries_again = false;
        sa->resume = NULL;
        return;
    }
    if (!is_lost)
        return;
    struct resumption *left = sa->was_up ? resume_keep(sa, env->now.mono) : NULL;
    if (left)
        put_back(r, left, false);
}

void session_up(struct ike_env *env, const struct ike_sa *sa)
{
    struct conn_run *r = sa->is_resumed ? conn_run_of(engine_of(env), sa->conn) : NULL;
    if (r)
        r->has_short_auth = sa->has_short_auth;
}

static uint64_t mark_of(const uint8_t *id)
{
    uint64_t mark;
    memcpy(&mark, id, sizeof(mark));
    return mark;
}

bool session_is_ticket_used(void *ctx, const uint8_t *id)
{
    const struct engine *e = ctx;
    for (size_t i = 0; e->used_tickets && i < USED_TICKETS; i++) {
        if (e->used_tickets[i] == mark_of(id))
            return true;
    }
    return false;
}

void session_use_ticket(struct ike_env *env, const uint8_t *id)
{
    struct engine *e = engine_of(env);
    if (!e->used_tickets)
        e->used_tickets = mem_new(USED_TICKETS * sizeof(*e->used_tickets));
    e->used_tickets[e->next_used_ticket++ % USED_TICKETS] = mark_of(id);
}
