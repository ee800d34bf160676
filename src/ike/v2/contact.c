/* SPDX-License-Identifier: Apache-2.0 */
/* INITIAL_CONTACT (RFC 7296 section 2.4): the sender has no other IKE SA between these two identities, so
 * that what the receiver still holds is lost. What follows from it is the owner's: engine/unique.c. */
#include "ike/v2/sa.h"

void contact_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)x;
    if (!env->host->has_other(env->ctx, sa))
        build_notify_empty(b, N_INITIAL_CONTACT);
}

bool contact_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->has_initial_contact = ike_notify(m, N_INITIAL_CONTACT) != NULL;
    return true;
}
