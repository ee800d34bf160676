/* SPDX-License-Identifier: Apache-2.0 */
/* See tun.h. Headers of both directions are in the machine's byte order. */
#include "sys/tun.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Newer than Debian 12's headers. */
#define OFFLOAD_USO (0x20 | 0x40)
#define GSO_UDP_L4  5
/* Packets or super-packets that wait for us in each queue. The kernel's 500 is less than what a hundred TCP
 * streams have under way. */
#define QUEUE_LEN   4096
#define OFFLOAD_TSO (TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6 | TUN_F_TSO_ECN)

static bool fail(struct tun *t, struct diag *d, const char *doing)
{
    int err = errno;
    diag_set(d, err == EPERM || err == EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot %s: %s", doing,
             strerror(err));
    if (err == ENOENT || err == ENODEV)
        diag_try(d, "modprobe tun, or give the container /dev/net/tun");
    if (err == EPERM || err == EACCES)
        diag_try(d, "root, or CAP_NET_ADMIN");
    tun_close(t);
    return false;
}

/* No link-local address: router solicitations and MLD reports would only be counted as drops. May fail where
 * /proc/sys is read-only; nothing depends on it. */
static void quiet_ipv6(const char *name)
{
    char path[96];
    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/addr_gen_mode", name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    ssize_t n = write(fd, "1", 1);
    (void)n;
    close(fd);
}

static bool bring_up(struct tun *t, unsigned mtu)
{
    struct ifreq ifr = {0};
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return false;
    memcpy(ifr.ifr_name, t->name, IFNAMSIZ);
    ifr.ifr_mtu = (int)mtu;
    bool ok = ioctl(s, SIOCSIFMTU, &ifr) == 0;
    ifr.ifr_qlen = QUEUE_LEN;
    ok = ok && ioctl(s, SIOCSIFTXQLEN, &ifr) == 0;
    ok = ok && ioctl(s, SIOCGIFFLAGS, &ifr) == 0;
    ifr.ifr_flags |= IFF_UP;
    ok = ok && ioctl(s, SIOCSIFFLAGS, &ifr) == 0;
    int err = errno;
    close(s);
    errno = err;
    return ok;
}

/* The most that this kernel gives. */
static bool set_offloads(struct tun *t, int fd)
{
    int header = TUN_HEADER;
    if (ioctl(fd, TUNSETVNETHDRSZ, &header) < 0)
        return false;
    t->has_tcp = ioctl(fd, TUNSETOFFLOAD, OFFLOAD_TSO | OFFLOAD_USO) == 0;
    t->has_udp = t->has_tcp;
    t->has_tcp = t->has_tcp || ioctl(fd, TUNSETOFFLOAD, OFFLOAD_TSO) == 0;
    return t->has_tcp || ioctl(fd, TUNSETOFFLOAD, 0) == 0;
}

/* One more queue of the device that the name says, or that the name is a pattern for. */
static bool add_queue(struct tun *t, bool is_multi)
{
    struct ifreq ifr = {.ifr_flags = (short)(IFF_TUN | IFF_NO_PI | IFF_VNET_HDR)};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    if (is_multi)
        ifr.ifr_flags = (short)(ifr.ifr_flags | IFF_MULTI_QUEUE);
    memcpy(ifr.ifr_name, t->name, IFNAMSIZ);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        int err = errno;
        close(fd);
        errno = err;
        return false;
    }
    memcpy(t->name, ifr.ifr_name, IFNAMSIZ);
    t->name[IFNAMSIZ - 1] = '\0';
    t->queues[t->n_queues++] = fd;
    return true;
}

bool tun_open(struct tun *t, unsigned n_queues, unsigned mtu, struct diag *d)
{
    *t = (struct tun){.name = "kw%d"};
    if (!add_queue(t, n_queues > 1))
        return fail(t, d, "create a TUN device");
    while (t->n_queues < n_queues && t->n_queues < TUN_QUEUES_MAX && add_queue(t, true))
        ;
    if (!set_offloads(t, t->queues[0]))
        return fail(t, d, "set the TUN device's offloads");
    quiet_ipv6(t->name);
    if (!bring_up(t, mtu))
        return fail(t, d, "bring up the TUN device");
    t->index = (int)if_nametoindex(t->name);
    return true;
}

void tun_close(struct tun *t)
{
    while (t->n_queues)
        close(t->queues[--t->n_queues]);
}

bool tun_read_header(const uint8_t header[TUN_HEADER], struct offload *o)
{
    struct virtio_net_hdr h;
    memcpy(&h, header, sizeof(h));
    *o = (struct offload){.header = h.hdr_len,
                          .size = h.gso_size,
                          .needs_checksum = h.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM,
                          .checksum_start = h.csum_start,
                          .checksum_offset = h.csum_offset};
    switch (h.gso_type & ~VIRTIO_NET_HDR_GSO_ECN) {
    case VIRTIO_NET_HDR_GSO_NONE:
        return true;
    case VIRTIO_NET_HDR_GSO_TCPV4:
    case VIRTIO_NET_HDR_GSO_TCPV6:
        o->kind = OFFLOAD_TCP;
        return true;
    case GSO_UDP_L4:
        o->kind = OFFLOAD_UDP;
        return true;
    default:
        return false;
    }
}

void tun_write_header(uint8_t header[TUN_HEADER], const struct offload *o, uint8_t family)
{
    static const uint8_t kinds[] = {VIRTIO_NET_HDR_GSO_NONE, VIRTIO_NET_HDR_GSO_TCPV4, GSO_UDP_L4};
    struct virtio_net_hdr h = {.flags = o->needs_checksum ? VIRTIO_NET_HDR_F_NEEDS_CSUM : 0,
                               .gso_type = kinds[o->kind],
                               .hdr_len = o->header,
                               .gso_size = o->size,
                               .csum_start = o->checksum_start,
                               .csum_offset = o->checksum_offset};
    if (o->kind == OFFLOAD_TCP && family == 6)
        h.gso_type = VIRTIO_NET_HDR_GSO_TCPV6;
    memcpy(header, &h, sizeof(h));
}
