/* SPDX-License-Identifier: Apache-2.0 */
/* Redirection to another gateway (RFC 5685), both roles.
 *
 * Client: says in IKE_SA_INIT that it may be redirected, or from where it was (section 3), and follows in the
 * answer to IKE_SA_INIT, in that to IKE_AUTH and in an established IKE SA (sections 3, 5, 6): the same
 * connection, with the same demands on the peer, is begun with the other gateway. Where that is, and how
 * often it is followed, the owner says (engine/redirect.c). An established IKE SA stays until the new one has
 * the children, where the settings make before they break.
 *
 * Gateway: redirects who said that it follows: all clients of a connection, in IKE_SA_INIT or, once they have
 * proved who they are, in IKE_AUTH (redirect, redirect_when), and who is established when told to. Who
 * already is where it would be sent, or comes from there, is served: gateways that point at each other do not
 * play ball with a client.
 *
 * Not here: closing what was redirected and does not go, but for IKE SAs that were redirected in IKE_AUTH,
 * which have nothing to stay for; choosing by load. */
#include "ike/v2/redirect.h"
#include "base/rd.h"
#include "ike/v2/ike_init.h"

enum { GATEWAY_IP4 = 1, GATEWAY_IP6 = 2, GATEWAY_NAME = 3 }; /* [RFC5685#9.2] */

#define NAME_MAX_LEN 253
#define PATIENCE     (30 * TIME_SECOND)
#define NOT_FOUND_IN (10 * TIME_SECOND)

static bool is_none(const struct gateway *g)
{
    return !g->name && !g->ip.family;
}

/* nonce: of the request in IKE_SA_INIT, else empty. */
static struct span write_gateway(uint8_t *data, const struct gateway *g, struct span nonce)
{
    struct span id = g->name ? span_str(g->name) : ip_view(&g->ip);
    struct wr w = wr_over(data, REDIRECT_MAX);
    wr_u8(&w, g->name ? GATEWAY_NAME : g->ip.family == 4 ? GATEWAY_IP4 : GATEWAY_IP6);
    wr_u8(&w, (uint8_t)id.len);
    wr_span(&w, id);
    wr_span(&w, nonce);
    return wr_span_view(&w);
}

static void put_gateway(struct build *b, uint16_t notify, const struct gateway *g)
{
    uint8_t data[REDIRECT_MAX];
    build_notify(b, notify, PROTO_NONE, span_of(NULL, 0), write_gateway(data, g, span_of(NULL, 0)));
}

/* Only what is safe in logs and look-ups. */
static bool is_name(struct span s)
{
    bool ok = s.len > 0 && s.len <= NAME_MAX_LEN && s.ptr[0] != '-' && s.ptr[0] != '.';
    for (size_t i = 0; ok && i < s.len; i++) {
        uint8_t c = s.ptr[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
             c == '_' || c == '.';
    }
    return ok;
}

/* A name is put into a. */
static bool read_gateway(struct span data, struct arena *a, struct gateway *g, struct span *nonce)
{
    struct rd r = rd_over(data);
    uint8_t type = rd_u8(&r), len = rd_u8(&r);
    struct span id = rd_bytes(&r, len);
    *nonce = rd_rest(&r);
    *g = (struct gateway){0};
    if (!rd_done(&r))
        return false;
    if (type == GATEWAY_NAME) {
        g->name = is_name(id) ? arena_strndup(a, (const char *)id.ptr, id.len) : NULL;
        return g->name;
    }
    return ip_from_bytes(id, &g->ip) && !ip_is_unspecified(g->ip) &&
           type == (g->ip.family == 4 ? GATEWAY_IP4 : GATEWAY_IP6);
}

/* ---- who follows ---- */

void redirect_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    const struct gateway from = {.ip = sa->redirected_from};
    (void)env;
    (void)x;
    if (!sa->config->settings.follows_redirects)
        return;
    if (from.ip.family)
        put_gateway(b, N_REDIRECTED_FROM, &from);
    else
        build_notify_empty(b, N_REDIRECT_SUPPORTED);
}

static bool may_be_redirected(const struct ike_message *m)
{
    return ike_notify(m, N_REDIRECT_SUPPORTED) || ike_notify(m, N_REDIRECTED_FROM);
}

bool redirect_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    struct span nonce;
    struct gateway from;
    char text[IP_TEXT_MAX];
    (void)d;
    const struct pl_notify *n = ike_notify(m, N_REDIRECTED_FROM);
    sa->takes_redirect = may_be_redirected(m);
    if (!n || !read_gateway(n->data, sa->arena, &from, &nonce) || !from.ip.family)
        return true;
    sa->came_from = from.ip;
    sa_log(env, sa, LOG_DETAIL, "the peer was redirected to us by %s", ip_format(from.ip, text));
    return true;
}

/* ---- client ---- */

static void say_not_followed(struct diag *d, const struct ike_sa *sa, const struct gateway *to)
{
    char from[IP_TEXT_MAX], text[IP_TEXT_MAX];
    diag_set(d, FAIL_UNREACHABLE, "%s redirects us to %s, which is not followed",
             ip_format(sa->remote.ip, from), gateway_format(to, text));
}

/* The owner looks up where that is and answers with redirect_found(). */
static bool follows(struct ike_env *env, struct ike_sa *sa, const struct gateway *to, struct diag *d)
{
    char from[IP_TEXT_MAX], text[IP_TEXT_MAX];
    diag_clear(d);
    if (!env->host->redirect(env, sa, to, d))
        return false;
    sa_log(env, sa, LOG_NOTICE, "%s redirects us to %s", ip_format(sa->remote.ip, from),
           gateway_format(to, text));
    return true;
}

static void wait_for_way(struct ike_env *env, struct ike_sa *sa, const struct gateway *to)
{
    diag_clear(&sa->failure);
    say_not_followed(&sa->failure, sa, to);
    diag_got(&sa->failure, "no address of it in time");
    sa->give_up_at = env->now.mono + NOT_FOUND_IN;
}

/* Not authenticated: who knows the nonce saw our request, and could as well have taken the gateway's place.
 * Whoever answers there proves the identity that the gateway would have proved. */
bool redirect_on_init(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    struct gateway to;
    struct span nonce;
    struct diag d;
    const struct pl_notify *n = ike_notify(m, N_REDIRECT);
    if (!n || ike_find(m, PAYLOAD_SA))
        return false;
    if (!sa->config->settings.follows_redirects || !read_gateway(n->data, env->out->arena, &to, &nonce) ||
        !span_equal(nonce, nonce_view(&sa->ni))) {
        env->stats->dropped_malformed++; /* [RFC5685#3] silently */
        return true;
    }
    if (follows(env, sa, &to, &d)) {
        outstanding_done(&sa->own.out);
        sa->init_errors++;
        wait_for_way(env, sa, &to);
    } else if (!sa->init_errors++) { /* as any other refusal that nobody has signed */
        sa->failure = d;
        sa->give_up_at = env->now.mono + INIT_ERROR_GRACE;
    }
    return true;
}

static bool is_asked(const struct ike_sa *sa, const struct ike_message *m, struct arena *a,
                     struct gateway *to)
{
    struct span nonce;
    const struct pl_notify *n = ike_notify(m, N_REDIRECT);
    return n && sa->was_initiator && sa->config->settings.follows_redirects &&
           read_gateway(n->data, a, to, &nonce) && !nonce.len;
}

bool redirect_on_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct gateway to;
    struct diag d;
    if (ike_find(&x->msg, PAYLOAD_SA) || !is_asked(sa, &x->msg, env->out->arena, &to))
        return false;
    exchange_end(x);
    if (follows(env, sa, &to, &d)) {
        wait_for_way(env, sa, &to);
    } else {
        sa_log_diag(env, sa, LOG_ERR, &d);
        delete_unused(env, sa, &d);
    }
    return true;
}

void redirect_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    struct gateway to;
    struct diag d;
    struct ike_sa *at = sa;
    if (!is_asked(sa, m, env->out->arena, &to))
        return;
    if (sa->state == IKE_REKEYED && sa->replaced_by)
        at = env->host->find(env->ctx, sa->replaced_by);
    if (at && ike_sa_is_up(at) && !at->renewed_by && !follows(env, at, &to, &d))
        sa_log_diag(env, at, LOG_WARN, &d);
}

static void leave(struct ike_env *env, struct ike_sa *sa)
{
    struct diag d;
    if (sa->config->settings.makes_before_break && env->host->renew(env, sa))
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the gateway redirected us");
    sa->is_renewing = true; /* with its children, elsewhere */
    delete_ike(env, sa, &d);
}

bool redirect_found(struct ike_env *env, struct ike_sa *sa, const struct diag *why_not)
{
    if (sa->state == IKE_REKEYED && sa->replaced_by)
        sa = env->host->find(env->ctx, sa->replaced_by);
    if (!sa)
        return false;
    if (ike_sa_is_up(sa)) {
        if (diag_failed(why_not))
            sa_log_diag(env, sa, LOG_WARN, why_not);
        else
            leave(env, sa);
        return true;
    }
    if (sa->state != IKE_CONNECTING)
        return false;
    sa->starts_again = !diag_failed(why_not);
    if (diag_failed(why_not))
        sa_log_diag(env, sa, LOG_ERR, why_not);
    if (sa->own.kind == X_INIT)
        ike_sa_end(env, sa, why_not);
    else /* [RFC5685#6] it is valid */
        delete_unused(env, sa, why_not);
    return true;
}

/* ---- gateway ---- */

static bool is_there(const struct gateway *to, struct ip local, struct ip from)
{
    return to->ip.family && (ip_equal(to->ip, local) || ip_equal(to->ip, from));
}

bool redirect_answers_init(struct ike_env *env, const struct connection *conn, const struct ike_message *m,
                           const struct endpoint *local, const struct endpoint *remote, bool has_marker)
{
    uint8_t data[REDIRECT_MAX];
    struct span nonce;
    struct gateway from = {0};
    char who[IP_TEXT_MAX], text[IP_TEXT_MAX];
    const struct pl_notify *n = ike_notify(m, N_REDIRECTED_FROM);
    if (is_none(&conn->redirect) || conn->redirect_when != REDIRECT_INIT || !may_be_redirected(m))
        return false;
    if (n && !read_gateway(n->data, env->out->arena, &from, &nonce))
        from = (struct gateway){0};
    if (is_there(&conn->redirect, local->ip, from.ip))
        return false;
    conn_log(env, conn, GROUP_IKE, LOG_DETAIL, "redirecting %s to %s", endpoint_format(remote, who),
             gateway_format(&conn->redirect, text));
    init_reply_notify(env, m, local, remote, has_marker, N_REDIRECT,
                      write_gateway(data, &conn->redirect, ike_find(m, PAYLOAD_NONCE)->nonce.data));
    return true;
}

bool redirect_is_due(const struct ike_sa *sa)
{
    const struct connection *conn = sa->conn;
    return !is_none(&conn->redirect) && conn->redirect_when == REDIRECT_AUTH && sa->takes_redirect &&
           !is_there(&conn->redirect, sa->local.ip, sa->came_from);
}

void redirect_put_auth(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    char text[IP_TEXT_MAX], who[ID_TEXT_MAX];
    (void)x;
    if (!sa->is_redirected)
        return;
    put_gateway(b, N_REDIRECT, &sa->conn->redirect);
    sa_log(env, sa, LOG_NOTICE, "redirecting %s to %s", identity_format(&sa->remote_id, who),
           gateway_format(&sa->conn->redirect, text));
}

void redirect_done(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->is_redirected)
        sa->expires_at = time_min(sa->expires_at, env->now.mono + PATIENCE);
}

bool redirect_send(struct ike_sa *sa, const struct gateway *to)
{
    if (!ike_sa_is_up(sa) || sa->was_initiator || !sa->takes_redirect || is_none(to))
        return false;
    sa->redirect_to = *to;
    if (to->name)
        sa->redirect_to.name = arena_strdup(sa->arena, to->name);
    return ike_sa_queue(sa, (struct task){.kind = X_REDIRECT}) || ike_sa_has_task(sa, X_REDIRECT, 0);
}

void redirect_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    char text[IP_TEXT_MAX];
    (void)t;
    exchange_begin(sa, &sa->own, X_REDIRECT);
    chain_begin(env, &b);
    put_gateway(&b, N_REDIRECT, &sa->redirect_to);
    sa_log(env, sa, LOG_NOTICE, "redirecting the peer of IKE SA %llu to %s", (unsigned long long)sa->id,
           gateway_format(&sa->redirect_to, text));
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

/* The client deletes the IKE SA when it wants to [RFC5685#5]. */
void redirect_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)sa;
    exchange_end(x);
}
