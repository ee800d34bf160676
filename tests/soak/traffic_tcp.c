/* SPDX-License-Identifier: Apache-2.0 */
/* The TCP streams: see traffic.c. The client opens each and says in a header how much goes which way. Buffers
 * of the sockets are small, so that what is under way fits into the gateways' queues: what is lost is lost by
 * the relay. */
#include "stream.h"
#include "traffic.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define STREAMS 128
#define BUFFER  (192 << 10)
#define CONTROL UINT32_C(0xffffffff) /* the flow that is no stream: it is open as long as the run */
#define MAGIC   UINT32_C(0x6b77736b)
#define AT_ONCE (256u << 10) /* bytes of one stream before the others get their turn */

struct header {
    uint32_t magic, flow;
    uint64_t up, down; /* bytes: from the client, to it */
};

struct stream {
    int fd;                /* -1: none */
    bool is_ready;         /* the header went out, or came in */
    bool is_shut, has_end; /* our half, the other */
    bool is_gentle;        /* small writes with pauses */
    uint32_t flow;
    uint64_t out, out_total, in, in_total, out_key, in_key;
    int64_t pause_until;
};

static struct stream streams[STREAMS] = {[0 ... STREAMS - 1] = {.fd = -1}};
static int listener = -1, control = -1;
static uint32_t next_flow;
static uint64_t given; /* bytes given out to streams */
static uint8_t buffer[AT_ONCE];

static void configure(int fd)
{
    int one = 1, size = BUFFER;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
}

static int new_socket(int flags)
{
    int zero = 0, one = 1, size = BUFFER, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (fd < 0)
        fail("socket");
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
    configure(fd);
    return fd;
}

void tcp_open_server(void)
{
    struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(opt.port)};
    listener = new_socket(SOCK_NONBLOCK);
    if (bind(listener, (struct sockaddr *)&any, sizeof(any)) < 0 || listen(listener, 64) < 0)
        fail("listen");
}

static struct stream *free_stream(void)
{
    for (size_t i = 0; i < STREAMS; i++) {
        if (streams[i].fd < 0)
            return &streams[i];
    }
    errno = EMFILE;
    fail("too many streams");
    return NULL;
}

/* ---- the client opens */

static int connect_to(unsigned flow, int flags)
{
    struct sockaddr_in6 to = address_of(flow);
    int fd = new_socket(flags);
    if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS)
        fail("connect");
    return fd;
}

/* Few bytes, some, or a large part of the whole. */
static uint64_t draw_length(void)
{
    uint64_t left = opt.bytes - given, n;
    switch (draw() % 8) {
    case 0:
        n = draw_between(1, 5000);
        break;
    case 1:
    case 2:
        n = draw_between(1, opt.bytes / 500 + 1);
        break;
    default:
        n = draw_between(1, opt.bytes / 30 + 1);
        break;
    }
    return n < left ? n : left;
}

static void open_stream(void)
{
    struct stream *s = free_stream();
    uint64_t n = draw_length(), up = draw() % 3 == 0 ? draw_between(0, n) : draw() % 2 ? n : 0;
    uint32_t flow = next_flow++;
    given += n;
    *s = (struct stream){.fd = connect_to(flow, SOCK_NONBLOCK),
                         .flow = flow,
                         .out_total = up,
                         .in_total = n - up,
                         .out_key = stream_key(opt.seed, flow, 0),
                         .in_key = stream_key(opt.seed, flow, 1),
                         .is_gentle = n < 20000 && draw() % 2};
}

static void open_control(void)
{
    struct header h = {.magic = MAGIC, .flow = CONTROL};
    control = connect_to(0, 0);
    if (write(control, &h, sizeof(h)) != sizeof(h))
        fail("the control connection");
    has_control = true;
}

static void open_more(void)
{
    size_t n = 0;
    if (!has_control && given)
        return; /* it was closed: the run is over */
    if (!has_control)
        open_control();
    for (size_t i = 0; i < STREAMS; i++)
        n += streams[i].fd >= 0;
    for (; n < opt.tcp && given < opt.bytes; n++)
        open_stream();
}

/* ---- both ends */

static void end_stream(struct stream *s)
{
    if (s->in != s->in_total || s->out != s->out_total) {
        tally.tcp_incomplete++;
        wrong("TCP", s->flow, s->in, "the stream ended early");
    }
    tally.tcp_flows++;
    close(s->fd);
    s->fd = -1;
}

static void give_up(struct stream *s, const char *doing)
{
    wrong("TCP", s->flow, s->out, doing);
    wrong("TCP", s->flow, s->in, strerror(errno));
    s->in_total = s->in + 1;
    end_stream(s);
}

/* False when it has not come or gone yet, or the stream ended. */
static bool exchange_header(struct stream *s)
{
    struct header h = {MAGIC, s->flow, s->out_total, s->in_total};
    ssize_t n = opt.is_server ? recv(s->fd, &h, sizeof(h), 0) : send(s->fd, &h, sizeof(h), 0);
    if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
        return false;
    if (n != sizeof(h) || h.magic != MAGIC) {
        give_up(s, "no header");
        return false;
    }
    s->is_ready = true;
    if (!opt.is_server)
        return true;
    s->flow = h.flow;
    if (h.flow == CONTROL) {
        control = s->fd;
        has_control = true;
        s->fd = -1;
        return false;
    }
    s->in_total = h.up;
    s->out_total = h.down;
    s->in_key = stream_key(opt.seed, h.flow, 0);
    s->out_key = stream_key(opt.seed, h.flow, 1);
    s->is_gentle = h.up + h.down < 20000 && draw() % 2;
    return true;
}

static size_t draw_write(const struct stream *s)
{
    if (s->is_gentle)
        return draw_between(1, 300);
    switch (draw() % 4) {
    case 0:
        return draw_between(1, 200);
    case 1:
        return draw_between(1, 3000);
    default:
        return draw_between(1, WRITE_MAX);
    }
}

static void write_some(struct stream *s, int64_t now)
{
    for (size_t done = 0; done < AT_ONCE && s->out < s->out_total;) {
        uint64_t left = s->out_total - s->out;
        size_t want = draw_write(s);
        want = want < left ? want : (size_t)left;
        stream_fill(s->out_key, s->out, buffer, want);
        ssize_t n = send(s->fd, buffer, want, 0);
        if (n < 0) {
            if (errno != EAGAIN)
                give_up(s, "send");
            return;
        }
        s->out += (uint64_t)n;
        done += (size_t)n;
        tally.tcp_sent += (uint64_t)n;
        if (s->is_gentle) {
            s->pause_until = now + (int64_t)draw_between(1, 8) * MS;
            return;
        }
        if ((size_t)n < want)
            return;
    }
}

static void read_some(struct stream *s, int64_t now)
{
    for (size_t done = 0; done < AT_ONCE;) {
        ssize_t n = recv(s->fd, buffer, draw_between(1, AT_ONCE), 0);
        if (n < 0) {
            if (errno != EAGAIN)
                give_up(s, "receive");
            return;
        }
        if (n == 0) {
            s->has_end = true;
            return;
        }
        size_t right = stream_compare(s->in_key, s->in, buffer, (size_t)n);
        if (right != (size_t)n) {
            tally.tcp_wrong++;
            wrong("TCP", s->flow, s->in + right, "another byte than was sent");
        }
        s->in += (uint64_t)n;
        done += (size_t)n;
        tally.tcp_received += (uint64_t)n;
        last_progress = now;
    }
}

static void work_on(struct stream *s, short events, int64_t now)
{
    if (!s->is_ready && !exchange_header(s))
        return;
    if (events & (POLLIN | POLLHUP | POLLERR) && !s->has_end)
        read_some(s, now);
    if (s->fd >= 0 && s->pause_until <= now)
        write_some(s, now);
    if (s->fd < 0)
        return;
    if (s->out == s->out_total && !s->is_shut) {
        shutdown(s->fd, SHUT_WR);
        s->is_shut = true;
    }
    if (s->has_end && s->is_shut)
        end_stream(s);
}

static void accept_some(void)
{
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        configure(fd);
        *free_stream() = (struct stream){.fd = fd};
    }
}

size_t tcp_poll(struct pollfd *v, int64_t now)
{
    size_t n = 0;
    if (!opt.is_server)
        open_more();
    if (opt.is_server)
        v[n++] = (struct pollfd){.fd = listener, .events = POLLIN};
    if (opt.is_server && control >= 0)
        v[n++] = (struct pollfd){.fd = control, .events = POLLIN};
    for (size_t i = 0; i < STREAMS; i++) {
        const struct stream *s = &streams[i];
        if (s->fd < 0)
            continue;
        bool writes = s->is_ready ? s->out < s->out_total && s->pause_until <= now : !opt.is_server;
        v[n++] = (struct pollfd){.fd = s->fd,
                                 .events = (short)((s->has_end ? 0 : POLLIN) | (writes ? POLLOUT : 0))};
    }
    return n;
}

void tcp_work(const struct pollfd *v, size_t n, int64_t now)
{
    size_t at = 0;
    bool accepts = false;
    if (opt.is_server)
        accepts = v[at++].revents;
    if (opt.is_server && control >= 0 && v[at++].revents) {
        close(control); /* nothing ever comes on it but its end */
        control = -1;
        has_control = false;
    }
    for (size_t i = 0; i < STREAMS && at < n; i++) {
        if (streams[i].fd != v[at].fd)
            continue;
        if (v[at].revents || (streams[i].is_gentle && streams[i].pause_until <= now))
            work_on(&streams[i], v[at].revents, now);
        at++;
    }
    if (accepts)
        accept_some();
}

bool tcp_is_idle(void)
{
    static bool had_control;
    had_control = had_control || has_control;
    for (size_t i = 0; i < STREAMS; i++) {
        if (streams[i].fd >= 0)
            return false;
    }
    return opt.is_server ? had_control && !has_control : had_control && given >= opt.bytes;
}

void tcp_end_control(void)
{
    if (control >= 0)
        close(control);
    control = -1;
    has_control = false;
}
