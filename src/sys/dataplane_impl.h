/* SPDX-License-Identifier: Apache-2.0 */
/* What the data plane's files share: its state, its buffers, and who runs where. */
#pragma once

#include "esp/coalesce.h"
#include "sys/dataplane.h"
#include "sys/ring.h"
#include <pthread.h>

/* The odd size keeps equal offsets of neighbours out of one cache set. */
#define BUFFER_STRIDE (65536 + 192)

/* What leaves. One read gives a packet or a super-packet into `source`; what is cut from it is laid into
 * `room` one behind the other, each with headroom and tailroom, sealed there, and gathered into messages. */
#define OUT_ROOM (ESP_BATCH * 2048 + 65536)

struct out_message {
    struct esp_packet *first; /* of n that differ in nothing but bytes; their iovecs stand in a row */
    size_t n;
};

struct outgoing {
    uint8_t *source, *room;
    size_t used; /* of room */
    struct esp_packet p[ESP_BATCH];
    size_t n;
    struct out_message out[ESP_BATCH];
    struct mmsghdr msgs[ESP_BATCH];
    struct iovec iov[ESP_BATCH];
    struct sockaddr_storage names[ESP_BATCH];
    _Alignas(struct cmsghdr) uint8_t control[ESP_BATCH][SOCK_CONTROL];
    struct endpoint refuser; /* whose path refused UDP_SEGMENT: datagrams leave one by one until then */
    int64_t whole_until;
    bool has_said_so;
};

#define IN_MESSAGES 64 /* in one receive, at most */

/* What arrives: messages of one or more datagrams, opened where they lie. */
struct incoming {
    uint8_t *memory; /* IN_MESSAGES buffers */
    size_t wanted;   /* messages in one receive: few when they are large, which the cache likes better */
    struct esp_packet p[ESP_BATCH];
    size_t n;
    struct mmsghdr msgs[IN_MESSAGES];
    struct iovec iov[IN_MESSAGES];
    struct sockaddr_storage names[IN_MESSAGES];
    _Alignas(struct cmsghdr) uint8_t control[IN_MESSAGES][SOCK_CONTROL];
    struct coalescer coalescer;
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
    struct outgoing out;
    struct incoming in;
    struct known_sa *known;
    size_t n_known, cap_known;
    struct dataplane_event held[ESP_BATCH]; /* events for which the ring had no room */
    size_t n_held;
    int64_t report_at;
    bool has_new_messages;
    bool has_traffic; /* since the last report */
};

/* dataplane_out.c, dataplane_in.c: some packets from each source; false when it has no more. */
bool dataplane_from_tun(struct dataplane *dp, int64_t now);
bool dataplane_from_natt(struct dataplane *dp, const struct sock *s, int64_t now);
bool dataplane_from_raw(struct dataplane *dp, const struct sock *s, int64_t now);
void dataplane_read_errors(struct dataplane *dp, const struct sock *s, int64_t now);
void dataplane_out_init(struct outgoing *o);
void dataplane_out_deinit(struct outgoing *o);
void dataplane_in_init(struct incoming *in, const struct tun *tun);
void dataplane_in_deinit(struct incoming *in);
/* dataplane.c */
void dataplane_take_records(struct dataplane *dp, int64_t now);
bool dataplane_tell(struct dataplane *dp, struct dataplane_message *m); /* false: no room, freed */
void dataplane_note(struct dataplane *dp, const char *text);            /* one line for the log */
