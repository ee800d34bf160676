/* SPDX-License-Identifier: Apache-2.0 */
/* The exchange that replaces the IKE SA (RFC 7296 sections 1.3.2, 2.8.2, 2.18, 2.25.2): new keys, message IDs
 * from 0, the same children. Of two replacements made at once the one whose exchange held the lowest nonce
 * goes, and the other inherits the children. What passes from the old SA to the new one, and how the old one
 * ends, is in rekey_ike_heir.c. */
#include "crypto/kex.h"
#include "ike/v2/crash.h"
#include "ike/v2/followup.h"
#include "ike/v2/overlap.h"
#include "ike/v2/rekey_ike_heir.h"

#define RETRY_MAX 5

static struct ike_keys no_keys;

static bool make_keys(struct ike_sa *sa, struct exchange *x, struct ike_keys *keys)
{
    *keys = no_keys;
    return keymat_ike_rekey(&sa->keys, &x->chosen, nonce_view(&x->ni), nonce_view(&x->nr),
                            secret_view(&x->shared), secret_view(&x->additional), x->new_spi_i, x->new_spi_r,
                            keys);
}

/* The PRF stays as long as the configuration has it: SKEYSEED is made with the old one, all else with the new
 * one [RFC7296#2.18], and strongSwan 5.9 and others take one for both. */
static struct proposal_list proposals_of(struct arena *a, const struct ike_sa *sa)
{
    return proposal_with_prf(a, &sa->conn->proposals, sa->chosen.prf);
}

/* ---- initiator ---- */

static void give_up(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    exchange_end(&sa->own);
    if (rekey_ike_inherit(env, sa) || sa->state == IKE_REKEYED) /* the peer's own rekey went through */
        return;
    sa->state = IKE_ESTABLISHED;
    sa_log_diag(env, sa, LOG_ERR, d);
    env->host->rekey_failed(env, sa, 0, d);
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    struct diag d;
    uint8_t spi[8];
    diag_clear(&d);
    nonce_make(&x->ni);
    spi_put64(spi, x->new_spi_i);
    struct proposal_list l = proposals_of(x->tx, sa);
    x->offered = proposal_offer(x->tx, &l, span_of(spi, 8), true);
    chain_begin(env, &b);
    build_sa(&b, x->offered.v, x->offered.n);
    build_nonce(&b, nonce_view(&x->ni));
    build_ke(&b, x->ke, secret_view(&x->ke_public));
    if (job->ok && send_request(env, sa, EXCHANGE_CREATE_CHILD_SA, &b))
        return;
    diag_set(&d, FAIL_GENERIC, "the rekeying of the IKE SA could not be started");
    give_up(env, sa, &d);
}

void rekey_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct exchange *x = &sa->own;
    if (sa->peer_new_ike || sa->state == IKE_REKEYED)
        return;
    exchange_begin(sa, x, X_REKEY_IKE);
    sa->state = IKE_REKEYING;
    x->restarts = t->attempts;
    x->new_spi_i = env->host->new_ike_spi(env->ctx);
    sa_log(env, sa, LOG_NOTICE, "rekeying IKE SA %llu", (unsigned long long)sa->id);
    struct proposal_list l = proposals_of(x->tx, sa);
    job_generate(env, sa, x, t->ke ? t->ke : proposal_first_ke(&l), on_generated);
}

static bool retry(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n)
{
    struct exchange *x = &sa->own;
    struct task t = {
        .kind = X_REKEY_IKE, .attempts = (uint8_t)(x->restarts + 1), .not_before = env->now.mono};
    struct rd r = rd_over(n->data);
    if (t.attempts > RETRY_MAX || sa->peer_new_ike)
        return false;
    if (n->type == N_TEMPORARY_FAILURE || n->type == N_STATE_NOT_FOUND)
        t.not_before += jittered(4 * TIME_SECOND, 2 * TIME_SECOND);
    else if (n->type == N_INVALID_KE_PAYLOAD) {
        t.ke = rd_u16(&r);
        if (!rd_done(&r) || t.ke == x->ke || !proposal_has_ke(&sa->conn->proposals, t.ke))
            return false;
    } else
        return false;
    exchange_end(x);
    sa->state = IKE_ESTABLISHED;
    ike_sa_queue(sa, t);
    return true;
}

static void end_with_heir(struct ike_env *env, struct ike_sa *sa)
{
    struct diag d;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the peer deleted the IKE SA");
    sa->is_closed_by_peer = true;
    delete_ike(env, sa, &d);
}

void rekey_ike_failed(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *error,
                      const struct diag *d)
{
    bool is_forgotten = error && error->type == N_STATE_NOT_FOUND;
    if (error && retry(env, sa, error))
        return;
    give_up(env, sa, d);
    if (is_forgotten && sa->state == IKE_ESTABLISHED)
        delete_ike(env, sa, d); /* [RFC9370#2.2.4] again and again: fatal */
}

bool rekey_ike_by_peer(const struct ike_sa *sa)
{
    return sa->peer.kind == X_REKEY_IKE || followup_waits(sa, X_REKEY_IKE, 0);
}

/* [RFC7296#2.8.2] the new IKE SA with the lowest nonce is deleted by the node that created it. The peer's may
 * still be in the making: its nonces are known all the same. */
static bool is_redundant(const struct ike_sa *sa, const struct exchange *x)
{
    bool is_contested = sa->peer_new_ike || rekey_ike_by_peer(sa);
    bool is_settled = sa->state == IKE_REKEYED; /* see rekey_ike_settle() */
    return is_settled || (is_contested && nonce_cmp(nonce_lower(&x->ni, &x->nr), &sa->peer_low) < 0);
}

/* The peer's replacement takes over, or does so when it is made: should that come to nothing, ours is tried
 * again. */
static void leave_to_peer(struct ike_env *env, struct ike_sa *sa, struct ike_sa *rival)
{
    if (sa->state == IKE_REKEYED)
        return;
    if (rival) {
        rekey_ike_hand_over(env, sa, rival);
        return;
    }
    if (sa->peer_new_ike) { /* the peer has deleted the one that would have stayed */
        end_with_heir(env, sa);
        return;
    }
    sa->state = IKE_ESTABLISHED;
    ike_sa_queue(sa, (struct task){.kind = X_REKEY_IKE});
}

/* [RFC9370#2.2.4] with additional key exchanges nothing is made yet that would have to be deleted: of two
 * rekeyings at once one just stops. */
static bool stops(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct ike_sa *rival = rekey_ike_made_by_peer(env, sa);
    if (!is_redundant(sa, x)) {
        followup_drop(sa, X_REKEY_IKE, 0);
        return false;
    }
    sa_log(env, sa, LOG_DETAIL, "the peer's rekeying of the IKE SA goes on, ours stops");
    exchange_end(x);
    leave_to_peer(env, sa, rival);
    return true;
}

void rekey_ike_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct ike_keys keys;
    struct diag d;
    struct ike_sa *ours = make_keys(sa, x, &keys) ? rekey_ike_new_heir(env, sa, x, &keys) : NULL;
    if (!ours) {
        diag_clear(&d);
        diag_set(&d, FAIL_GENERIC, "the keys of the new IKE SA could not be made");
        give_up(env, sa, &d);
        return;
    }
    struct ike_sa *rival = rekey_ike_made_by_peer(env, sa);
    bool goes = is_redundant(sa, x);
    ours->crash_token = secret_take(&x->crash_token);
    exchange_end(x);
    if (goes) {
        ours->was_up = false;
        rekey_ike_retire(env, ours, rival);
        ike_sa_queue(ours, (struct task){.kind = X_DELETE_IKE});
        leave_to_peer(env, sa, rival);
        return;
    }
    if (rival) /* the peer deletes it */
        rekey_ike_retire(env, rival, ours);
    rekey_ike_hand_over(env, sa, ours);
    crash_queue(env, ours);
    overlap_queue(ours);
    ike_sa_queue(sa, (struct task){.kind = X_DELETE_IKE});
}

void rekey_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    const struct ike_payload *p = ike_find(&x->msg, PAYLOAD_SA), *ke = ike_find(&x->msg, PAYLOAD_KE);
    if (error && !p) {
        if (retry(env, sa, error))
            return;
        diag_from_notify(&d, sa, error, X_REKEY_IKE, NULL);
        give_up(env, sa, &d);
        return;
    }
    if (!p || !ke || p->sa.proposals.n != 1 || !nonce_take(&x->nr, &x->msg))
        diag_set(&d, FAIL_GENERIC, "the response to the rekeying of the IKE SA is incomplete");
    else if (proposal_accept_choice(&x->offered, &p->sa.proposals.v[0], &x->chosen, &d) &&
             (x->chosen.spi_len != 8 || x->chosen.ke != x->ke || ke->ke.group != x->ke))
        diag_set(&d, FAIL_GENERIC, "the response to the rekeying of the IKE SA does not fit its own choice");
    else if (!diag_failed(&d) && followup_is_due(x) && !followup_accept(x))
        diag_set(&d, FAIL_GENERIC,
                 "the response to the rekeying of the IKE SA does not link to an additional key exchange");
    if (diag_failed(&d)) {
        give_up(env, sa, &d);
        return;
    }
    if (x->is_followup && stops(env, sa, x))
        return;
    x->new_spi_r = spi_get64(x->chosen.spi);
    x->crash_token = crash_read(sa, &x->msg);
    job_derive(env, sa, x, ke->ke.data, followup_or_made);
}

/* ---- responder ---- */

/* [RFC9370#2.2.4] ours goes on: the peer's comes too late. */
static bool is_being_replaced(const struct ike_sa *sa)
{
    return sa->own.kind == X_REKEY_IKE && sa->own.is_followup;
}

static void put_reply(struct ike_env *env, struct build *b, const struct ike_sa *sa, const struct exchange *x)
{
    uint8_t spi[8];
    spi_put64(spi, x->new_spi_r);
    if (!x->is_followup) {
        proposal_put_choice(b, &x->chosen, span_of(spi, 8));
        build_nonce(b, nonce_view(&x->nr));
    }
    build_ke(b, x->ke, secret_view(&x->ke_public));
    if (!x->is_followup)
        crash_put_for(env, b, sa, x->new_spi_i, x->new_spi_r);
}

void rekey_ike_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct ike_keys keys;
    struct build b;
    uint8_t exchange = x->msg.header.exchange;
    if (is_being_replaced(sa) || (sa->state == IKE_REKEYED && followup_is_due(x))) {
        send_response_notify(env, sa, exchange, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    chain_begin(env, &b);
    put_reply(env, &b, sa, x);
    if (followup_is_due(x)) {
        followup_park(env, sa, x, &b);
        return;
    }
    struct ike_sa *n = make_keys(sa, x, &keys) ? rekey_ike_new_heir(env, sa, x, &keys) : NULL;
    if (!n) {
        send_response_notify(env, sa, exchange, N_NO_PROPOSAL_CHOSEN, span_of(NULL, 0));
        return;
    }
    sa->peer_new_ike = n->id;
    n->is_contested = sa->own.kind == X_REKEY_IKE;
    n->is_unsure = true;
    rekey_ike_await_use(env, n);
    send_response(env, sa, exchange, &b);
    if (sa->state == IKE_REKEYED) { /* ours won while this one was in the making; the peer deletes it */
        n->was_up = false;
        rekey_ike_retire(env, n, env->host->find(env->ctx, sa->replaced_by));
    } else if (sa->own.kind != X_REKEY_IKE) /* else nonces decide, when the answer to ours is there */
        rekey_ike_hand_over(env, sa, n);
}

static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    if (job->ok)
        rekey_ike_reply(env, sa, x);
    else
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
}

static bool is_busy_with_child(const struct ike_sa *sa)
{
    enum exchange_kind k = sa->own.kind;
    return k == X_NEW_CHILD || k == X_REKEY_CHILD || k == X_DELETE_CHILD || overlap_is_busy(sa);
}

static bool choose(struct ike_env *env, const struct ike_sa *sa, const struct proposal_list *offered,
                   struct chosen *out, struct diag *d)
{
    const struct select_options o = {.prefers_peer_order = !sa->config->settings.prefers_own_proposals};
    struct proposal_list same = proposals_of(env->out->arena, sa);
    if (proposal_select(&same, offered, o, out, d))
        return true;
    diag_clear(d);
    return proposal_select(&sa->conn->proposals, offered, o, out, d);
}

void rekey_ike_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct ike_payload *p = ike_find(&x->msg, PAYLOAD_SA), *ke = ike_find(&x->msg, PAYLOAD_KE);
    if (is_busy_with_child(sa) || sa->peer_new_ike || is_being_replaced(sa)) { /* [RFC7296#2.25.2] */
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    if (!ke || !nonce_take(&x->ni, &x->msg) || !choose(env, sa, &p->sa.proposals, &x->chosen, &d)) {
        env->stats->proposal_mismatch++;
        env->host->alert(env, sa, ALERT_PROPOSAL_MISMATCH_IKE);
        sa_log_diag(env, sa, LOG_WARN, &d);
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_NO_PROPOSAL_CHOSEN, span_of(NULL, 0));
        return;
    }
    x->ke = x->chosen.ke;
    if (ke->ke.group != x->ke) {
        uint8_t want[2] = {(uint8_t)(x->ke >> 8), (uint8_t)x->ke};
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_KE_PAYLOAD, span_of(want, 2));
        return;
    }
    x->new_spi_i = x->chosen.spi_len == 8 ? spi_get64(x->chosen.spi) : 0;
    if (!x->new_spi_i || !kex_public_plausible(x->ke, ke->ke.data)) {
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
        return;
    }
    followup_drop(sa, X_REKEY_IKE, 0); /* the peer begins anew */
    x->new_spi_r = env->host->new_ike_spi(env->ctx);
    nonce_make(&x->nr);
    sa->peer_low = *nonce_lower(&x->ni, &x->nr);
    job_answer(env, sa, x, x->ke, ke->ke.data, on_answered);
}
