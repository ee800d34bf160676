/* SPDX-License-Identifier: Apache-2.0 */
/* The peer's INFORMATIONAL requests (RFC 7296 sections 1.4, 1.4.1, 2.4, 2.25): deletes, the refusal of our
 * authentication, the empty message that asks whether we live, and what mobike.c, lifetime.c and others read.
 */
#include "ike/v2/child.h"
#include "ike/v2/crash.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

#define DELETES_MAX 64

/* Is it the peer's replacement of a child that we are rekeying, too? Then it lost, and its end is no event.
 */
static bool is_redundant(const struct ike_sa *sa, const struct child_sa *c)
{
    const struct child_sa *o;
    list_each(o, &sa->children, link)
    {
        if (o->peer_replacement == c->id && o->state == CHILD_REKEYING)
            return true;
    }
    return false;
}

static void deleted_by_peer(struct ike_env *env, struct ike_sa *sa, struct child_sa *c)
{
    struct child_sa *fresh = c->peer_replacement ? child_find(sa, c->peer_replacement) : NULL;
    if (fresh)
        child_switch(env, fresh); /* from now the new pair is used both ways */
    if (c->state == CHILD_REKEYED || (c->state == CHILD_REKEYING && fresh) || is_redundant(sa, c)) {
        child_retire(env, c);
        return;
    }
    child_closed_by_peer(env, c);
}

/* Our half of each pair of that protocol. */
static void put_deletes(struct build *b, uint8_t protocol, struct child_sa *const *gone, size_t n)
{
    uint32_t ours[DELETES_MAX];
    size_t m = 0;
    for (size_t i = 0; i < n; i++) {
        if (gone[i]->chosen.protocol == protocol)
            ours[m++] = gone[i]->spi_in;
    }
    if (m)
        build_delete_child(b, protocol, ours, m);
}

/* [RFC7296#1.4.1] the answer names our half of each pair, unless we are deleting it ourselves. */
static void on_others(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *gone[DELETES_MAX];
    size_t n = 0;
    struct build b;
    if (ike_find(&x->msg, PAYLOAD_DELETE))
        rekey_ike_settle(env, sa);
    for (const struct ike_payload *p = NULL; (p = ike_next(&x->msg, PAYLOAD_DELETE, p));) {
        for (size_t i = 0; p->del.protocol != PROTO_IKE && i < p->del.count && n < DELETES_MAX; i++) {
            struct child_sa *c = child_by_spi_out(sa, p->del.protocol, delete_spi(&p->del, i));
            if (!c)
                child_note_delete(sa, delete_spi(&p->del, i));
            if (!c || c->state == CHILD_DELETING || c->is_doomed)
                continue;
            c->is_doomed = true; /* named twice counts once */
            gone[n++] = c;
        }
    }
    chain_begin(env, &b);
    put_deletes(&b, PROTO_ESP, gone, n);
    put_deletes(&b, PROTO_AH, gone, n);
    for (size_t i = 0; i < n; i++)
        deleted_by_peer(env, sa, gone[i]);
    mobike_answer(env, &b, sa, x);
    lifetime_hear(env, sa, &x->msg);
    crash_note(sa, &x->msg);
    counter_sync_hear(env, sa, &x->msg);
    redirect_hear(env, sa, &x->msg);
    resume_put_ticket(env, &b, sa, x);
    overlap_answer(env, &b, sa, x);
    send_response(env, sa, EXCHANGE_INFORMATIONAL, &b);
}

static bool deletes_ike(const struct ike_message *m)
{
    for (const struct ike_payload *p = NULL; (p = ike_next(m, PAYLOAD_DELETE, p));) {
        if (p->del.protocol == PROTO_IKE)
            return true;
    }
    return false;
}

void informational_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (ike_notify(&x->msg, N_AUTHENTICATION_FAILED)) {
        env->stats->auth_failed++;
        diag_from_notify(&d, sa, ike_notify(&x->msg, N_AUTHENTICATION_FAILED), X_AUTH, NULL);
        sa_log_diag(env, sa, LOG_ERR, &d);
    } else if (deletes_ike(&x->msg)) {
        rekey_ike_inherit(env, sa);
        diag_set(&d, FAIL_GENERIC, "the peer deleted the IKE SA");
        sa->is_closed_by_peer = true;
        if (sa->state != IKE_REKEYED && sa->state != IKE_DELETING)
            sa_log(env, sa, LOG_NOTICE, "the peer deleted IKE SA %llu", (unsigned long long)sa->id);
    } else {
        on_others(env, sa, x);
        return;
    }
    send_response_notify(env, sa, EXCHANGE_INFORMATIONAL, 0, span_of(NULL, 0));
    ike_sa_linger(env, sa, &d);
}
