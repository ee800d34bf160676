/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections of the control thread: see loop_tcp.h. The sockets: sock_tcp.c. */
#include "sys/loop_tcp.h"
#include "base/log.h"
#include "base/map.h"
#include "sys/clock.h"
#include "sys/loop_impl.h"
#include "sys/sock_tcp.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define UNPROVEN_MAX      256
#define UNPROVEN_PER_PEER 16
#define FIRST_MESSAGE     (5 * TIME_SECOND)
#define GRACE             (5 * TIME_SECOND) /* beyond the time of a half-open SA */
#define EXTRANEOUS        (10 * TIME_SECOND)
#define CONNECTING        (10 * TIME_SECOND)
#define LOOK_EVERY_MS     500
#define PAUSE_MS          1000 /* of the listeners when there are no descriptors left */
#define BAD_MAX           16   /* messages in a row that nobody can read */
#define ACCEPTS_MAX       32   /* before others get their turn */

struct listener {
    uv_poll_t poll;
    struct list link;
    struct loop_tcp *tcp;
    struct sock sock;
};

/* An attempt of ours to connect. It lives until libuv has let go of the socket. */
struct attempt {
    uv_poll_t poll;
    struct loop_tcp *tcp;
    uint32_t handle;
    int fd; /* -1: given away */
    bool is_over;
};

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
    unsigned n_unproven;
    uint32_t max_packet; /* of the newest snapshot */
    int64_t half_open_timeout;
};

static struct peer_stream *find(const struct loop_tcp *t, uint32_t handle)
{
    for (struct map_node *n = map_first(&t->by_handle, map_hash_u64(handle)); n; n = map_next(n)) {
        struct peer_stream *s = container_of(n, struct peer_stream, node);
        if (s->handle == handle)
            return s;
    }
    return NULL;
}

static bool is_ours(const struct peer_stream *s)
{
    return s->handle & STREAM_OURS;
}

/* ---- the table */

static void on_timer(uv_timer_t *timer);

static void limit(struct loop_tcp *t, struct peer_stream *s, int64_t until)
{
    s->until = until;
    list_remove(&s->link);
    list_append(&t->limited, &s->link);
    if (!uv_is_active((uv_handle_t *)&t->timer))
        uv_timer_start(&t->timer, on_timer, LOOK_EVERY_MS, LOOK_EVERY_MS);
}

static void unlimit(struct loop_tcp *t, struct peer_stream *s)
{
    s->until = TIME_NEVER;
    list_remove(&s->link);
    list_append(&t->kept, &s->link);
}

static struct peer_stream *add(struct loop_tcp *t, uint32_t handle, const struct endpoint *remote)
{
    struct peer_stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    s->handle = handle;
    s->remote = *remote;
    s->remote.stream = handle;
    s->until = TIME_NEVER;
    map_insert(&t->by_handle, &s->node, map_hash_u64(handle));
    list_append(&t->kept, &s->link);
    t->n_unproven += !is_ours(s);
    return s;
}

static void on_attempt_closed(uv_handle_t *h)
{
    struct attempt *a = h->data;
    if (a->fd >= 0)
        close(a->fd);
    free(a);
}

static void attempt_close(struct attempt *a)
{
    if (a->is_over)
        return;
    a->is_over = true;
    uv_close((uv_handle_t *)&a->poll, on_attempt_closed);
}

static void forget(struct loop_tcp *t, struct peer_stream *s)
{
    if (s->attempt)
        attempt_close(s->attempt);
    t->n_unproven -= !is_ours(s) && !s->is_kept;
    map_remove(&t->by_handle, &s->node);
    list_remove(&s->link);
    free(s);
}

static void tell_down(struct loop_tcp *t, struct peer_stream *s, const char *why)
{
    char text[80];
    struct input in = {
        .kind = INPUT_STREAM, .stream = {.handle = s->handle, .why = text}
    };
    bool is_engines = is_ours(s);
    snprintf(text, sizeof(text), "%s", why); /* may be its own */
    forget(t, s);
    if (is_engines)
        loop_step(t->loop, &in);
}

/* ---- accepting */

static unsigned unproven_from(const struct loop_tcp *t, struct ip ip)
{
    const struct peer_stream *s;
    unsigned n = 0;
    list_each(s, &t->limited, link) n += !is_ours(s) && !s->is_kept && ip_equal(s->remote.ip, ip);
    return n;
}

static bool has_room_for(struct loop_tcp *t, struct ip ip)
{
    char text[IP_TEXT_MAX];
    bool is_full = t->n_unproven >= UNPROVEN_MAX;
    if (!is_full && unproven_from(t, ip) < UNPROVEN_PER_PEER)
        return true;
    if (!t->has_said_full)
        log_line(LOG_WARN, "a TCP connection of %s is refused: %s have not authenticated yet",
                 ip_format(ip, text), is_full ? "256" : "16 of it");
    t->has_said_full = true;
    return false;
}

static uint32_t new_handle(struct loop_tcp *t)
{
    do
        t->last = (t->last + 1) & ~STREAM_OURS;
    while (!t->last || find(t, t->last));
    return t->last;
}

static void admit(struct loop_tcp *t, int fd, const struct endpoint *local, const struct endpoint *remote)
{
    char text[IP_TEXT_MAX];
    if (!has_room_for(t, remote->ip)) {
        sock_reset_tcp(fd);
        return;
    }
    struct peer_stream *s = add(t, new_handle(t), remote);
    limit(t, s, clock_mono() + FIRST_MESSAGE);
    log_line(LOG_DETAIL, "a TCP connection of %s", endpoint_format(remote, text));
    dataplane_stream_add(
        t->loop->dataplane,
        &(struct dataplane_stream){
            .handle = s->handle, .fd = fd, .local = *local, .remote = s->remote, .wary_max = t->max_packet});
}

static void on_listener(uv_poll_t *poll, int status, int events);

static void on_pause_over(uv_timer_t *timer)
{
    struct loop_tcp *t = timer->data;
    struct listener *l;
    list_each(l, &t->listeners, link) uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

/* Descriptors or memory are used up: the kernel would call again at once, and for ever. */
static void pause_listeners(struct loop_tcp *t, int err)
{
    struct listener *l;
    log_line(LOG_WARN, "TCP connections have to wait: %s", strerror(err));
    list_each(l, &t->listeners, link) uv_poll_stop(&l->poll);
    uv_timer_start(&t->pause, on_pause_over, PAUSE_MS, 0);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct listener *l = poll->data;
    (void)events;
    for (int i = 0; status >= 0 && i < ACCEPTS_MAX; i++) {
        struct endpoint local, remote;
        int fd = sock_accept_tcp(&l->sock, &local, &remote);
        if (fd >= 0) {
            admit(l->tcp, fd, &local, &remote);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
            pause_listeners(l->tcp, errno);
        if (errno != ECONNABORTED && errno != EINTR)
            return;
    }
}

static void on_listener_closed(uv_handle_t *h)
{
    struct listener *l = h->data;
    sock_close(&l->sock);
    free(l);
}

static void listener_close(struct listener *l)
{
    list_remove(&l->link);
    uv_close((uv_handle_t *)&l->poll, on_listener_closed);
}

static void listen_on(struct loop_tcp *t, uint8_t family, uint16_t port)
{
    struct diag d;
    char text[1024];
    struct listener *l;
    list_each(l, &t->listeners, link)
    {
        if (l->sock.family == family && l->sock.port == port)
            return;
    }
    l = calloc(1, sizeof(*l));
    if (!l)
        abort();
    diag_clear(&d);
    if (!sock_listen_tcp(&l->sock, family, port, &d)) {
        log_line(family == 4 ? LOG_ERR : LOG_NOTICE, "listen_tcp: %s", diag_format(&d, text, sizeof(text)));
        free(l);
        return;
    }
    l->tcp = t;
    l->poll.data = l;
    uv_poll_init(&t->loop->uv, &l->poll, l->sock.fd);
    uv_poll_start(&l->poll, UV_READABLE, on_listener);
    list_append(&t->listeners, &l->link);
    log_line(LOG_NOTICE, "IKE and ESP are taken on TCP port %u (IPv%u) too", port, family);
}

void loop_tcp_listen(struct loop_tcp *t, const struct settings *s)
{
    struct listener *l;
    t->max_packet = s->max_packet;
    t->half_open_timeout = s->half_open_timeout;
    list_each(l, &t->listeners, link)
    {
        bool is_wanted = false;
        for (unsigned i = 0; i < s->n_tcp_ports; i++)
            is_wanted |= s->tcp_ports[i] == l->sock.port;
        if (!is_wanted)
            listener_close(l);
    }
    for (unsigned i = 0; i < s->n_tcp_ports; i++) {
        listen_on(t, 4, s->tcp_ports[i]);
        if (t->loop->ike[1].sock.fd >= 0)
            listen_on(t, 6, s->tcp_ports[i]);
    }
}

/* ---- connecting */

static void fail(struct loop_tcp *t, struct peer_stream *s, int err)
{
    snprintf(s->why, sizeof(s->why), "%s", strerror(err));
    limit(t, s, 0); /* told from the loop, not from within a step */
    uv_timer_start(&t->timer, on_timer, 0, LOOK_EVERY_MS);
}

static void on_connected(uv_poll_t *poll, int status, int events)
{
    struct attempt *a = poll->data;
    struct loop_tcp *t = a->tcp;
    struct peer_stream *s = find(t, a->handle);
    struct endpoint local;
    (void)events;
    int err = status < 0 ? -status : sock_connected_tcp(a->fd, &local);
    int fd = a->fd;
    if (a->is_over || !s)
        return;
    if (!err)
        a->fd = -1;
    uv_poll_stop(&a->poll);
    attempt_close(a);
    s->attempt = NULL;
    if (err) {
        tell_down(t, s, strerror(err));
        return;
    }
    unlimit(t, s);
    dataplane_stream_add(
        t->loop->dataplane,
        &(struct dataplane_stream){.handle = s->handle, .fd = fd, .local = local, .remote = s->remote});
    loop_step(t->loop,
              &(struct input){
                  .kind = INPUT_STREAM, .stream = {.handle = s->handle, .is_up = true, .local = local}
    });
}

static void connect_to(struct loop_tcp *t, const struct action *a)
{
    struct peer_stream *s = add(t, a->stream.handle, &a->stream.remote);
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
    limit(t, s, clock_mono() + CONNECTING);
}

/* ---- what the engine and the data plane say */

static void keep(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = find(t, handle);
    if (!s || is_ours(s))
        return;
    unlimit(t, s);
    if (s->is_kept)
        return;
    s->is_kept = true;
    t->n_unproven--;
    dataplane_stream_trust(t->loop->dataplane, handle);
}

static void release(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = find(t, handle);
    if (!s)
        return;
    if (!is_ours(s)) { /* [RFC9329#6.1] the originator closes it; a few seconds later we do */
        limit(t, s, clock_mono() + EXTRANEOUS);
        return;
    }
    dataplane_stream_close(t->loop->dataplane, handle, true);
    forget(t, s);
}

void loop_tcp_do(struct loop_tcp *t, const struct action *a)
{
    if (a->kind == ACTION_STREAM_OPEN)
        connect_to(t, a);
    else if (a->kind == ACTION_STREAM_KEEP)
        keep(t, a->stream.handle);
    else
        release(t, a->stream.handle);
}

void loop_tcp_send(struct loop_tcp *t, uint32_t handle, struct span ike)
{
    const struct peer_stream *s = find(t, handle);
    if (s && !s->attempt && !s->why[0])
        dataplane_stream_send(t->loop->dataplane, handle, ike);
}

void loop_tcp_down(struct loop_tcp *t, uint32_t handle, const char *why)
{
    char text[IP_TEXT_MAX];
    struct peer_stream *s = find(t, handle);
    if (!s || s->attempt)
        return;
    log_line(LOG_DETAIL, "the TCP connection with %s has ended: %s", endpoint_format(&s->remote, text), why);
    tell_down(t, s, why);
}

/* Closes one that is there, for a reason of ours. */
static void give_up(struct loop_tcp *t, struct peer_stream *s, const char *why)
{
    char text[IP_TEXT_MAX];
    log_line(LOG_DETAIL, "closing the TCP connection with %s: %s", endpoint_format(&s->remote, text), why);
    if (!s->attempt)
        dataplane_stream_close(t->loop->dataplane, s->handle, false);
    tell_down(t, s, why);
}

void loop_tcp_bad(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = find(t, handle);
    if (s)
        give_up(t, s, "it brings nothing that an SA takes");
}

bool loop_tcp_heard(struct loop_tcp *t, uint32_t handle)
{
    struct peer_stream *s = find(t, handle);
    if (!s)
        return false;
    if (!s->has_spoken && s->until != TIME_NEVER)
        limit(t, s, s->until + t->half_open_timeout + GRACE - FIRST_MESSAGE);
    s->has_spoken = true;
    return true;
}

void loop_tcp_judge(struct loop_tcp *t, uint32_t handle, bool is_good)
{
    struct peer_stream *s = find(t, handle);
    if (!s)
        return;
    s->n_bad = is_good ? 0 : s->n_bad + 1;
    if (s->n_bad >= BAD_MAX)
        give_up(t, s, "nobody can read what it brings");
}

/* One at a time: a step may change the list. */
static bool give_up_one(struct loop_tcp *t, int64_t now)
{
    struct peer_stream *s;
    list_each(s, &t->limited, link)
    {
        if (s->until > now)
            continue;
        if (s->why[0])
            tell_down(t, s, s->why);
        else
            give_up(t, s,
                    s->attempt   ? "no answer"
                    : s->is_kept ? "nothing needs it any more"
                                 : "nobody has authenticated");
        return true;
    }
    return false;
}

static void on_timer(uv_timer_t *timer)
{
    struct loop_tcp *t = timer->data;
    int64_t now = clock_mono();
    while (give_up_one(t, now))
        ;
    t->has_said_full = t->has_said_full && t->n_unproven;
    if (list_empty(&t->limited))
        uv_timer_stop(&t->timer);
}

/* ---- start and end */

struct loop_tcp *loop_tcp_new(struct loop *l)
{
    struct loop_tcp *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->loop = l;
    list_init(&t->listeners);
    list_init(&t->limited);
    list_init(&t->kept);
    map_init(&t->by_handle);
    uv_timer_init(&l->uv, &t->timer);
    uv_timer_init(&l->uv, &t->pause);
    t->timer.data = t->pause.data = t;
    return t;
}

void loop_tcp_close(struct loop_tcp *t)
{
    struct listener *l;
    struct peer_stream *s;
    list_each(l, &t->listeners, link) listener_close(l);
    list_each(s, &t->limited, link) forget(t, s);
    list_each(s, &t->kept, link) forget(t, s);
    uv_close((uv_handle_t *)&t->timer, NULL);
    uv_close((uv_handle_t *)&t->pause, NULL);
}

void loop_tcp_free(struct loop_tcp *t)
{
    map_deinit(&t->by_handle);
    free(t);
}
