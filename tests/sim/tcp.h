/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of the simulator (RFC 9329), and what an executor does with them: bytes arrive in order, in
 * pieces that have nothing to do with messages, late where datagrams would be lost; connections are refused,
 * break, and are heard to have broken by one end long before the other. The framing is that of the daemon. */
#pragma once

#include "net.h"
#include "net/tcpencap.h"

#define TCP_CONNECTIONS 64

struct sim;

struct tcp_piece {
    struct tcp_piece *next;
    int64_t at;
    size_t len;
    uint8_t bytes[];
};

struct tcp_end { /* the originator's is the first */
    int node;
    uint32_t handle;
    struct endpoint local, remote; /* as this end sees them */
    struct tcpencap_reader reader;
    bool is_open, has_sent;               /* has_sent: the prefix, with the first message */
    int64_t tell_up, tell_down, close_at; /* TIME_NEVER */
    struct tcp_piece *queue;              /* on their way to it */
    int64_t last;
    uint8_t *kept;
    size_t n_kept;
};

struct tcp_connection {
    bool is_used;
    struct tcp_end end[2];
};

struct tcp {
    struct tcp_connection v[TCP_CONNECTIONS];
    uint32_t last_handle;
    uint16_t last_port;
    bool is_shut;            /* nobody can connect */
    unsigned breaks;         /* percent of messages on which the connection breaks */
    uint64_t opened, broken; /* how often */
    uint64_t cut, joined; /* messages that came in several pieces, pieces that held the end of one and more */
};

void tcp_init(struct tcp *t);
void tcp_deinit(struct tcp *t);
void tcp_open(struct sim *s, int node, uint32_t handle, const struct endpoint *remote);
void tcp_keep(struct sim *s, int node, uint32_t handle);
void tcp_release(struct sim *s, int node, uint32_t handle);
void tcp_send(struct sim *s, int node, uint32_t handle, bool is_ike, struct span bytes);
/* All of them break. */
void tcp_break_all(struct sim *s);
/* What was connected from an address that the node has lost leads nowhere, and is heard of late. */
void tcp_node_moved(struct sim *s, int node);
/* The process is gone: the other ends hear of it. */
void tcp_node_gone(struct sim *s, int node);
/* Does it lead anywhere? A broken one is there until its end hears of it. */
bool tcp_is_open(struct sim *s, int node, uint32_t handle);
void tcp_run_due(struct sim *s);
int64_t tcp_deadline(const struct sim *s);
