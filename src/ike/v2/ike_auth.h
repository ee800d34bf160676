/* SPDX-License-Identifier: Apache-2.0 */
/* IKE_AUTH (RFC 7296 sections 1.2, 2.15): who both ends are and how they prove it, and what is said on the
 * way. Features with a state of their own: rounds.h, ppk.h, cfg.h, resume.h, crash.h. */
#pragma once

#include "ike/v2/sa.h"

/* ---- auth.c, auth_responder.c */
/* Who we are and who the peer should be; then the exchange, which may have to wait: see contact.c. */
void auth_begin(struct ike_env *env, struct ike_sa *sa);
void auth_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void auth_wake(struct ike_sa *sa); /* it waits no longer for another SA */
void auth_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void auth_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* ---- auth_proof.c: AUTH of either side, made and checked */
/* Our AUTH data: for a secret at once, for a key after a job. Then resume is called, with job NULL for a
 * secret; x->auth tells the method. False with d: we cannot. */
bool auth_make(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
               struct diag *d);
/* The peer's AUTH: by the shared secret at once. sa->conn and the identities are decided. */
bool auth_psk_check(const struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth,
                    struct diag *d);
/* By the secret or, where that is configured, by nothing at all. */
bool auth_check_at_once(struct ike_env *env, struct ike_sa *sa, const struct pl_id *id,
                        const struct pl_auth *auth, struct diag *d);
/* By signature: path and signature as a job, then resume. False with d: nothing to check. */
bool auth_verify(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct pl_id *id,
                 exchange_resume *resume, struct diag *d);
/* The job's verdict in words. True when the peer is who it says. */
bool auth_verdict(struct ike_env *env, struct ike_sa *sa, const struct job *job, struct diag *d);
/* What AUTH of one side covers. id_body: of its ID payload. */
struct auth_input auth_input_of(const struct ike_sa *sa, bool is_initiator, struct span id_body);
/* Who we are in the connection's first round, in any one, and in ours that comes now. */
struct identity auth_local_id(const struct ike_sa *sa, const struct connection *conn, struct arena *a);
struct identity auth_side_id(const struct ike_sa *sa, const struct auth_side *side, struct arena *a);
void auth_use_own_id(struct ike_sa *sa);
/* auth_make() is through: x->auth_data is there. False: our key did not sign. */
bool auth_is_made(struct exchange *x, struct job *job);

/* ---- auth_parts.c */
/* Does the initiator name the peer's identity in IDr? Only one without wildcards can be asked for. */
bool auth_asks_for_identity(const struct connection *conn);
feature_put auth_put_id, auth_put_wanted, auth_put_own, auth_put_hashes;
feature_take auth_take_hashes;

/* ---- cert.c */
/* Our certificate for signing. NULL with d. */
struct cert *cert_choose_own(const struct ike_sa *sa, const struct auth_side *side, struct pkey **key,
                             struct diag *d);
struct cert_below { /* a certificate of ours, for the peer */
    const struct ike_sa *sa;
    const struct cert *cert;
};
/* Does the CA that stands at that place of the peer's CERTREQs (from 1) stand above it? Without any it is as
 * if no place had been named [RFC9593#3.2.2]. */
bool cert_is_below(const struct cert_below *c, uint8_t place);
/* Is the peer asked for X.509 certificates? */
bool cert_requests(struct ike_env *env, const struct ike_sa *sa);
/* The CAs that our CERTREQ names; empty: there is none. */
struct span cert_authorities(struct ike_env *env, const struct ike_sa *sa);
/* Does the peer get an OCSP response about our certificate, where one is at hand [RFC4806]? */
bool cert_wants_response(const struct ike_sa *sa, const struct exchange *x);
feature_put cert_put_own, cert_put_attributes, cert_put_response, cert_put_request;
feature_take cert_take_request;
/* cert_news.c: CRLs and OCSP responses go to what the job has at hand. */
void cert_take_news(const struct ike_message *m, struct job *j);
/* The attribute certificates that the peer sent, and those that are configured. */
void cert_take_attributes(const struct ike_message *m, const struct config *c, struct job *j);
bool cert_fill_trust(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct job *j,
                     struct diag *d);
/* Is it one of those that are configured for the peer? False with d. */
bool cert_is_expected(const struct auth_side *remote, const struct cert *leaf, struct diag *d);

/* ---- cert_url.c: "hash and URL" of certificates [RFC7296#3.6] */
feature_put cert_url_ask;
feature_take cert_url_asked;
/* Tells where a certificate of ours, which ca issued, is; false: the peer has to be sent it. */
bool cert_url_put(struct build *b, const struct ike_sa *sa, const struct cert *c, const struct cert *ca);
/* Is that payload of the peer's one, and are they taken? Then: the certificate, a reference, if we have it;
 * else the job gets the place. has_leaf: it is the first CERT. */
bool cert_url_is_one(const struct ike_sa *sa, const struct ike_payload *p);
struct cert *cert_url_known(const struct ike_sa *sa, const struct ike_payload *p);
void cert_url_take(struct job *j, const struct ike_payload *p, bool has_leaf);

/* ---- raw_key.c: raw public keys [RFC7670] */
bool raw_key_is_side(const struct auth_side *side); /* are raw keys configured for it? */
bool raw_key_is_only(const struct auth_side *side); /* and nothing else? */
/* Do we sign with one in the round of that side? And with which; NULL with d. */
bool raw_key_is_ours(const struct ike_sa *sa, const struct auth_side *side);
struct pkey *raw_key_choose_own(const struct ike_sa *sa, const struct auth_side *side, struct diag *d);
feature_put raw_key_put, raw_key_ask;
feature_take raw_key_asked;
/* Does the peer prove itself with one in this message? Which the job is to try; false with d. */
bool raw_key_is_theirs(const struct ike_sa *sa, const struct ike_message *m);
bool raw_key_fill(struct ike_sa *sa, const struct ike_message *m, struct job *j, struct diag *d);

/* ---- dns_key.c: raw public keys that DNS has [RFC4025] */
/* Are they what the peer proves itself with in this message? The job gets the name; false with d. */
bool dns_key_is_theirs(const struct ike_sa *sa, const struct ike_message *m);
bool dns_key_fill(const struct ike_sa *sa, struct job *j, struct diag *d);

/* ---- null_auth.c: NULL authentication [RFC7619] */
/* Our AUTH data, at once. */
bool null_auth_make(struct ike_sa *sa, struct exchange *x, struct diag *d);
/* The peer's, of which nothing but that may be believed. From here on the peer is nobody. */
bool null_auth_check(struct ike_env *env, struct ike_sa *sa, const struct pl_id *id,
                     const struct pl_auth *auth, struct diag *d);
/* What the peer is called before it has proved anything, where its AUTH is of that method: nobody with NULL
 * authentication, whatever it says. */
const struct identity *null_auth_claim(const struct pl_id *id, uint8_t method);
/* A peer that is nobody, and began the IKE SA: who let it in chose neither it nor its address. */
bool null_auth_is_guest(const struct ike_sa *sa);
/* [RFC7619#2.5] leaves of remote selectors what is a guest's own. Returns how many are left. */
uint8_t null_auth_isolate(const struct ike_sa *sa, struct ts *remote, uint8_t n);
/* Responder: 0, or the notify, with d, that a guest's wish for a child is refused with. */
uint16_t null_auth_refuses_child(struct ike_env *env, const struct ike_sa *sa, const struct ts_pair *ts,
                                 bool is_rekey, struct diag *d);
/* May the peer be followed there? A guest's selectors are those of the address that it has shown to have. */
bool null_auth_may_move(const struct ike_sa *sa, struct ip to);
bool null_auth_may_roam(const struct ike_sa *sa); /* to anywhere */
/* [RFC7619#3.2] more requests than an honest peer makes: this one is dropped, and may come again. */
bool null_auth_is_too_fast(struct ike_env *env, struct ike_sa *sa);

/* ---- announce.c: the ways to authenticate that the peer takes [RFC9593] */
struct text;
feature_put announce_put, announce_put_late; /* into IKE_INTERMEDIATE, where it was promised */
feature_take announce_take;
/* Initiator: is the peer's list still to come, and would it decide anything? */
bool announce_is_worth_asking(const struct ike_sa *sa);
/* Would a certificate of ours do in the round of that side? And how to sign for it; false with d. */
bool announce_suits(const struct ike_sa *sa, const struct auth_side *side, const struct cert *cert,
                    const struct pkey *key);
bool announce_choose_scheme(const struct ike_sa *sa, const struct auth_side *side, const struct cert *cert,
                            const struct pkey *key, struct auth_choice *out, struct diag *d);
bool announce_allows(const struct ike_sa *sa, const struct auth_side *side, struct diag *d);
void announce_tell(const struct ike_sa *sa, struct text *t); /* after a refusal: what it had announced */

/* ---- childless.c: IKE_AUTH without a child [RFC6023] */
feature_put childless_put;
feature_take childless_take;
/* Initiator: is the first child left out? False with d: it has to be, and the peer does not take that. */
bool childless_begin(const struct ike_sa *sa, bool has_child, bool *is_childless, struct diag *d);
/* Is this an IKE_AUTH request without a child? */
bool childless_is_asked(const struct ike_message *m);
/* Responder: does the connection take the request with, or without, its child? */
bool childless_fits(const struct ike_sa *sa, const struct ike_message *m, struct diag *d);

/* ---- contact.c */
/* May INITIAL_CONTACT be said? */
bool contact_is_due(struct ike_env *env, const struct ike_sa *sa);
feature_put contact_put;
feature_take contact_take;

/* ---- lifetime.c: AUTH_LIFETIME */
feature_put lifetime_put;
feature_take lifetime_take;
/* The IKE SA stands, and replaces none: when it is authenticated again, by us or by the peer. */
void lifetime_begin(struct ike_sa *sa, int64_t now);
/* Did the peer, which has to, not come back? */
bool lifetime_is_over(const struct ike_env *env, const struct ike_sa *sa, struct diag *d);
void lifetime_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m); /* INFORMATIONAL */
