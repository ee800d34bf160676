/* SPDX-License-Identifier: Apache-2.0 */
/* The control loop's sockets: IKE's port, single connections' ports, and its share of the NAT traversal port.
 * There a program in the kernel (steer.h) brings IKE here and ESP to the data plane; where the kernel lacks
 * that, or where it joined datagrams of both kinds into one message, ESP is passed on from here. */
#include "sys/loop_impl.h"
#include <errno.h>
#include <string.h>

#define DATAGRAMS_MAX 64 /* from one socket before the others get their turn */

static void take_datagram(struct udp_watch *w, const struct endpoint *local, const struct endpoint *remote,
                          uint8_t tos, struct span bytes)
{
    static const uint8_t marker[4];
    struct input in = {
        .kind = INPUT_DATAGRAM, .datagram = {.local = *local, .remote = *remote}
    };
    in.datagram.is_natt = w->is_natt;
    in.datagram.bytes = bytes;
    if (w->is_natt) {
        if (bytes.len < sizeof(marker)) /* a keepalive [RFC3948#2.3], or nothing */
            return;
        if (memcmp(bytes.ptr, marker, sizeof(marker)) != 0) {
            if (w->loop->dataplane)
                dataplane_stray(w->loop->dataplane, local, remote, tos, bytes);
            return;
        }
        in.datagram.bytes = span_of(bytes.ptr + sizeof(marker), bytes.len - sizeof(marker));
    }
    loop_step(w->loop, &in);
}

static void take_error(const struct udp_watch *w, const struct sock_error *e)
{
    struct input in = {
        .kind = INPUT_ICMP, .icmp = {.to = e->to, .from = e->from, .why = strerror(e->err)}
    };
    if (e->err == EMSGSIZE && w->is_natt && w->loop->dataplane)
        dataplane_path_mtu(w->loop->dataplane, e->to.ip, e->mtu);
    else if (e->err != EMSGSIZE && e->from.family && w->loop->engine)
        loop_step(w->loop, &in);
}

static void read_errors(const struct udp_watch *w)
{
    struct sock_error e;
    for (int budget = DATAGRAMS_MAX; budget && sock_next_error(&w->sock, &e); budget--)
        take_error(w, &e);
}

static void on_socket(uv_poll_t *poll, int status, int events)
{
    (void)events;
    struct udp_watch *w = poll->data;
    static uint8_t buf[65536];
    struct sock_info info;
    struct endpoint remote;
    size_t len;
    read_errors(w);
    /* libuv stops watching a socket that has an ICMP error to tell of: some peer's port was shut */
    if (status < 0)
        uv_poll_start(poll, UV_READABLE, on_socket);
    for (int i = 0; i < DATAGRAMS_MAX; i++) {
        if (!sock_receive(&w->sock, buf, sizeof(buf), &len, &remote, &info))
            return;
        struct endpoint local = {.ip = info.local, .port = w->sock.port};
        size_t at = 0;
        do {
            size_t one = len - at < info.segment ? len - at : info.segment;
            take_datagram(w, &local, &remote, info.tos, span_of(buf + at, one));
            at += one;
        } while (at < len);
    }
}

void loop_watch_socket(struct loop *l, struct udp_watch *w)
{
    w->loop = l;
    uv_poll_init(&l->uv, &w->poll, w->sock.fd);
    w->poll.data = w;
    uv_poll_start(&w->poll, UV_READABLE, on_socket);
}

bool loop_send_natt(struct loop *l, struct ip local, const struct endpoint *remote, uint8_t tos,
                    struct span prefix, struct span bytes)
{
    const struct sock *s = &l->natt[remote->ip.family == 4 ? 0 : 1].sock;
    return s->fd >= 0 && sock_send(s, local, remote, tos, prefix, bytes);
}
