/* SPDX-License-Identifier: Apache-2.0 */
/* TCP connections in a worker, their life and what goes out in them: see worker_tcp.h. What comes in is in
 * worker_tcp_in.c. */
#include "sys/clock.h"
#include "sys/steer.h"
#include "sys/worker.h"
#include "sys/worker_tcp_impl.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define MESSAGE_ROOM (TCPENCAP_MESSAGE_MAX + 2)
#define QUEUE_ESP    (256u << 10)
#define QUEUE_ROOM   (QUEUE_ESP + (256u << 10))

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
void tcp_stream_watch(const struct worker *w, struct stream *s, int how)
{
    uint32_t events = (s->is_stalled ? 0 : EPOLLIN) | (s->wants_room ? EPOLLOUT : 0);
    struct epoll_event e = {.events = events, .data.ptr = s};
    epoll_ctl(w->tcp.epoll, how, s->fd, &e);
}

/* Memory goes in worker_tcp_settle(): an event that was fetched already may point here. */
void tcp_stream_end(struct worker *w, struct stream *s, const char *why)
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
void tcp_stream_flush(struct worker *w, struct stream *s)
{
    while (s->n_out) {
        ssize_t n = send(s->fd, s->out + s->at, s->n_out, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            tcp_stream_end(w, s, strerror(errno));
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
        tcp_stream_end(w, s, "closed");
        return;
    }
    bool wants_room = s->n_out != 0;
    if (wants_room != s->wants_room) {
        s->wants_room = wants_room;
        tcp_stream_watch(w, s, EPOLL_CTL_MOD);
    }
}

void worker_tcp_flush(struct worker *w)
{
    struct stream *s;
    list_each(s, &w->tcp.dirty, dirty)
    {
        list_remove(&s->dirty);
        if (!s->wants_room) /* else the kernel says when */
            tcp_stream_flush(w, s);
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
    tcp_stream_watch(w, s, EPOLL_CTL_ADD);
    if (!is_ours)
        return;
    memcpy(room(s, TCPENCAP_PREFIX_LEN, QUEUE_ROOM), TCPENCAP_PREFIX, TCPENCAP_PREFIX_LEN);
    tcp_stream_flush(w, s);
}

static void close_stream(struct worker *w, struct stream *s, bool is_graceful)
{
    s->is_told = s->is_closing = true;
    if (is_graceful && s->n_out)
        tcp_stream_flush(w, s);
    else
        tcp_stream_end(w, s, "closed");
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
            tcp_stream_flush(w, s);
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
            tcp_stream_stall(w, s, false);
            memcpy(w->tcp.buffer, s->kept, s->n_kept);
            tcp_stream_take_bytes(w, s, 0, now);
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
