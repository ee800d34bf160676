/* SPDX-License-Identifier: Apache-2.0 */
/* Routes, barriers and exceptions in the kernel: see route.h. */
#include "base/log.h"
#include "sys/route_impl.h"
#include "sys/rpfilter.h"
#include "sys/sock.h"
#include <errno.h>
#include <ifaddrs.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- what is ours in the kernel */

static uint64_t spec_hash(const struct route_spec *s)
{
    uint8_t key[20] = {(uint8_t)s->kind, s->dst.ip.family, s->dst.bits, (uint8_t)s->table};
    memcpy(key + 4, s->dst.ip.b, 16);
    return map_hash(span_of(key, sizeof(key)));
}

struct kernel_route *route_find(struct route_table *t, const struct route_spec *s)
{
    for (struct map_node *n = map_first(&t->routes, spec_hash(s)); n; n = map_next(n)) {
        struct kernel_route *r = (struct kernel_route *)n;
        if (r->spec.kind == s->kind && r->spec.table == s->table && r->spec.dst.bits == s->dst.bits &&
            ip_equal(r->spec.dst.ip, s->dst.ip))
            return r;
    }
    return NULL;
}

static struct kernel_route *route_note(struct route_table *t, const struct route_spec *s)
{
    struct kernel_route *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->spec = *s;
    map_insert(&t->routes, &r->node, spec_hash(s));
    return r;
}

static bool read_attrs(const struct nlmsghdr *h, const struct rtmsg *m, struct route_spec *s)
{
    const struct nlattr *a;
    size_t len = m->rtm_family == AF_INET ? 4 : 16;
    uint32_t metric = 0;
    s->table = m->rtm_table;
    s->dst = (struct prefix){.ip = {.family = m->rtm_family == AF_INET ? 4 : 6}, .bits = m->rtm_dst_len};
    mnl_attr_for_each(a, h, sizeof(*m))
    {
        if (mnl_attr_get_type(a) == RTA_TABLE && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            s->table = (int)mnl_attr_get_u32(a);
        if (mnl_attr_get_type(a) == RTA_DST && mnl_attr_get_payload_len(a) == len)
            memcpy(s->dst.ip.b, mnl_attr_get_payload(a), len);
        if (mnl_attr_get_type(a) == RTA_PRIORITY && mnl_attr_validate(a, MNL_TYPE_U32) >= 0)
            metric = mnl_attr_get_u32(a);
    }
    s->kind = route_kind_of(m->rtm_type, metric);
    return s->kind != ROUTE_KINDS;
}

static int on_dumped_route(const struct nlmsghdr *h, void *ctx)
{
    struct route_table *t = ctx;
    const struct rtmsg *m = mnl_nlmsg_get_payload(h);
    struct route_spec s = {0};
    if (m->rtm_protocol != ROUTE_PROTOCOL || (m->rtm_family != AF_INET && m->rtm_family != AF_INET6))
        return MNL_CB_OK;
    bool is_ours = read_attrs(h, m, &s) && (s.table == t->o.table || s.table == t->flows.table);
    if (is_ours && !route_find(t, &s))
        route_note(t, &s)->is_stale = true;
    return MNL_CB_OK;
}

static void note_stale(struct route_table *t)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        char buf[MESSAGE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
        h->nlmsg_type = RTM_GETROUTE;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct rtmsg *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
        m->rtm_family = families[i];
        netlink_ask(&t->nl, h, on_dumped_route, t);
    }
}

/* ---- rules */

static bool set_rules(struct route_table *t, bool adds, struct diag *d)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        char buf[MESSAGE_MAX];
        const struct rule_spec rule = {.family = family,
                                       .priority = t->o.priority,
                                       .action = FR_ACT_TO_TBL,
                                       .to = t->o.table,
                                       .whose = RULE_NOT_OURS};
        int err = netlink_ask(&t->nl, route_rule_message(buf, &rule, adds), NULL, NULL);
        bool is_fine = !adds || err == 0 || err == EEXIST || (family == 6 && err == EAFNOSUPPORT);
        if (is_fine)
            continue;
        diag_set(d, err == EPERM ? FAIL_PERMISSION : FAIL_GENERIC, "cannot add the IPv%u routing rule: %s",
                 family, strerror(err));
        diag_try(d, "root, or CAP_NET_ADMIN; install_routes = no does without routes");
        return false;
    }
    return true;
}

struct route_table *route_open(const struct route_options *o, struct diag *d)
{
    struct netlink nl;
    if (!netlink_open(&nl, NETLINK_ROUTE, d))
        return NULL;
    struct route_table *t = calloc(1, sizeof(*t));
    if (!t)
        abort();
    t->o = *o;
    t->nl = nl;
    map_init(&t->entries);
    map_init(&t->routes);
    route_flows_init(&t->flows, &t->nl, o->table + 1, o->priority - 1);
    note_stale(t);
    if (set_rules(t, true, d))
        return t;
    route_close(t);
    return NULL;
}

/* ---- adding */

struct ip route_source(const struct prefix *local, const struct ifaddrs *all)
{
    struct ip found = {0};
    if (!local->ip.family || !local->bits) /* any address is inside 0.0.0.0/0 */
        return found;
    for (const struct ifaddrs *i = all; i && !found.family; i = i->ifa_next) {
        struct sockaddr_storage sa = {0};
        struct endpoint e;
        if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET && i->ifa_addr->sa_family != AF_INET6))
            continue;
        memcpy(&sa, i->ifa_addr,
               i->ifa_addr->sa_family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
        sockaddr_to(&sa, &e);
        bool is_link_local = e.ip.family == 6 && e.ip.b[0] == 0xfe && (e.ip.b[1] & 0xc0) == 0x80;
        bool is_loopback = e.ip.family == 4 ? e.ip.b[0] == 127 : !memcmp(e.ip.b, (uint8_t[16]){[15] = 1}, 16);
        if (!is_link_local && !is_loopback && prefix_contains(local, e.ip))
            found = e.ip;
    }
    return found;
}

static struct ip source_now(const struct prefix *local)
{
    struct ifaddrs *all = NULL;
    if (!local->ip.family || !local->bits || getifaddrs(&all) < 0)
        return (struct ip){0};
    struct ip found = route_source(local, all);
    freeifaddrs(all);
    return found;
}

bool route_install(struct route_table *t, const struct route_spec *s, struct diag *d)
{
    char buf[MESSAGE_MAX], dst[IP_TEXT_MAX];
    if (route_leads_nowhere(s))
        return true;
    int err = netlink_ask(&t->nl, route_message(buf, s, true), NULL, NULL);
    if (err && s->source.family) { /* the address may be going away: better a route without */
        struct route_spec bare = *s;
        bare.source.family = 0;
        err = netlink_ask(&t->nl, route_message(buf, &bare, true), NULL, NULL);
    }
    if (!err)
        return true;
    diag_set(d, FAIL_GENERIC, "cannot add the route to %s: %s", prefix_format(&s->dst, dst), strerror(err));
    return false;
}

static bool hold(struct route_table *t, const struct route *record, const struct route_spec *s,
                 struct diag *d)
{
    if (!route_install(t, s, d))
        return false;
    if (s->flow.proto && !route_flows_hold(&t->flows, &s->dst, &s->flow, d))
        return false;
    struct kernel_route *r = route_find(t, s);
    if (!r)
        r = route_note(t, s);
    r->spec = *s;
    r->refs++;
    r->is_stale = false;
    struct entry *e = calloc(1, sizeof(*e));
    if (!e)
        abort();
    e->id = record->id;
    e->spec = *s;
    e->local = record->local;
    e->plane = record->plane;
    e->outer_local = record->outer_local;
    e->outer_remote = record->outer_remote;
    memcpy(e->device, record->device, sizeof(e->device));
    map_insert(&t->entries, &e->node, map_hash_u64(e->id));
    return true;
}

/* A route that covers the local network itself (0.0.0.0/0) must not pull its packets into the tunnel: those
 * that come out of it are on their way there. */
static bool covers_local(const struct route *r)
{
    return !r->is_exception && r->local.ip.family == r->dst.ip.family && r->local.bits > r->dst.bits &&
           prefix_contains(&r->dst, r->local.ip);
}

/* What the reverse path filter makes of a route to the peer's own address: see rpfilter.h. */
static bool suit_filter(struct route_table *t, const struct route *r, const struct route_spec *s,
                        struct diag *d)
{
    char device[IF_NAMESIZE], ip[IP_TEXT_MAX];
    enum rpfilter filter = rpfilter_towards(&t->nl, r->dst.ip, device);
    if (filter == RPFILTER_LOOSE && s->kind == ROUTE_BARRIER) {
        struct route_spec before = *s;
        before.kind = ROUTE_HOLD;
        return hold(t, r, &before, d);
    }
    if (filter == RPFILTER_STRICT && strcmp(t->strict, device) != 0) {
        const char *name = device[0] ? device : "default";
        snprintf(t->strict, sizeof(t->strict), "%s", device);
        log_line(
            GROUP_KNL, LOG_WARN,
            "the kernel will drop what peer %s sends: the route to it leads into the tunnel, and the reverse "
            "path filter of interface %s is strict. Try: sysctl -w net.ipv4.conf.%s.rp_filter=2",
            ip_format(r->dst.ip, ip), name, name);
    }
    return true;
}

/* The kernel's IPsec takes packets on their way out. Of a barrier before the peer itself only its place is
 * held: what the peer sends would not pass the reverse path filter otherwise, and a policy stops the rest. An
 * interface stops it by itself, and may go: then the barrier behind it does. */
static bool lead_out(struct route_table *t, const struct route *r, struct route_spec *s, struct diag *d)
{
    bool bars_peer = s->kind == ROUTE_BARRIER && r->is_peer && !s->flow.proto;
    struct route_spec behind = *s;
    behind.device = 0;
    if (bars_peer)
        s->kind = ROUTE_HOLD;
    s->device = 0;
    if (s->kind == ROUTE_TUNNEL || s->kind == ROUTE_HOLD) /* when there is no way now, then later */
        route_lead(t, r->device, r->outer_local, r->outer_remote, s);
    return !bars_peer || !r->device[0] || hold(t, r, &behind, d);
}

bool route_add(struct route_table *t, const struct route *r, struct diag *d)
{
    struct route_spec s = {
        .kind = r->is_exception     ? ROUTE_EXCEPTION
                : r->is_unreachable ? ROUTE_BARRIER
                                    : ROUTE_TUNNEL,
        .dst = r->dst,
        .device = t->o.device,
        .mtu = t->o.mtu,
        .mss = t->o.mss,
        .table = t->o.table,
    };
    if (t->flows.priority > 1) /* else there is no place for rules: all packets */
        s.flow = r->flow;
    if (s.flow.proto)
        s.table = t->flows.table;
    if (covers_local(r)) {
        struct route_spec local = s;
        local.kind = ROUTE_EXCEPTION;
        local.dst = r->local;
        if (!hold(t, r, &local, d))
            return false;
    }
    if (r->plane == PLANE_KERNEL ? !lead_out(t, r, &s, d)
                                 : r->is_peer && !s.flow.proto && !suit_filter(t, r, &s, d))
        return false;
    if (s.kind == ROUTE_TUNNEL)
        s.source = source_now(&r->local);
    return hold(t, r, &s, d);
}

/* ---- removing */

static void drop_kernel_route(struct route_table *t, struct kernel_route *r)
{
    char buf[MESSAGE_MAX], dst[IP_TEXT_MAX];
    int err = netlink_ask(&t->nl, route_message(buf, &r->spec, false), NULL, NULL);
    if (err && err != ESRCH && err != ENOENT && err != ENODEV)
        log_line(GROUP_KNL, LOG_WARN, "cannot remove the route to %s: %s", prefix_format(&r->spec.dst, dst),
                 strerror(err));
    map_remove(&t->routes, &r->node);
    free(r);
}

static void release(struct route_table *t, struct entry *e)
{
    struct kernel_route *r = route_find(t, &e->spec);
    if (e->spec.flow.proto)
        route_flows_release(&t->flows, &e->spec.dst, &e->spec.flow);
    if (r && r->refs && --r->refs == 0)
        drop_kernel_route(t, r);
    map_remove(&t->entries, &e->node);
    free(e);
}

void route_del(struct route_table *t, uint64_t id)
{
    struct map_node *next;
    for (struct map_node *n = map_first(&t->entries, map_hash_u64(id)); n; n = next) {
        next = map_next(n);
        struct entry *e = (struct entry *)n;
        if (e->id == id)
            release(t, e);
    }
}

/* All nodes of a map, as an array of its own: the caller removes them one by one. */
struct map_node **route_nodes(const struct map *m)
{
    struct map_node **all = calloc(m->count + 1, sizeof(*all));
    size_t n = 0;
    if (!all)
        abort();
    for (size_t i = 0; i < m->size; i++) {
        for (struct map_node *at = m->buckets[i]; at; at = at->next)
            all[n++] = at;
    }
    return all;
}

static int drop_routes(struct route_table *t, bool only_stale)
{
    struct map_node **all = route_nodes(&t->routes);
    int dropped = 0;
    for (size_t i = 0; all[i]; i++) {
        struct kernel_route *r = (struct kernel_route *)all[i];
        if (only_stale && !r->is_stale)
            continue;
        drop_kernel_route(t, r);
        dropped++;
    }
    free(all);
    return dropped;
}

void route_sweep(struct route_table *t)
{
    int n = drop_routes(t, true);
    route_flows_drop(&t->flows, true);
    if (n)
        log_line(GROUP_KNL, LOG_NOTICE, "removed %d route%s that an earlier run left", n, n > 1 ? "s" : "");
}

static int close_all(struct route_table *t)
{
    int dropped = drop_routes(t, false);
    struct map_node **all = route_nodes(&t->entries);
    for (size_t i = 0; all[i]; i++)
        free(all[i]);
    free(all);
    set_rules(t, false, NULL);
    route_flows_drop(&t->flows, false);
    route_flows_deinit(&t->flows);
    map_deinit(&t->entries);
    map_deinit(&t->routes);
    netlink_close(&t->nl);
    free(t);
    return dropped;
}

void route_close(struct route_table *t)
{
    if (t)
        close_all(t);
}

int route_cleanup(int table, int priority, struct diag *d)
{
    struct route_options o = {.table = table, .priority = priority};
    struct route_table *t = route_open(&o, d);
    return t ? close_all(t) : -1;
}
