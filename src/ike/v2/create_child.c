/* SPDX-License-Identifier: Apache-2.0 */
/* CREATE_CHILD_SA for a child: one more, or one in the place of another (RFC 7296
 * sections 1.3.1, 1.3.3, 2.17, 2.25; the additional key exchanges of RFC 9370 section 2.2.4 are
 * followup.c's). What both sides offer, choose and check is in create_child_offer.c, and which of two
 * rekeyings stays in rekey_child.c. */
#include "ike/v2/create_child.h"
#include "crypto/kex.h"
#include "ike/v2/followup.h"
#include "ike/v2/overlap.h"
#include "ike/v2/per_cpu.h"

#define RETRY_TEMPORARY (2 * TIME_SECOND)
#define RETRY_MAX       5

/* ---- initiator: a new child and the rekeying of one differ in a notify ---- */

static void give_up(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct diag *d)
{
    struct config *config = config_ref(x->config);
    const struct child_config *cfg = x->child_cfg;
    uint64_t old = x->old_child;
    bool is_rekey = x->kind == X_REKEY_CHILD, is_further = !is_rekey && x->per_cpu.is_further;
    struct child_sa *c = child_find(sa, old);
    exchange_end(x);
    sa_log_diag(env, sa, is_further ? LOG_WARN : LOG_ERR, d);
    if (c && c->state == CHILD_REKEYING)
        c->state = CHILD_INSTALLED;
    if (is_rekey)
        env->host->rekey_failed(env, sa, old, d);
    else if (is_further)
        env->host->cpu_refused(env, sa, cfg);
    else
        env->host->child_failed(env, sa, cfg, d);
    config_unref(config);
}

static void send_create(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    struct diag d;
    uint8_t spi[4];
    const struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    nonce_make(&x->ni);
    chain_begin(env, &b);
    if (old) { /* [RFC7296#1.3.3] the SPI that we receive on */
        spi_put32(spi, old->spi_in);
        build_notify(&b, N_REKEY_SA, old->chosen.protocol, span_of(spi, 4), span_of(NULL, 0));
    }
    create_child_put(env, &b, sa, x);
    if (send_request_of(env, sa, x, EXCHANGE_CREATE_CHILD_SA, &b))
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "CREATE_CHILD_SA could not be sent");
    give_up(env, sa, x, &d);
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (x->kind == X_REKEY_CHILD && !child_find(sa, x->old_child)) {
        exchange_end(x); /* deleted meanwhile */
        return;
    }
    if (job->ok) {
        send_create(env, sa, x);
        return;
    }
    diag_set(&d, FAIL_PROPOSAL, "the key exchange method of child %s is not available here",
             x->child_cfg->name);
    give_up(env, sa, x, &d);
}

static void start(struct ike_env *env, struct ike_sa *sa, const struct task *t,
                  const struct child_config *cfg, const struct child_sa *old)
{
    struct exchange *x = overlap_place(sa);
    struct diag d;
    exchange_begin(sa, x, t->kind);
    x->old_child = t->child_id;
    x->restarts = t->attempts;
    x->begun_at = env->now.mono;
    x->reqid = old ? old->reqid : 0;
    x->lineage = old ? old->lineage : 0;
    x->per_cpu =
        old ? per_cpu_again(&old->per_cpu)
            : (struct per_cpu_part){.is_agreed = t->cpu.is_set, .is_further = t->cpu.is_set, .cpu = t->cpu};
    if (!create_child_offer(env, sa, x, cfg)) {
        diag_clear(&d);
        create_child_cannot(env, sa, x, &d);
        give_up(env, sa, x, &d);
        return;
    }
    uint16_t ke = t->ke ? t->ke : proposal_first_ke(&cfg->proposals);
    sa_log(env, sa, LOG_NOTICE, "%s child %s", t->child_id ? "rekeying" : "creating", cfg->name);
    if (ke)
        job_generate(env, sa, x, ke, on_generated);
    else
        send_create(env, sa, x);
}

void create_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    bool is_needed = t->cpu.is_set ? per_cpu_first(sa, t->cfg) && !per_cpu_find(sa, t->cfg, t->cpu)
                                   : env->host->needs_child(env->ctx, sa, t->cfg);
    if (is_needed) /* the peer may have made it meanwhile */
        start(env, sa, t, t->cfg, NULL);
}

void rekey_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct child_sa *old = child_find(sa, t->child_id);
    if (!old || old->state != CHILD_INSTALLED)
        return; /* gone or replaced meanwhile */
    old->state = CHILD_REKEYING;
    start(env, sa, t, old->cfg, old);
}

static bool retry(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct pl_notify *n)
{
    struct task t = {.kind = x->kind,
                     .child_id = x->old_child,
                     .cfg = x->kind == X_NEW_CHILD ? x->child_cfg : NULL,
                     .cpu = x->kind == X_NEW_CHILD ? x->per_cpu.cpu : (struct cpu){0},
                     .attempts = (uint8_t)(x->restarts + 1),
                     .not_before = env->now.mono};
    struct rd r = rd_over(n->data);
    if (t.attempts > RETRY_MAX)
        return false;
    if (n->type == N_TEMPORARY_FAILURE || n->type == N_CHILD_SA_NOT_FOUND || n->type == N_STATE_NOT_FOUND)
        t.not_before += jittered(RETRY_TEMPORARY, RETRY_TEMPORARY / 2);
    else if (n->type == N_INVALID_KE_PAYLOAD) {
        t.ke = rd_u16(&r);
        if (!rd_done(&r) || t.ke == x->ke || !proposal_has_ke(&x->child_cfg->proposals, t.ke))
            return false;
    } else
        return false;
    struct child_sa *c = child_find(sa, x->old_child);
    if (c && c->state == CHILD_REKEYING)
        c->state = CHILD_INSTALLED;
    exchange_end(x);
    ike_sa_queue(sa, t);
    return true;
}

void create_child_failed(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                         const struct pl_notify *error, const struct diag *d)
{
    bool is_forgotten = error && error->type == N_STATE_NOT_FOUND;
    if (error && retry(env, sa, x, error))
        return;
    give_up(env, sa, x, d);
    if (is_forgotten) /* [RFC9370#2.2.4] again and again: fatal */
        delete_ike(env, sa, d);
}

void create_child_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    if (x->kind == X_REKEY_CHILD) {
        rekey_child_done(env, sa, x);
        return;
    }
    struct child_sa *c = child_new(env, sa, x);
    bool ok = child_install(env, c, x, false, 0), is_deleted = child_was_deleted(x, c);
    int64_t begun_at = x->begun_at;
    exchange_end(x);
    if (is_deleted)
        child_closed_by_peer(env, c);
    else if (!ok)
        delete_child(env, c);
    else
        twin_child_settle(env, c, begun_at);
}

void create_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    if (error && !ike_find(&x->msg, PAYLOAD_SA)) {
        if (x->kind == X_REKEY_CHILD && rekey_child_refused(env, sa, x, error))
            return;
        if (retry(env, sa, x, error))
            return;
        diag_from_notify(&d, sa, error, x->kind, x->child_cfg);
        give_up(env, sa, x, &d);
        return;
    }
    if (!create_child_accept(env, sa, x, true, &d) || !nonce_take(&x->nr, &x->msg)) {
        if (!diag_failed(&d))
            diag_set(&d, FAIL_GENERIC, "a CREATE_CHILD_SA response without a nonce");
        give_up(env, sa, x, &d);
        return;
    }
    if (followup_is_due(x) && !followup_accept(x)) {
        diag_set(&d, FAIL_GENERIC, "the response for child %s does not link to an additional key exchange",
                 x->child_cfg->name);
        give_up(env, sa, x, &d);
        return;
    }
    if (x->is_followup && x->kind == X_REKEY_CHILD && rekey_child_stops(env, sa, x))
        return;
    if (x->chosen.ke)
        job_derive(env, sa, x, ike_find(&x->msg, PAYLOAD_KE)->ke.data, followup_or_made);
    else
        create_child_made(env, sa, x);
}

/* ---- responder ---- */

/* [RFC7296#2.25.1] what is said about a child that cannot be rekeyed: gone, or going. */
static void refuse_rekey(struct ike_env *env, struct ike_sa *sa, uint16_t refusal, uint8_t protocol,
                         uint32_t peer_spi)
{
    struct build b;
    uint8_t spi[4];
    spi_put32(spi, peer_spi);
    chain_begin(env, &b);
    if (refusal == N_CHILD_SA_NOT_FOUND)
        build_notify(&b, refusal, protocol, span_of(spi, 4), span_of(NULL, 0));
    else
        build_notify_empty(&b, refusal);
    send_response(env, sa, EXCHANGE_CREATE_CHILD_SA, &b);
}

/* [RFC9370#2.2.4] our own replacement of it goes on: the peer's comes too late. */
static bool is_being_replaced(const struct ike_sa *sa, const struct child_sa *old)
{
    return sa->own.kind == X_REKEY_CHILD && sa->own.is_followup && sa->own.old_child == old->id;
}

static bool is_refused(const struct ike_sa *sa, const struct exchange *x, const struct child_sa *old)
{
    if (x->kind != X_REKEY_CHILD)
        return false;
    return !old || (old->state == CHILD_DELETING && !old->has_heir) || is_being_replaced(sa, old);
}

/* The new child stands before the last answer is sent: the initiator may use it as soon as it has that. */
void create_child_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    uint8_t exchange = x->msg.header.exchange;
    struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    if (is_refused(sa, x, old)) { /* deleted or replaced while the jobs ran */
        send_response_notify(env, sa, exchange, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    chain_begin(env, &b);
    if (x->is_followup)
        build_ke(&b, x->ke, secret_view(&x->ke_public));
    else
        create_child_answer(env, &b, sa, x);
    if (followup_is_due(x)) {
        followup_park(env, sa, x, &b);
        return;
    }
    struct child_sa *c = child_new(env, sa, x);
    bool takes_over = !old && env->host->is_served(env->ctx, c);
    if (!child_install(env, c, x, old || takes_over, old ? old->id : 0)) {
        child_end(env, c);
        send_response_notify(env, sa, exchange, N_NO_PROPOSAL_CHOSEN, span_of(NULL, 0));
        return;
    }
    if (takes_over)
        c->switch_at = env->now.mono + CHILD_TAKEOVER;
    if (old && old->has_heir) /* ours was decided meanwhile, and won */
        rekey_child_lost(env, c);
    else if (old) {
        c->unsure_until = env->now.mono + CHILD_UNSURE;
        c->asked_by = x->msg.header.message_id;
        old->peer_replacement = c->id;
        if (old->state == CHILD_INSTALLED) /* unless we are rekeying it too */
            child_rekeyed(env, old);
    }
    send_response(env, sa, exchange, &b);
}

static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    if (job->ok)
        create_child_reply(env, sa, x);
    else
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
}

static void respond(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                    const struct child_config *only)
{
    struct diag d;
    diag_clear(&d);
    const struct ike_payload *ke = ike_find(&x->msg, PAYLOAD_KE);
    uint16_t notify = create_child_select(env, sa, x, only, true, &d);
    if (notify || !nonce_take(&x->ni, &x->msg)) {
        sa_log_diag(env, sa, LOG_WARN, &d);
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, notify ? notify : N_INVALID_SYNTAX,
                             span_of(NULL, 0));
        return;
    }
    nonce_make(&x->nr);
    struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    if (old)
        old->peer_low = *nonce_lower(&x->ni, &x->nr);
    x->ke = x->chosen.ke;
    if (!x->ke) {
        create_child_reply(env, sa, x);
        return;
    }
    if (!ke || ke->ke.group != x->ke) {
        uint8_t want[2] = {(uint8_t)(x->ke >> 8), (uint8_t)x->ke};
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_KE_PAYLOAD, span_of(want, 2));
        return;
    }
    if (!kex_public_plausible(x->ke, ke->ke.data)) {
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_INVALID_SYNTAX, span_of(NULL, 0));
        return;
    }
    job_answer(env, sa, x, x->ke, ke->ke.data, on_answered);
}

void create_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    if (sa->state == IKE_REKEYING) { /* [RFC7296#2.25.2] */
        send_response_notify(env, sa, EXCHANGE_CREATE_CHILD_SA, N_TEMPORARY_FAILURE, span_of(NULL, 0));
        return;
    }
    respond(env, sa, x, NULL);
}

/* [RFC7296#2.25.1] */
void rekey_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_REKEY_SA);
    struct child_sa *old = n->spi.len == 4 ? child_by_spi_out(sa, n->protocol, spi_get32(n->spi.ptr)) : NULL;
    uint16_t refusal = 0;
    if (!old) /* perhaps one that our own exchange is making, and the peer has already */
        refusal = child_is_in_the_making(sa) ? N_TEMPORARY_FAILURE : N_CHILD_SA_NOT_FOUND;
    else if (sa->state == IKE_REKEYING || old->state == CHILD_DELETING || old->state == CHILD_REKEYED ||
             is_being_replaced(sa, old))
        refusal = N_TEMPORARY_FAILURE;
    if (refusal) {
        refuse_rekey(env, sa, refusal, n->protocol, n->spi.len == 4 ? spi_get32(n->spi.ptr) : 0);
        return;
    }
    followup_drop(sa, X_REKEY_CHILD, old->id); /* the peer begins anew */
    x->old_child = old->id;
    x->reqid = old->reqid;
    x->lineage = old->lineage;
    x->per_cpu = per_cpu_again(&old->per_cpu);
    respond(env, sa, x, old->cfg);
}
