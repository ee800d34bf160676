/* SPDX-License-Identifier: Apache-2.0 */
/* Opening TCP connections to peers (RFC 9329 section 6.1): from the engine's request to a socket that a
 * worker gets, or to the reason why there is none. See loop_tcp.h. */
#include "sys/clock.h"
#include "sys/loop_tcp_impl.h"
#include "sys/sock_tcp.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define CONNECTING (10 * TIME_SECOND)

/* An attempt of ours to connect. It lives until libuv has let go of the socket. */
struct attempt {
    uv_poll_t poll;
    struct loop_tcp *tcp;
    uint32_t handle;
    int fd; /* -1: given away */
    bool is_over;
};

static void on_attempt_closed(uv_handle_t *h)
{
    struct attempt *a = h->data;
    if (a->fd >= 0)
        close(a->fd);
    free(a);
}

void loop_tcp_attempt_close(struct attempt *a)
{
    if (a->is_over)
        return;
    a->is_over = true;
    uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
}

static void fail(struct loop_tcp *t, struct peer_stream *s, int err)
{
    snprintf(s->why, sizeof(s->why), "%s", strerror(err));
    loop_tcp_limit(t, s, 0); /* told from the loop, not from within a step */
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
    struct attempt *a = poll->data;
    struct loop_tcp *t = a->tcp;
    struct peer_stream *s = loop_tcp_find(t, a->handle);
    struct endpoint local;
    (void)events;
    int err = sock_connected_tcp(a->fd, &local); /* libuv says EBADF of every failure */
    err = !err && status < 0 ? -status : err;
    int fd = a->fd;
    if (a->is_over || !s)
        return;
    if (!err)
        a->fd = -1;
    uv_poll_stop(&a->poll);
    loop_tcp_attempt_close(a);
    s->attempt = NULL;
    if (err) {
        loop_tcp_tell_down(t, s, strerror(err));
        return;
    }
    loop_tcp_unlimit(t, s);
    dataplane_stream_add(
        t->loop->dataplane,
        &(struct dataplane_stream){.handle = s->handle, .fd = fd, .local = local, .remote = s->remote});
    loop_step(t->loop,
              &(struct input){
                  .kind = INPUT_STREAM, .stream = {.handle = s->handle, .is_up = true, .local = local}
    });
}

void loop_tcp_connect(struct loop_tcp *t, const struct action *a)
{
    struct peer_stream *s = loop_tcp_add(t, a->stream.handle, &a->stream.remote);
    int fd = sock_connect_tcp(&a->stream.local, &a->stream.remote);
    if (fd < 0) {
        fail(t, s, errno);
        return;
    }
    s->attempt = calloc(1, sizeof(*s->attempt));
    if (!s->attempt)
        abort();
    *s->attempt = (struct attempt){.tcp = t, .handle = s->handle, .fd = fd};
    s->attempt->poll.data = s->attempt;
    uv_poll_init(&t->loop->uv, &s->attempt->poll, fd);
    uv_poll_start(&s->attempt->poll, UV_WRITABLE, on_connected);
    loop_tcp_limit(t, s, clock_mono() + CONNECTING);
}
