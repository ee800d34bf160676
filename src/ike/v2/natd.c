/* SPDX-License-Identifier: Apache-2.0 */
/* NAT traversal (RFC 7296 section 2.23, RFC 3948 section 2.3): detection, the move to port 4500, keepalives,
 * and following a peer whose mapping changes. */
#include "ike/v2/sa.h"

#define PORT_IKE  500
#define PORT_NATT 4500

void natd_build(struct build *b, const struct ike_sa *sa)
{
    uint8_t hash[NATD_LEN];
    struct endpoint source = sa->local;
    if (sa->conn->encap == ENCAP_FORCE)
        source.port = 0; /* the peer shall see a NAT */
    natd_hash(sa->spi_i, sa->spi_r, &source, hash);
    build_notify(b, N_NAT_DETECTION_SOURCE_IP, PROTO_NONE, span_of(NULL, 0), span_of(hash, NATD_LEN));
    natd_hash(sa->spi_i, sa->spi_r, &sa->remote, hash);
    build_notify(b, N_NAT_DETECTION_DESTINATION_IP, PROTO_NONE, span_of(NULL, 0), span_of(hash, NATD_LEN));
}

void natd_detect(struct ike_sa *sa, const struct ike_message *m, const struct endpoint *local,
                 const struct endpoint *remote)
{
    const struct pl_notify *dst = ike_notify(m, N_NAT_DETECTION_DESTINATION_IP);
    const struct pl_notify *src = ike_notify(m, N_NAT_DETECTION_SOURCE_IP);
    uint64_t i = m->header.spi_i, r = m->header.spi_r;
    if (!dst || !src)
        return; /* the peer does not do NAT traversal */
    bool is_translated = true;
    for (; src; src = ike_notify_next(m, N_NAT_DETECTION_SOURCE_IP, src))
        is_translated &= !natd_matches(i, r, remote, src->data);
    sa->has_nat_remote = is_translated;
    sa->has_nat_local = !natd_matches(i, r, local, dst->data);
    sa->has_fake_nat = sa->conn->encap == ENCAP_FORCE;
}

bool natd_has_encap(const struct ike_sa *sa)
{
    return sa->has_nat_local || sa->has_nat_remote || sa->has_fake_nat;
}

void natd_float(struct ike_env *env, struct ike_sa *sa)
{
    if (!natd_has_encap(sa) || sa->has_marker)
        return;
    sa->has_marker = true;
    sa->local.port = sa->config->settings.port_natt;
    if (sa->remote.port == PORT_IKE)
        sa->remote.port = PORT_NATT;
    sa_log(env, sa, LOG_DETAIL, "NAT %s: going on over UDP port %u",
           sa->has_fake_nat    ? "is assumed by configuration"
           : sa->has_nat_local ? "found in front of us"
                               : "found in front of the peer",
           sa->remote.port);
}

static void move(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                 const struct endpoint *remote, bool has_marker)
{
    char from[IP_TEXT_MAX], to[IP_TEXT_MAX];
    struct child_sa *c;
    if (sa->was_up)
        sa_log(env, sa, LOG_NOTICE, "the peer moved from %s to %s", endpoint_format(&sa->remote, from),
               endpoint_format(remote, to));
    sa->local = *local;
    sa->remote = *remote;
    sa->has_marker = has_marker;
    list_each(c, &sa->children, link) child_update_endpoints(env, c);
}

/* A new, authentic message came this way. The responder follows IKE_AUTH to where it comes from; later only
 * a peer behind a NAT is followed. */
void natd_authentic(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                    const struct endpoint *remote, bool has_marker)
{
    sa->last_in = env->now.mono;
    if (sa->conn->dpd_delay && sa->was_up)
        sa->dpd_at = env->now.mono + sa->conn->dpd_delay;
    if (endpoint_equal(&sa->remote, remote) && endpoint_equal(&sa->local, local))
        return;
    if ((!sa->was_up && !sa->is_initiator) || (sa->has_nat_remote && has_marker))
        move(env, sa, local, remote, has_marker);
}

void natd_mapping(struct ike_env *env, struct ike_sa *sa, const struct endpoint *remote)
{
    if (sa->has_nat_remote && !endpoint_equal(&sa->remote, remote))
        move(env, sa, &sa->local, remote, sa->has_marker);
}

void natd_keepalive(struct ike_env *env, struct ike_sa *sa)
{
    struct action *a = outbox_add(env->out, ACTION_KEEPALIVE);
    a->send.local = sa->local;
    a->send.remote = sa->remote;
    a->send.is_natt = true;
    sa->keepalive_at = env->now.mono + sa->config->settings.keep_alive;
}
