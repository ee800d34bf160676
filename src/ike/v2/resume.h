/* SPDX-License-Identifier: Apache-2.0 */
/* Session resumption (RFC 5723): a responder gives the initiator a ticket, with which an IKE SA that was lost
 * is made anew without key exchange and without the authentication's work. See resume.c. */
#pragma once

#include "ike/core/ticket.h"
#include "ike/v2/sa.h"

struct resumption {       /* what an IKE SA takes over from one that is gone; owned, wiped */
    struct secret opaque; /* initiator: the ticket */
    struct secret sk_d;
    struct chosen chosen;
    struct arena *arena; /* of the identities */
    struct identity local_id, remote_id;
    bool has_ppk;
    struct ticket_way way; /* initiator */
    bool is_auth_short;    /* which AUTH the peer takes, or has: see resume_auth.c */
    bool was_refused;      /* initiator: AUTH was, once */
    bool tries_again;      /* initiator: goes to the next attempt */
    int64_t expires;       /* mono: the ticket's; initiator */
    int64_t auth_ends;     /* mono: nor does the authentication live longer than it would have */
    uint64_t old_id, old_spi_i, old_spi_r;
    uint64_t conn_hash;
    uint8_t ticket[TICKET_ID_LEN]; /* responder */
};
void resumption_free(struct resumption *r);

/* ---- tickets: asking for them, giving them */
feature_put resume_put_wish, resume_put_ticket;
feature_take resume_take_ticket;
/* The INFORMATIONAL by which the initiator asks later [RFC5723#4.1], and its answer. */
void resume_ask(struct ike_sa *sa);
void resume_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void resume_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* ---- resume_credential.c: a fingerprint of the preshared keys that the peer proves itself with to conn, as
 * they are now; zero without any. False: there is none where there has to be one. */
bool resume_credential(struct ike_env *env, const struct config *config, const struct connection *conn,
                       const struct identity *local, const struct identity *remote,
                       uint8_t out[TICKET_CREDENTIAL]);

/* ---- resume_way.c: without NAT detection */
struct ticket_way resume_way_of(const struct ike_sa *sa);
/* May the session, which went that way, be resumed by m, of IKE_SESSION_RESUME? */
bool resume_way_fits(const struct ticket_way *way, const struct ike_message *m, const struct endpoint *local,
                     const struct endpoint *remote);

/* ---- using them */
/* Initiator: what the SA, which has failed, leaves for the next attempt. NULL: nothing. */
struct resumption *resume_keep(const struct ike_sa *sa, int64_t now);
/* Is it still good for this connection? */
bool resume_may(const struct resumption *r, const struct connection *conn, int64_t now);
feature_put resume_put_opaque, resume_put_nonce;
/* Initiator: an answer to IKE_SESSION_RESUME that is no cookie. True: it was a refusal, or not for us. */
bool resume_is_refused(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
bool resume_derive(struct ike_sa *sa);
/* The attempt comes to nothing: again, with a full exchange. why: a responder that believes in the SA is
 * told.
 */
void resume_give_up(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* An admitted IKE_SESSION_RESUME. */
void resume_on_request(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                       const struct endpoint *remote, bool has_marker);
/* Who both ends are, from the ticket. */
void resume_set_ids(struct ike_sa *sa);
/* resume_auth.c: AUTH of a resumed SA is made, then resume is called; and checked, together with the
 * identities.
 */
bool resume_make_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x, exchange_resume *resume,
                      struct diag *d);
bool resume_check_auth(struct ike_sa *sa, const struct pl_id *id, const struct pl_auth *auth, struct diag *d);
/* Initiator: the peer has answered with no AUTH. True: it refuses ours, and the session is tried once more
 * with another; sa is gone. */
bool resume_tries_again(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* Responder: the peer has proved that the ticket is its own. The SA that it stands for goes silently. */
void resume_replace(struct ike_env *env, struct ike_sa *sa);
void resume_established(struct ike_env *env, struct ike_sa *sa);
