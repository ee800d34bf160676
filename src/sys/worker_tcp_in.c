/* SPDX-License-Identifier: Apache-2.0 */
/* What comes in a worker's TCP connections: read, taken apart into messages (RFC 9329 section 3), given to
 * the data plane and to the control thread. A connection waits unread while the control thread is behind, and
 * is reported when it is out of step (section 6.1). */
#include "sys/worker.h"
#include "sys/worker_tcp_impl.h"
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#define READ_WARY 16384 /* from who has not proved who it is */
#define ROUNDS    4     /* reads of one connection before the others get their turn */
#define BAD_MAX   64    /* packets in a row that no SA takes, or messages that are neither IKE nor ESP */

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

void tcp_stream_stall(struct worker *w, struct stream *s, bool on)
{
    if (s->is_stalled == on)
        return;
    s->is_stalled = on;
    w->tcp.n_stalled += on ? 1 : -1u;
    tcp_stream_watch(w, s, EPOLL_CTL_MOD);
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
                tcp_stream_stall(w, s, true);
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
void tcp_stream_take_bytes(struct worker *w, struct stream *s, size_t n, int64_t now)
{
    struct span rest = span_of(w->tcp.buffer, s->n_kept + n);
    bool is_sound = take_messages(w, s, &rest, now);
    worker_open_batch(w, now);
    keep(s, rest);
    if (!is_sound)
        tcp_stream_end(w, s,
                       s->reader.has_prefix ? "the stream is out of step"
                                            : "it does not begin as RFC 9329 has it");
}

/* True when there may be more. */
static bool read_once(struct worker *w, struct stream *s, int64_t now)
{
    size_t want = s->is_trusted ? READ_MAX : READ_WARY;
    ssize_t n = recv(s->fd, w->tcp.buffer + s->n_kept, want, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return errno == EINTR;
    if (n <= 0) { /* [RFC9329#6.1] what came in part only is discarded */
        tcp_stream_end(w, s, n == 0 ? "closed by the peer" : strerror(errno));
        return false;
    }
    w->has_traffic = true;
    if (s->n_kept)
        memcpy(w->tcp.buffer, s->kept, s->n_kept);
    worker_take_records(w, now); /* may close it */
    if (s->fd < 0)
        return false;
    tcp_stream_take_bytes(w, s, (size_t)n, now);
    return s->fd >= 0 && !s->is_stalled && (size_t)n == want;
}

static void on_event(struct worker *w, struct stream *s, uint32_t events, int64_t now)
{
    if (s->fd >= 0 && events & EPOLLOUT)
        tcp_stream_flush(w, s);
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
