/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface and which gateway lead to a peer, for updown commands: asked when one is about to run. */
#include "sys/address.h"
#include "sys/route_way.h"
#include "sys/updown.h"
#include <stdio.h>

static struct ip next_hop(struct ip local, struct ip remote)
{
    struct netlink nl;
    struct route_way way = {0};
    if (!netlink_open(&nl, NETLINK_ROUTE, NULL))
        return way.gateway;
    route_way_find(&nl, local, remote, &way);
    netlink_close(&nl);
    return way.gateway;
}

void updown_ways(struct ip local, struct ip remote, struct updown_ways *out)
{
    if (!address_device(local, out->interface))
        snprintf(out->interface, sizeof(out->interface), "unknown");
    out->next_hop = next_hop(local, remote);
}
