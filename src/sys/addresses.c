/* SPDX-License-Identifier: Apache-2.0 */
/* See addresses.h. */
#include "sys/addresses.h"
#include "sys/netlink.h"
#include "sys/route.h"
#include "sys/sock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>

#define MESSAGE_MAX 512
#define LINKS_MAX   4096 /* more are not looked at */
#define USABLE      (IFF_UP | IFF_RUNNING)

struct link {
    int index;
    unsigned flags;
    bool is_ignored;
};

struct own { /* beside addresses.v */
    int device;
    bool is_homeless; /* on an interface that no packet leaves by: any other may be taken */
};

struct addresses {
    struct addresses_options o;
    struct netlink ask, news;
    const char *used, *ignored; /* while the list is made */
    struct link *links;
    size_t n_links, cap_links;
    struct ip *v;
    struct own *own;
    size_t n, cap;
};

/* ---- announcements */

static struct link *find_link(const struct addresses *a, int index)
{
    for (size_t i = 0; i < a->n_links; i++) {
        if (a->links[i].index == index)
            return &a->links[i];
    }
    return NULL;
}

/* Interfaces are announced for many reasons. */
static bool is_link_news(const struct addresses *a, const struct nlmsghdr *h)
{
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    const struct link *known = find_link(a, m->ifi_index);
    unsigned flags = h->nlmsg_type == RTM_DELLINK ? 0 : m->ifi_flags & USABLE;
    return m->ifi_index != a->o.device && (!known || (known->flags & USABLE) != flags);
}

static bool is_route_news(const struct addresses *a, const struct nlmsghdr *h)
{
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *at;
    uint32_t table = m->rtm_table, device = 0;
    mnl_attr_for_each(at, h, sizeof(*m))
    {
        if (mnl_attr_get_type(at) == RTA_TABLE && mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
            table = mnl_attr_get_u32(at);
        if (mnl_attr_get_type(at) == RTA_OIF && mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
            device = mnl_attr_get_u32(at);
    }
    bool is_general = m->rtm_type == RTN_UNICAST || m->rtm_type == RTN_UNREACHABLE ||
                      m->rtm_type == RTN_BLACKHOLE || m->rtm_type == RTN_PROHIBIT;
    return is_general && !(m->rtm_flags & RTM_F_CLONED) && table != (uint32_t)a->o.table &&
           table != (uint32_t)a->o.table + 1 && (!device || device != (uint32_t)a->o.device);
}

static bool is_address_news(const struct addresses *a, const struct nlmsghdr *h)
{
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
    return (int)m->ifa_index != a->o.device && m->ifa_scope < RT_SCOPE_LINK;
}

struct reading {
    const struct addresses *a;
    bool has_news;
};

static int on_news(const struct nlmsghdr *h, void *ctx)
{
    struct reading *r = ctx;
    switch (h->nlmsg_type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        r->has_news |= is_link_news(r->a, h);
        break;
    case RTM_NEWADDR:
    case RTM_DELADDR:
        r->has_news |= is_address_news(r->a, h);
        break;
    case RTM_NEWROUTE:
    case RTM_DELROUTE:
        r->has_news |= is_route_news(r->a, h);
        break;
    default: /* rules */
        r->has_news = true;
        break;
    }
    return MNL_CB_OK;
}

bool addresses_take_news(struct addresses *a)
{
    char buf[16384];
    struct reading r = {.a = a};
    for (;;) {
        ssize_t n = recv(mnl_socket_get_fd(a->news.socket), buf, sizeof(buf), MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != ENOBUFS)
            return r.has_news;
        if (n < 0) /* too many at once: anything may have changed */
            r.has_news = true;
        else
            mnl_cb_run(buf, (size_t)n, 0, 0, on_news, &r);
    }
}

int addresses_fd(const struct addresses *a)
{
    return mnl_socket_get_fd(a->news.socket);
}

/* ---- the list */

static void *grown(void *v, size_t size, size_t cap)
{
    v = realloc(v, size * cap);
    if (!v)
        abort();
    return v;
}

static bool is_named(const char *list, const char *name)
{
    static const char *const between = " ,\t";
    size_t len = strlen(name);
    for (const char *at = list; at && *at; at += strcspn(at, between)) {
        at += strspn(at, between);
        if (strncmp(at, name, len) == 0 && strcspn(at, between) == len)
            return true;
    }
    return false;
}

static bool is_ignored(const struct addresses *a, int index, const char *name)
{
    if (index == a->o.device)
        return true;
    if (a->used && *a->used)
        return !is_named(a->used, name);
    return is_named(a->ignored, name);
}

/* What comes from there is sealed, and leaves elsewhere. */
static bool is_of_tunnels(const struct nlattr *info)
{
    static const char *const kinds[] = {"xfrm", "vti", "vti6"};
    const struct nlattr *a;
    mnl_attr_for_each_nested(a, info)
    {
        for (size_t i = 0; mnl_attr_get_type(a) == IFLA_INFO_KIND && i < ARRAY_LEN(kinds); i++) {
            if (mnl_attr_validate(a, MNL_TYPE_NUL_STRING) >= 0 && strcmp(mnl_attr_get_str(a), kinds[i]) == 0)
                return true;
        }
    }
    return false;
}

static int on_link(const struct nlmsghdr *h, void *ctx)
{
    struct addresses *a = ctx;
    const struct ifinfomsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *at;
    const char *name = "";
    bool is_tunnels = false;
    mnl_attr_for_each(at, h, sizeof(*m))
    {
        if (mnl_attr_get_type(at) == IFLA_LINKINFO)
            is_tunnels = is_of_tunnels(at);
        if (mnl_attr_get_type(at) == IFLA_IFNAME && mnl_attr_validate(at, MNL_TYPE_NUL_STRING) >= 0)
            name = mnl_attr_get_str(at);
    }
    if (a->n_links == LINKS_MAX)
        return MNL_CB_OK;
    if (a->n_links == a->cap_links) {
        a->cap_links = a->cap_links ? 2 * a->cap_links : 16;
        a->links = grown(a->links, sizeof(*a->links), a->cap_links);
    }
    a->links[a->n_links++] = (struct link){.index = m->ifi_index,
                                           .flags = m->ifi_flags,
                                           .is_ignored = is_tunnels || is_ignored(a, m->ifi_index, name)};
    return MNL_CB_OK;
}

static bool is_usable(const struct link *l)
{
    return l && !l->is_ignored && (l->flags & USABLE) == USABLE;
}

static int on_address(const struct nlmsghdr *h, void *ctx)
{
    struct addresses *a = ctx;
    const struct ifaddrmsg *m = mnl_nlmsg_get_payload(h);
    const struct link *link = find_link(a, (int)m->ifa_index);
    const struct nlattr *at;
    struct ip local = {0}, any = {0};
    uint32_t flags = m->ifa_flags;
    mnl_attr_for_each(at, h, sizeof(*m))
    {
        struct span bytes = span_of(mnl_attr_get_payload(at), mnl_attr_get_payload_len(at));
        if (mnl_attr_get_type(at) == IFA_LOCAL)
            ip_from_bytes(bytes, &local);
        else if (mnl_attr_get_type(at) == IFA_ADDRESS)
            ip_from_bytes(bytes, &any);
        else if (mnl_attr_get_type(at) == IFA_FLAGS && mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
            flags = mnl_attr_get_u32(at);
    }
    local = local.family ? local : any; /* the other end's on a link between two, where they differ */
    if (!local.family || m->ifa_scope >= RT_SCOPE_LINK || !is_usable(link) ||
        (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED | IFA_F_DEPRECATED)))
        return MNL_CB_OK;
    if (a->n == a->cap) {
        a->cap = a->cap ? 2 * a->cap : 16;
        a->v = grown(a->v, sizeof(*a->v), a->cap);
        a->own = grown(a->own, sizeof(*a->own), a->cap);
    }
    bool is_dummy = (link->flags & IFF_NOARP) && !(link->flags & IFF_POINTOPOINT);
    a->v[a->n] = local;
    a->own[a->n++] =
        (struct own){.device = link->index, .is_homeless = is_dummy || (link->flags & IFF_LOOPBACK)};
    return MNL_CB_OK;
}

static bool dump(struct addresses *a, uint16_t type, size_t header, mnl_cb_t cb)
{
    char buf[MESSAGE_MAX];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    mnl_nlmsg_put_extra_header(h, header); /* zeroed: any family */
    int err = netlink_ask(&a->ask, h, cb, a);
    return !err || err == EINTR; /* what changed meanwhile is announced */
}

const struct ip *addresses_list(struct addresses *a, const char *used, const char *ignored, size_t *n)
{
    a->n = a->n_links = 0;
    a->used = used;
    a->ignored = ignored;
    if (!dump(a, RTM_GETLINK, sizeof(struct ifinfomsg), on_link) ||
        !dump(a, RTM_GETADDR, sizeof(struct ifaddrmsg), on_address))
        a->n = 0;
    a->used = a->ignored = NULL;
    *n = a->n;
    return a->v;
}

/* ---- paths */

struct answer {
    struct ip source;
    int device;
    bool is_good;
};

static int on_route(const struct nlmsghdr *h, void *ctx)
{
    struct answer *x = ctx;
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    const struct nlattr *at;
    x->is_good = h->nlmsg_type == RTM_NEWROUTE && m->rtm_type == RTN_UNICAST &&
                 !(m->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN));
    mnl_attr_for_each(at, h, sizeof(*m))
    {
        if (mnl_attr_get_type(at) == RTA_OIF && mnl_attr_validate(at, MNL_TYPE_U32) >= 0)
            x->device = (int)mnl_attr_get_u32(at);
        if (mnl_attr_get_type(at) == RTA_PREFSRC)
            ip_from_bytes(span_of(mnl_attr_get_payload(at), mnl_attr_get_payload_len(at)), &x->source);
    }
    return MNL_CB_OK;
}

/* What IKE's and ESP's own packets would do. local: family 0 lets the kernel choose. */
static bool ask_route(struct addresses *a, struct ip local, struct ip remote, struct answer *x)
{
    char buf[MESSAGE_MAX];
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = RTM_GETROUTE;
    h->nlmsg_flags = NLM_F_REQUEST;
    struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
    m->rtm_family = remote.family == 4 ? AF_INET : AF_INET6;
    m->rtm_dst_len = (uint8_t)(ip_len(remote) * 8);
    mnl_attr_put(h, RTA_DST, ip_len(remote), remote.b);
    if (local.family) {
        m->rtm_src_len = (uint8_t)(ip_len(local) * 8);
        mnl_attr_put(h, RTA_SRC, ip_len(local), local.b);
    }
    mnl_attr_put_u32(h, RTA_MARK, SOCK_FWMARK);
    *x = (struct answer){0};
    return netlink_ask(&a->ask, h, on_route, x) == 0 && x->is_good && x->device != a->o.device &&
           is_usable(find_link(a, x->device));
}

static bool is_listed(const struct addresses *a, struct ip ip)
{
    for (size_t i = 0; i < a->n; i++) {
        if (ip_equal(a->v[i], ip))
            return true;
    }
    return false;
}

static size_t paths_to(struct addresses *a, struct ip local, struct ip remote, struct ip_pair *v, size_t cap)
{
    struct answer x;
    struct ip none = {0};
    size_t n = 0;
    bool has_choice = ask_route(a, none, remote, &x) && is_listed(a, x.source);
    if (has_choice && n < cap)
        v[n++] = (struct ip_pair){.local = x.source, .remote = remote, .is_direct = true};
    struct ip choice = has_choice ? x.source : none;
    for (size_t i = 0; i < a->n && n < cap; i++) {
        if (a->v[i].family != remote.family || ip_equal(a->v[i], choice) ||
            !ask_route(a, a->v[i], remote, &x))
            continue;
        bool is_direct = a->own[i].is_homeless || a->own[i].device == x.device;
        if (is_direct || ip_equal(a->v[i], local))
            v[n++] = (struct ip_pair){.local = a->v[i], .remote = remote, .is_direct = is_direct};
    }
    return n;
}

size_t addresses_paths(struct addresses *a, const struct path_query *q, struct ip_pair v[PATH_PAIRS])
{
    size_t n = 0;
    for (uint8_t i = 0; i < q->n_remote; i++)
        n += paths_to(a, q->local, q->remote[i], v + n, PATH_PAIRS - n);
    return n;
}

/* ---- opening */

/* Our own routes are no news: thousands of them at once would be lost, and what is lost may be anything, for
 * which they would all be looked at again. */
static bool leave_out_routes(int fd)
{
    const size_t at_type = offsetof(struct nlmsghdr, nlmsg_type),
                 at_protocol = NLMSG_HDRLEN + offsetof(struct rtmsg, rtm_protocol);
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, at_type),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_NEWROUTE), 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htons(RTM_DELROUTE), 0, 3),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, at_protocol),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROUTE_PROTOCOL, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    const struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

struct addresses *addresses_open(const struct addresses_options *o, struct diag *d)
{
    static const int groups[] = {
        RTNLGRP_LINK,        RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE,
        RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE,  RTNLGRP_IPV6_RULE,
    };
    struct addresses *a = calloc(1, sizeof(*a));
    if (!a)
        abort();
    a->o = *o;
    if (!netlink_open(&a->ask, NETLINK_ROUTE, d) || !netlink_open(&a->news, NETLINK_ROUTE, d)) {
        addresses_close(a);
        return NULL;
    }
    bool is_filtered = leave_out_routes(mnl_socket_get_fd(a->news.socket));
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
        int group = groups[i];
        if (is_filtered &&
            mnl_socket_setsockopt(a->news.socket, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) == 0)
            continue;
        diag_set(d, FAIL_GENERIC, "cannot hear of changed addresses: %s", strerror(errno));
        addresses_close(a);
        return NULL;
    }
    return a;
}

void addresses_close(struct addresses *a)
{
    if (!a)
        return;
    netlink_close(&a->ask);
    netlink_close(&a->news);
    free(a->links);
    free(a->v);
    free(a->own);
    free(a);
}
