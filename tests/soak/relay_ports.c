/* SPDX-License-Identifier: Apache-2.0 */
/* See relay_ports.h. */
#include "relay_ports.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif
#define BLOCK (1u << 22)

static void must(bool ok, const char *what, const char *device)
{
    if (ok)
        return;
    fprintf(stderr, "soak_relay: %s on %s: %s\n", what, device, strerror(errno));
    exit(1);
}

static int open_socket(const char *device, int protocol)
{
    struct sockaddr_ll to = {.sll_family = AF_PACKET,
                             .sll_protocol = htons((uint16_t)protocol),
                             .sll_ifindex = (int)if_nametoindex(device)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    must(fd >= 0 && to.sll_ifindex, "cannot open a packet socket", device);
    int one = 1;
    if (protocol) {
        int version = TPACKET_V2;
        struct tpacket_req req = {.tp_block_size = BLOCK,
                                  .tp_block_nr = PORT_FRAMES / (BLOCK / PORT_SNAP),
                                  .tp_frame_size = PORT_SNAP,
                                  .tp_frame_nr = PORT_FRAMES};
        must(setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) == 0 &&
                 setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0 &&
                 setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof(req)) == 0,
             "cannot make a ring", device);
    } else {
        int size = 8 << 20;
        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
        must(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) == 0, "cannot send directly",
             device);
    }
    must(bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0, "cannot bind", device);
    return fd;
}

void port_open(struct port *p, const char *device)
{
    *p = (struct port){.name = device};
    p->rx = open_socket(device, ETH_P_ALL);
    p->tx = open_socket(device, 0);
    p->ring = mmap(NULL, (size_t)PORT_FRAMES * PORT_SNAP, PROT_READ | PROT_WRITE, MAP_SHARED, p->rx, 0);
    must(p->ring != MAP_FAILED, "cannot map the ring", device);
    struct packet_mreq all = {.mr_ifindex = (int)if_nametoindex(device), .mr_type = PACKET_MR_PROMISC};
    must(setsockopt(p->rx, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) == 0,
         "cannot take all frames", device);
}

static struct tpacket2_hdr *header(const struct port *p, unsigned i)
{
    return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)((p->at + i) % PORT_FRAMES) * PORT_SNAP);
}

bool port_peek(struct port *p, unsigned i, struct port_frame *f)
{
    const struct tpacket2_hdr *h = header(p, i);
    uint32_t status = __atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE);
    if (!(status & TP_STATUS_USER))
        return false;
    if (status & TP_STATUS_CSUMNOTREADY)
        p->partial_checksums++;
    *f = (struct port_frame){.bytes = (const uint8_t *)h + h->tp_mac,
                             .len = h->tp_len,
                             .have = h->tp_snaplen,
                             .sec = h->tp_sec,
                             .nsec = h->tp_nsec};
    return true;
}

void port_release(struct port *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        __atomic_store_n(&header(p, i)->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
    p->at = (p->at + n) % PORT_FRAMES;
}

void port_send(struct port *p, const uint8_t *bytes, size_t len)
{
    if (p->n_out == 2 * PORT_BATCH)
        port_flush(p);
    p->out[p->n_out++] = (struct port_out){bytes, len};
}

void port_flush(struct port *p)
{
    struct mmsghdr m[2 * PORT_BATCH];
    struct iovec iov[2 * PORT_BATCH];
    size_t done = 0;
    for (size_t i = 0; i < p->n_out; i++) {
        iov[i] = (struct iovec){(void *)(uintptr_t)p->out[i].bytes, p->out[i].len};
        m[i] = (struct mmsghdr){
            .msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}
        };
    }
    while (done < p->n_out) {
        int n = sendmmsg(p->tx, m + done, (unsigned)(p->n_out - done), 0);
        if (n > 0)
            done += (size_t)n;
        else
            must(errno == EINTR || errno == EAGAIN || errno == ENOBUFS, "cannot send", p->name);
    }
    p->n_out = 0;
}

void port_count_drops(struct port *p)
{
    struct tpacket_stats s = {0};
    socklen_t len = sizeof(s);
    if (getsockopt(p->rx, SOL_PACKET, PACKET_STATISTICS, &s, &len) == 0)
        p->ring_drops += s.tp_drops; /* the kernel forgets them when asked */
}
