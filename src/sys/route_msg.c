/* SPDX-License-Identifier: Apache-2.0 */
/* rtnetlink messages for routes and rules, without a socket: see route.h. */
#include "sys/route.h"
#include "sys/sock.h"
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>

/* For one destination the tunnel wins over what holds its place, that over the barrier, and the barrier over
 * an exception: a host-to-host tunnel protects the very address that is excepted. Elsewhere an exception wins
 * by its longer prefix. */
static const struct {
    uint8_t type;
    uint32_t metric;
} kinds[] = {
    [ROUTE_TUNNEL] = {RTN_UNICAST,     100 },
    [ROUTE_HOLD] = {RTN_UNICAST,     500 },
    [ROUTE_BARRIER] = {RTN_UNREACHABLE, 1000},
    [ROUTE_EXCEPTION] = {RTN_THROW,       2000},
};

static uint8_t af_of(uint8_t family)
{
    return family == 4 ? AF_INET : AF_INET6;
}

struct nlmsghdr *route_message(void *buf, const struct route_spec *s, bool adds)
{
    bool has_device = kinds[s->kind].type == RTN_UNICAST;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWROUTE : RTM_DELROUTE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_REPLACE : 0));
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = af_of(s->dst.ip.family);
    m->rtm_dst_len = s->dst.bits;
    m->rtm_protocol = ROUTE_PROTOCOL;
    m->rtm_type = kinds[s->kind].type;
    m->rtm_scope = has_device && s->dst.ip.family == 4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    mnl_attr_put_u32(h, RTA_TABLE, (uint32_t)s->table);
    mnl_attr_put(h, RTA_DST, ip_len(s->dst.ip), s->dst.ip.b);
    mnl_attr_put_u32(h, RTA_PRIORITY, kinds[s->kind].metric);
    if (has_device) {
        mnl_attr_put_u32(h, RTA_OIF, (uint32_t)s->device);
        if (s->source.family)
            mnl_attr_put(h, RTA_PREFSRC, ip_len(s->source), s->source.b);
    }
    return h;
}

struct nlmsghdr *route_rule_message(void *buf, uint8_t family, int table, int priority, bool adds)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWRULE : RTM_DELRULE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->family = af_of(family);
    m->action = FR_ACT_TO_TBL;
    m->flags = FIB_RULE_INVERT; /* "not": all but our own packets */
    mnl_attr_put_u32(h, FRA_TABLE, (uint32_t)table);
    mnl_attr_put_u32(h, FRA_PRIORITY, (uint32_t)priority);
    mnl_attr_put_u32(h, FRA_FWMARK, SOCK_FWMARK);
    mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
    mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTE_PROTOCOL);
    return h;
}

struct nlmsghdr *route_flow_message(void *buf, const struct prefix *dst, const struct route_flow *flow,
                                    int table, int priority, bool adds)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWRULE : RTM_DELRULE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->family = af_of(dst->ip.family);
    m->action = FR_ACT_TO_TBL;
    m->dst_len = dst->bits;
    mnl_attr_put_u32(h, FRA_TABLE, (uint32_t)table);
    mnl_attr_put_u32(h, FRA_PRIORITY, (uint32_t)priority);
    mnl_attr_put(h, FRA_DST, ip_len(dst->ip), dst->ip.b);
    mnl_attr_put_u8(h, FRA_IP_PROTO, flow->proto);
    struct fib_rule_port_range sport = {flow->sport_from, flow->sport_to},
                               dport = {flow->dport_from, flow->dport_to};
    if (flow->sport_to)
        mnl_attr_put(h, FRA_SPORT_RANGE, sizeof(sport), &sport);
    if (flow->dport_to)
        mnl_attr_put(h, FRA_DPORT_RANGE, sizeof(dport), &dport);
    mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTE_PROTOCOL);
    return h;
}

struct nlmsghdr *route_goto_message(void *buf, uint8_t family, int priority, int target, bool adds)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWRULE : RTM_DELRULE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->family = af_of(family);
    m->action = FR_ACT_GOTO;
    mnl_attr_put_u32(h, FRA_GOTO, (uint32_t)target);
    mnl_attr_put_u32(h, FRA_PRIORITY, (uint32_t)priority);
    mnl_attr_put_u32(h, FRA_FWMARK, SOCK_FWMARK);
    mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
    mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTE_PROTOCOL);
    return h;
}
