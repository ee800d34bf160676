/* SPDX-License-Identifier: Apache-2.0 */
/* INITIAL_CONTACT (RFC 7296 section 2.4): the sender has no other IKE SA between these two identities, so
 * that what the receiver still holds is lost. With unique = never it is neither said nor believed. What
 * follows from it is the owner's: engine/unique.c, as is whether another IKE SA stays instead of this one.
 * With several rounds of authentication (RFC 4739) it is said in the first request all the same, of the
 * identities of the last round, and is not believed before all of them are over.
 *
 * A receiver that does not look at when the others were begun takes down whatever is there when it reads
 * this: after a loss, or with several threads, that may be an SA whose IKE_AUTH we sent later. So the
 * IKE_AUTH of further SAs with that peer is not sent before the one that says this has been answered. */
#include "ike/v2/ike_auth.h"

static bool has_nobody(const struct connection *c, bool is_local)
{
    for (size_t i = 0; i < connection_rounds(c, is_local); i++) {
        if (connection_round(c, is_local, i)->method == AUTH_NULL)
            return true;
    }
    return false;
}

bool contact_is_due(struct ike_env *env, const struct ike_sa *sa)
{
    return !has_nobody(sa->conn, true) && !has_nobody(sa->conn, false) && sa->conn->unique != UNIQUE_NEVER &&
           !env->host->has_other(env->ctx, sa);
}

void contact_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    sa->says_contact &= contact_is_due(env, sa); /* the peer may have begun one since */
    if (sa->says_contact)
        build_notify_empty(b, N_INITIAL_CONTACT);
}

bool contact_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    sa->has_initial_contact = sa->conn->unique != UNIQUE_NEVER && !sa->is_peer_unproven && /* [RFC7619#2.3] */
                              ike_notify(m, N_INITIAL_CONTACT) != NULL;
    if (!env->host->keeps_other(env, sa))
        return true;
    diag_set(d, FAIL_AUTH, "an IKE SA with this peer is there already, and stays (unique = keep)");
    diag_where_of(d, &sa->conn->origins, "unique");
    return false;
}
