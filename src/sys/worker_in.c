/* SPDX-License-Identifier: Apache-2.0 */
/* From the sockets to the TUN. NAT traversal sockets bring ESP, IKE behind a non-ESP marker, and keepalives
 * of one 0xff byte (RFC 3948 section 2), several datagrams of a flow in one message where the kernel joined
 * them (UDP_GRO); rings on the link and raw sockets bring ESP. A batch is opened where it lies, and what
 * belongs to one flow goes into the TUN in one write. */
#include "esp/ah.h"
#include "sys/steer.h"
#include "sys/worker.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define LARGE        8192 /* a message beyond this is many datagrams */
#define WANTED_LARGE 4

void incoming_init(struct incoming *in, const struct tun *tun)
{
    in->memory = malloc((size_t)IN_MESSAGES * BUFFER_STRIDE);
    if (!in->memory)
        abort();
    in->wanted = IN_MESSAGES;
    in->coalescer.has_tcp = tun->has_tcp;
    in->coalescer.has_udp = tun->has_udp;
}

void incoming_deinit(struct incoming *in)
{
    free(in->memory);
}

/* ---- into the TUN */

static void write_super(struct worker *w, const struct super *s)
{
    struct incoming *in = &w->in;
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
    while (writev(w->tun, iov, s->n + 1) < 0) {
        if (errno == EINTR)
            continue;
        esp_count_drop(w->esp, DROP_TUN, s->n);
        return;
    }
}

void worker_open_batch(struct worker *w, int64_t now)
{
    struct incoming *in = &w->in;
    if (!in->n)
        return;
    esp_inbound(w->esp, in->p, in->n, now);
    for (size_t i = 0; i < in->n; i++) {
        if (in->p[i].verdict == ESP_DROP && in->p[i].drop == DROP_UNKNOWN_SPI)
            early_keep(&w->early, &in->p[i], now);
    }
    coalesce(&in->coalescer, in->p, in->n);
    for (size_t i = 0; i < in->coalescer.n; i++)
        write_super(w, &in->coalescer.supers[i]);
    for (size_t i = 0; in->has_streams && i < in->n; i++) {
        if (in->p[i].remote.stream)
            worker_tcp_judge(w, &in->p[i]);
    }
    in->has_streams = false;
    in->n = 0;
}

void worker_open_early(struct worker *w, int64_t now)
{
    const struct esp_packet *p;
    while (w->early.has_due && (p = early_next(&w->early))) {
        esp_count_drop(w->esp, DROP_UNKNOWN_SPI, -1ull); /* it was not, after all */
        worker_take_esp(w, p, now);
    }
    worker_open_batch(w, now);
}

/* ---- from the sockets */

static uint8_t *buffer(const struct incoming *in, size_t i)
{
    return in->memory + i * BUFFER_STRIDE;
}

/* *more: the socket may have more. */
static size_t receive_batch(struct worker *w, const struct source *s, int64_t now, bool *more)
{
    struct incoming *in = &w->in;
    size_t room = s->is_ah ? AHPATH_ROOM : 0;
    for (size_t i = 0; i < in->wanted; i++) {
        in->iov[i] = (struct iovec){buffer(in, i) + room, 65536 - room};
        in->msgs[i].msg_hdr = (struct msghdr){.msg_name = &in->names[i],
                                              .msg_namelen = sizeof(in->names[i]),
                                              .msg_iov = &in->iov[i],
                                              .msg_iovlen = 1,
                                              .msg_control = in->control[i],
                                              .msg_controllen = SOCK_CONTROL};
    }
    int n = recvmmsg(s->sock.fd, in->msgs, (unsigned)in->wanted, MSG_DONTWAIT, NULL);
    *more = n == (int)in->wanted;
    if (n <= 0)
        return 0;
    w->has_traffic = true;
    in->wanted = in->msgs[n - 1].msg_len > LARGE ? WANTED_LARGE : IN_MESSAGES;
    worker_take_records(w, now);
    return (size_t)n;
}

/* What message i brought, addresses and TOS included. *segment: bytes of each datagram in it but the last. */
static struct esp_packet received(struct worker *w, size_t i, struct source *s, uint32_t *segment)
{
    struct incoming *in = &w->in;
    struct esp_packet p = {
        .data = in->iov[i].iov_base, .len = in->msgs[i].msg_len, .has_encap = s->sock.port != 0};
    struct sock_info info = {.segment = p.len};
    sockaddr_to(&in->names[i], &p.remote);
    sock_get_control(&in->msgs[i].msg_hdr, &info);
    if (info.lost && info.lost != s->lost) {
        esp_count_drop(w->esp, DROP_QUEUE_FULL, info.lost - s->lost);
        s->lost = info.lost;
    }
    p.local = (struct endpoint){.ip = info.local, .port = s->sock.port};
    p.tos = info.tos;
    *segment = info.segment;
    if (!s->sock.port)
        p.remote.port = 0;
    return p;
}

static void tell_ike(struct worker *w, const struct esp_packet *p)
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
    worker_tell(w, m); /* no room: lost like any datagram */
}

/* To the worker that owns the SA whose SPI ends so: that holds what steers. True when it is another one. */
static bool pass_on(struct worker *w, const struct esp_packet *p, uint8_t spi_end)
{
    uint8_t *bytes;
    if (w->dp->n == 1)
        return false;
    unsigned to = steer_worker(spi_end, w->dp->n);
    if (to == w->index)
        return false;
    uint32_t tail = p->is_ah ? AH_TAIL : 0;
    struct parcel_packet *one = worker_hand_over(w, to, PARCEL_IN, p->len + tail, &bytes);
    if (!one)
        esp_count_drop(w->esp, DROP_BUSY_IN, 1);
    else {
        one->from.local = p->local;
        one->from.remote = p->remote;
        one->from.tos = p->tos;
        one->from.has_encap = p->has_encap;
        one->from.is_ah = p->is_ah;
        memcpy(bytes, p->data, p->len);
    }
    return true;
}

static void take(struct worker *w, const struct esp_packet *p, uint8_t spi_end, int64_t now)
{
    struct incoming *in = &w->in;
    if (pass_on(w, p, spi_end))
        return;
    if (in->n == ESP_BATCH)
        worker_open_batch(w, now);
    in->has_streams |= p->remote.stream != 0;
    in->p[in->n++] = *p;
}

void worker_take_esp(struct worker *w, const struct esp_packet *p, int64_t now)
{
    take(w, p, p->len < 4 ? 0 : p->data[3], now);
}

void worker_open_parcel(struct worker *w, struct parcel *p, int64_t now)
{
    struct incoming *in = &w->in;
    for (size_t i = 0; i < p->n; i++) {
        const struct parcel_packet *one = &p->packets[i];
        in->has_streams |= one->from.remote.stream != 0;
        in->p[in->n++] = (struct esp_packet){.data = p->bytes + one->at,
                                             .len = one->len - (one->from.is_ah ? AH_TAIL : 0),
                                             .local = one->from.local,
                                             .remote = one->from.remote,
                                             .tos = one->from.tos,
                                             .has_encap = one->from.has_encap,
                                             .is_ah = one->from.is_ah};
    }
    worker_open_batch(w, now);
}

static void take_datagram(struct worker *w, const struct esp_packet *p, int64_t now)
{
    static const uint8_t marker[4];
    if (p->len < 4) /* a keepalive, or nothing */
        return;
    if (memcmp(p->data, marker, 4) == 0) {
        tell_ike(w, p);
        return;
    }
    worker_take_esp(w, p, now);
}

/* The datagrams of one message. They stay in one batch where they can: so they go on as one. */
static void take_message(struct worker *w, struct esp_packet whole, uint32_t segment, int64_t now)
{
    size_t n = segment ? (whole.len + segment - 1) / segment : 0;
    if (n > ESP_BATCH - w->in.n)
        worker_open_batch(w, now);
    struct esp_packet one = whole;
    for (uint32_t at = 0; at < whole.len; at += segment) {
        one.data = whole.data + at;
        one.len = whole.len - at < segment ? whole.len - at : segment;
        take_datagram(w, &one, now);
    }
}

bool worker_from_natt(struct worker *w, struct source *s, int64_t now)
{
    bool more;
    size_t n = receive_batch(w, s, now, &more);
    for (size_t i = 0; i < n; i++) {
        uint32_t segment;
        struct esp_packet p = received(w, i, s, &segment);
        take_message(w, p, segment, now);
    }
    worker_open_batch(w, now);
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

bool worker_from_raw(struct worker *w, struct source *s, int64_t now)
{
    bool more;
    size_t n = receive_batch(w, s, now, &more);
    for (size_t i = 0; i < n; i++) {
        uint32_t segment;
        struct esp_packet p = received(w, i, s, &segment);
        if (s->sock.family == 6 || strip_ipv4(&p))
            worker_take_esp(w, &p, now);
    }
    worker_open_batch(w, now);
    return more;
}

bool worker_from_ah(struct worker *w, struct source *s, int64_t now)
{
    bool more;
    size_t n = receive_batch(w, s, now, &more);
    for (size_t i = 0; i < n; i++) {
        uint32_t segment;
        struct esp_packet p = received(w, i, s, &segment);
        bool is_whole = ahpath_received(&p, s->sock.family, &w->in.msgs[i].msg_hdr);
        uint32_t at = is_whole ? ah_find(span_of(p.data, p.len)) : 0;
        if (at)
            take(w, &p, p.data[at + 7], now);
        else
            esp_count_drop(w->esp, DROP_SHORT, 1);
    }
    worker_open_batch(w, now);
    return more;
}

/* One batch: worker_take_esp() works on nothing before it is full. */
bool worker_from_ring(struct worker *w, struct linkring *r, int64_t now)
{
    struct linkring_packet one;
    size_t n = 0;
    for (; n < ESP_BATCH && linkring_next(r, &one); n++) {
        struct esp_packet p = {
            .data = one.data, .len = one.len, .tos = one.tos, .local.ip = one.local, .remote.ip = one.remote};
        worker_take_esp(w, &p, now);
    }
    if (n) {
        w->has_traffic = true;
        worker_take_records(w, now);
        worker_open_batch(w, now);
    }
    linkring_release(r);
    return n == ESP_BATCH;
}
