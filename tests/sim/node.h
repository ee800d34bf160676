/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of the simulator: a real engine and a real data plane, with arrays in place of the machine.
 * Watches the records that the engine gives out and complains about what must never happen. */
#pragma once

#include "cluster.h"
#include "engine/engine.h"
#include "esp/esp.h"
#include "net.h"
#include "pad.h"

#define NODE_SAS       64
#define NODE_ROUTES    64
#define NODE_JOBS      64
#define NODE_ADDRESSES 3
#define NODE_QUERIES   16
#define NODE_TOKENS    64

struct sim;

struct node {
    struct sim *sim;
    const char *name;
    struct ip address;              /* its own, as it sees it; family 0: none */
    struct ip more[NODE_ADDRESSES]; /* further ones */
    size_t n_more;
    int64_t changed_at, tell_at; /* its addresses; when the engine hears of it */
    struct ip inside;            /* a host in the network behind it */
    struct ip peer; /* as what it knows the host behind the other; family 0: as that knows itself */
    struct engine *engine;
    struct esp *esp;
    struct outbox out;
    bool is_dead; /* killed: hears and does nothing */
    struct {
        enum sa_direction direction;
        uint32_t spi;
        uint64_t child_id;
        uint32_t reqid;
        struct endpoint local, remote;
    } sas[NODE_SAS];
    size_t n_sas;
    struct {
        uint64_t id;
        uint32_t reqid;
        bool is_trap, asks_per_cpu;
        enum plane plane;
        struct ip local, remote; /* PLANE_KERNEL */
    } policies[NODE_SAS];
    size_t n_policies;
    struct {
        uint64_t id;
        bool is_unreachable, is_exception;
    } routes[NODE_ROUTES];
    size_t n_routes;
    struct ip addresses[16]; /* virtual ones */
    size_t n_addresses;
    int name_servers;
    struct {
        struct job *job;
        int64_t at;
    } jobs[NODE_JOBS];
    size_t n_jobs;
    struct path_query queries[NODE_QUERIES];
    size_t n_queries;
    struct {
        uint64_t spi_i, spi_r;
    } shown[NODE_TOKENS]; /* IKE SAs whose crash detection token has left in the clear, the last ones */
    size_t n_shown;
    uint64_t resolves; /* the IKE SA that waits for the address of a gateway; 0: none */
    struct ip resolved;
    uint64_t commands;  /* last id given */
    uint64_t done_id;   /* last COMMAND_DONE seen, with its diag */
    struct sim_pad pad; /* on the disk */
    struct diag done;
    uint64_t ikes_made; /* IKE SAs that came up, rekeyed ones too */
    uint64_t traffic_sent, traffic_received;
    const uint8_t *dscps; /* of its packets, in turn; none: 0 */
    size_t n_dscps;
    uint32_t last_spi;                /* that a packet left by */
    uint64_t traffic_held, held_sent; /* by traps, and what of it left later */
    int updown_balance;               /* updown commands: ups less downs */
    struct cluster cluster;           /* see cluster.h: it is one, or its peer is */
    unsigned ticks_without_progress;
    int64_t last_tick;
};

void node_init(struct node *n, struct sim *s, const char *name, struct ip address, struct ip inside);
void node_deinit(struct node *n);
/* Loads keyway.conf text (with the node's certificates where it names them). */
void node_load(struct node *n, const char *keyway_conf);
/* Policies that wait for a packet. */
size_t node_count_traps(const struct node *n);
/* Returns the command's id. */
uint64_t node_command(struct node *n, enum command_kind kind, const char *connection, const char *child);
uint64_t node_redirect(struct node *n, const char *connection, struct ip gateway);
void node_shutdown(struct node *n);
/* The process is gone without a word: SAs, jobs and engine. node_restart() begins anew with the same
 * configuration. */
void node_kill(struct node *n);
void node_restart(struct node *n);
void node_receive(struct node *n, const struct wire *w);
/* Its kernel carries packets from now on, and binds SAs to so many processors. */
void node_give_cpus(struct node *n, uint32_t cpus);
/* One of them sends, and has no SA of its own; where that is not to be told nothing happens. */
void node_send_on(struct node *n, uint32_t cpu);
/* Other addresses from now on; the engine hears of it a moment later. more: NULL or a second one. */
void node_readdress(struct node *n, struct ip address, const struct ip *more);
bool node_has_address(const struct node *n, struct ip ip);
/* A message of a TCP connection, and what becomes of one. */
void node_receive_stream(struct node *n, const struct endpoint *local, const struct endpoint *remote,
                         bool is_ike, struct span message);
void node_hear_stream(struct node *n, const struct stream_news *news);
/* Jobs due and the engine's deadline. */
void node_run_due(struct node *n);
int64_t node_deadline(const struct node *n);
/* One packet from the network behind this gateway to the one behind the other. True if it went out protected.
 */
bool node_send_traffic(struct node *n, const struct node *to);
/* The last sequence number that an outbound SA used or left out; 0: none. */
uint64_t node_last_number(const struct node *n, uint32_t spi_out);
/* Tells the engine what the data plane has counted, as the daemon does now and again. */
void node_report_use(struct node *n);
size_t node_count_ike(const struct node *n, enum ike_state state);
size_t node_count_children(const struct node *n);
/* What must hold when the dust has settled: SAs, policies and routes are those that the engine knows. NULL
 * when it does, else what does not; valid until the next call. */
const char *node_unsettled(const struct node *n);
/* What the node holds, to stdout: for a failed run. */
void node_dump(const struct node *n);
