/* SPDX-License-Identifier: Apache-2.0 */
/* See linksend.h. */
#include "sys/linksend.h"
#include "net/packet.h"
#include "sys/nexthop.h"
#include "sys/sock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define SEND_BUFFER (4 << 20)
#define TTL         64
#define DSCP        0xfc /* of TOS or traffic class */
#define WAIT_MS     5

struct linksend {
    int fd;
    struct nexthops *hops;
    size_t n, sent; /* of what was taken */
    struct esp_packet *packets[ESP_BATCH];
    struct mmsghdr msgs[ESP_BATCH];
    struct iovec iov[ESP_BATCH];
    struct sockaddr_ll to[ESP_BATCH];
};

struct linksend *linksend_open(struct diag *d)
{
    struct linksend *s = calloc(1, sizeof(*s));
    const int mark = SOCK_FWMARK, room = SEND_BUFFER;
    if (!s)
        abort();
    s->fd =
        socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0); /* protocol 0: receives nothing */
    if (s->fd >= 0 && setsockopt(s->fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) == 0) {
        setsockopt(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
        s->hops = nexthops_open(d);
    } else {
        diag_set(d, FAIL_GENERIC, "cannot open a packet socket: %s", strerror(errno));
    }
    if (s->hops)
        return s;
    linksend_close(s);
    return NULL;
}

void linksend_close(struct linksend *s)
{
    if (!s)
        return;
    nexthops_close(s->hops);
    if (s->fd >= 0)
        close(s->fd);
    free(s);
}

void linksend_begin(struct linksend *s, int64_t now)
{
    nexthops_refresh(s->hops, now);
}

/* The outer header, right before the packet. */
static uint8_t *write_header(const struct esp_packet *p)
{
    size_t len = packet_ip_len(p->remote.ip.family);
    struct packet_ip h = {.src = p->local.ip,
                          .dst = p->remote.ip,
                          .proto = NH_ESP,
                          .tos = p->tos,
                          .ttl = TTL,
                          .has_df = true,
                          .payload = (uint16_t)p->len};
    struct wr w = wr_over(p->data - len, len);
    packet_write_ip(&w, &h);
    if (h.dst.family == 6) { /* [RFC6438#3] a flow label for each tunnel: the SPI is random */
        w.base[1] |= p->data[1] & 0x0f;
        memcpy(w.base + 2, p->data + 2, 2);
    }
    return w.base;
}

bool linksend_add(struct linksend *s, struct esp_packet *p, int64_t now)
{
    if (p->has_encap || !p->has_df || (p->tos & DSCP))
        return false;
    const struct nexthop *hop = nexthops_find(s->hops, p->local.ip, p->remote.ip, now);
    size_t header = packet_ip_len(p->remote.ip.family);
    if (!hop || header + p->len > hop->mtu || s->n == ESP_BATCH)
        return false;
    size_t i = s->n++;
    s->packets[i] = p;
    s->iov[i] = (struct iovec){write_header(p), header + p->len};
    s->to[i] = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                    .sll_protocol = htons(p->remote.ip.family == 4 ? ETH_P_IP : ETH_P_IPV6),
                                    .sll_ifindex = hop->device,
                                    .sll_halen = sizeof(hop->address)};
    memcpy(s->to[i].sll_addr, hop->address, sizeof(hop->address));
    s->msgs[i].msg_hdr = (struct msghdr){
        .msg_name = &s->to[i], .msg_namelen = sizeof(s->to[i]), .msg_iov = &s->iov[i], .msg_iovlen = 1};
    return true;
}

struct esp_packet *linksend_flush(struct linksend *s, size_t *lost)
{
    bool has_waited = false;
    while (s->sent < s->n) {
        int n = sendmmsg(s->fd, s->msgs + s->sent, (unsigned)(s->n - s->sent), 0);
        if (n > 0) {
            s->sent += (size_t)n;
            has_waited = false;
            continue;
        }
        if (n < 0 && errno == EINTR)
            continue;
        bool is_full = n < 0 && (errno == EAGAIN || errno == ENOBUFS);
        if (is_full && errno == EAGAIN && !has_waited) { /* the interface is slower than we are */
            struct pollfd f = {.fd = s->fd, .events = POLLOUT};
            poll(&f, 1, WAIT_MS);
            has_waited = true;
            continue;
        }
        struct esp_packet *p = s->packets[s->sent++];
        if (!is_full)
            return p;
        ++*lost;
    }
    s->n = s->sent = 0;
    return NULL;
}
