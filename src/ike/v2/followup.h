/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_FOLLOWUP_KE: the additional key exchanges of a CREATE_CHILD_SA exchange (RFC 9370 section 2.2.4). Ours
 * go on with the exchange itself. What the peer began waits between its requests in the IKE SA, found by the
 * link that our response named, and not for ever. */
#pragma once

#include "ike/v2/sa.h"

/* Does another additional key exchange belong to x? */
bool followup_is_due(const struct exchange *x);

/* Our CREATE_CHILD_SA exchange's own shared secret is there, or cannot be made: resume of that job. */
exchange_resume followup_or_made;

/* ---- initiator. From here on create_child_made() or rekey_ike_made() comes in the end, or _failed(). */
/* The response in x->msg chose additional key exchanges: takes its link. False: it has none. */
bool followup_accept(struct exchange *x);
/* x->shared of the CREATE_CHILD_SA exchange is there. */
void followup_begin(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void followup_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* ---- responder. With each request create_child_reply() or rekey_ike_reply() is called. */
/* Sends the response in b, with a link; x waits until the peer's next request names it. */
void followup_park(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct build *b);
void followup_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* Does the peer's exchange of that kind, and for that child, wait for its next request? */
bool followup_waits(const struct ike_sa *sa, enum exchange_kind kind, uint64_t old_child);
bool followup_waits_any(const struct ike_sa *sa);
/* Does one of them make an IKE SA that this SPI of ours is for? */
bool followup_makes_spi(const struct ike_sa *sa, uint64_t spi);
/* It is not waited for any more: the peer lost, or began anew. */
void followup_drop(struct ike_sa *sa, enum exchange_kind kind, uint64_t old_child);
void followup_drop_all(struct ike_sa *sa);
void followup_tick(struct ike_env *env, struct ike_sa *sa);
int64_t followup_deadline(const struct ike_sa *sa);
