/* SPDX-License-Identifier: Apache-2.0 */
/* Unix and TCP stream sockets on libuv: see stream.h. */
#include "sys/stream.h"
#include "base/list.h"
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG 16

union socket {
    uv_handle_t handle;
    uv_stream_t stream;
    uv_pipe_t pipe;
    uv_tcp_t tcp;
};

struct stream_server {
    union socket socket;
    struct stream_handler handler;
    struct list clients;
    char *path; /* NULL: TCP */
    bool is_open_to_others;
    bool is_closed; /* freed when closed and without clients */
};

struct stream_client {
    union socket socket;
    struct list link;
    struct stream_server *server;
    void *user;
    size_t queued;
    uint8_t buf[16384];
};

struct write_request {
    uv_write_t req;
    size_t len;
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

static void count(struct stream_client *c, size_t added, size_t gone)
{
    size_t *all = c->server->handler.queued;
    c->queued += added - gone;
    if (all)
        *all += added - gone;
}

void stream_close(struct stream_client *c)
{
    if (uv_is_closing(&c->socket.handle))
        return;
    count(c, 0, c->queued); /* at once: others need not go for what is gone */
    uv_close(&c->socket.handle, client_gone);
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

static void open_socket(uv_loop_t *loop, union socket *s, bool is_tcp, void *data)
{
    if (is_tcp)
        uv_tcp_init(loop, &s->tcp);
    else
        uv_pipe_init(loop, &s->pipe, 0);
    s->handle.data = data;
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
    open_socket(listener->loop, &c->socket, !s->path, c);
    list_append(&s->clients, &c->link);
    if (uv_accept(listener, &c->socket.stream) == 0)
        c->user = s->handler.opened(s->handler.ctx, c);
    if (c->user)
        uv_read_start(&c->socket.stream, on_alloc, on_read);
    else
        stream_close(c);
}

static void on_written(uv_write_t *req, int status)
{
    struct stream_client *c = req->handle->data;
    struct write_request *w = container_of(req, struct write_request, req);
    if (!uv_is_closing(&c->socket.handle))
        count(c, 0, w->len);
    if (status < 0 && status != UV_ECANCELED)
        stream_close(c);
    free(w);
}

size_t stream_queued(const struct stream_client *c)
{
    return c->queued;
}

static bool has_room(const struct stream_client *c, size_t len)
{
    const size_t *all = c->server->handler.queued;
    return c->queued + len <= STREAM_QUEUE_MAX && (!all || *all + len <= STREAM_TOTAL_MAX);
}

void stream_write(struct stream_client *c, struct span bytes)
{
    if (uv_is_closing(&c->socket.handle))
        return;
    /* mostly the socket takes it at once */
    uv_buf_t whole = uv_buf_init((char *)bytes.ptr, (unsigned)bytes.len);
    int taken = c->queued ? 0 : uv_try_write(&c->socket.stream, &whole, 1);
    if (taken > 0)
        bytes = span_of(bytes.ptr + taken, bytes.len - (size_t)taken);
    if (bytes.len == 0)
        return;
    if (!has_room(c, bytes.len)) {
        stream_close(c);
        return;
    }
    struct write_request *w = malloc(sizeof(*w) + bytes.len);
    if (!w)
        abort();
    w->len = bytes.len;
    memcpy(w->bytes, bytes.ptr, bytes.len);
    uv_buf_t rest = uv_buf_init((char *)w->bytes, (unsigned)bytes.len);
    if (uv_write(&w->req, &c->socket.stream, &rest, 1, on_written) < 0) {
        free(w);
        stream_close(c);
        return;
    }
    count(c, bytes.len, 0);
}

/* ---- listening */

static void server_gone(uv_handle_t *h)
{
    struct stream_server *s = h->data;
    s->is_closed = true;
    free_server_if_done(s);
}

static int bind_path(struct stream_server *s, int mode)
{
    unlink(s->path);
    mode_t old = umask(0177); /* nobody else may connect before the mode is set */
    int err = uv_pipe_bind(&s->socket.pipe, s->path);
    umask(old);
    if (!err)
        err = uv_listen(&s->socket.stream, BACKLOG, on_connection);
    if (!err)
        chmod(s->path, (mode_t)mode);
    return err;
}

/* "HOST:PORT", "[HOST]:PORT", "HOST". */
static bool split(const char *where, char host[256], char port[8])
{
    const char *end = where[0] == '[' ? strchr(where, ']') : strchr(where, ':');
    const char *from = where + (where[0] == '['), *rest = end;
    if (where[0] == '[' && !end)
        return false;
    if (!end)
        end = rest = where + strlen(where);
    if (*rest == ']')
        rest++;
    size_t len = (size_t)(end - from), n = strlen(rest);
    if (!len || len > 255 ||
        (*rest && (*rest != ':' || n < 2 || n > 6 || rest[1 + strspn(rest + 1, "0123456789")])))
        return false;
    memcpy(host, from, len);
    host[len] = '\0';
    snprintf(port, 8, "%.6s", *rest ? rest + 1 : "");
    if (!*port)
        snprintf(port, 8, "%d", STREAM_PORT);
    return true;
}

static bool is_loopback(const struct sockaddr *sa)
{
    const struct sockaddr_in *four = (const void *)sa;
    const struct sockaddr_in6 *six = (const void *)sa;
    if (sa->sa_family == AF_INET)
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

static bool bind_tcp(struct stream_server *s, const char *where, struct diag *d)
{
    char host[256], port[8];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV}, *found = NULL;
    if (!split(where, host, port)) {
        diag_set(d, FAIL_CONFIG, "cannot listen on tcp://%.200s", where);
        diag_expected(d, "tcp://HOST:PORT, with brackets around an IPv6 address");
        return false;
    }
    int err = getaddrinfo(host, port, &hints, &found);
    if (err) {
        diag_set(d, FAIL_CONFIG, "cannot listen on tcp://%.200s: %s", where, gai_strerror(err));
        return false;
    }
    s->is_open_to_others = !is_loopback(found->ai_addr);
    err = uv_tcp_bind(&s->socket.tcp, found->ai_addr, 0);
    freeaddrinfo(found);
    if (!err)
        err = uv_listen(&s->socket.stream, BACKLOG, on_connection);
    if (err)
        diag_set(d, err == UV_EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot listen on tcp://%.200s: %s",
                 where, uv_strerror(err));
    return !err;
}

struct stream_server *stream_listen(uv_loop_t *loop, const char *where, int mode,
                                    const struct stream_handler *h, struct diag *d)
{
    static const char tcp[] = "tcp://", plain[] = "unix://";
    bool is_tcp = strncmp(where, tcp, sizeof(tcp) - 1) == 0;
    if (strncmp(where, plain, sizeof(plain) - 1) == 0)
        where += sizeof(plain) - 1;
    struct stream_server *s = calloc(1, sizeof(*s));
    if (!s || (!is_tcp && !(s->path = strdup(where))))
        abort();
    s->handler = *h;
    list_init(&s->clients);
    open_socket(loop, &s->socket, is_tcp, s);
    bool ok = is_tcp && bind_tcp(s, where + sizeof(tcp) - 1, d);
    int err = is_tcp ? 0 : bind_path(s, mode);
    if (err)
        diag_set(d, err == UV_EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot listen on %s: %s", where,
                 uv_strerror(err));
    if (is_tcp ? ok : !err)
        return s;
    uv_close(&s->socket.handle, server_gone);
    return NULL;
}

bool stream_is_open_to_others(const struct stream_server *s)
{
    return s->is_open_to_others;
}

void stream_stop(struct stream_server *s)
{
    if (!s)
        return;
    if (s->path)
        unlink(s->path);
    struct stream_client *c;
    list_each(c, &s->clients, link) stream_close(c);
    uv_close(&s->socket.handle, server_gone);
}
