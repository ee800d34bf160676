/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections that carry IKE and ESP (RFC 9329), as a worker serves them.
 *
 * Which thread does what. A connection belongs to one worker for good, which its handle names
 * (steer_stream()): that one reads it, takes the stream apart, and writes it, so that a message is never torn
 * and no lock is needed. ESP that comes out of it takes the way of all ESP: it is handed over to the worker
 * that owns the SA (handover.h), where a window is looked at and moved. ESP that goes in is sealed by the
 * owner of the SA, and handed over sealed. IKE goes to the control thread as from the NAT traversal port, and
 * comes from there as a record. So an IKE SA may have children with several workers and one connection.
 *
 * Sockets are opened, accepted, limited and given up by the control thread (loop_tcp.h), which gives them to
 * a worker when they are connected; a worker tells it when one has ended, and why.
 *
 * Nobody waits for a slow connection. What it does not take now is queued, up to 256 KiB of ESP: beyond
 * that whole packets are dropped and counted, as a slow link would drop them. IKE has room of its own on top,
 * because it is not repeated [RFC9329#6.2]. The kernel queues little (TCP_NOTSENT_LOWAT), so that IKE is not
 * late either. When the control thread is behind with IKE, a connection is not read until it has caught up.
 *
 * DF, DSCP and ECN of an inner packet do not reach the outer one [RFC9329#6.8] [RFC9329#9.3] [RFC9329#9.5].
 */
#pragma once

#include "base/list.h"
#include "base/map.h"
#include "esp/esp.h"
#include "net/tcpencap.h"

#define TCP_SCORES 64

struct worker;
struct parcel;
struct dataplane_record;

struct tcp_score { /* packets in a row that no SA takes, of one connection */
    uint32_t handle;
    unsigned n;
};

struct worker_tcp {
    int epoll; /* of the connections; -1 until there is one; stands in the worker's */
    struct map by_handle;
    struct list streams, dirty, ended; /* ended: to be told and freed */
    uint8_t *buffer;
    unsigned n_stalled;
    struct tcp_score scores[TCP_SCORES];
};

void worker_tcp_init(struct worker *w);
void worker_tcp_deinit(struct worker *w); /* closes all */
/* The record is one of the streams'; a socket in it is taken. */
void worker_tcp_take(struct worker *w, struct dataplane_record *r);
void worker_from_streams(struct worker *w, int64_t now);
/* A sealed packet whose remote end is a stream: queued here, or handed over. */
void worker_tcp_send(struct worker *w, const struct esp_packet *p);
void worker_tcp_parcel(struct worker *w, const struct parcel *p);
/* Whether an SA took a packet that came in a stream: what is out of step for long is told. */
void worker_tcp_judge(struct worker *w, const struct esp_packet *p);
/* After each batch: what was queued goes out. */
void worker_tcp_flush(struct worker *w);
/* When nothing points at a connection any more: tells of those that ended, tries those that were stalled. */
void worker_tcp_settle(struct worker *w, int64_t now);
bool worker_tcp_is_waiting(const struct worker *w); /* for room in the ring to the control thread */
