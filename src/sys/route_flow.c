/* SPDX-License-Identifier: Apache-2.0 */
/* Rules for flows in the kernel: see route_flow.h. */
#include "sys/route_flow.h"
#include "base/log.h"
#include "base/wr.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#define MESSAGE_MAX 512

struct rule { /* one that is in the kernel */
    struct map_node node;
    struct prefix dst;
    struct route_flow flow;
    unsigned refs; /* 0: an earlier run's */
};

static uint64_t rule_hash(const struct prefix *dst, const struct route_flow *f)
{
    uint8_t key[32];
    struct wr w = wr_over(key, sizeof(key));
    wr_span(&w, ip_view(&dst->ip));
    wr_u8(&w, dst->bits);
    wr_u8(&w, f->proto);
    wr_u16(&w, f->sport_from);
    wr_u16(&w, f->dport_from);
    return map_hash(wr_span_view(&w));
}

static bool same_flow(const struct route_flow *a, const struct route_flow *b)
{
    return a->proto == b->proto && a->sport_from == b->sport_from && a->sport_to == b->sport_to &&
           a->dport_from == b->dport_from && a->dport_to == b->dport_to;
}

static struct rule *find(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow)
{
    for (struct map_node *n = map_first(&f->rules, rule_hash(dst, flow)); n; n = map_next(n)) {
        struct rule *r = (struct rule *)n;
        if (r->dst.bits == dst->bits && ip_equal(r->dst.ip, dst->ip) && same_flow(&r->flow, flow))
            return r;
    }
    return NULL;
}

static struct rule *note(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow)
{
    struct rule *r = calloc(1, sizeof(*r));
    if (!r)
        abort();
    r->dst = *dst;
    r->flow = *flow;
    map_insert(&f->rules, &r->node, rule_hash(dst, flow));
    return r;
}

/* Our own packets come first: IKE and ESP are UDP too. */
static void set_goto(struct route_flows *f, bool adds)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        char buf[MESSAGE_MAX];
        const struct rule_spec rule = {.family = family,
                                       .priority = f->priority - 1,
                                       .action = FR_ACT_GOTO,
                                       .to = f->priority + 1,
                                       .whose = RULE_OURS};
        netlink_ask(f->nl, route_rule_message(buf, &rule, adds), NULL, NULL);
    }
    f->has_goto = adds;
}

/* ---- an earlier run's */

static int on_rule(const struct nlmsghdr *h, void *ctx)
{
    struct route_flows *f = ctx;
    struct rule_spec spec;
    if (route_rule_parse(h, &spec) && spec.priority == f->priority && spec.flow.proto && spec.dst.ip.family &&
        !find(f, &spec.dst, &spec.flow))
        note(f, &spec.dst, &spec.flow);
    return MNL_CB_OK;
}

void route_flows_init(struct route_flows *f, struct netlink *nl, int table, int priority)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    *f = (struct route_flows){.nl = nl, .table = table, .priority = priority};
    map_init(&f->rules);
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        char buf[MESSAGE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
        h->nlmsg_type = RTM_GETRULE;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
        m->family = families[i];
        netlink_ask(nl, h, on_rule, f);
    }
    f->has_goto = true; /* perhaps: an earlier run may have left it */
    if (!f->rules.count)
        set_goto(f, false);
}

/* ---- adding, removing */

static int set_rule(const struct route_flows *f, const struct prefix *dst, const struct route_flow *flow,
                    bool adds)
{
    char buf[MESSAGE_MAX];
    const struct rule_spec rule = {.family = dst->ip.family,
                                   .priority = f->priority,
                                   .action = FR_ACT_TO_TBL,
                                   .to = f->table,
                                   .dst = *dst,
                                   .flow = *flow};
    return netlink_ask(f->nl, route_rule_message(buf, &rule, adds), NULL, NULL);
}

bool route_flows_hold(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow,
                      struct diag *d)
{
    char text[IP_TEXT_MAX];
    struct rule *r = find(f, dst, flow);
    if (!f->has_goto || (r && !r->refs))
        set_goto(f, true);
    if (!r) {
        int err = set_rule(f, dst, flow, true);
        if (err && err != EEXIST) {
            diag_set(d, FAIL_GENERIC, "cannot add the rule for protocol %u to %s: %s", flow->proto,
                     prefix_format(dst, text), strerror(err));
            return false;
        }
        r = note(f, dst, flow);
    }
    r->refs++;
    return true;
}

static void drop(struct route_flows *f, struct rule *r)
{
    set_rule(f, &r->dst, &r->flow, false);
    map_remove(&f->rules, &r->node);
    free(r);
    if (!f->rules.count)
        set_goto(f, false);
}

void route_flows_release(struct route_flows *f, const struct prefix *dst, const struct route_flow *flow)
{
    struct rule *r = find(f, dst, flow);
    if (r && r->refs && --r->refs == 0)
        drop(f, r);
}

/* The next rule that may go, or NULL. */
static struct rule *next(const struct route_flows *f, bool only_stale)
{
    for (size_t i = 0; i < f->rules.size; i++) {
        for (struct map_node *n = f->rules.buckets[i]; n; n = n->next) {
            if (!only_stale || ((struct rule *)n)->refs == 0)
                return (struct rule *)n;
        }
    }
    return NULL;
}

void route_flows_drop(struct route_flows *f, bool only_stale)
{
    struct rule *r;
    while ((r = next(f, only_stale)))
        drop(f, r);
    if (!only_stale && f->has_goto)
        set_goto(f, false);
}

void route_flows_deinit(struct route_flows *f)
{
    struct rule *r;
    while ((r = next(f, false))) {
        map_remove(&f->rules, &r->node);
        free(r);
    }
    map_deinit(&f->rules);
}
