/* SPDX-License-Identifier: Apache-2.0 */
/* See linkring.h. TPACKET_V2: a frame is there for us when its packet is, where TPACKET_V3 would hold a lone
 * packet back until its block is full or a timer ends. */
#include "sys/linkring.h"
#include "model/action.h"
#include "net/packet.h"
#include "sys/linkfilter.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME     2048 /* the kernel's header and LINKFILTER_MAX bytes */
#define FRAMES    2048
#define BLOCK     65536
#define RING_SIZE ((size_t)FRAME * FRAMES)

struct linkring {
    int fd;
    uint8_t family;
    uint8_t *memory;
    unsigned next, taken; /* frames; those before next are ours until they are released */
};

static struct tpacket2_hdr *frame(const struct linkring *r, unsigned at)
{
    return (struct tpacket2_hdr *)(void *)(r->memory + (size_t)(at % FRAMES) * FRAME);
}

static uint32_t status_of(struct tpacket2_hdr *h)
{
    return atomic_load_explicit((_Atomic uint32_t *)&h->tp_status, memory_order_acquire);
}

/* ---- reading */

static bool read_ipv4(uint8_t *ip, uint32_t cap, struct linkring_packet *p)
{
    if (cap < 28 || ip[0] != 0x45)
        return false;
    uint32_t len = (uint32_t)ip[2] << 8 | ip[3];
    uint16_t sum = checksum_finish(checksum_add(0, span_of(ip, 20)));
    if (len < 28 || len > cap || (sum != 0 && sum != 0xffff))
        return false;
    p->data = ip + 20;
    p->len = len - 20;
    p->tos = ip[1];
    return ip_from_bytes(span_of(ip + 12, 4), &p->remote) && ip_from_bytes(span_of(ip + 16, 4), &p->local);
}

static bool read_ipv6(uint8_t *ip, uint32_t cap, struct linkring_packet *p)
{
    if (cap < 48 || ip[0] >> 4 != 6)
        return false;
    uint32_t len = (uint32_t)ip[4] << 8 | ip[5];
    if (len < 8 || len > cap - 40)
        return false;
    p->data = ip + 40;
    p->len = len;
    p->tos = (uint8_t)(ip[0] << 4 | ip[1] >> 4);
    return ip_from_bytes(span_of(ip + 8, 16), &p->remote) && ip_from_bytes(span_of(ip + 24, 16), &p->local);
}

bool linkring_next(struct linkring *r, struct linkring_packet *p)
{
    while (r->taken < FRAMES) {
        struct tpacket2_hdr *h = frame(r, r->next);
        if (!(status_of(h) & TP_STATUS_USER))
            return false;
        r->next++;
        r->taken++;
        uint8_t *ip = (uint8_t *)h + h->tp_net;
        uint32_t room = h->tp_net < FRAME ? FRAME - h->tp_net : 0;
        uint32_t cap = h->tp_snaplen < room ? h->tp_snaplen : room;
        if (r->family == 4 ? read_ipv4(ip, cap, p) : read_ipv6(ip, cap, p))
            return true;
    }
    return false;
}

void linkring_release(struct linkring *r)
{
    for (; r->taken; r->taken--) {
        struct tpacket2_hdr *h = frame(r, r->next - r->taken);
        atomic_store_explicit((_Atomic uint32_t *)&h->tp_status, TP_STATUS_KERNEL, memory_order_release);
    }
}

int linkring_fd(const struct linkring *r)
{
    return r->fd;
}

uint32_t linkring_lost(struct linkring *r)
{
    struct tpacket_stats stats = {0};
    socklen_t len = sizeof(stats);
    return getsockopt(r->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 ? stats.tp_drops : 0;
}

/* ---- opening */

static bool set(int fd, int option, const void *value, socklen_t len)
{
    return setsockopt(fd, SOL_PACKET, option, value, len) == 0;
}

static bool open_ring(struct linkring *r, uint8_t family)
{
    static const int version = TPACKET_V2;
    static const struct tpacket_req size = {.tp_block_size = BLOCK,
                                            .tp_block_nr = RING_SIZE / BLOCK,
                                            .tp_frame_size = FRAME,
                                            .tp_frame_nr = FRAMES};
    struct sockaddr_ll all = {.sll_family = AF_PACKET,
                              .sll_protocol = htons(family == 4 ? ETH_P_IP : ETH_P_IPV6)};
    r->family = family;
    r->fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (r->fd < 0 || !linkfilter_detach(r->fd) || !set(r->fd, PACKET_VERSION, &version, sizeof(version)) ||
        !set(r->fd, PACKET_RX_RING, &size, sizeof(size)))
        return false;
    void *memory = mmap(NULL, RING_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, 0);
    if (memory == MAP_FAILED)
        return false;
    r->memory = memory;
    return bind(r->fd, (struct sockaddr *)&all, sizeof(all)) == 0;
}

/* The rings in the order of their workers; the program gives the number of one. */
static bool share(struct linkring **rings, unsigned n, uint8_t family)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, family == 4 ? 23 : 43), /* the low byte of the SPI */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, (1u << SPI_STEER_BITS) - 1),
        BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, n),
        BPF_STMT(BPF_RET | BPF_A, 0),
    };
    struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
    int how = (PACKET_FANOUT_CBPF | PACKET_FANOUT_FLAG_UNIQUEID) << 16;
    socklen_t len = sizeof(how);
    for (unsigned i = 0; i < n; i++) {
        if (!set(rings[i]->fd, PACKET_FANOUT, &how, sizeof(how)))
            return false;
        if (i == 0) { /* the kernel has chosen a group's number */
            if (getsockopt(rings[0]->fd, SOL_PACKET, PACKET_FANOUT, &how, &len) < 0)
                return false;
            how = (how & 0xffff) | PACKET_FANOUT_CBPF << 16;
        }
    }
    return set(rings[0]->fd, PACKET_FANOUT_DATA, &program, sizeof(program));
}

bool linkring_open(struct linkring **rings, unsigned n, uint8_t family, struct diag *d)
{
    bool ok = true;
    for (unsigned i = 0; i < n; i++) {
        rings[i] = calloc(1, sizeof(*rings[i]));
        if (!rings[i])
            abort();
        rings[i]->fd = -1;
    }
    for (unsigned i = 0; ok && i < n; i++)
        ok = open_ring(rings[i], family);
    if (ok && (n == 1 || share(rings, n, family)))
        return true;
    diag_set(d, FAIL_GENERIC, "cannot open a packet ring: %s", strerror(errno));
    for (unsigned i = 0; i < n; i++) {
        linkring_close(rings[i]);
        rings[i] = NULL;
    }
    return false;
}

void linkring_close(struct linkring *r)
{
    if (!r)
        return;
    if (r->memory)
        munmap(r->memory, RING_SIZE);
    if (r->fd >= 0)
        close(r->fd);
    free(r);
}
