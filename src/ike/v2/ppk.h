/* SPDX-License-Identifier: Apache-2.0 */
/* Postquantum preshared keys (RFC 8784) as an IKE SA has them: see ppk.c. */
#pragma once

#include "ike/v2/exchange.h"

/* Where an IKE SA stands with postquantum preshared keys: see ppk.c. */
struct ppk_state {
    bool is_agreed;           /* USE_PPK went both ways */
    bool is_mixed;            /* the keys hold one */
    bool is_used;             /* and both sides know it: for this IKE SA and what replaces it */
    bool has_plain_auth;      /* responder: NO_PPK_AUTH is what authenticates the peer */
    bool is_to_burn;          /* responder: the piece that AUTH was checked with is still in the pad */
    const struct ppk *from;   /* in the SA's snapshot */
    uint64_t piece;           /* of a pad */
    struct span id;           /* initiator: what goes into PPK_IDENTITY, in arena */
    struct secret material;   /* the PPK, until it is mixed */
    struct ike_keys plain;    /* SK_d, SK_pi and SK_pr without it, while that may be needed */
    struct secret plain_auth; /* initiator: NO_PPK_AUTH */
    exchange_resume *then;
};

feature_put ppk_put_use, ppk_put_identity;
feature_take ppk_take_use;
/* Initiator: may this IKE_SA_INIT response be gone on with? False: it has no USE_PPK, which we demand; a
 * better one is waited for a while. */
bool ppk_init_is_good(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* Initiator: our AUTH with the PPK, and without it where that may do; then as auth_make(). */
bool ppk_make_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
                   struct diag *d);
/* Initiator: does the responder use the PPK? False with d: it does not, and has to. */
bool ppk_settle(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct diag *d);
/* Responder: finds the PPK that the peer named and mixes it in; then resume, with whatever job. sa->conn and
 * the identities are decided. False with d: refused. */
bool ppk_find(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
              struct diag *d);
/* The peer's AUTH: the payload's, or as responder what stands in for it when there is no PPK. */
struct pl_auth ppk_peer_auth(const struct ike_sa *sa, const struct exchange *x);
/* Responder: the peer has proved who it is. A piece of a pad is overwritten, then resume is called. */
void ppk_commit(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume);
/* Responder: the peer's AUTH was wrong: may it be because of the PPK? Adds that to d. */
void ppk_explain(const struct ike_sa *sa, const struct exchange *x, struct diag *d);
void ppk_deinit(struct ppk_state *p);
