/* SPDX-License-Identifier: Apache-2.0 */
/* A TCP connection of a worker, for worker_tcp.c and worker_tcp_in.c alone. */
#pragma once

#include "sys/worker_tcp.h"

#define READ_MAX 65536 /* bytes of one read */

struct stream {
    struct map_node node;
    struct list link, dirty; /* dirty: has been given something since the last flush */
    uint32_t handle;
    int fd;
    struct endpoint local, remote;
    struct tcpencap_reader reader;
    bool is_trusted, wants_room, is_closing, is_stalled;
    bool is_told; /* nobody waits to hear of its end */
    unsigned n_short;
    uint8_t *kept; /* the beginning of a message; more while it is stalled */
    size_t n_kept, cap_kept;
    uint8_t *out; /* QUEUE_ROOM, of which [at, at + n_out) waits */
    size_t at, n_out;
    char why[80];
};

/* What the kernel is to watch. how: EPOLL_CTL_ADD, EPOLL_CTL_MOD. */
void tcp_stream_watch(const struct worker *w, struct stream *s, int how);
/* Closed; told and freed in worker_tcp_settle(). */
void tcp_stream_end(struct worker *w, struct stream *s, const char *why);
/* What is queued, as much as goes without waiting. */
void tcp_stream_flush(struct worker *w, struct stream *s);
/* Whether it is left unread because the control thread is behind. */
void tcp_stream_stall(struct worker *w, struct stream *s, bool on);
/* What was kept and n bytes behind it, in the worker's buffer. */
void tcp_stream_take_bytes(struct worker *w, struct stream *s, size_t n, int64_t now);
