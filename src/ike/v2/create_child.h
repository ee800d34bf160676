/* SPDX-License-Identifier: Apache-2.0 */
/* What makes children: IKE_AUTH with one and CREATE_CHILD_SA, new or in the place of another; what is
 * offered, chosen and checked, and the parts that have a say in it. */
#pragma once

#include "ike/v2/child.h"

/* ---- create_child_offer.c: what a child is to be [RFC7296#2.7] [RFC7296#2.9] */
/* Why create_child_offer() said no. */
void create_child_cannot(struct ike_env *env, const struct ike_sa *sa, struct exchange *x, struct diag *d);
bool create_child_offer(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                        const struct child_config *cfg);
feature_put create_child_put;
/* The responder's choice for what it was offered: config, proposal, selectors. 0, or the notify and d. */
uint16_t create_child_select(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                             const struct child_config *only, bool has_ke, struct diag *d);
/* The initiator's check of the response. FAIL_NONE in d when it is good. */
bool create_child_accept(struct ike_env *env, struct ike_sa *sa, struct exchange *x, bool has_ke,
                         struct diag *d);
feature_put create_child_answer;

/* ---- create_child.c, rekey_child.c */
void create_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
/* Our exchange with all its key exchanges is through, or failed: error is the peer's notify, or NULL. */
void create_child_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void create_child_failed(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                         const struct pl_notify *error, const struct diag *d);
/* The peer's: what this request is answered with. */
void create_child_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void create_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void create_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
/* Was the refusal expected, because the peer rekeyed or deleted the child itself? */
bool rekey_child_refused(struct ike_env *env, struct ike_sa *sa, struct exchange *x,
                         const struct pl_notify *error);
void rekey_child_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_child_lost(struct ike_env *env, struct child_sa *rival);
/* Is the peer replacing the child right now? */
bool rekey_child_by_peer(const struct ike_sa *sa, uint64_t id);
/* The peer chose additional key exchanges. True: it rekeys the child, too, and ours is the one that ends,
 * before anything was made [RFC9370#2.2.4]. */
bool rekey_child_stops(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_child_done(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* ---- ts.c */
struct ts_pair ts_configured(const struct ike_sa *sa, const struct child_config *cfg);
/* Intersection of what is configured with what is offered; false when a side is empty. */
bool ts_narrow(const struct ts_pair *configured, const struct pl_ts *local, const struct pl_ts *remote,
               struct ts_pair *out);
bool ts_is_subset(const struct ts_pair *offered, const struct pl_ts *local, const struct pl_ts *remote,
                  struct ts_pair *out);
bool ts_pair_equal(const struct ts_pair *a, const struct ts_pair *b); /* in the same order */
const char *ts_list_format(const struct ts *v, size_t n, char *buf, size_t cap);

/* ---- match.c */
struct child_match { /* cfg NULL: no selectors in common */
    const struct child_config *cfg;
    struct ts_pair ts; /* narrowed */
    enum child_mode mode;
    struct ip seen_local, seen_remote;
    bool has_proposal, is_whole;
    int score;
};
/* The closest child of conn (or only that one) for the offer in m, as its responder. */
struct child_match match_child(const struct ike_sa *sa, const struct connection *conn,
                               const struct child_config *only, const struct ike_message *m, bool has_ke);
/* As above, of the SA's connection or another one that would have accepted this IKE SA. */
struct child_match match_any_child(const struct ike_env *env, const struct ike_sa *sa,
                                   const struct exchange *x, bool has_ke);
/* What the peer had to prove for the one is what it would have had to prove for the other. */
bool match_same_demands(const struct auth_side *a, const struct auth_side *b);
/* Would we have proved the same for both? */
bool match_same_proof(const struct auth_side *a, const struct auth_side *b);
/* Do the connection's proposals hold what was chosen for the IKE SA? */
bool match_accepts_chosen(const struct ike_sa *sa, const struct connection *conn);

/* ---- child_mode.c */
struct mode_view {                     /* a peer's selectors as they are meant here: see child_mode.c */
    struct pl_ts local, remote;        /* into room_*, or the peer's own */
    struct ip seen_local, seen_remote; /* the addresses as the peer sent them */
    struct ts room_local[SA_MAX_TS], room_remote[SA_MAX_TS];
};
/* What the peer's request asks for, or its response grants. */
enum child_mode child_mode_asked(const struct ike_message *m);
void child_mode_put(struct build *b, const struct exchange *x);
/* Are these selectors those of a child in this mode? */
bool child_mode_allows(const struct ike_sa *sa, enum child_mode mode, const struct ts_pair *ts);
/* False when they are not those of two hosts. */
bool child_mode_view(const struct ike_sa *sa, enum child_mode mode, const struct pl_ts *local,
                     const struct pl_ts *remote, struct mode_view *out);
/* Initiator: what x asks for, once its selectors are known; and the check of the answer. */
void child_mode_ask(struct ike_env *env, const struct ike_sa *sa, struct exchange *x, enum child_mode wanted);
bool child_mode_accept(struct ike_env *env, const struct ike_sa *sa, struct exchange *x,
                       const struct pl_ts *local, const struct pl_ts *remote, struct mode_view *view,
                       struct diag *d);

/* Responder: why another peer cannot have these selectors too. */
void child_mode_explain_taken(const struct ike_sa *sa, const struct exchange *x, struct diag *d);

/* ---- ah.c: children that are AH */
/* Not where ESP is in UDP. */
bool ah_is_possible(const struct ike_sa *sa);
bool ah_is_wanted(const struct child_config *cfg);
/* Takes proposals of AH out of an offer where it is not possible. */
void ah_filter(const struct ike_sa *sa, struct proposal_list *offer);
/* Is that why nothing fits? Then d says so. offered: what the peer offers, or NULL. */
bool ah_explain(const struct ike_sa *sa, const struct child_config *cfg, const struct proposal_list *offered,
                struct diag *d);
/* The child's endpoints have changed. False, and said why: it is AH, and cannot go there. */
bool ah_survives(struct ike_env *env, const struct child_sa *c);

/* ---- ipcomp.c: compression of a child's packets */
/* As initiator, before the request is made: chooses our CPI where the child wants to compress. */
void ipcomp_offer(const struct ike_sa *sa, struct exchange *x);
void ipcomp_put(struct build *b, const struct exchange *x);
/* From the peer's message, once x->child_cfg is known. */
void ipcomp_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);

/* ---- aggfrag.c: what a child in IP-TFS mode demands of the other end */
/* Does the message ask for it, or grant it, with no demand that we cannot meet? */
bool aggfrag_fits(const struct ike_message *m);
/* False with the reason: the message has it with another demand. */
bool aggfrag_is_sound(const struct exchange *x, struct diag *d);
void aggfrag_put(struct build *b, const struct exchange *x);
/* From the peer's message, once x->child_cfg and x->mode are known. */
void aggfrag_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);

/* ---- tfc.c: who takes padded packets? */
void tfc_put(struct build *b, const struct exchange *x);
void tfc_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);
