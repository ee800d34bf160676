/* SPDX-License-Identifier: Apache-2.0 */
/* IKE fragmentation (RFC 7383 section 2.3): the two ends agree about it in IKE_SA_INIT. Cutting is
 * ike/msg/protect.c's, putting together ike/msg/fragment.c's. */
#include "ike/v2/ike_init.h"

/* The responder answers only one who asked. */
void frag_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (sa->conn->fragmentation != FRAG_NO && (x->is_own || sa->has_fragmentation))
        build_notify_empty(b, N_IKEV2_FRAGMENTATION_SUPPORTED);
}

bool frag_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->has_fragmentation = ike_notify(m, N_IKEV2_FRAGMENTATION_SUPPORTED) != NULL;
    return true;
}
