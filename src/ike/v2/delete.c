/* SPDX-License-Identifier: Apache-2.0 */
/* Deleting children and the IKE SA (RFC 7296 sections 1.4.1, 2.21.2), as the side that starts. What the peer
 * deletes: informational.c. */
#include "ike/v2/child.h"
#include "ike/v2/overlap.h"

void delete_child(struct ike_env *env, struct child_sa *c)
{
    struct ike_sa *sa = c->ike;
    if (c->state == CHILD_DELETING)
        return;
    if (c->was_up && c->state != CHILD_REKEYED)
        child_went_down(env, c);
    c->was_up = false;
    if (c->holds_policy)
        env->host->policy(env, c, false);
    c->holds_policy = false;
    child_drop_out(env, c);
    bool was_rekeyed = c->state == CHILD_REKEYED;
    c->state = CHILD_DELETING;
    c->rekey_at = c->expires_at = TIME_NEVER;
    c->takes_late = was_rekeyed;
    if (!ike_sa_queue(sa, (struct task){.kind = X_DELETE_CHILD, .child_id = c->id}))
        child_end(env, c);
}

void delete_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    struct child_sa *c = child_find(sa, t->child_id);
    if (!c || c->is_gone)
        return;
    exchange_begin(sa, &sa->own, X_DELETE_CHILD);
    sa_log(env, sa, LOG_NOTICE, "deleting child %s with SPI %08x", c->cfg->name, c->spi_in);
    sa->own.old_child = c->id;
    chain_begin(env, &b);
    build_delete_child(&b, c->chosen.protocol, &c->spi_in, 1);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void delete_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *c = child_find(sa, x->old_child);
    exchange_end(x);
    if (!c || c->is_gone)
        return;
    if (c->takes_late)
        child_retire(env, c);
    else
        child_end(env, c);
}

/* The Delete waits for the answer to what is under way: not for minutes. */
static void hurry(struct ike_env *env, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        struct retransmit schedule = schedule_for(sa, x);
        if (outstanding_deadline(&x->out) != TIME_NEVER)
            outstanding_restart(&x->out, env->now.mono, &schedule);
    }
}

static void begin_end(struct ike_env *env, struct ike_sa *sa, const struct diag *why, enum exchange_kind kind)
{
    static const struct diag none;
    struct child_sa *c;
    if (sa->state != IKE_REKEYED)
        env->host->ike_down(env, sa, why ? why : &none);
    list_each(c, &sa->children, link) child_end(env, c);
    cfg_release(env, sa);
    rekey_ike_ends(env, sa, true);
    sa->n_tasks = 0;
    sa->state = IKE_DELETING;
    sa->rekey_at = sa->reauth_at = sa->expires_at = sa->dpd_at = sa->keepalive_at = TIME_NEVER;
    sa->duplicate_at = sa->give_up_at = TIME_NEVER;
    hurry(env, sa);
    ike_sa_queue(sa, (struct task){.kind = kind});
}

void delete_ike(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (sa->is_dead || sa->is_lingering || sa->state == IKE_DELETING)
        return;
    if (!sa->was_up) { /* nothing that the peer could be told */
        ike_sa_end(env, sa, why);
        return;
    }
    begin_end(env, sa, why, X_DELETE_IKE);
}

void delete_refused(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    exchange_end(&sa->own);
    begin_end(env, sa, why, X_AUTH_FAILED);
}

void delete_unused(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    exchange_end(&sa->own);
    begin_end(env, sa, why, X_DELETE_IKE);
}

void delete_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_DELETE_IKE);
    sa_log(env, sa, LOG_NOTICE, "deleting IKE SA %llu", (unsigned long long)sa->id);
    chain_begin(env, &b);
    build_delete_ike(&b);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        ike_sa_end(env, sa, NULL);
}

void auth_failed_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_AUTH_FAILED);
    chain_begin(env, &b);
    build_notify_empty(&b, N_AUTHENTICATION_FAILED);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        ike_sa_end(env, sa, NULL);
}

void delete_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    exchange_end(x);
    ike_sa_end(env, sa, NULL);
}
