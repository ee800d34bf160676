/* SPDX-License-Identifier: Apache-2.0 */
/* See rpfilter.h. */
#include "sys/rpfilter.h"
#include "sys/sock.h"
#include <linux/rtnetlink.h>
#include <stdio.h>

static int on_route(const struct nlmsghdr *h, void *ctx)
{
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(struct rtmsg))
    {
        if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            *(uint32_t *)ctx = mnl_attr_get_u32(a);
    }
    return MNL_CB_OK;
}

/* As for packets of our own, which our routes are not for. */
static uint32_t device_towards(struct netlink *nl, struct ip peer)
{
    char buf[512];
    uint32_t index = 0;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETROUTE;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = AF_INET;
    m->rtm_dst_len = 32;
    mnl_attr_put(h, RTA_DST, ip_len(peer), peer.b);
    mnl_attr_put_u32(h, RTA_MARK, SOCK_FWMARK);
    return netlink_ask(nl, h, on_route, &index) ? 0 : index;
}

static int setting_of(const char *interface)
{
    char path[80];
    int value = 0;
    snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    if (fscanf(f, "%d", &value) != 1)
        value = 0;
    fclose(f);
    return value;
}

enum rpfilter rpfilter_towards(struct netlink *nl, struct ip peer, char device[IF_NAMESIZE])
{
    device[0] = 0;
    if (peer.family != 4)
        return RPFILTER_OFF;
    uint32_t index = device_towards(nl, peer);
    if (!index || !if_indextoname(index, device))
        device[0] = 0;
    int own = setting_of(device[0] ? device : "default"), all = setting_of("all");
    int value = own > all ? own : all; /* so the kernel does it: 2, the loose one, wins */
    return value == 1 ? RPFILTER_STRICT : value == 2 ? RPFILTER_LOOSE : RPFILTER_OFF;
}
