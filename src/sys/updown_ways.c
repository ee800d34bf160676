/* SPDX-License-Identifier: Apache-2.0 */
/* Which interface and which gateway lead to a peer, for updown commands: asked when one is about to run. */
#include "sys/netlink.h"
#include "sys/sock.h"
#include "sys/updown.h"
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

static void interface_of(struct ip ip, char out[32])
{
    struct ifaddrs *all = NULL;
    snprintf(out, 32, "unknown");
    if (getifaddrs(&all) < 0)
        return;
    for (struct ifaddrs *i = all; i; i = i->ifa_next) {
        struct sockaddr_storage sa = {0};
        struct endpoint e;
        if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
            continue;
        memcpy(&sa, i->ifa_addr,
               i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        sockaddr_to(&sa, &e);
        if (ip_equal(e.ip, ip))
            snprintf(out, 32, "%s", i->ifa_name);
    }
    freeifaddrs(all);
}

static int on_route(const struct nlmsghdr *h, void *ctx)
{
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    struct ip *out = ctx;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        size_t len = m->rtm_family == AF_INET ? 4 : 16;
        if (mnl_attr_get_type(a) != RTA_GATEWAY || mnl_attr_get_payload_len(a) != len)
            continue;
        *out = (struct ip){.family = len == 4 ? 4 : 6};
        memcpy(out->b, mnl_attr_get_payload(a), len);
    }
    return MNL_CB_OK;
}

static struct ip next_hop(struct ip local, struct ip remote)
{
    char buf[256];
    struct netlink nl;
    struct ip found = {0};
    if (!remote.family || !netlink_open(&nl, NETLINK_ROUTE, NULL))
        return found;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETROUTE;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = remote.family == 4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = remote.family == 4 ? 32 : 128;
    mnl_attr_put(h, RTA_DST, ip_len(remote), remote.b);
    if (local.family == remote.family)
        mnl_attr_put(h, RTA_SRC, ip_len(local), local.b);
    netlink_ask(&nl, h, on_route, &found);
    netlink_close(&nl);
    return found;
}

void updown_ways(struct ip local, struct ip remote, struct updown_ways *out)
{
    interface_of(local, out->interface);
    out->next_hop = next_hop(local, remote);
}
