/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_SA_INIT as responder (RFC 7296 sections 1.2, 2.6, 2.7, 2.10, 2.14): what is answered without an SA, and
 * the half-open SA of a request that is acceptable. Who is asked for a cookie first, and how many there may
 * be: engine/admit.c. */
#include "crypto/kex.h"
#include "ike/v2/count.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/resume.h"
#include "ike/v2/trace.h"

#define INIT_MAX 8192

void init_reply(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                const struct endpoint *remote, bool has_marker, const struct pl_notify *v, size_t n)
{
    struct build b;
    struct span bytes;
    struct ike_header h = {.spi_i = m->header.spi_i,
                           .spi_r = m->header.spi_r,
                           .major = 2,
                           .exchange = m->header.exchange,
                           .message_id = m->header.message_id,
                           .flags = IKE_FLAG_RESPONSE |
                                    (ike_is_from_initiator(&m->header) ? 0 : IKE_FLAG_INITIATOR)};
    size_t room = 64;
    for (size_t i = 0; i < n; i++)
        room += 16 + v[i].data.len;
    build_begin(&b, arena_alloc(env->out->arena, room), room, &h);
    for (size_t i = 0; i < n; i++)
        build_notify(&b, v[i].type, v[i].protocol, span_of(NULL, 0), v[i].data);
    if (!build_end(&b, &bytes))
        return;
    if (ike_is_initial(&m->header) && n &&
        v[0].type != N_COOKIE) /* that one is asked before there is anything to count */
        count_message(env, NULL, m->header.exchange, COUNT_OUT, true);
    trace_written_whole(env, NULL, bytes);
    trace_sent(env, NULL, local, remote, bytes.len);
    send_raw(env, local, remote, has_marker, 0, bytes);
}

void init_reply_notify(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                       const struct endpoint *remote, bool has_marker, uint16_t type, struct span data)
{
    const struct pl_notify one = {.type = type, .data = data};
    init_reply(env, m, local, remote, has_marker, &one, 1);
}

void init_put_response(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    proposal_put_choice(b, &sa->chosen, span_of(NULL, 0));
    build_ke(b, x->ke, secret_view(&x->ke_public));
    build_nonce(b, nonce_view(&sa->nr));
}

void init_send_response(struct ike_env *env, struct ike_sa *sa)
{
    struct build b;
    struct span bytes;
    struct exchange *x = &sa->peer;
    uint8_t *buf = arena_alloc(env->out->arena, INIT_MAX);
    struct ike_header h = {.spi_i = sa->spi_i,
                           .spi_r = sa->spi_r,
                           .major = 2,
                           .exchange = init_exchange_of(sa),
                           .flags = IKE_FLAG_RESPONSE};
    build_begin(&b, buf, INIT_MAX, &h);
    features_put(env, &b, sa, x, sa->resume ? MSG_RESUME_RESPONSE : MSG_INIT_RESPONSE);
    if (!build_end(&b, &bytes)) {
        ike_sa_end(env, sa, NULL);
        return;
    }
    sa->init_response = secret_copy(bytes);
    struct datagrams d = {.v = &bytes, .n = 1};
    window_answer(&sa->window, &d);
    count_message(env, sa, h.exchange, COUNT_OUT, true);
    trace_written_whole(env, sa, bytes);
    send_datagrams(env, sa, &d);
    exchange_end(x);
}

static void on_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job)
{
    struct ike_keys keys;
    if (!job->ok) { /* [draft-ietf-ipsecme-ikev2-mlkem#2.2] */
        if (env->host->may_complain(env))
            sa_log(env, sa, LOG_WARN, "IKE_SA_INIT: the peer's key exchange value is invalid");
        init_reply_notify(env, &x->msg, &sa->local, &sa->remote, sa->has_marker, N_INVALID_SYNTAX,
                          span_of(NULL, 0));
        ike_sa_end(env, sa, NULL);
        return;
    }
    if (!keymat_ike(&x->chosen, nonce_view(&sa->ni), nonce_view(&sa->nr), secret_view(&x->shared), sa->spi_i,
                    sa->spi_r, &keys) ||
        !ike_sa_set_keys(sa, &keys, &x->chosen)) {
        sa_log(env, sa, LOG_WARN, "IKE_SA_INIT: the chosen algorithms are not available here");
        ike_sa_end(env, sa, NULL);
        return;
    }
    init_send_response(env, sa);
}

/* The first connection, by addresses, that has a proposal in common with the peer. d keeps the difference to
 * the closest one. */
static const struct connection *choose(struct ike_env *env, const struct pl_sa *offered,
                                       struct select_options o, const struct endpoint *local,
                                       const struct endpoint *remote, struct chosen *chosen, struct diag *d)
{
    const struct connection *first = NULL;
    struct connection_set set = config_peer_kinds(env->config, env->out->arena, local->ip, remote->ip);
    for (size_t i = 0; i < set.n; i++) {
        const struct connection *c = set.v[i];
        struct diag why;
        diag_clear(&why);
        if (proposal_select(&c->proposals, &offered->proposals, o, chosen, &why))
            return c;
        if (!first) {
            first = c;
            *d = why;
            diag_where_of(d, &c->origins, "proposals");
            diag_try(d, "name the same algorithms on both sides");
        }
    }
    if (!first) {
        char l[IP_TEXT_MAX], r[IP_TEXT_MAX];
        diag_set(d, FAIL_NOT_FOUND, "no connection for a peer at %s (to %s)", ip_format(remote->ip, r),
                 ip_format(local->ip, l));
        diag_try(d, "is the peer's address that of remote_addrs (or peer)?");
    }
    return NULL;
}

static void make_sa(struct ike_env *env, const struct connection *conn, const struct ike_message *m,
                    const struct endpoint *local, const struct endpoint *remote, bool has_marker,
                    const struct chosen *chosen, const struct nonce *ni)
{
    struct diag d;
    char text[IP_TEXT_MAX];
    struct ike_sa *sa = ike_sa_new(env, conn, false);
    struct exchange *x = &sa->peer;
    sa->spi_i = m->header.spi_i;
    sa->local = *local;
    sa->remote = *remote;
    sa->has_marker = has_marker;
    natd_begin(env, sa);
    sa->spi_r = env->host->new_ike_spi(env->ctx);
    sa->state = IKE_CONNECTING;
    sa->ni = *ni;
    nonce_make(&sa->nr);
    sa->init_request = secret_copy(m->raw);
    sa->give_up_at = env->now.mono + sa->config->settings.half_open_timeout;
    window_accept(&sa->window);
    exchange_begin(sa, x, X_INIT);
    x->msg.header = m->header;
    x->chosen = *chosen;
    trace_chosen(env, sa, LOG_DETAIL, chosen); /* anybody can begin: it must not fill the log */
    sa_log(env, sa, LOG_DETAIL, "%s initiates IKE SA %llu", endpoint_format(remote, text),
           (unsigned long long)sa->id);
    env->host->adopt(env, sa);
    diag_clear(&d);
    if (!features_take(env, sa, m, &d)) {
        sa_log_diag(env, sa, LOG_WARN, &d);
        ike_sa_end(env, sa, &d);
        return;
    }
    natd_tell(env, sa);
    job_answer(env, sa, x, chosen->ke, ike_find(m, PAYLOAD_KE)->ke.data, on_answered);
}

void init_on_request(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                     const struct endpoint *remote, bool has_marker)
{
    struct chosen chosen;
    struct nonce ni;
    struct diag d;
    diag_clear(&d);
    if (rules_check(m, &d) != DECODE_OK || !m->header.spi_i || !nonce_take(&ni, m)) {
        env->stats->dropped_malformed++;
        count_event(env, NULL, COUNT_INVALID);
        env->host->alert(env, NULL, ALERT_PARSE_ERROR_BODY);
        return;
    }
    count_message(env, NULL, m->header.exchange, COUNT_IN, false);
    trace_received(env, NULL, local, remote, m->raw.len);
    trace_read(env, NULL, m);
    const struct pl_ke *ke = &ike_find(m, PAYLOAD_KE)->ke;
    /* [RFC9370#2.2.2] without IKE_INTERMEDIATE nothing could carry them */
    const struct select_options o = {.skips_addke = !ike_notify(m, N_INTERMEDIATE_EXCHANGE_SUPPORTED),
                                     .prefers_peer_order = !env->config->settings.prefers_own_proposals};
    const struct connection *conn = choose(env, &ike_find(m, PAYLOAD_SA)->sa, o, local, remote, &chosen, &d);
    if (!conn) {
        char line[900], from[IP_TEXT_MAX];
        env->stats->proposal_mismatch += d.class == FAIL_PROPOSAL;
        if (d.class == FAIL_PROPOSAL)
            env->host->alert(env, NULL, ALERT_PROPOSAL_MISMATCH_IKE);
        if (env->host->may_complain(env))
            conn_log(env, NULL, GROUP_CFG, LOG_WARN,
                     "IKE_SA_INIT of %s is refused with NO_PROPOSAL_CHOSEN: %s",
                     endpoint_format(remote, from), diag_format(&d, line, sizeof(line)));
        init_reply_notify(env, m, local, remote, has_marker, N_NO_PROPOSAL_CHOSEN, span_of(NULL, 0));
        return;
    }
    if (redirect_answers_init(env, conn, m, local, remote, has_marker))
        return;
    if (ke->group != chosen.ke) { /* [RFC7296#1.3] */
        uint8_t want[2] = {(uint8_t)(chosen.ke >> 8), (uint8_t)chosen.ke};
        init_reply_notify(env, m, local, remote, has_marker, N_INVALID_KE_PAYLOAD, span_of(want, 2));
        return;
    }
    if (!kex_public_plausible(ke->group, ke->data)) {
        env->stats->dropped_malformed++;
        init_reply_notify(env, m, local, remote, has_marker, N_INVALID_SYNTAX, span_of(NULL, 0));
        return;
    }
    make_sa(env, conn, m, local, remote, has_marker, &chosen, &ni);
}
