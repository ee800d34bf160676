/* SPDX-License-Identifier: Apache-2.0 */
/* What the data plane's files share: its state, its buffers, and who runs where. */
#pragma once

#include "sys/dataplane.h"
#include "sys/ring.h"
#include <pthread.h>

/* Room for the largest IP packet; the odd size keeps equal offsets of neighbours out of one cache set. */
#define BUFFER_BYTES  (ESP_HEADROOM + 65536 + ESP_TAILROOM + 64)
#define BUFFER_STRIDE ((BUFFER_BYTES + 63) / 64 * 64 + 192)

struct batch {
    uint8_t *memory; /* ESP_BATCH buffers */
    struct esp_packet p[ESP_BATCH];
    size_t n;
    struct mmsghdr msgs[ESP_BATCH];
    struct iovec iov[ESP_BATCH];
    struct sockaddr_storage names[ESP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[ESP_BATCH][SOCK_CONTROL];
};

struct known_sa { /* whose counters are reported */
    uint32_t spi;
    enum sa_direction direction;
    uint64_t packets; /* when last reported */
};

#define COUNTER_WORDS (sizeof(struct esp_counters) / sizeof(uint64_t))

struct dataplane {
    struct dataplane_options o;
    struct sock esp4_df, esp6_df; /* send only, with DF */
    struct esp *esp;
    pthread_t thread;
    int epoll, event; /* the eventfd wakes the thread */
    _Atomic bool is_ending;
    struct ring records;  /* to the thread: struct dataplane_record */
    struct ring messages; /* from it: struct dataplane_message */
    _Atomic uint64_t counters[COUNTER_WORDS];
    /* the thread's own */
    struct batch out, in;
    struct known_sa *known;
    size_t n_known, cap_known;
    struct dataplane_event held[ESP_BATCH]; /* events for which the ring had no room */
    size_t n_held;
    int64_t report_at;
    bool has_new_messages;
    bool has_traffic; /* since the last report */
};

/* dataplane_io.c: one batch from each source; false when there was nothing to read. */
bool dataplane_from_tun(struct dataplane *dp, int64_t now);
bool dataplane_from_natt(struct dataplane *dp, const struct sock *s, int64_t now);
bool dataplane_from_raw(struct dataplane *dp, const struct sock *s, int64_t now);
void dataplane_read_errors(struct dataplane *dp, const struct sock *s, int64_t now);
/* dataplane.c */
void dataplane_take_records(struct dataplane *dp, int64_t now);
bool dataplane_tell(struct dataplane *dp, struct dataplane_message *m); /* false: no room, freed */
void dataplane_batch_init(struct batch *b);
