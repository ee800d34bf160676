/* SPDX-License-Identifier: Apache-2.0 */
/* The TUN device kw0: whole IP packets, each behind a virtio-net header. Where the kernel can, TCP and UDP
 * super-packets pass in both directions. */
#pragma once

#include "base/diag.h"
#include "esp/offload.h"
#include <net/if.h>

#define TUN_HEADER     10 /* struct virtio_net_hdr before every packet, in both directions */
#define TUN_PACKET_MAX 65535
#define TUN_QUEUES_MAX 64

struct tun {
    int queues[TUN_QUEUES_MAX]; /* descriptors; the kernel keeps a flow on one queue */
    unsigned n_queues;
    int index;
    char name[IFNAMSIZ];
    bool has_tcp, has_udp; /* super-packets of these */
};

/* The first free kwN, up, with this MTU and so many queues (fewer where the kernel has no more). The device
 * goes when all are closed. */
bool tun_open(struct tun *t, unsigned n_queues, unsigned mtu, struct diag *d);
void tun_close(struct tun *t);

/* What the header before a packet says; false when it is none that was asked for. */
bool tun_read_header(const uint8_t header[TUN_HEADER], struct offload *o);
/* family: of the packet behind it. */
void tun_write_header(uint8_t header[TUN_HEADER], const struct offload *o, uint8_t family);
