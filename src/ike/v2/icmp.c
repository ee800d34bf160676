/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors about our requests [RFC7296#2.4]: anybody can forge one, so that nothing follows from it. The
 * operator is told, once for each time that a request was sent, since it is the best hint there is:
 * "connection refused" where no daemon runs, "no route to host" from the router that knows none. */
#include "ike/v2/icmp.h"
#include "ike/v2/exchanges.h"
#include "ike/v2/overlap.h"

static struct exchange *unanswered(struct ike_sa *sa)
{
    struct exchange *x;
    for (size_t i = 0; (x = overlap_at(sa, i)); i++) {
        if (x->out.is_pending && x->out.told != x->out.sent)
            return x;
    }
    return NULL;
}

void icmp_take(struct ike_env *env, struct ike_sa *sa, const struct endpoint *to, struct ip from,
               const char *why)
{
    char peer[IP_TEXT_MAX], ip[IP_TEXT_MAX];
    struct exchange *x = sa->is_dead || sa->remote.stream ? NULL : unanswered(sa);
    if (!x || !endpoint_equal(&sa->remote, to))
        return;
    x->out.told = x->out.sent;
    sa_log(env, sa, LOG_NOTICE,
           "%s did not arrive at %s, says %s by ICMP: %s. Is a daemon running there, and does a firewall let "
           "UDP port %u pass?",
           exchange_kind_name(x->kind), endpoint_format(to, peer), ip_format(from, ip), why, to->port);
}
