/* SPDX-License-Identifier: Apache-2.0 */
/* From the sockets to the TUN. NAT traversal sockets bring ESP, IKE behind a non-ESP marker, and keepalives
 * of one 0xff byte (RFC 3948 section 2), several datagrams of a flow in one message where the kernel joined
 * them (UDP_GRO); raw sockets bring ESP. A batch is opened where it lies, and what belongs to one flow goes
 * into the TUN in one write. */
#include "sys/dataplane_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGE        8192 /* a message beyond this is many datagrams */
#define WANTED_LARGE 4

void dataplane_in_init(struct incoming *in, const struct tun *tun)
{
    in->memory = malloc((size_t)IN_MESSAGES * BUFFER_STRIDE);
    if (!in->memory)
        abort();
    in->wanted = IN_MESSAGES;
    in->coalescer.has_tcp = tun->has_tcp;
    in->coalescer.has_udp = tun->has_udp;
}

void dataplane_in_deinit(struct incoming *in)
{
    free(in->memory);
}

/* ---- into the TUN */

static void write_super(struct dataplane *dp, const struct super *s)
{
    struct incoming *in = &dp->in;
    uint8_t header[TUN_HEADER];
    struct offload o;
    coalesce_finish(s, in->p, &o);
    tun_write_header(header, &o, in->p[s->first].data[0] >> 4);
    struct iovec iov[1 + ESP_BATCH] = {
        {header,               sizeof(header)     },
        {in->p[s->first].data, in->p[s->first].len}
    };
    uint8_t at = s->first;
    for (int i = 1; i < s->n; i++) {
        at = in->coalescer.next[at];
        iov[i + 1] = (struct iovec){in->p[at].data + s->header, in->p[at].len - s->header};
    }
    while (writev(dp->o.tun.fd, iov, s->n + 1) < 0 && errno == EINTR)
        ;
}

static void finish_batch(struct dataplane *dp, int64_t now)
{
    struct incoming *in = &dp->in;
    if (!in->n)
        return;
    esp_inbound(dp->esp, in->p, in->n, now);
    coalesce(&in->coalescer, in->p, in->n);
    for (size_t i = 0; i < in->coalescer.n; i++)
        write_super(dp, &in->coalescer.supers[i]);
    in->n = 0;
}

/* ---- from the sockets */

static uint8_t *buffer(const struct incoming *in, size_t i)
{
    return in->memory + i * BUFFER_STRIDE;
}

/* *more: the socket may have more. */
static size_t receive_batch(struct dataplane *dp, const struct sock *s, int64_t now, bool *more)
{
    struct incoming *in = &dp->in;
    for (size_t i = 0; i < in->wanted; i++) {
        in->iov[i] = (struct iovec){buffer(in, i), 65536};
        in->msgs[i].msg_hdr = (struct msghdr){.msg_name = &in->names[i],
                                              .msg_namelen = sizeof(in->names[i]),
                                              .msg_iov = &in->iov[i],
                                              .msg_iovlen = 1,
                                              .msg_control = in->control[i],
                                              .msg_controllen = SOCK_CONTROL};
    }
    int n = recvmmsg(s->fd, in->msgs, (unsigned)in->wanted, MSG_DONTWAIT, NULL);
    *more = n == (int)in->wanted;
    if (n <= 0)
        return 0;
    dp->has_traffic = true;
    in->wanted = in->msgs[n - 1].msg_len > LARGE ? WANTED_LARGE : IN_MESSAGES;
    dataplane_take_records(dp, now);
    return (size_t)n;
}

/* What message i brought, addresses and TOS included. *segment: bytes of each datagram in it but the last. */
static struct esp_packet received(struct incoming *in, size_t i, const struct sock *s, uint32_t *segment)
{
    struct esp_packet p = {.data = buffer(in, i), .len = in->msgs[i].msg_len, .has_encap = s->port != 0};
    *segment = p.len;
    sockaddr_to(&in->names[i], &p.remote);
    p.local.port = s->port;
    sock_get_control(&in->msgs[i].msg_hdr, &p.local.ip, &p.tos, segment);
    if (!s->port)
        p.remote.port = 0;
    return p;
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

static void take_datagram(struct dataplane *dp, const struct esp_packet *p, int64_t now)
{
    static const uint8_t marker[4];
    struct incoming *in = &dp->in;
    if (p->len < 4) /* a keepalive, or nothing */
        return;
    if (memcmp(p->data, marker, 4) == 0) {
        tell_ike(dp, p);
        return;
    }
    if (in->n == ESP_BATCH)
        finish_batch(dp, now);
    in->p[in->n++] = *p;
}

/* The datagrams of one message. They stay in one batch where they can: so they go on as one. */
static void take_message(struct dataplane *dp, struct esp_packet whole, uint32_t segment, int64_t now)
{
    size_t n = segment ? (whole.len + segment - 1) / segment : 0;
    if (n > ESP_BATCH - dp->in.n)
        finish_batch(dp, now);
    struct esp_packet one = whole;
    for (uint32_t at = 0; at < whole.len; at += segment) {
        one.data = whole.data + at;
        one.len = whole.len - at < segment ? whole.len - at : segment;
        take_datagram(dp, &one, now);
    }
}

bool dataplane_from_natt(struct dataplane *dp, const struct sock *s, int64_t now)
{
    bool more;
    size_t n = receive_batch(dp, s, now, &more);
    for (size_t i = 0; i < n; i++) {
        uint32_t segment;
        struct esp_packet p = received(&dp->in, i, s, &segment);
        take_message(dp, p, segment, now);
    }
    finish_batch(dp, now);
    return more;
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
    struct incoming *in = &dp->in;
    bool more;
    size_t n = receive_batch(dp, s, now, &more);
    for (size_t i = 0; i < n; i++) {
        uint32_t segment;
        struct esp_packet p = received(in, i, s, &segment);
        if (s->family == 6 || strip_ipv4(&p))
            in->p[in->n++] = p;
    }
    finish_batch(dp, now);
    return more;
}

void dataplane_read_errors(struct dataplane *dp, const struct sock *s, int64_t now)
{
    struct ip peer;
    uint32_t mtu;
    for (int budget = 64; budget && sock_next_too_big(s, &peer, &mtu); budget--)
        esp_path_mtu(dp->esp, peer, mtu, now);
}
