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
#include "ike/auth/auth.h"
#include "ike/auth/intauth.h"
#include "ike/core/keymat.h"
#include "ike/core/natd.h"
#include "ike/core/window.h"
#include "ike/msg/build.h"
#include "ike/msg/rules.h"
#include "ike/v2/cfg.h"
#include "ike/v2/mobike.h"
#include "ike/v2/state.h"
#include "model/action.h"

#define NONCE_LEN        32 /* of ours [RFC7296#2.10] */
#define IKE_TASKS_MAX    32
#define EXCHANGE_CAP     (512u << 10) /* bytes that one direction of an exchange may hold */
#define CHILD_TAKEOVER   (1 * TIME_SECOND)
#define CHILD_UNSURE     (30 * TIME_SECOND)
#define CHILD_SWITCH     (5 * TIME_SECOND)
#define CHILD_REPLACED   (180 * TIME_SECOND) /* more than all retransmissions of a Delete take */
#define CHILD_LATE       (2 * TIME_SECOND)
#define IKE_REPLACED     (30 * TIME_SECOND)
#define IKE_UNSURE       (180 * TIME_SECOND) /* more than all retransmissions of a request take */
#define LINGER           (10 * TIME_SECOND)
#define INIT_ERROR_GRACE (1 * TIME_SECOND)

enum exchange_kind {
    X_NONE,
    X_INIT,
    X_INTERMEDIATE,
    X_AUTH,
    X_NEW_CHILD,
    X_REKEY_CHILD,
    X_REKEY_IKE,
    X_DELETE_CHILD,
    X_DELETE_IKE,
    X_AUTH_FAILED, /* we refuse the responder: INFORMATIONAL with AUTHENTICATION_FAILED */
    X_LIVENESS,
    X_UPDATE_ADDRESSES, /* MOBIKE: the initiator has moved */
    X_ROUTABILITY,      /* MOBIKE: does the peer receive where it says it does? */
    X_ADDRESSES,        /* MOBIKE: our list of further addresses */
    X_TICKET,           /* a ticket to resume the session with, asked for later than in IKE_AUTH */
    X_CRASH_TOKEN,      /* our token for an IKE SA that replaced another */
    X_WINDOW_SIZE,      /* how many requests we take at once, for an IKE SA that replaced another */
    X_REDIRECT,         /* the peer is sent to another gateway */
    X_INFO,             /* the peer's INFORMATIONAL */
    X_FOLLOWUP,         /* the peer's IKE_FOLLOWUP_KE, until it is known what it follows */
    X_KINDS,
};

struct announced;
struct ike_env;
struct ike_sa;
struct child_sa;
struct exchange;
typedef void exchange_resume(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct job *job);

/* A feature's part in writing a message, and in reading one: see features.h. */
typedef void feature_put(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x);
typedef bool feature_take(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                          struct diag *d);

struct ts_pair { /* narrowed selectors, ours and theirs */
    struct ts local[SA_MAX_TS], remote[SA_MAX_TS];
    uint8_t n_local, n_remote;
};

struct nonce {
    uint8_t b[NONCE_MAX];
    uint16_t len;
};

struct exchange {
    enum exchange_kind kind;
    bool is_own;
    struct outstanding out; /* ours: the request that has no answer yet */
    bool is_parked;         /* ours: the request is made, and waits for the window to have room */
    struct {
        uint8_t exchange, first;
        struct span chain; /* in tx */
    } parked;
    struct reassembly frags; /* ours: of the response */
    struct arena *tx, *rx;   /* what we made; the peer's message. Freed when the exchange ends */
    struct ike_message msg;  /* the peer's, in rx */
    struct span content;     /* IKE_INTERMEDIATE: the peer's, as it is authenticated later; in rx */
    struct endpoint local, remote;
    bool has_marker;  /* peer's request: where it came from is where the response goes [RFC7296#2.11]; ours:
                         where it was sent first */
    bool is_directed; /* ours: goes there, and not where the SA's requests go */
    struct endpoint came_from; /* ours: where the answer came from */
    bool is_spread;            /* ours: was sent to more than one address of the peer */
    uint8_t cookie2[COOKIE2_LEN];
    uint32_t job_tag; /* 0: no job is out */
    exchange_resume *resume;
    uint16_t ke;
    struct secret ke_private, ke_public, shared;
    bool is_followup;         /* CREATE_CHILD_SA is over, IKE_FOLLOWUP_KE goes on with it: followup.h */
    uint8_t addke_done;       /* through with chosen.addke up to this place */
    struct secret additional; /* what they gave, one after the other */
    struct secret first;      /* meanwhile: shared of CREATE_CHILD_SA */
    struct span link;         /* ours: what the peer's next request is found by there; in tx */
    struct nonce ni, nr;
    struct chosen chosen;
    const struct child_config *child_cfg; /* in the SA's snapshot; IKE_AUTH: NULL without a child */
    uint32_t spi_in, spi_out;             /* of the new child */
    uint64_t child_id;                    /* of the new child */
    uint32_t reqid;
    uint64_t old_child;  /* being rekeyed or deleted */
    uint64_t lineage;    /* of the child being rekeyed; 0: a new one */
    uint32_t deleted[4]; /* by the peer, which may have the child that we are making before we do */
    uint8_t n_deleted;
    struct ts_pair ts;
    bool has_packet; /* one that waits for the child: offered first [RFC7296#2.9] */
    struct ts packet_local, packet_remote;
    uint64_t new_spi_i, new_spi_r;     /* rekeying the IKE SA */
    struct secret crash_token;         /* the peer's for that SA */
    struct proposal_list offered;      /* by us, in tx */
    struct auth_choice auth;           /* IKE_AUTH: how we sign */
    struct secret auth_data;           /* ours, made with a shared secret */
    struct cert *cert;                 /* ours, for signing; borrowed from the snapshot */
    struct pkey *raw_key;              /* ours, without a certificate; likewise */
    int64_t begun_at;                  /* ours: liveness, where what is heard later counts; a child */
    unsigned restarts;                 /* cookies and other key exchange methods that were asked for */
    uint16_t refusal;                  /* of the child, as responder of IKE_AUTH; 0: it is made */
    enum child_mode mode;              /* of the child: what we ask for, then what was agreed on */
    struct ip seen_local, seen_remote; /* transport mode: as the peer has the addresses */
    uint16_t cpi_in, cpi_out;          /* IPComp for the new child: ours, the peer's; 0: none */
    bool refuses_tfc;                  /* the peer takes no packets that are padded */
};

struct task { /* an exchange that waits for its turn */
    enum exchange_kind kind;
    uint64_t child_id;
    const struct child_config *cfg;
    uint16_t ke; /* INVALID_KE_PAYLOAD asked for this method; 0: the first */
    uint8_t attempts;
    int64_t not_before;
};

struct child_sa {
    uint64_t id;
    struct ike_sa *ike;
    struct list link;
    struct map_node by_id, by_spi; /* the owner's tables */
    struct bag_link by_owner;
    const struct child_config *cfg;
    uint32_t reqid;
    uint64_t lineage; /* the first one's id of those that replaced each other, up to this one */
    enum child_state state;
    uint32_t spi_in, spi_out;
    struct chosen chosen;
    uint16_t cpi_in, cpi_out; /* IPComp; 0: not compressed */
    bool refuses_tfc;
    bool has_in, has_out, holds_policy, was_up;
    bool has_heir;   /* our replacement of it is the one that stays */
    bool takes_late; /* was replaced: after its delete late packets are still taken */
    bool is_doomed;  /* named by the delete that is being worked on */
    bool is_closed_by_peer;
    bool is_gone; /* deleted; receives what is still on its way until expires_at */
    bool is_ours; /* we made the exchange that created it */
    struct ts_pair ts;
    enum child_mode mode;
    struct ip seen_local, seen_remote;
    struct esp_sa *waiting; /* outbound half that is installed when the old one goes; owned, wiped */
    int64_t switch_at;
    int64_t installed_at, rekey_at, expires_at, idle_at;
    int64_t quiet_since; /* when it was installed, or what it replaces was used last: see child_last_use() */
    uint8_t low_nonce[16];     /* how the lower nonce of its exchange begins */
    uint64_t peer_replacement; /* made by the peer's rekey of this child */
    struct nonce peer_low;     /* the lower nonce of that exchange */
    uint64_t rival;            /* ours: the peer's that was made at the same time: see twin_child.c */
    int64_t yields_at;         /* to that */
    int64_t unsure_until;      /* the peer asked for it, and may not have our answer: see child_is_unsure() */
    uint32_t asked_by;         /* the message ID of that */
    uint64_t bytes_in, packets_in, bytes_out, packets_out;
    int64_t last_in, last_out;
};

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

/* Where an IKE SA stands with the synchronisation of message IDs: see msgid_sync.c. */
struct msgid_sync {
    bool is_on;        /* both ends said so in IKE_AUTH */
    bool has_counters; /* likewise of sequence numbers: counter_sync.c */
    bool has_last;     /* a request was answered: this one */
    uint32_t last[3];  /* nonce, the peer's next request, our next one, as the request had them */
    uint32_t next_out; /* that it was answered with */
};

#define SA_STREAMS 3 /* the one in use, the children's, one that is tried */
struct stream_use {
    struct bag_link link;
    struct ike_sa *sa;
    uint32_t handle; /* 0: none */
};

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
    struct config *config; /* a reference: conn and every child_cfg point into it */
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
    struct sa_cfg *cfg;   /* cfg.h; NULL: no configuration payload was about */
    struct span certreq;  /* what the peer's CERTREQs name, in arena */
    bool has_certreq;     /* the peer asks for X.509 certificates */
    bool has_raw_request; /* it asks for raw public keys */
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

/* What the owner of many SAs does for one. */
struct ike_host {
    uint64_t (*new_id)(void *ctx);
    /* Unused, at least 256, random but for SPI_STEER_BITS. */
    uint32_t (*new_child_spi)(void *ctx, uint32_t reqid);
    uint64_t (*new_ike_spi)(void *ctx);
    uint32_t (*reqid_for)(void *ctx, const struct ike_sa *sa, const struct child_config *cfg);
    void (*adopt)(struct ike_env *env, struct ike_sa *sa); /* the SA is taken */
    struct ike_sa *(*find)(void *ctx, uint64_t id);
    void (*child_track)(struct ike_env *env, struct child_sa *c, bool is_added);
    void (*policy)(struct ike_env *env, struct child_sa *c, bool is_added);
    /* Peers to which UDP port 4500 seems not to pass though port 500 does. */
    bool (*is_udp_blocked)(void *ctx, int64_t now, struct ip peer);
    void (*note_udp)(struct ike_env *env, struct ip peer, bool passes);
    /* Opens a TCP connection for this SA: its handle; tcp_resume() when it is there. */
    uint32_t (*open_stream)(struct ike_env *env, struct ike_sa *sa, const struct path *path);
    /* May be asked before a line about somebody who has not authenticated: few in a second. */
    bool (*may_complain)(struct ike_env *env);
    /* Selectors of transport mode that another peer behind the same address has already. */
    bool (*is_taken)(void *ctx, const struct ike_sa *sa, const struct ts_pair *ts);
    /* A peer that is nobody wants to begin an IKE SA, or have a child with these selectors: is there room,
     * and does nobody else have them? False with d. */
    bool (*guest_may_come)(struct ike_env *env, const struct ike_sa *sa, struct diag *d);
    bool (*guest_may_have)(struct ike_env *env, const struct ike_sa *sa, const struct ts_pair *ts,
                           struct diag *d);
    /* Virtual addresses: of our pools for a peer, with as many holders as IKE SAs have it; and ours on this
     * machine, likewise. */
    struct lease_answer (*lease_ask)(struct ike_env *env, const struct lease_request *r);
    void (*lease_hold)(struct ike_env *env, struct ip ip);
    void (*lease_release)(struct ike_env *env, struct ip ip);
    void (*vip)(struct ike_env *env, const struct ike_sa *sa, struct ip ip, bool is_added);
    /* Name servers that the peer told with it. */
    void (*dns)(struct ike_env *env, struct ip ip, bool is_added);
    /* What to ask for in place of conn->vips[i]: what we had last, or that. */
    struct ip (*vip_wanted)(void *ctx, const struct ike_sa *sa, size_t i);
    bool (*has_other)(void *ctx, const struct ike_sa *sa); /* may the peer hold another SA with us? */
    /* The peer has proved who it is, and would be established: is there one that stays instead? */
    bool (*keeps_other)(struct ike_env *env, const struct ike_sa *sa);
    /* The packet that the child is made for, while one waits: its selectors as seen from here. */
    bool (*packet_for)(void *ctx, const struct ike_sa *sa, const struct child_config *cfg, struct ts *local,
                       struct ts *remote);
    /* Is INITIAL_CONTACT on its way to this peer, or may it be? Then IKE_AUTH waits until ike_up or ike_down
     * of who said it. */
    bool (*awaits_contact)(void *ctx, const struct ike_sa *sa);
    /* Begins another IKE SA for what this one carries. False: cannot be. */
    bool (*renew)(struct ike_env *env, struct ike_sa *sa);
    /* Tickets that were used, or whose IKE SA was deleted: by the first bytes of their ids. */
    bool (*is_ticket_used)(void *ctx, const uint8_t *id);
    void (*use_ticket)(struct ike_env *env, const uint8_t *id);
    /* Is there another child in use that serves the same reqid? */
    bool (*is_served)(void *ctx, const struct child_sa *c);
    void (*ike_up)(struct ike_env *env, struct ike_sa *sa, uint64_t old_id);
    /* A gateway sends us there: redirect_found() is called when it is known where that is. False with d: it
     * is not followed. */
    bool (*redirect)(struct ike_env *env, struct ike_sa *sa, const struct gateway *to, struct diag *d);
    /* The peer does not answer there: has it another address to begin with? Then it is the next one's turn.
     */
    bool (*try_next)(struct ike_env *env, const struct ike_sa *sa);
    /* The machine's own addresses. NULL, and n 0: not known. */
    const struct ip *(*addresses)(void *ctx, size_t *n);
    /* The children's outer addresses have changed: routes follow. */
    void (*moved)(struct ike_env *env, struct ike_sa *sa);
    /* Before its children are taken down. why: FAIL_NONE when it was asked for. */
    void (*ike_down)(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
    void (*child_up)(struct ike_env *env, struct child_sa *c, uint64_t old_id);
    void (*child_down)(struct ike_env *env, struct child_sa *c);
    bool (*needs_child)(void *ctx, const struct ike_sa *sa, const struct child_config *cfg);
    void (*child_failed)(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg,
                         const struct diag *why);
    void (*rekey_failed)(struct ike_env *env, struct ike_sa *sa, uint64_t child_id, const struct diag *why);
    void (*log)(struct ike_env *env, const struct connection *conn, enum log_level level, const char *text);
};

struct ike_env { /* one step */
    struct time now;
    struct outbox *out;
    struct config *config; /* the newest snapshot */
    struct engine_stats *stats;
    const struct ike_host *host;
    void *ctx;
    struct span secret; /* the machine's, the same after a restart; empty: there is none */
};

/* ---- sa.c: life */
/* conn is in the env's snapshot. Not adopted yet. */
struct ike_sa *ike_sa_new(struct ike_env *env, const struct connection *conn, bool is_initiator);
void ike_sa_free(struct ike_sa *sa);
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
bool ike_sa_queue(struct ike_sa *sa, struct task t); /* false: full, or already queued */
bool ike_sa_has_task(const struct ike_sa *sa, enum exchange_kind kind, uint64_t child_id);
/* Starts the next exchange when none of ours is under way. */
void ike_sa_advance(struct ike_env *env, struct ike_sa *sa);
int64_t tasks_deadline(const struct ike_sa *sa); /* when the next one may start */
void exchange_begin(struct ike_sa *sa, struct exchange *x, enum exchange_kind kind);
void exchange_end(struct exchange *x);
int64_t jittered(int64_t span, int64_t jitter); /* span less a random part of jitter */

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

/* ---- send.c */
/* A chain of payloads to be sealed: begin, build_*, then one of the two. */
void chain_begin(struct ike_env *env, struct build *b);
/* Over the SA's path, or, is_directed, over that of its own exchange. */
bool send_request(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, struct build *b);
/* The same for an exchange that is not sa->own, and for a chain that is built. */
bool send_request_of(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint8_t exchange,
                     struct build *b);
bool send_chain(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint8_t exchange, uint8_t first,
                struct span chain);
/* Ends the peer's exchange. */
bool send_response(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, struct build *b);
void send_response_notify(struct ike_env *env, struct ike_sa *sa, uint8_t exchange, uint16_t notify,
                          struct span data);
void send_datagrams(struct ike_env *env, struct ike_sa *sa, const struct datagrams *d);
void send_over(struct ike_env *env, struct ike_sa *sa, const struct path *path, const struct datagrams *d);
void send_raw(struct ike_env *env, const struct endpoint *local, const struct endpoint *remote,
              bool has_marker, uint8_t dscp, struct span bytes);
void nonce_make(struct nonce *n);
bool nonce_take(struct nonce *n, const struct ike_message *m);
static inline struct span nonce_view(const struct nonce *n)
{
    return span_of(n->b, n->len);
}
int nonce_cmp(const struct nonce *a, const struct nonce *b); /* [RFC7296#2.8.1] */
const struct nonce *nonce_lower(const struct nonce *a, const struct nonce *b);

/* ---- jobs.c: each lets the exchange wait and go on in resume */
void job_generate(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint16_t group,
                  exchange_resume *resume);
/* What a responder does with the peer's value: ke_public and shared at once. */
void job_answer(struct ike_env *env, struct ike_sa *sa, struct exchange *x, uint16_t group,
                struct span peer_public, exchange_resume *resume);
void job_derive(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct span peer_public,
                exchange_resume *resume);
void job_sign(struct ike_env *env, struct ike_sa *sa, struct exchange *x, struct pkey *key,
              struct secret *octets /* taken */, exchange_resume *resume);
/* A new job with the exchange's correlation, not yet given away. */
struct job *job_prepare(struct ike_sa *sa, struct exchange *x, enum job_kind kind, exchange_resume *resume);
void job_give(struct ike_env *env, struct job *j);

/* ---- init.c, init_responder.c */
uint8_t init_exchange_of(const struct ike_sa *sa); /* IKE_SA_INIT, or IKE_SESSION_RESUME */
void init_start(struct ike_env *env, struct ike_sa *sa);
void init_on_response(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                      const struct endpoint *local);
/* An admitted first request without an SA. */
void init_on_request(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                     const struct endpoint *remote, bool has_marker);
/* A clear answer without state: COOKIE, INVALID_KE_PAYLOAD, ... */
void init_reply_notify(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                       const struct endpoint *remote, bool has_marker, uint16_t type, struct span data);
/* The same with several; their spi is not written. */
void init_reply(struct ike_env *env, const struct ike_message *m, const struct endpoint *local,
                const struct endpoint *remote, bool has_marker, const struct pl_notify *v, size_t n);
void init_send_response(struct ike_env *env, struct ike_sa *sa);
void init_give_up(struct ike_env *env, struct ike_sa *sa);
feature_put init_put_cookie, init_put_request, init_put_response;

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

/* ---- tfc.c: who takes padded packets? */
void tfc_put(struct build *b, const struct exchange *x);
void tfc_take(struct ike_env *env, const struct ike_sa *sa, struct exchange *x);

/* ---- intermediate.c */
feature_put intermediate_put;
feature_take intermediate_take;
/* The additional key exchange that comes next and its place in chosen.addke; 0: none, IKE_AUTH may come. */
uint16_t intermediate_due(const struct ike_sa *sa, uint8_t *place);
/* Is our request under way the first one after IKE_SA_INIT: the first over port 4500, if we went there? */
bool intermediate_is_first(const struct ike_sa *sa);
/* The next additional key exchange, or IKE_AUTH. */
void intermediate_start(struct ike_env *env, struct ike_sa *sa);
void intermediate_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void intermediate_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* The peer's part of an additional key exchange in x->msg; NULL when it is another method's, or implausible.
 */
const struct pl_ke *addke_value(const struct exchange *x, uint16_t method,
                                bool (*is_plausible)(uint16_t group, struct span value));
/* "additional key exchange KE1_ML_KEM_768 done" */
void addke_log(struct ike_env *env, struct ike_sa *sa, const struct chosen *chosen, uint8_t place);
/* Our IKE_INTERMEDIATE message is about to be sent: AUTH will cover it. False: it cannot. */
bool intermediate_sent(struct ike_sa *sa, bool is_response, struct span content);

/* ---- natd.c */
/* Before the first message is built or read: what has been learnt about the peer's address. */
void natd_begin(struct ike_env *env, struct ike_sa *sa);
feature_put natd_put;
feature_take natd_take;
struct nat_view natd_look(const struct ike_message *m, const struct endpoint *local,
                          const struct endpoint *remote);
void natd_put_path(struct build *b, const struct ike_sa *sa, const struct path *path);
/* From now on this is how it is: encapsulation and keepalives follow, the children's records do not yet. */
void natd_adopt(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v);
void natd_float(struct ike_env *env, struct ike_sa *sa);
void natd_authentic(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                    const struct endpoint *remote, bool has_marker);
void natd_mapping(struct ike_env *env, struct ike_sa *sa, const struct endpoint *remote);
void natd_keepalive(struct ike_env *env, struct ike_sa *sa);
bool natd_has_encap(const struct ike_sa *sa);
/* Is UDP port 4500 used for no other reason than encap = auto? */
bool natd_is_by_choice(const struct ike_sa *sa);
void natd_tell(struct ike_env *env, const struct ike_sa *sa); /* the log: how ESP will go, and why */

/* ---- tcp.c */
/* r, of a request of ours, as it has to be for the SA's transport. */
struct retransmit tcp_schedule(const struct ike_sa *sa, enum exchange_kind k, struct retransmit r);
/* Our request was in vain. True: the SA is ended, and is begun again in TCP. */
bool tcp_falls_back(struct ike_env *env, struct ike_sa *sa);
/* A new SA whose stream is being opened: IKE_SA_INIT follows in tcp_resume(). */
void tcp_wait(struct ike_env *env, struct ike_sa *sa);
void tcp_resend(struct ike_env *env, struct ike_sa *sa); /* a request that waits, on a new connection */
void tcp_resume(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local);
void tcp_refused(struct ike_env *env, struct ike_sa *sa, const char *why); /* its stream is gone */
/* Is an authentic message from there a reason to go there? Only for streams; NATs: natd.c. */
bool tcp_follows(const struct ike_sa *sa, const struct endpoint *remote);

/* ---- tcp_move.c */
void tcp_try(struct ike_env *env, struct ike_sa *sa,
             const struct exchange *x);  /* what was repeated may be in vain over UDP */
void tcp_settled(struct ike_sa *sa);     /* the peer has answered */
void tcp_keep_path(struct ike_sa *sa);   /* mobike.paths are others now */
bool tcp_roams(const struct ike_sa *sa); /* in TCP, and may leave its connection */
void tcp_take_paths(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* The SA is in TCP from now on, or goes on there: when UDP is tried again. */
void tcp_stays(const struct ike_env *env, struct ike_sa *sa);
int64_t tcp_leaves_at(const struct ike_sa *sa);
void tcp_leave(struct ike_env *env, struct ike_sa *sa);
bool tcp_arrived(struct ike_env *env, struct ike_sa *sa, uint32_t handle, const struct endpoint *local);

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

/* ---- msgid_sync.c: message IDs after a failover of the peer [RFC6311] */
feature_put msgid_sync_put;
feature_take msgid_sync_take;
/* A request of the peer, not yet opened. True: it was about message IDs, and is done with. False: m is as it
 * was, and is to be judged by its own ID. */
bool msgid_sync_receive(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                        const struct endpoint *local, const struct endpoint *remote, bool has_marker);

/* ---- counter_sync.c: sequence numbers of the children, likewise */
feature_put counter_sync_put;
feature_take counter_sync_take;
/* How many are to be left out? False: nothing is said of it. */
bool counter_sync_read(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, uint64_t *delta);
void counter_sync_skip(struct ike_env *env, struct ike_sa *sa, uint64_t delta);
/* Both, from a request of the peer that is good and new. */
void counter_sync_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);

/* ---- childless.c: IKE_AUTH without a child [RFC6023] */
feature_put childless_put;
feature_take childless_take;
/* Initiator: is the first child left out? False with d: it has to be, and the peer does not take that. */
bool childless_begin(const struct ike_sa *sa, bool has_child, bool *is_childless, struct diag *d);
/* Is this an IKE_AUTH request without a child? */
bool childless_is_asked(const struct ike_message *m);
/* Responder: does the connection take the request with, or without, its child? */
bool childless_fits(const struct ike_sa *sa, const struct ike_message *m, struct diag *d);

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

/* ---- redirect.c: to another gateway [RFC5685] */
#define REDIRECT_MAX (2 + 255 + NONCE_MAX)
feature_put redirect_put, redirect_put_auth;
feature_take redirect_take;
/* The answer to our IKE_SA_INIT, checked by the rules. True: it was one, and nothing else is to be done. */
bool redirect_on_init(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* Likewise the answer to IKE_AUTH, once the gateway has proved who it is. */
bool redirect_on_auth(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* A request in an established IKE SA. */
void redirect_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
/* It is known where we are sent to, and the next IKE SA goes there; why_not: FAIL_NONE, else it does not.
 * False: nobody goes there any more. */
bool redirect_found(struct ike_env *env, struct ike_sa *sa, const struct diag *why_not);
/* Gateway: is that the answer to a first request? Then it is sent. */
bool redirect_answers_init(struct ike_env *env, const struct connection *conn, const struct ike_message *m,
                           const struct endpoint *local, const struct endpoint *remote, bool has_marker);
/* Is the client, which has proved who it is, to be sent elsewhere in IKE_AUTH? */
bool redirect_is_due(const struct ike_sa *sa);
/* It is established for no longer than it needs to go. */
void redirect_done(struct ike_env *env, struct ike_sa *sa);
/* Sends an established client there. False: it is none, or did not say that it may be redirected. */
bool redirect_send(struct ike_sa *sa, const struct gateway *to);
void redirect_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void redirect_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);

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

/* ---- rounds.c: several rounds of authentication [RFC4739] */
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

/* ---- contact.c, frag.c */
/* May INITIAL_CONTACT be said? */
bool contact_is_due(struct ike_env *env, const struct ike_sa *sa);
feature_put contact_put, frag_put;
feature_take contact_take, frag_take;

/* ---- lifetime.c: AUTH_LIFETIME */
feature_put lifetime_put;
feature_take lifetime_take;
/* The IKE SA stands, and replaces none: when it is authenticated again, by us or by the peer. */
void lifetime_begin(struct ike_sa *sa, int64_t now);
/* Did the peer, which has to, not come back? */
bool lifetime_is_over(const struct ike_env *env, const struct ike_sa *sa, struct diag *d);
void lifetime_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m); /* INFORMATIONAL */

/* ---- cfg.c: configuration payloads */
feature_put cfg_put_request, cfg_put_reply;
feature_take cfg_take_request, cfg_take_reply;
/* Responder, before the connection is known: which addresses the peer asks for. */
void cfg_expect(struct ike_sa *sa, const struct ike_message *m);
/* Initiator, before its child is offered. */
void cfg_begin(struct ike_sa *sa);
/* With a reason: addresses were asked of us, and there are none. */
bool cfg_refuses_child(const struct ike_sa *sa, struct diag *d);
/* With a reason: we need an address, and got none. */
bool cfg_lacks_address(const struct ike_sa *sa, struct diag *d);
/* The SA that replaces old has its addresses, too. */
void cfg_inherit(struct ike_env *env, struct ike_sa *heir, const struct ike_sa *old);
/* The SA is going, and its children are gone. */
void cfg_release(struct ike_env *env, struct ike_sa *sa);
/* ---- ppk.c */
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
/* The CAs that our CERTREQ names; empty: there is none. */
struct span cert_authorities(struct ike_env *env, const struct ike_sa *sa);
feature_put cert_put_own, cert_put_request;
feature_take cert_take_request;
/* cert_news.c: CRLs and OCSP responses go to what the job has at hand. */
void cert_take_news(const struct ike_message *m, struct job *j);
bool cert_fill_trust(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, struct job *j,
                     struct diag *d);

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

/* ---- proposal.c, ts.c */
/* What is offered in a rekey or for a child, with our SPI; for IKE_AUTH without key exchanges. In a. */
struct proposal_list proposal_offer(struct arena *a, const struct proposal_list *from, struct span spi,
                                    bool has_ke);
/* Those that have this PRF, without any other; all as they are when none has it. In a. */
struct proposal_list proposal_with_prf(struct arena *a, const struct proposal_list *from, uint16_t prf);
void proposal_put_choice(struct build *b, const struct chosen *c, struct span spi);
void spi_put32(uint8_t out[4], uint32_t spi);
uint32_t spi_get32(const uint8_t *p);
void spi_put64(uint8_t out[8], uint64_t spi);
uint64_t spi_get64(const uint8_t *p);
struct ts_pair ts_configured(const struct ike_sa *sa, const struct child_config *cfg);
/* Intersection of what is configured with what is offered; false when a side is empty. */
bool ts_narrow(const struct ts_pair *configured, const struct pl_ts *local, const struct pl_ts *remote,
               struct ts_pair *out);
bool ts_is_subset(const struct ts_pair *offered, const struct pl_ts *local, const struct pl_ts *remote,
                  struct ts_pair *out);
const char *ts_list_format(const struct ts *v, size_t n, char *buf, size_t cap);

/* ---- vendor.c */
feature_put vendor_put;

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
/* The connection whose child it is: not always the SA's own. */
const struct connection *child_owner(const struct ike_sa *sa, const struct child_config *cfg);

/* ---- twin_child.c */
/* Our exchange, which was begun at that time, has just made fresh: is it one of two that were made at once?
 */
void twin_child_settle(struct ike_env *env, struct child_sa *fresh, int64_t begun_at);
/* yields_at has come. True when the child is on its way out. */
bool twin_child_yield(struct ike_env *env, struct child_sa *c);
/* Has the peer made as many with these selectors as it may? */
bool twin_child_is_full(const struct ike_sa *sa, const struct child_config *cfg, const struct ts_pair *ts);
/* Is there another one that does the same? */
bool twin_child_stays(const struct child_sa *c);

/* ---- child.c */
struct child_sa *child_new(struct ike_env *env, struct ike_sa *sa, const struct exchange *x);
/* Makes both halves from the exchange's nonces and shared secret. The outbound one waits for the old child's
 * end when defers_out. False: algorithms not available. */
bool child_install(struct ike_env *env, struct child_sa *c, const struct exchange *x, bool defers_out,
                   uint64_t old_id);
void child_switch(struct ike_env *env, struct child_sa *c); /* the waiting outbound half is used from now */
void child_drop_out(struct ike_env *env, struct child_sa *c);
/* Everything of it goes: route, policy, SAs; it is freed. */
void child_end(struct ike_env *env, struct child_sa *c);
void child_update_endpoints(struct ike_env *env, struct child_sa *c);
/* So many sequence numbers of what we send are left out. */
void child_skip(struct ike_env *env, struct child_sa *c, uint64_t numbers);
/* Made by the peer's rekeying, and nothing has shown yet that our answer arrived: who speaks of the child to
 * the peer now is told that there is none, and it comes all the same. Not for ever: 0, or until when. */
int64_t child_is_unsure(const struct child_sa *c);
struct child_sa *child_find(const struct ike_sa *sa, uint64_t id);
/* Peers may use one number for ESP and for AH. */
struct child_sa *child_by_spi_out(const struct ike_sa *sa, uint8_t protocol, uint32_t spi);
void child_tick(struct ike_env *env, struct child_sa *c);
void child_expired(struct ike_env *env, struct child_sa *c);
int64_t child_deadline(const struct child_sa *c);
/* When traffic passed last, through it or what it replaced; mono. Never: when the first one was installed. */
int64_t child_last_use(const struct child_sa *c);
/* It is superfluous and the peer's to delete; we do it when the peer does not. */
void child_waits_for_delete(struct ike_env *env, struct child_sa *c);
void child_rekeyed(struct ike_env *env, struct child_sa *old);
/* Deleted after a rekey: nothing is sent through it any more, late packets are still taken for a moment. */
/* The peer deleted it: told, and gone. */
void child_closed_by_peer(struct ike_env *env, struct child_sa *c);
/* Our own exchange is making one: the peer may have it already, and even delete it before its answer is here.
 */
bool child_is_in_the_making(const struct ike_sa *sa);
/* The same for one of this configuration. */
bool child_is_being_made(const struct ike_sa *sa, const struct child_config *cfg);
void child_note_delete(struct ike_sa *sa, uint32_t spi_out);
bool child_was_deleted(const struct exchange *x, const struct child_sa *c);
void child_retire(struct ike_env *env, struct child_sa *c);
void child_move(struct ike_env *env, struct ike_sa *from, struct ike_sa *to);

/* ---- create_child_offer.c: what a child is to be [RFC7296#2.7] [RFC7296#2.9] */
/* Why create_child_offer() said no. */
void create_child_cannot(const struct ike_sa *sa, const struct exchange *x, struct diag *d);
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

/* ---- create_child.c, rekey_child.c, rekey_ike.c, delete.c, informational.c, dpd.c */
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
void rekey_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
bool rekey_ike_by_peer(const struct ike_sa *sa); /* is the peer replacing sa right now? */
void rekey_ike_made(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_failed(struct ike_env *env, struct ike_sa *sa, const struct pl_notify *error,
                      const struct diag *d);
void rekey_ike_reply(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void rekey_ike_on_request(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void delete_child_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void delete_child_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void delete_ike_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void delete_ike_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* Takes the SA down in good order: children at once, then the Delete to the peer. */
void delete_ike(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* The responder is not who we want: tells it so and forgets it [RFC7296#2.21.2]. */
void delete_refused(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
/* It has proved who it is, and is not needed: the peer is told. why: FAIL_NONE when it is begun anew. */
void delete_unused(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
void delete_child(struct ike_env *env, struct child_sa *c);
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

/* ---- mobike.c: MOBIKE's exchanges [RFC4555#3] */
feature_put mobike_put;
feature_take mobike_take;
/* MOBIKE may be used: configured, and both ends do NAT traversal. */
bool mobike_is_wanted(const struct ike_sa *sa);
/* The part of an INFORMATIONAL request of the peer that MOBIKE and NAT detection are about: carried out, and
 * answered in b. */
void mobike_answer(struct ike_env *env, struct build *b, struct ike_sa *sa, struct exchange *x);
void update_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void update_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void addresses_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void addresses_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
/* Our list of further addresses is another than the peer knows. */
bool mobike_list_is_new(struct ike_env *env, const struct ike_sa *sa);
/* The answer to a liveness check shows where the peer sees us [RFC4555#3.8]. */
void mobike_compare(struct ike_env *env, struct ike_sa *sa, const struct exchange *x);
/* The children use the IKE SA's addresses from now on. v: what is known of NATs there; may be NULL. */
void mobike_commit(struct ike_env *env, struct ike_sa *sa, const struct nat_view *v);

/* ---- reach.c: return routability [RFC4555#3.7] */
void cookie2_put(struct build *b, struct exchange *x);
enum cookie2 { COOKIE2_GOOD, COOKIE2_MISSING, COOKIE2_WRONG };
enum cookie2 cookie2_check(const struct exchange *x);
void reach_check(struct ike_env *env, struct ike_sa *sa, const struct path *path, const struct nat_view *v);
void reach_again(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                 const struct endpoint *remote);
void reach_start(struct ike_env *env, struct ike_sa *sa, const struct task *t);
void reach_on_response(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
void reach_resend(struct ike_env *env, struct ike_sa *sa, const struct datagrams *d);

/* ---- path.c: which addresses are used [RFC4555#3.5,3.10,3.11] */
bool path_equal(const struct path *a, const struct path *b);
bool path_allows_local(const struct connection *conn, struct ip ip);
/* Is the peer's address, other than the one in use, in what the tunnel is for? */
bool path_is_inside(const struct ike_sa *sa, struct ip remote);
/* An own address that is not in what the tunnel is for, and that the connection may use. */
bool path_may_be_told(const struct ike_sa *sa, struct ip own);
static inline struct path path_of(const struct ike_sa *sa)
{
    return (struct path){.local = sa->local, .remote = sa->remote};
}
/* Can packets leave from there? Not from an address of the SA that was the machine's and is no more. */
bool path_has_source(struct ike_env *env, const struct ike_sa *sa, struct ip ip);
void path_note_source(struct ike_env *env, struct ike_sa *sa);
/* The machine's addresses or routes have changed. */
void path_addresses_changed(struct ike_env *env, struct ike_sa *sa);
/* Is that the pair of addresses in use? */
bool path_is_pair(const struct ike_sa *sa, const struct ip_pair *p);
/* The answer to ACTION_PATHS. */
void path_take(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* The same without MOBIKE, and for an SA that is replaced, or going: see path_alone.c. */
void path_take_alone(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
void path_take_at_the_end(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* Asks which pairs of addresses there are. */
void path_ask(struct ike_env *env, struct ike_sa *sa);
void path_strand(struct ike_env *env, struct ike_sa *sa); /* no address leads to the peer */
/* The path in use is suspected to be dead: asks, and tries the others, too. */
void path_doubt(struct ike_env *env, struct ike_sa *sa);
/* The initiator goes on over this path. */
void path_move(struct ike_env *env, struct ike_sa *sa, const struct path *to);
/* Our request that is under way goes over the path in use at once, and is repeated from there. */
void path_hurry(struct ike_env *env, struct ike_sa *sa);
/* A new request of the peer came this way. A responder whose own request that is under way has not been
 * answered sends it there, too: the peer may have moved and not said so yet. */
void path_heard(struct ike_env *env, struct ike_sa *sa, const struct endpoint *local,
                const struct endpoint *remote);
/* Over the paths that are not in use, as long as the one in use is in doubt. */
void path_spread(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d);
/* The successor of an IKE SA goes where that one went last. */
void path_inherit(const struct ike_sa *from, struct ike_sa *to);
/* Our request is repeated. */
void path_resend(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct datagrams *d);
/* The answer to our request came this way. */
void path_answered(struct ike_env *env, struct ike_sa *sa, struct exchange *x, const struct endpoint *local,
                   const struct endpoint *remote);
/* There is no way to the peer, and not for so long that it should be given up. */
bool path_is_stranded(const struct ike_env *env, const struct ike_sa *sa);

/* ---- fail.c */
void sa_log(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void sa_log_diag(struct ike_env *env, const struct ike_sa *sa, enum log_level level, const struct diag *d);
void conn_log(struct ike_env *env, const struct connection *conn, enum log_level level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* The peer refused: what we sent, the notify, likely causes. */
void diag_from_notify(struct diag *d, const struct ike_sa *sa, const struct pl_notify *n,
                      enum exchange_kind kind, const struct child_config *cfg);
void diag_where_of(struct diag *d, const struct origins *o, const char *key);
