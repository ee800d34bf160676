/* SPDX-License-Identifier: Apache-2.0 */
/* SAs for each processor (RFC 9611; Linux 6.13). A policy with the flag lets the kernel ask for an SA when a
 * processor has none of its own, though another one serves it. It serves that packet alone: what the same
 * processor sends later is held back until the SA is there. So the policy is without the flag from then on,
 * and the SA that is there serves all of them, until the one that is asked for is there, or will not be. */
#include "sys/xfrm_impl.h"
#include <stdlib.h>

static struct xfrm_record *asker_of(const struct xfrm_policy *p)
{
    struct xfrm_want *w;
    list_each(w, &p->wants, link)
    {
        if (w->record->asks_per_cpu)
            return w->record;
    }
    return NULL;
}

void xfrm_cpu_acquire(struct xfrm *x, struct xfrm_policy *p, const struct xfrm_seen_acquire *a)
{
    const struct xfrm_record *r = asker_of(p);
    if (!r) { /* not any more */
        xfrm_trap_delete(x, a);
        return;
    }
    struct xfrm_seen_acquire *v = mem_new((p->n_waiting + 1) * sizeof(*v));
    for (size_t i = 0; i < p->n_waiting; i++)
        v[i] = p->waiting[i];
    free(p->waiting);
    p->waiting = v;
    v[p->n_waiting++] = *a;
    xfrm_policy_refresh(x, p);
    struct dataplane_event e = {.kind = DP_ACQUIRE,
                                .policy_id = r->id,
                                .cpu = a->cpu,
                                .packet_local = a->local,
                                .packet_remote = a->remote};
    xfrm_queue(x, &e, NULL);
}

static void end_wait(struct xfrm *x, struct xfrm_policy *p, uint32_t reqid, struct cpu cpu)
{
    size_t n = 0, was = p->n_waiting;
    for (size_t i = 0; i < was; i++) {
        const struct xfrm_seen_acquire *w = &p->waiting[i];
        if (w->reqid != reqid || w->cpu.number != cpu.number)
            p->waiting[n++] = *w;
    }
    p->n_waiting = n;
    if (was && !n)
        xfrm_policy_refresh(x, p);
}

void xfrm_cpu_over(struct xfrm *x, uint32_t reqid, struct cpu cpu)
{
    for (struct xfrm_record *r = xfrm_record_of(x, reqid); r; r = xfrm_record_next(r)) {
        for (size_t i = 0; i < r->n; i++)
            end_wait(x, r->wants[i].policy, reqid, cpu);
    }
}

void xfrm_cpu_release(struct xfrm *x, struct xfrm_policy *p)
{
    for (size_t i = 0; i < p->n_waiting; i++)
        xfrm_trap_delete(x, &p->waiting[i]);
    free(p->waiting);
    p->waiting = NULL;
    p->n_waiting = 0;
}
