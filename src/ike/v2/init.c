/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_SA_INIT as initiator (RFC 7296 sections 1.2, 2.6, 2.7, 2.10, 2.14, 2.21.1): proposals, key exchange,
 * nonces, cookies, INVALID_KE_PAYLOAD. Nothing here is authenticated: after an error it is waited for a
 * little. The responder's part: init_responder.c. */
#include "crypto/kex.h"
#include "ike/v2/count.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"
#include "ike/v2/trace.h"

#define INIT_MAX_RESTARTS 5

void init_put_cookie(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    if (sa->cookie.len)
        build_notify(b, N_COOKIE, PROTO_NONE, span_of(NULL, 0), secret_view(&sa->cookie));
}

void init_put_request(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    build_sa(b, sa->conn->proposals.v, sa->conn->proposals.n);
    build_ke(b, x->ke, secret_view(&x->ke_public));
    build_nonce(b, nonce_view(&sa->ni));
}

uint8_t init_exchange_of(const struct ike_sa *sa)
{
    return sa->resume ? EXCHANGE_IKE_SESSION_RESUME : EXCHANGE_IKE_SA_INIT;
}

static void init_send_request(struct ike_env *env, struct ike_sa *sa)
{
    struct build b;
    struct span bytes;
    uint8_t *buf = arena_alloc(env->out->arena, 65536);
    struct ike_header h = {
        .spi_i = sa->spi_i, .major = 2, .exchange = init_exchange_of(sa), .flags = IKE_FLAG_INITIATOR};
    build_begin(&b, buf, 65535, &h);
    features_put(env, &b, sa, &sa->own, sa->resume ? MSG_RESUME_REQUEST : MSG_INIT_REQUEST);
    if (!build_end(&b, &bytes))
        return;
    secret_free(&sa->init_request);
    sa->init_request = secret_copy(bytes);
    struct datagrams d = {.v = &bytes, .n = 1};
    struct retransmit schedule = schedule_of(sa);
    window_reset(&sa->window);
    window_request(&sa->window, &sa->own.out, env->now.mono, &schedule, &d);
    count_message(env, sa, h.exchange, COUNT_OUT, false);
    trace_written_whole(env, sa, bytes);
    send_datagrams(env, sa, &d);
}

static void on_generated(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    if (!job->ok) {
        struct diag d;
        char name[64];
        diag_clear(&d);
        diag_set(&d, FAIL_PROPOSAL, "key exchange method %s is not available here",
                 alg_format(TRANSFORM_KE, x->ke, 0, name, sizeof(name)));
        diag_where_of(&d, &sa->conn->origins, "proposals");
        sa_log_diag(env, sa, LOG_ERR, &d);
        ike_sa_end(env, sa, &d);
        return;
    }
    init_send_request(env, sa);
}

void init_start(struct ike_env *env, struct ike_sa *sa)
{
    char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
    if (!sa->spi_i)
        sa->spi_i = env->host->new_ike_spi(env->ctx);
    nonce_make(&sa->ni);
    exchange_begin(sa, &sa->own, X_INIT);
    sa->state = IKE_CONNECTING;
    natd_begin(env, sa);
    sa_log(env, sa, LOG_NOTICE, "initiating IKE SA %llu from %s to %s%s", (unsigned long long)sa->id,
           endpoint_format(&sa->local, local), endpoint_format(&sa->remote, remote),
           sa->resume ? ", resuming a session" : "");
    if (sa->resume)
        init_send_request(env, sa);
    else
        job_generate(env, sa, &sa->own, proposal_first_ke(&sa->conn->proposals), on_generated);
}

/* [RFC7296#2.21.1] unauthenticated: remembered, and believed when nothing better comes for a while. */
static void note_error(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n)
{
    if (sa->init_errors++)
        return;
    diag_clear(&sa->failure);
    diag_from_notify(&sa->failure, sa, n, X_INIT, NULL);
    sa->give_up_at = env->now.mono + (sa->remote.stream ? 0 : INIT_ERROR_GRACE); /* [RFC9329#6.4] */
}

void init_give_up(struct ike_env *env, struct ike_sa *sa)
{
    struct diag d = sa->failure;
    env->stats->proposal_mismatch += d.class == FAIL_PROPOSAL;
    if (d.class == FAIL_PROPOSAL)
        env->host->alert(env, sa, ALERT_PROPOSAL_MISMATCH_IKE);
    sa_log_diag(env, sa, LOG_ERR, &d);
    ike_sa_end(env, sa, &d);
}

static bool restart_with_cookie(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n)
{
    if (n->data.len < 1 || n->data.len > 64 || sa->own.restarts >= INIT_MAX_RESTARTS)
        return false;
    sa->own.restarts++;
    secret_free(&sa->cookie);
    sa->cookie = secret_copy(n->data);
    sa_log(env, sa, LOG_DETAIL, "the peer asks for a cookie: sending IKE_SA_INIT again");
    init_send_request(env, sa);
    return true;
}

static bool restart_with_ke(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *n)
{
    char name[64];
    struct rd r = rd_over(n->data);
    uint16_t ke = rd_u16(&r);
    if (!rd_done(&r) || ke == sa->own.ke || !proposal_has_ke(&sa->conn->proposals, ke) ||
        sa->own.restarts >= INIT_MAX_RESTARTS)
        return false;
    sa->own.restarts++;
    sa_log(env, sa, LOG_NOTICE, "the peer chose %s: making a key exchange for it",
           alg_format(TRANSFORM_KE, ke, 0, name, sizeof(name)));
    outstanding_done(&sa->own.out);
    window_reset(&sa->window);
    job_generate(env, sa, &sa->own, ke, on_generated);
    return true;
}

static void on_derived(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct ike_keys keys;
    struct diag d;
    diag_clear(&d);
    if (!job->ok)
        diag_set(&d, FAIL_GENERIC, "the peer's key exchange value is invalid");
    else if (!keymat_ike(&x->chosen, nonce_view(&sa->ni), nonce_view(&sa->nr), secret_view(&x->shared),
                         sa->spi_i, sa->spi_r, &keys) ||
             !ike_sa_set_keys(sa, &keys, &x->chosen))
        diag_set(&d, FAIL_PROPOSAL, "the chosen algorithms are not available here");
    if (diag_failed(&d)) {
        sa_log_diag(env, sa, LOG_ERR, &d);
        ike_sa_end(env, sa, &d);
        return;
    }
    exchange_end(x);
    natd_float(env, sa);
    intermediate_start(env, sa);
}

static bool response_is_good(struct ike_sa *sa, const struct ike_message *m, struct chosen *chosen,
                             struct diag *d)
{
    const struct ike_payload *p = ike_find(m, PAYLOAD_SA), *ke = ike_find(m, PAYLOAD_KE);
    if (!m->header.spi_r || !p || !ke || p->sa.proposals.n != 1) {
        diag_set(d, FAIL_GENERIC, "the IKE_SA_INIT response is incomplete");
        return false;
    }
    if (!proposal_accept_choice(&sa->conn->proposals, &p->sa.proposals.v[0], chosen, d))
        return false;
    uint8_t place = 0;
    if (chosen_addke(chosen, &place) && !ike_notify(m, N_INTERMEDIATE_EXCHANGE_SUPPORTED)) {
        diag_set(d, FAIL_PROPOSAL,
                 "the peer chose an additional key exchange, but takes no IKE_INTERMEDIATE");
        return false;
    }
    if (chosen->ke != sa->own.ke || ke->ke.group != chosen->ke ||
        !kex_answer_plausible(ke->ke.group, ke->ke.data)) {
        diag_set(d, FAIL_PROPOSAL, "the response's key exchange does not fit the chosen method");
        return false;
    }
    return true;
}

/* IKE_SESSION_RESUME [RFC5723#4.3.2]: no proposals, and keys at once. */
static void resumed(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                    const struct endpoint *local)
{
    struct diag d;
    diag_clear(&d);
    if (redirect_on_init(env, sa, m) || resume_is_refused(env, sa, m))
        return;
    if (!m->header.spi_r || !nonce_take(&sa->nr, m)) {
        env->stats->dropped_malformed++;
        return;
    }
    outstanding_done(&sa->own.out);
    sa->give_up_at = TIME_NEVER;
    sa->spi_r = m->header.spi_r;
    sa->init_response = secret_copy(m->raw);
    if (ip_is_unspecified(sa->local.ip))
        sa->local = *local;
    bool fits = !sa->does_natt || resume_way_fits(&sa->resume->way, m, &sa->local, &sa->remote);
    if (!fits)
        sa_log(env, sa, LOG_NOTICE, "the peer says nothing of NATs, and the session went another way");
    if (!fits || !features_take(env, sa, m, &d) || !resume_derive(sa)) {
        resume_give_up(env, sa, NULL);
        return;
    }
    exchange_end(&sa->own);
    natd_float(env, sa);
    auth_begin(env, sa);
}

void init_on_response(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                      const struct endpoint *local)
{
    struct diag d;
    struct chosen chosen;
    struct nonce nr;
    diag_clear(&d);
    const struct pl_notify *cookie = ike_notify(m, N_COOKIE), *error = ike_error_notify(m);
    if (rules_check(m, &d) != DECODE_OK) {
        env->stats->dropped_malformed++;
        count_event(env, sa, COUNT_INVALID);
        return;
    }
    count_message(env, sa, m->header.exchange, COUNT_IN, true);
    trace_read(env, sa, m);
    if (sa->resume && !cookie) {
        resumed(env, sa, m, local);
        return;
    }
    if (redirect_on_init(env, sa, m))
        return;
    if (error || cookie) {
        bool again = cookie && !error                      ? restart_with_cookie(env, sa, cookie)
                     : error->type == N_INVALID_KE_PAYLOAD ? restart_with_ke(env, sa, error)
                                                           : false;
        if (!again && error)
            note_error(env, sa, error);
        return;
    }
    if (!response_is_good(sa, m, &chosen, &d) || !nonce_take(&nr, m)) {
        env->stats->dropped_malformed++;
        sa_log(env, sa, LOG_WARN, "an IKE_SA_INIT response is dropped: %s", d.what);
        return;
    }
    if (!ppk_init_is_good(env, sa, m))
        return;
    outstanding_done(&sa->own.out);
    sa->give_up_at = TIME_NEVER;
    sa->spi_r = m->header.spi_r;
    sa->nr = nr;
    sa->own.chosen = chosen;
    trace_chosen(env, sa, LOG_NOTICE, &chosen);
    sa->init_response = secret_copy(m->raw);
    if (ip_is_unspecified(sa->local.ip))
        sa->local = *local;
    if (features_take(env, sa, m, &d)) {
        job_derive(env, sa, &sa->own, ike_find(m, PAYLOAD_KE)->ke.data, on_derived);
        return;
    }
    sa_log_diag(env, sa, LOG_ERR, &d);
    ike_sa_end(env, sa, &d);
}
