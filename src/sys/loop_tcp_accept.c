/* SPDX-License-Identifier: Apache-2.0 */
/* Listening for TCP connections and accepting them (RFC 9329 sections 5, 10): which ports, and how many that
 * have proved nothing are held, from one address and in all. See loop_tcp.h. */
#include "base/log.h"
#include "sys/clock.h"
#include "sys/loop_tcp_impl.h"
#include "sys/sock_tcp.h"
#include <errno.h>
#include <stdlib.h>

#define UNPROVEN_MAX      256
#define UNPROVEN_PER_PEER 16
#define PAUSE_MS          1000 /* of the listeners when there are no descriptors left */
#define ACCEPTS_MAX       32   /* before others get their turn */

struct listener {
    uv_poll_t poll;
    struct list link;
    struct loop_tcp *tcp;
    struct sock sock;
};

/* ---- accepting */

static unsigned unproven_from(const struct loop_tcp *t, struct ip ip)
{
    const struct peer_stream *s;
    unsigned n = 0;
    list_each(s, &t->limited, link) n += !peer_stream_is_ours(s) && !s->is_kept && ip_equal(s->remote.ip, ip);
    return n;
}

/* Who holds places for nothing shall keep nobody out: the one that has brought nothing for the longest goes.
 */
static void make_room(struct loop_tcp *t)
{
    struct peer_stream *s;
    list_each(s, &t->limited, link)
    {
        if (peer_stream_is_ours(s) || s->is_kept)
            continue;
        loop_tcp_give_up(t, s, "others want its place");
        return;
    }
}

static bool has_room_for(struct loop_tcp *t, struct ip ip)
{
    char text[IP_TEXT_MAX];
    if (unproven_from(t, ip) < UNPROVEN_PER_PEER)
        return true;
    if (!t->has_said_full)
        log_line(GROUP_NET, LOG_WARN,
                 "a TCP connection of %s is refused: 16 of it have not authenticated yet",
                 ip_format(ip, text));
    t->has_said_full = true;
    return false;
}

static uint32_t new_handle(struct loop_tcp *t)
{
    do
        t->last = (t->last + 1) & ~STREAM_OURS;
    while (!t->last || loop_tcp_find(t, t->last));
    return t->last;
}

static void admit(struct loop_tcp *t, int fd, const struct endpoint *local, const struct endpoint *remote)
{
    char text[IP_TEXT_MAX];
    if (!has_room_for(t, remote->ip)) {
        sock_reset_tcp(fd);
        return;
    }
    if (t->n_unproven >= UNPROVEN_MAX)
        make_room(t);
    struct peer_stream *s = loop_tcp_add(t, new_handle(t), remote);
    loop_tcp_limit(t, s, clock_mono() + LOOP_TCP_FIRST_MESSAGE);
    log_line(GROUP_NET, LOG_DETAIL, "a TCP connection of %s", endpoint_format(remote, text));
    dataplane_stream_add(
        t->loop->dataplane,
        &(struct dataplane_stream){
            .handle = s->handle, .fd = fd, .local = *local, .remote = s->remote, .wary_max = t->max_packet});
}

static void on_listener(uv_poll_t *poll, int status, int events);

void loop_tcp_accept_again(uv_timer_t *timer)
{
    struct loop_tcp *t = timer->data;
    struct listener *l;
    list_each(l, &t->listeners, link) uv_poll_start(&l->poll, UV_READABLE, on_listener);
}

/* Descriptors or memory are used up: the kernel would call again at once, and for ever. */
static void pause_listeners(struct loop_tcp *t, int err)
{
    struct listener *l;
    log_line(GROUP_NET, LOG_WARN, "TCP connections have to wait: %s", strerror(err));
    list_each(l, &t->listeners, link) uv_poll_stop(&l->poll);
    uv_timer_start(&t->pause, loop_tcp_accept_again, PAUSE_MS, 0);
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
        log_line(GROUP_CFG, family == 4 ? LOG_ERR : LOG_NOTICE, "listen_tcp: %s",
                 diag_format(&d, text, sizeof(text)));
        free(l);
        return;
    }
    l->tcp = t;
    l->poll.data = l;
    uv_poll_init(&t->loop->uv, &l->poll, l->sock.fd);
    uv_poll_start(&l->poll, UV_READABLE, on_listener);
    list_append(&t->listeners, &l->link);
    log_line(GROUP_CFG, LOG_NOTICE, "IKE and ESP are taken on TCP port %u (IPv%u) too", port, family);
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
    if (s->n_tcp_ports && !t->loop->dataplane)
        log_line(
            GROUP_CFG, LOG_WARN,
            "tcp_ports: nothing is taken there, as dataplane = kernel: the kernel has no ESP in TCP. Try: "
            "dataplane = auto");
    for (unsigned i = 0; t->loop->dataplane && i < s->n_tcp_ports; i++) {
        listen_on(t, 4, s->tcp_ports[i]);
        if (t->loop->ike[1].sock.fd >= 0)
            listen_on(t, 6, s->tcp_ports[i]);
    }
}

void loop_tcp_close_listeners(struct loop_tcp *t)
{
    struct listener *l;
    list_each(l, &t->listeners, link) listener_close(l);
}
