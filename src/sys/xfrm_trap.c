/* SPDX-License-Identifier: Apache-2.0 */
/* Traps: the kernel asks for an SA that serves a policy. It keeps a state in its place, which no packet can
 * use, and does not ask again before that has expired, or has been deleted here since the tunnel did not
 * come. It has no SPI by which it could be deleted: it is given one first. */
#include "sys/xfrm_impl.h"

/* The record that the kernel's policy stands for, as far as it is a trap. */
static struct xfrm_record *trap_of(const struct xfrm_policy *p)
{
    struct xfrm_record *best = NULL;
    struct xfrm_want *w;
    list_each(w, &p->wants, link)
    {
        if (w->record->is_trap && (!best || w->record->age < best->age))
            best = w->record;
    }
    return best;
}

void xfrm_trap_acquire(struct xfrm *x, const struct xfrm_seen_acquire *a)
{
    const struct xfrm_policy *p = xfrm_policy_find(x, &a->policy);
    struct xfrm_record *r = p && a->policy.dir == XFRM_POLICY_OUT ? trap_of(p) : NULL;
    if (!r)
        return;
    r->waiting = *a;
    if (r->is_told)
        return;
    r->is_told = true;
    struct dataplane_event e = {
        .kind = DP_ACQUIRE, .policy_id = r->id, .packet_local = a->local, .packet_remote = a->remote};
    xfrm_queue(x, &e, NULL);
}

void xfrm_trap_calm(struct xfrm *x, uint32_t reqid)
{
    struct xfrm_record *r;
    list_each(r, &x->record_list, link)
    {
        if (r->is_trap && r->reqid == reqid) {
            r->is_told = false;
            r->waiting.seq = 0;
        }
    }
}

static int take_state(const struct nlmsghdr *h, void *ctx)
{
    return xfrm_state_parse(h, ctx) ? MNL_CB_OK : MNL_CB_ERROR;
}

void xfrm_trap_failed(struct xfrm *x, uint64_t id)
{
    char buf[XFRM_MESSAGE_MAX];
    struct xfrm_record *r;
    list_each(r, &x->record_list, link)
    {
        if (r->is_shunt || r->id != id)
            continue;
        const struct xfrm_seen_acquire *w = &r->waiting;
        struct xfrm_seen_state seen;
        r->is_told = false;
        if (!w->seq)
            return;
        struct nlmsghdr *h = xfrm_larval_message(buf, &w->id, w->seq, w->reqid, w->mode, w->src);
        if (xfrm_link_ask(&x->link, h, take_state, &seen) == 0)
            xfrm_state_del(&x->link, &seen.id);
        r->waiting.seq = 0;
        return;
    }
}
