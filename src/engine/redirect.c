/* SPDX-License-Identifier: Apache-2.0 */
/* Where a connection is begun that a gateway has redirected (RFC 5685 sections 3, 7): at most so many times
 * in so long a time, and only for the IKE SA that is being made. When that fails (and is not to take over
 * from one that is still up), and the next time, it is the configured gateway's turn again. The executor is
 * asked which address the gateway has, and which of ours leads there (ACTION_RESOLVE). */
#include "ike/v2/redirect.h"
#include "engine/impl.h"

#define REDIRECTS_MAX    5 /* [RFC5685#7] */
#define TRIES            3 /* as long as the IKE SA with the old gateway lives */
#define REDIRECTS_PERIOD (300 * TIME_SECOND)

static void not_followed(struct diag *d, const struct ike_sa *sa, const struct gateway *to, const char *why)
{
    char from[IP_TEXT_MAX], text[IP_TEXT_MAX];
    diag_clear(d);
    diag_set(d, FAIL_UNREACHABLE, "%s redirects us to %s, which is not followed: %s",
             ip_format(sa->remote.ip, from), gateway_format(to, text), why);
}

bool redirect_ask(struct ike_env *env, struct ike_sa *sa, const struct gateway *to, struct diag *d)
{
    struct conn_run *r = conn_run_of(engine_of(env), sa->conn);
    if (!r || engine_of(env)->is_shut_down) {
        not_followed(d, sa, to, "the connection is not loaded any more");
        return false;
    }
    if (env->now.mono - r->redirects_since >= REDIRECTS_PERIOD) {
        r->redirects_since = env->now.mono;
        r->n_redirects = 0;
    }
    if (r->n_redirects == REDIRECTS_MAX) {
        not_followed(d, sa, to, "that is too often, perhaps a circle");
        return false;
    }
    r->n_redirects++;
    r->redirect_tries = 1;
    struct resolve_query *q = arena_calloc(env->out->arena, 1, sizeof(*q));
    q->ike_id = sa->id;
    q->connection = arena_strdup(env->out->arena, sa->conn->name);
    q->host = *to;
    sa->follows_to = *to;
    if (to->name)
        sa->follows_to.name = arena_strdup(sa->arena, to->name);
    outbox_add(env->out, ACTION_RESOLVE)->resolve = q;
    return true;
}

void redirect_answer(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    struct conn_run *r = conn_run_of(engine_of(env), sa->conn);
    const struct gateway to = sa->follows_to;
    struct diag d;
    diag_clear(&d);
    sa->follows_to = (struct gateway){0};
    if (!r || (!to.name && !to.ip.family))
        return;
    if (!n || !v[0].remote.family)
        not_followed(&d, sa, &to, to.name ? "the name has no address" : "no route leads there");
    else if (ip_equal(v[0].remote, sa->remote.ip))
        not_followed(&d, sa, &to, "that is where we are");
    if (!diag_failed(&d)) {
        r->redirected = v[0];
        r->redirected_by = sa->remote.ip;
    }
    if (!redirect_found(env, sa, &d))
        redirect_over(r);
}

/* A gateway that wants to be left says so once; what starts again for another reason stays with its gateway.
 */
void redirect_again(struct conn_run *r, const struct ike_sa *sa)
{
    bool is_sent_on = r->redirected.remote.family != 0;
    if (!sa->redirected_from.family || is_sent_on || (!sa->starts_again && r->redirect_tries >= TRIES))
        return;
    r->redirect_tries += !sa->starts_again;
    struct ip known = r->conn->resolved_local; /* the machine may have moved meanwhile */
    r->redirected = (struct ip_pair){.local = known.family == sa->remote.ip.family ? known : sa->local.ip,
                                     .remote = sa->remote.ip};
    r->redirected_by = sa->redirected_from;
}

void redirect_over(struct conn_run *r)
{
    r->redirected = (struct ip_pair){0};
    r->redirected_by = (struct ip){0};
}
