/* SPDX-License-Identifier: Apache-2.0 */
/* What the engine's own files share: tables of SAs, connections as they run, routes and policies by reference
 * count, commands that wait. */
#pragma once

#include "engine/engine.h"
#include "ike/core/cookie.h"
#include "ike/v2/child.h"
#include "ike/v2/path.h"

struct route_ref { /* one route of the machine, however many want it */
    struct list link;
    struct map_node by_dst;
    struct route route;
    unsigned refs;
};

struct route_set { /* references held by one owner */
    struct route_ref **v;
    size_t n, cap;
};

/* Who carries the packets of a policy, and what they look like on the way. */
struct carrier {
    enum plane plane;
    struct ip local, remote; /* outer; family 0: not known */
    enum child_mode mode;
    bool is_ah, has_ipcomp;
};

struct slot { /* policy and routes of one reqid, shared by all child SAs that serve it */
    struct list link;
    struct map_node by_reqid, by_policy;
    uint32_t reqid;
    unsigned refs;
    uint64_t policy_id; /* 0: none; else by_policy is in the map */
    struct carrier by;
    struct ts_pair ts;
    struct route_set routes;
    uint64_t token;      /* of its updown events */
    bool awaits_command; /* an updown command that decides whether it is up has not ended */
    struct ip source;    /* our address that is on a device for it; family 0: none */
    bool asks_per_cpu;   /* its policy does */
};

struct trap { /* a policy that waits for a packet, with its routes: see trap.c */
    struct map_node by_policy;
    struct conn_run *run;
    size_t child; /* its place in the connection */
    uint64_t policy_id;
    struct carrier by;
    struct ts_pair ts;
    struct route_set routes;
    struct ip source; /* as in struct slot */
    bool has_packet;  /* one waits: its selectors */
    struct ts packet_local, packet_remote;
};

struct vip_ref { /* a virtual address of ours, or a name server with it, however many IKE SAs have it */
    struct list link;
    struct own_address address;
    unsigned refs;
};

struct child_run {
    bool is_wanted;     /* is to be up, and brought up again */
    bool is_configured; /* wanted by the configuration or a packet, not by a command: keyingtries holds */
    uint32_t reqid;
    enum plane plane;  /* of its trap, and of the child that was there last */
    struct trap *trap; /* NULL: none */
};

struct shunt_run {
    uint64_t id; /* of its records; 0: not in force */
    bool is_last;
};

struct conn_run { /* a loaded connection */
    struct list link;
    struct map_node by_name;
    struct config *config; /* a reference */
    const struct connection *conn;
    enum plane plane;           /* who carries it, ... */
    bool is_refused;            /* ... or nobody can */
    struct child_run *children; /* as conn->children */
    struct shunt_run *shunts;   /* as conn->shunts */
    struct heap_node timer;     /* when to look again what is missing */
    unsigned attempts;
    unsigned dataplane_failures; /* one after the other, ... */
    int64_t dataplane_failed_at; /* ... up to then */
    bool is_patient;    /* the last attempt was begun anew as forgotten: the next one waits for longer */
    int64_t tcp_until;  /* mono; UDP stayed without an answer: begun in TCP until then, */
    struct ip tcp_with; /* with that address of the peer */
    uint8_t path;       /* which of the peer's addresses is tried: 0 the first, then conn->further */
    struct ip_pair redirected; /* where a gateway sent us, for the next IKE SA; family 0: nowhere */
    struct ip redirected_by;
    unsigned n_redirects, redirect_tries;
    int64_t redirects_since;
    struct list waits; /* until others to the same peer are through: see pace.c */
    struct pace_peer *waits_for;
    const struct config *seen; /* the snapshot that it was last found in: only compared */
    char *was_called;          /* its name in the snapshot before, when that was another; or NULL */
    struct map_node by_old_name;
    struct diag last_failure;
    struct route_set barrier;
    struct resumption *session; /* of the last IKE SA, which was lost; or NULL */
    bool session_rests;         /* it was tried in vain: the next attempt goes without */
    bool has_short_auth;        /* the last one that was resumed: see resume_auth.c */
    struct ip vips[VIPS_MAX];   /* what we had last, to be asked for again; by place in conn->vips */
    struct ike_counters counters;
    bool is_counted; /* something was, since they were reset */
};

enum waiter_item_kind { WAIT_IKE, WAIT_CHILD };

struct waiter { /* a command that has not ended */
    struct list link;
    struct command command;
    char *connection;
    char **needs; /* INITIATE: which children of the connection, by name */
    size_t n_needs;
    struct {
        enum waiter_item_kind kind;
        uint64_t id;
    } * items; /* TERMINATE, REKEY */
    size_t n_items;
    unsigned matches;
    bool is_over;
    struct diag diag;
};

/* Peers to which UDP port 4500 did not pass. Who can forge the first message of a peer can put it here for a
 * while, and does no more than that ESP goes as protocol 50, as without encap = auto. */
#define UDP_BLOCKED (60 * 60 * TIME_SECOND)
struct blocked {
    struct ip peer;
    int64_t until; /* mono; 0: unused */
};

/* Attempts to bring up an IKE SA that are under way at once. */
struct pace {
    struct map peers;
    struct list begun;  /* ike_sa.paced, oldest first */
    struct list hungry; /* peers */
    size_t n_begun, n_waiting;
};

/* TCP connections (RFC 9329): ours, and which SAs use which, be it ours or a peer's. */
struct streams {
    struct map ours;   /* struct stream */
    struct heap again; /* those of ours that are down: when to open them again */
    struct bag users;  /* ike_sa.streams, by handle */
    uint32_t last;
};

struct engine {
    struct config *config;
    struct list sas, dirty, conns, slots, routes, waiters, half_open;
    struct map by_id, by_spi, by_init, by_addr, children_by_id, children_by_spi, conns_by_name, conns_renamed,
        slots_by_reqid, slots_by_policy, routes_by_dst, traps_by_policy;
    struct bag by_conn, by_ids, by_peer, children_by_owner, children_by_reqid;
    struct pace pace;
    struct pools pools;
    struct list vips, dns; /* vip_ref: a handful */
    struct heap sa_timers, conn_timers;
    uint64_t last_ike_id, last_child_id;
    uint64_t next_id; /* of policies, traps and routes */
    uint32_t next_reqid;
    struct cookie_jar jar;
    struct engine_stats stats;
    struct ike_counters counters;
    bool is_shut_down;
    int64_t spi_replies_at;
    unsigned spi_replies;
    bool asks_cookies;
    uint64_t cookies_before; /* when that began */
    int64_t complaints_at;
    unsigned complaints; /* since then */
    int64_t alerts_at;
    unsigned alerts; /* since then */
    struct blocked blocked[64];
    unsigned next_blocked;
    size_t n_guests;
    unsigned n_jobs;      /* that workers have */
    struct ip *addresses; /* the machine's */
    size_t n_addresses;
    struct planes planes;
    unsigned plane_changes;     /* of connections */
    int64_t kernel_answered_at; /* all that it was asked until then */
    int64_t icmp_at;            /* mono: nothing that ICMP says is heard until then */
    int64_t look_at;            /* mono: a command's end may have come by then */
    bool knows_addresses;
    struct streams streams;
    uint64_t *used_tickets; /* a ring of USED_TICKETS, made when it is needed */
    unsigned next_used_ticket;
    struct secret secret; /* the machine's; empty: it keeps none */
};

/* engine.c */
void engine_touch(struct engine *e, struct ike_sa *sa);
struct ike_sa *engine_sa_by_id(const struct engine *e, uint64_t id);
struct child_sa *engine_child_by_id(const struct engine *e, uint64_t id);

/* index.c: SAs and children by what they are looked for; the lists may hold a few others, too */
void index_sa(struct engine *e, struct ike_sa *sa);
void index_sa_gone(struct engine *e, struct ike_sa *sa);
void index_child(struct engine *e, struct child_sa *c);
void index_child_gone(struct engine *e, struct child_sa *c);
const struct list *index_of_conn(const struct engine *e, const char *name);  /* ike_sa.by_conn.link */
const struct list *index_of_owner(const struct engine *e, const char *name); /* child_sa.by_owner.link */
const struct list *index_of_reqid(const struct engine *e, uint32_t reqid);   /* child_sa.by_reqid.link */
const struct list *index_same_ids(const struct engine *e, const struct ike_sa *sa); /* .by_ids.link */
/* guests.c: IKE SAs that peers began which are nobody (RFC 7619) */
void guests_count(struct engine *e, struct ike_sa *sa); /* after each step that touched it */
bool guests_may_come(struct ike_env *env, const struct ike_sa *sa, struct diag *d);
bool guests_may_have(struct ike_env *env, const struct ike_sa *sa, const struct ts_pair *ts, struct diag *d);
/* Another one came: those at the same address are asked whether they live. */
void guests_doubt(struct ike_env *env, struct ike_sa *fresh);
/* conflict.c. Has another peer at the same address a transport mode child with some of these selectors? */
bool conflict_is_taken(const struct engine *e, const struct ike_sa *sa, const struct ts_pair *ts);
const struct list *index_same_peer(const struct engine *e, const struct ike_sa *sa); /* .by_peer.link */

/* pace.c */
void pace_init(struct pace *p);
void pace_deinit(struct pace *p);
/* May the connection begin an IKE SA now? If not it waits in line and is scheduled when it is its turn. */
bool pace_admits(struct engine *e, struct conn_run *r, bool is_urgent);
void pace_begin(struct engine *e, struct conn_run *r, struct ike_sa *sa);
void pace_end(struct engine *e, struct ike_sa *sa, int64_t now); /* it is through, one way or the other */
void pace_forget(struct engine *e, struct conn_run *r);
int64_t pace_deadline(const struct pace *p);
void pace_tick(struct engine *e, int64_t now);

/* host.c */
extern const struct ike_host engine_host;
static inline struct engine *engine_of(const struct ike_env *env)
{
    return env->ctx;
}
/* The reqid of a connection's child, made if need be. */
uint32_t host_child_reqid(struct engine *e, struct conn_run *r, size_t child);
/* UDP reaches that peer (passes), or it has stayed without an answer where TCP has not. */
void host_note_udp(struct ike_env *env, struct ip peer, bool passes);

/* host_events.c: members of struct ike_host */
void host_ike_up(struct ike_env *env, struct ike_sa *sa, uint64_t old_id);
void host_ike_down(struct ike_env *env, struct ike_sa *sa, const struct diag *why);
void host_child_up(struct ike_env *env, struct child_sa *c, uint64_t old_id);
void host_child_down(struct ike_env *env, struct child_sa *c);
void host_child_failed(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg,
                       const struct diag *why);
void host_rekey_failed(struct ike_env *env, struct ike_sa *sa, uint64_t child_id, const struct diag *why);
void host_log(struct ike_env *env, const struct connection *conn, uint64_t ike_id, enum log_group group,
              enum log_level level, const char *text);
bool host_may_complain(struct ike_env *env);
void host_alert(struct ike_env *env, const struct ike_sa *sa, enum alert what); /* sa NULL: about none */
/* After each step that touched it: has it moved? */
void host_ike_update(struct ike_env *env, struct ike_sa *sa);

/* counters.c: of messages, for all and for each connection that is loaded */
void counters_count(struct ike_env *env, const struct connection *conn, enum ike_counter what);
void counters_inherit(struct conn_run *to, const struct conn_run *from); /* it has changed */
bool counters_reset(struct engine *e, const struct command *c);          /* false: there is none */

/* view.c: copies that live as long as what a step says; NULL: it is not shown. */
const struct ike_view *engine_keep_ike(struct arena *a, const struct ike_sa *sa);
const struct child_view *engine_keep_child(struct arena *a, const struct child_sa *c);

/* admit.c */
void engine_datagram(struct ike_env *env, const struct input *in);
void engine_count_half_open(struct engine *e, struct ike_sa *sa);
/* One that a peer at this address has begun and not finished, or NULL. */
struct ike_sa *engine_half_open_from(const struct engine *e, struct ip ip);

/* connections.c */
struct conn_run *conn_run_of(const struct engine *e, const struct connection *conn);
struct conn_run *conn_run_find(const struct engine *e, const char *name);
/* It gets this name; NULL: what it was called before is forgotten. */
void conn_run_rename(struct engine *e, struct conn_run *r, const char *name);
/* conn, of config, with children and shunts that have nothing yet; what r had is the caller's. */
void conn_run_configure(struct conn_run *r, struct config *config, const struct connection *conn);
struct conn_run *conn_run_new(struct engine *e, struct config *config, const struct connection *conn);
void conn_run_free(struct ike_env *env, struct conn_run *r);
/* The one that conn, of the snapshot before, is now under another name, or NULL. */
struct conn_run *conn_run_renamed(const struct engine *e, const struct connection *conn);
/* The connection that the child is of, and its place there; NULL when that is not loaded any more, or is
 * another child by now. */
struct conn_run *conn_run_of_child(const struct engine *e, const struct ike_sa *sa,
                                   const struct child_config *cfg, struct child_run **run);
/* By name, and its IKE SAs are the same; its children may have changed. */
bool conn_is(const struct connection *a, const struct connection *b);
bool conn_is_single(const struct connection *conn); /* one peer, not any */
void conn_schedule(struct engine *e, struct conn_run *r, int64_t at);
void conn_schedule_retry(struct ike_env *env, struct conn_run *r);
void conn_reconcile(struct ike_env *env, struct conn_run *r);
/* Begins an IKE SA that takes over the children of old; false: there is none to go to, or nothing to take. */
bool conn_renew(struct ike_env *env, struct ike_sa *old);
/* The IKE SA with that id, which may be being renewed, was rekeyed and is this one now. */
void conn_renewal_follows(struct ike_env *env, struct ike_sa *sa, uint64_t old_id);
/* An attempt of ours, sa, ends without having come up. What it was to carry is wanted again where nothing
 * carries it: the peer's own IKE SA may have come up meanwhile, and gone as the one too many of the two. */
void conn_attempt_over(struct ike_env *env, struct conn_run *r, const struct ike_sa *sa);
void conn_attempt_failed(struct ike_env *env, struct conn_run *r, const struct diag *why);
void conn_child_came_up(struct ike_env *env, struct child_sa *c);
void conn_child_missing(struct ike_env *env, struct conn_run *r);
/* Is it wanted, and not there? */
bool conn_lacks_child(const struct engine *e, const struct conn_run *r, const struct child_run *run);
bool conn_child_is_up(const struct engine *e, const struct connection *conn, const struct child_config *cfg);
/* A child that goes, alone or with its IKE SA, is to be brought up again, if there is not another of it. */
void conn_child_again(struct ike_env *env, const struct child_sa *going, bool with_ike);
static inline bool starts_by_itself(const struct child_config *cfg)
{
    return cfg->start_action == START_START || cfg->start_action == START_BOTH;
}

/* follow.c: brings an IKE SA and its children to the snapshot in force, as far as they are still configured.
 */
void engine_follow(struct ike_env *env, struct ike_sa *sa);

/* planes.c */
bool planes_of_sa(void *ctx, const struct ike_sa *sa, const struct connection *conn, enum plane *out,
                  struct diag *d);
/* Who carries it: found out, and told where that is not what was hoped for. was_settled: before, too; true:
 * it is another. */
bool planes_settle(struct ike_env *env, struct conn_run *r, bool was_settled);
/* Ends what is carried by whom it is not to be carried any more. */
void planes_follow(struct ike_env *env, struct ike_sa *sa);
/* Why nobody does. */
void planes_explain(const struct engine *e, const struct conn_run *r, struct diag *d);
/* Has a child of that configuration records that nobody has complained about yet, but still may? Until when;
 * 0: no. */
int64_t planes_are_awaited(const struct ike_env *env, const struct connection *conn,
                           const struct child_config *cfg);
/* DP_FAILED. */
void planes_failed(struct ike_env *env, const struct dataplane_event *ev);
struct carrier planes_carrier(const struct child_sa *c);
/* Puts what only the kernel needs to know into a policy. */
void planes_fill(struct esp_policy *p, const struct carrier *by, const struct child_config *cfg);
bool planes_carry_alike(const struct carrier *a, const struct carrier *b);

/* per_cpu.c: further SAs for processors */
void per_cpu_acquire(struct ike_env *env, const struct dataplane_event *ev);
void per_cpu_refused(struct ike_env *env, struct ike_sa *sa, const struct child_config *cfg);
/* Is a processor that sends what c carries, and has no SA of its own, to be told of? */
bool per_cpu_asks(const struct engine *e, const struct child_sa *c);
/* What the configuration asks for and nobody does, in words. */
void per_cpu_warn(struct ike_env *env, const struct conn_run *r);

/* reload.c */
void engine_set_planes(struct ike_env *env, const struct planes *p);
void engine_load(struct ike_env *env, struct config *config);
void engine_shut_down(struct ike_env *env);

/* routes.c */
void barrier_add(struct ike_env *env, struct conn_run *r);
void barrier_renew(struct ike_env *env, struct conn_run *r); /* its pools or children may have changed */
void route_set_drop(struct ike_env *env, struct route_set *s);
struct slot *slot_of_policy(const struct engine *e, uint64_t id);
struct slot *slot_find(const struct engine *e, uint32_t reqid);
struct child_sa *slot_child(const struct engine *e, const struct slot *s); /* one that holds it, or NULL */
void slot_add(struct ike_env *env, const struct child_sa *c);
void slot_drop(struct ike_env *env, const struct child_sa *c);

/* The child's outer addresses have changed: the peer's new one is kept out of the tunnel as the old one was.
 */
void slot_follow(struct ike_env *env, const struct child_sa *c);

void routes_want(struct ike_env *env, struct route_set *s, const struct config *config,
                 const struct child_config *cfg, const struct ts_pair *ts, const struct carrier *by);

/* trap.c */
/* Installs the child's trap, or brings it up to date with addresses that are known now. */
/* False when it can have none, which is logged and, where why is not NULL, said. */
bool trap_set(struct ike_env *env, struct conn_run *r, size_t i, struct diag *why);
void trap_clear(struct ike_env *env, struct conn_run *r, size_t i);
/* shunt.c. i: its place in conn->shunts. False with the reason when it cannot be. */
bool shunt_set(struct ike_env *env, struct conn_run *r, size_t i, struct diag *why);
void shunt_clear(struct ike_env *env, struct conn_run *r, size_t i);
void shunts_clear(struct ike_env *env, struct conn_run *r);
/* Those that are to be in force from the start, and those that are, against the connections of now. */
void shunts_load(struct ike_env *env, struct conn_run *r);
void trap_free(struct conn_run *r, size_t i); /* at the end of everything */
void trap_acquire(struct ike_env *env, const struct dataplane_event *ev);
/* The tunnel is not tried for any more: what the trap holds is dropped. The trap stays. */
void trap_failed(struct ike_env *env, struct child_run *run);
void trap_refused(struct ike_env *env, uint64_t policy_id, const char *why); /* it cannot be installed */
void trap_served(struct child_run *run);                                     /* the child is up */
bool trap_packet(const struct child_run *run, struct ts *local, struct ts *remote);

/* lease.c: virtual addresses, the peers' and ours */
struct lease_answer lease_ask(struct ike_env *env, const struct lease_request *r);
void lease_hold(struct ike_env *env, struct ip ip);
void lease_release(struct ike_env *env, struct ip ip);
void lease_vip(struct ike_env *env, const struct ike_sa *sa, struct ip ip, bool is_added);
void lease_dns(struct ike_env *env, struct ip ip, bool is_added);
/* The child's configured source address, put on a device where no other has it; none otherwise. */
struct ip lease_source(struct ike_env *env, const struct child_config *cfg, const struct carrier *by);
void lease_source_drop(struct ike_env *env, struct ip source);
struct ip lease_vip_wanted(void *ctx, const struct ike_sa *sa, size_t i);
void leases_init(struct engine *e);
void leases_deinit(struct engine *e);

/* session.c: what lost IKE SAs leave for the next attempt, and tickets that are no good any more */
void session_give(struct ike_env *env, struct conn_run *r, struct ike_sa *sa);
void session_keep(struct ike_env *env, struct conn_run *r, struct ike_sa *sa, bool is_lost);
void session_up(struct ike_env *env, const struct ike_sa *sa);
bool session_is_ticket_used(void *ctx, const uint8_t *id);
void session_use_ticket(struct ike_env *env, const uint8_t *id);

/* updown.c: tells the child's updown command, and the firewall, when it has one. */
void updown_slot(struct ike_env *env, struct slot *s, const struct child_sa *c, bool is_up);
void updown_trap(struct ike_env *env, const struct trap *t, bool is_up);
void updown_ended(struct ike_env *env, const char *failure, uint32_t reqid, uint64_t token,
                  enum updown_verb verb);
/* Is the child there, and a command that decides whether it stays has not ended? */
bool updown_is_awaited(const struct engine *e, const struct connection *conn, const struct child_config *cfg);

/* commands.c */
void command_run(struct ike_env *env, const struct command *c);
void command_failed(struct ike_env *env, const struct connection *conn, const struct child_config *cfg,
                    const struct diag *why);                             /* cfg NULL: all children of it */
void command_renamed(struct engine *e, const char *was, const char *is); /* a connection */
void command_rekey_failed(struct ike_env *env, enum waiter_item_kind kind, uint64_t id,
                          const struct diag *why);
void command_check(struct ike_env *env);
uint64_t command_waiting_for(const struct engine *e, const struct connection *conn);
void commands_free(struct engine *e);

/* streams.c */
/* Is an IKE SA with the peer at that address begun in TCP? */
bool streams_come_first(const struct ike_env *env, const struct conn_run *r, struct ip remote);
/* sa, which we began, has not come up: what that says of UDP. */
void streams_judge(const struct ike_env *env, struct conn_run *r, const struct ike_sa *sa);
void streams_init(struct streams *s);
void streams_deinit(struct streams *s);
/* A connection to where sa->remote says; IKE_SA_INIT follows when it is there. */
void streams_begin(struct ike_env *env, struct ike_sa *sa);
void streams_news(struct ike_env *env, const struct stream_news *news);
uint32_t streams_open(struct ike_env *env, struct ike_sa *sa, const struct path *path);
/* After a step that touched sa: holds the connections that it uses now, lets go of those that it used. */
void streams_settle(struct ike_env *env, struct ike_sa *sa);
void streams_tick(struct ike_env *env);
int64_t streams_deadline(const struct engine *e);

/* redirect.c */
bool redirect_ask(struct ike_env *env, struct ike_sa *sa, const struct gateway *to, struct diag *d);
void redirect_answer(struct ike_env *env, struct ike_sa *sa, const struct ip_pair *v, size_t n);
/* One that was begun there starts again, or did not come up though it was to take over from one that is up.
 */
void redirect_again(struct conn_run *r, const struct ike_sa *sa);
void redirect_over(struct conn_run *r); /* the configured gateway's turn */

/* unique.c */
bool unique_has_other(const struct engine *e, const struct ike_sa *sa);
bool unique_keeps_other(struct ike_env *env, const struct ike_sa *sa);
/* Is there an SA whose IKE_AUTH says INITIAL_CONTACT, perhaps to the same peer, and has no answer yet? */
bool unique_awaits_contact(const struct engine *e, const struct ike_sa *sa);
/* sa has its answer, or ends: those that waited for it go on. */
void unique_contact_over(struct engine *e, struct ike_sa *sa);
void unique_check(struct ike_env *env, struct ike_sa *sa);
