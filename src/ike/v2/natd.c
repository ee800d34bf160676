/* SPDX-License-Identifier: Apache-2.0 */
/* NAT traversal (RFC 7296 section 2.23, RFC 3948 section 2.3): detection, the move to port 4500, keepalives,
 * and following a peer whose mapping changes. ESP in UDP is also had without a NAT, by hiding our own port
 * from the peer (encap): it then sees a NAT, and each end encapsulates. Whether UDP port 4500 passes is found
 * out by IKE_AUTH; where it does not, the owner of the SAs remembers the address (note_udp in struct
 * ike_host). */
#include "ike/v2/create_child.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/path.h"

#define PORT_IKE  500
#define PORT_NATT 4500

/* What is not had in UDP: AH, and compression as peers see it. */
static bool wants_bare(const struct connection *c)
{
    for (size_t i = 0; i < c->n_children; i++) {
        if (c->children[i].has_ipcomp || ah_is_wanted(&c->children[i]))
            return true;
    }
    return false;
}

static bool is_well_known(uint16_t port)
{
    return port == PORT_IKE || port == PORT_NATT;
}

/* Only then the other end knows where to go on [RFC7296#2.23]. */
static bool can_float(const struct ike_sa *sa)
{
    return sa->is_initiator ? is_well_known(sa->remote.port)
                            : is_well_known(sa->local.port) && sa->config->settings.port_natt == PORT_NATT;
}

static bool asks_for_udp(const struct ike_sa *sa)
{
    if (sa->remote.stream)
        return false;
    switch (sa->conn->encap) {
    case ENCAP_YES:
        return true;
    case ENCAP_AUTO: /* many packets in one call are userspace's in UDP only; the kernel gains nothing by it
                      */
        return !sa->avoids_udp && sa->plane == PLANE_USER && !wants_bare(sa->conn) && can_float(sa);
    case ENCAP_NO:
        break;
    }
    return false;
}

/* [RFC4555#3.3] there is no port to be changed later, when a NAT is found on another path */
static bool floats_for_mobike(const struct ike_sa *sa)
{
    return sa->is_initiator && sa->conn->does_mobike && !sa->stays_on_500 && !sa->remote.stream &&
           can_float(sa);
}

void natd_begin(struct ike_env *env, struct ike_sa *sa)
{
    bool is_blocked = !sa->remote.stream && (sa->conn->encap == ENCAP_AUTO || floats_for_mobike(sa)) &&
                      env->host->is_udp_blocked(env->ctx, env->now.mono, sa->remote.ip);
    sa->avoids_udp = sa->conn->encap == ENCAP_AUTO && is_blocked;
    sa->stays_on_500 = is_blocked;
    sa->does_natt = !sa->avoids_udp || !sa->is_initiator;
    if (is_blocked)
        sa_log(env, sa, LOG_DETAIL, "UDP port %u did not pass the last time: not asking for %s", PORT_NATT,
               sa->avoids_udp ? "ESP in UDP" : "MOBIKE");
}

void natd_put_path(struct build *b, const struct ike_sa *sa, const struct path *path)
{
    uint8_t hash[NATD_LEN];
    struct endpoint source = path->local;
    if (asks_for_udp(sa))
        source.port = 0; /* the peer shall see a NAT */
    natd_hash(sa->spi_i, sa->spi_r, &source, hash);
    build_notify(b, N_NAT_DETECTION_SOURCE_IP, PROTO_NONE, span_of(NULL, 0), span_of(hash, NATD_LEN));
    natd_hash(sa->spi_i, sa->spi_r, &path->remote, hash);
    build_notify(b, N_NAT_DETECTION_DESTINATION_IP, PROTO_NONE, span_of(NULL, 0), span_of(hash, NATD_LEN));
}

void natd_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    struct path path = path_of(sa);
    (void)env;
    (void)x;
    if (sa->does_natt)
        natd_put_path(b, sa, &path);
}

struct nat_view natd_look(const struct ike_message *m, const struct endpoint *local,
                          const struct endpoint *remote)
{
    const struct pl_notify *dst = ike_notify(m, N_NAT_DETECTION_DESTINATION_IP);
    const struct pl_notify *src = ike_notify(m, N_NAT_DETECTION_SOURCE_IP);
    uint64_t i = m->header.spi_i, r = m->header.spi_r;
    struct nat_view v = {.is_told = dst && src};
    struct endpoint hidden = {.ip = remote->ip};
    bool is_seen = false;
    if (!v.is_told)
        return v;
    for (; src; src = ike_notify_next(m, N_NAT_DETECTION_SOURCE_IP, src)) {
        is_seen |= natd_matches(i, r, remote, src->data);
        v.is_asking |= natd_matches(i, r, &hidden, src->data);
    }
    /* One of our kind hides its port alone, as natd_put_path() does: it is where it seems to be, and is not
     * followed elsewhere. */
    v.is_asking &= !is_seen && is_well_known(remote->port);
    v.has_remote = !is_seen && !v.is_asking;
    v.has_local = !natd_matches(i, r, local, dst->data);
    return v;
}

static void set_view(struct ike_sa *sa, const struct nat_view *v)
{
    sa->has_nat_remote = v->has_remote;
    sa->has_nat_local = v->has_local;
    sa->has_fake_nat = v->is_asking || asks_for_udp(sa);
}

void natd_adopt(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v)
{
    int64_t every = sa->config->settings.keep_alive;
    set_view(sa, v);
    if (!sa->has_nat_local || !every)
        sa->keepalive_at = TIME_NEVER;
    else if (sa->keepalive_at == TIME_NEVER)
        sa->keepalive_at = env->now.mono + every;
}

bool natd_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    struct nat_view v = natd_look(m, &sa->local, &sa->remote);
    (void)env;
    (void)d;
    sa->does_natt &= v.is_told;
    if (sa->does_natt)
        set_view(sa, &v);
    return true;
}

bool natd_has_encap(const struct ike_sa *sa)
{
    uint32_t stream = sa->was_up ? sa->esp.remote.stream : sa->remote.stream;
    return stream || sa->has_nat_local || sa->has_nat_remote || sa->has_fake_nat;
}

bool natd_is_by_choice(const struct ike_sa *sa)
{
    bool moves = !sa->is_initiator || sa->conn->remote_port != PORT_NATT;
    bool chooses = (sa->conn->encap == ENCAP_AUTO && asks_for_udp(sa)) ||
                   (sa->conn->encap != ENCAP_YES && floats_for_mobike(sa));
    return chooses && moves && sa->does_natt && !sa->has_nat_local && !sa->has_nat_remote;
}

void natd_tell(struct ike_env *env, const struct ike_sa *sa)
{
    if (sa->remote.stream)
        sa_log(env, sa, LOG_DETAIL, "ESP will go in TCP");
    else if (natd_has_encap(sa))
        sa_log(env, sa, LOG_DETAIL, "ESP will go in UDP: %s",
               sa->has_nat_local              ? "a NAT was found in front of us"
               : sa->has_nat_remote           ? "a NAT was found in front of the peer"
               : !asks_for_udp(sa)            ? "the peer asks for it"
               : sa->conn->encap == ENCAP_YES ? "encap = yes"
                                              : "encap = auto, and ESP in userspace is faster so");
    else if (!sa->does_natt && !sa->avoids_udp)
        sa_log(env, sa, LOG_DETAIL, "ESP will go as protocol 50: the peer %s",
               sa->resume ? "says nothing of NATs, and there was none" : "does no NAT traversal");
}

void natd_float(struct ike_env *env, struct ike_sa *sa)
{
    natd_tell(env, sa);
    bool floats = natd_has_encap(sa) || (sa->does_natt && floats_for_mobike(sa));
    if (!floats || sa->has_marker)
        return;
    sa->has_marker = true;
    sa->local.port = sa->config->settings.port_natt;
    if (sa->remote.port == PORT_IKE)
        sa->remote.port = PORT_NATT;
    sa_log(env, sa, LOG_DETAIL, "going on over UDP port %u", sa->remote.port);
}

static void move(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                 const struct endpoint *remote, bool has_marker)
{
    bool is_new_stream = remote->stream && remote->stream != sa->remote.stream;
    sa->local = *local;
    sa->remote = *remote;
    sa->has_marker = has_marker;
    if (sa->was_up)
        mobike_commit(env, sa, NULL);
    if (is_new_stream) /* [RFC9329#6.2] */
        tcp_resend(env, sa);
}

static bool follows(const struct ike_sa *sa, const struct endpoint *remote, bool has_marker)
{
    if (!null_auth_may_move(sa, remote->ip))
        return false;
    if (sa->remote.stream || remote->stream)
        return tcp_follows(sa, remote);
    return sa->has_nat_remote && has_marker;
}

/* A new, authentic message came this way. The responder follows IKE_AUTH to where it comes from; later only
 * a peer behind a NAT is followed, and not even that when it does MOBIKE [RFC4555#3.8]; but from one TCP
 * connection to another [RFC9329#6.1]. */
void natd_authentic(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                    const struct endpoint *remote, bool has_marker)
{
    sa->last_in = env->now.mono;
    reach_again(env, sa, local, remote);
    if (endpoint_equal(&sa->remote, remote) && endpoint_equal(&sa->local, local))
        return;
    bool is_first = !sa->was_up && !sa->is_initiator;
    if (is_first || (follows(sa, remote, has_marker) && (!sa->mobike.is_on || remote->stream)))
        move(env, sa, local, remote, has_marker);
}

/* Authentic ESP comes from elsewhere. With MOBIKE the peer is asked there before it is sent anything else. No
 * NAT makes another family of an address: that is a peer on its way, and IKE says where to. */
void natd_mapping(struct ike_env *env, struct ike_sa *sa, const struct endpoint *remote)
{
    struct path path = {.local = sa->local, .remote = *remote};
    struct nat_view same = {.is_told = false};
    if (endpoint_equal(&sa->esp.remote, remote) || !follows(sa, remote, true) || !ike_sa_is_up(sa) ||
        remote->ip.family != sa->local.ip.family)
        return;
    if (sa->mobike.is_on && !remote->stream)
        reach_check(env, sa, &path, &same);
    else
        move(env, sa, &sa->local, remote, sa->has_marker);
}

/* After the machine has slept, a mapping may be gone, and the peer, too. */
static bool is_long_overdue(const struct ike_env *env, const struct ike_sa *sa)
{
    int64_t margin = sa->config->settings.keep_alive_dpd_margin;
    return margin && env->now.mono - sa->keepalive_at > margin;
}

void natd_keepalive(struct ike_env *env, struct ike_sa *sa)
{
    bool asks = is_long_overdue(env, sa) && sa->own.kind == X_NONE &&
                ike_sa_queue(sa, (struct task){.kind = X_LIVENESS});
    if (!asks && path_has_source(env, sa, sa->local.ip) && !sa->remote.stream) { /* [RFC9329#6.6] */
        struct action *a = outbox_add(env->out, ACTION_KEEPALIVE);
        a->send.local = sa->local;
        a->send.remote = sa->remote;
        a->send.is_natt = true;
    }
    sa->keepalive_at = env->now.mono + sa->config->settings.keep_alive;
}
