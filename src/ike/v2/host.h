/* SPDX-License-Identifier: Apache-2.0 */
/* What the owner of many IKE SAs (engine/) does for one, and what one step has at hand. Nobody keeps a
 * pointer to an SA across steps, only its id. */
#pragma once

#include "ike/v2/exchange.h"

struct child_sa;
/* What the owner of many SAs does for one. */
struct ike_host {
    uint64_t (*new_id)(void *ctx);       /* of an IKE SA */
    uint64_t (*new_child_id)(void *ctx); /* counted apart, as users know it */
    /* Unused, at least 256, random but for SPI_STEER_BITS and SPI_KERNEL. */
    uint32_t (*new_child_spi)(void *ctx, uint32_t reqid, enum plane plane);
    /* Who carries what conn has in this IKE SA. False with d: nobody can. */
    bool (*plane)(void *ctx, const struct ike_sa *sa, const struct connection *conn, enum plane *out,
                  struct diag *d);
    uint64_t (*new_ike_spi)(void *ctx);
    uint32_t (*cpus)(void *ctx); /* to which the kernel's data plane binds SAs; 0: it binds none */
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
    /* There is no further one for a processor: see per_cpu.h. */
    void (*cpu_refused)(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg);
    void (*rekey_failed)(struct ike_env *env, struct ike_sa *sa, uint64_t child_id, const struct diag *why);
    /* conn, ike_id: whom it is about; NULL, 0: nobody */
    void (*log)(struct ike_env *env, const struct connection *conn, uint64_t ike_id, enum log_group group,
                enum log_level level, const char *text);
    /* conn NULL: it belongs to none */
    void (*count)(struct ike_env *env, const struct connection *conn, enum ike_counter what);
    /* Something that administrators want to be told of; sa NULL: about none. */
    void (*alert)(struct ike_env *env, const struct ike_sa *sa, enum alert what);
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
