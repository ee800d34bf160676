/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_AUTH, the responder's side (RFC 7296 sections 1.2, 2.15, 2.21.2): which connection the peer means, is
 * it who it says, our own AUTH, and the first child, whose refusal leaves the IKE SA standing. */
#include "base/text.h"
#include "ike/v2/create_child.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"

static void refuse(struct ike_env *env, struct ike_sa *sa, uint16_t notify, const struct diag *d)
{
    env->stats->auth_failed++;
    if (notify == N_AUTHENTICATION_FAILED)
        env->host->alert(env, sa, ALERT_PEER_AUTH_FAILED);
    sa_log_diag(env, sa, LOG_WARN, d);
    send_response_notify(env, sa, EXCHANGE_IKE_AUTH, notify, span_of(NULL, 0));
    ike_sa_linger(env, sa, d);
}

/* What of a connection does not fit the request; NULL: all of it fits, *score says how closely. */
static const char *misfit(const struct ike_sa *sa, const struct connection *c, const struct exchange *x,
                          int *score)
{
    const struct ike_payload *idi = ike_find(&x->msg, PAYLOAD_IDI), *idr = ike_find(&x->msg, PAYLOAD_IDR);
    uint8_t method = ike_find(&x->msg, PAYLOAD_AUTH)->auth.method;
    const struct identity *who = null_auth_claim(&idi->id, method);
    bool is_any = c->remote.id.type == ID_ANY && who->type != ID_NULL;
    if (!match_accepts_chosen(sa, c))
        return "its proposals lack what was chosen";
    *score = is_any ? 1 : 1 + identity_match(who, &c->remote.id);
    if (auth_way_of(method) != c->remote.method)
        return "it expects another way to authenticate";
    if (!is_any && *score == 1)
        return "it expects another identity";
    const char *of_rounds = rounds_misfit(sa, c, 0, &x->msg);
    if (of_rounds)
        return of_rounds;
    if (idr) {
        struct identity mine = auth_local_id(sa, c, x->tx);
        if (!identity_match(&idr->id.id, &mine) && !identity_equal(&idr->id.id, &mine))
            return "the peer asks for another identity of ours";
    }
    return NULL;
}

/* close: what the peer's identity fits; NULL: it fits none, and what there is at its address is named. */
static void explain(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                    const struct connection *close, struct diag *d)
{
    char got[ID_TEXT_MAX], want[ID_TEXT_MAX];
    int ignored;
    if (!close) {
        struct connection_set set =
            config_peer_kinds(sa->config, env->out->arena, sa->local.ip, sa->remote.ip);
        close = set.n ? set.v[0] : NULL;
    }
    const struct identity *idi = &ike_find(&x->msg, PAYLOAD_IDI)->id.id;
    diag_set(d, FAIL_AUTH, "no connection fits the peer %s", identity_format(idi, got));
    diag_got(d, "identity %s, %s", got,
             auth_way_name(auth_way_of(ike_find(&x->msg, PAYLOAD_AUTH)->auth.method)));
    if (!close)
        return;
    const char *why = misfit(sa, close, x, &ignored);
    diag_expected(d, "connection %s: identity %s, %s", close->name, identity_format(&close->remote.id, want),
                  auth_way_name(close->remote.method));
    diag_where_of(d, &close->remote.origins, "id");
    if (!why)
        return;
    bool is_about_rounds = why == rounds_misfit(sa, close, 0, &x->msg);
    if (is_about_rounds)
        rounds_explain(close, 0, &x->msg, d);
    diag_try(d, "%s: give both sides the same %s", why,
             is_about_rounds ? "rounds" : "idea of their identities");
}

/* Another connection may take a peer that does not meet what the first one demands of its certificate
 * (groups, say), where all that came before would have been the same. */
static bool may_take_over(const struct ike_sa *sa, const struct exchange *x, const struct connection *c)
{
    const struct connection *old = sa->conn;
    if (!x->n_passed)
        return true;
    for (size_t i = 0; i < x->n_passed; i++) {
        if (c == x->passed[i])
            return false;
    }
    struct identity mine = auth_local_id(sa, c, x->tx);
    return c->ppk_required == old->ppk_required && !c->ppk_id == !old->ppk_id &&
           (!c->ppk_id || identity_equal(c->ppk_id, old->ppk_id)) && c->childless == old->childless &&
           identity_equal(&mine, &sa->local_id);
}

/* The closest identity; among connections that are equally close the one that has the child which is asked
 * for: two tunnels between the same gateways differ in nothing else. */
static const struct connection *choose(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                                       struct diag *d)
{
    const struct connection *best = NULL;
    struct diag cannot;
    enum plane plane;
    int best_score = 0, best_fit = 0, score = 0;
    const struct identity *who =
        null_auth_claim(&ike_find(&x->msg, PAYLOAD_IDI)->id, ike_find(&x->msg, PAYLOAD_AUTH)->auth.method);
    struct connection_set set = config_peers(sa->config, env->out->arena, sa->local.ip, sa->remote.ip, who);
    for (size_t i = 0; i < set.n; i++) {
        const struct connection *c = set.v[i];
        if (misfit(sa, c, x, &score) || score < best_score || !may_take_over(sa, x, c))
            continue;
        if (!env->host->plane(env->ctx, sa, c, &plane, &cannot)) {
            *d = cannot;
            continue;
        }
        int fit = match_child(sa, c, NULL, &x->msg, false).score;
        if (score > best_score || fit > best_fit) {
            best = c;
            best_score = score;
            best_fit = fit;
        }
    }
    if (best)
        diag_clear(d);
    else if (!diag_failed(d))
        explain(env, sa, x, set.n ? set.v[0] : NULL, d);
    return best;
}

static void first_child(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct child_sa *c = child_new(env, sa, x);
    bool takes_over = env->host->is_served(env->ctx, c);
    if (!child_install(env, c, x, takes_over, 0))
        child_end(env, c);
    else if (takes_over)
        c->switch_at = env->now.mono + CHILD_TAKEOVER;
}

/* Another exchange follows: the first request waits for it. */
static void answer_for_now(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct build b;
    chain_begin(env, &b);
    features_put(env, &b, sa, x, MSG_MORE_RESPONSE);
    sa->rounds.ours += x->auth.method != 0;
    rounds_keep(sa, x);
    send_response(env, sa, EXCHANGE_IKE_AUTH, &b);
}

/* Our AUTH is there: answer, then commit. */
static void answer(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct build b;
    struct diag d;
    char id[ID_TEXT_MAX];
    diag_clear(&d);
    if (!auth_is_made(x, job)) {
        diag_set(&d, FAIL_AUTH, "our signature could not be made");
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    if (!rounds_is_last(sa)) {
        answer_for_now(env, sa, x);
        return;
    }
    x->ni = sa->ni;
    x->nr = sa->nr;
    if (cfg_refuses_child(sa, &d))
        x->refusal = N_INTERNAL_ADDRESS_FAILURE;
    else if (!sa->is_redirected && !childless_is_asked(&x->msg))
        x->refusal = create_child_select(env, sa, x, NULL, false, &d);
    chain_begin(env, &b);
    features_put(env, &b, sa, x, MSG_AUTH_RESPONSE);
    sa_log(env, sa, LOG_DETAIL, "answering IKE_AUTH as %s", identity_format(&sa->local_id, id));
    ike_sa_established(env, sa, 0);
    if (x->refusal)
        sa_log_diag(env, sa, LOG_WARN, &d);
    else if (x->child_cfg)
        first_child(env, sa, x);
    redirect_done(env, sa);
    send_response(env, sa, EXCHANGE_IKE_AUTH, &b);
}

/* The peer's part of the exchange is good: now ours. */
static void take_turn(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (rounds_is_last(sa)) {
        rounds_recall(sa, x);
        sa->is_redirected = redirect_is_due(sa);
        if (!features_take(env, sa, &x->msg, &d)) {
            refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
            return;
        }
    }
    if (rounds_ours_are_over(sa)) {
        answer(env, sa, x, NULL);
        return;
    }
    if (sa->rounds.ours && !sa->resume)
        auth_use_own_id(sa);
    if (!auth_make(env, sa, x, answer, &d))
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
}

static void on_committed(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (job && !job->ok)
        diag_set(&d, FAIL_AUTH, "the piece of the pad cannot be overwritten: %s", job->verdict.why.what);
    if (diag_failed(&d) || !rounds_proved(env, sa, &x->msg, &d))
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
    else
        take_turn(env, sa, x);
}

static void not_authentic(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct diag *d)
{
    ppk_explain(sa, x, d);
    refuse(env, sa, N_AUTHENTICATION_FAILED, d);
}

static exchange_resume on_verified;

static bool verify_for_another(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                               const struct job *job, const struct diag *why)
{
    const char *unmet = job->verdict.unmet;
    bool is_demand = unmet && strcmp(unmet, "revocation") != 0 && !sa->rounds.theirs;
    while (is_demand && x->n_passed < AUTH_PASSED_MAX) {
        struct diag d;
        x->passed[x->n_passed++] = sa->conn;
        diag_clear(&d);
        const struct connection *c = choose(env, sa, x, &d);
        if (!c)
            return false;
        sa_log(env, sa, LOG_NOTICE, "%s; connection %s may take the peer instead of %s", why->what, c->name,
               sa->conn->name);
        ike_sa_set_conn(env, sa, c, &d);
        diag_clear(&d);
        if (auth_verify(env, sa, x, &ike_find(&x->msg, PAYLOAD_IDI)->id, on_verified, &d))
            return true;
    }
    return false;
}

static void on_verified(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    diag_clear(&d);
    if (auth_verdict(env, sa, job, &d))
        ppk_commit(env, sa, x, on_committed);
    else if (!verify_for_another(env, sa, x, job, &d))
        not_authentic(env, sa, x, &d);
}

static void verify(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct diag d;
    const struct pl_id *idi = &ike_find(&x->msg, PAYLOAD_IDI)->id;
    const struct pl_auth auth = ppk_peer_auth(sa, x);
    (void)job;
    diag_clear(&d);
    if (auth_theirs(sa)->method != AUTH_PUBKEY) {
        if (auth_check_at_once(env, sa, idi, &auth, &d))
            ppk_commit(env, sa, x, on_committed);
        else
            not_authentic(env, sa, x, &d);
        return;
    }
    if (!auth_verify(env, sa, x, idi, on_verified, &d))
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
}

/* Connection and identities are those of the ticket [RFC5723#4.3.3]. */
static void on_resumed(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (!resume_check_auth(sa, &ike_find(&x->msg, PAYLOAD_IDI)->id, &ike_find(&x->msg, PAYLOAD_AUTH)->auth,
                           &d)) {
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    if (!ike_sa_set_conn(env, sa, sa->conn, &d)) {
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    if (!childless_fits(sa, &x->msg, &d)) {
        refuse(env, sa, N_INVALID_SYNTAX, &d);
        return;
    }
    resume_replace(env, sa);
    rounds_skip(sa);
    take_turn(env, sa, x);
}

/* A round that is not the first, or what lets ours go on. */
static void on_further_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    const struct ike_payload *idi = ike_find(&x->msg, PAYLOAD_IDI), *auth = ike_find(&x->msg, PAYLOAD_AUTH);
    if (rounds_theirs_are_over(sa) && !idi && !auth) {
        take_turn(env, sa, x);
        return;
    }
    if (rounds_theirs_are_over(sa))
        rounds_explain_extra(sa, &d);
    else if (!auth || !idi)
        diag_set(&d, FAIL_AUTH, "the peer wants EAP in round %u: that is not supported yet",
                 sa->rounds.theirs + 1u);
    const struct connection *conn = diag_failed(&d) ? NULL : rounds_choose(env, sa, x, &d);
    if (!conn || !ike_sa_set_conn(env, sa, conn, &d)) {
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    sa->remote_id = identity_dup(sa->arena, &idi->id.id);
    verify(env, sa, x, NULL);
}

void auth_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct diag d;
    diag_clear(&d);
    if (sa->rounds.theirs) {
        on_further_request(env, sa, x);
        return;
    }
    const struct ike_payload *idi = ike_find(&x->msg, PAYLOAD_IDI), *auth = ike_find(&x->msg, PAYLOAD_AUTH);
    if (!auth || !idi) { /* no AUTH: it wants EAP */
        diag_set(&d, FAIL_AUTH, "the peer wants EAP, which is not supported yet");
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    uint8_t place;
    if (intermediate_due(sa, &place)) { /* [RFC9370#2.2.2] all that were chosen come before */
        diag_set(&d, FAIL_AUTH, "the peer left out an additional key exchange that was chosen");
        refuse(env, sa, N_INVALID_SYNTAX, &d);
        return;
    }
    cert_take_request(env, sa, &x->msg,
                      NULL); /* which certificate is ours, and so who we are, may depend on it */
    cert_url_asked(env, sa, &x->msg, NULL);
    raw_key_asked(env, sa, &x->msg, NULL);
    announce_take(env, sa, &x->msg, NULL);
    rounds_take(env, sa, &x->msg, NULL);
    cfg_expect(sa, &x->msg);
    if (sa->resume) {
        on_resumed(env, sa, x);
        return;
    }
    const struct connection *conn = choose(env, sa, x, &d);
    if (!conn || !ike_sa_set_conn(env, sa, conn, &d)) {
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
        return;
    }
    if (!childless_fits(sa, &x->msg, &d)) {
        refuse(env, sa, N_INVALID_SYNTAX, &d); /* [RFC6023#3] */
        return;
    }
    sa->remote_id = identity_dup(sa->arena, null_auth_claim(&idi->id, auth->auth.method));
    struct identity mine = auth_local_id(sa, conn, sa->arena);
    sa->local_id = identity_dup(sa->arena, &mine);
    if (!ppk_find(env, sa, x, verify, &d))
        refuse(env, sa, N_AUTHENTICATION_FAILED, &d);
}
