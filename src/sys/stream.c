/* SPDX-License-Identifier: Apache-2.0 */
/* Unix stream sockets on libuv: see stream.h. */
#include "sys/stream.h"
#include "base/list.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct stream_server {
    uv_pipe_t pipe;
    struct stream_handler handler;
    struct list clients;
    char *path;
    bool is_closed; /* freed when closed and without clients */
};

struct stream_client {
    uv_pipe_t pipe;
    struct list link;
    struct stream_server *server;
    void *user;
    uint8_t buf[16384];
};

struct write_request {
    uv_write_t req;
    uint8_t bytes[];
};

static void free_server_if_done(struct stream_server *s)
{
    if (!s->is_closed || !list_empty(&s->clients))
        return;
    free(s->path);
    free(s);
}

static void client_gone(uv_handle_t *h)
{
    struct stream_client *c = h->data;
    struct stream_server *s = c->server;
    list_remove(&c->link);
    if (c->user)
        s->handler.closed(c->user);
    free(c);
    free_server_if_done(s);
}

void stream_close(struct stream_client *c)
{
    if (!uv_is_closing((uv_handle_t *)&c->pipe))
        uv_close((uv_handle_t *)&c->pipe, client_gone);
}

static void on_alloc(uv_handle_t *h, size_t suggested, uv_buf_t *out)
{
    (void)suggested;
    struct stream_client *c = h->data;
    *out = uv_buf_init((char *)c->buf, sizeof(c->buf));
}

static void on_read(uv_stream_t *s, ssize_t n, const uv_buf_t *buf)
{
    struct stream_client *c = s->data;
    if (n < 0)
        stream_close(c);
    if (n > 0)
        c->server->handler.received(c->user, span_of(buf->base, (size_t)n));
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct stream_server *s = listener->data;
    if (status < 0)
        return;
    struct stream_client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->server = s;
    uv_pipe_init(listener->loop, &c->pipe, 0);
    c->pipe.data = c;
    list_append(&s->clients, &c->link);
    if (uv_accept(listener, (uv_stream_t *)&c->pipe) == 0)
        c->user = s->handler.opened(s->handler.ctx, c);
    if (c->user)
        uv_read_start((uv_stream_t *)&c->pipe, on_alloc, on_read);
    else
        stream_close(c);
}

static void on_written(uv_write_t *req, int status)
{
    struct stream_client *c = req->handle->data;
    if (status < 0 && status != UV_ECANCELED)
        stream_close(c);
    free(container_of(req, struct write_request, req));
}

void stream_write(struct stream_client *c, struct span bytes)
{
    if (uv_is_closing((uv_handle_t *)&c->pipe))
        return;
    if (uv_stream_get_write_queue_size((uv_stream_t *)&c->pipe) + bytes.len > STREAM_QUEUE_MAX) {
        stream_close(c);
        return;
    }
    /* mostly the socket takes it at once */
    uv_buf_t whole = uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len);
    int taken = uv_try_write((uv_stream_t *)&c->pipe, &whole, 1);
    if (taken > 0)
        bytes = span_of(bytes.ptr + taken, bytes.len - (size_t)taken);
    if (bytes.len == 0)
        return;
    struct write_request *w = malloc(sizeof(*w) + bytes.len);
    if (!w)
        abort();
    memcpy(w->bytes, bytes.ptr, bytes.len);
    uv_buf_t rest = uv_buf_init((char *)w->bytes, (unsigned)bytes.len);
    if (uv_write(&w->req, (uv_stream_t *)&c->pipe, &rest, 1, on_written) < 0) {
        free(w);
        stream_close(c);
    }
}

static void server_gone(uv_handle_t *h)
{
    struct stream_server *s = h->data;
    s->is_closed = true;
    free_server_if_done(s);
}

struct stream_server *stream_listen(uv_loop_t *loop, const char *path, int mode,
                                    const struct stream_handler *h, struct diag *d)
{
    struct stream_server *s = calloc(1, sizeof(*s));
    if (!s || !(s->path = strdup(path)))
        abort();
    s->handler = *h;
    list_init(&s->clients);
    uv_pipe_init(loop, &s->pipe, 0);
    s->pipe.data = s;
    unlink(path);
    mode_t old = umask(0177); /* nobody else may connect before the mode is set */
    int err = uv_pipe_bind(&s->pipe, path);
    umask(old);
    if (!err)
        err = uv_listen((uv_stream_t *)&s->pipe, 16, on_connection);
    if (err) {
        diag_set(d, err == UV_EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot listen on %s: %s", path,
                 uv_strerror(err));
        uv_close((uv_handle_t *)&s->pipe, server_gone);
        return NULL;
    }
    chmod(path, (mode_t)mode);
    return s;
}

void stream_stop(struct stream_server *s)
{
    if (!s)
        return;
    unlink(s->path);
    struct stream_client *c;
    list_each(c, &s->clients, link) stream_close(c);
    uv_close((uv_handle_t *)&s->pipe, server_gone);
}
