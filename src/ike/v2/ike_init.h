/* SPDX-License-Identifier: Apache-2.0 */
/* The exchanges before IKE_AUTH: IKE_SA_INIT (RFC 7296 section 1.2) and IKE_INTERMEDIATE (RFC 9242, 9370). */
#pragma once

#include "ike/v2/sa.h"

/* ---- init.c, init_responder.c */
uint8_t init_exchange_of(const struct ike_sa *sa); /* IKE_SA_INIT, or IKE_SESSION_RESUME */
void init_start(struct ike_env *env, struct ike_sa *sa);
void init_on_response(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                      const struct endpoint *local);
/* An admitted first request without an SA. */
void init_on_request(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                     const struct endpoint *remote, bool has_marker);
/* A clear answer without state: COOKIE, INVALID_KE_PAYLOAD, ... */
void init_reply_notify(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                       const struct endpoint *remote, bool has_marker, uint16_t type, struct span data);
/* The same with several; their spi is not written. */
void init_reply(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                const struct endpoint *remote, bool has_marker, const struct pl_notify *v, size_t n);
void init_send_response(struct ike_env *env, struct ike_sa *sa);
void init_give_up(struct ike_env *env, struct ike_sa *sa);
feature_put init_put_cookie, init_put_request, init_put_response;

/* ---- intermediate.c */
feature_put intermediate_put;
feature_take intermediate_take;
/* The additional key exchange that comes next and its place in chosen.addke; 0: none, IKE_AUTH may come. */
uint16_t intermediate_due(const struct ike_sa *sa, uint8_t *place);
/* Is our request under way the first one after IKE_SA_INIT: the first over port 4500, if we went there? */
bool intermediate_is_first(const struct ike_sa *sa);
/* The next additional key exchange, or IKE_AUTH. */
void intermediate_start(struct ike_env *env, struct ike_sa *sa);
void intermediate_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void intermediate_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* The peer's part of an additional key exchange in x->msg; NULL when it is another method's, or implausible.
 */
const struct pl_ke *addke_value(const struct exchange *x, uint16_t method,
                                bool (*is_plausible)(uint16_t group, struct span value));
/* "additional key exchange KE1_ML_KEM_768 done" */
void addke_log(struct ike_env *env, struct ike_sa *sa, const struct chosen *chosen, uint8_t place);
/* Our IKE_INTERMEDIATE message is about to be sent: AUTH will cover it. False: it cannot. */
bool intermediate_sent(struct ike_sa *sa, bool is_response, struct span content);

/* ---- frag.c, vendor.c */
feature_put frag_put, vendor_put;
feature_take frag_take;
