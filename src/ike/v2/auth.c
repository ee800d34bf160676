/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_AUTH, the initiator's side (RFC 7296 sections 1.2, 2.19, 2.21.2): when it begins, what is sent, what
 * the answer has to prove, the first child. How either side proves who it is: auth_proof.c. The responder's
 * side is auth_responder.c, further rounds of either side are rounds.c's. Not here: EAP. */
#include "ike/v2/create_child.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

static void take_first_child(struct ike_sa *sa, const struct child_config **cfg)
{
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (sa->tasks[i].kind != X_NEW_CHILD)
            continue;
        *cfg = sa->tasks[i].cfg;
        sa->n_tasks--;
        memmove(&sa->tasks[i], &sa->tasks[i + 1], (sa->n_tasks - i) * sizeof(sa->tasks[0]));
        return;
    }
}

static void fail(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    env->stats->auth_failed += d->class == FAIL_AUTH || d->class == FAIL_CERTIFICATE;
    sa_log_diag(env, sa, LOG_ERR, d);
    ike_sa_end(env, sa, d);
}

/* No round is over yet. */
static bool is_first(const struct ike_sa *sa)
{
    return !sa->rounds.ours && !sa->rounds.theirs;
}

static void send_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    struct diag d;
    char id[ID_TEXT_MAX];
    diag_clear(&d);
    if (!auth_is_made(x, job)) {
        diag_set(&d, FAIL_AUTH, "our signature could not be made");
        fail(env, sa, &d);
        return;
    }
    chain_begin(env, &b);
    features_put(env, &b, sa, x, is_first(sa) ? MSG_AUTH_REQUEST : MSG_MORE_REQUEST);
    sa_log(env, sa, LOG_DETAIL, "sending IKE_AUTH as %s", identity_format(&sa->local_id, id));
    if (!send_request(env, sa, EXCHANGE_IKE_AUTH, &b)) {
        diag_set(&d, FAIL_GENERIC, "IKE_AUTH could not be sent");
        fail(env, sa, &d);
    }
}

void auth_begin(struct ike_env *env, struct ike_sa *sa)
{
    struct diag d;
    bool is_childless;
    const struct child_config *cfg = NULL;
    diag_clear(&d);
    auth_use_own_id(sa);
    sa->remote_id = sa->conn->remote.id.type == ID_ANY ? identity_from_ip(sa->arena, sa->remote.ip)
                                                       : identity_dup(sa->arena, &sa->conn->remote.id);
    if (sa->resume)
        resume_set_ids(sa);
    else
        rounds_foresee(sa);
    if (!rounds_are_possible(sa, &d) ||
        !childless_begin(sa, ike_sa_has_task(sa, X_NEW_CHILD, 0), &is_childless, &d)) {
        fail(env, sa, &d);
        return;
    }
    if (!is_childless)
        take_first_child(sa, &cfg);
    ike_sa_queue(sa, (struct task){.kind = X_AUTH, .cfg = cfg});
}

void auth_wake(struct ike_sa *sa)
{
    for (size_t i = 0; i < sa->n_tasks; i++) {
        if (sa->tasks[i].kind == X_AUTH)
            sa->tasks[i].not_before = 0;
    }
}

#define HELD_MAX (15 * TIME_SECOND) /* less than a peer keeps what is half-open */

/* Has it to wait, or to begin anew because it has waited until the peer may have forgotten it? */
static bool is_held(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    if (env->host->awaits_contact(env->ctx, sa)) {
        ike_sa_queue(sa, (struct task){.kind = X_AUTH, .cfg = t->cfg, .not_before = TIME_NEVER});
        sa->held_since = sa->held_since ? sa->held_since : env->now.mono;
        return true;
    }
    if (!sa->held_since || env->now.mono - sa->held_since < HELD_MAX)
        return false;
    sa->starts_again = true;
    ike_sa_end(env, sa, NULL);
    return true;
}

void auth_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct exchange *x = &sa->own;
    struct diag d;
    diag_clear(&d);
    if (is_held(env, sa, t))
        return;
    exchange_begin(sa, x, X_AUTH);
    cfg_begin(sa);
    sa->says_contact = contact_is_due(env, sa);
    if ((t->cfg && !create_child_offer(env, sa, x, t->cfg)) ||
        !(sa->resume ? auth_make : ppk_make_auth)(env, sa, x, send_auth, &d)) {
        if (!diag_failed(&d))
            create_child_cannot(env, sa, x, &d);
        fail(env, sa, &d);
    }
}

static void refuse(struct ike_env *env, struct ike_sa *sa, const struct diag *d)
{
    env->stats->auth_failed++;
    env->host->alert(env, sa, ALERT_PEER_AUTH_FAILED);
    sa_log_diag(env, sa, LOG_ERR, d);
    delete_refused(env, sa, d);
}

/* The peer is who it should be: the IKE SA stands, whatever becomes of the child. */
static void established(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (redirect_on_auth(env, sa, x))
        return;
    if (!features_take(env, sa, &x->msg, &d)) {
        refuse(env, sa, &d);
        return;
    }
    x->ni = sa->ni;
    x->nr = sa->nr;
    ike_sa_established(env, sa, 0);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    const struct child_config *cfg = x->child_cfg;
    if (!cfg)
        sa_log(env, sa, LOG_DETAIL, "the IKE SA begins without a child");
    else if (error && !ike_find(&x->msg, PAYLOAD_SA))
        diag_from_notify(&d, sa, error, X_NEW_CHILD, cfg);
    else if (create_child_accept(env, sa, x, false, &d)) {
        struct child_sa *c = child_new(env, sa, x);
        if (!child_install(env, c, x, false, 0))
            diag_set(&d, FAIL_PROPOSAL, "the child's algorithms are not available here");
        if (diag_failed(&d))
            child_end(env, c);
    }
    exchange_end(x);
    if (diag_failed(&d)) {
        sa_log_diag(env, sa, LOG_ERR, &d);
        env->host->child_failed(env, sa, cfg, &d);
    }
}

static void refused_us(struct ike_env *env, const struct ike_sa *sa, const struct pl_notify *error)
{
    if (error && error->type == N_AUTHENTICATION_FAILED)
        env->host->alert(env, sa, ALERT_LOCAL_AUTH_FAILED);
}

/* A refusal that is about the child, and leaves the IKE SA standing [RFC7296#1.2]. */
static bool is_of_child(uint16_t notify)
{
    return notify == N_NO_PROPOSAL_CHOSEN || notify == N_SINGLE_PAIR_REQUIRED ||
           notify == N_NO_ADDITIONAL_SAS || notify == N_INTERNAL_ADDRESS_FAILURE ||
           notify == N_FAILED_CP_REQUIRED || notify == N_TS_UNACCEPTABLE;
}

/* What the peer's answer had to prove it has proved: the next round, or the end. */
static void go_on(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    sa->rounds.ours += !rounds_ours_are_over(sa);
    if (rounds_are_over(sa)) {
        established(env, sa, x);
        return;
    }
    if (ike_find(&x->msg, PAYLOAD_SA) || ike_error_notify(&x->msg)) {
        rounds_explain_early(sa, &d);
        refuse(env, sa, &d);
        return;
    }
    secret_free(&x->auth_data);
    x->auth = (struct auth_choice){.method = 0};
    x->cert = NULL;
    x->raw_key = NULL;
    if (rounds_ours_are_over(sa)) { /* an empty request: it is the peer's turn */
        send_auth(env, sa, x, NULL);
        return;
    }
    auth_use_own_id(sa);
    if (!auth_make(env, sa, x, send_auth, &d))
        refuse(env, sa, &d);
}

static void proved(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (is_first(sa) && redirect_on_auth(env, sa, x)) /* [RFC5685#6] in the first, or in the last */
        return;
    if (rounds_proved(env, sa, &x->msg, &d))
        go_on(env, sa, x);
    else
        refuse(env, sa, &d);
}

/* The peer is through with its rounds, and we were not. */
static void on_taken(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    if (error && !is_of_child(error->type)) {
        refused_us(env, sa, error);
        diag_from_notify(&d, sa, error, X_AUTH, x->child_cfg);
        fail(env, sa, &d);
        return;
    }
    if (ike_find(&x->msg, PAYLOAD_IDR) || ike_find(&x->msg, PAYLOAD_AUTH)) {
        rounds_explain_extra(sa, &d);
        refuse(env, sa, &d);
        return;
    }
    go_on(env, sa, x);
}

static void on_verified(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (auth_verdict(env, sa, job, &d))
        proved(env, sa, x);
    else
        refuse(env, sa, &d);
}

static bool id_is_wanted(struct ike_sa *sa, const struct pl_id *idr, struct diag *d)
{
    char want[ID_TEXT_MAX], got[ID_TEXT_MAX];
    const struct auth_side *remote = auth_theirs(sa);
    if (remote->method == AUTH_NULL || (remote->id.type == ID_ANY && idr->id.type != ID_NULL) ||
        identity_match(&idr->id, &remote->id))
        return true;
    diag_set(d, FAIL_AUTH, "the peer has another identity");
    diag_expected(d, "%s", identity_format(&remote->id, want));
    diag_got(d, "%s", identity_format(&idr->id, got));
    diag_where_of(d, &remote->origins, "id");
    diag_try(d, "set the remote id to what the peer calls itself, or its local id to what is expected");
    return false;
}

static bool way_is_wanted(const struct ike_sa *sa, enum auth_method way, struct diag *d)
{
    if (way == auth_theirs(sa)->method)
        return true;
    diag_set(d, FAIL_AUTH, "the peer authenticates in another way");
    diag_expected(d, "%s", auth_way_name(auth_theirs(sa)->method));
    diag_got(d, "%s%s", auth_way_name(way), way == AUTH_PUBKEY ? " or something else" : "");
    diag_where_of(d, &auth_theirs(sa)->origins, "auth");
    return false;
}

void auth_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (rounds_theirs_are_over(sa)) {
        on_taken(env, sa, x);
        return;
    }
    const struct ike_payload *idr = ike_find(&x->msg, PAYLOAD_IDR), *auth = ike_find(&x->msg, PAYLOAD_AUTH);
    const struct pl_notify *error = ike_error_notify(&x->msg);
    if (sa->resume && auth && idr && resume_check_auth(sa, &idr->id, &auth->auth, &d)) {
        established(env, sa, x);
        return;
    }
    if (sa->resume) {
        if (auth || !resume_tries_again(env, sa, &x->msg))
            resume_give_up(env, sa, auth ? &d : NULL);
        return;
    }
    if (!auth || !idr) {
        refused_us(env, sa, error);
        if (error)
            diag_from_notify(&d, sa, error, X_AUTH, x->child_cfg);
        else
            diag_set(&d, FAIL_GENERIC, "the IKE_AUTH response lacks IDr or AUTH");
        fail(env, sa, &d);
        return;
    }
    enum auth_method way = auth_way_of(auth->auth.method);
    if ((is_first(sa) && !ppk_settle(env, sa, &x->msg, &d)) || !way_is_wanted(sa, way, &d) ||
        !id_is_wanted(sa, &idr->id, &d)) {
        refuse(env, sa, &d);
        return;
    }
    sa->remote_id = identity_dup(sa->arena, null_auth_claim(&idr->id, auth->auth.method));
    if (way != AUTH_PUBKEY) {
        if (auth_check_at_once(env, sa, &idr->id, &auth->auth, &d))
            proved(env, sa, x);
        else
            refuse(env, sa, &d);
        return;
    }
    if (!auth_verify(env, sa, x, &idr->id, on_verified, &d))
        refuse(env, sa, &d);
}
