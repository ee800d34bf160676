/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel has, beside what the tables say it has: counters of SAs, SAs that are gone, policies that
 * somebody took away or made others of, and what was said while nobody could hear. */
#include "base/log.h"
#include "sys/xfrm_impl.h"

struct scan {
    struct xfrm *x;
    int64_t now;
};

static void tell_counters(struct xfrm *x, struct xfrm_state *s, const struct xfrm_seen_state *seen,
                          int64_t now)
{
    if (seen->used.packets == s->packets)
        return;
    s->bytes = seen->used.bytes > s->bytes ? seen->used.bytes : s->bytes;
    s->packets = seen->used.packets > s->packets ? seen->used.packets : s->packets;
    s->last_use = now;
    struct dataplane_event e = {.kind = DP_COUNTERS,
                                .child_id = s->sa.child_id,
                                .spi = s->sa.spi,
                                .direction = s->sa.direction,
                                .bytes = s->bytes,
                                .packets = s->packets,
                                .last_use = s->last_use};
    xfrm_queue(x, &e, NULL);
}

/* The kernel says it once, perhaps while the socket was full. */
static void tell_missed(struct xfrm *x, struct xfrm_state *s, const struct xfrm_seen_state *seen)
{
    bool is_soft = seen->used.bytes >= seen->limits.soft_byte_limit ||
                   seen->used.packets >= seen->limits.soft_packet_limit;
    if (!is_soft || s->is_soft_told)
        return;
    s->is_soft_told = true;
    struct dataplane_event e = {
        .kind = DP_SOFT_EXPIRE, .child_id = s->sa.child_id, .spi = s->sa.spi, .direction = s->sa.direction};
    xfrm_queue(x, &e, NULL);
}

/* A state that waits: somebody asked for it. */
static void find_trap(struct xfrm *x, const struct xfrm_seen_state *seen)
{
    for (struct xfrm_record *r = xfrm_record_of(x, seen->reqid); r; r = xfrm_record_next(r)) {
        if (!r->is_trap || r->is_told)
            continue;
        struct dataplane_event e = {.kind = DP_ACQUIRE, .policy_id = r->id};
        xfrm_packet_of(&seen->sel, &e.packet_local, &e.packet_remote);
        r->is_told = true;
        r->waiting = (struct xfrm_seen_acquire){
            .id = seen->id, .src = seen->src, .seq = seen->seq, .reqid = seen->reqid, .mode = seen->mode};
        xfrm_queue(x, &e, NULL);
        return;
    }
}

static int take_state(const struct nlmsghdr *h, void *ctx)
{
    struct scan *c = ctx;
    struct xfrm_seen_state seen;
    if (!xfrm_state_parse(h, &seen))
        return MNL_CB_OK;
    if (!seen.id.spi && c->x->has_lost)
        find_trap(c->x, &seen);
    struct xfrm_state *s = seen.id.spi ? xfrm_sa_find(c->x, &seen.id) : NULL;
    if (!s)
        return MNL_CB_OK;
    s->scan = c->x->scan;
    tell_counters(c->x, s, &seen, c->now);
    if (c->x->has_lost)
        tell_missed(c->x, s, &seen);
    return MNL_CB_OK;
}

static int dump(struct xfrm *x, uint16_t type, mnl_cb_t cb, void *ctx)
{
    char buf[64] XFRM_ALIGNED;
    struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    x->scan++;
    int error = xfrm_link_ask(&x->link, h, cb, ctx);
    if (error)
        log_line(GROUP_KNL, LOG_WARN, "cannot list what the kernel has of IPsec: %s", strerror(error));
    return error;
}

bool xfrm_scan_states(struct xfrm *x, int64_t now)
{
    struct scan c = {.x = x, .now = now};
    struct xfrm_state *s;
    if (list_empty(&x->states) && !x->has_lost)
        return true;
    if (dump(x, XFRM_MSG_GETSA, take_state, &c) != 0)
        return false;
    list_each(s, &x->states, link)
    {
        if (s->is_gone || s->scan == x->scan)
            continue;
        struct dataplane_event e = {.kind = DP_HARD_EXPIRE,
                                    .child_id = s->sa.child_id,
                                    .spi = s->sa.spi,
                                    .direction = s->sa.direction};
        xfrm_sa_gone(x, s);
        xfrm_queue(x, &e, "the kernel has its SA no more: somebody deleted or flushed it");
    }
    return true;
}

static bool is_as_wanted(const struct xfrm_policy *p, const struct xfrm_seen_policy *seen)
{
    bool blocks = p->spec.action == POLICY_DISCARD;
    return seen->priority == p->spec.priority && (seen->action == XFRM_POLICY_BLOCK) == blocks &&
           seen->reqid == p->spec.reqid &&
           !(seen->flags & XFRM_POLICY_CPU_ACQUIRE_NR) == !p->spec.asks_per_cpu &&
           (seen->n_templates > 0) == (p->spec.action == POLICY_PROTECT);
}

static int take_policy(const struct nlmsghdr *h, void *ctx)
{
    struct scan *c = ctx;
    struct xfrm_seen_policy seen;
    if (!xfrm_policy_parse(h, &seen) || !seen.is_main)
        return MNL_CB_OK;
    struct xfrm_policy *p = xfrm_policy_find(c->x, &seen.key);
    if (p)
        p->scan = is_as_wanted(p, &seen) ? c->x->scan : c->x->scan - 1;
    return MNL_CB_OK;
}

bool xfrm_scan_policies(struct xfrm *x)
{
    struct scan c = {.x = x};
    struct xfrm_policy *p;
    size_t n = 0;
    if (list_empty(&x->policy_list))
        return true;
    x->scan++; /* below it: not there; one below: there, but not as it should be */
    if (dump(x, XFRM_MSG_GETPOLICY, take_policy, &c) != 0)
        return false;
    list_each(p, &x->policy_list, link)
    {
        if (!p->is_installed || p->is_left || p->scan == x->scan)
            continue;
        xfrm_policy_mend(x, p, p->scan == x->scan - 1);
        p->scan = x->scan;
        n++;
    }
    if (n)
        log_line(GROUP_KNL, LOG_WARN,
                 "%zu of the kernel's policies were not as they should be, and are again: "
                 "does another program manage IPsec here?",
                 n);
    return true;
}
