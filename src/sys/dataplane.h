/* SPDX-License-Identifier: Apache-2.0 */
/* The userspace data plane's thread: it owns the TUN, the raw ESP sockets and the NAT traversal sockets
 * (where ESP and IKE arrive together), and runs struct esp on batches. The control thread speaks to it by
 * records and hears from it by messages, each through a ring; counters are read without locks. */
#pragma once

#include "esp/esp.h"
#include "sys/sock.h"
#include "sys/tun.h"

struct dataplane;

struct dataplane_options {
    struct tun tun;           /* given */
    struct sock natt4, natt6; /* given; fd -1 where the machine lacks the family */
    struct sock esp4, esp6;   /* given; they receive */
    struct esp_config esp;
    void (*wake)(void *ctx); /* called from the thread when a message waits */
    void *ctx;
};

struct dataplane *dataplane_start(const struct dataplane_options *o, struct diag *d);
/* Ends the thread and closes what was given. */
void dataplane_stop(struct dataplane *dp);

/* SA and policy records, copied; in force before any packet that is received after this call. */
void dataplane_apply(struct dataplane *dp, const struct action *a);

enum dataplane_message_kind {
    DATAPLANE_IKE,   /* a datagram without its marker */
    DATAPLANE_EVENT, /* for the engine */
    DATAPLANE_FAIL,  /* a record could not be applied: why */
    DATAPLANE_NOTE,  /* a line for the log, in bytes */
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
    };
    uint8_t bytes[]; /* DATAPLANE_IKE, DATAPLANE_NOTE */
};

/* NULL when there is none; free() it. */
struct dataplane_message *dataplane_next(struct dataplane *dp);
/* Sends one IKE datagram, or with empty bytes and marker a keepalive, from the NAT traversal port. Any
 * thread.
 */
bool dataplane_send_natt(struct dataplane *dp, struct ip local, const struct endpoint *remote, uint8_t tos,
                         struct span prefix, struct span bytes);
/* A recent snapshot. */
void dataplane_counters(const struct dataplane *dp, struct esp_counters *out);
