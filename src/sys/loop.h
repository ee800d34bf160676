/* SPDX-License-Identifier: Apache-2.0 */
/* The control loop: one thread that feeds the engine with datagrams, deadlines, finished jobs, commands and
 * data plane messages, and does what it says. Everything here belongs to the thread that calls loop_run(). */
#pragma once

#include "conf/choice.h"
#include "conf/overlay.h"
#include "engine/engine.h"
#include "esp/tables.h"
#include "model/changes.h"
#include "sys/paths.h"
#include "sys/tun.h"
#include "sys/xfrm_moved.h"
#include <uv.h>

struct loop;

/* Files in RUN that say what a crash has left in the kernel. */
#define LOOP_JOURNAL   "keywayd.xfrm"
#define LOOP_ADDRESSES "keywayd.addresses"

struct loop_options {
    struct paths paths;   /* completed */
    const char *load;     /* see struct conf_request */
    const char *settings; /* likewise */
};

struct loop_hooks { /* who listens: the vici service */
    void *ctx;
    void (*event)(void *ctx, const struct event *e);
    void (*reloaded)(void *ctx, uint64_t token, const struct diag *errors, size_t n, size_t connections,
                     const struct config_changes *changes); /* NULL: nothing came into force */
    /* part is the listener's; NULL: the errors say why. */
    void (*built)(void *ctx, uint64_t token, struct config *part, const struct diag *errors, size_t n);
    int64_t (*deadline)(void *ctx); /* mono; TIME_NEVER */
    void (*tick)(void *ctx);
};

struct loop_numbers {
    struct time started;
    unsigned workers, working;
    const char *device; /* empty: there is none */
    struct planes planes;
    struct xfrm_count moved[XFRM_COUNTS_MAX]; /* of the kernel's counters, since the start */
    size_t n_moved;
    struct esp_counters esp; /* of packets in userspace */
};

/* Loads the configuration (all its errors go to the log), opens sockets, TUN, routes, and starts the data
 * plane. NULL with the reason; FAIL_CONFIG for a bad configuration. */
struct loop *loop_new(const struct loop_options *o, struct diag *d);
/* The routing table and priority that the files name, or the defaults when they cannot be read: for a
 * clean-up without a daemon. */
void loop_read_routing(const struct loop_options *o, int *table, int *priority);
/* Call before loop_run(). */
void loop_set_hooks(struct loop *l, const struct loop_hooks *h);
uv_loop_t *loop_uv(struct loop *l);
/* Until SIGTERM or SIGINT: then SAs are deleted politely, at most for 2 seconds. */
void loop_run(struct loop *l);
/* Removes routes and closes everything. Handles of others on the same uv loop must be closing by now. */
void loop_free(struct loop *l);

/* Queued: runs from the loop, after the caller has returned. */
void loop_command(struct loop *l, const struct command *c);
/* Reads the files on a worker; then hooks.reloaded with the token. */
void loop_reload(struct loop *l, uint64_t token);
/* The same for the settings alone: connections and credentials stay as they are. */
void loop_reload_settings(struct loop *l, uint64_t token);
/* Builds an item, which is taken, on a worker; then hooks.built with the token. */
void loop_build(struct loop *l, uint64_t token, struct conf_item *item);
/* What clients loaded over the configuration of files, and changes of it: see conf/overlay.h. They are in
 * force a moment later, or when loop_apply_overlay() says so, and always before the next command and before a
 * peer begins an IKE SA. */
const struct overlay *loop_overlay(const struct loop *l);
bool loop_put(struct loop *l, enum conf_item_kind kind, const char *name, struct config *part);
bool loop_remove(struct loop *l, enum conf_item_kind kind, const char *name);
void loop_clear_credentials(struct loop *l);
void loop_apply_overlay(struct loop *l);
/* For all loads from now on. Returns what it was. */
enum choice loop_choose(struct loop *l, const char *connection, enum choice what);
/* After something that may have changed hooks.deadline(). */
void loop_rearm(struct loop *l);
const struct engine *loop_engine(const struct loop *l);
void loop_numbers(const struct loop *l, struct loop_numbers *out);
/* dataplane_tables() */
#define LOOP_TABLES_MAX TUN_QUEUES_MAX
unsigned loop_tables(const struct loop *l, struct esp_tables out[LOOP_TABLES_MAX]);
/* Forgets CRLs, OCSP responses that were fetched, on disk too; returns how many. */
unsigned loop_flush(struct loop *l, bool crls, bool ocsps);
