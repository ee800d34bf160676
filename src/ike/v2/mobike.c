/* SPDX-License-Identifier: Apache-2.0 */
/* MOBIKE (RFC 4555 sections 3.2 to 3.6, 3.8, 3.9): MOBIKE_SUPPORTED, the lists of further addresses, the
 * initiator's UPDATE_SA_ADDRESSES and what the responder makes of it. Whether the peer receives where it says
 * is asked by reach.c; which pair of addresses is used is decided by path.c.
 *
 * Done only together with NAT traversal and over port 4500: NO_NATS_ALLOWED is checked, and never sent. */
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/path.h"

#define NO_NATS_4 (2 * 4 + 2 * 2)
#define NO_NATS_6 (2 * 16 + 2 * 2)

bool mobike_is_wanted(const struct ike_sa *sa)
{
    return sa->conn->does_mobike && sa->does_natt && sa->has_marker;
}

/* ---- lists of addresses [RFC4555#3.4,3.6] */

static bool has_ip(const struct ip *v, size_t n, struct ip ip)
{
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(v[i], ip))
            return true;
    }
    return false;
}

static uint8_t own_further(struct ike_env *env, const struct ike_sa *sa, struct ip out[MOBIKE_ADDRS])
{
    uint8_t count = 0;
    size_t n;
    const struct ip *v = env->host->addresses(env->ctx, &n);
    for (size_t i = 0; i < n && count < MOBIKE_ADDRS; i++) {
        if (!ip_equal(v[i], sa->local.ip) && path_may_be_told(sa, v[i]))
            out[count++] = v[i];
    }
    return count;
}

bool mobike_list_is_new(struct ike_env *env, const struct ike_sa *sa)
{
    struct ip v[MOBIKE_ADDRS];
    uint8_t n = own_further(env, sa, v);
    bool same = n == sa->mobike.n_told;
    for (uint8_t i = 0; same && i < n; i++)
        same = has_ip(sa->mobike.told, sa->mobike.n_told, v[i]);
    return !same;
}

static void put_list(struct ike_env *env, struct build *b, struct ike_sa *sa)
{
    struct mobike *m = &sa->mobike;
    m->n_told = own_further(env, sa, m->told);
    for (uint8_t i = 0; i < m->n_told; i++)
        build_notify(b, m->told[i].family == 4 ? N_ADDITIONAL_IP4_ADDRESS : N_ADDITIONAL_IP6_ADDRESS,
                     PROTO_NONE, span_of(NULL, 0), ip_view(&m->told[i]));
}

static bool can_be_peer(struct ip ip)
{
    if (ip.family == 4) /* loopback, multicast and above */
        return ip.b[0] != 0 && ip.b[0] != 127 && ip.b[0] < 224;
    struct ip loopback = {.family = 6, .b[15] = 1};
    return ip.family == 6 && !ip_is_unspecified(ip) && ip.b[0] != 0xff && !ip_equal(ip, loopback);
}

static void take_list(struct ike_sa *sa, const struct ike_message *msg)
{
    static const uint16_t types[] = {N_ADDITIONAL_IP4_ADDRESS, N_ADDITIONAL_IP6_ADDRESS};
    struct mobike *m = &sa->mobike;
    m->n_peer = 0;
    for (size_t t = 0; t < ARRAY_LEN(types); t++) {
        const struct pl_notify *n = ike_notify(msg, types[t]);
        for (; n && m->n_peer < MOBIKE_ADDRS; n = ike_notify_next(msg, types[t], n)) {
            struct ip ip;
            if (n->data.len == (t ? 16u : 4u) && ip_from_bytes(n->data, &ip) && can_be_peer(ip) &&
                !has_ip(m->peer, m->n_peer, ip))
                m->peer[m->n_peer++] = ip;
        }
    }
}

static bool has_list(const struct ike_message *m)
{
    return ike_notify(m, N_ADDITIONAL_IP4_ADDRESS) || ike_notify(m, N_ADDITIONAL_IP6_ADDRESS) ||
           ike_notify(m, N_NO_ADDITIONAL_ADDRESSES);
}

/* ---- IKE_AUTH [RFC4555#3.2] */

void mobike_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    if (sa->is_initiator ? !mobike_is_wanted(sa) : !sa->mobike.is_on)
        return;
    build_notify_empty(b, N_MOBIKE_SUPPORTED);
    put_list(env, b, sa);
}

bool mobike_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->mobike.is_on = mobike_is_wanted(sa) && null_auth_may_roam(sa) && ike_notify(m, N_MOBIKE_SUPPORTED);
    if (sa->mobike.is_on)
        take_list(sa, m);
    return true;
}

/* ---- the addresses of the children */

static void log_move(struct ike_env *env, const struct ike_sa *sa, const struct path *old)
{
    char v[4][IP_TEXT_MAX];
    sa_log(env, sa, LOG_NOTICE, "moved from %s === %s to %s === %s", endpoint_format(&old->local, v[0]),
           endpoint_format(&old->remote, v[1]), endpoint_format(&sa->esp.local, v[2]),
           endpoint_format(&sa->esp.remote, v[3]));
}

void mobike_commit(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v)
{
    struct path old = sa->esp;
    struct child_sa *c;
    bool had_encap = natd_has_encap(sa);
    sa->mobike.changed_at = env->now.mono;
    path_note_source(env, sa);
    if (v && v->is_told)
        natd_adopt(env, sa, v);
    if (!sa->remote.stream)
        sa->mobike.udp_tries = 0;
    sa->esp = sa->mobike.target = path_of(sa);
    if (path_equal(&old, &sa->esp) && had_encap == natd_has_encap(sa))
        return;
    bool is_elsewhere =
        !ip_equal(old.local.ip, sa->esp.local.ip) || !ip_equal(old.remote.ip, sa->esp.remote.ip);
    list_each(c, &sa->children, link)
    {
        bool is_bound = c->mode == MODE_TRANSPORT; /* its selectors are the addresses [RFC4555#1.2] */
        if (!ah_survives(env, c) || !child_plane_survives(env, c) || (is_bound && is_elsewhere))
            delete_child(env, c);
        else
            child_update_endpoints(env, c);
    }
    env->host->moved(env, sa);
    log_move(env, sa, &old);
}

/* ---- initiator: UPDATE_SA_ADDRESSES [RFC4555#3.5] */

static void note_nat_seen(struct ike_sa *sa, const struct ike_message *m, int64_t now)
{
    const struct pl_notify *n = ike_notify(m, N_NAT_DETECTION_DESTINATION_IP);
    sa->mobike.has_nat_seen = n && n->data.len == NATD_LEN;
    if (sa->mobike.has_nat_seen)
        memcpy(sa->mobike.nat_seen, n->data.ptr, NATD_LEN);
    sa->mobike.found_at = now;
}

void update_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    struct path path = path_of(sa);
    (void)t;
    exchange_begin(sa, &sa->own, X_UPDATE_ADDRESSES);
    chain_begin(env, &b);
    build_notify_empty(&b, N_UPDATE_SA_ADDRESSES);
    if (mobike_list_is_new(env, sa)) {
        put_list(env, &b, sa);
        if (!sa->mobike.n_told)
            build_notify_empty(&b, N_NO_ADDITIONAL_ADDRESSES);
    }
    natd_put_path(&b, sa, &path);
    cookie2_put(&b, &sa->own);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

static void refused(struct ike_env *env, struct ike_sa *sa, const struct path *path, const char *why)
{
    char local[IP_TEXT_MAX], remote[IP_TEXT_MAX];
    sa_log(env, sa, LOG_WARN, "the peer does not go on with us at %s === %s: %s",
           endpoint_format(&path->local, local), endpoint_format(&path->remote, remote), why);
    sa->mobike.is_refused = true;
    sa->mobike.refused = *path;
    sa->local = sa->esp.local;
    sa->remote = sa->esp.remote;
    path_note_source(env, sa);
    path_ask(env, sa);
}

/* [RFC4555#3.7] who answers with another cookie has not read what was sent */
static bool is_forged(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    struct diag d;
    if (cookie2_check(x) != COOKIE2_WRONG)
        return false;
    diag_clear(&d);
    diag_set(&d, FAIL_GENERIC, "the peer answers with a COOKIE2 that we did not send");
    sa_log_diag(env, sa, LOG_ERR, &d);
    delete_ike(env, sa, &d);
    return true;
}

void update_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    struct path sent = {.local = x->local, .remote = x->remote}, now = path_of(sa);
    struct nat_view v = natd_look(&x->msg, &x->local, &x->remote);
    bool has_cookie = cookie2_check(x) == COOKIE2_GOOD;
    bool is_same_peer = endpoint_equal(&sent.remote, &sa->esp.remote);
    const char *refusal = ike_notify(&x->msg, N_UNACCEPTABLE_ADDRESSES)    ? "UNACCEPTABLE_ADDRESSES"
                          : ike_notify(&x->msg, N_UNEXPECTED_NAT_DETECTED) ? "UNEXPECTED_NAT_DETECTED"
                                                                           : NULL;
    bool is_moot = !path_equal(&sent, &now), is_spread = x->is_spread;
    if (!is_forged(env, sa, x) && !is_moot && !refusal)
        note_nat_seen(sa, &x->msg, env->now.mono);
    exchange_end(x);
    if (!ike_sa_is_up(sa))
        return;
    if (is_moot || is_spread) /* which of them the peer took is not known */
        ike_sa_queue(sa, (struct task){.kind = X_UPDATE_ADDRESSES});
    else if (refusal || (!has_cookie && !is_same_peer))
        refused(env, sa, &sent, refusal ? refusal : "no COOKIE2");
    else
        mobike_commit(env, sa, &v);
}

void mobike_compare(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    struct mobike *m = &sa->mobike;
    const struct pl_notify *n = ike_notify(&x->msg, N_NAT_DETECTION_DESTINATION_IP);
    struct path sent = {.local = x->local, .remote = x->remote};
    if (!m->is_on || !sa->was_initiator || !n || n->data.len != NATD_LEN || x->is_spread ||
        !path_equal(&sent, &sa->esp))
        return;
    bool is_direct = natd_matches(sa->spi_i, sa->spi_r, &sa->local, n->data);
    bool is_same =
        m->has_nat_seen ? memcmp(m->nat_seen, n->data.ptr, NATD_LEN) == 0 : is_direct && !sa->has_nat_local;
    if (is_same) {
        m->found_at = env->now.mono;
        return;
    }
    sa_log(env, sa, LOG_DETAIL, "the peer sees us elsewhere than before: telling it our addresses");
    ike_sa_queue(sa, (struct task){.kind = X_UPDATE_ADDRESSES});
}

/* ---- our list of addresses has changed [RFC4555#3.6] */

void addresses_start(struct ike_env *env, struct ike_sa *sa, const struct task *t)
{
    struct build b;
    if (!t->attempts && !mobike_list_is_new(env, sa))
        return;
    exchange_begin(sa, &sa->own, X_ADDRESSES);
    sa->own.restarts = t->attempts;
    chain_begin(env, &b);
    put_list(env, &b, sa);
    if (!sa->mobike.n_told)
        build_notify_empty(&b, N_NO_ADDITIONAL_ADDRESSES);
    if (!send_request(env, sa, EXCHANGE_INFORMATIONAL, &b))
        exchange_end(&sa->own);
}

void addresses_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x)
{
    /* The source address is part of the list: what was sent from several is said anew, once. */
    bool again = !ip_equal(x->local.ip, sa->local.ip) && x->restarts < 2;
    uint8_t attempts = (uint8_t)(x->restarts + 1);
    (void)env;
    exchange_end(x);
    if (again)
        ike_sa_queue(sa, (struct task){.kind = X_ADDRESSES, .attempts = attempts});
}

/* ---- the peer's INFORMATIONAL requests */

/* [RFC4555#3.9] */
static bool is_translated(const struct exchange *x)
{
    const struct pl_notify *n = ike_notify(&x->msg, N_NO_NATS_ALLOWED);
    uint8_t want[NO_NATS_6];
    struct wr w = wr_over(want, sizeof(want));
    if (!n)
        return false;
    wr_bytes(&w, x->remote.ip.b, ip_len(x->remote.ip));
    wr_bytes(&w, x->local.ip.b, ip_len(x->local.ip));
    wr_u16(&w, x->remote.port);
    wr_u16(&w, x->local.port);
    return !span_equal(n->data, wr_span_view(&w));
}

static bool is_acceptable(const struct ike_sa *sa, const struct exchange *x)
{
    return x->has_marker && can_be_peer(x->remote.ip) && x->remote.port &&
           path_allows_local(sa->conn, x->local.ip) && !path_is_inside(sa, x->remote.ip);
}

/* [RFC4555#3.5] the IKE SA goes where the request came from; the children when the peer has answered there */
static void take_update(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    struct path now = path_of(sa), to = {.local = x->local, .remote = x->remote};
    struct nat_view v = natd_look(&x->msg, &to.local, &to.remote);
    sa->local = to.local;
    sa->remote = to.remote;
    path_note_source(env, sa);
    sa->mobike.wanted = to;
    sa->mobike.is_adrift = false;
    sa->mobike.changed_at = env->now.mono;
    if (!path_equal(&now, &to))
        path_hurry(env, sa);
    if (endpoint_equal(&to.remote, &sa->esp.remote) || to.remote.stream) /* [RFC9329#7.1] it is there */
        mobike_commit(env, sa, &v);
    else
        reach_check(env, sa, &to, &v);
}

/* Does the peer still receive where we send? An initiator that hears otherwise looks for another path. One
 * that could go on hears that its peer does not: strongSwan as responder then sends ESP from where it speaks,
 * and takes none anywhere else. It asks there. */
static void take_new_list(struct ike_env *env, struct ike_sa *sa, const struct exchange *x)
{
    struct mobike *m = &sa->mobike;
    struct path here = {.local = x->local, .remote = x->remote};
    take_list(sa, &x->msg);
    if (!sa->was_initiator || ip_equal(x->remote.ip, sa->remote.ip))
        return;
    bool could_stay = has_ip(m->peer, m->n_peer, sa->remote.ip);
    /* where it was heard comes first */
    memmove(&m->peer[1], &m->peer[0], (MOBIKE_ADDRS - 1) * sizeof(m->peer[0]));
    m->peer[0] = x->remote.ip;
    m->n_peer += m->n_peer < MOBIKE_ADDRS;
    if (!could_stay)
        path_doubt(env, sa);
    else if (is_acceptable(sa, x))
        path_move(env, sa, &here);
}

void mobike_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    struct path here = {.local = x->local, .remote = x->remote};
    const struct pl_notify *cookie = ike_notify(&x->msg, N_COOKIE2);
    uint16_t refusal = 0;
    bool has_update = ike_notify(&x->msg, N_UPDATE_SA_ADDRESSES) && !sa->was_initiator;
    if (sa->mobike.is_on && ike_sa_is_up(sa) && (has_update || has_list(&x->msg))) {
        if (is_translated(x) && !x->remote.stream) /* [RFC9329#7.1] */
            refusal = N_UNEXPECTED_NAT_DETECTED;
        else if (has_update && !is_acceptable(sa, x))
            refusal = N_UNACCEPTABLE_ADDRESSES;
        if (!refusal && has_list(&x->msg))
            take_new_list(env, sa, x);
        if (!refusal && has_update)
            take_update(env, sa, x);
    }
    if (refusal)
        build_notify_empty(b, refusal);
    if (ike_notify(&x->msg, N_NAT_DETECTION_SOURCE_IP) && ike_notify(&x->msg, N_NAT_DETECTION_DESTINATION_IP))
        natd_put_path(b, sa, &here); /* [RFC4555#3.8] */
    if (cookie && cookie->data.len >= 8 && cookie->data.len <= 64)
        build_notify(b, N_COOKIE2, PROTO_NONE, span_of(NULL, 0), cookie->data);
}
