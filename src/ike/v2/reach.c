/* SPDX-License-Identifier: Apache-2.0 */
/* Return routability (RFC 4555 section 3.7): COOKIE2, and the check that a responder makes before its ESP
 * goes to a new address of the peer: one that UPDATE_SA_ADDRESSES came from, or one that authentic ESP came
 * from when the NAT in front of the peer has changed its mind (section 3.8, RFC 7296 section 2.23).
 *
 * Who rewrites the source of a packet on its way can make us ask elsewhere, and no more: after some
 * repetitions without an answer the request goes to the address that is known to work, too, and an answer
 * from there ends it. */
#include "crypto/random.h"
#include "ike/v2/path.h"

#define ALONE_MAX 5 /* transmissions to the new address before the old one gets the request, too */

void cookie2_put(struct build *b, struct exchange *x)
{
    crypto_random(x->cookie2, sizeof(x->cookie2));
    build_notify(b, N_COOKIE2, PROTO_NONE, span_of(NULL, 0), span_of(x->cookie2, sizeof(x->cookie2)));
}

enum cookie2 cookie2_check(const struct exchange *x)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_COOKIE2);
    if (!n)
        return COOKIE2_MISSING;
    return span_equal(n->data, span_of(x->cookie2, sizeof(x->cookie2))) ? COOKIE2_GOOD : COOKIE2_WRONG;
}

/* A check that is under way goes on at the new place, and is repeated alone afterwards [RFC4555#3.7]. */
static void redirect(struct ike_env *env, struct ike_sa *sa, const struct path *path)
{
    struct retransmit schedule = schedule_of(sa);
    sa->own.is_spread = true;
    sa->own.local = path->local;
    sa->own.remote = path->remote;
    outstanding_restart(&sa->own.out, env->now.mono, &schedule);
    send_over(env, sa, path, &sa->own.out.bytes);
}

void reach_check(struct ike_env *env, struct ike_sa *sa, const struct path *path, const struct nat_view *v)
{
    struct mobike *m = &sa->mobike;
    struct path now = path_of(sa);
    bool is_asking = sa->own.kind == X_ROUTABILITY;
    if (is_asking && path_equal(&m->target, path))
        return;
    m->target = *path;
    m->found = *v;
    m->changed_at = env->now.mono;
    if (is_asking) {
        redirect(env, sa, path);
        return;
    }
    ike_sa_queue(sa, (struct task){.kind = X_ROUTABILITY});
    if (sa->own.kind == X_NONE)
        return;
    /* it may wait for an answer to what went to where the peer is not, and holds the check up */
    m->paths[0] = path_equal(&now, path) ? sa->esp : *path;
    m->n_paths = 1;
    m->is_in_doubt = true;
}

/* The peer spoke from where it said that it is, and that could not be shown before. */
void reach_again(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                 const struct endpoint *remote)
{
    struct mobike *m = &sa->mobike;
    struct path here = {.local = *local, .remote = *remote};
    if (!m->is_on || sa->was_initiator || !ike_sa_is_up(sa) || !path_equal(&here, &m->wanted) ||
        endpoint_equal(remote, &sa->esp.remote) || ike_sa_has_task(sa, X_ROUTABILITY, 0))
        return;
    reach_check(env, sa, &here, &m->found);
}

void reach_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct exchange *x = &sa->own;
    struct build b;
    (void)t;
    if (endpoint_equal(&sa->mobike.target.remote, &sa->esp.remote)) /* settled meanwhile */
        return;
    exchange_begin(sa, x, X_ROUTABILITY);
    x->is_directed = true;
    x->local = sa->mobike.target.local;
    x->remote = sa->mobike.target.remote;
    chain_begin(env, &b);
    cookie2_put(&b, x);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(x);
}

void reach_resend(struct ike_env *env, struct ike_sa *sa, const struct datagrams *d)
{
    struct path asked = {.local = sa->own.local, .remote = sa->own.remote};
    send_over(env, sa, &asked, d);
    if (sa->own.out.sent <= ALONE_MAX)
        return;
    sa->own.is_spread = true;
    send_over(env, sa, &sa->esp, d);
}

static void give_up(struct ike_env *env, struct ike_sa *sa, const struct path *asked)
{
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    sa_log(env, sa, LOG_WARN, "the peer does not receive at %s: staying with %s",
           endpoint_format(&asked->remote, from), endpoint_format(&sa->esp.remote, to));
    sa->local = sa->esp.local;
    sa->remote = sa->esp.remote;
    sa->mobike.n_paths = 0;
    sa->mobike.is_in_doubt = false;
}

void reach_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct mobike *m = &sa->mobike;
    struct path asked = {.local = x->local, .remote = x->remote};
    enum cookie2 cookie = cookie2_check(x);
    bool is_spread = x->is_spread, is_back = endpoint_equal(&x->came_from, &sa->esp.remote);
    struct diag d;
    exchange_end(x);
    if (!ike_sa_is_up(sa))
        return;
    if (cookie == COOKIE2_WRONG) {
        diag_clear(&d);
        diag_set(&d, FAIL_GENERIC, "the peer answers with a COOKIE2 that we did not send");
        sa_log_diag(env, sa, LOG_ERR, &d);
        delete_ike(env, sa, &d);
        return;
    }
    if (!path_equal(&asked, &m->target) || (is_spread && !is_back)) { /* it has moved on, or may be there */
        ike_sa_queue(sa, (struct task){.kind = X_ROUTABILITY});
        return;
    }
    if (is_spread || cookie == COOKIE2_MISSING) {
        give_up(env, sa, &asked);
        return;
    }
    m->n_paths = 0;
    m->is_in_doubt = false;
    sa->local = asked.local;
    sa->remote = asked.remote;
    mobike_commit(env, sa, &m->found);
}
