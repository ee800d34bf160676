/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel tells of itself, and of what others do to its IPsec. What our own requests change does not
 * come here (xfrm_link.h). */
#include "base/log.h"
#include "sys/xfrm_impl.h"
#include <stdlib.h>
#include <time.h>

static void tell(struct xfrm *x, const struct xfrm_state *s, enum dataplane_kind kind, const char *why)
{
    struct dataplane_event e = {
        .kind = kind, .child_id = s->sa.child_id, .spi = s->sa.spi, .direction = s->sa.direction};
    xfrm_queue(x, &e, why);
}

static void take_expire(struct xfrm *x, const struct nlmsghdr *h)
{
    struct xfrm_seen_state seen;
    if (!xfrm_state_parse(h, &seen))
        return;
    if (!seen.id.spi) { /* it waited for an SA, which did not come */
        if (seen.cpu.is_set)
            xfrm_cpu_over(x, seen.reqid, seen.cpu);
        else
            xfrm_trap_calm(x, seen.reqid);
        return;
    }
    struct xfrm_state *s = xfrm_sa_find(x, &seen.id);
    if (!s)
        return;
    if (seen.is_hard) {
        xfrm_sa_gone(x, s);
        tell(x, s, DP_HARD_EXPIRE, NULL);
    } else if (!s->is_soft_told) {
        s->is_soft_told = true;
        tell(x, s, DP_SOFT_EXPIRE, NULL);
    }
}

static void take_mapping(struct xfrm *x, const struct nlmsghdr *h)
{
    struct xfrm_seen_mapping m;
    if (!xfrm_mapping_parse(h, &m))
        return;
    struct xfrm_state *s = xfrm_sa_find(x, &m.id);
    if (!s || s->sa.direction != SA_IN || endpoint_equal(&m.remote, &s->sa.remote) ||
        endpoint_equal(&m.remote, &s->told_remote))
        return;
    s->told_remote = m.remote;
    struct dataplane_event e = {.kind = DP_MAPPING,
                                .child_id = s->sa.child_id,
                                .spi = s->sa.spi,
                                .direction = SA_IN,
                                .remote = m.remote};
    xfrm_queue(x, &e, NULL);
}

static void take_acquire(struct xfrm *x, const struct nlmsghdr *h)
{
    struct xfrm_seen_acquire a;
    if (xfrm_acquire_parse(h, &a))
        xfrm_trap_acquire(x, &a);
}

static void take_deleted_state(struct xfrm *x, const struct nlmsghdr *h)
{
    struct xfrm_seen_state seen;
    struct xfrm_state *s = xfrm_state_parse(h, &seen) ? xfrm_sa_find(x, &seen.id) : NULL;
    if (!s)
        return;
    xfrm_sa_gone(x, s);
    tell(x, s, DP_HARD_EXPIRE, "another program deleted its SA in the kernel");
}

static void take_policy(struct xfrm *x, const struct nlmsghdr *h)
{
    struct xfrm_seen_policy seen;
    if (xfrm_policy_parse(h, &seen) && seen.is_main && xfrm_policy_find(x, &seen.key))
        x->has_lost = true;
}

static void take_flush(struct xfrm *x, const struct nlmsghdr *h)
{
    (void)h;
    x->has_lost = true;
}

static int take(const struct nlmsghdr *h, void *ctx)
{
    static void (*const takes[])(struct xfrm *, const struct nlmsghdr *) = {
        [XFRM_MSG_EXPIRE - XFRM_MSG_BASE] = take_expire,
        [XFRM_MSG_MAPPING - XFRM_MSG_BASE] = take_mapping,
        [XFRM_MSG_ACQUIRE - XFRM_MSG_BASE] = take_acquire,
        [XFRM_MSG_DELSA - XFRM_MSG_BASE] = take_deleted_state,
        [XFRM_MSG_FLUSHSA - XFRM_MSG_BASE] = take_flush,
        [XFRM_MSG_NEWPOLICY - XFRM_MSG_BASE] = take_policy,
        [XFRM_MSG_UPDPOLICY - XFRM_MSG_BASE] = take_policy,
        [XFRM_MSG_DELPOLICY - XFRM_MSG_BASE] = take_policy,
        [XFRM_MSG_FLUSHPOLICY - XFRM_MSG_BASE] = take_flush,
    };
    size_t type = h->nlmsg_type - (size_t)XFRM_MSG_BASE;
    if (type < ARRAY_LEN(takes) && takes[type])
        takes[type](ctx, h);
    return MNL_CB_OK;
}

static void deliver(struct xfrm *x)
{
    struct xfrm_queued *q;
    struct list now; /* what is said meanwhile waits for the next time */
    if (list_empty(&x->queue))
        return;
    now = x->queue;
    now.next->prev = now.prev->next = &now;
    list_init(&x->queue);
    list_each(q, &now, link)
    {
        list_remove(&q->link);
        q->event.why = q->why[0] ? q->why : NULL;
        x->o.event(x->o.ctx, &q->event);
        free(q);
    }
}

/* Where it could not look the next poll tries again. */
static void compare(struct xfrm *x, int64_t now)
{
    bool has_policies = xfrm_scan_policies(x), has_states = xfrm_scan_states(x, now);
    x->has_lost = !has_policies || !has_states;
}

void xfrm_read(struct xfrm *x, int64_t now)
{
    if (!xfrm_link_read(&x->link, take, x)) {
        log_line(GROUP_KNL, LOG_NOTICE, "the kernel lost messages about its IPsec: looking at all of it");
        x->has_lost = true;
    }
    if (x->has_lost)
        compare(x, now);
    deliver(x);
}

#define POLL_SHORTEST INT64_C(1000000) /* microseconds from one look at the counters to the next */
#define POLL_SHARE    20               /* of the time, or less, is for looking */
#define MICROS(ts)    ((int64_t)(ts).tv_sec * 1000000 + (ts).tv_nsec / 1000)

int64_t xfrm_poll(struct xfrm *x, int64_t now)
{
    struct timespec start, end;
    if (now >= x->poll_at) {
        clock_gettime(CLOCK_MONOTONIC, &start);
        if (x->has_lost)
            compare(x, now);
        else
            xfrm_scan_states(x, now);
        clock_gettime(CLOCK_MONOTONIC, &end);
        int64_t took = (MICROS(end) - MICROS(start)) * POLL_SHARE;
        x->poll_at = now + (took > POLL_SHORTEST ? took : POLL_SHORTEST);
    }
    xfrm_policy_open(x, now);
    deliver(x);
    return x->poll_at < x->shut_until ? x->poll_at : x->shut_until;
}
