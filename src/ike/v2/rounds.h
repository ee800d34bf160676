/* SPDX-License-Identifier: Apache-2.0 */
/* Several rounds of authentication (RFC 4739): see rounds.c. */
#pragma once

#include "ike/v2/exchange.h"

/* Where an IKE SA stands with several rounds of authentication: see rounds.c. */
struct rounds {
    bool is_spoken;           /* the peer said MULTIPLE_AUTH_SUPPORTED */
    uint8_t ours, theirs;     /* how many are over */
    struct identity first_id; /* responder: who the peer was in the first one, in arena */
    struct identity last_local,
        last_remote;          /* initiator: who both will be in the last one; ID_ANY: no matter */
    struct arena *rx;         /* responder: of first; NULL: nothing waits */
    struct ike_message first; /* the first request, which the last response answers */
};

feature_put rounds_put, rounds_put_more;
feature_take rounds_take;
/* Of the round under way, or of the last one: how we prove who we are, and what the peer has to prove. */
const struct auth_side *auth_ours(const struct ike_sa *sa);
const struct auth_side *auth_theirs(const struct ike_sa *sa);
bool rounds_ours_are_over(const struct ike_sa *sa);
bool rounds_theirs_are_over(const struct ike_sa *sa);
static inline bool rounds_are_over(const struct ike_sa *sa)
{
    return rounds_ours_are_over(sa) && rounds_theirs_are_over(sa);
}
/* Initiator, before IKE_AUTH: does the peer speak what the connection needs? */
bool rounds_are_possible(const struct ike_sa *sa, struct diag *d);
/* The AUTH in m is good, and the peer's round over. False with d: m says that another follows and the
 * configuration has none, or the other way round. */
bool rounds_proved(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d);
/* The peer proves itself though it has said that it is through. */
void rounds_explain_extra(const struct ike_sa *sa, struct diag *d);
/* The answer to our message came too early, with a child in it. */
void rounds_explain_early(const struct ike_sa *sa, struct diag *d);
/* Responder: what of a connection does not fit the peer's round in m, apart from who it is; or NULL. done:
 * how many came before. */
const char *rounds_misfit(const struct ike_sa *sa, const struct connection *c, size_t done,
                          const struct ike_message *m);
void rounds_explain(const struct connection *c, size_t done, const struct ike_message *m, struct diag *d);
/* Responder, not in the first round: the connection that fits what the peer says now, and all before. */
const struct connection *rounds_choose(struct ike_env *env, struct ike_sa *sa, const struct exchange *x,
                                       struct diag *d);
/* All have been gone through in the IKE SA that is resumed. */
void rounds_skip(struct ike_sa *sa);
/* Initiator, before the first round. */
void rounds_foresee(struct ike_sa *sa);
/* Who the two ends are; or will be, while there are rounds to come. */
const struct identity *rounds_local(const struct ike_sa *sa);
const struct identity *rounds_remote(const struct ike_sa *sa);
/* The response to the request in hand is the last one. */
bool rounds_is_last(const struct ike_sa *sa);
void rounds_keep(struct ike_sa *sa, struct exchange *x);   /* the first request waits */
void rounds_recall(struct ike_sa *sa, struct exchange *x); /* and takes the place of the last one */
