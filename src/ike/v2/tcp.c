/* SPDX-License-Identifier: Apache-2.0 */
/* TCP encapsulation as one IKE SA sees it (RFC 9329 sections 5.1, 6.1, 6.2, 6.4): when UDP is given up, how
 * long is waited where nothing is repeated, what is said on a new connection, and which connection is used.
 * The remote endpoint of an SA names its connection. The TCP originator is whoever began the first IKE SA of
 * a line of rekeys; the other end answers on the connection that brought the last new, authentic message.
 *
 * Not here: the connections themselves (engine/streams.c), and moving an SA between UDP and TCP without
 * making it anew (tcp_move.c). */
#include "ike/v2/exchanges.h"
#include "ike/v2/ike_init.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"

/* [RFC9329#6.2] TCP repeats what the network loses: what begins an SA is sent once, and has this long, in
 * which a connection that has broken is noticed and made anew. */
#define TCP_SHORT (20 * TIME_SECOND)

/* What TCP has brought the peer may still have dropped: it may be computing the keys of the rekeyed IKE SA
 * that our request is the first of. So the requests of an SA that is up are repeated, late and seldom. The
 * first is for what should end soon, or asks whether somebody is there: 20 s in all. */
static const struct retransmit late_short = {.timeout = 5 * TIME_SECOND, .base = 3, .tries = 1};
static const struct retransmit late = {.timeout = 5 * TIME_SECOND, .base = 3, .tries = 3};

/* [RFC9329#5.1] IKE_SA_INIT goes out over UDP at 0, 1, 2.5 and 4.75 s; after 8.1 s TCP is tried. With a
 * quarter of all packets lost one attempt in 27 does so for nothing, and works none the less. */
static const struct retransmit before_fallback = {.timeout = TIME_SECOND, .base = 1.5, .tries = 3};
#define AUTH_TRIES 2 /* IKE_SA_INIT was answered, so that UDP port 4500 alone may be shut */

static bool may_fall_back(const struct ike_sa *sa)
{
    return sa->conn->tcp == TCP_FALLBACK && sa->is_initiator && !sa->remote.stream;
}

struct retransmit tcp_schedule(const struct ike_sa *sa, enum exchange_kind k, struct retransmit r)
{
    if (sa->remote.stream) {
        bool is_short = k == X_INIT || k == X_LIVENESS || k == X_DELETE_IKE || k == X_AUTH_FAILED ||
                        k == X_UPDATE_ADDRESSES || k == X_ADDRESSES;
        if (sa->was_up)
            return is_short ? late_short : late;
        return (struct retransmit){.timeout = is_short ? TCP_SHORT : retransmit_total(&r), .base = 1};
    }
    if (k == X_INIT && may_fall_back(sa))
        return before_fallback;
    if (k == X_AUTH && may_fall_back(sa) && r.tries > AUTH_TRIES)
        r.tries = AUTH_TRIES;
    return r;
}

bool tcp_falls_back(struct ike_env *env, struct ike_sa *sa)
{
    char ip[IP_TEXT_MAX];
    if (!may_fall_back(sa) || (sa->own.kind != X_INIT && sa->own.kind != X_AUTH))
        return false;
    sa_log(env, sa, LOG_WARN, "no answer from %s over UDP: starting again in TCP, port %u (tcp = fallback)",
           endpoint_format(&sa->remote, ip), sa->conn->tcp_port);
    sa->starts_again = sa->wants_tcp = true;
    ike_sa_end(env, sa, NULL);
    return true;
}

void tcp_wait(struct ike_env *env, struct ike_sa *sa)
{
    sa->spi_i = env->host->new_ike_spi(env->ctx);
    sa->state = IKE_CONNECTING;
    sa->awaits_stream = true;
    exchange_begin(sa, &sa->own, X_INIT);
}

void tcp_resend(struct ike_env *env, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (outstanding_deadline(&x->out) == TIME_NEVER)
            continue;
        env->stats->retransmitted++;
        sa_log(env, sa, LOG_DETAIL, "sending %s again on the new connection", exchange_kind_name(x->kind));
        send_datagrams(env, sa, &x->out.bytes);
    }
}

void tcp_resume(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local)
{
    if (tcp_arrived(env, sa, handle, local) || sa->remote.stream != handle)
        return;
    sa->local = *local;
    if (sa->awaits_stream) {
        sa->awaits_stream = false;
        init_start(env, sa);
        return;
    }
    if (sa->was_up)
        mobike_commit(env, sa, NULL);
    tcp_resend(env, sa);
    if (ike_sa_is_up(sa)) /* [RFC9329#6.1] the peer has to learn where we are now */
        ike_sa_queue(sa, (struct task){.kind = sa->mobike.is_on ? X_UPDATE_ADDRESSES : X_LIVENESS});
}

void tcp_refused(struct ike_env *env, struct ike_sa *sa, const char *why)
{
    struct diag d;
    char ip[IP_TEXT_MAX];
    if (!sa->awaits_stream) /* an SA outlives its connections [RFC9329#6.1] */
        return;
    diag_clear(&d);
    diag_set(&d, FAIL_UNREACHABLE, "no TCP connection to %s: %s", endpoint_format(&sa->remote, ip), why);
    diag_where_of(&d, &sa->conn->origins, "tcp");
    diag_try(&d, "does the peer listen on TCP port %u (listen_tcp), and does the path let it pass?",
             sa->remote.port);
    sa_log_diag(env, sa, LOG_ERR, &d);
    ike_sa_end(env, sa, &d);
}

bool tcp_follows(const struct ike_sa *sa, const struct endpoint *remote)
{
    return sa->remote.stream && remote->stream && !sa->was_initiator;
}
