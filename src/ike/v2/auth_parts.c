/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of messages that are about authentication (RFC 7296 sections 1.2, 3.5, 3.8; RFC 7427 section 4):
 * who we are, who is asked for, AUTH, and the hashes that signatures may use. What is in AUTH is
 * auth_proof.c's. */
#include "ike/v2/ike_auth.h"

void auth_put_id(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    if (x->auth.method)
        build_id(b, x->is_own ? PAYLOAD_IDI : PAYLOAD_IDR, &sa->local_id);
}

bool auth_asks_for_identity(const struct connection *conn)
{
    const struct identity *id = &conn->remote.id;
    return id->type != ID_NULL && !identity_is_pattern(id);
}

void auth_put_wanted(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)x;
    if (auth_asks_for_identity(sa->conn))
        build_id(b, PAYLOAD_IDR, &sa->conn->remote.id);
}

void auth_put_own(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    (void)env;
    (void)sa;
    if (x->auth.method)
        build_auth(b, x->auth.method, secret_view(&x->auth_data));
}

/* The responder answers only one who asked [RFC7427#4]. */
void auth_put_hashes(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x)
{
    uint8_t hashes[AUTH_HASHES_MAX];
    (void)env;
    if (sa->config->settings.announces_hashes && (x->is_own || sa->peer_hashes))
        build_notify(b, N_SIGNATURE_HASH_ALGORITHMS, PROTO_NONE, span_of(NULL, 0),
                     span_of(hashes, auth_hashes_encode(hashes)));
}

bool auth_take_hashes(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d)
{
    bool counts = sa->config->settings.announces_hashes;
    const struct pl_notify *hashes = counts ? ike_notify(m, N_SIGNATURE_HASH_ALGORITHMS) : NULL;
    (void)env;
    (void)d;
    sa->peer_hashes = hashes ? auth_hashes_decode(hashes->data) : 0;
    return true;
}
