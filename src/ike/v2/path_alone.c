/* SPDX-License-Identifier: Apache-2.0 */
/* An IKE SA whose own address goes away, and that cannot tell: without MOBIKE (RFC 7296 section 2.23), or
 * when it is replaced or going (RFC 4555 section 3.5). */
#include "ike/v2/overlap.h"
#include "ike/v2/path.h"

static void lose_address(struct ike_env *env, struct ike_sa *sa)
{
    struct diag d;
    char text[IP_TEXT_MAX];
    diag_clear(&d);
    if (!sa->was_up && sa->was_initiator) { /* nobody else knows of it */
        sa->starts_again = true;
        ike_sa_end(env, sa, NULL);
        return;
    }
    diag_set(&d, FAIL_UNREACHABLE, "our address %s is gone, and the peer does no MOBIKE",
             ip_format(sa->local.ip, text));
    sa_log_diag(env, sa, LOG_NOTICE, &d);
    ike_sa_end(env, sa, &d);
}

/* A peer that sees a NAT in front of us follows what is authentic [RFC7296#2.23]. */
void path_take_alone(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (path_is_pair(sa, &v[i]))
            return;
    }
    if (!n) /* it may come back */
        return;
    if (!ike_sa_is_up(sa) || !sa->has_nat_local || !path_allows_local(sa->conn, v[0].local)) {
        lose_address(env, sa);
        return;
    }
    sa->local.ip = v[0].local;
    mobike_commit(env, sa, NULL);
    path_hurry(env, sa);
    ike_sa_queue(sa, (struct task){.kind = X_LIVENESS});
}

/* An SA that is replaced, or going. The peer may not know yet that it is replaced, when our answer was lost:
 * then it listens here alone. */
void path_take_at_the_end(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n)
{
    size_t i = 0;
    while (i < n && !ip_equal(v[i].remote, sa->remote.ip))
        i++;
    if (i == n || ip_equal(v[i].local, sa->local.ip))
        return;
    sa->local.ip = v[i].local;
    path_note_source(env, sa);
    path_hurry(env, sa);
    if (sa->state == IKE_REKEYED && sa->mobike.is_on)
        ike_sa_queue(
            sa, (struct task){.kind = sa->was_initiator ? X_UPDATE_ADDRESSES : X_ADDRESSES, .attempts = 1});
}
