/* SPDX-License-Identifier: Apache-2.0 */
/* Several requests at once (RFC 7296 section 2.3). Each end announces with SET_WINDOW_SIZE, in IKE_AUTH and
 * again after the IKE SA has been rekeyed, how many requests of the other it takes before it has answered the
 * first: the connection's `window`. Children are made in parallel then, as far as the peer allows; all else
 * goes on one by one beside them. The peer's requests that come too early wait here for their turn, in their
 * order. A window is never made smaller. */
#pragma once

#include "ike/v2/sa.h"

feature_put overlap_put;
feature_take overlap_take;
/* The same for an IKE SA that replaces another: the exchange, and what is heard in one of the peer's. */
void overlap_queue(struct ike_sa *sa);
void overlap_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void overlap_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* The peer's INFORMATIONAL announces its own: heard, and answered with ours. */
void overlap_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x);

/* ---- our exchanges: index 0 is sa->own, then those beside it. NULL: no more */
struct exchange *overlap_at(struct ike_sa *sa, size_t i);
const struct exchange *overlap_peek(const struct ike_sa *sa, size_t i);
/* May an exchange of this kind begin now? Then it does so in overlap_place(), which for all but X_NEW_CHILD
 * is sa->own. */
bool overlap_has_place(const struct ike_sa *sa, enum exchange_kind kind);
struct exchange *overlap_place(struct ike_sa *sa);
/* Its request has no answer, and may take any path. */
static inline bool overlap_is_under_way(const struct exchange *x)
{
    return x->out.is_pending && x->out.bytes.n && !x->is_directed;
}
/* Beside sa->own something is under way. */
bool overlap_is_busy(const struct ike_sa *sa);
/* Which one this response answers, and which one, or the peer's, waits for this job; NULL: none. */
struct exchange *overlap_answered(struct ike_sa *sa, uint32_t message_id);
struct exchange *overlap_by_job(struct ike_sa *sa, uint32_t tag);
/* The lowest message ID without an answer, or the next one. */
uint32_t overlap_oldest(const struct ike_sa *sa);
int64_t overlap_deadline(const struct ike_sa *sa); /* mono; of all repetitions */
/* All end without having come to anything. */
void overlap_end(struct ike_sa *sa);
/* The request has to wait until an older one is answered: kept. False: it may be sent. */
bool overlap_parks(struct ike_sa *sa, struct exchange *x, uint8_t exchange, uint8_t first, struct span chain);
void overlap_send_parked(struct ike_env *env, struct ike_sa *sa);

/* ---- the peer's requests */
/* One that is in the window but not next, or comes while another is worked on: kept when it is authentic and
 * there is room. */
void overlap_hold(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                  const struct endpoint *local, const struct endpoint *remote, bool has_marker);
/* Takes what has its turn. */
void overlap_release(struct ike_env *env, struct ike_sa *sa);
void overlap_forget(struct ike_sa *sa);
