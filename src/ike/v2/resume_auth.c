/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH of a resumed session (RFC 5723 section 4.3.3): prf(SK_px, octets), without the pad of shared secrets.
 * The octets are those of RFC 7296 section 2.15: the sender's first message, the other's nonce, and the
 * sender's identity under SK_px.
 *
 * Libreswan (5.2) takes the octets to be the first message alone. Nothing is lost by that: SK_px is made of
 * SK_d of the old IKE SA, both nonces and both SPIs; the identity stands in the same protected message, and
 * has to be the one of the session. So a responder takes either, and answers in kind. An initiator begins
 * with the RFC's. A peer that refuses it is asked once more with the same ticket, which is not used as long
 * as no IKE SA was made with it (4.3.1), in the other way; whichever was taken last is begun with the next
 * time (engine/session.c). */
#include "crypto/alg.h"
#include "ike/v2/ike_auth.h"
#include "ike/v2/resume.h"

static bool compute_auth(const struct ike_sa *sa, bool is_initiator, struct span id_body, bool is_short,
                         uint8_t out[PRF_MAX_LEN])
{
    struct auth_input in = auth_input_of(sa, is_initiator, id_body);
    struct secret octets = is_short ? secret_copy(in.message) : auth_octets(&in);
    const struct span part = secret_view(&octets);
    bool ok = octets.len && prf_compute(in.prf, in.sk_p, &part, 1, out);
    secret_free(&octets);
    return ok;
}

bool resume_make_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
                      struct diag *d)
{
    secret_free(&x->auth_data);
    x->auth_data = secret_new(PRF_MAX_LEN);
    x->auth.method = AUTH_WIRE_PSK;
    if (!compute_auth(sa, sa->is_initiator, auth_id_body(x->tx, &sa->local_id), sa->resume->is_auth_short,
                      x->auth_data.ptr)) {
        diag_set(d, FAIL_GENERIC, "AUTH cannot be made");
        return false;
    }
    x->auth_data.len = prf_len(sa->keys.prf);
    resume(env, sa, x, NULL);
    return true;
}

static bool verifies(const struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth,
                     bool is_short)
{
    uint8_t own[PRF_MAX_LEN];
    bool ok = compute_auth(sa, !sa->is_initiator, id->body, is_short, own) &&
              secret_equal(span_of(own, prf_len(sa->keys.prf)), auth->data);
    secret_wipe(own, sizeof(own));
    return ok;
}

/* By whichever way an initiator has gone, the responder answers in it. */
static bool is_good(struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth)
{
    struct resumption *r = sa->resume;
    if (verifies(sa, id, auth, r->is_auth_short))
        return true;
    if (sa->is_initiator || !verifies(sa, id, auth, true))
        return false;
    r->is_auth_short = true;
    return true;
}

bool resume_check_auth(struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth, struct diag *d)
{
    bool is_same = identity_equal(&id->id, &sa->remote_id);
    if (is_same && auth->method == AUTH_WIRE_PSK && is_good(sa, id, auth))
        return true;
    diag_set(d, FAIL_AUTH,
             is_same ? "the peer does not have the keys of the session that it resumes"
                     : "the peer has another identity than in the session that it resumes");
    return false;
}

bool resume_tries_again(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m)
{
    const struct pl_notify *error = ike_error_notify(m);
    struct resumption *r = sa->resume;
    if (!error || error->type != N_AUTHENTICATION_FAILED || r->was_refused)
        return false;
    r->is_auth_short = !r->is_auth_short;
    r->was_refused = r->tries_again = true;
    sa->starts_again = true;
    sa_log(env, sa, LOG_NOTICE, "the peer refuses our AUTH for the session: once more, over %s",
           r->is_auth_short ? "the first message alone" : "all that RFC 5723 names");
    ike_sa_end(env, sa, NULL);
    return true;
}
