/* SPDX-License-Identifier: Apache-2.0 */
/* The records at the border of the core: what goes into engine_step() and what comes out of it. Flat and
 * tagged, so that the same record is a function call, a message to another process, or an element of a test's
 * array. Spans in an output are valid until the next engine_step(); in an input, during the call. */
#pragma once

#include "base/diag.h"
#include "base/log.h"
#include "base/secret.h"
#include "base/time.h"
#include "model/connection.h"

/* ---- jobs: pure computations that run on a worker, with inputs of their own
 * --------------------------------------- */

enum job_kind {
    JOB_KE_GENERATE, /* group -> private_key, public_key: the initiator's */
    JOB_KE_ANSWER,   /* group, peer_public -> public_key, shared: all that a responder computes */
    JOB_KE_DERIVE,   /* group, private_key, peer_public -> shared */
    JOB_SIGN,        /* key, scheme, message -> signature */
    JOB_VERIFY, /* trust (path, identity, revocation), then auth_method, message, signature -> verdict. With
                   trust.can_fetch a verdict may say what is to be fetched first; who sets it, fetches */
    JOB_PAD,    /* pad_use, pad, piece, is_from_end -> piece, shared: a file's, so that not job_run() but
                   whoever has files does it */
};

/* What is to be done with a piece of a one-time pad. A piece that is used is overwritten; it is not ok then.
 */
enum pad_use {
    PAD_TAKE, /* the next one that is not used, from the end if is_from_end: overwritten first, then given */
    PAD_READ, /* piece, as long as it is not used */
    PAD_BURN, /* piece is overwritten; of two who ask for one, only the first is ok */
};
#define PAD_PIECE 32 /* bytes [RFC8784#6] */

#define JOB_KEYS_MAX 16

/* A certificate, or a bundle of them, that the peer told the address and the hash of [RFC7296#3.6]. Whoever
 * can fetches it before the job is run: not more than CERT_PLACE_BYTES, by HTTP alone, and told to nobody. */
#define CERT_PLACE_HASH  20
#define CERT_PLACE_BYTES (128u << 10)
#define JOB_PLACES_MAX   6
struct cert_place {
    const char *url; /* "http://.." */
    uint8_t hash[CERT_PLACE_HASH];
    bool is_bundle;
    bool has_leaf;       /* the first certificate there is the peer's own */
    const char *failure; /* NULL: it was had, or not tried */
};

/* What came of asking DNS for the peer's raw public keys [RFC4025]. */
enum dns_outcome {
    DNS_NOT_ASKED,
    DNS_SECURE,     /* keys, and DNSSEC proves them */
    DNS_BOGUS,      /* signatures do not hold */
    DNS_INSECURE,   /* nothing proves anything */
    DNS_MISSING,    /* the proof that there are none */
    DNS_UNREADABLE, /* none of the records has a key that can be used */
    DNS_NO_ANSWER,
    DNS_NO_ANCHOR, /* nothing can be proved here */
    DNS_BUSY,
};
#define DNS_RECORDS_MAX 32 /* that are looked at */

struct job {
    enum job_kind kind;
    uint64_t sa_id; /* whom the result is for: engine's id and generation; a late one is dropped */
    uint32_t generation;
    uint32_t tag; /* the SA's own correlation number */
    /* inputs, owned by the job */
    uint16_t group;
    struct secret private_key;
    struct secret peer_public; /* not secret; owned bytes */
    struct pkey *key;          /* a reference: private for JOB_SIGN */
    struct sig_scheme scheme;
    bool is_classic;
    struct cert *own; /* JOB_SIGN: a reference: an OCSP response about it is wanted; who has one at hand sets
                         response */
    uint8_t auth_method;
    struct secret message, signature_in;
    struct pkey
        *peer_keys[JOB_KEYS_MAX]; /* JOB_VERIFY: references; the signature is of one of them, and not of */
    size_t n_peer_keys;           /* trust's leaf; none: of the leaf */
    const char *dns_name; /* JOB_VERIFY, not NULL: peer_keys are those that DNS has for this name, and whoever
                             asks DNS adds them before the job is run; in arena */
    enum dns_outcome dns_outcome;
    const char *dns_detail; /* in arena, or NULL */
    enum pad_use pad_use;
    const char *pad; /* a path, in arena */
    uint64_t piece;  /* also an output; counted from the beginning of the file */
    bool is_from_end;
    struct arena *arena;                      /* what trust and places point into */
    struct cert_place places[JOB_PLACES_MAX]; /* JOB_VERIFY: what becomes of them goes into trust */
    size_t n_places;
    struct trust_request trust; /* certificates, CRLs and responses are references */
    /* outputs */
    bool ok;
    struct secret public_key, shared, signature;
    struct ocsp *response; /* a reference, or NULL */
    struct sig_scheme used;
    size_t used_key;              /* of peer_keys: the one whose signature it is */
    struct trust_verdict verdict; /* JOB_PAD: only its why */
};

/* Runs it. Any thread; touches nothing but the job. */
void job_run(struct job *j);
/* Wipes and frees, references included. */
void job_free(struct job *j);
/* IPSECKEY records of dns_name that DNSSEC has proved, or why there are none. detail: text or NULL. */
void job_dns_answer(struct job *j, const struct span *rdata, size_t n);
void job_dns_failed(struct job *j, enum dns_outcome outcome, const char *detail);
void job_dns_explain(const struct job *j, struct diag *d);
/* What was at a place, or why it was not had. Only what has the hash is taken. */
void job_place_fill(struct job *j, size_t i, struct span bytes);
void job_place_failed(struct job *j, size_t i, const char *why);
/* Why there is no certificate of the peer, when places were all that it told. */
void job_place_explain(const struct job *j, struct diag *d);

/* ---- the data plane's records
 * -------------------------------------------------------------------------------------- */

#define SA_MAX_TS  16
#define SA_KEY_MAX 96
/* So many low bits of an inbound SPI are those of the reqid: whoever has to spread packets over several
 * processors sees from either number which one serves the child, and a rekey does not move it. */
#define SPI_STEER_BITS 6
/* Set in the SPIs of inbound SAs that the kernel carries, and in no other of ours: where both carry some,
 * ESP in UDP goes to whose it is by the number alone. */
#define SPI_KERNEL (1u << SPI_STEER_BITS)

enum sa_direction { SA_IN, SA_OUT };

struct esp_sa { /* one direction of one child */
    enum plane plane;
    enum sa_direction direction;
    uint64_t child_id; /* engine's id of the child SA; both directions share it */
    uint32_t spi;      /* host order. SA_IN: ours; SA_OUT: the peer's */
    uint32_t reqid;    /* policy it serves: constant across rekeys of a child */
    enum child_mode mode;
    /* Transport mode behind a NAT: our address and the peer's as the peer has them, which its checksums cover
     * [RFC7296#2.23.1]; family 0: as in the selectors */
    struct ip seen_local, seen_remote;
    struct endpoint local, remote; /* outer. Ports matter with encap only */
    bool has_encap;                /* ESP in UDP (RFC 3948), or in the stream that remote names */
    bool is_ah;                    /* AH (RFC 4302): encr is 0, and nothing is in UDP */
    uint16_t encr, key_bits, integ;
    bool has_esn;
    uint8_t encr_key_len, integ_key_len;
    uint8_t encr_key[SA_KEY_MAX], integ_key[SA_KEY_MAX]; /* wiped by the consumer after use */
    uint32_t replay_window;
    uint64_t skip; /* SA_OUT: so many sequence numbers are left out, from the first or, in an update, the
                      next; a data plane that cannot count them exactly leaves out more */
    uint16_t cpi;  /* IPComp (RFC 3173): SA_IN: ours; SA_OUT: the peer's; 0: none */
    uint32_t tfc;  /* SA_OUT: payloads are padded to so many bytes where the path has room; 0: no */
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets; /* 0 = none */
    struct cpu cpu;    /* SA_OUT, PLANE_KERNEL: for packets of that processor alone */
    uint16_t port;     /* SA_OUT with has_encap: sent from that, and not from local's; 0: no */
    bool has_any_port; /* SA_IN with has_encap: the peer sends from any */
    bool copies_df, copies_ecn;
    enum copy_dscp copy_dscp;
    struct ts local_ts[SA_MAX_TS], remote_ts[SA_MAX_TS]; /* checked on every packet */
    uint8_t n_local_ts, n_remote_ts;
    struct kernel_options kernel;   /* PLANE_KERNEL: no number in it is to be chosen any more */
    const char *connection, *child; /* for logs; valid during the call */
};

#define POLICY_LAST UINT32_MAX /* a priority: behind all others */
enum policy_action { POLICY_PROTECT, POLICY_BYPASS, POLICY_DISCARD };

struct esp_policy { /* SPD entry; both directions in one record */
    enum plane plane;
    uint64_t id;       /* unique; what POLICY_DEL names */
    uint32_t reqid;    /* POLICY_PROTECT: served by the newest outbound SA with this reqid; none: packets are
                          dropped */
    uint32_t priority; /* lower first; 0: by size, the narrower first; POLICY_LAST */
    enum policy_action action;
    bool is_trap; /* POLICY_PROTECT: while no SA serves it, packets are held back, and DP_ACQUIRE tells of the
                     first one */
    bool asks_per_cpu; /* PLANE_KERNEL: DP_ACQUIRE tells of a processor without an SA of its own, too */
    bool wants_whole;  /* fragments are put together before they are sealed: for modes that carry none */
    uint64_t dscp; /* POLICY_PROTECT: a traffic class: bit n stands for DSCP n; 0: none. It chooses between
                      policies for the same packets and never whether one applies: see spd.h */
    struct ts local_ts[SA_MAX_TS], remote_ts[SA_MAX_TS];
    uint8_t n_local_ts, n_remote_ts;
    /* PLANE_KERNEL, POLICY_PROTECT: what its SAs are like, which are found by all of this and the reqid.
     * Another ACTION_POLICY_ADD with its id changes the addresses. */
    struct ip local, remote; /* outer */
    enum child_mode mode;
    bool is_ah, has_ipcomp;
    struct kernel_options kernel;
};

/* What of the packets to a destination: those of a protocol, and of ports where that has some (host order, 0
 * to 0: all). */
struct route_flow {
    uint8_t proto; /* 0: all packets */
    uint16_t sport_from, sport_to, dport_from, dport_to;
};

struct route {   /* for the policy's remote selectors; the executor knows device, table and source address */
    uint64_t id; /* what ROUTE_DEL names */
    struct prefix dst;
    bool is_unreachable;    /* the barrier that stays while the connection is loaded (worse metric) */
    bool is_exception;      /* the peer's own address: never into the tunnel ("throw") */
    bool is_peer;           /* the way to the peer itself: its IKE and ESP come from there, too */
    struct prefix local;    /* choose a source address inside this one; bits of family 0: none */
    struct route_flow flow; /* of which packets; others are routed as if it were not there */
    /* PLANE_KERNEL: it leads the way that packets between these outer addresses take. The others lead to the
     * TUN device. Of barriers only those before a peer's own address (is_peer) say whose they are; they have
     * no outer addresses. */
    enum plane plane;
    struct ip outer_local, outer_remote;
    /* PLANE_KERNEL: it leads to this interface instead; empty: no. A barrier before the peer leads there,
     * too: the interface drops what it has no SA for. */
    char device[KERNEL_DEVICE];
};

/* A virtual address of ours. */
struct own_address {
    struct ip ip;
    enum plane plane;      /* PLANE_KERNEL: on the interface that has outer_local, else on the TUN device */
    struct ip outer_local; /* family 0: not known any more (ADDRESS_DEL) */
};

/* One kind of packets, from local to remote, that goes past the tunnels (MODE_PASS) or nowhere (MODE_DROP,
 * and MODE_REJECT, which says so to who sent it). Several may have one id. */
struct shunt {
    uint64_t id; /* what SHUNT_DEL names */
    enum child_mode mode;
    bool is_last;                /* where no tunnel is for it; else before all tunnels */
    struct prefix local, remote; /* of one family */
    struct route_flow flow;
};

/* PREPARE, ROUTE and UNROUTE are for commands of Libreswan's style alone. */
enum updown_verb { UPDOWN_PREPARE, UPDOWN_ROUTE, UPDOWN_UP, UPDOWN_DOWN, UPDOWN_UNROUTE };
const char *updown_verb_name(enum updown_verb v); /* "prepare" */

/* A user's command that hears of a child: up when its policy came, down when that went; never for a rekey.
 * Libreswan's style: prepare before each up; route when the first of trap and child comes, unroute when the
 * last of them has gone; and what route or up says about its success is asked for: INPUT_UPDOWN. */
struct updown {
    const char
        *command;      /* of the configuration; a peer has no say in it. NULL: only the firewall is opened */
    const char *where; /* where the configuration says so, FILE:LINE; may be NULL */
    enum updown_style style;
    enum updown_verb verb;
    const char *connection, *child;
    uint64_t ike_id; /* 0: there is no child, but its trap */
    uint64_t token;  /* INPUT_UPDOWN brings it back */
    uint32_t reqid;
    struct endpoint local, remote;    /* outer */
    const char *local_id, *remote_id; /* text, as identity_format() writes it: the remote one is a peer's */
    bool has_encap, has_hostaccess, has_ipcomp, is_ah, opens_firewall;
    enum child_mode mode;
    bool has_instances;        /* its connection may have several peers */
    bool is_client, is_server; /* a virtual address is ours; is the peer's */
    const char *policy;        /* what Libreswan calls the connection's policy */
    uint32_t spi_in, spi_out;  /* ours, the peer's; 0: no child */
    uint64_t bytes_in, bytes_out;
    int64_t added; /* seconds since 1970; 0: not yet */
    enum plane plane;
    struct kernel_options kernel;
    struct ip source; /* configured, or a virtual address; family 0: none */
    struct ts local_ts[SA_MAX_TS], remote_ts[SA_MAX_TS];
    uint8_t n_local_ts, n_remote_ts;
    const struct ip *my_vips, *peer_vips, *dns; /* virtual addresses; name servers that the peer told */
    uint8_t n_my_vips, n_peer_vips, n_dns;
    const char *domains; /* that these name servers know, with blanks between; may be empty */
};

/* Which pairs of addresses lead to a peer? Answered by INPUT_PATHS. */
#define PATH_REMOTES 8
#define PATH_PAIRS   32
struct path_query {
    uint64_t ike_id;
    struct ip local;                /* what is used now */
    struct ip remote[PATH_REMOTES]; /* the one in use first */
    uint8_t n_remote;
};

/* Which address has a gateway that somebody named, and which of ours leads there? Answered by INPUT_RESOLVED.
 */
struct resolve_query {
    uint64_t ike_id;
    const char *connection; /* whose local addresses are used */
    struct gateway host;
};

/* ---- events: what users and scripts see
 * ---------------------------------------------------------------------------- */

enum event_kind {
    EVENT_LOG, /* level, text: one line for the operator (also streamed to a waiting command) */
    EVENT_IKE_UPDOWN,
    EVENT_IKE_REKEY,
    EVENT_CHILD_UPDOWN,
    EVENT_CHILD_REKEY,
    EVENT_COMMAND_DONE, /* command_id, diag: FAIL_NONE for success */
    EVENT_IKE_FAILED,   /* it went down and never was up */
    EVENT_IKE_UPDATE,   /* other addresses or ports: old_local, old_remote */
    EVENT_ALERT,        /* alert: what administrators want to be told of */
};

/* In vici's words, of which there are more: RADIUS and IKEv1 are not here yet. */
enum alert {
    ALERT_SHUTDOWN_SIGNAL,
    ALERT_LOCAL_AUTH_FAILED,
    ALERT_PEER_AUTH_FAILED,
    ALERT_PEER_ADDR_FAILED,
    ALERT_PEER_INIT_UNREACHABLE,
    ALERT_INVALID_IKE_SPI,
    ALERT_PARSE_ERROR_HEADER,
    ALERT_PARSE_ERROR_BODY,
    ALERT_RETRANSMIT_SEND,
    ALERT_RETRANSMIT_SEND_CLEARED,
    ALERT_RETRANSMIT_SEND_TIMEOUT,
    ALERT_RETRANSMIT_RECEIVE,
    ALERT_HALF_OPEN_TIMEOUT,
    ALERT_PROPOSAL_MISMATCH_IKE,
    ALERT_PROPOSAL_MISMATCH_CHILD,
    ALERT_TS_MISMATCH,
    ALERT_TS_NARROWED,
    ALERT_INSTALL_SA_FAILED,
    ALERT_INSTALL_POLICY_FAILED,
    ALERT_UNIQUE_REPLACE,
    ALERT_UNIQUE_KEEP,
    ALERT_KEEP_ON_CHILD_FAILURE,
    ALERT_VIP_FAILURE,
    ALERT_AUTHORIZATION_FAILED,
    ALERT_IKE_SA_EXPIRED,
    ALERT_CERT_EXPIRED,
    ALERT_CERT_VALIDATION_FAILED,
    ALERT_CERT_NO_ISSUER,
    ALERT_CERT_UNTRUSTED_ROOT,
    ALERT_CERT_POLICY_VIOLATION,
    ALERTS,
};

struct ike_view; /* engine/engine.h */
struct child_view;

struct event {
    enum event_kind kind;
    uint64_t command_id;  /* 0, or the command that this belongs to */
    enum log_group group; /* EVENT_LOG */
    enum log_level level;
    const char *connection, *child;
    uint64_t ike_id, child_id, old_id;
    bool is_up;
    const char *text; /* EVENT_LOG */
    struct diag diag; /* EVENT_COMMAND_DONE */
    unsigned matches; /* EVENT_COMMAND_DONE */
    /* What it is about, as it is, or was before it went, at the moment of the event; NULL: nothing, or gone
     * before. */
    const struct ike_view *ike, *old_ike;
    const struct child_view *child_sa, *old_child;
    struct endpoint old_local, old_remote;
    enum alert alert;
};

/* ---- inputs
 * ---------------------------------------------------------------------------------------------------------
 */

enum input_kind {
    INPUT_TICK,     /* a deadline has passed */
    INPUT_DATAGRAM, /* an IKE message: the non-ESP marker is already taken off */
    INPUT_ICMP,     /* somebody says that a datagram of ours did not arrive */
    INPUT_STREAM,   /* a TCP connection that was asked for is there, or is gone */
    INPUT_JOB_DONE, /* the job is taken */
    INPUT_COMMAND,
    INPUT_DATAPLANE, /* acquire, expire, mapping changed, counters */
    INPUT_CONFIG,    /* the snapshot is taken */
    INPUT_ADDRESSES, /* the machine's own addresses, or its routes, have changed */
    INPUT_PATHS,     /* the answer to ACTION_PATHS */
    INPUT_SECRET,    /* what outlives a restart; comes first, once */
    INPUT_RESOLVED,  /* the answer to ACTION_RESOLVE */
    INPUT_UPDOWN,    /* how a command of Libreswan's style has ended, for the verbs route and up */
    INPUT_PLANES,    /* who can carry packets; comes before the first snapshot, and again when it changes */
    INPUT_SHUTDOWN,  /* delete all SAs, politely */
};

enum command_kind {
    COMMAND_INITIATE,
    COMMAND_TERMINATE,
    COMMAND_REKEY,
    COMMAND_TRAP,           /* a trap for a child, or for all of a connection */
    COMMAND_UNTRAP,         /* takes it away; what is up stays */
    COMMAND_REDIRECT,       /* clients are sent to another gateway */
    COMMAND_RESET_COUNTERS, /* of messages: of connection, of all connections (is_for_all), else of the engine
                             */
};

struct command {
    enum command_kind kind;
    uint64_t id;                    /* not 0; comes back in events */
    const char *connection, *child; /* names; NULL where not given */
    uint64_t ike_id, child_id;      /* unique ids; 0 where not given */
    bool is_forced;                 /* terminate: do not wait for the peer */
    bool is_for_all;                /* reset-counters */
    bool reauthenticates;           /* rekey, of IKE SAs: they are made anew */
    struct gateway gateway;         /* redirect: where to */
    struct ip peer_from, peer_to;   /* redirect: clients at these addresses; family 0: wherever they are */
    const char *peer_id;            /* redirect: and of this identity, perhaps a pattern; NULL: whoever */
};

enum dataplane_kind {
    DP_SOFT_EXPIRE,
    DP_HARD_EXPIRE, /* its limit is reached; or, with why, it is not there any more */
    DP_MAPPING,
    DP_COUNTERS,
    DP_ACQUIRE,
    DP_SETTLED, /* the kernel has answered all that it was asked; what it refused was told (DP_FAILED) */
    DP_FAILED,  /* the SA (child_id), or the policy (policy_id, and no child_id), could not be installed: why.
                   It comes before anything else that happens later */
};

struct dataplane_event {
    enum dataplane_kind kind;
    uint64_t child_id;
    uint32_t spi; /* host order */
    enum sa_direction direction;
    struct endpoint remote; /* DP_MAPPING: authenticated ESP came from here */
    /* DP_COUNTERS: totals since the SA was added, and when the last inbound packet was accepted (mono; 0 =
     * never) */
    uint64_t bytes, packets;
    int64_t last_use;
    /* DP_ACQUIRE: a packet met this trap and waits for an SA. The selectors are those of exactly this packet,
     * to be offered first [RFC7296#2.9]. Told once, and again only after ACTION_TRAP_FAILED or when what was
     * held has become too old. */
    uint64_t policy_id;
    struct cpu
        cpu; /* set: one that has no SA of its own sent it; others serve it meanwhile, see xfrm_cpu.c */
    struct ts packet_local, packet_remote;
    const char *why; /* DP_FAILED, DP_HARD_EXPIRE: text, valid during the call; or NULL */
};

/* ---- TCP connections that carry IKE and ESP (RFC 9329). A handle names one in endpoints of the remote side.
 * Those that peers open get theirs from the executor. Those that the engine opens get theirs, with
 * STREAM_OURS set, from the engine, and keep it when the connection is made anew. */
#define STREAM_OURS UINT32_C(0x80000000)

struct stream_news {
    uint32_t handle;
    bool is_up;            /* answers each ACTION_STREAM_OPEN, unless it is released meanwhile */
    struct endpoint local; /* when up: the ports are those of the NAT detection hashes */
    const char *why;       /* when not: text; valid during the call */
};
#define MACHINE_SECRET 32

struct input {
    enum input_kind kind;
    union {
        struct {
            struct endpoint local, remote;
            bool is_natt; /* came in on the NAT traversal port, or on a stream, with a non-ESP marker */
            struct span bytes;
        } datagram;
        struct { /* nobody vouches for it */
            struct endpoint to;
            struct ip from;
            const char *why; /* text, valid during the call */
        } icmp;
        struct stream_news stream;
        struct job *job;
        struct command command;
        struct dataplane_event dataplane;
        struct config *config;
        struct { /* all that packets can come from: of interfaces that are up, not the tunnel's own */
            const struct ip *v;
            size_t n;
        } addresses;
        struct span secret; /* of this machine alone: MACHINE_SECRET random bytes */
        const struct planes *planes;
        struct { /* usable now, the best first */
            uint64_t ike_id;
            const struct ip_pair *v;
            size_t n;
        } paths, resolved;
        struct {
            uint32_t reqid;
            uint64_t token;
            enum updown_verb verb;
            const char *failure; /* text, valid during the call; NULL: it went well */
        } updown;
    };
};

/* ---- outputs
 * -------------------------------------------------------------------------------------------------------- */

enum action_kind {
    ACTION_SEND,
    ACTION_JOB, /* the job is given */
    ACTION_SA_ADD,
    ACTION_SA_UPDATE, /* new endpoints (and encap) of an existing SA: spi, direction, local, remote,
                         has_encap, skip */
    ACTION_SA_DEL,
    ACTION_POLICY_ADD,
    /* The tunnel did not come: what the trap holds back is dropped; it goes on. Of a policy that asks per
     * CPU: no SA comes for those that it told of. */
    ACTION_TRAP_FAILED,
    ACTION_POLICY_DEL,
    ACTION_ROUTE_ADD,
    ACTION_ROUTE_DEL,
    ACTION_SHUNT_ADD,
    ACTION_SHUNT_DEL,   /* all with the id */
    ACTION_ADDRESS_ADD, /* a virtual address of ours: on the tunnel's device, before what uses it */
    ACTION_ADDRESS_DEL,
    ACTION_DNS_ADD, /* a name server that a peer told together with a virtual address: for this machine to use
                     */
    ACTION_DNS_DEL,
    ACTION_KEEPALIVE, /* one 0xff byte from local to remote (RFC 3948 section 2.3) */
    ACTION_RESOLVE,   /* answered by INPUT_RESOLVED, after this step */
    ACTION_EVENT,
    ACTION_UPDOWN,
    ACTION_PATHS,       /* answered by INPUT_PATHS, after this step */
    ACTION_STREAM_OPEN, /* answered by INPUT_STREAM; again with the same handle when it went down */
    ACTION_STREAM_KEEP, /* authentic: no time limit, no place among those that have not proved themselves */
    ACTION_STREAM_RELEASE, /* no SA needs it any more: what waits is sent; ours is closed then, a peer's soon
                            */
};

struct action {
    enum action_kind kind;
    union {
        struct {
            struct endpoint local, remote; /* local.ip may be unspecified: the executor chooses by route */
            bool is_natt;                  /* put the non-ESP marker in front; on a stream it always is */
            uint8_t dscp;
            struct span bytes;
        } send; /* also keepalive, without bytes */
        struct job *job;
        struct esp_sa *sa; /* for SA_DEL: direction and spi */
        struct esp_policy *policy;
        struct route *route;
        struct shunt *shunt;
        struct own_address address; /* ADDRESS_ADD, ADDRESS_DEL */
        struct ip name_server;      /* DNS_ADD, DNS_DEL */
        uint64_t id;                /* TRAP_FAILED, POLICY_DEL, ROUTE_DEL, SHUNT_DEL */
        struct event event;
        struct updown *updown;
        struct path_query *paths;
        struct resolve_query *resolve;
        struct {
            uint32_t handle;
            struct endpoint local, remote; /* OPEN; local as in send */
        } stream;
    };
};

struct outbox {
    struct arena *arena; /* where spans and records of this step live */
    struct action *v;
    size_t n, cap;
};

void outbox_init(struct outbox *o);
void outbox_deinit(struct outbox *o); /* frees jobs nobody took */
/* Forgets the last step's actions. */
void outbox_reset(struct outbox *o);
/* A zeroed action of that kind at the end. Never NULL. */
struct action *outbox_add(struct outbox *o, enum action_kind kind);
