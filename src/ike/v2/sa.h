/* SPDX-License-Identifier: Apache-2.0 */
/* An IKE SA, its exchanges and its children (RFC 7296 section 2): both roles, no I/O. The owner of many SAs
 * (engine/) gives each call an environment and gets called back through struct ike_host; nobody keeps a
 * pointer to an SA across steps, only its id.
 *
 * One exchange of the peer's is worked on at a time, and one of ours is under way, or more where both ends
 * have announced it: see overlap.h. An exchange that waits for a job has its tag in job_tag and goes on in
 * resume; what the peer sends meanwhile is a retransmission, or waits. */
#pragma once

#include "base/bag.h"
#include "base/heap.h"
#include "base/list.h"
#include "base/map.h"
#include "ike/auth/intauth.h"
#include "ike/core/natd.h"
#include "ike/core/window.h"
#include "ike/v2/cfg.h"
#include "ike/v2/exchange.h"
#include "ike/v2/host.h"
#include "ike/v2/msgid_sync.h"
#include "ike/v2/ppk.h"
#include "ike/v2/rounds.h"

#define IKE_TASKS_MAX    32
#define IKE_REPLACED     (30 * TIME_SECOND)
#define IKE_UNSURE       (180 * TIME_SECOND) /* more than all retransmissions of a request take */
#define LINGER           (10 * TIME_SECOND)
#define INIT_ERROR_GRACE (1 * TIME_SECOND)

#define SA_STREAMS 3 /* the one in use, the children's, one that is tried */
struct stream_use {
    struct bag_link link;
    struct ike_sa *sa;
    uint32_t handle; /* 0: none */
};

struct announced;
struct resumption;

struct ike_sa {
    uint64_t id;
    uint32_t generation;
    struct list link;
    struct map_node by_id, by_spi, by_init, by_addr; /* the owner's tables */
    struct bag_link by_conn, by_ids, by_peer;
    struct stream_use streams[SA_STREAMS]; /* the owner's: TCP connections that are held for this SA */
    struct list paced;
    struct pace_peer *paced_by; /* the owner's: counts towards what is begun at once */
    struct list dirty;
    bool is_half_open, counts_as_up, counts_as_guest; /* as counted by the owner */
    struct list half_open;                            /* the owner's, oldest first */
    bool is_proven;                                   /* its first request held a cookie of ours */
    struct heap_node timer;
    struct config *config; /* a reference: conn and what tasks name point into it. See follow.c */
    const struct connection *conn;
    struct arena *arena; /* identities and other things that live as long as the SA */
    enum ike_state state;
    bool is_initiator;  /* the original initiator of this IKE SA */
    bool was_initiator; /* we started the first SA of this line of rekeys */
    bool is_dead, is_lingering, was_up;
    bool is_renewing; /* goes down to be made anew */
    bool is_double;   /* we began it, and it goes because another one with the same peer stays */
    bool is_idle;     /* goes down with its only child, which had no traffic */
    bool is_closed_by_peer;
    uint64_t spi_i, spi_r;
    struct endpoint local, remote;
    struct endpoint init_remote; /* where the first request came from */
    bool has_marker;
    struct path esp; /* the children's, once the SA is up: see mobike.h */
    struct mobike mobike;
    enum plane plane;                   /* of what conn has, as far as it is known yet */
    unsigned plane_seen;                /* the owner's: when it was looked at */
    bool does_natt;                     /* both ends do NAT traversal */
    bool has_nat_local, has_nat_remote; /* real ones */
    bool has_fake_nat;                  /* one of us asks for ESP in UDP without a NAT */
    bool avoids_udp;                    /* auto does not ask for it: UDP port 4500 did not pass */
    bool stays_on_500;                  /* nor is it used for MOBIKE */
    bool starts_again;                  /* goes down to be begun anew at once */
    bool is_forgotten;                  /* because the peer seems to have forgotten its half of it */
    bool is_patient;                    /* begun anew for that: IKE_AUTH gets all its repetitions */
    bool wants_tcp;                     /* and in TCP, then */
    bool awaits_stream;                 /* IKE_SA_INIT goes out when there is a TCP connection */
    bool has_fragmentation;             /* the peer takes fragments */
    bool has_intermediate;              /* the peer takes IKE_INTERMEDIATE */
    uint8_t addke_done;                 /* IKE_INTERMEDIATE is through with chosen.addke up to this place */
    struct int_auth int_auth;           /* gone once authenticated */
    bool takes_redirect;                /* and may be sent to another gateway */
    bool is_redirected;                 /* was, in IKE_AUTH, and is to go */
    struct ip came_from;                /* the gateway that sent the peer to us; family 0: none */
    struct ip redirected_from;          /* the one that sent us here */
    struct gateway redirect_to;         /* where the peer is sent; in arena */
    struct gateway follows_to;          /* where we are sent, and whose address is asked for; in arena */
    bool takes_childless;               /* and IKE SAs without a first child: see childless.c */
    uint32_t peer_hashes;
    struct announced *announced; /* in arena; NULL: the peer announced nothing */
    bool owes_list;              /* we have promised ours for IKE_INTERMEDIATE */
    bool asked_for_list;         /* and have begun that exchange for the peer's */
    bool has_initial_contact;    /* the peer said so */
    bool says_contact;           /* we do, in the IKE_AUTH that is under way */
    int64_t held_since;          /* our IKE_AUTH waits for another SA's; 0: it did not */
    struct identity local_id, remote_id;
    bool is_peer_unproven;  /* it used NULL authentication: remote_id is nobody */
    int64_t requests_since; /* such a peer's requests are counted: see null_auth.c */
    unsigned requests;
    struct rounds rounds;
    struct sa_cfg *cfg;    /* cfg.h; NULL: no configuration payload was about */
    struct span certreq;   /* what the peer's CERTREQs name, in arena */
    bool has_certreq;      /* the peer asks for X.509 certificates */
    bool has_ocsp_request; /* and for an OCSP response [RFC4806] */
    bool has_raw_request;  /* it asks for raw public keys */
    bool peer_looks_up;    /* it fetches certificates of which it is told where they are */
    struct chosen chosen;
    struct ike_keys keys;
    struct ppk_state ppk;
    struct sealer sealer;
    struct cipher *opener;
    struct window window;
    struct retransmit schedule;
    struct reassembly in_request;
    struct exchange own, peer;
    struct exchange *more; /* of ours, beside own: see overlap.h; NULL: there were none */
    uint32_t n_more;
    struct list held; /* the peer's requests that wait for their turn */
    uint32_t next_tag;
    struct endpoint told_local, told_remote; /* where users think that it is; family 0: nowhere yet */
    struct task tasks[IKE_TASKS_MAX];
    size_t n_tasks;
    struct list children;
    struct list followups;                     /* the peer's exchanges that wait for IKE_FOLLOWUP_KE */
    struct secret init_request, init_response; /* whole messages: AUTH covers them. Gone once authenticated */
    struct secret cookie;
    struct resumption *resume; /* until established: what it takes over, see resume.h; or NULL */
    bool is_resumed, has_short_auth;
    struct secret ticket;   /* initiator: the peer's */
    int64_t ticket_expires; /* mono: that one, or the last one that was given */
    int64_t ticket_at;
    uint8_t ticket_given[16];  /* responder: the id of the last one */
    struct secret crash_token; /* the peer's: see crash.h */
    unsigned crash_checks;     /* of messages in the clear, since then */
    int64_t crash_checked_at;
    struct msgid_sync msgid_sync; /* message IDs after a failover of the peer: see msgid_sync.c */
    struct nonce ni, nr;
    unsigned init_errors;
    int64_t created_at, established_at, rekey_at, reauth_at, expires_at;
    int64_t auth_ends_at; /* the peer has to authenticate again by then: see lifetime.c */
    int64_t give_up_at;   /* half-open, lingering, or after an unauthenticated refusal */
    int64_t dpd_at, keepalive_at, duplicate_at;
    int64_t last_in, last_out;
    bool is_contested;     /* the peer made it to replace one that we are replacing, too */
    bool is_unsure;        /* the peer asked for it, and may not have our answer: see rekey_ike_heard() */
    uint64_t peer_new_ike; /* simultaneous rekeying: the SA that the peer's request made */
    struct nonce peer_low;
    uint64_t replaced_by, replaces; /* ids of other IKE SAs */
    uint64_t renews, renewed_by;    /* reauthentication, make before break: see renew.c */
    struct diag failure;
};

/* ---- sa.c: life */
/* conn is in the env's snapshot. Not adopted yet. */
struct ike_sa *ike_sa_new(struct ike_env *env, const struct connection *conn, bool is_initiator);
void ike_sa_free(struct ike_sa *sa);
/* It is one of conn from now on. False with d: nobody could carry its packets. */
bool ike_sa_set_conn(struct ike_env *env, struct ike_sa *sa, const struct connection *conn, struct diag *d);
static inline uint64_t ike_sa_own_spi(const struct ike_sa *sa)
{
    return sa->is_initiator ? sa->spi_i : sa->spi_r;
}
bool ike_sa_is_up(const struct ike_sa *sa); /* ESTABLISHED or REKEYING */
int64_t ike_sa_deadline(const struct ike_sa *sa);
void ike_sa_tick(struct ike_env *env, struct ike_sa *sa);
void ike_sa_job_done(struct ike_env *env, struct ike_sa *sa, struct job *job);
/* The SA ends now, with its children; why: FAIL_NONE when it was asked for. No message is sent. */
void ike_sa_end(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* As above, but retransmitted requests are still answered for a while. */
void ike_sa_linger(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* Keys in, ciphers made; those of before are wiped. False: an algorithm is not available, and nothing
 * changed. */
bool ike_sa_set_keys(struct ike_sa *sa, struct ike_keys *keys /* taken */, const struct chosen *chosen);
void ike_sa_established(struct ike_env *env, struct ike_sa *sa, uint64_t old_id);
bool ike_sa_is_full(const struct ike_sa *sa);        /* no other task has room */
bool ike_sa_queue(struct ike_sa *sa, struct task t); /* false: full, or already queued */
bool ike_sa_has_task(const struct ike_sa *sa, enum exchange_kind kind, uint64_t child_id);
/* Starts the next exchange when none of ours is under way. */
void ike_sa_advance(struct ike_env *env, struct ike_sa *sa);
int64_t tasks_deadline(const struct ike_sa *sa); /* when the next one may start */
int64_t jittered(int64_t span, int64_t jitter);  /* span less a random part of jitter */

/* ---- receive.c */
void ike_sa_receive(struct ike_env *env, struct ike_sa *sa, struct ike_message *m,
                    const struct endpoint *local, const struct endpoint *remote, bool has_marker);

/* ---- renew.c: reauthentication */
/* It is time. True: another IKE SA is on its way, or this one goes first; the caller has nothing more to do.
 */
bool renew_due(struct ike_env *env, struct ike_sa *sa);
/* The new one's child is up: the old one goes soon. */
void renew_child_up(struct ike_env *env, struct ike_sa *sa);
/* The old one has an heir, and goes soon. */
void renew_settled(struct ike_env *env, struct ike_sa *old, uint64_t heir);
/* The new one did not come up. False: it was to renew nothing that is still there. */
bool renew_failed(struct ike_env *env, const struct ike_sa *sa);
/* Time for the old one to go. False: it has been renewed by nobody. */
bool renew_over(struct ike_env *env, struct ike_sa *sa);

/* ---- rekey_ike_heir.c: an IKE SA and what replaces it */
/* The old SA is being deleted by the peer: its children go to the SA that the peer made of it. */
bool rekey_ike_inherit(struct ike_env *env, struct ike_sa *sa);
/* The peer asks something about children in sa. If sa is one that it made to replace another while we were
 * replacing that one, too, then this says that sa is the one that stays: the children come here. */
void rekey_ike_settle(struct ike_env *env, struct ike_sa *sa);
/* The peer uses sa, and so knows it. */
void rekey_ike_heard(struct ike_env *env, struct ike_sa *sa);
/* The peer asks again in sa what was answered there: if that was to replace sa, it does not know the new one.
 */
void rekey_ike_repeated(struct ike_env *env, struct ike_sa *sa);
/* sa goes before the peer is known to have it: so does what it replaced. says_so: the peer is told. */
void rekey_ike_ends(struct ike_env *env, struct ike_sa *sa, bool says_so);

/* ---- fail.c */
/* Of the group IKE; sa_log_in: of another. */
void sa_log(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void sa_log_in(struct ike_env *env, const struct ike_sa *sa, enum log_group group, enum log_level level,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void sa_log_diag(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct diag *d);
/* conn NULL: about no connection. */
void conn_log(struct ike_env *env, const struct connection *conn, enum log_group group, enum log_level level,
              const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* The peer refused: what we sent, the notify, likely causes. */
void diag_from_notify(struct diag *d, const struct ike_sa *sa, const struct pl_notify *n,
                      enum exchange_kind kind, const struct child_config *cfg);
void diag_where_of(struct diag *d, const struct origins *o, const char *key);

/* ---- rekey_ike.c */
void rekey_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
bool rekey_ike_by_peer(const struct ike_sa *sa); /* is the peer replacing sa right now? */
void rekey_ike_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_failed(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *error,
                      const struct diag *d);
void rekey_ike_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

/* ---- delete.c, informational.c, dpd.c */
void delete_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void delete_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* Takes the SA down in good order: children at once, then the Delete to the peer. */
void delete_ike(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* The responder is not who we want: tells it so and forgets it [RFC7296#2.21.2]. */
void delete_refused(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* It has proved who it is, and is not needed: the peer is told. why: FAIL_NONE when it is begun anew. */
void delete_unused(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
void auth_failed_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void informational_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void liveness_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void liveness_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void liveness_due(struct ike_env *env, struct ike_sa *sa);
/* No answer came to IKE_AUTH in the time that a responder keeps a half-open IKE SA. */
bool liveness_is_forgotten(const struct ike_sa *sa);
bool liveness_goes_on(struct ike_env *env, struct ike_sa *sa);
struct retransmit liveness_schedule(void);
/* Of our request that is under way: sa->own's, and any one's. */
struct retransmit schedule_of(const struct ike_sa *sa);
struct retransmit schedule_for(const struct ike_sa *sa, const struct exchange *x);
