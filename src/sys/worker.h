/* SPDX-License-Identifier: Apache-2.0 */
/* One thread of the data plane from the inside: its state and its buffers. Private to dataplane.c and
 * worker*.c. */
#pragma once

#include "esp/coalesce.h"
#include "esp/whole.h"
#include "sys/ahpath.h"
#include "sys/assist.h"
#include "sys/dataplane.h"
#include "sys/dataplane_record.h"
#include "sys/early.h"
#include "sys/handover.h"
#include "sys/linkpath.h"
#include "sys/worker_tcp.h"
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
    size_t used;     /* of room */
    uint32_t pad_to; /* see esp_pad_to() */
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
    bool has_streams; /* some of the batch came in a TCP connection */
    struct mmsghdr msgs[IN_MESSAGES];
    struct iovec iov[IN_MESSAGES];
    struct sockaddr_storage names[IN_MESSAGES];
    _Alignas(struct cmsghdr) uint8_t control[IN_MESSAGES][SOCK_CONTROL];
    struct coalescer coalescer;
};

/* A socket that a worker reads, and what it has lost so far. */
struct source {
    struct sock sock;
    uint32_t lost;
    bool is_ah;
};

struct known_sa { /* whose counters are reported */
    uint32_t spi;
    enum sa_direction direction;
    uint64_t packets; /* when last reported */
};

#define COUNTER_WORDS (sizeof(struct esp_counters) / sizeof(uint64_t))

struct worker {
    struct dataplane *dp;
    unsigned index;
    int tun;                        /* its queue */
    struct source natt4, natt6;     /* its own */
    struct source esp4, esp6;       /* worker 0's, which receives for all; else fd -1 */
    struct linkring *ring4, *ring6; /* its own; NULL: protocol 50 comes from esp4 and esp6 only */
    struct linksend *link;          /* NULL: it leaves through raw sockets only */
    struct esp *esp;
    pthread_t thread;
    bool has_thread;
    int epoll, event;         /* the eventfd wakes the thread */
    atomic_bool is_idle;      /* about to sleep, or asleep: whoever pushes must wake it */
    struct ring records;      /* to the thread: struct dataplane_record */
    struct ring messages;     /* from it: struct dataplane_message */
    struct handover handover; /* to the others; nothing when alone */
    struct assist assist;     /* where others may help */
    _Atomic uint64_t counters[COUNTER_WORDS];
    /* the thread's own */
    struct outgoing out;
    struct incoming in;
    struct wholes wholes;
    struct early early;
    struct worker_tcp tcp;
    struct known_sa *known;
    size_t n_known, cap_known;
    struct dataplane_event held[ESP_BATCH]; /* events for which the ring had no room */
    size_t n_held;
    int64_t report_at;
    int64_t judged_at, judged_cpu; /* wall and processor time when the load was last looked at */
    bool has_new_messages;
    bool has_traffic; /* since the last report */
};

struct dataplane {
    struct dataplane_options o;
    unsigned n;
    struct worker *workers[DATAPLANE_WORKERS_MAX];
    struct source esp4_df, esp6_df;         /* send only, with DF; all workers use them and o.esp4, o.esp6 */
    struct source ah4, ah6, ah4_df, ah6_df; /* the same for AH; the first two receive */
    struct linkpath *linkpath;
    struct handover strays; /* from the control thread */
    unsigned next;          /* whose messages come first */
    atomic_bool is_ending;
    _Atomic uint64_t saturated; /* a bit for each worker that has no time left */
};

/* worker.c */
struct worker *worker_new(struct dataplane *dp, unsigned index);
bool worker_start(struct worker *w, struct diag *d);
void worker_free(struct worker *w); /* its thread has ended */
void worker_wake(struct worker *w); /* after a push; any thread */
/* The thread's own: */
void worker_take_records(struct worker *w, int64_t now);
bool worker_tell(struct worker *w, struct dataplane_message *m); /* false: no room, freed */
void worker_note(struct worker *w, const char *text);            /* one line for the log */
/* worker_share.c. Room for a packet in a parcel to another worker; NULL: there is none. */
struct parcel_packet *worker_hand_over(struct worker *w, unsigned to, enum parcel_kind kind, uint32_t len,
                                       uint8_t **bytes);
/* What waits goes when its receiver has nothing else; all: whatever it has, because we are about to sleep. */
void worker_send_parcels(struct worker *w, bool all);
bool worker_has_open_parcels(const struct worker *w);
bool worker_take_parcels(struct worker *w, int64_t now); /* true: there may be more */
bool worker_has_parcels(const struct worker *w);
/* Is this worker out of time, so that others should help? From time to time. */
void worker_judge_load(struct worker *w, int64_t now);
void worker_help_others(struct worker *w);
/* esp_config.crypto; ctx: the worker. */
void worker_run_crypto(void *ctx, struct bulk_op *ops, size_t n, bool is_seal);

/* worker_out.c, worker_in.c: some packets from each source; false when it has no more. */
bool worker_from_tun(struct worker *w, int64_t now);
bool worker_from_natt(struct worker *w, struct source *s, int64_t now);
bool worker_from_raw(struct worker *w, struct source *s, int64_t now);
bool worker_from_ah(struct worker *w, struct source *s, int64_t now);
bool worker_from_ring(struct worker *w, struct linkring *r, int64_t now);
void worker_send_held(struct worker *w, int64_t now);
/* An ESP packet, to be opened where it lies: here, or by the worker that owns its SA. Packets lie until
 * worker_open_batch(). */
void worker_take_esp(struct worker *w, const struct esp_packet *p, int64_t now);
void worker_open_batch(struct worker *w, int64_t now);
void worker_open_early(struct worker *w, int64_t now); /* what came before its SA, see early.h */
/* What another thread handed over. */
void worker_send_parcel(struct worker *w, const struct parcel *p, int64_t now);
void worker_open_parcel(struct worker *w, struct parcel *p, int64_t now);
void worker_read_errors(struct worker *w, const struct sock *s, int64_t now);
void outgoing_init(struct outgoing *o);
void outgoing_deinit(struct outgoing *o);
void incoming_init(struct incoming *in, const struct tun *tun);
void incoming_deinit(struct incoming *in);
