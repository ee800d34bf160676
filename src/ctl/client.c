/* SPDX-License-Identifier: Apache-2.0 */
/* Blocking vici client over a unix or TCP socket: see client.h. */
#include "ctl/client.h"
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct vici_client {
    int fd;
    struct vici_stream in;
    uint8_t *reply; /* the last one, past the stream's next read */
};

static void explain_connect(const char *path, int err, struct diag *d)
{
    if (err == EACCES || err == EPERM) {
        diag_set(d, FAIL_PERMISSION, "cannot connect to %s: %s", path, strerror(err));
        diag_try(d, "sudo, or membership in the group that owns the socket");
        return;
    }
    diag_set(d, FAIL_NO_DAEMON, "keywayd is not running (%s: %s)", path, strerror(err));
    diag_try(d, "keywayd, systemctl start keyway, or --run DIR when it runs elsewhere");
}

/* A socket; -1 with errno, and what is wrong with the address in d. */
static int connect_unix(const char *path, struct diag *d)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    if (!*path || strlen(path) >= sizeof(sa.sun_path)) {
        diag_set(d, FAIL_USAGE, *path ? "the socket's path is too long: %s" : "the socket has no path%s",
                 path);
        errno = EINVAL;
        return -1;
    }
    strcpy(sa.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && !connect(fd, (struct sockaddr *)&sa, sizeof(sa)))
        return fd;
    int err = errno;
    if (fd >= 0)
        close(fd);
    errno = err;
    return -1;
}

/* "HOST:PORT" or "[HOST]:PORT" */
static bool split_host(const char *where, char host[256], char port[8])
{
    const char *colon = strrchr(where, ':'), *from = where, *to = colon;
    if (colon && *where == '[' && colon > where + 1 && colon[-1] == ']') {
        from++;
        to--;
    }
    bool is_good = colon && to > from && to - from < 256 && strlen(colon + 1) - 1 < 5 &&
                   strspn(colon + 1, "0123456789") == strlen(colon + 1) && atoi(colon + 1) <= UINT16_MAX;
    if (is_good) {
        snprintf(host, 256, "%.*s", (int)(to - from), from);
        snprintf(port, 8, "%.5s", colon + 1);
    }
    return is_good;
}

static int connect_tcp(const char *where, struct diag *d)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char host[256], port[8];
    int fd = -1, err = EINVAL, code = split_host(where, host, port) ? 0 : EAI_NONAME;
    if (code || (code = getaddrinfo(host, port, &hints, &found)))
        diag_set(d, FAIL_USAGE, "%s is no host and port: %s", where, gai_strerror(code));
    for (const struct addrinfo *a = found; a && fd < 0; a = a->ai_next) {
        fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
        if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
            err = errno;
            close(fd);
            fd = -1;
        }
    }
    if (found)
        freeaddrinfo(found);
    errno = err;
    return fd;
}

struct vici_client *vici_client_open(const char *path, struct diag *d)
{
    *d = (struct diag){0};
    bool is_tcp = !strncmp(path, "tcp://", 6), is_unix = !strncmp(path, "unix://", 7);
    int fd = is_tcp ? connect_tcp(path + 6, d) : connect_unix(is_unix ? path + 7 : path, d);
    if (fd < 0) {
        int err = errno;
        if (d->class == FAIL_NONE)
            explain_connect(path, err, d);
        errno = err;
        return NULL;
    }
    struct vici_client *c = calloc(1, sizeof(*c));
    if (!c)
        abort();
    c->fd = fd;
    return c;
}

void vici_client_close(struct vici_client *c)
{
    if (!c)
        return;
    close(c->fd);
    vici_stream_free(&c->in);
    free(c->reply);
    free(c);
}

static bool lost(struct diag *d, int err, const char *what)
{
    diag_set(d, FAIL_NO_DAEMON, "the daemon %s", what);
    errno = err;
    return false;
}

static bool send_all(struct vici_client *c, struct vici_writer *w, struct diag *d)
{
    struct span s = vici_packet_close(w);
    if (!s.len) {
        diag_set(d, FAIL_USAGE, "the request does not fit into one message");
        errno = EMSGSIZE;
        return false;
    }
    while (s.len) {
        ssize_t n = send(c->fd, s.ptr, s.len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return lost(d, ECONNRESET, "closed the connection");
        s = span_of(s.ptr + n, s.len - (size_t)n);
    }
    return true;
}

static bool receive(struct vici_client *c, struct vici_packet *p, struct diag *d)
{
    uint8_t buf[65536];
    struct span payload;
    for (;;) {
        enum vici_stream_state s = vici_stream_next(&c->in, &payload);
        if (s == VICI_STREAM_BROKEN || (s == VICI_STREAM_SEGMENT && !vici_packet_parse(payload, p)))
            return lost(d, EBADMSG, "sent what is not vici");
        if (s == VICI_STREAM_SEGMENT)
            return true;
        ssize_t n = recv(c->fd, buf, sizeof(buf), 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return lost(d, ECONNRESET, "closed the connection");
        if (!vici_stream_feed(&c->in, span_of(buf, (size_t)n)))
            return lost(d, EBADMSG, "sent what is not vici");
    }
}

/* Registers or unregisters; events that arrive meanwhile are handed on. */
static bool set_event(struct vici_client *c, enum vici_type type, const char *event, vici_event_fn *fn,
                      void *ctx, struct diag *d)
{
    struct vici_writer w;
    struct vici_packet p;
    vici_write_init(&w);
    vici_packet_open(&w, type, event);
    bool ok = send_all(c, &w, d);
    vici_write_free(&w);
    while (ok && (ok = receive(c, &p, d))) {
        if (p.type == VICI_EVENT_CONFIRM)
            return true;
        if (p.type == VICI_EVENT && fn)
            fn(ctx, p.body);
        if (p.type != VICI_EVENT)
            return lost(d, ENOENT, "does not know this event");
    }
    return false;
}

static void ignore(void *ctx, struct span body)
{
    (void)ctx;
    (void)body;
}

void vici_client_extend(struct vici_client *c)
{
    struct diag unknown;
    set_event(c, VICI_EVENT_REGISTER, "keyway-keys", ignore, NULL, &unknown);
}

static bool wait_reply(struct vici_client *c, const char *event, vici_event_fn *fn, void *ctx,
                       struct span *reply, struct diag *d)
{
    struct vici_packet p;
    while (receive(c, &p, d)) {
        if (p.type == VICI_EVENT && event && span_equal(p.name, span_str(event)))
            fn(ctx, p.body);
        if (p.type == VICI_CMD_RESPONSE) {
            *reply = p.body;
            return true;
        }
        if (p.type == VICI_CMD_UNKNOWN)
            return lost(d, ENOENT, "does not know this command: it is older than this program");
    }
    return false;
}

static void keep_reply(struct vici_client *c, struct span *reply)
{
    c->reply = realloc(c->reply, reply->len + 1);
    if (!c->reply)
        abort();
    if (reply->len)
        memcpy(c->reply, reply->ptr, reply->len);
    *reply = span_of(c->reply, reply->len);
}

bool vici_client_register(struct vici_client *c, const char *event, vici_event_fn *fn, void *ctx,
                          struct diag *d)
{
    return set_event(c, VICI_EVENT_REGISTER, event, fn, ctx, d);
}

bool vici_client_exchange(struct vici_client *c, struct vici_writer *w, const char *event, vici_event_fn *fn,
                          void *ctx, struct span *reply, struct diag *d)
{
    if (!send_all(c, w, d) || !wait_reply(c, event, fn, ctx, reply, d))
        return false;
    keep_reply(c, reply);
    return true;
}

bool vici_client_wait(struct vici_client *c, struct span *event, struct span *body, struct diag *d)
{
    struct vici_packet p;
    while (receive(c, &p, d)) {
        if (p.type != VICI_EVENT)
            continue;
        *event = p.name;
        *body = p.body;
        return true;
    }
    return false;
}

bool vici_client_call(struct vici_client *c, struct vici_writer *w, const char *event, vici_event_fn *fn,
                      void *ctx, struct span *reply, struct diag *d)
{
    if (event && !set_event(c, VICI_EVENT_REGISTER, event, fn, ctx, d))
        return false;
    if (!vici_client_exchange(c, w, event, fn, ctx, reply, d))
        return false;
    return !event || set_event(c, VICI_EVENT_UNREGISTER, event, fn, ctx, d);
}

bool vici_reply_ok(struct span reply, struct diag *d)
{
    struct span v;
    if (!vici_find(reply, "success", &v) || vici_is_yes(v))
        return true;
    diag_set(d, (enum fail_class)vici_find_number(reply, "class", FAIL_GENERIC), "failed");
    if (!vici_find_text(reply, "what", d->what, sizeof(d->what)))
        vici_find_text(reply, "errmsg", d->what, sizeof(d->what));
    vici_find_text(reply, "expected", d->expected, sizeof(d->expected));
    vici_find_text(reply, "got", d->got, sizeof(d->got));
    vici_find_text(reply, "where", d->where, sizeof(d->where));
    vici_find_text(reply, "try", d->try, sizeof(d->try));
    return false;
}
