/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines in one process, wired back to back on a virtual clock: what one sends the other gets, jobs run
 * at once, and the data plane's records end in arrays. For tests of exchanges; loss and reordering at scale
 * are tests/sim's. */
#pragma once

#include "engine/engine.h"
#include "support/testca.h"

#define PAIR_WIRE 256
#define PAIR_SAS  160

struct pair_packet {
    int from;
    struct endpoint src, dst;
    bool is_natt;
    uint8_t bytes[4096];
    size_t len;
    bool is_news; /* none of the network: what side `from` hears of its connection dst.stream */
    bool is_up;
};

/* A TCP connection: whole messages, and nothing is lost but what was under way when it broke. */
struct pair_link {
    uint32_t handle[2];
    struct endpoint end[2]; /* of side 0, of side 1 */
    bool is_up;
};

struct pair_route {
    struct route route;
    bool is_live;
};

struct pair_side {
    struct engine *e;
    struct outbox out;
    struct ip ip;
    struct esp_sa sas[PAIR_SAS]; /* live ones */
    size_t n_sas;
    struct pair_route routes[128];
    size_t n_routes;
    size_t policies, live_routes;
    uint64_t policy_ids[PAIR_SAS];            /* of those that are there */
    unsigned policy_changes;                  /* one with the id of another */
    struct esp_policy last_trap, last_policy; /* the latter: any */
    unsigned traps, traps_failed, shunts, shunts_gone;
    struct shunt last_shunt;
    struct ip vips[8]; /* virtual ones on the device */
    size_t n_vips;
    int name_servers;
    unsigned ups, downs, ike_ups, ike_downs, child_rekeys, ike_rekeys, keepalives, updates;
    unsigned moves, alerts[ALERTS];
    bool is_done;
    uint64_t done_id;
    struct diag done;
    char log[1 << 17]; /* all lines */
    size_t log_len;
    char updown[4096]; /* what updown commands were told: "up COMMAND CHILD LOCAL_ID REMOTE_ID REMOTE_TS;" */
    size_t updown_len;
    struct updown last_updown; /* numbers only */
    struct job *held[16];      /* when holds_jobs */
    size_t n_held;
    bool holds_jobs;
    struct ip addresses[8]; /* what pair_addresses() said */
    size_t n_addresses;
    struct path_query query;
    bool has_query;
    bool has_secret;
    struct planes planes; /* neither: the engine was not told */
    struct own_address last_address;
    struct route last_route; /* into a tunnel */
    struct ip named;         /* what every name is; family 0: there are none */
    uint64_t resolves;       /* the IKE SA that waits for an answer; 0: none */
    struct ip resolved;
    bool holds_answers; /* until pair_answer_resolve() */
};

struct pair {
    struct pair_side side[2];
    struct time now;
    struct pair_packet wire[PAIR_WIRE];
    size_t n_wire;
    unsigned sent;
    bool is_cut; /* everything is lost */
    struct pair_link links[16];
    size_t n_links;
    bool is_tcp_shut;        /* connections are refused */
    bool is_udp_shut;        /* datagrams are lost */
    unsigned kept, released; /* connections, as the engines say */
    /* May drop (false) or change a packet. */
    bool (*filter)(void *ctx, struct pair_packet *p);
    void *ctx;
    /* Does a JOB_PAD of a side; without it none is ever ok. */
    void (*run_pad)(int side, struct job *j);
    struct ocsp *response[2]; /* what each side has at hand about its own certificate */
};

/* How a side's one connection "net" with one child "net" looks; zero fields are defaults. */
struct pair_spec {
    const char *psk; /* "secret" */
    const char *local_id, *remote_id;
    const char *local_ts, *remote_ts; /* 10.1.0.0/16, 10.2.0.0/16 for side 0, mirrored for side 1 */
    const char *ike[4], *esp[4];      /* proposals */
    const char *ah[4];                /* of the child, before those of esp; without esp alone */
    bool starts, retries_forever, accepts_any_peer;
    int64_t dpd_delay, ike_rekey, ike_over, ike_rand, ike_reauth, child_rekey, child_life, inactivity;
    enum encap_mode encap;
    bool does_mobike;
    uint8_t ocsp; /* RFC 4806 */
    enum dpd_action dpd_action;
    const char *second_local_ts, *second_remote_ts; /* a second child "other" */
    unsigned cookie_threshold, block_threshold, init_limit_half_open;
    bool has_cookie_threshold;
    uint16_t fragment_size;
    struct testca_cert *cert, *ca, *intermediate; /* PUBKEY when cert is given */
    enum send_cert send_cert;
    uint64_t hash;
    /* The last word on what the snapshot holds; origins and arrays are the snapshot's. */
    void (*tweak)(struct config *c, struct connection *conn, struct child_config *children);
};

void pair_init(struct pair *p);
void pair_deinit(struct pair *p);
struct config *pair_config(int side, const struct pair_spec *s);
void pair_load(struct pair *p, int side, const struct pair_spec *s);
void pair_input(struct pair *p, int side, const struct input *in);
/* The side's own addresses are these from now on. */
void pair_addresses(struct pair *p, int side, const struct ip *v, size_t n);
void pair_command(struct pair *p, int side, enum command_kind kind, const char *connection,
                  const char *child);
/* Delivers until nothing is on the wire. */
void pair_run(struct pair *p);
/* Delivers one packet; false when there is none. */
bool pair_deliver(struct pair *p);
/* Lets time pass, with every deadline met on time. */
void pair_advance(struct pair *p, int64_t us);
/* The newest connection breaks, and both sides hear of it. */
void pair_break_link(struct pair *p);
const struct pair_link *pair_newest_link(const struct pair *p);
void pair_answer_resolve(struct pair *p, int side);
void pair_release_jobs(struct pair *p, int side);
/* Runs until the side has a JOB_VERIFY to do, which is held; NULL when none comes. */
struct job *pair_until_verify(struct pair *p, int side);
/* Does what was held, and runs on. */
void pair_go_on(struct pair *p, int side);
/* The side's machine has a secret of its own from now on, which a restart leaves. */
void pair_secret(struct pair *p, int side);
/* What the side's machine has to carry packets with; the arrays stand for all of it. */
void pair_planes(struct pair *p, int side, bool has_user, bool has_kernel);
/* Its kernel binds SAs to so many processors from now on. */
void pair_cpus(struct pair *p, int side, uint32_t n);
/* Kills and restarts an engine, forgetting everything; records of the data plane are gone as well. */
void pair_restart(struct pair *p, int side);

size_t pair_ikes(const struct pair *p, int side);     /* ESTABLISHED ones */
size_t pair_children(const struct pair *p, int side); /* INSTALLED ones of all IKE SAs */
const struct esp_sa *pair_newest_out(const struct pair *p, int side);
/* Does the newest outbound SA of each side have its counterpart at the other, with equal keys? */
bool pair_traffic_fits(const struct pair *p);
/* Both ends have one child in that mode, in all records and in what users see, and its SAs fit. */
void pair_mode_is(const struct pair *p, enum child_mode mode);
bool pair_logged(const struct pair *p, int side, const char *part);
