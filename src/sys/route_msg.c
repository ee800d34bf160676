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

static void put_metrics(struct nlmsghdr *h, const struct route_spec *s)
{
    if (s->kind != ROUTE_TUNNEL || (!s->mtu && !s->mss))
        return;
    struct nlattr *metrics = mnl_attr_nest_start(h, RTA_METRICS);
    if (s->mtu)
        mnl_attr_put_u32(h, RTAX_MTU, s->mtu);
    if (s->mss)
        mnl_attr_put_u32(h, RTAX_ADVMSS, s->mss);
    mnl_attr_nest_end(h, metrics);
}

bool route_leads_nowhere(const struct route_spec *s)
{
    return kinds[s->kind].type == RTN_UNICAST && !s->device;
}

/* Of the other family: an IPv4 network behind an IPv6 peer. */
static void put_gateway(struct nlmsghdr *h, const struct route_spec *s)
{
    uint8_t via[2 + 16] = {0};
    uint16_t af = af_of(s->gateway.family);
    if (s->gateway.family == s->dst.ip.family)
        mnl_attr_put(h, RTA_GATEWAY, ip_len(s->gateway), s->gateway.b);
    if (!s->gateway.family || s->gateway.family == s->dst.ip.family)
        return;
    memcpy(via, &af, sizeof(af)); /* struct rtvia */
    memcpy(via + sizeof(af), s->gateway.b, ip_len(s->gateway));
    mnl_attr_put(h, RTA_VIA, sizeof(af) + ip_len(s->gateway), via);
}

enum route_kind route_kind_of(uint8_t type, uint32_t metric)
{
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) && (kinds[i].type != type || kinds[i].metric != metric))
        i++;
    return (enum route_kind)i;
}

/* A deletion names no more than what tells our routes apart, so that it is for one that an earlier run left,
 * too: whichever way that led. */
struct nlmsghdr *route_message(void *buf, const struct route_spec *s, bool adds)
{
    bool has_device = adds && kinds[s->kind].type == RTN_UNICAST;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWROUTE : RTM_DELROUTE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_REPLACE : 0));
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = af_of(s->dst.ip.family);
    m->rtm_dst_len = s->dst.bits;
    m->rtm_protocol = ROUTE_PROTOCOL;
    m->rtm_type = kinds[s->kind].type;
    bool is_on_link = has_device && !s->gateway.family && s->dst.ip.family == 4;
    m->rtm_scope = !adds ? RT_SCOPE_NOWHERE : is_on_link ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    mnl_attr_put_u32(h, RTA_TABLE, (uint32_t)s->table);
    mnl_attr_put(h, RTA_DST, ip_len(s->dst.ip), s->dst.ip.b);
    mnl_attr_put_u32(h, RTA_PRIORITY, kinds[s->kind].metric);
    if (has_device) {
        mnl_attr_put_u32(h, RTA_OIF, (uint32_t)s->device);
        put_gateway(h, s);
        if (s->source.family)
            mnl_attr_put(h, RTA_PREFSRC, ip_len(s->source), s->source.b);
        put_metrics(h, s);
    }
    return h;
}

struct nlmsghdr *route_rule_message(void *buf, const struct rule_spec *s, bool adds)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = adds ? RTM_NEWRULE : RTM_DELRULE;
    h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | NLM_F_ACK | (adds ? NLM_F_CREATE | NLM_F_EXCL : 0));
    struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->family = af_of(s->family);
    m->action = s->action;
    m->src_len = s->src.bits;
    m->dst_len = s->dst.bits;
    if (s->whose == RULE_NOT_OURS)
        m->flags = FIB_RULE_INVERT; /* "not" */
    if (s->action == FR_ACT_TO_TBL)
        mnl_attr_put_u32(h, FRA_TABLE, (uint32_t)s->to);
    if (s->action == FR_ACT_GOTO)
        mnl_attr_put_u32(h, FRA_GOTO, (uint32_t)s->to);
    mnl_attr_put_u32(h, FRA_PRIORITY, (uint32_t)s->priority);
    if (s->src.bits)
        mnl_attr_put(h, FRA_SRC, ip_len(s->src.ip), s->src.ip.b);
    if (s->dst.bits)
        mnl_attr_put(h, FRA_DST, ip_len(s->dst.ip), s->dst.ip.b);
    if (s->flow.proto)
        mnl_attr_put_u8(h, FRA_IP_PROTO, s->flow.proto);
    struct fib_rule_port_range sport = {s->flow.sport_from, s->flow.sport_to},
                               dport = {s->flow.dport_from, s->flow.dport_to};
    if (sport.end)
        mnl_attr_put(h, FRA_SPORT_RANGE, sizeof(sport), &sport);
    if (dport.end)
        mnl_attr_put(h, FRA_DPORT_RANGE, sizeof(dport), &dport);
    if (s->from_device)
        mnl_attr_put_strz(h, FRA_IIFNAME, s->from_device);
    if (s->whose != RULE_ALL) {
        mnl_attr_put_u32(h, FRA_FWMARK, SOCK_FWMARK);
        mnl_attr_put_u32(h, FRA_FWMASK, UINT32_MAX);
    }
    mnl_attr_put_u8(h, FRA_PROTOCOL, ROUTE_PROTOCOL);
    return h;
}

static void read_ports(const struct nlattr *a, uint16_t *from, uint16_t *to)
{
    struct fib_rule_port_range r;
    if (mnl_attr_get_payload_len(a) != sizeof(r))
        return;
    memcpy(&r, mnl_attr_get_payload(a), sizeof(r));
    *from = r.start;
    *to = r.end;
}

static void read_ip(const struct nlattr *a, struct ip *out)
{
    ip_from_bytes(span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)), out);
}

static uint32_t read_u32(const struct nlattr *a)
{
    return mnl_attr_validate(a, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(a);
}

bool route_rule_parse(const struct nlmsghdr *h, struct rule_spec *out)
{
    const struct fib_rule_hdr *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    bool is_ours = false;
    if (mnl_nlmsg_get_payload_len(h) < sizeof(*m))
        return false;
    *out = (struct rule_spec){.family = m->family == AF_INET ? 4 : 6,
                              .action = m->action,
                              .src.bits = m->src_len,
                              .dst.bits = m->dst_len};
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        switch (mnl_attr_get_type(a)) {
        case FRA_PROTOCOL:
            is_ours = mnl_attr_validate(a, MNL_TYPE_U8) >= 0 && mnl_attr_get_u8(a) == ROUTE_PROTOCOL;
            break;
        case FRA_PRIORITY:
            out->priority = (int)read_u32(a);
            break;
        case FRA_GOTO:
            out->to = (int)read_u32(a);
            break;
        case FRA_SRC:
            read_ip(a, &out->src.ip);
            break;
        case FRA_DST:
            read_ip(a, &out->dst.ip);
            break;
        case FRA_IIFNAME:
            out->from_device = mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0 ? NULL : mnl_attr_get_str(a);
            break;
        case FRA_IP_PROTO:
            out->flow.proto = mnl_attr_validate(a, MNL_TYPE_U8) < 0 ? 0 : mnl_attr_get_u8(a);
            break;
        case FRA_SPORT_RANGE:
            read_ports(a, &out->flow.sport_from, &out->flow.sport_to);
            break;
        case FRA_DPORT_RANGE:
            read_ports(a, &out->flow.dport_from, &out->flow.dport_to);
            break;
        default:
            break;
        }
    }
    return is_ours;
}
