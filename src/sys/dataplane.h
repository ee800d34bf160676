/* SPDX-License-Identifier: Apache-2.0 */
/* The userspace data plane: worker threads that own the TUN's queues, the raw ESP sockets and the NAT
 * traversal port's sockets for ESP, and run struct esp on batches. All SAs of a child belong to one worker
 * (steer.h); what arrives elsewhere for it is handed over (handover.h). The control thread speaks to workers
 * by records and hears from them by messages, each through rings; counters are read without locks. All
 * functions are the control thread's. */
#pragma once

#include "esp/esp.h"
#include "esp/tables.h"
#include "sys/dataplane_record.h"
#include "sys/sock.h"
#include "sys/tun.h"

#define DATAPLANE_WORKERS_MAX TUN_QUEUES_MAX

struct dataplane;

struct dataplane_options {
    unsigned n_workers;
    struct tun tun; /* given; as many queues as workers */
    /* given: one for each worker; fd -1 where the machine lacks the family */
    struct sock natt4[DATAPLANE_WORKERS_MAX], natt6[DATAPLANE_WORKERS_MAX];
    struct sock esp4, esp6; /* given; they receive, for all workers */
    enum esp_path esp_path;
    struct esp_config esp;
    void (*wake)(void *ctx);                         /* called from a worker when a message waits */
    void (*opened)(void *ctx, const struct sock *s); /* may be NULL: a socket more, at the start */
    void *ctx;
};

struct dataplane *dataplane_start(const struct dataplane_options *o, struct diag *d);
/* Ends the threads and closes what was given. */
void dataplane_stop(struct dataplane *dp);

/* SA and policy records, copied; in force before any packet that is received after this call. */
void dataplane_apply(struct dataplane *dp, const struct action *a);
/* Whenever messages were taken: looks whether protocol 50 may still go the way that it goes (linkpath.h). */
void dataplane_review(struct dataplane *dp);
/* "Too big" from the path to a peer. */
void dataplane_path_mtu(struct dataplane *dp, struct ip peer, uint32_t mtu);
/* ESP in UDP that came to the control thread's socket. */
void dataplane_stray(struct dataplane *dp, const struct endpoint *local, const struct endpoint *remote,
                     uint8_t tos, struct span bytes);

/* ---- TCP connections (worker_tcp.h). The socket is given. */
void dataplane_stream_add(struct dataplane *dp, const struct dataplane_stream *s);
/* The peer has proved who it is. */
void dataplane_stream_trust(struct dataplane *dp, uint32_t handle);
void dataplane_stream_send(struct dataplane *dp, uint32_t handle, struct span ike);
/* Nothing more is heard of it. is_graceful: what waits is sent first. */
void dataplane_stream_close(struct dataplane *dp, uint32_t handle, bool is_graceful);

enum dataplane_message_kind {
    DATAPLANE_IKE,         /* a datagram, or a message of a stream, without its marker */
    DATAPLANE_EVENT,       /* for the engine */
    DATAPLANE_FAIL,        /* a record could not be applied: why */
    DATAPLANE_NOTE,        /* a line for the log, in bytes */
    DATAPLANE_STREAM_DOWN, /* has ended by itself; why, in bytes */
    DATAPLANE_STREAM_BAD,  /* brings nothing that an SA takes */
    DATAPLANE_TOO_BIG,     /* for dataplane_path_mtu(): the other workers must hear of it */
};

struct dataplane_message {
    enum dataplane_message_kind kind;
    union {
        struct {
            struct endpoint local, remote;
            size_t len;
        } ike;
        struct dataplane_event event;
        struct diag diag;
        uint32_t stream; /* handle */
        struct {
            struct ip peer;
            uint32_t mtu;
        } too_big;
    };
    uint8_t bytes[]; /* DATAPLANE_IKE, DATAPLANE_NOTE, DATAPLANE_STREAM_DOWN */
};

/* NULL when there is none; free() it. */
struct dataplane_message *dataplane_next(struct dataplane *dp);
/* A recent snapshot, of all workers. NULL has none. */
void dataplane_counters(const struct dataplane *dp, struct esp_counters *out);
/* What every worker has, as it is now: waits until each has come by between two batches. All have the
 * policies, an SA has one. Returns how many; esp_tables_deinit() each. */
unsigned dataplane_tables(struct dataplane *dp, struct esp_tables out[DATAPLANE_WORKERS_MAX]);
