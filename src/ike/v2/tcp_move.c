/* SPDX-License-Identifier: Apache-2.0 */
/* Moving a living IKE SA between UDP and TCP (RFC 9329 section 7.1), together with MOBIKE and by who began
 * its first IKE SA. A TCP connection is one more path beside those of path.c: a request that stays without an
 * answer over UDP goes over it as well, the same one; where the answer comes from is where the SA goes on,
 * and UPDATE_SA_ADDRESSES is said there. An SA in TCP whose address is gone tries UDP first, unless tcp =
 * always. So does, from time to time, one whose address is still there: UDP is to be favoured wherever it
 * passes (sections 5.1, 9).
 *
 * Its children stay where they were until the peer has answered. Without MOBIKE an SA stays where it is, and
 * UDP is tried with the next one (engine/streams.c). */
#include "ike/v2/child.h"
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"

#define PORT_IKE  500
#define PORT_NATT 4500

/* Over UDP, before TCP is tried. */
#define TRANSMISSIONS 3
#define LONG_ENOUGH   (4 * TIME_SECOND)

/* On a network that was not left. A try in vain delays our next request by some seconds, and no packet. */
#define UDP_AGAIN     (10 * 60 * TIME_SECOND)
#define UDP_AGAIN_MAX (60 * 60 * TIME_SECOND)

static bool has_ah(const struct ike_sa *sa)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (c->chosen.protocol == PROTO_AH) /* which TCP does not carry */
            return true;
    }
    return false;
}

static bool may_move(const struct ike_sa *sa)
{
    return sa->conn->tcp != TCP_NO && sa->was_initiator && sa->mobike.is_on && ike_sa_is_up(sa) &&
           !has_ah(sa);
}

bool tcp_roams(const struct ike_sa *sa)
{
    return sa->remote.stream && may_move(sa);
}

static void open_from(struct ike_env *env, struct ike_sa *sa, struct ip local, struct ip remote)
{
    struct mobike *m = &sa->mobike;
    m->tcp = (struct path){
        .local = {.ip = local                },
          .remote = { .ip = remote, .port = sa->conn->tcp_port}
    };
    m->is_tcp_up = false;
    m->tcp.remote.stream = env->host->open_stream(env, sa, &m->tcp);
}

/* With a quarter of all packets lost a living UDP looks so to one request in 300, if it is one that asks who
 * lives; to one in 12, if it is another. */
static bool is_in_vain(const struct ike_sa *sa, const struct exchange *x)
{
    struct retransmit r = schedule_for(sa, x);
    int64_t since = 0;
    r.jitter = 0;
    for (unsigned i = 0; i + 1 < x->out.sent; i++)
        since += retransmit_wait(&r, i);
    return x->out.sent >= TRANSMISSIONS && since >= LONG_ENOUGH;
}

/* [RFC9329#7.1] the requests that wait are sent again, and no other is begun. Their time begins anew, once.
 */
static void ask_there(struct ike_env *env, struct ike_sa *sa, bool is_first)
{
    struct exchange *x;
    tcp_keep_path(sa);
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        struct retransmit schedule = schedule_for(sa, x);
        if (!overlap_is_under_way(x))
            continue;
        x->is_spread = true;
        if (is_first)
            outstanding_restart(&x->out, env->now.mono, &schedule);
        send_over(env, sa, &sa->mobike.tcp, &x->out.bytes);
    }
}

static bool is_waiting(struct ike_sa *sa)
{
    const struct exchange *x;
    for (size_t i = 0; (x = overlap_peek(sa, i)); i++) {
        if (overlap_is_under_way(x))
            return true;
    }
    return false;
}

/* The children's connection is from the same address to the same one: it is as good as a new one. */
static bool has_connection(const struct ike_sa *sa)
{
    return sa->esp.remote.stream && ip_equal(sa->esp.local.ip, sa->local.ip) &&
           ip_equal(sa->esp.remote.ip, sa->remote.ip);
}

void tcp_try(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    char ip[IP_TEXT_MAX];
    if (!is_in_vain(sa, x) || sa->remote.stream || sa->mobike.tcp.remote.stream || x->is_directed ||
        !may_move(sa))
        return;
    sa_log(env, sa, LOG_NOTICE, "no answer from %s over UDP to %u transmissions: trying TCP, too",
           endpoint_format(&sa->remote, ip), x->out.sent);
    if (!has_connection(sa)) {
        open_from(env, sa, sa->local.ip, sa->remote.ip);
        return;
    }
    sa->mobike.tcp = sa->esp;
    sa->mobike.is_tcp_up = true; /* if it is down nothing leaves before it is up again */
    ask_there(env, sa, true);
}

void tcp_settled(struct ike_sa *sa)
{
    sa->mobike.tcp = (struct path){0};
    sa->mobike.is_tcp_up = false;
}

void tcp_keep_path(struct ike_sa *sa)
{
    struct mobike *m = &sa->mobike;
    uint8_t n = 0;
    if (!m->is_tcp_up)
        return;
    for (uint8_t i = 0; i < m->n_paths && n < MOBIKE_PATHS - 1; i++) {
        if (m->paths[i].remote.stream != m->tcp.remote.stream)
            m->paths[n++] = m->paths[i];
    }
    m->paths[n++] = m->tcp;
    m->n_paths = n;
    m->is_in_doubt = true;
}

bool tcp_arrived(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local)
{
    struct mobike *m = &sa->mobike;
    struct path there = {.local = *local, .remote = m->tcp.remote};
    if (m->tcp.remote.stream != handle)
        return false;
    bool is_first = !m->is_tcp_up;
    m->tcp.local = *local;
    m->is_tcp_up = true;
    if (sa->remote.stream)
        path_move(env, sa, &there);
    else if (is_waiting(sa))
        ask_there(env, sa, is_first);
    else
        tcp_settled(sa);
    return true;
}

static const struct ip_pair *best(const struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    const struct ip_pair *found = NULL;
    for (size_t i = 0; i < n; i++) {
        bool is_usable = path_allows_local(sa->conn, v[i].local) && !path_is_inside(sa, v[i].remote);
        bool is_better =
            !found || (ip_equal(v[i].remote, sa->remote.ip) && !ip_equal(found->remote, sa->remote.ip));
        if (is_usable && is_better)
            found = &v[i];
    }
    return found;
}

static void leave_for_udp(struct ike_env *env, struct ike_sa *sa, struct ip local, struct ip remote)
{
    uint16_t port = sa->conn->remote_port;
    struct path udp = {
        .local = {.ip = local,  .port = sa->config->settings.port_natt             },
        .remote = {.ip = remote, .port = port && port != PORT_IKE ? port : PORT_NATT}
    };
    path_move(env, sa, &udp);
}

/* The address that the connection is from is gone, and the connection with it, though nobody says so. */
void tcp_take_paths(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    const struct ip_pair *to = best(sa, v, n);
    if (!to) {
        path_strand(env, sa);
        return;
    }
    sa->mobike.stranded_at = 0;
    if (path_has_source(env, sa, sa->local.ip) || !may_move(sa))
        return;
    if (sa->conn->tcp == TCP_ALWAYS) {
        open_from(env, sa, to->local, to->remote);
        return;
    }
    sa->mobike.udp_tries = 0; /* in another network */
    leave_for_udp(env, sa, to->local, to->remote);
}

/* ---- UDP again */

void tcp_stays(const struct ike_env *env, struct ike_sa *sa)
{
    struct mobike *m = &sa->mobike;
    int64_t wait = UDP_AGAIN;
    if (!sa->remote.stream)
        return;
    for (uint8_t i = 0; i < m->udp_tries && wait < UDP_AGAIN_MAX; i++)
        wait *= 2;
    wait = time_min(wait, UDP_AGAIN_MAX);
    m->udp_at = env->now.mono + jittered(wait, wait / 4);
    m->udp_tries += m->udp_tries < UINT8_MAX;
}

int64_t tcp_leaves_at(const struct ike_sa *sa)
{
    bool may = sa->remote.stream && sa->conn->tcp == TCP_FALLBACK && may_move(sa);
    return may && sa->own.kind == X_NONE ? sa->mobike.udp_at : TIME_NEVER;
}

void tcp_leave(struct ike_env *env, struct ike_sa *sa)
{
    char ip[IP_TEXT_MAX];
    if (tcp_leaves_at(sa) > env->now.mono)
        return;
    sa_log(env, sa, LOG_DETAIL, "trying UDP again with %s", ip_format(sa->remote.ip, ip));
    leave_for_udp(env, sa, sa->local.ip, sa->remote.ip);
}
