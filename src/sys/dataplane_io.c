/* SPDX-License-Identifier: Apache-2.0 */
/* Batches in and out of the kernel: TUN, NAT traversal sockets (RFC 3948 section 2: a non-ESP marker means
 * IKE, one 0xff byte is a keepalive) and raw ESP sockets. */
#include "sys/dataplane_impl.h"
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

void dataplane_batch_init(struct batch *b)
{
    b->memory = malloc((size_t)ESP_BATCH * BUFFER_STRIDE);
    if (!b->memory)
        abort();
}

static uint8_t *buffer(const struct batch *b, size_t i)
{
    return b->memory + i * BUFFER_STRIDE + ESP_HEADROOM;
}

/* ---- outbound */

/* The socket for a sealed packet. DF on the shared NAT traversal socket is a state that is switched when it
 * changes, which is rare; raw sockets come in pairs. */
static struct sock *socket_for(struct dataplane *dp, const struct esp_packet *p)
{
    bool is4 = p->remote.ip.family == 4;
    if (p->has_encap)
        return is4 ? &dp->o.natt4 : &dp->o.natt6;
    if (is4)
        return p->has_df ? &dp->esp4_df : &dp->o.esp4;
    return p->has_df ? &dp->esp6_df : &dp->o.esp6;
}

static void wait_writable(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLOUT};
    poll(&f, 1, 5);
}

/* Sends msgs [from, to), skipping what the kernel refuses: an error is about the first packet not sent, or
 * about an earlier one's ICMP, which the error queue explains. */
static void send_run(struct dataplane *dp, const struct sock *s, size_t from, size_t to)
{
    struct batch *b = &dp->out;
    unsigned retries = 0;
    while (from < to) {
        int n = sendmmsg(s->fd, b->msgs + from, (unsigned)(to - from), 0);
        if (n > 0) {
            from += (size_t)n;
            retries = 0;
            continue;
        }
        if (n < 0 && errno == EAGAIN)
            wait_writable(s->fd);
        if (n < 0 && errno == EINTR)
            continue;
        if (++retries > 1 || errno == EMSGSIZE) {
            from++;
            retries = 0;
        }
    }
}

static void fill_message(struct batch *b, size_t at, struct esp_packet *p)
{
    struct msghdr *m = &b->msgs[at].msg_hdr;
    struct endpoint to = p->remote;
    if (!p->has_encap)
        to.port = 0;
    b->iov[at] = (struct iovec){p->data, p->len};
    *m = (struct msghdr){.msg_name = &b->names[at], .msg_iov = &b->iov[at], .msg_iovlen = 1};
    m->msg_namelen = sockaddr_from(&to, &b->names[at]);
    sock_put_control(m, b->control[at], p->local.ip, p->tos);
}

static void send_batch(struct dataplane *dp)
{
    struct batch *b = &dp->out;
    struct sock *s = NULL;
    size_t n = 0, from = 0;
    for (size_t i = 0; i < b->n; i++) {
        struct esp_packet *p = &b->p[i];
        if (p->verdict != ESP_FORWARD)
            continue;
        struct sock *to = socket_for(dp, p);
        if (to->fd < 0)
            continue;
        if (s && (to != s || s->is_df_set != p->has_df)) {
            send_run(dp, s, from, n);
            from = n;
        }
        s = to;
        sock_set_df(s, p->has_df);
        fill_message(b, n++, p);
    }
    if (s)
        send_run(dp, s, from, n);
}

/* A packet back into the stack: the zeroed virtio header goes into the headroom before it. */
static void write_tun(struct dataplane *dp, struct esp_packet *p)
{
    uint8_t *at = p->data - TUN_HEADER;
    memset(at, 0, TUN_HEADER);
    while (write(dp->o.tun.fd, at, p->len + TUN_HEADER) < 0 && errno == EINTR)
        ;
}

bool dataplane_from_tun(struct dataplane *dp, int64_t now)
{
    struct batch *b = &dp->out;
    for (b->n = 0; b->n < ESP_BATCH; b->n++) {
        uint8_t *data = buffer(b, b->n);
        ssize_t n = read(dp->o.tun.fd, data - TUN_HEADER, 65536 + TUN_HEADER);
        if (n <= TUN_HEADER)
            break;
        b->p[b->n] = (struct esp_packet){.data = data, .len = (uint32_t)(n - TUN_HEADER)};
    }
    if (!b->n)
        return false;
    dataplane_take_records(dp, now);
    esp_outbound(dp->esp, b->p, b->n, now);
    send_batch(dp);
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i].verdict == ESP_ICMP_BACK)
            write_tun(dp, &b->p[i]);
    }
    return true;
}

/* ---- inbound */

static size_t receive_batch(struct batch *b, const struct sock *s)
{
    for (size_t i = 0; i < ESP_BATCH; i++) {
        b->iov[i] = (struct iovec){buffer(b, i), 65536};
        b->msgs[i].msg_hdr = (struct msghdr){.msg_name = &b->names[i],
                                             .msg_namelen = sizeof(b->names[i]),
                                             .msg_iov = &b->iov[i],
                                             .msg_iovlen = 1,
                                             .msg_control = b->control[i],
                                             .msg_controllen = SOCK_CONTROL};
    }
    int n = recvmmsg(s->fd, b->msgs, ESP_BATCH, MSG_DONTWAIT, NULL);
    return n > 0 ? (size_t)n : 0;
}

/* What message i brought, addresses and TOS included. */
static struct esp_packet received(struct batch *b, size_t i, const struct sock *s)
{
    struct esp_packet p = {.data = buffer(b, i), .len = b->msgs[i].msg_len, .has_encap = s->port != 0};
    sockaddr_to(&b->names[i], &p.remote);
    p.local.port = s->port;
    sock_get_control(&b->msgs[i].msg_hdr, &p.local.ip, &p.tos);
    if (!s->port)
        p.remote.port = 0;
    return p;
}

static void open_batch(struct dataplane *dp, int64_t now)
{
    struct batch *b = &dp->in;
    dataplane_take_records(dp, now);
    if (!b->n)
        return;
    esp_inbound(dp->esp, b->p, b->n, now);
    for (size_t i = 0; i < b->n; i++) {
        if (b->p[i].verdict == ESP_FORWARD)
            write_tun(dp, &b->p[i]);
    }
}

static void tell_ike(struct dataplane *dp, const struct esp_packet *p)
{
    size_t len = p->len - 4;
    struct dataplane_message *m = malloc(sizeof(*m) + len);
    if (!m)
        abort();
    m->kind = DATAPLANE_IKE;
    m->ike.local = p->local;
    m->ike.remote = p->remote;
    m->ike.len = len;
    memcpy(m->bytes, p->data + 4, len);
    dataplane_tell(dp, m); /* no room: lost like any datagram */
}

bool dataplane_from_natt(struct dataplane *dp, const struct sock *s, int64_t now)
{
    static const uint8_t marker[4];
    struct batch *b = &dp->in;
    size_t n = receive_batch(b, s);
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct esp_packet p = received(b, i, s);
        if (p.len < 4) /* a keepalive, or nothing */
            continue;
        if (memcmp(p.data, marker, 4) == 0)
            tell_ike(dp, &p);
        else
            b->p[b->n++] = p;
    }
    open_batch(dp, now);
    return n > 0;
}

/* A raw IPv4 socket gives the outer header too. */
static bool strip_ipv4(struct esp_packet *p)
{
    if (p->len < 20)
        return false;
    uint32_t header = (uint32_t)(p->data[0] & 15) * 4;
    if (header < 20 || header > p->len)
        return false;
    p->tos = p->data[1];
    ip_from_bytes(span_of(p->data + 16, 4), &p->local.ip);
    p->data += header;
    p->len -= header;
    return true;
}

bool dataplane_from_raw(struct dataplane *dp, const struct sock *s, int64_t now)
{
    struct batch *b = &dp->in;
    size_t n = receive_batch(b, s);
    b->n = 0;
    for (size_t i = 0; i < n; i++) {
        struct esp_packet p = received(b, i, s);
        if (s->family == 6 || strip_ipv4(&p))
            b->p[b->n++] = p;
    }
    open_batch(dp, now);
    return n > 0;
}

void dataplane_read_errors(struct dataplane *dp, const struct sock *s, int64_t now)
{
    struct ip peer;
    uint32_t mtu;
    for (int budget = 64; budget && sock_next_too_big(s, &peer, &mtu); budget--)
        esp_path_mtu(dp->esp, peer, mtu, now);
}
