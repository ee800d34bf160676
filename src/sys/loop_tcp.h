/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of the control thread (RFC 9329 sections 5, 6.1, 6.3.1, 10): listening, accepting,
 * connecting, and giving up. What is connected is given to a worker of the data plane at once (worker_tcp.h),
 * which reads and writes it; here is only who it is with, and until when.
 *
 * A connection that a peer has opened has proved nothing until the engine keeps it: an IKE SA was
 * authenticated over it. Until then it has 5 s to bring a first message, and the time of a half-open SA and 5
 * s more in all; messages are no longer than those that UDP brings; there are at most 16 of them from one
 * address, beyond which a new one is closed, and 256 in all, beyond which the oldest is. Behind a proxy all
 * peers have one address: there 16 may be under way at once. One that brings only what nobody can read is
 * closed. One that is not kept any more is closed after 10 s, if the peer has not done so. */
#pragma once

#include "model/action.h"
#include "sys/dataplane.h"
#include <uv.h>

struct loop;
struct loop_tcp;

struct loop_tcp *loop_tcp_new(struct loop *l);
/* Closes listeners and attempts to connect; memory goes when the uv loop has run on. */
void loop_tcp_close(struct loop_tcp *t);
void loop_tcp_free(struct loop_tcp *t);
/* On each snapshot. Listens where the settings say, and nowhere else. */
void loop_tcp_listen(struct loop_tcp *t, const struct settings *s);
/* ACTION_STREAM_*. Answers come later, from the loop. */
void loop_tcp_do(struct loop_tcp *t, const struct action *a);
/* An IKE message for a stream. */
void loop_tcp_send(struct loop_tcp *t, uint32_t handle, struct span ike);
/* Messages of the data plane about streams. */
void loop_tcp_down(struct loop_tcp *t, uint32_t handle, const char *why);
void loop_tcp_bad(struct loop_tcp *t, uint32_t handle);
/* Is an IKE message from there still to be taken? */
bool loop_tcp_heard(struct loop_tcp *t, uint32_t handle);
/* And could it be read? */
void loop_tcp_judge(struct loop_tcp *t, uint32_t handle, bool is_good);
