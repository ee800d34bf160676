/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections in a worker: see worker_tcp.h. */
#include "sys/worker_tcp.h"
#include "sys/clock.h"
#include "sys/steer.h"
#include "sys/worker.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define READ_MAX     65536
#define READ_WARY    16384 /* from who has not proved who it is */
#define ROUNDS       4     /* reads of one connection before the others get their turn */
#define MESSAGE_ROOM (TCPENCAP_MESSAGE_MAX + 2)
#define QUEUE_ESP    (256u << 10)
#define QUEUE_ROOM   (QUEUE_ESP + (256u << 10))
#define BAD_MAX      64 /* packets in a row that no SA takes, or messages that are neither IKE nor ESP */

struct stream {
    struct map_node node;
    struct list link, dirty; /* dirty: has been given something since the last flush */
    uint32_t handle;
    int fd;
    struct endpoint local, remote;
    struct tcpencap_reader reader;
    bool is_trusted, wants_room, is_closing, is_stalled;
    bool is_told; /* nobody waits to hear of its end */
    unsigned n_short;
    uint8_t *kept; /* the beginning of a message; more while it is stalled */
    size_t n_kept, cap_kept;
    uint8_t *out; /* QUEUE_ROOM, of which [at, at + n_out) waits */
    size_t at, n_out;
    char why[80];
};

static struct stream *find(const struct worker *w, uint32_t handle)
{
    for (struct map_node *n = map_first(&w->tcp.by_handle, map_hash_u64(handle)); n; n = map_next(n)) {
        struct stream *s = container_of(n, struct stream, node);
        if (s->handle == handle)
            return s;
    }
    return NULL;
}

/* What the kernel is to watch: room only while something waits, bytes unless the control thread is behind. */
static void watch(const struct worker *w, struct stream *s, int how)
{
    uint32_t events = (s->is_stalled ? 0 : EPOLLIN) | (s->wants_room ? EPOLLOUT : 0);
    struct epoll_event e = {.events = events, .data.ptr = s};
    epoll_ctl(w->tcp.epoll, how, s->fd, &e);
}

/* Memory goes in worker_tcp_settle(): an event that was fetched already may point here. */
static void end(struct worker *w, struct stream *s, const char *why)
{
    if (s->fd < 0)
        return;
    snprintf(s->why, sizeof(s->why), "%s", why);
    close(s->fd);
    s->fd = -1;
    w->tcp.n_stalled -= s->is_stalled;
    map_remove(&w->tcp.by_handle, &s->node);
    list_remove(&s->dirty);
    list_remove(&s->link);
    list_append(&w->tcp.ended, &s->link);
}

static void stream_free(struct stream *s)
{
    if (s->fd >= 0)
        close(s->fd);
    free(s->kept);
    free(s->out);
    free(s);
}

/* ---- out */

static uint8_t *room(struct stream *s, size_t len, size_t limit)
{
    if (s->n_out + len > limit)
        return NULL;
    if (!s->out && !(s->out = malloc(QUEUE_ROOM))) /* untouched memory costs nothing */
        abort();
    if (s->at + s->n_out + len > QUEUE_ROOM) {
        memmove(s->out, s->out + s->at, s->n_out);
        s->at = 0;
    }
    uint8_t *p = s->out + s->at + s->n_out;
    s->n_out += len;
    return p;
}

static bool put(struct worker *w, struct stream *s, bool is_ike, struct span bytes)
{
    uint8_t header[TCPENCAP_HEADER_MAX];
    size_t n = tcpencap_header(header, is_ike, bytes.len);
    uint8_t *p = n && !s->is_closing ? room(s, n + bytes.len, is_ike ? QUEUE_ROOM : QUEUE_ESP) : NULL;
    if (!p)
        return false;
    memcpy(p, header, n);
    memcpy(p + n, bytes.ptr, bytes.len);
    if (!list_linked(&s->dirty))
        list_append(&w->tcp.dirty, &s->dirty);
    return true;
}

static void put_esp(struct worker *w, uint32_t handle, struct span bytes)
{
    struct stream *s = find(w, handle);
    if (!s)
        esp_count_drop(w->esp, DROP_NO_STREAM, 1);
    else if (!put(w, s, false, bytes))
        esp_count_drop(w->esp, DROP_STREAM_FULL, 1);
}

/* As much as goes without waiting. */
static void flush(struct worker *w, struct stream *s)
{
    while (s->n_out) {
        ssize_t n = send(s->fd, s->out + s->at, s->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            end(w, s, strerror(errno));
            return;
        }
        if (n < 0)
            break;
        s->at += (size_t)n;
        s->n_out -= (size_t)n;
    }
    if (!s->n_out)
        s->at = 0;
    if (!s->n_out && s->is_closing) {
        end(w, s, "closed");
        return;
    }
    bool wants_room = s->n_out != 0;
    if (wants_room != s->wants_room) {
        s->wants_room = wants_room;
        watch(w, s, EPOLL_CTL_MOD);
    }
}

void worker_tcp_flush(struct worker *w)
{
    struct stream *s;
    list_each(s, &w->tcp.dirty, dirty)
    {
        list_remove(&s->dirty);
        if (!s->wants_room) /* else the kernel says when */
            flush(w, s);
    }
}

void worker_tcp_send(struct worker *w, const struct esp_packet *p)
{
    uint8_t *bytes;
    unsigned to = steer_stream(p->remote.stream, w->dp->n);
    if (to == w->index) {
        put_esp(w, p->remote.stream, span_of(p->data, p->len));
        return;
    }
    struct parcel_packet *one = worker_hand_over(w, to, PARCEL_STREAM, p->len, &bytes);
    if (!one) {
        esp_count_drop(w->esp, DROP_BUSY_OUT, 1);
        return;
    }
    one->stream = p->remote.stream;
    memcpy(bytes, p->data, p->len);
}

void worker_tcp_parcel(struct worker *w, const struct parcel *p)
{
    for (size_t i = 0; i < p->n; i++)
        put_esp(w, p->packets[i].stream, span_of(p->bytes + p->packets[i].at, p->packets[i].len));
    worker_tcp_flush(w);
}

/* ---- in */

static bool tell_ike(struct worker *w, const struct stream *s, struct span message)
{
    struct dataplane_message *m = malloc(sizeof(*m) + message.len);
    if (!m)
        abort();
    m->kind = DATAPLANE_IKE;
    m->ike.local = s->local;
    m->ike.remote = s->remote;
    m->ike.len = message.len;
    if (message.len)
        memcpy(m->bytes, message.ptr, message.len);
    return worker_tell(w, m);
}

static void stall(struct worker *w, struct stream *s, bool on)
{
    if (s->is_stalled == on)
        return;
    s->is_stalled = on;
    w->tcp.n_stalled += on ? 1 : -1u;
    watch(w, s, EPOLL_CTL_MOD);
}

/* The messages of *rest, in the worker's buffer. False: the stream is out of step. */
static bool take_messages(struct worker *w, struct stream *s, struct span *rest, int64_t now)
{
    for (;;) {
        struct span m, before = *rest;
        struct esp_packet p = {.local = s->local, .remote = s->remote, .has_encap = true};
        switch (tcpencap_next(&s->reader, rest, &m)) {
        case TCPENCAP_MORE:
            return true;
        case TCPENCAP_BROKEN:
            return false;
        case TCPENCAP_SHORT:
            if (++s->n_short == BAD_MAX)
                return false;
            break;
        case TCPENCAP_IKE:
            s->n_short = 0;
            if (!tell_ike(w, s, m)) {
                *rest = before;
                stall(w, s, true);
                return true;
            }
            break;
        case TCPENCAP_ESP:
            s->n_short = 0;
            p.data = w->tcp.buffer + (m.ptr - w->tcp.buffer);
            p.len = (uint32_t)m.len;
            worker_take_esp(w, &p, now);
            break;
        }
    }
}

static void keep(struct stream *s, struct span rest)
{
    if (rest.len > s->cap_kept) {
        free(s->kept);
        s->cap_kept = rest.len < 2048 ? 2048 : rest.len;
        s->kept = malloc(s->cap_kept);
        if (!s->kept)
            abort();
    }
    if (rest.len)
        memcpy(s->kept, rest.ptr, rest.len);
    s->n_kept = rest.len;
}

/* What was kept and n bytes behind it, in the worker's buffer. */
static void take_bytes(struct worker *w, struct stream *s, size_t n, int64_t now)
{
    struct span rest = span_of(w->tcp.buffer, s->n_kept + n);
    bool is_sound = take_messages(w, s, &rest, now);
    worker_open_batch(w, now);
    keep(s, rest);
    if (!is_sound)
        end(w, s,
            s->reader.has_prefix ? "the stream is out of step" : "it does not begin as RFC 9329 has it");
}

/* True when there may be more. */
static bool read_once(struct worker *w, struct stream *s, int64_t now)
{
    size_t want = s->is_trusted ? READ_MAX : READ_WARY;
    ssize_t n = recv(s->fd, w->tcp.buffer + s->n_kept, want, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) { /* [RFC9329#6.1] what came in part only is discarded */
        end(w, s, n == 0 ? "closed by the peer" : strerror(errno));
        return false;
    }
    w->has_traffic = true;
    if (s->n_kept)
        memcpy(w->tcp.buffer, s->kept, s->n_kept);
    worker_take_records(w, now); /* may close it */
    if (s->fd < 0)
        return false;
    take_bytes(w, s, (size_t)n, now);
    return s->fd >= 0 && !s->is_stalled && (size_t)n == want;
}

static void on_event(struct worker *w, struct stream *s, uint32_t events, int64_t now)
{
    if (s->fd >= 0 && events & EPOLLOUT)
        flush(w, s);
    for (int i = 0; i < ROUNDS && s->fd >= 0 && !s->is_stalled && events & (EPOLLIN | EPOLLHUP | EPOLLERR);
         i++) {
        if (!read_once(w, s, now))
            break;
    }
}

void worker_from_streams(struct worker *w, int64_t now)
{
    struct epoll_event ready[16];
    int n = epoll_wait(w->tcp.epoll, ready, ARRAY_LEN(ready), 0);
    for (int i = 0; i < n; i++)
        on_event(w, ready[i].data.ptr, ready[i].events, now);
}

void worker_tcp_judge(struct worker *w, const struct esp_packet *p)
{
    struct tcp_score *score = &w->tcp.scores[p->remote.stream % TCP_SCORES];
    bool is_bad = p->drop == DROP_UNKNOWN_SPI || p->drop == DROP_BAD_ICV || p->drop == DROP_SHORT;
    if (!is_bad && p->verdict == ESP_DROP)
        return; /* old, or of an SA that has ended: says nothing */
    if (score->handle != p->remote.stream)
        *score = (struct tcp_score){.handle = p->remote.stream};
    score->n = is_bad ? score->n + 1 : 0;
    if (score->n < BAD_MAX)
        return;
    struct dataplane_message *m = calloc(1, sizeof(*m));
    if (!m)
        abort();
    m->kind = DATAPLANE_STREAM_BAD;
    m->stream = p->remote.stream;
    worker_tell(w, m); /* no room: it will be told again */
    score->n = 0;
}

/* ---- start and end */

static void add(struct worker *w, const struct dataplane_stream *from)
{
    struct stream *s = calloc(1, sizeof(*s));
    if (!s)
        abort();
    bool is_ours = from->handle & STREAM_OURS;
    s->handle = from->handle;
    s->fd = from->fd;
    s->local = from->local;
    s->remote = from->remote;
    s->remote.stream = from->handle;
    s->is_trusted = s->reader.has_prefix = is_ours;
    s->reader.max = is_ours ? 0 : from->wary_max;
    if (w->tcp.epoll < 0) {
        struct epoll_event e = {.events = EPOLLIN, .data.ptr = &w->tcp};
        w->tcp.epoll = epoll_create1(EPOLL_CLOEXEC);
        w->tcp.buffer = malloc(READ_MAX + READ_MAX + MESSAGE_ROOM);
        if (w->tcp.epoll < 0 || !w->tcp.buffer)
            abort();
        epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->tcp.epoll, &e);
    }
    map_insert(&w->tcp.by_handle, &s->node, map_hash_u64(s->handle));
    list_append(&w->tcp.streams, &s->link);
    watch(w, s, EPOLL_CTL_ADD);
    if (!is_ours)
        return;
    memcpy(room(s, TCPENCAP_PREFIX_LEN, QUEUE_ROOM), TCPENCAP_PREFIX, TCPENCAP_PREFIX_LEN);
    flush(w, s);
}

static void close_stream(struct worker *w, struct stream *s, bool is_graceful)
{
    s->is_told = s->is_closing = true;
    if (is_graceful && s->n_out)
        flush(w, s);
    else
        end(w, s, "closed");
}

void worker_tcp_take(struct worker *w, struct dataplane_record *r)
{
    if (r->kind == RECORD_STREAM_ADD) {
        add(w, &r->stream);
        r->stream.fd = -1;
        return;
    }
    struct stream *s = find(w, r->stream.handle);
    if (!s)
        return; /* has ended; the control thread hears of it */
    switch (r->kind) {
    case RECORD_STREAM_TRUST:
        s->is_trusted = true;
        s->reader.max = 0;
        break;
    case RECORD_STREAM_SEND:
        if (put(w, s, true, span_of(r->bytes, r->len)) && !s->wants_room)
            flush(w, s);
        break;
    case RECORD_STREAM_CLOSE:
        close_stream(w, s, r->is_graceful);
        break;
    default:
        break;
    }
}

static bool tell_end(struct worker *w, const struct stream *s)
{
    size_t len = strlen(s->why) + 1;
    struct dataplane_message *m = malloc(sizeof(*m) + len);
    if (!m)
        abort();
    m->kind = DATAPLANE_STREAM_DOWN;
    m->stream = s->handle;
    memcpy(m->bytes, s->why, len);
    return worker_tell(w, m);
}

void worker_tcp_settle(struct worker *w, int64_t now)
{
    struct stream *s;
    if (w->tcp.n_stalled) {
        list_each(s, &w->tcp.streams, link)
        {
            if (!s->is_stalled)
                continue;
            stall(w, s, false);
            memcpy(w->tcp.buffer, s->kept, s->n_kept);
            take_bytes(w, s, 0, now);
        }
    }
    list_each(s, &w->tcp.ended, link)
    {
        if (!s->is_told && !tell_end(w, s))
            return;
        list_remove(&s->link);
        stream_free(s);
    }
}

bool worker_tcp_is_waiting(const struct worker *w)
{
    return w->tcp.n_stalled || !list_empty(&w->tcp.ended);
}

void worker_tcp_init(struct worker *w)
{
    struct worker_tcp *t = &w->tcp;
    t->epoll = -1;
    map_init(&t->by_handle);
    list_init(&t->streams);
    list_init(&t->dirty);
    list_init(&t->ended);
}

void worker_tcp_deinit(struct worker *w)
{
    struct stream *s;
    list_each(s, &w->tcp.streams, link) stream_free(s);
    list_each(s, &w->tcp.ended, link) stream_free(s);
    map_deinit(&w->tcp.by_handle);
    free(w->tcp.buffer);
    if (w->tcp.epoll >= 0)
        close(w->tcp.epoll);
}
