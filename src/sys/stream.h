/* SPDX-License-Identifier: Apache-2.0 */
/* A listening unix socket with several clients on the control loop: bytes in by callback, bytes out queued up
 * to a cap. A client that lets its queue grow past the cap is closed. */
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
};

#define STREAM_QUEUE_MAX (32u << 20)

/* mode: permissions of the socket file. A file that is there is replaced (the caller holds the lock). NULL
 * with the reason. */
struct stream_server *stream_listen(uv_loop_t *loop, const char *path, int mode,
                                    const struct stream_handler *h, struct diag *d);
/* Closes the listener and its clients and removes the file; memory goes when the loop has run on. */
void stream_stop(struct stream_server *s);
void stream_write(struct stream_client *c, struct span bytes);
/* closed() follows from the loop, never from here. */
void stream_close(struct stream_client *c);
