/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_FOLLOWUP_KE (RFC 9370 section 2.2.4): see followup.h. After CREATE_CHILD_SA one exchange for each
 * additional key exchange that was chosen, under the keys of the IKE SA as it is; the new SA is made when the
 * last one is through. Here is nothing of who wins when both sides rekey at once: rekey_child.c and
 * rekey_ike.c decide that before the first of these exchanges. */
#include "ike/v2/followup.h"
#include "crypto/kex.h"
#include "ike/v2/create_child.h"
#include "ike/v2/ike_init.h"
#include <stdlib.h>

#define FOLLOWUP_WAIT (20 * TIME_SECOND) /* [RFC9370#2.2.4] 5 to 20 seconds */
#define WAITING_MAX   WINDOW_MAX         /* of one peer, which asks no more at once */

struct followup { /* what waits for the peer's next request */
    struct list link;
    uint64_t id; /* the link that we named */
    int64_t until;
    struct exchange x; /* without arenas and message */
};

static uint16_t due(const struct exchange *x, uint8_t *place)
{
    *place = x->addke_done;
    return chosen_addke(&x->chosen, place);
}

bool followup_is_due(const struct exchange *x)
{
    uint8_t place;
    return due(x, &place) != KE_NONE;
}

/* SK(n) joins those before it; SK(0) stands apart, before the nonces [RFC9370#2.2.4]. */
static void gather(struct exchange *x)
{
    struct secret all = secret_new(x->additional.len + x->shared.len);
    if (x->additional.len)
        memcpy(all.ptr, x->additional.ptr, x->additional.len);
    memcpy(all.ptr + x->additional.len, x->shared.ptr, x->shared.len);
    secret_free(&x->additional);
    secret_free(&x->shared);
    x->additional = all;
}

/* One more is through. */
static void advance(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    uint8_t place;
    due(x, &place);
    gather(x);
    addke_log(env, sa, &x->chosen, place);
    x->addke_done = (uint8_t)(place + 1);
    if (!followup_is_due(x))
        x->shared = secret_take(&x->first);
}

/* ---- initiator ---- */

bool followup_accept(struct exchange *x)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_ADDITIONAL_KEY_EXCHANGE);
    x->is_followup = true;
    x->link = n ? arena_dup(x->tx, n->data) : span_of(NULL, 0);
    return n && x->link.len == n->data.len;
}

static void made(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    if (x->kind == X_REKEY_IKE)
        rekey_ike_made(env, sa, x);
    else
        create_child_made(env, sa, x);
}

/* error: the peer's notify, or NULL */
static void failed(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct pl_notify *error,
                   const struct diag *d)
{
    if (x->kind == X_REKEY_IKE)
        rekey_ike_failed(env, sa, error, d);
    else
        create_child_failed(env, sa, x, error, d);
}

/* What was to be replaced is deleted or was replaced meanwhile: nothing was made yet, so that nothing is to
 * be deleted. */
static bool is_moot(const struct ike_sa *sa, const struct exchange *x)
{
    const struct child_sa *old = x->kind == X_REKEY_CHILD ? child_find(sa, x->old_child) : NULL;
    if (x->kind == X_REKEY_CHILD)
        return old && !old->is_gone && old->state != CHILD_REKEYING;
    return x->kind == X_REKEY_IKE && sa->state != IKE_REKEYING;
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    struct diag d;
    char name[64];
    diag_clear(&d);
    if (is_moot(sa, x)) {
        exchange_end(x);
        return;
    }
    chain_begin(env, &b);
    build_ke(&b, x->ke, secret_view(&x->ke_public));
    build_notify(&b, N_ADDITIONAL_KEY_EXCHANGE, PROTO_NONE, span_of(NULL, 0), x->link);
    if (job->ok && send_request_of(env, sa, x, EXCHANGE_IKE_FOLLOWUP_KE, &b))
        return;
    diag_set(&d, FAIL_PROPOSAL, "IKE_FOLLOWUP_KE with key exchange method %s could not be made",
             alg_format(TRANSFORM_KE, x->ke, 0, name, sizeof(name)));
    failed(env, sa, x, NULL, &d);
}

static void next(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    uint8_t place;
    job_generate(env, sa, x, due(x, &place), on_generated);
}

void followup_begin(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    x->first = secret_take(&x->shared);
    next(env, sa, x);
}

/* The response cannot be used, and the peer may believe in an SA that nobody else has
 * [draft-ietf-ipsecme-ikev2-mlkem#2.2]. */
static void reject(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct diag *d)
{
    failed(env, sa, x, NULL, d);
    delete_ike(env, sa, d);
}

void followup_or_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    if (job->ok && x->is_followup) {
        followup_begin(env, sa, x);
        return;
    }
    if (job->ok) {
        made(env, sa, x);
        return;
    }
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the peer's key exchange value is invalid");
    reject(env, sa, x, &d);
}

static void on_derived(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (!job->ok) {
        diag_set(&d, FAIL_GENERIC, "the peer's value for the additional key exchange is invalid");
        reject(env, sa, x, &d);
        return;
    }
    advance(env, sa, x);
    if (!followup_is_due(x)) {
        made(env, sa, x);
        return;
    }
    if (followup_accept(x)) {
        next(env, sa, x);
        return;
    }
    diag_set(&d, FAIL_GENERIC, "the peer's IKE_FOLLOWUP_KE response does not link to the next");
    failed(env, sa, x, NULL, &d);
}

void followup_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    const struct pl_ke *ke = addke_value(x, x->ke, kex_answer_plausible);
    if (!error && ke) {
        job_derive(env, sa, x, ke->data, on_derived);
        return;
    }
    if (error) {
        diag_from_notify(&d, sa, error, x->kind, x->child_cfg);
        failed(env, sa, x, error, &d);
        return;
    }
    diag_set(&d, FAIL_GENERIC, "the IKE_FOLLOWUP_KE response holds another key exchange than was chosen");
    reject(env, sa, x, &d);
}

/* ---- responder ---- */

static void drop(struct followup *f)
{
    list_remove(&f->link);
    exchange_end(&f->x);
    free(f);
}

void followup_park(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct build *b)
{
    struct followup *f = mem_new(sizeof(*f)), *other;
    uint8_t id[8];
    size_t n = 0;
    list_each(other, &sa->followups, link) n++;
    if (n == WAITING_MAX)
        drop(container_of(sa->followups.next, struct followup, link));
    f->id = env->host->new_id(env->ctx);
    f->until = env->now.mono + FOLLOWUP_WAIT;
    spi_put64(id, f->id);
    build_notify(b, N_ADDITIONAL_KEY_EXCHANGE, PROTO_NONE, span_of(NULL, 0), span_of(id, sizeof(id)));
    f->x = *x;
    f->x.tx = f->x.rx = NULL;
    f->x.msg = (struct ike_message){0};
    x->config = NULL; /* it goes along */
    f->x.ke_private = f->x.ke_public = f->x.shared = f->x.auth_data = (struct secret){0};
    f->x.first = secret_take(x->is_followup ? &x->first : &x->shared);
    x->additional = x->first = (struct secret){0};
    f->x.is_followup = true;
    list_append(&sa->followups, &f->link);
    if (!send_response(env, sa, x->msg.header.exchange, b))
        drop(f);
}

static struct followup *find(const struct ike_sa *sa, struct span id)
{
    struct followup *f;
    list_each(f, &sa->followups, link)
    {
        if (id.len == 8 && spi_get64(id.ptr) == f->id)
            return f;
    }
    return NULL;
}

/* The exchange goes on with the message that came. */
static void take_up(struct exchange *x, struct followup *f)
{
    struct exchange now = *x;
    *x = f->x;
    x->tx = now.tx;
    x->rx = now.rx;
    x->msg = now.msg;
    x->local = now.local;
    x->remote = now.remote;
    x->has_marker = now.has_marker;
    list_remove(&f->link);
    secret_wipe(f, sizeof(*f));
    free(f);
}

static void refuse(struct ike_env *env, struct ike_sa *sa, uint16_t notify, const char *why)
{
    sa_log(env, sa, LOG_WARN, "IKE_FOLLOWUP_KE is refused: %s", why);
    send_response_notify(env, sa, EXCHANGE_IKE_FOLLOWUP_KE, notify, span_of(NULL, 0));
}

static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    if (!job->ok) {
        refuse(env, sa, N_INVALID_SYNTAX, "the peer's value is invalid");
        return;
    }
    advance(env, sa, x);
    if (x->kind == X_REKEY_IKE)
        rekey_ike_reply(env, sa, x);
    else
        create_child_reply(env, sa, x);
}

void followup_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    uint8_t place;
    const struct pl_notify *n = ike_notify(&x->msg, N_ADDITIONAL_KEY_EXCHANGE);
    struct followup *f = n ? find(sa, n->data) : NULL;
    if (!f) { /* [RFC9370#2.2.4] not fatal: the peer may begin anew */
        refuse(env, sa, N_STATE_NOT_FOUND, "nothing here waits for it");
        return;
    }
    take_up(x, f);
    uint16_t method = due(x, &place);
    const struct pl_ke *ke = addke_value(x, method, kex_public_plausible);
    if (ke)
        job_answer(env, sa, x, method, ke->data, on_answered);
    else
        refuse(env, sa, N_INVALID_SYNTAX, "it holds another key exchange than was chosen");
}

bool followup_waits(const struct ike_sa *sa, enum exchange_kind kind, uint64_t old_child)
{
    const struct followup *f;
    list_each(f, &sa->followups, link)
    {
        if (f->x.kind == kind && f->x.old_child == old_child)
            return true;
    }
    return false;
}

bool followup_waits_any(const struct ike_sa *sa)
{
    return !list_empty(&sa->followups);
}

bool followup_makes_spi(const struct ike_sa *sa, uint64_t spi)
{
    const struct followup *f;
    list_each(f, &sa->followups, link)
    {
        if (spi && f->x.new_spi_r == spi)
            return true;
    }
    return false;
}

void followup_drop(struct ike_sa *sa, enum exchange_kind kind, uint64_t old_child)
{
    struct followup *f;
    list_each(f, &sa->followups, link)
    {
        if (f->x.kind == kind && f->x.old_child == old_child)
            drop(f);
    }
}

void followup_drop_all(struct ike_sa *sa)
{
    struct followup *f;
    list_each(f, &sa->followups, link) drop(f);
}

void followup_tick(struct ike_env *env, struct ike_sa *sa)
{
    struct followup *f;
    list_each(f, &sa->followups, link)
    {
        if (f->until > env->now.mono)
            continue;
        sa_log(env, sa, LOG_NOTICE, "the peer did not go on with its additional key exchanges");
        drop(f);
    }
}

int64_t followup_deadline(const struct ike_sa *sa)
{
    int64_t at = TIME_NEVER;
    const struct followup *f;
    list_each(f, &sa->followups, link) at = time_min(at, f->until);
    return at;
}
