/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs that are made without a child (RFC 6023). A responder says in IKE_SA_INIT that it takes them
 * (section 3), and then answers an IKE_AUTH without SA, TSi and TSr (section 5) likewise: nothing
 * is written for a child that is not there (create_child_offer.c). The initiator leaves the child out when
 * its connection says so (childless = prefer, force) or has none to offer; its children then come with
 * CREATE_CHILD_SA, each with nonces and, where proposed, a key exchange of its own.
 *
 * The notify is protected by AUTH, which covers the IKE_SA_INIT response, and not before: who removes it on
 * the way makes IKE_AUTH fail, or, with force, the attempt. */
#include "ike/v2/ike_auth.h"

void childless_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    if (sa->conn->childless != CHILDLESS_NEVER)
        build_notify(b, N_CHILDLESS_IKEV2_SUPPORTED, PROTO_IKE, span_of(NULL, 0), span_of(NULL, 0));
}

/* Nothing is refused before the peer has proved who it is: see childless_begin(). */
bool childless_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    (void)env;
    (void)d;
    sa->takes_childless = ike_notify(m, N_CHILDLESS_IKEV2_SUPPORTED) != NULL;
    return true;
}

bool childless_begin(const struct ike_sa *sa, bool has_child, bool *is_childless, struct diag *d)
{
    enum childless want = sa->conn->childless;
    *is_childless =
        !has_child || want == CHILDLESS_FORCE || (want == CHILDLESS_PREFER && sa->takes_childless);
    if (!*is_childless || sa->takes_childless)
        return true;
    diag_set(d, FAIL_CONFIG,
             has_child ? "the peer takes no IKE SA without a child, and connection %s makes no other"
                       : "connection %s has no child to bring up, and the peer takes no IKE SA without one",
             sa->conn->name);
    diag_expected(d, "CHILDLESS_IKEV2_SUPPORTED in IKE_SA_INIT [RFC6023#3]");
    diag_where_of(d, &sa->conn->origins, "childless");
    diag_try(d, has_child ? "childless = prefer here, or childless = allow at the peer"
                          : "a child that is to come up");
    return false;
}

bool childless_is_asked(const struct ike_message *m)
{
    return !ike_find(m, PAYLOAD_SA) && !ike_find(m, PAYLOAD_TSI) && !ike_find(m, PAYLOAD_TSR);
}

bool childless_fits(const struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    bool is_childless = childless_is_asked(m);
    enum childless want = sa->conn->childless;
    if (is_childless ? want != CHILDLESS_NEVER : want != CHILDLESS_FORCE)
        return true;
    diag_set(d, FAIL_CONFIG,
             is_childless ? "the peer wants an IKE SA without a child, which connection %s does not take"
                          : "the peer wants a child with IKE_AUTH, which connection %s does not take",
             sa->conn->name);
    diag_where_of(d, &sa->conn->origins, "childless");
    diag_try(d, is_childless ? "childless = allow here, or a child at the peer"
                             : "childless = allow here, or childless = prefer at the peer");
    return false;
}
