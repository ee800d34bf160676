/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of loop_tcp.h share: the table of connections with their time limits (loop_tcp.c), listening
 * and accepting (loop_tcp_accept.c), connecting (loop_tcp_connect.c). */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "sys/loop_impl.h"
#include "sys/loop_tcp.h"

#define LOOP_TCP_FIRST_MESSAGE (5 * TIME_SECOND) /* for a peer that has connected */

struct attempt; /* loop_tcp_connect.c */

struct peer_stream {
    struct map_node node;
    struct list link; /* limited or kept */
    uint32_t handle;
    struct endpoint remote;
    bool is_kept, has_spoken;
    unsigned n_bad;
    struct attempt *attempt; /* ours, while it is being connected */
    char why[80];            /* ours, when the attempt has failed: to be told */
    int64_t until;           /* mono */
};

struct loop_tcp {
    struct loop *loop;
    struct list listeners;
    struct list limited, kept; /* struct peer_stream: with a deadline, and without */
    struct map by_handle;
    uv_timer_t timer, pause;
    bool has_said_full;
    uint32_t last;
    unsigned n_unproven; /* of peers, and not kept */
    uint32_t max_packet; /* of the newest snapshot */
    int64_t half_open_timeout;
};

static inline bool peer_stream_is_ours(const struct peer_stream *s)
{
    return s->handle & STREAM_OURS;
}

/* ---- loop_tcp.c */
struct peer_stream *loop_tcp_find(const struct loop_tcp *t, uint32_t handle);
/* A new one without a time limit. */
struct peer_stream *loop_tcp_add(struct loop_tcp *t, uint32_t handle, const struct endpoint *remote);
/* It is given up at that time, mono; 0: as soon as the loop has run on. */
void loop_tcp_limit(struct loop_tcp *t, struct peer_stream *s, int64_t until);
void loop_tcp_unlimit(struct loop_tcp *t, struct peer_stream *s);
/* Forgets it, and tells the engine if it is one of its own. why may be the stream's own text. */
void loop_tcp_tell_down(struct loop_tcp *t, struct peer_stream *s, const char *why);
/* Closes one that is there, for a reason of ours. */
void loop_tcp_give_up(struct loop_tcp *t, struct peer_stream *s, const char *why);

/* ---- loop_tcp_accept.c */
void loop_tcp_close_listeners(struct loop_tcp *t);
void loop_tcp_accept_again(uv_timer_t *pause);

/* ---- loop_tcp_connect.c */
void loop_tcp_connect(struct loop_tcp *t, const struct action *a);
void loop_tcp_attempt_close(struct attempt *a);
