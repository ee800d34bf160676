/* SPDX-License-Identifier: Apache-2.0 */
/* Which pair of addresses an IKE SA uses (RFC 4555 sections 3.5, 3.6, 3.10, 3.11), and what becomes of one
 * whose own address goes away. The machine is asked which pairs its routes allow (ACTION_PATHS) when its
 * addresses or routes change and when an answer fails to come; only the initiator of the first IKE SA
 * decides.
 *
 * A path that works is not left for a better one. When the one in use is in doubt, our request goes over the
 * others as well with each repetition, and where the answer comes from is where the initiator goes on; what
 * it then says there, it says there alone, with a COOKIE2 (mobike.c). Who does no MOBIKE, and who is going:
 * path_alone.c. */
#include "ike/v2/path.h"
#include "ike/v2/child.h"
#include "ike/v2/overlap.h"

#define DOUBT_AFTER  2                   /* transmissions without an answer */
#define STRANDED_MAX (300 * TIME_SECOND) /* without any address, before requests time out as usual */
#define PORT_NATT    4500

bool path_equal(const struct path *a, const struct path *b)
{
    return endpoint_equal(&a->local, &b->local) && endpoint_equal(&a->remote, &b->remote);
}

bool path_allows_local(const struct connection *conn, struct ip ip)
{
    return hosts_hold(conn->local_addrs, conn->n_local_addrs, ip);
}

/* A selector that holds the one address and not the other, which is outside of the tunnel as it is. */
static bool takes_in(const struct ts *v, size_t n, struct ip ip, struct ip known)
{
    for (size_t i = 0; i < n; i++) {
        bool has_ip = ip_cmp(v[i].from, ip) <= 0 && ip_cmp(ip, v[i].to) <= 0;
        bool has_known = ip_cmp(v[i].from, known) <= 0 && ip_cmp(known, v[i].to) <= 0;
        if (!v[i].is_dynamic && has_ip && !has_known)
            return true;
    }
    return false;
}

/* The way to a peer's address is kept out of the tunnel: what the tunnel is for would leave in the clear. */
bool path_is_inside(const struct ike_sa *sa, struct ip remote)
{
    const struct child_sa *c;
    list_each(c, &sa->children, link)
    {
        if (takes_in(c->ts.remote, c->ts.n_remote, remote, sa->esp.remote.ip))
            return true;
    }
    return false;
}

bool path_may_be_told(const struct ike_sa *sa, struct ip own)
{
    bool is_inside = false;
    for (size_t i = 0; i < sa->conn->n_children && !is_inside; i++) {
        const struct child_config *c = &sa->conn->children[i];
        is_inside = takes_in(c->local_ts, c->n_local_ts, own, sa->local.ip);
    }
    return !is_inside && path_allows_local(sa->conn, own);
}

/* unknown: what to say when nobody has told us. */
static bool is_listed(struct ike_env *env, struct ip ip, bool unknown)
{
    size_t n;
    const struct ip *v = env->host->addresses(env->ctx, &n);
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(v[i], ip))
            return true;
    }
    return !v && unknown;
}

void path_note_source(struct ike_env *env, struct ike_sa *sa)
{
    if (is_listed(env, sa->local.ip, false))
        sa->mobike.source = sa->local.ip;
}

/* An address that was in use without ever being on the list is one that a route makes our own. */
bool path_has_source(struct ike_env *env, const struct ike_sa *sa, struct ip ip)
{
    bool is_unlisted = ip_equal(ip, sa->local.ip) && !ip_equal(ip, sa->mobike.source);
    return is_unlisted || is_listed(env, ip, true);
}

/* ---- asking */

static void add_remote(struct path_query *q, struct ip ip)
{
    for (uint8_t i = 0; i < q->n_remote; i++) {
        if (ip_equal(q->remote[i], ip))
            return;
    }
    if (q->n_remote < PATH_REMOTES && !ip_is_unspecified(ip))
        q->remote[q->n_remote++] = ip;
}

void path_ask(struct ike_env *env, struct ike_sa *sa)
{
    const struct connection *conn = sa->conn;
    struct path_query *q = arena_calloc(env->out->arena, 1, sizeof(*q));
    if (!q)
        return;
    q->ike_id = sa->id;
    q->local = sa->local.ip;
    add_remote(q, sa->remote.ip);
    for (uint8_t i = 0; sa->mobike.is_on && i < sa->mobike.n_peer; i++)
        add_remote(q, sa->mobike.peer[i]);
    if (sa->mobike.is_on && sa->was_initiator && !sa->redirected_from.family) { /* else it is elsewhere */
        add_remote(q, conn->resolved_remote);
        for (uint8_t i = 0; i < conn->n_further; i++)
            add_remote(q, conn->further[i].remote);
    }
    outbox_add(env->out, ACTION_PATHS)->paths = q;
}

void path_doubt(struct ike_env *env, struct ike_sa *sa)
{
    if (!sa->mobike.is_on || sa->mobike.is_in_doubt || sa->remote.stream)
        return;
    sa->mobike.is_in_doubt = true;
    path_ask(env, sa);
}

/* ---- sending */

void path_hurry(struct ike_env *env, struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        struct retransmit schedule = schedule_for(sa, x);
        if (!overlap_is_under_way(x))
            continue;
        x->is_spread |= !endpoint_equal(&x->remote, &sa->remote);
        outstanding_restart(&x->out, env->now.mono, &schedule);
        send_datagrams(env, sa, &x->out.bytes);
    }
}

void path_spread(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d)
{
    struct mobike *m = &sa->mobike;
    for (uint8_t i = 0; i < m->n_paths && m->is_in_doubt; i++) {
        x->is_spread = true;
        send_over(env, sa, &m->paths[i], d);
    }
}

void path_heard(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                const struct endpoint *remote)
{
    struct path here = {.local = *local, .remote = *remote};
    if (sa->was_initiator)
        sa->mobike.found_at = env->now.mono;
    struct exchange *x;
    for (size_t i = 0; sa->mobike.is_on && !sa->was_initiator && (x = overlap_at(sa, i)); i++) {
        if (!overlap_is_under_way(x) || x->out.sent < DOUBT_AFTER || endpoint_equal(remote, &x->remote))
            continue;
        x->is_spread = true;
        send_over(env, sa, &here, &x->out.bytes);
    }
}

void path_resend(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d)
{
    if (x->kind == X_ROUTABILITY) {
        reach_resend(env, sa, d);
        return;
    }
    send_datagrams(env, sa, d);
    if (!sa->mobike.is_on)
        return;
    if (x->out.sent > DOUBT_AFTER && sa->was_initiator)
        path_doubt(env, sa);
    path_spread(env, sa, x, d);
    tcp_try(env, sa, x);
}

bool path_is_stranded(const struct ike_env *env, const struct ike_sa *sa)
{
    int64_t at = sa->mobike.stranded_at;
    return at && env->now.mono - at < STRANDED_MAX;
}

/* ---- the initiator decides */

/* The peer's lists leave out the address that they come from: the one that is left stays known. */
static void keep_remote(struct ike_sa *sa)
{
    struct mobike *m = &sa->mobike;
    for (uint8_t i = 0; i < m->n_peer; i++) {
        if (ip_equal(m->peer[i], sa->remote.ip))
            return;
    }
    if (m->n_peer < MOBIKE_ADDRS)
        m->peer[m->n_peer++] = sa->remote.ip;
}

void path_move(struct ike_env *env, struct ike_sa *sa, const struct path *to)
{
    struct mobike *m = &sa->mobike;
    bool is_same_peer = endpoint_equal(&to->remote, &sa->esp.remote);
    m->n_paths = 0;
    m->is_in_doubt = false;
    tcp_settled(sa);
    m->was_direct = true; /* others are not offered */
    m->changed_at = env->now.mono;
    sa->local = to->local;
    if (!ip_equal(to->remote.ip, sa->remote.ip))
        keep_remote(sa);
    sa->remote = to->remote;
    path_note_source(env, sa);
    tcp_stays(env, sa);
    ike_sa_queue(sa, (struct task){.kind = X_UPDATE_ADDRESSES});
    path_hurry(env, sa);
    if (is_same_peer) /* it was reachable there before */
        mobike_commit(env, sa, NULL);
}

bool path_is_pair(const struct ike_sa *sa, const struct ip_pair *p)
{
    return ip_equal(p->local, sa->local.ip) && ip_equal(p->remote, sa->remote.ip);
}

static struct path path_from(const struct ike_sa *sa, const struct ip_pair *p)
{
    bool is_known = ip_equal(p->remote, sa->remote.ip);
    return (struct path){
        .local = {.ip = p->local,  .port = sa->local.port                        },
        .remote = {.ip = p->remote, .port = is_known ? sa->remote.port : PORT_NATT}
    };
}

/* What is not in use becomes the list of alternatives. True when the path in use is still one. */
static bool keep_paths(struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    struct mobike *m = &sa->mobike;
    bool has_current = false, is_listed = false;
    m->n_paths = 0;
    for (size_t i = 0; i < n; i++) {
        struct path p = path_from(sa, &v[i]);
        bool is_refused = m->is_refused && path_equal(&p, &m->refused);
        if (!path_allows_local(sa->conn, p.local.ip) || path_is_inside(sa, p.remote.ip))
            continue;
        if (path_is_pair(sa, &v[i])) {
            /* its route goes elsewhere now, and may come from there no more */
            is_listed = true;
            has_current = (v[i].is_direct || !m->was_direct) && !is_refused;
            m->was_direct = v[i].is_direct;
        } else if (m->n_paths < MOBIKE_PATHS && !is_refused)
            m->paths[m->n_paths++] = p;
    }
    return has_current || (is_listed && !m->n_paths);
}

static const struct path *to_same_peer(const struct ike_sa *sa)
{
    const struct mobike *m = &sa->mobike;
    for (uint8_t i = 0; i < m->n_paths; i++) {
        if (endpoint_equal(&m->paths[i].remote, &sa->remote))
            return &m->paths[i];
    }
    return NULL;
}

/* Something must be asked for an answer to say which path works. */
static void probe(struct ike_env *env, struct ike_sa *sa)
{
    struct mobike *m = &sa->mobike;
    m->is_in_doubt = true;
    if (overlap_is_under_way(&sa->own)) {
        send_datagrams(env, sa, &sa->own.out.bytes); /* its time does not begin anew */
        path_spread(env, sa, &sa->own, &sa->own.out.bytes);
        return;
    }
    ike_sa_queue(sa, (struct task){.kind = X_LIVENESS});
}

static void take_as_initiator(struct ike_env *env, struct ike_sa *sa, bool has_current)
{
    struct mobike *m = &sa->mobike;
    if (has_current && m->is_in_doubt) {
        probe(env, sa);
        return;
    }
    if (has_current) {
        m->n_paths = 0;
        return;
    }
    const struct path *same = to_same_peer(sa);
    if (same) {
        struct path to = *same;
        path_move(env, sa, &to);
    } else
        probe(env, sa);
}

/* [RFC4555#3.5,3.6] our own address is gone: another one is used at once, and the initiator hears of it */
static void take_as_responder(struct ike_env *env, struct ike_sa *sa, bool has_current)
{
    struct mobike *m = &sa->mobike;
    if (has_current) {
        if (!m->is_in_doubt)
            m->n_paths = 0;
        return;
    }
    const struct path *to = to_same_peer(sa);
    to = to ? to : &m->paths[0];
    if (endpoint_equal(&to->remote, &sa->esp.remote)) {
        sa->local = to->local;
        mobike_commit(env, sa, NULL);
    }
    m->is_adrift = m->is_in_doubt = true;
    ike_sa_queue(sa, (struct task){.kind = X_ADDRESSES, .attempts = 1});
    path_hurry(env, sa);
}

/* ---- what the machine says */

void path_strand(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->mobike.stranded_at)
        return;
    sa->mobike.stranded_at = env->now.mono;
    sa_log(env, sa, LOG_NOTICE, "no way leads to the peer for now: waiting for an address");
}

/* An update, where there is one, says it too. */
static void tell_list(struct ike_env *env, struct ike_sa *sa)
{
    if (sa->mobike.is_on && mobike_list_is_new(env, sa) && !ike_sa_has_task(sa, X_UPDATE_ADDRESSES, 0))
        ike_sa_queue(sa, (struct task){.kind = X_ADDRESSES});
}

void path_take(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    struct mobike *m = &sa->mobike;
    if (sa->is_dead || sa->is_lingering)
        return;
    if (sa->was_up && !ike_sa_is_up(sa)) {
        path_take_at_the_end(env, sa, v, n);
        return;
    }
    if (!m->is_on) {
        path_take_alone(env, sa, v, n);
        return;
    }
    if (sa->remote.stream) {
        tcp_take_paths(env, sa, v, n);
        tell_list(env, sa);
        return;
    }
    bool has_current = keep_paths(sa, v, n);
    tcp_keep_path(sa);
    if (!has_current && !m->n_paths) {
        path_strand(env, sa);
        return;
    }
    bool was_stranded = m->stranded_at;
    m->stranded_at = 0;
    if (sa->was_initiator)
        take_as_initiator(env, sa, has_current);
    else
        take_as_responder(env, sa, has_current);
    if (was_stranded && has_current)
        path_hurry(env, sa);
    tell_list(env, sa);
}

void path_addresses_changed(struct ike_env *env, struct ike_sa *sa)
{
    /* a connection breaks, and is made anew */
    if (sa->is_dead || sa->is_lingering || (sa->remote.stream && !tcp_roams(sa)))
        return;
    bool is_there = path_has_source(env, sa, sa->local.ip);
    path_note_source(env, sa);
    sa->mobike.is_refused = false;
    if (!is_there || (sa->mobike.is_on && (sa->was_initiator || sa->mobike.stranded_at)))
        path_ask(env, sa);
    else
        tell_list(env, sa);
}

void path_inherit(const struct ike_sa *from, struct ike_sa *to)
{
    if (from->mobike.changed_at <= to->mobike.changed_at)
        return;
    to->local = from->local;
    to->remote = from->remote;
    to->has_marker = from->has_marker;
    to->esp = from->esp;
    to->mobike = from->mobike;
    to->mobike.has_nat_seen = false; /* hashed with the old SPIs */
}

/* ---- the answer to our request */

/* A responder that lost its address goes on where it was heard first, for there the initiator goes on as
 * well. One that decides otherwise says so; some leave it at that [RFC4555#3.5]. */
static void take_over(struct ike_env *env, struct ike_sa *sa, const struct path *from)
{
    struct nat_view same = {.is_told = false};
    bool is_settled = !sa->mobike.is_adrift && path_has_source(env, sa, sa->local.ip);
    sa->mobike.is_adrift = sa->mobike.is_in_doubt = false;
    sa->mobike.n_paths = 0;
    if (is_settled)
        return;
    sa->local = from->local;
    sa->remote = from->remote;
    path_note_source(env, sa);
    sa->mobike.changed_at = env->now.mono;
    reach_check(env, sa, from, &same);
}

void path_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct endpoint *local,
                   const struct endpoint *remote)
{
    struct mobike *m = &sa->mobike;
    struct path from = {.local = *local, .remote = *remote}, now = path_of(sa);
    x->came_from = *remote;
    if (!m->is_on || !m->is_in_doubt || x->is_directed)
        return;
    if (path_equal(&from, &now)) {
        m->is_adrift = m->is_in_doubt = false;
        m->n_paths = 0;
        tcp_settled(sa);
        return;
    }
    for (uint8_t i = 0; i < m->n_paths; i++) {
        if (!path_equal(&from, &m->paths[i]))
            continue;
        if (sa->was_initiator)
            path_move(env, sa, &from);
        else
            take_over(env, sa, &from);
        return;
    }
}
