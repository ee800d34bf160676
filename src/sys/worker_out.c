/* SPDX-License-Identifier: Apache-2.0 */
/* From the TUN to the sockets. Super-packets are cut into a batch, the batch is sealed in place, and packets
 * in a row that differ in nothing but their bytes leave as one message, which the kernel or the network card
 * cuts (UDP_SEGMENT). Nothing waits: what one look at the TUN gave is what leaves. */
#include "esp/segment.h"
#include "sys/steer.h"
#include "sys/worker.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/uio.h>
#include <unistd.h>

#define MESSAGE_MAX   65507 /* bytes in one message: the largest UDP payload of IPv4 */
#define MESSAGE_COUNT 64    /* datagrams in one message: the limit of kernels before 6.9 */
#define WHOLE_FOR     TIME_SECOND

void outgoing_init(struct outgoing *o)
{
    o->source = malloc(TUN_HEADER + TUN_PACKET_MAX);
    o->room = malloc(OUT_ROOM);
    if (!o->source || !o->room)
        abort();
}

void outgoing_deinit(struct outgoing *o)
{
    free(o->source);
    free(o->room);
}

/* ---- sending */

/* The socket for a sealed packet. DF on a NAT traversal socket is a state that is switched when it changes,
 * which is rare; raw sockets come in pairs. */
static struct sock *socket_for(struct worker *w, const struct esp_packet *p)
{
    bool is4 = p->remote.ip.family == 4;
    struct dataplane *dp = w->dp;
    if (p->has_encap)
        return is4 ? &w->natt4.sock : &w->natt6.sock;
    if (p->is_ah && is4)
        return p->has_df ? &dp->ah4_df.sock : &dp->ah4.sock;
    if (p->is_ah)
        return p->has_df ? &dp->ah6_df.sock : &dp->ah6.sock;
    if (is4)
        return p->has_df ? &dp->esp4_df.sock : &dp->o.esp4;
    return p->has_df ? &dp->esp6_df.sock : &dp->o.esp6;
}

static void wait_writable(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLOUT};
    poll(&f, 1, 5);
}

/* The path's limit is below the segments, its card computes no checksums, or the kernel is old. */
static bool is_refusal(int err)
{
    return err == EMSGSIZE || err == EINVAL || err == EIO || err == EOPNOTSUPP;
}

/* The packets of a refused message one by one; so ICMP and the error queue say which is too big. */
static void send_singly(struct worker *w, const struct sock *s, size_t at, int err, int64_t now)
{
    struct outgoing *o = &w->out;
    const struct out_message *out = &o->out[at];
    struct msghdr m = o->msgs[at].msg_hdr;
    struct iovec *iov = m.msg_iov;
    size_t sent = 0;
    sock_put_control(&m, o->control[at], out->first->local.ip, out->first->tos, 0);
    m.msg_iovlen = 1;
    for (size_t i = 0; i < out->n; i++) {
        m.msg_iov = &iov[i];
        for (int tries = 0; tries < 3; tries++) {
            if (sendmsg(s->fd, &m, 0) >= 0) {
                sent++;
                break;
            }
            if (errno == EAGAIN)
                wait_writable(s->fd);
            if (errno == EMSGSIZE)
                break;
        }
    }
    esp_count_drop(w->esp, DROP_NOT_SENT, out->n - sent);
    o->refuser = out->first->remote;
    o->whole_until = now + WHOLE_FOR;
    if (!sent || o->has_said_so)
        return;
    char text[120];
    snprintf(text, sizeof(text), "a path refuses UDP_SEGMENT (%s): ESP leaves one by one there",
             strerror(err));
    worker_note(w, text);
    o->has_said_so = true;
}

/* Sends msgs [from, to), skipping what the kernel refuses: an error is about the first message not sent, or
 * about an earlier one's ICMP, which the error queue explains. */
static void send_run(struct worker *w, const struct sock *s, size_t from, size_t to, int64_t now)
{
    struct outgoing *o = &w->out;
    unsigned retries = 0;
    while (from < to) {
        int n = sendmmsg(s->fd, o->msgs + from, (unsigned)(to - from), 0);
        if (n > 0) {
            from += (size_t)n;
            retries = 0;
            continue;
        }
        int err = n < 0 ? errno : 0;
        if (err == EAGAIN)
            wait_writable(s->fd);
        if (err == EINTR)
            continue;
        bool is_joined = o->out[from].n > 1;
        if (err == EMSGSIZE && ahpath_send_fragments(s, o->out[from].first)) {
            from++;
            retries = 0;
            continue;
        }
        if (++retries <= 1 && (is_joined || !is_refusal(err)))
            continue;
        if (is_joined && is_refusal(err))
            send_singly(w, s, from, err, now);
        else
            esp_count_drop(w->esp, DROP_NOT_SENT, o->out[from].n);
        from++;
        retries = 0;
    }
}

static bool is_same_way(const struct esp_packet *a, const struct esp_packet *p)
{
    return p->tos == a->tos && endpoint_equal(&p->remote, &a->remote) && endpoint_equal(&p->local, &a->local);
}

/* May p leave in the same message as the packet before it, which was sent? All but the last are of one size.
 */
static bool joins(const struct out_message *m, const struct iovec *iov, const struct esp_packet *p)
{
    const struct esp_packet *a = m->first;
    bool is_train = p->follows && (p - 1)->verdict == ESP_FORWARD;
    return p->has_encap && m->n < MESSAGE_COUNT && iov[m->n - 1].iov_len == a->len && p->len <= a->len &&
           (m->n + 1) * a->len <= MESSAGE_MAX && (is_train || is_same_way(a, p));
}

/* Did this peer's path refuse segments a moment ago? */
static bool is_whole(const struct outgoing *o, const struct esp_packet *p, int64_t now)
{
    return now < o->whole_until && endpoint_equal(&p->remote, &o->refuser);
}

static void close_message(struct outgoing *o, size_t at)
{
    struct msghdr *m = &o->msgs[at].msg_hdr;
    const struct esp_packet *p = o->out[at].first;
    struct endpoint to = p->remote;
    if (!p->has_encap)
        to.port = 0;
    m->msg_name = &o->names[at];
    m->msg_namelen = sockaddr_from(&to, &o->names[at]);
    m->msg_iovlen = o->out[at].n;
    sock_put_control(m, o->control[at], p->local.ip, p->tos, o->out[at].n > 1 ? (uint16_t)p->len : 0);
}

static void send_closed(struct worker *w, const struct sock *s, size_t from, size_t to, int64_t now)
{
    for (size_t i = from; i < to; i++)
        close_message(&w->out, i);
    send_run(w, s, from, to, now);
}

/* Sends what the link has been given; what it refuses leaves through raw sockets. */
static void flush_link(struct worker *w)
{
    size_t lost = 0;
    struct esp_packet *p;
    while ((p = linksend_flush(w->link, &lost))) {
        struct endpoint to = {.ip = p->remote.ip};
        const struct sock *s = socket_for(w, p);
        if (s->fd < 0 || !sock_send(s, p->local.ip, &to, p->tos, (struct span){0}, span_of(p->data, p->len)))
            lost++;
    }
    esp_count_drop(w->esp, DROP_NOT_SENT, lost);
}

static void send_batch(struct worker *w, int64_t now)
{
    struct outgoing *o = &w->out;
    struct sock *s = NULL;
    bool uses_link = w->link && linkpath_is_on(w->dp->linkpath), is_link_open = false;
    size_t n = 0, from = 0, used = 0;
    if (uses_link)
        linksend_begin(w->link, now);
    for (size_t i = 0; i < o->n; i++) {
        struct esp_packet *p = &o->p[i];
        if (p->verdict != ESP_FORWARD)
            continue;
        if (p->remote.stream) { /* its order with other ways does not matter: an SA has one */
            worker_tcp_send(w, p);
            continue;
        }
        if (uses_link && !p->is_ah &&
            linksend_add(w->link, p, now)) { /* one way after the other keeps the order */
            if (s)
                send_closed(w, s, from, n, now);
            from = n;
            s = NULL;
            is_link_open = true;
            continue;
        }
        if (is_link_open)
            flush_link(w);
        is_link_open = false;
        struct sock *to = socket_for(w, p);
        if (to->fd < 0) {
            esp_count_drop(w->esp, DROP_NOT_SENT, 1);
            continue;
        }
        if (s && (to != s || s->is_df_set != p->has_df)) {
            send_closed(w, s, from, n, now);
            from = n;
        }
        s = to;
        sock_set_df(s, p->has_df);
        struct span bytes = p->is_ah ? ahpath_sent(p) : span_of(p->data, p->len);
        o->iov[used] = (struct iovec){(void *)bytes.ptr, bytes.len};
        if (n > from && joins(&o->out[n - 1], o->msgs[n - 1].msg_hdr.msg_iov, p) && !is_whole(o, p, now)) {
            o->out[n - 1].n++;
        } else {
            o->out[n] = (struct out_message){.first = p, .n = 1};
            o->msgs[n++].msg_hdr = (struct msghdr){.msg_iov = &o->iov[used]};
        }
        used++;
    }
    if (s)
        send_closed(w, s, from, n, now);
    if (is_link_open)
        flush_link(w);
    worker_tcp_flush(w);
}

/* ---- batches */

static void write_back(struct worker *w, const struct esp_packet *p)
{
    uint8_t header[TUN_HEADER] = {0};
    struct iovec iov[] = {
        {header,  sizeof(header)},
        {p->data, p->len        }
    };
    while (writev(w->tun, iov, 2) < 0 && errno == EINTR)
        ;
}

/* Seals and sends what is laid out. */
static void finish_batch(struct worker *w, int64_t now)
{
    struct outgoing *o = &w->out;
    worker_take_records(w, now);
    esp_outbound(w->esp, o->p, o->n, now);
    send_batch(w, now);
    for (size_t i = 0; i < o->n; i++) {
        if (o->p[i].verdict == ESP_ICMP_BACK)
            write_back(w, &o->p[i]);
    }
    o->n = o->used = 0;
    o->pad_to = esp_pad_to(w->esp);
}

/* A place for len bytes, or NULL when the batch is full. */
static uint8_t *place(struct outgoing *o, size_t len)
{
    size_t room = o->pad_to > len ? o->pad_to - len : 0;
    size_t size = (ESP_HEADROOM + len + room + ESP_TAILROOM + 63) / 64 * 64;
    if (o->n == ESP_BATCH || size > OUT_ROOM - o->used)
        return NULL;
    uint8_t *at = o->room + o->used + ESP_HEADROOM;
    o->used += size;
    o->p[o->n++] = (struct esp_packet){.data = at, .len = (uint32_t)len, .room = (uint32_t)room};
    return at;
}

static void lay_out(struct worker *w, struct span packet, const struct offload *offload, int64_t now)
{
    struct segmenter s;
    size_t len;
    bool follows = false;
    w->out.pad_to = esp_pad_to(w->esp);
    if (!segment_start(&s, packet, offload)) {
        esp_count_drop(w->esp, DROP_NOT_IP, 1);
        return;
    }
    while ((len = segment_next_len(&s))) {
        uint8_t *at = place(&w->out, len);
        if (!at) {
            finish_batch(w, now);
            at = place(&w->out, len);
            follows = false;
        }
        segment_write_next(&s, at);
        w->out.p[w->out.n - 1].follows = follows;
        w->out.p[w->out.n - 1].was_fragmented = offload->was_fragmented;
        follows = true;
    }
}

static uint64_t count_segments(struct span packet, const struct offload *o)
{
    size_t payload = packet.len > o->header ? packet.len - o->header : 0;
    return o->kind == OFFLOAD_NONE || !o->size ? 1 : (payload + o->size - 1) / o->size;
}

/* To the worker that owns the SA. True when it is another one. */
static bool pass_on(struct worker *w, struct span packet, const struct offload *offload)
{
    uint32_t reqid;
    uint8_t *bytes;
    if (w->dp->n == 1 || !esp_outbound_reqid(w->esp, packet.ptr, (uint32_t)packet.len, &reqid))
        return false;
    unsigned to = steer_worker(reqid, w->dp->n);
    if (to == w->index)
        return false;
    struct parcel_packet *p = worker_hand_over(w, to, PARCEL_OUT, (uint32_t)packet.len, &bytes);
    if (!p) {
        esp_count_drop(w->esp, DROP_BUSY_OUT, count_segments(packet, offload));
        return true;
    }
    p->offload = *offload;
    memcpy(bytes, packet.ptr, packet.len);
    return true;
}

void worker_send_parcel(struct worker *w, const struct parcel *p, int64_t now)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct parcel_packet *one = &p->packets[i];
        lay_out(w, span_of(p->bytes + one->at, one->len), &one->offload, now);
    }
    if (w->out.n)
        finish_batch(w, now);
}

/* What traps held back and may go now. */
void worker_send_held(struct worker *w, int64_t now)
{
    static const struct offload none;
    struct span packet;
    while ((packet = esp_next_held(w->esp, now)).len) {
        if (!pass_on(w, packet, &none)) /* what serves it now may be another one's */
            lay_out(w, packet, &none, now);
    }
    if (w->out.n)
        finish_batch(w, now);
}

/* What our kernel has fragmented for the TUN, where that is not how it may go on. False: there is nothing to
 * send yet, or ever. */
static bool make_whole(struct worker *w, struct span *packet, struct offload *offload, int64_t now)
{
    struct packet ip;
    if (!whole_is_wanted_for(*packet) || offload->kind != OFFLOAD_NONE ||
        !esp_wants_whole(w->esp, *packet, &ip))
        return true;
    uint64_t forgotten = w->wholes.forgotten;
    enum whole_result result = wholes_take(&w->wholes, *packet, &ip, now, packet);
    offload->was_fragmented = result == WHOLE_DONE;
    esp_count_drop(w->esp, DROP_FRAGMENT, (result == WHOLE_REFUSED) + w->wholes.forgotten - forgotten);
    return result == WHOLE_DONE;
}

bool worker_from_tun(struct worker *w, int64_t now)
{
    struct outgoing *o = &w->out;
    struct offload offload = {0};
    bool more = true;
    /* a third super-packet would not fit behind two */
    while (o->n < ESP_BATCH && (offload.kind == OFFLOAD_NONE || o->n < ESP_BATCH / 2)) {
        ssize_t n = read(w->tun, o->source, TUN_HEADER + TUN_PACKET_MAX);
        more = n > 0;
        if (n <= TUN_HEADER)
            break;
        w->has_traffic = true;
        struct span packet = span_of(o->source + TUN_HEADER, (size_t)n - TUN_HEADER);
        if (!tun_read_header(o->source, &offload))
            esp_count_drop(w->esp, DROP_NOT_IP, 1); /* a kind that nobody asked for */
        else if (make_whole(w, &packet, &offload, now) && !pass_on(w, packet, &offload))
            lay_out(w, packet, &offload, now);
    }
    if (o->n)
        finish_batch(w, now);
    return more;
}
