/* SPDX-License-Identifier: Apache-2.0 */
/* The way that packets between two addresses take when no tunnel is asked. */
#pragma once

#include "net/ip.h"
#include "sys/netlink.h"

struct route_way {
    int device;        /* interface index; 0: there is no way */
    struct ip gateway; /* family 0: none: the other end is on the link */
};

/* local may be unspecified. False when there is no way now. */
bool route_way_find(struct netlink *nl, struct ip local, struct ip remote, struct route_way *out);
