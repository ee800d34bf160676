/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the kernel's data plane lead where packets to the peer go, and follow when that changes: see
 * route.h. */
#include "base/log.h"
#include "sys/route_impl.h"
#include "sys/sock.h"
#include <ifaddrs.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

static int on_way(const struct nlmsghdr *h, void *ctx)
{
    struct route_way *w = ctx;
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    if (m->rtm_type != RTN_UNICAST)
        return MNL_CB_OK;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        struct span bytes = span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
        if (mnl_attr_get_type(a) == RTA_OIF && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            w->device = (int)mnl_attr_get_u32(a);
        if (mnl_attr_get_type(a) == RTA_GATEWAY)
            ip_from_bytes(bytes, &w->gateway);
        if (mnl_attr_get_type(a) == RTA_VIA && bytes.len > 2)
            ip_from_bytes(span_of(bytes.ptr + 2, bytes.len - 2), &w->gateway);
    }
    return MNL_CB_OK;
}

bool route_way_find(struct netlink *nl, struct ip local, struct ip remote, struct route_way *out)
{
    char buf[MESSAGE_MAX];
    *out = (struct route_way){0};
    if (!remote.family)
        return false;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETROUTE;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = remote.family == 4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = (uint8_t)(8 * ip_len(remote));
    mnl_attr_put(h, RTA_DST, ip_len(remote), remote.b);
    if (local.family == remote.family && !ip_is_unspecified(local)) {
        m->rtm_src_len = (uint8_t)(8 * ip_len(local));
        mnl_attr_put(h, RTA_SRC, ip_len(local), local.b);
    }
    mnl_attr_put_u32(h, RTA_MARK, SOCK_FWMARK); /* past our own routes */
    return netlink_ask(nl, h, on_way, out) == 0 && out->device;
}

bool route_lead(struct route_table *t, const char *device, struct ip local, struct ip remote,
                struct route_spec *s)
{
    struct route_way way = {.device = device[0] ? (int)if_nametoindex(device) : 0};
    if (!device[0])
        route_way_find(&t->nl, local, remote, &way);
    s->device = way.device;
    s->gateway = way.gateway;
    return s->device;
}

static bool is_same_way(const struct route_spec *a, const struct route_spec *b)
{
    return a->device == b->device && ip_equal(a->gateway, b->gateway);
}

/* What leads nowhere now stays as it was: the kernel has taken it away with its interface, or packets that
 * meet it are lost as they would be anyway. The kernel keeps a source address in a route of our table when
 * the machine has it no more. */
static void follow(struct route_table *t, struct entry *e, const struct ifaddrs *all)
{
    struct diag d;
    struct route_spec now = e->spec;
    bool is_kernels = e->plane == PLANE_KERNEL,
         leads = e->spec.kind == ROUTE_TUNNEL || e->spec.kind == ROUTE_HOLD;
    if (!leads || (is_kernels && !route_lead(t, e->device, e->outer_local, e->outer_remote, &now)))
        return;
    if (e->spec.kind == ROUTE_TUNNEL)
        now.source = route_source(&e->local, all);
    struct kernel_route *r = route_find(t, &now);
    bool has_changed = !is_same_way(&now, &e->spec) || !ip_equal(now.source, e->spec.source);
    if (!r || (!is_kernels && !has_changed)) /* the device is ours, and takes its routes along */
        return;
    if (!route_install(t, &now, &d)) /* also what went with an address or an interface that is back */
        log_line(GROUP_KNL, LOG_WARN, "%s", d.what);
    else if (has_changed)
        e->spec = r->spec = now;
}

void route_follow(struct route_table *t)
{
    struct map_node **nodes = route_nodes(&t->entries);
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) == 0) {
        for (size_t i = 0; nodes[i]; i++)
            follow(t, (struct entry *)nodes[i], all);
        freeifaddrs(all);
    }
    free(nodes);
}
