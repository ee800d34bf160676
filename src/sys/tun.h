/* SPDX-License-Identifier: Apache-2.0 */
/* The TUN device kw0: whole IP packets, each behind a virtio-net header. */
#pragma once

#include "base/diag.h"
#include <net/if.h>

#define TUN_HEADER 10 /* struct virtio_net_hdr before every packet, in both directions */

struct tun {
    int fd;
    int index;
    char name[IFNAMSIZ];
};

/* The first free kwN, up, with this MTU. The device goes when fd is closed. */
bool tun_open(struct tun *t, unsigned mtu, struct diag *d);
void tun_close(struct tun *t);
