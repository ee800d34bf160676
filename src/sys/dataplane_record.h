/* SPDX-License-Identifier: Apache-2.0 */
/* What the control thread tells a worker: an SA or policy record, as a deep copy whose keys are wiped when it
 * is freed, a path's MTU, or something about a TCP connection. */
#pragma once

#include "esp/tables.h"
#include "model/action.h"
#include <semaphore.h>

/* A connected socket that is given to the data plane. */
struct dataplane_stream {
    uint32_t handle; /* STREAM_OURS in it: we are the originator */
    int fd;
    struct endpoint local, remote;
    uint32_t wary_max; /* bytes of a message while the peer has not proved who it is */
};

enum record_kind {
    RECORD_ACTION,
    RECORD_PATH_MTU,
    RECORD_TABLES,
    RECORD_STREAM_ADD,
    RECORD_STREAM_TRUST,
    RECORD_STREAM_SEND, /* an IKE message, in bytes */
    RECORD_STREAM_CLOSE,
};

struct dataplane_record {
    enum record_kind kind;
    struct action action; /* points into this record */
    union {
        struct esp_sa sa;
        struct esp_policy policy;
        struct {
            struct ip peer;
            uint32_t mtu;
        };
        struct {
            struct esp_tables *tables; /* the asker's: to be filled, */
            sem_t *is_done;            /* and then posted */
        };
        struct {
            struct dataplane_stream stream;
            bool is_graceful; /* CLOSE: what waits is sent first */
            size_t len;
        };
    };
    char connection[64], child[64];
    uint8_t bytes[];
};

/* NULL when the action is none of the data plane's. */
struct dataplane_record *dataplane_record_new(const struct action *a);
struct dataplane_record *dataplane_record_path_mtu(struct ip peer, uint32_t mtu);
struct dataplane_record *dataplane_record_tables(struct esp_tables *tables, sem_t *is_done);
/* bytes: of RECORD_STREAM_SEND. */
struct dataplane_record *dataplane_record_stream(enum record_kind kind, uint32_t handle, struct span bytes);
void dataplane_record_free(struct dataplane_record *r);
