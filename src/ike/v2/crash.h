/* SPDX-License-Identifier: Apache-2.0 */
/* Quick crash detection (RFC 6290), as maker and as taker of tokens. A peer that has lost an IKE SA proves it
 * with the token that it gave under that SA's protection, so that the other need not wait until liveness
 * checks time out. See crash.c. */
#pragma once

#include "ike/v2/sa.h"

#define CRASH_TOKEN_LEN  32
#define CRASH_TOKENS_MAX 4 /* in one unprotected message [RFC6290#4.5] */

/* Our token for the IKE SA with these SPIs: the same in every life of this machine. secret: the machine's,
 * 32 bytes; without one there is no token, and false. */
bool crash_token(struct span secret, uint64_t spi_i, uint64_t spi_r, uint8_t out[CRASH_TOKEN_LEN]);

/* In IKE_AUTH, and, as responder, in the answer that replaces an IKE SA: for the new SPIs. */
feature_put crash_put;
feature_take crash_take;
void crash_put_for(struct ike_env *env, struct build *b, const struct ike_sa *sa, uint64_t spi_i,
                   uint64_t spi_r);
/* The peer's token in a protected message, or an empty secret. */
struct secret crash_read(const struct ike_sa *sa, const struct ike_message *m);
/* The peer's INFORMATIONAL, either way, may hold a new token [RFC6290#4.4]. */
void crash_note(struct ike_sa *sa, const struct ike_message *m);

/* X_CRASH_TOKEN: who began a rekey of the IKE SA gives its token for the new one [RFC6290#4.3]. */
void crash_queue(struct ike_env *env, struct ike_sa *sa);
void crash_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void crash_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* Taker: an unprotected answer to our request that is under way. True: it proved that the peer has lost the
 * SA, which is gone. */
bool crash_is_proven(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* Maker: will one of these SPIs soon be that of an IKE SA which sa is being replaced by? */
bool crash_is_coming(const struct ike_sa *sa, uint64_t a, uint64_t b);
