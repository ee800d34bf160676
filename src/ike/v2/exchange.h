/* SPDX-License-Identifier: Apache-2.0 */
/* An exchange of an IKE SA while it runs, in either direction: what it holds, how its messages go out
 * (send.c), and what it leaves to workers (jobs.c). Which exchanges there are and what is legal when:
 * exchanges.h.
 *
 * One that waits for a job has its tag in job_tag and goes on in resume. */
#pragma once

#include "base/bag.h"
#include "ike/auth/auth.h"
#include "ike/core/keymat.h"
#include "ike/core/window.h"
#include "ike/msg/build.h"
#include "ike/msg/protect.h"
#include "ike/msg/rules.h"
#include "ike/v2/mobike.h"
#include "ike/v2/state.h"
#include "model/action.h"

#define NONCE_LEN    32           /* of ours [RFC7296#2.10] */
#define EXCHANGE_CAP (512u << 10) /* bytes that one direction of an exchange may hold */

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

struct datagrams;
struct ike_env;
struct ike_sa;
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

/* What a child is among several that have the same selectors [RFC9611#4]: see per_cpu.h. */
struct per_cpu_part {
    bool is_agreed;  /* both ends want several */
    bool is_further; /* beside the first one, which serves whatever has none of its own */
    bool is_full;    /* the first one's: the peer refused another */
    bool is_left;    /* a further one's: the first one is gone */
    struct cpu cpu;  /* a further one's, where the data plane binds it to one */
    uint16_t port;   /* ESP in UDP leaves from that; 0: from where the IKE SA's does */
};

struct nonce {
    uint8_t b[NONCE_MAX];
    uint16_t len;
};

enum { AUTH_PASSED_MAX = 8 };

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
    struct config *config; /* a reference: the two below point into it, which may be older than the SA's */
    const struct child_config *child_cfg; /* IKE_AUTH: NULL without a child */
    const struct connection *child_conn;  /* whose it is */
    enum plane plane;                     /* of the new child */
    uint32_t spi_in, spi_out;             /* likewise */
    uint64_t child_id;                    /* of the new child */
    uint32_t reqid;
    uint64_t old_child;  /* being rekeyed or deleted */
    uint64_t lineage;    /* of the child being rekeyed; 0: a new one */
    uint32_t deleted[4]; /* by the peer, which may have the child that we are making before we do */
    uint8_t n_deleted;
    struct ts_pair ts;
    bool has_packet; /* one that waits for the child: offered first [RFC7296#2.9] */
    struct ts packet_local, packet_remote;
    uint64_t new_spi_i, new_spi_r; /* rekeying the IKE SA */
    struct secret crash_token;     /* the peer's for that SA */
    struct proposal_list offered;  /* by us, in tx */
    struct auth_choice auth;       /* IKE_AUTH: how we sign */
    struct secret auth_data;       /* ours, made with a shared secret */
    struct cert *cert;             /* ours, for signing; borrowed from the snapshot */
    struct span response;          /* an OCSP response about it, in tx; empty: none */
    struct pkey *raw_key;          /* ours, without a certificate; likewise */
    int64_t begun_at;              /* ours: liveness, where what is heard later counts; a child */
    unsigned restarts;             /* cookies and other key exchange methods that were asked for */
    const struct connection
        *passed[AUTH_PASSED_MAX]; /* responder of IKE_AUTH: whose demands it did not meet */
    uint8_t n_passed;
    uint16_t refusal;                  /* of the child, as responder of IKE_AUTH; 0: it is made */
    enum child_mode mode;              /* of the child: what we ask for, then what was agreed on */
    struct ip seen_local, seen_remote; /* transport mode: as the peer has the addresses */
    uint16_t cpi_in, cpi_out;          /* IPComp for the new child: ours, the peer's; 0: none */
    bool refuses_tfc;                  /* the peer takes no packets that are padded */
    struct per_cpu_part per_cpu;       /* of the child */
    bool refuses_fragments;            /* nor parts of packets, in IP-TFS mode */
};

struct task { /* an exchange that waits for its turn */
    enum exchange_kind kind;
    uint64_t child_id;
    const struct child_config *cfg;
    struct cpu cpu; /* a further child, for that processor: see per_cpu.h */
    uint16_t ke;    /* INVALID_KE_PAYLOAD asked for this method; 0: the first */
    uint8_t attempts;
    int64_t not_before;
};

void exchange_begin(struct ike_sa *sa, struct exchange *x, enum exchange_kind kind);
void exchange_end(struct exchange *x);

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

/* ---- proposal.c */
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
