/* SPDX-License-Identifier: Apache-2.0 */
/* Session resumption (RFC 5723), for connections with session_resumption = yes.
 *
 * The initiator asks for a ticket in IKE_AUTH, and in an INFORMATIONAL after each rekey of the IKE SA and
 * before a ticket expires (section 4.1). When the SA is lost, and not when either side deletes it, the ticket
 * waits in memory for the next attempt (6.2): IKE_SESSION_RESUME instead of IKE_SA_INIT (4.3.2), then
 * IKE_AUTH with an AUTH under the new SK_pi and SK_pr (4.3.3, resume_auth.c). Anything but a good answer
 * leads to a full exchange.
 *
 * The responder keeps nothing: the ticket holds all (ike/core/ticket.c) and outlives it. Whether the peer may
 * still come in is looked at anew: the connection must be loaded, unchanged and resumable, and the preshared
 * key still the same. What a certificate is worth is not asked again, so that tickets live for an hour at
 * most, and never longer than the authentication. A ticket is good for one IKE SA (4.3.1), and one whose SA
 * was deleted for none, as long as the responder runs (engine/session.c).
 *
 * Not here: tickets by reference; TICKET_ACK as an answer (it is understood); tickets in CREATE_CHILD_SA;
 * IKE_INTERMEDIATE after IKE_SESSION_RESUME. */
#include "ike/v2/resume.h"
#include "crypto/alg.h"
#include "ike/v2/count.h"
#include "ike/v2/features.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/path.h"
#include "ike/v2/redirect.h"
#include "ike/v2/trace.h"
#include <stdlib.h>

#define LIFETIME_MAX (60 * 60) /* seconds [RFC5723#9.8] */
#define LIFETIME_MIN 30
#define ASK_LATER    (30 * TIME_SECOND)
#define ID_ROOM      16384

void resumption_free(struct resumption *r)
{
    if (!r)
        return;
    secret_free(&r->opaque);
    secret_free(&r->sk_d);
    arena_free(r->arena);
    secret_wipe(r, sizeof(*r));
    free(r);
}

static struct resumption *resumption_new(const struct identity *local, const struct identity *remote)
{
    struct resumption *r = mem_new(sizeof(*r));
    r->arena = arena_new(ID_ROOM);
    r->local_id = identity_dup(r->arena, local);
    r->remote_id = identity_dup(r->arena, remote);
    r->auth_ends = TIME_NEVER;
    return r;
}

/* ---- asking ---- */

/* What proves nothing [RFC7619] cannot be resumed either. */
static bool is_client(const struct ike_sa *sa)
{
    return sa->was_initiator && sa->conn->resumes_sessions && !sa->is_peer_unproven;
}

void resume_put_wish(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    if (is_client(sa))
        build_notify_empty(b, N_TICKET_REQUEST);
}

/* [RFC5723#7.1] */
static void take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    const struct pl_notify *n = ike_notify(m, N_TICKET_LT_OPAQUE);
    struct rd r = rd_over(n ? n->data : span_of(NULL, 0));
    int64_t lifetime = rd_u32(&r);
    struct span opaque = rd_rest(&r);
    sa->ticket_at = TIME_NEVER;
    if (!n && ike_notify(m, N_TICKET_ACK))
        sa->ticket_at = env->now.mono + ASK_LATER;
    if (!rd_ok(&r) || !n || !opaque.len || !lifetime)
        return;
    secret_free(&sa->ticket);
    sa->ticket = secret_copy(opaque);
    sa->ticket_expires = env->now.mono + lifetime * TIME_SECOND;
    sa->ticket_at = env->now.mono + (lifetime < LIFETIME_MIN ? LIFETIME_MIN : lifetime) * TIME_SECOND / 4 * 3;
    sa_log(env, sa, LOG_DETAIL, "the peer gave a ticket for %lld s", (long long)lifetime);
}

bool resume_take_ticket(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)d;
    if (is_client(sa))
        take(env, sa, m);
    return true;
}

void resume_ask(struct ike_sa *sa)
{
    if (is_client(sa))
        ike_sa_queue(sa, (struct task){.kind = X_TICKET});
}

void resume_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    (void)t;
    exchange_begin(sa, &sa->own, X_TICKET);
    chain_begin(env, &b);
    build_notify_empty(&b, N_TICKET_REQUEST);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void resume_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    take(env, sa, &x->msg);
    exchange_end(x);
}

/* ---- giving ---- */

/* Seconds; no longer than the SA itself would have lived. */
static int64_t lifetime_of(const struct ike_env *env, const struct ike_sa *sa)
{
    const struct connection *c = sa->conn;
    const int64_t ends[] = {
        c->rekey_time ? c->rekey_time + c->over_time : 0, c->reauth_time,
        sa->reauth_at == TIME_NEVER ? 0 : sa->reauth_at - env->now.mono,
        sa->auth_ends_at == TIME_NEVER ? 0 : sa->auth_ends_at - env->now.mono,
        sa->resume && sa->resume->auth_ends != TIME_NEVER ? sa->resume->auth_ends - env->now.mono : 0};
    int64_t seconds = LIFETIME_MAX;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        if (ends[i])
            seconds = time_min(seconds, ends[i] / TIME_SECOND);
    }
    return seconds;
}

static int64_t to_wall(const struct ike_env *env, int64_t mono)
{
    return mono == TIME_NEVER ? 0 : env->now.wall + (mono - env->now.mono) / TIME_SECOND;
}

static int64_t auth_ends_of(const struct ike_env *env, const struct ike_sa *sa)
{
    int64_t at = time_min(sa->reauth_at, sa->auth_ends_at);
    if (sa->resume) /* not established yet: what it takes over counts */
        return to_wall(env, time_min(at, sa->resume->auth_ends));
    if (!sa->was_up && sa->conn->reauth_time)
        at = time_min(at, env->now.mono + sa->conn->reauth_time);
    return to_wall(env, at);
}

static size_t seal(struct ike_env *env, struct ike_sa *sa, int64_t lifetime, uint8_t out[TICKET_MAX])
{
    struct ticket t = {.expires = env->now.wall + lifetime,
                       .auth_ends = auth_ends_of(env, sa),
                       .old_id = sa->id,
                       .old_spi_i = sa->spi_i,
                       .old_spi_r = sa->spi_r,
                       .conn_hash = sa->conn->hash,
                       .chosen = sa->chosen,
                       .has_ppk = sa->ppk.is_used || sa->ppk.is_mixed,
                       .way = resume_way_of(sa),
                       .sk_d = secret_view(&sa->keys.sk_d),
                       .conn = span_str(sa->conn->name),
                       .local_id = sa->local_id,
                       .remote_id = sa->remote_id};
    if (!resume_credential(env, sa->config, sa->conn, &sa->local_id, &sa->remote_id, t.credential))
        return 0;
    size_t len = ticket_seal(env->secret, env->now.wall, &t, out);
    if (len)
        memcpy(sa->ticket_given, t.id, sizeof(t.id));
    return len;
}

void resume_put_ticket(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t data[4 + TICKET_MAX];
    struct wr w = wr_over(data, sizeof(data));
    if (sa->was_initiator || !sa->conn->resumes_sessions || !ike_notify(&x->msg, N_TICKET_REQUEST))
        return;
    int64_t lifetime = lifetime_of(env, sa);
    size_t len = lifetime >= LIFETIME_MIN && !sa->is_peer_unproven ? seal(env, sa, lifetime, data + 4) : 0;
    if (!len) {
        build_notify_empty(b, N_TICKET_NACK);
        return;
    }
    sa->ticket_expires = env->now.mono + lifetime * TIME_SECOND;
    wr_u32(&w, (uint32_t)lifetime);
    build_notify(b, N_TICKET_LT_OPAQUE, PROTO_NONE, span_of(NULL, 0), span_of(data, 4 + len));
}

/* ---- initiator ---- */

struct resumption *resume_keep(const struct ike_sa *sa, int64_t now)
{
    if (!is_client(sa) || !sa->ticket.len || sa->ticket_expires <= now || !sa->keys.sk_d.len)
        return NULL;
    struct resumption *r = resumption_new(&sa->local_id, &sa->remote_id);
    r->opaque = secret_copy(secret_view(&sa->ticket));
    r->sk_d = secret_copy(secret_view(&sa->keys.sk_d));
    r->chosen = sa->chosen;
    r->has_ppk = sa->ppk.is_used;
    r->way = resume_way_of(sa);
    r->expires = sa->ticket_expires;
    r->auth_ends = time_min(sa->reauth_at, sa->auth_ends_at);
    r->old_id = sa->id;
    r->conn_hash = sa->conn->hash;
    return r;
}

bool resume_may(const struct resumption *r, const struct connection *conn, int64_t now)
{
    return r && conn->resumes_sessions && r->conn_hash == conn->hash && r->expires > now &&
           r->auth_ends > now;
}

void resume_put_nonce(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    build_nonce(b, nonce_view(x->is_own ? &sa->ni : &sa->nr));
}

void resume_put_opaque(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    build_notify(b, N_TICKET_OPAQUE, PROTO_NONE, span_of(NULL, 0), secret_view(&sa->resume->opaque));
}

void resume_give_up(struct ike_env *env, struct ike_sa *sa, const struct diag *why)
{
    if (why)
        sa_log_diag(env, sa, LOG_WARN, why);
    sa_log(env, sa, LOG_NOTICE, "the session cannot be resumed: beginning anew");
    sa->starts_again = true;
    if (why)
        delete_refused(env, sa, why);
    else
        ike_sa_end(env, sa, NULL);
}

/* [RFC5723#4.3.2] nobody has signed it: who forges it gains a full exchange. */
bool resume_is_refused(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    if (!ike_notify(m, N_TICKET_NACK) && !ike_error_notify(m))
        return false;
    resume_give_up(env, sa, NULL);
    return true;
}

/* The responder has said what it has to: keys [RFC5723#5.1]. */
bool resume_derive(struct ike_sa *sa)
{
    struct ike_keys keys;
    const struct chosen chosen = sa->resume->chosen;
    sa->addke_done = ADDKE_MAX; /* what was exchanged before is in SK_d */
    return keymat_ike_resume(&chosen, secret_view(&sa->resume->sk_d), nonce_view(&sa->ni),
                             nonce_view(&sa->nr), sa->spi_i, sa->spi_r, &keys) &&
           ike_sa_set_keys(sa, &keys, &chosen);
}

void resume_set_ids(struct ike_sa *sa)
{
    sa->local_id = identity_dup(sa->arena, &sa->resume->local_id);
    sa->remote_id = identity_dup(sa->arena, &sa->resume->remote_id);
}

/* ---- responder ---- */

/* The connection that the ticket was given by, if that would still give it. */
static const struct connection *allowed_by(struct ike_env *env, const struct ticket *t)
{
    uint8_t now[TICKET_CREDENTIAL];
    char name[128];
    if (t->conn.len >= sizeof(name))
        return NULL;
    memcpy(name, t->conn.ptr, t->conn.len);
    name[t->conn.len] = 0;
    const struct connection *conn = config_find(env->config, name);
    bool ok = conn && conn->resumes_sessions && conn->hash == t->conn_hash &&
              (!conn->ppk_required || t->has_ppk) && (!t->auth_ends || t->auth_ends > env->now.wall) &&
              resume_credential(env, env->config, conn, &t->local_id, &t->remote_id, now) &&
              secret_equal(span_of(now, sizeof(now)), span_of(t->credential, sizeof(t->credential)));
    return ok ? conn : NULL;
}

static struct ike_sa *make_sa(struct ike_env *env, const struct connection *conn, const struct ticket *t,
                              const struct ike_message *m, const struct endpoint *local,
                              const struct endpoint *remote, bool has_marker)
{
    struct ike_sa *sa = ike_sa_new(env, conn, false);
    struct resumption *r = resumption_new(&t->local_id, &t->remote_id);
    r->sk_d = secret_copy(t->sk_d);
    r->chosen = t->chosen;
    r->has_ppk = t->has_ppk;
    if (t->auth_ends)
        r->auth_ends = env->now.mono + (t->auth_ends - env->now.wall) * TIME_SECOND;
    r->old_id = t->old_id;
    r->old_spi_i = t->old_spi_i;
    r->old_spi_r = t->old_spi_r;
    memcpy(r->ticket, t->id, sizeof(r->ticket));
    sa->resume = r;
    sa->spi_i = m->header.spi_i;
    sa->spi_r = env->host->new_ike_spi(env->ctx);
    sa->local = *local;
    sa->remote = *remote;
    sa->has_marker = has_marker;
    sa->state = IKE_CONNECTING;
    sa->init_request = secret_copy(m->raw);
    sa->give_up_at = env->now.mono + sa->config->settings.half_open_timeout;
    nonce_take(&sa->ni, m);
    nonce_make(&sa->nr);
    resume_set_ids(sa);
    natd_begin(env, sa);
    return sa;
}

static void accept(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    char text[IP_TEXT_MAX];
    struct diag d;
    diag_clear(&d);
    window_accept(&sa->window);
    exchange_begin(sa, &sa->peer, X_INIT);
    sa->peer.msg.header = m->header;
    sa_log(env, sa, LOG_DETAIL, "%s resumes a session as IKE SA %llu", endpoint_format(&sa->remote, text),
           (unsigned long long)sa->id);
    env->host->adopt(env, sa);
    if (!features_take(env, sa, m, &d) || !resume_derive(sa)) {
        ike_sa_end(env, sa, NULL);
        return;
    }
    natd_tell(env, sa);
    init_send_response(env, sa);
}

void resume_on_request(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                       const struct endpoint *remote, bool has_marker)
{
    uint8_t room[TICKET_MAX];
    struct ticket t;
    struct nonce ni;
    struct diag d;
    char text[IP_TEXT_MAX];
    diag_clear(&d);
    const struct pl_notify *n = ike_notify(m, N_TICKET_OPAQUE);
    if (rules_check(m, &d) != DECODE_OK || !m->header.spi_i || !n || !nonce_take(&ni, m)) {
        env->stats->dropped_malformed++;
        count_event(env, NULL, COUNT_INVALID);
        return;
    }
    count_message(env, NULL, m->header.exchange, COUNT_IN, false);
    trace_received(env, NULL, local, remote, m->raw.len);
    trace_read(env, NULL, m);
    const struct connection *conn = NULL;
    if (ticket_open(env->secret, env->now.wall, n->data, room, &t) &&
        !env->host->is_ticket_used(env->ctx, t.id))
        conn = allowed_by(env, &t);
    if (conn && !resume_way_fits(&t.way, m, local, remote)) {
        conn_log(env, conn, GROUP_IKE, LOG_NOTICE,
                 "%s says nothing of NATs, and the session went another way", endpoint_format(remote, text));
        conn = NULL;
    }
    if (conn && redirect_answers_init(env, conn, m, local, remote, has_marker)) {
        secret_wipe(room, sizeof(room));
        return;
    }
    if (conn) {
        accept(env, make_sa(env, conn, &t, m, local, remote, has_marker), m);
    } else {
        conn_log(env, NULL, GROUP_IKE, LOG_NOTICE, "the ticket of %s is refused: a full exchange is needed",
                 endpoint_format(remote, text));
        init_reply_notify(env, m, local, remote, has_marker, N_TICKET_NACK, span_of(NULL, 0));
    }
    secret_wipe(room, sizeof(room));
}

/* [RFC5723#4.3.4] */
void resume_replace(struct ike_env *env, struct ike_sa *sa)
{
    const struct resumption *r = sa->resume;
    struct ike_sa *old = env->host->find(env->ctx, r->old_id);
    env->host->use_ticket(env, r->ticket);
    if (old && old != sa && old->spi_i == r->old_spi_i && old->spi_r == r->old_spi_r)
        ike_sa_end(env, old, NULL);
}

void resume_established(struct ike_env *env, struct ike_sa *sa)
{
    struct resumption *r = sa->resume;
    if (!r)
        return;
    if (sa->was_initiator)
        sa->reauth_at = time_min(sa->reauth_at, r->auth_ends);
    else
        sa->auth_ends_at = time_min(sa->auth_ends_at, r->auth_ends);
    sa->ppk.is_used = r->has_ppk;
    sa->is_resumed = true;
    sa->has_short_auth = r->is_auth_short;
    sa->resume = NULL;
    env->stats->resumed++;
    sa_log(env, sa, LOG_NOTICE, "IKE SA %llu resumes a session: no key exchange and no %s were needed",
           (unsigned long long)sa->id, sa->conn->remote.method == AUTH_PSK ? "secret" : "certificate");
    resumption_free(r);
}
