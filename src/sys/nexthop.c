/* SPDX-License-Identifier: Apache-2.0 */
/* See nexthop.h. A direct-mapped table of answers; a flood of addresses costs a bounded number of questions,
 * and packets without an answer take the slower way. */
#include "sys/nexthop.h"
#include "base/map.h"
#include "base/time.h"
#include "sys/netlink.h"
#include "sys/route.h"
#include "sys/sock.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if_arp.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define SLOTS       1024
#define MESSAGE_MAX 512
#define VALID_FOR   TIME_SECOND
#define LOOK_EVERY  TIME_MS /* for announcements */
#define ASK_EVERY   (TIME_SECOND / 10)
#define ASK_MAX     100 /* questions in that time */

/* What may be used as the kernel would use it: an old address is good until the kernel has found otherwise.
 */
#define NUD_USABLE (NUD_PERMANENT | NUD_REACHABLE | NUD_STALE | NUD_DELAY | NUD_PROBE)

struct slot {
    struct ip local, remote;
    uint32_t generation; /* 0: empty */
    int64_t until;
    bool is_known;
    struct nexthop hop;
};

struct nexthops {
    struct netlink ask, news;
    struct slot slots[SLOTS];
    uint32_t generation;
    int64_t look_at, ask_again_at;
    unsigned asked;
    bool has_odd_rules; /* that choose by what a question cannot say */
};

/* ---- announcements */

static const int groups[] = {
    RTNLGRP_LINK,        RTNLGRP_NEIGH,      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
    RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV6_RULE,   RTNLGRP_NEXTHOP,
};

/* A question names addresses, mark and user; a rule may look at more. Our own rules let marked packets pass.
 */
static int on_rule(const struct nlmsghdr *h, void *ctx)
{
    static const uint16_t plain[] = {
        FRA_DST,
        FRA_SRC,
        FRA_IFNAME,
        FRA_GOTO,
        FRA_PRIORITY,
        FRA_FWMARK,
        FRA_FLOW,
        FRA_SUPPRESS_IFGROUP,
        FRA_SUPPRESS_PREFIXLEN,
        FRA_TABLE,
        FRA_FWMASK,
        FRA_L3MDEV,
        FRA_UID_RANGE,
        FRA_PROTOCOL,
        FRA_PAD,
    };
    bool *is_odd = ctx, has_odd = false;
    const struct nlattr *a;
    mnl_attr_for_each(a, h, sizeof(struct fib_rule_hdr))
    {
        bool is_plain = false;
        if (mnl_attr_get_type(a) == FRA_PROTOCOL && mnl_attr_get_u8(a) == ROUTE_PROTOCOL)
            return MNL_CB_OK;
        for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
            is_plain = is_plain || plain[i] == mnl_attr_get_type(a);
        has_odd = has_odd || !is_plain;
    }
    *is_odd = *is_odd || has_odd;
    return MNL_CB_OK;
}

static void read_rules(struct nexthops *t)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    t->has_odd_rules = false;
    for (size_t i = 0; i < sizeof(families); i++) {
        char buf[MESSAGE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
        h->nlmsg_type = RTM_GETRULE;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct fib_rule_hdr *r = mnl_nlmsg_put_extra_header(h, sizeof(*r));
        r->family = families[i];
        int err = netlink_ask(&t->ask, h, on_rule, &t->has_odd_rules);
        if (err && err != EAFNOSUPPORT && err != EOPNOTSUPP)
            t->has_odd_rules = true;
    }
}

static int on_news(const struct nlmsghdr *h, void *ctx)
{
    bool *has_new_rules = ctx;
    if (h->nlmsg_type == RTM_NEWRULE || h->nlmsg_type == RTM_DELRULE)
        *has_new_rules = true;
    return MNL_CB_OK;
}

void nexthops_refresh(struct nexthops *t, int64_t now)
{
    char buf[8192];
    bool has_news = false, has_new_rules = false;
    if (now < t->look_at)
        return;
    t->look_at = now + LOOK_EVERY;
    for (;;) {
        ssize_t n = recv(mnl_socket_get_fd(t->news.socket), buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ENOBUFS)
            break;
        has_news = true;
        if (n < 0) /* too many at once: anything may have changed */
            has_new_rules = true;
        else
            mnl_cb_run(buf, (size_t)n, 0, 0, on_news, &has_new_rules);
    }
    if (has_new_rules)
        read_rules(t);
    if (has_news)
        t->generation++;
}

/* ---- questions */

struct question {
    struct ip via; /* the neighbour */
    struct nexthop hop;
    bool is_good, is_stale;
};

static uint8_t af_of(struct ip ip)
{
    return ip.family == 4 ? AF_INET : AF_INET6;
}

static void read_via(const struct nlattr *a, struct ip *via)
{
    struct rtvia v;
    size_t len = mnl_attr_get_payload_len(a);
    if (len < sizeof(v.rtvia_family))
        return;
    const uint8_t *p = mnl_attr_get_payload(a);
    memcpy(&v.rtvia_family, p, sizeof(v.rtvia_family));
    if (!ip_from_bytes(span_of(p + sizeof(v.rtvia_family), len - sizeof(v.rtvia_family)), via))
        *via = (struct ip){0};
}

static void read_metrics(const struct nlattr *nest, struct nexthop *hop)
{
    const struct nlattr *a;
    mnl_attr_for_each_nested(a, nest)
    {
        if (mnl_attr_get_type(a) == RTAX_MTU && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            hop->mtu = mnl_attr_get_u32(a) & 0xffff; /* above: a lock bit of some kernels */
    }
}

static int on_route(const struct nlmsghdr *h, void *ctx)
{
    struct question *q = ctx;
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    q->is_good = h->nlmsg_type == RTM_NEWROUTE && m->rtm_type == RTN_UNICAST;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        switch (mnl_attr_get_type(a)) {
        case RTA_OIF:
            q->hop.device = (int)mnl_attr_get_u32(a);
            break;
        case RTA_GATEWAY:
            ip_from_bytes(span_of(mnl_attr_get_payload(a), mnl_attr_get_payload_len(a)), &q->via);
            break;
        case RTA_VIA:
            read_via(a, &q->via);
            break;
        case RTA_METRICS:
            read_metrics(a, &q->hop);
            break;
        case RTA_ENCAP: /* the route would wrap it */
        case RTA_ENCAP_TYPE:
        case RTA_MULTIPATH:
            q->is_good = false;
            break;
        default:
            break;
        }
    }
    return MNL_CB_OK;
}

static bool ask_route(struct nexthops *t, struct ip local, struct ip remote, struct question *q)
{
    char buf[MESSAGE_MAX];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETROUTE;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = af_of(remote);
    m->rtm_dst_len = m->rtm_src_len = (uint8_t)(ip_len(remote) * 8);
    mnl_attr_put(h, RTA_DST, ip_len(remote), remote.b);
    mnl_attr_put(h, RTA_SRC, ip_len(local), local.b);
    mnl_attr_put_u32(h, RTA_MARK, SOCK_FWMARK);
    q->via = remote;
    return netlink_ask(&t->ask, h, on_route, q) == 0 && q->is_good && q->hop.device && q->via.family;
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
    struct question *q = ctx;
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    uint32_t mtu = 0;
    q->is_good = h->nlmsg_type == RTM_NEWLINK && m->ifi_type == ARPHRD_ETHER && (m->ifi_flags & IFF_UP) &&
                 !(m->ifi_flags & (IFF_NOARP | IFF_LOOPBACK | IFF_POINTOPOINT));
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        if (mnl_attr_get_type(a) == IFLA_MTU && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            mtu = mnl_attr_get_u32(a);
    }
    if (!q->hop.mtu || q->hop.mtu > mtu)
        q->hop.mtu = mtu;
    return MNL_CB_OK;
}

static bool ask_link(struct nexthops *t, struct question *q)
{
    char buf[MESSAGE_MAX];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETLINK;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct ifinfomsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ifi_family = AF_UNSPEC;
    m->ifi_index = q->hop.device;
    mnl_attr_put_u32(h, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
    return netlink_ask(&t->ask, h, on_link, q) == 0 && q->is_good;
}

static int on_neighbour(const struct nlmsghdr *h, void *ctx)
{
    struct question *q = ctx;
    const struct ndmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *a;
    bool has_address = false;
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        if (mnl_attr_get_type(a) != NDA_LLADDR || mnl_attr_get_payload_len(a) != sizeof(q->hop.address))
            continue;
        memcpy(q->hop.address, mnl_attr_get_payload(a), sizeof(q->hop.address));
        has_address = true;
    }
    q->is_stale = m->ndm_state & NUD_STALE;
    q->is_good = h->nlmsg_type == RTM_NEWNEIGH && (m->ndm_state & NUD_USABLE) && has_address;
    return MNL_CB_OK;
}

static bool ask_neighbour(struct nexthops *t, struct question *q)
{
    char buf[MESSAGE_MAX];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETNEIGH;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct ndmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->ndm_family = af_of(q->via);
    m->ndm_ifindex = q->hop.device;
    mnl_attr_put(h, NDA_DST, ip_len(q->via), q->via.b);
    return netlink_ask(&t->ask, h, on_neighbour, q) == 0 && q->is_good;
}

/* ---- answers */

static bool may_ask(struct nexthops *t, int64_t now)
{
    if (now >= t->ask_again_at) {
        t->ask_again_at = now + ASK_EVERY;
        t->asked = 0;
    }
    return t->asked++ < ASK_MAX;
}

/* *is_first: this packet is to take the slower way all the same. A neighbour whose address is stale keeps it
 * until the kernel's IP has used it: then the kernel begins to ask whether it still holds. */
static bool answer(struct nexthops *t, struct slot *s, bool *is_first)
{
    struct question q = {0};
    if (t->has_odd_rules || !s->local.family || !ask_route(t, s->local, s->remote, &q) || !ask_link(t, &q) ||
        !ask_neighbour(t, &q))
        return false;
    s->hop = q.hop;
    *is_first = q.is_stale;
    return true;
}

static struct slot *slot_for(struct nexthops *t, struct ip local, struct ip remote)
{
    uint8_t key[32];
    memcpy(key, local.b, 16);
    memcpy(key + 16, remote.b, 16);
    return &t->slots[map_hash(span_of(key, sizeof(key))) % SLOTS];
}

const struct nexthop *nexthops_find(struct nexthops *t, struct ip local, struct ip remote, int64_t now)
{
    struct slot *s = slot_for(t, local, remote);
    if (s->generation == t->generation && now < s->until && ip_equal(s->remote, remote) &&
        ip_equal(s->local, local))
        return s->is_known ? &s->hop : NULL;
    if (!may_ask(t, now))
        return NULL;
    bool is_first = false;
    *s = (struct slot){
        .local = local, .remote = remote, .generation = t->generation, .until = now + VALID_FOR};
    s->is_known = answer(t, s, &is_first);
    return s->is_known && !is_first ? &s->hop : NULL;
}

struct nexthops *nexthops_open(struct diag *d)
{
    struct nexthops *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->generation = 1;
    if (!netlink_open(&t->ask, NETLINK_ROUTE, d) || !netlink_open(&t->news, NETLINK_ROUTE, d)) {
        nexthops_close(t);
        return NULL;
    }
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        int group = groups[i];
        if (mnl_socket_setsockopt(t->news.socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0 ||
            group == RTNLGRP_NEXTHOP) /* newer than some kernels */
            continue;
        diag_set(d, FAIL_GENERIC, "cannot hear of changed routes: %s", strerror(errno));
        nexthops_close(t);
        return NULL;
    }
    read_rules(t);
    return t;
}

void nexthops_close(struct nexthops *t)
{
    if (!t)
        return;
    netlink_close(&t->ask);
    netlink_close(&t->news);
    free(t);
}
