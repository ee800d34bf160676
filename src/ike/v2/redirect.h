/* SPDX-License-Identifier: Apache-2.0 */
/* To another gateway (RFC 5685): see redirect.c. */
#pragma once

#include "ike/v2/sa.h"

#define REDIRECT_MAX (2 + 255 + NONCE_MAX)
feature_put redirect_put, redirect_put_auth;
feature_take redirect_take;
/* The answer to our IKE_SA_INIT, checked by the rules. True: it was one, and nothing else is to be done. */
bool redirect_on_init(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* Likewise the answer to IKE_AUTH, once the gateway has proved who it is. */
bool redirect_on_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* A request in an established IKE SA. */
void redirect_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* It is known where we are sent to, and the next IKE SA goes there; why_not: FAIL_NONE, else it does not.
 * False: nobody goes there any more. */
bool redirect_found(struct ike_env *env, struct ike_sa *sa, const struct diag *why_not);
/* Gateway: is that the answer to a first request? Then it is sent. */
bool redirect_answers_init(struct ike_env *env, const struct connection *conn, const struct ike_message *m,
                           const struct endpoint *local, const struct endpoint *remote, bool has_marker);
/* Is the client, which has proved who it is, to be sent elsewhere in IKE_AUTH? */
bool redirect_is_due(const struct ike_sa *sa);
/* It is established for no longer than it needs to go. */
void redirect_done(struct ike_env *env, struct ike_sa *sa);
/* Sends an established client there. False: it is none, or did not say that it may be redirected. */
bool redirect_send(struct ike_sa *sa, const struct gateway *to);
void redirect_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void redirect_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
