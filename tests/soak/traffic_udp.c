/* SPDX-License-Identifier: Apache-2.0 */
/* The UDP flows: see traffic.c. Each end sends at a fixed rate: single datagrams, now and then one that the
 * sender's own kernel must fragment, and bursts that it is given as one (UDP_SEGMENT). Datagrams may get
 * lost; one that comes must be what its header says that it is, and must not have come before. The server
 * answers the flows it hears. */
#include "stream.h"
#include "traffic.h"
#include <errno.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#define FLOWS_MAX  64
#define MAGIC      UINT32_C(0x6b777564)
#define SINGLE_MAX 1300
#define LARGE_MAX  9000
#define BURST_MAX  40
#define LAG_MAX    (50 * MS) /* what was not sent in time is not made up for beyond this */

struct header {
    uint32_t magic, flow;
    uint64_t number;
    uint32_t len, unused;
    uint64_t check;
};

struct flow {
    int fd; /* the server's is one for all */
    bool is_known;
    struct sockaddr_in6 to;
    uint64_t out_key, in_key, sent;
    int64_t due;
    uint8_t *came; /* one bit for each number */
    uint64_t cap;  /* bits */
};

static struct flow flows[FLOWS_MAX];
static int server_fd = -1;
static uint8_t buffer[65536];

static int new_socket(void)
{
    int size = 1 << 20, zero = 0, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        fail("socket");
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
    return fd;
}

static struct flow *know(uint32_t number, int fd, const struct sockaddr_in6 *to)
{
    struct flow *f = &flows[number];
    *f = (struct flow){.fd = fd,
                       .is_known = true,
                       .to = *to,
                       .out_key = stream_key(~opt.seed, number, opt.is_server),
                       .in_key = stream_key(~opt.seed, number, !opt.is_server),
                       .due = now_ns()};
    return f;
}

void udp_open(void)
{
    if (opt.is_server) {
        struct sockaddr_in6 any = {.sin6_family = AF_INET6, .sin6_port = htons(opt.port)};
        server_fd = new_socket();
        if (bind(server_fd, (struct sockaddr *)&any, sizeof(any)) < 0)
            fail("bind");
        return;
    }
    for (uint32_t i = 0; i < opt.udp && i < FLOWS_MAX; i++) {
        struct sockaddr_in6 to = address_of(i);
        know(i, new_socket(), &to);
    }
}

size_t udp_poll(struct pollfd *v)
{
    size_t n = 0;
    if (opt.is_server)
        v[n++] = (struct pollfd){.fd = server_fd, .events = POLLIN};
    for (size_t i = 0; i < FLOWS_MAX && !opt.is_server; i++) {
        if (flows[i].is_known)
            v[n++] = (struct pollfd){.fd = flows[i].fd, .events = POLLIN};
    }
    return n;
}

/* ---- sending */

static uint64_t check_of(uint64_t key, uint64_t number, uint32_t len)
{
    return stream_mix(key ^ stream_mix(number * 65537 + len));
}

static void write_datagram(struct flow *f, uint8_t *at, size_t len)
{
    struct header h = {.magic = MAGIC,
                       .flow = (uint32_t)(f - flows),
                       .number = f->sent,
                       .len = (uint32_t)len,
                       .check = check_of(f->out_key, f->sent, (uint32_t)len)};
    memcpy(at, &h, sizeof(h));
    stream_fill(f->out_key, f->sent << 16, at + sizeof(h), len - sizeof(h));
    f->sent++;
}

/* len bytes in datagrams of size each, the last perhaps shorter. */
static void send_all(struct flow *f, size_t len, size_t size)
{
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(uint16_t))] = {0};
    struct iovec iov = {buffer, len};
    struct msghdr m = {.msg_name = &f->to, .msg_namelen = sizeof(f->to), .msg_iov = &iov, .msg_iovlen = 1};
    uint64_t first = f->sent;
    for (size_t at = 0; at < len; at += size)
        write_datagram(f, buffer + at, len - at < size ? len - at : size);
    if (len > size) {
        uint16_t segment = (uint16_t)size;
        m.msg_control = control;
        m.msg_controllen = sizeof(control);
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof(segment));
        memcpy(CMSG_DATA(c), &segment, sizeof(segment));
    }
    if (sendmsg(f->fd, &m, 0) < 0)
        tally.udp_refused += f->sent - first;
    else
        tally.udp_sent += f->sent - first;
}

static size_t draw_size(void)
{
    return draw() % 2 ? draw_between(sizeof(struct header), 200) : draw_between(200, SINGLE_MAX);
}

static void send_one(struct flow *f)
{
    size_t size = draw_size(), len = size;
    switch (draw() % 64) {
    case 0:
        len = size = draw_between(SINGLE_MAX, LARGE_MAX);
        break;
    case 1:
    case 2:
    case 3:
        len = size * draw_between(2, BURST_MAX) + draw() % size;
        if (len % size && len % size < sizeof(struct header))
            len -= len % size;
        break;
    default:
        break;
    }
    send_all(f, len, size);
    f->due += (int64_t)len * MS / opt.udp_rate;
}

/* ---- receiving */

/* Has it come before? */
static bool mark(struct flow *f, uint64_t number)
{
    if (number >= f->cap) {
        uint64_t cap = f->cap ? f->cap : 65536;
        while (cap <= number)
            cap *= 2;
        f->came = realloc(f->came, cap / 8);
        if (!f->came)
            abort();
        memset(f->came + f->cap / 8, 0, (cap - f->cap) / 8);
        f->cap = cap;
    }
    uint8_t bit = (uint8_t)(1u << number % 8);
    bool was = f->came[number / 8] & bit;
    f->came[number / 8] |= bit;
    return was;
}

static void take(size_t len, int fd, const struct sockaddr_in6 *from)
{
    struct header h = {0};
    memcpy(&h, buffer, len < sizeof(h) ? len : sizeof(h));
    tally.udp_received++;
    tally.udp_bytes += len;
    uint64_t key = stream_key(~opt.seed, h.flow, !opt.is_server);
    if (len < sizeof(h) || h.magic != MAGIC || h.flow >= FLOWS_MAX || h.number >> 40 || h.len != len ||
        h.check != check_of(key, h.number, h.len)) {
        tally.udp_wrong++;
        wrong("UDP", h.flow, h.number, "a header that was not sent, or another length");
        return;
    }
    struct flow *f = flows[h.flow].is_known ? &flows[h.flow] : know(h.flow, fd, from);
    if (stream_compare(f->in_key, h.number << 16, buffer + sizeof(h), len - sizeof(h)) != len - sizeof(h)) {
        tally.udp_wrong++;
        wrong("UDP", h.flow, h.number, "another byte than was sent");
    }
    if (mark(f, h.number)) {
        tally.udp_twice++;
        wrong("UDP", h.flow, h.number, "it came before");
    }
}

static void receive_from(int fd)
{
    for (int budget = 512; budget; budget--) {
        struct sockaddr_in6 from;
        socklen_t n = sizeof(from);
        ssize_t len = recvfrom(fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &n);
        if (len < 0)
            return; /* nothing there, or an ICMP error of the tunnel's coming and going */
        take((size_t)len, fd, &from);
    }
}

void udp_work(int64_t now, bool may_send)
{
    if (opt.is_server)
        receive_from(server_fd);
    for (size_t i = 0; i < FLOWS_MAX; i++) {
        struct flow *f = &flows[i];
        if (!f->is_known)
            continue;
        if (!opt.is_server)
            receive_from(f->fd);
        if (f->due < now - LAG_MAX)
            f->due = now;
        while (may_send && f->due <= now)
            send_one(f);
    }
}

int64_t udp_next(void)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; i < FLOWS_MAX; i++) {
        if (flows[i].is_known && flows[i].due < next)
            next = flows[i].due;
    }
    return next;
}
