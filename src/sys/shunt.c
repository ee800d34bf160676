/* SPDX-License-Identifier: Apache-2.0 */
/* Shunts in the kernel: see shunt.h. */
#include "sys/shunt.h"
#include "base/log.h"
#include "base/map.h"
#include "base/wr.h"
#include "sys/netlink.h"
#include "sys/route.h"
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MESSAGE_MAX = 512,
    LOWEST = 6,
    OURS = -5,
    PASS = -4,
    DROP = -3,
    PASS_LAST = 1,
    DROP_LAST = 2,
    END = 3
};

struct rule { /* one that is in the kernel */
    struct map_node node;
    struct rule_spec spec;
    unsigned refs; /* 0: an earlier run's */
};

struct entry {
    struct map_node node;
    uint64_t id;
    struct rule *rule;
};

struct shunts {
    struct netlink nl;
    int priority;
    char device[IF_NAMESIZE];
    struct map rules, entries;
    bool has_frame; /* the rules that the others lead to */
};

static uint64_t spec_hash(const struct rule_spec *s)
{
    uint8_t key[48];
    struct wr w = wr_over(key, sizeof(key));
    wr_u32(&w, (uint32_t)s->priority);
    if (s->src.bits) /* else the kernel tells no address */
        wr_span(&w, ip_view(&s->src.ip));
    if (s->dst.bits)
        wr_span(&w, ip_view(&s->dst.ip));
    wr_u8(&w, s->src.bits);
    wr_u8(&w, s->dst.bits);
    wr_u16(&w, s->flow.dport_from);
    return map_hash(wr_span_view(&w));
}

static bool same_prefix(const struct prefix *a, const struct prefix *b)
{
    return a->bits == b->bits && (!a->bits || ip_equal(a->ip, b->ip));
}

static bool same_rule(const struct rule_spec *a, const struct rule_spec *b)
{
    return a->family == b->family && a->priority == b->priority && a->action == b->action &&
           same_prefix(&a->src, &b->src) && same_prefix(&a->dst, &b->dst) && a->flow.proto == b->flow.proto &&
           a->flow.sport_from == b->flow.sport_from && a->flow.sport_to == b->flow.sport_to &&
           a->flow.dport_from == b->flow.dport_from && a->flow.dport_to == b->flow.dport_to;
}

static struct rule *find(struct shunts *s, const struct rule_spec *spec)
{
    for (struct map_node *n = map_first(&s->rules, spec_hash(spec)); n; n = map_next(n)) {
        if (same_rule(&((struct rule *)n)->spec, spec))
            return (struct rule *)n;
    }
    return NULL;
}

static void *take(size_t size)
{
    void *p = calloc(1, size);
    if (!p)
        abort();
    return p;
}

static struct rule *note(struct shunts *s, const struct rule_spec *spec)
{
    struct rule *r = take(sizeof(*r));
    r->spec = *spec;
    map_insert(&s->rules, &r->node, spec_hash(spec));
    return r;
}

static int tell(struct shunts *s, const struct rule_spec *spec, bool adds)
{
    char buf[MESSAGE_MAX];
    return netlink_ask(&s->nl, route_rule_message(buf, spec, adds), NULL, NULL);
}

static void set_frame(struct shunts *s, bool adds)
{
    for (uint8_t family = 4; family <= 6; family += 2) {
        const struct rule_spec end = {.family = family, .priority = s->priority + END, .action = FR_ACT_NOP};
        const struct rule_spec ours = {.family = family,
                                       .priority = s->priority + OURS,
                                       .action = FR_ACT_GOTO,
                                       .to = s->priority + END,
                                       .whose = RULE_OURS};
        const struct rule_spec opened = {.family = family,
                                         .priority = s->priority + PASS_LAST,
                                         .action = FR_ACT_GOTO,
                                         .to = s->priority + END,
                                         .from_device = s->device};
        tell(s, &end, adds);
        tell(s, &ours, adds);
        tell(s, &opened, adds);
    }
    s->has_frame = adds;
}

/* ---- an earlier run's */

static int on_rule(const struct nlmsghdr *h, void *ctx)
{
    struct shunts *s = ctx;
    struct rule_spec spec;
    if (!route_rule_parse(h, &spec))
        return MNL_CB_OK;
    int at = spec.priority - s->priority;
    if (at == END)
        s->has_frame = true;
    if (!spec.from_device && (at == PASS || at == DROP || at == PASS_LAST || at == DROP_LAST) &&
        !find(s, &spec))
        note(s, &spec);
    return MNL_CB_OK;
}

struct shunts *shunts_open(int priority, const char *device, struct diag *d)
{
    static const uint8_t families[] = {AF_INET, AF_INET6};
    struct netlink nl;
    if (!netlink_open(&nl, NETLINK_ROUTE, d))
        return NULL;
    struct shunts *s = take(sizeof(*s));
    s->nl = nl;
    s->priority = priority;
    snprintf(s->device, sizeof(s->device), "%s", device);
    map_init(&s->rules);
    map_init(&s->entries);
    for (size_t i = 0; i < ARRAY_LEN(families); i++) {
        char buf[MESSAGE_MAX];
        struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
        h->nlmsg_type = RTM_GETRULE;
        h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
        struct fib_rule_hdr *m = mnl_nlmsg_put_extra_header(h, sizeof(*m));
        m->family = families[i];
        netlink_ask(&s->nl, h, on_rule, s);
    }
    return s;
}

/* ---- adding */

static struct rule_spec spec_of(const struct shunts *s, const struct shunt *shunt, bool is_reverse)
{
    bool passes = shunt->mode == MODE_PASS;
    int at = passes ? (shunt->is_last ? PASS_LAST : PASS) : (shunt->is_last ? DROP_LAST : DROP);
    struct rule_spec spec = {
        .family = shunt->remote.ip.family,
        .priority = s->priority + at,
        .action = passes                       ? FR_ACT_GOTO
                  : shunt->mode == MODE_REJECT ? FR_ACT_PROHIBIT
                                               : FR_ACT_BLACKHOLE,
        .to = passes ? s->priority + END : 0,
        .src = is_reverse ? shunt->remote : shunt->local,
        .dst = is_reverse ? shunt->local : shunt->remote,
        .flow = shunt->flow,
    };
    if (!is_reverse)
        return spec;
    spec.flow.sport_from = shunt->flow.dport_from;
    spec.flow.sport_to = shunt->flow.dport_to;
    spec.flow.dport_from = shunt->flow.sport_from;
    spec.flow.dport_to = shunt->flow.sport_to;
    return spec;
}

static bool hold(struct shunts *s, uint64_t id, const struct rule_spec *spec, struct diag *d)
{
    struct rule *r = find(s, spec);
    int err = r ? 0 : tell(s, spec, true);
    if (err && err != EEXIST) {
        diag_set(d, FAIL_GENERIC, "cannot add a routing rule for a policy that passes or drops: %s",
                 strerror(err));
        return false;
    }
    if (!r)
        r = note(s, spec);
    r->refs++;
    struct entry *e = take(sizeof(*e));
    e->id = id;
    e->rule = r;
    map_insert(&s->entries, &e->node, map_hash_u64(id));
    return true;
}

bool shunts_add(struct shunts *s, const struct shunt *shunt, struct diag *d)
{
    if (s->priority < LOWEST) {
        diag_set(d, FAIL_CONFIG, "no priorities are left for policies that pass or drop");
        diag_expected(d, "routing_table_prio = %d or more", LOWEST);
        return false;
    }
    if (!s->entries.count)
        set_frame(s, true);
    struct rule_spec there = spec_of(s, shunt, false), back = spec_of(s, shunt, true);
    bool is_both = shunt->mode != MODE_PASS && !same_rule(&there, &back);
    return hold(s, shunt->id, &there, d) && (!is_both || hold(s, shunt->id, &back, d));
}

/* ---- removing */

static void drop(struct shunts *s, struct rule *r)
{
    tell(s, &r->spec, false);
    map_remove(&s->rules, &r->node);
    free(r);
}

void shunts_del(struct shunts *s, uint64_t id)
{
    struct map_node *next;
    for (struct map_node *n = map_first(&s->entries, map_hash_u64(id)); n; n = next) {
        next = map_next(n);
        struct entry *e = (struct entry *)n;
        if (e->id != id)
            continue;
        if (--e->rule->refs == 0)
            drop(s, e->rule);
        map_remove(&s->entries, &e->node);
        free(e);
    }
    if (!s->rules.count && s->has_frame)
        set_frame(s, false);
}

void shunts_sweep(struct shunts *s)
{
    for (size_t i = 0; i < s->rules.size; i++) {
        struct map_node *next;
        for (struct map_node *n = s->rules.buckets[i]; n; n = next) {
            next = n->next;
            if (!((struct rule *)n)->refs)
                drop(s, (struct rule *)n);
        }
    }
    if (!s->rules.count && s->has_frame)
        set_frame(s, false);
}

void shunts_close(struct shunts *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->entries.size; i++) {
        struct map_node *next;
        for (struct map_node *n = s->entries.buckets[i]; n; n = next) {
            next = n->next;
            ((struct entry *)n)->rule->refs = 0;
            free(n);
        }
    }
    shunts_sweep(s);
    map_deinit(&s->entries);
    map_deinit(&s->rules);
    netlink_close(&s->nl);
    free(s);
}
