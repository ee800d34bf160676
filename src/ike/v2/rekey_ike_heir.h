/* SPDX-License-Identifier: Apache-2.0 */
/* From an IKE SA to the one that replaces it (RFC 7296 sections 2.8, 2.18): what the new one takes over at
 * once, how the children and the queued tasks follow, how long the old one waits for its Delete, and what
 * holds while it is open whether the peer knows the new one. rekey_ike.c runs the exchange and says which of
 * two stays. */
#pragma once

#include "ike/v2/sa.h"

/* The SA that x has made in the place of sa, adopted and established. keys are taken; NULL: they cannot be
 * set. */
struct ike_sa *rekey_ike_new_heir(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                                  struct ike_keys *keys);
/* sa is replaced by heir, which may be NULL: it does nothing but wait for its Delete. */
void rekey_ike_retire(struct ike_env *env, struct ike_sa *sa, const struct ike_sa *heir);
/* Children and tasks go from one to the other, and from is retired. */
void rekey_ike_hand_over(struct ike_env *env, struct ike_sa *from, struct ike_sa *to);
/* sa is new to the peer, whose first use of it may come late: no liveness check yet. */
void rekey_ike_await_use(const struct ike_env *env, struct ike_sa *sa);
/* What the peer made to replace sa; NULL: nothing, or it is gone or replaced itself. */
struct ike_sa *rekey_ike_made_by_peer(struct ike_env *env, const struct ike_sa *sa);
