/* SPDX-License-Identifier: Apache-2.0 */
/* The vici service without its sockets: several clients, one table of commands, events by registration.
 * Bytes of a client come in by ctl_input(); answers leave through the host's write(). What a command asks of
 * the engine goes out through the host too and comes back as events, so that nothing here waits. */
#pragma once

#include "conf/choice.h"
#include "conf/overlay.h"
#include "engine/engine.h"
#include "esp/tables.h"
#include "model/changes.h"

struct ctl;
struct ctl_conn;

#define CTL_MOVED_MAX 64

struct ctl_numbers {           /* what the host knows and the engine does not */
    struct time started;       /* when the daemon started */
    unsigned workers, working; /* threads for jobs; those that are busy */
    const char *dataplane;     /* "user" */
    const char *device;        /* "kw0" */
    uint64_t packets_in, bytes_in, packets_out, bytes_out;
    struct {
        size_t sbrk, mmap, used, free;
    } memory;                      /* of the allocator, in bytes */
    const char *const *drop_names; /* n_drops names and counts */
    const uint64_t *drops;
    size_t n_drops;
    struct ctl_count { /* of the kernel's IPsec since the start; those that moved */
        const char *name;
        uint64_t value;
    } moved[CTL_MOVED_MAX];
    size_t n_moved;
};

#define CTL_TABLES_MAX 64

/* The world around: each call gets ctx first. */
struct ctl_host {
    void *ctx;
    struct time (*now)(void *ctx);
    const struct engine *(*engine)(void *ctx);
    /* To the engine, later than this call returns; answered by EVENT_COMMAND_DONE with its id. */
    void (*command)(void *ctx, const struct command *c);
    /* Reads the configuration files anew; answered by ctl_reload_done() with the token. */
    void (*reload)(void *ctx, uint64_t token);
    /* The same of settings alone. */
    void (*reload_settings)(void *ctx, uint64_t token);
    /* Builds the item, which is taken, on another thread; answered by ctl_built() with the token. */
    void (*build)(void *ctx, uint64_t token, struct conf_item *item);
    /* What clients loaded over the files; each change takes effect before the next engine() and command().
     * put and remove are overlay_put() and overlay_remove(). */
    const struct overlay *(*overlay)(void *ctx);
    bool (*put)(void *ctx, enum conf_item_kind kind, const char *name, struct config *part);
    bool (*remove)(void *ctx, enum conf_item_kind kind, const char *name);
    void (*clear_credentials)(void *ctx);
    /* What the next reload does about this connection of ipsec.conf. Returns what it was. */
    enum choice (*choose)(void *ctx, const char *connection, enum choice what);
    /* Queues bytes for a client. A client that lets too much of its answers wait is the host's to close. */
    void (*write)(void *ctx, void *handle, struct span bytes);
    /* How many bytes wait for it to read. */
    size_t (*queued)(void *ctx, void *handle);
    /* Closes a client that broke the protocol; ctl_closed() follows, later. */
    void (*close)(void *ctx, void *handle);
    void (*numbers)(void *ctx, struct ctl_numbers *out);
    /* What the userspace data plane has: so many tables as it has threads, the policies in each; to be given
     * to esp_tables_deinit(). */
    unsigned (*tables)(void *ctx, struct esp_tables out[CTL_TABLES_MAX]);
    /* Forgets CRLs, OCSP responses that were fetched; returns how many. */
    unsigned (*flush)(void *ctx, bool crls, bool ocsps);
    /* What the log shows: the level of a group (LOG_GROUPS: of all), only_up: if that is more; as the
     * configuration has it; the most that any place shows. */
    void (*set_log_level)(void *ctx, enum log_group group, int level, bool only_up);
    void (*restore_log_levels)(void *ctx);
    void (*log_levels)(void *ctx, struct log_levels *out);
    /* The first client that listens to the log or to its command's lines has come, the last one has gone. */
    void (*log_listeners)(void *ctx, bool are_there);
};

/* Each may have half a request here, of at most two segments: 1 MiB. */
#define CTL_CLIENTS_MAX 64
/* Events that are told to all wait for who is slow up to so many bytes; what comes then is lost for it. */
#define CTL_EVENTS_MAX (1u << 20)

struct ctl *ctl_new(const struct ctl_host *host);
void ctl_free(struct ctl *c);

/* A client came; handle is what write() and close() get. NULL when there are too many. */
struct ctl_conn *ctl_open(struct ctl *c, void *handle);
void ctl_input(struct ctl_conn *conn, struct span bytes);
/* It went: its pending command, if any, is forgotten (the engine goes on with it). */
void ctl_closed(struct ctl_conn *conn);

/* Every line of the log that is said in this thread, the engine's too. */
void ctl_log(struct ctl *c, const struct log_entry *e);
/* Everything that the engine says, in its order. */
void ctl_event(struct ctl *c, const struct event *e);
/* n 0: the new configuration is in force, with so many connections. */
/* changes: what came of it, or NULL. */
void ctl_reload_done(struct ctl *c, uint64_t token, const struct diag *errors, size_t n, size_t connections,
                     const struct config_changes *changes);

/* part is taken; NULL: the errors say why. */
void ctl_built(struct ctl *c, uint64_t token, struct config *part, const struct diag *errors, size_t n);

/* When a waiting command runs out of time (mono microseconds, TIME_NEVER for none); ctl_tick() answers it. */
int64_t ctl_deadline(const struct ctl *c);
void ctl_tick(struct ctl *c);
