/* SPDX-License-Identifier: Apache-2.0 */
/* Listening stream sockets with several clients on the control loop, Unix ones and TCP: bytes in by callback,
 * bytes out queued up to a cap for each client, and one for all together. A client that lets its queue grow
 * past either is closed. */
#pragma once

#include "base/diag.h"
#include "base/span.h"
#include <uv.h>

struct stream_server;
struct stream_client;

struct stream_handler {
    void *ctx;
    void *(*opened)(void *ctx, struct stream_client *c); /* NULL: refused */
    void (*received)(void *user, struct span bytes);
    void (*closed)(void *user);
    size_t *queued; /* bytes that wait for all clients of those servers that share it */
};

#define STREAM_QUEUE_MAX (32u << 20)
#define STREAM_TOTAL_MAX (96u << 20)
#define STREAM_PORT      4502 /* of tcp://HOST without one */

/* where: a path, with or without unix:// in front, whose file gets mode as its permissions and replaces one
 * that is there (the caller holds the lock); or tcp://HOST:PORT, tcp://[ADDRESS]:PORT. Looking a name up
 * blocks. NULL with the reason. */
struct stream_server *stream_listen(uv_loop_t *loop, const char *where, int mode,
                                    const struct stream_handler *h, struct diag *d);
/* Can other machines come? */
bool stream_is_open_to_others(const struct stream_server *s);
/* Closes the listener and its clients and removes the file; memory goes when the loop has run on. */
void stream_stop(struct stream_server *s);
void stream_write(struct stream_client *c, struct span bytes);
/* Bytes that wait for it to read. */
size_t stream_queued(const struct stream_client *c);
/* closed() follows from the loop, never from here. */
void stream_close(struct stream_client *c);
