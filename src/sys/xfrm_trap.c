/* SPDX-License-Identifier: Apache-2.0 */
/* Traps: the kernel asks for an SA that serves a policy. It keeps a state in its place, which no packet can
 * use, and does not ask again before that has expired, or has been deleted here since the tunnel did not
 * come. It has no SPI by which it could be deleted: it is given one first. */
#include "base/log.h"
#include "sys/xfrm_impl.h"

/* The record that the kernel's policy stands for: a trap, or else any. */
static struct xfrm_record *asker_of(const struct xfrm_policy *p)
{
    struct xfrm_record *best = NULL;
    struct xfrm_want *w;
    list_each(w, &p->wants, link)
    {
        const struct xfrm_record *r = w->record;
        if (!best || (r->is_trap && !best->is_trap) || (r->is_trap == best->is_trap && r->age < best->age))
            best = w->record;
    }
    return best;
}

/* It is about where the SAs were: a packet that left while they moved. */
static bool is_elsewhere(const struct xfrm_record *r, const struct xfrm_seen_acquire *a)
{
    return r->mode != MODE_TRANSPORT && !(ip_equal(a->src, r->local) && ip_equal(a->id.dst, r->remote));
}

void xfrm_trap_acquire(struct xfrm *x, const struct xfrm_seen_acquire *a)
{
    struct xfrm_policy *p = xfrm_policy_find(x, &a->policy);
    if (p && a->cpu.is_set) {
        xfrm_cpu_acquire(x, p, a);
        return;
    }
    struct xfrm_record *r = p && a->policy.dir == XFRM_POLICY_OUT ? asker_of(p) : NULL;
    if (!r)
        return;
    r->waiting = *a;
    if (!r->is_trap && is_elsewhere(r, a))
        xfrm_trap_release(x, r);
    if (r->is_told || !r->is_trap)
        return;
    r->is_told = true;
    struct dataplane_event e = {
        .kind = DP_ACQUIRE, .policy_id = r->id, .packet_local = a->local, .packet_remote = a->remote};
    xfrm_queue(x, &e, NULL);
}

void xfrm_trap_calm(struct xfrm *x, uint32_t reqid)
{
    for (struct xfrm_record *r = xfrm_record_of(x, reqid); r; r = xfrm_record_next(r)) {
        r->is_told = false;
        r->waiting.seq = 0;
    }
}

static int take_state(const struct nlmsghdr *h, void *ctx)
{
    return xfrm_state_parse(h, ctx) ? MNL_CB_OK : MNL_CB_ERROR;
}

void xfrm_trap_delete(struct xfrm *x, const struct xfrm_seen_acquire *w)
{
    char buf[XFRM_MESSAGE_MAX] XFRM_ALIGNED;
    struct xfrm_seen_state seen;
    int error = xfrm_link_ask(&x->link, xfrm_larval_message(buf, w), take_state, &seen);
    if (!error)
        error = xfrm_state_del(&x->link, &seen.id);
    if (error) /* it goes by itself, later */
        log_line(GROUP_KNL, LOG_DETAIL, "the state that waits for an SA with reqid %u stays: %s%s%s",
                 w->reqid, strerror(error), x->link.why[0] ? ": " : "", x->link.why);
}

void xfrm_trap_release(struct xfrm *x, struct xfrm_record *r)
{
    if (r->waiting.seq)
        xfrm_trap_delete(x, &r->waiting);
    r->waiting.seq = 0;
}

static void release_cpus(struct xfrm *x, const struct xfrm_record *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct xfrm_policy *p = r->wants[i].policy;
        if (!p->n_waiting)
            continue;
        xfrm_cpu_release(x, p);
        xfrm_policy_refresh(x, p);
    }
}

void xfrm_trap_failed(struct xfrm *x, uint64_t id, int64_t now)
{
    struct xfrm_record *r = xfrm_record_find(x, id, false);
    if (!r)
        return;
    r->is_told = false;
    if (x->o.holds_packets && r->waiting.seq)
        xfrm_policy_shut(x, r, now);
    xfrm_trap_release(x, r);
    release_cpus(x, r);
}
