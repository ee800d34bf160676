/* SPDX-License-Identifier: Apache-2.0 */
/* See assist.h. The owner cannot begin another batch while a part of this one is being worked on, because it
 * waits for `done`; so ops and is_seal are stable for whoever has taken a part, and only for those. */
#include "sys/assist.h"
#include <sched.h>

#define SPINS                                                                                                \
    200 /* before the processor is left to somebody else: perhaps to the helper that we wait for             \
         */

/* The next part: its first packet and how many; false when all are taken. */
static bool take_part(struct assist *a, size_t *from, size_t *n)
{
    uint64_t parts = atomic_load_explicit(&a->parts, memory_order_acquire);
    for (;;) {
        size_t next = parts & 0xffff, end = parts >> 16 & 0xffff;
        if (next >= end)
            return false;
        size_t count = end - next < ASSIST_PART ? end - next : ASSIST_PART;
        if (atomic_compare_exchange_weak_explicit(&a->parts, &parts, parts + count, memory_order_acq_rel,
                                                  memory_order_acquire)) {
            *from = next;
            *n = count;
            return true;
        }
    }
}

static void run(struct bulk_worker *w, struct bulk_op *ops, size_t n, bool is_seal)
{
    if (is_seal)
        bulk_seal(w, ops, n);
    else
        bulk_open(w, ops, n);
}

bool assist_help(struct assist *a, struct bulk_worker *own)
{
    size_t from, n;
    bool has_helped = false;
    while (take_part(a, &from, &n)) {
        run(own, a->ops + from, n, a->is_seal);
        atomic_fetch_add_explicit(&a->done, (unsigned)n, memory_order_release);
        has_helped = true;
    }
    return has_helped;
}

bool assist_has_work(struct assist *a)
{
    uint64_t parts = atomic_load_explicit(&a->parts, memory_order_relaxed);
    return (parts & 0xffff) < (parts >> 16 & 0xffff);
}

void assist_run(struct assist *a, struct bulk_worker *own, struct bulk_op *ops, size_t n, bool is_seal)
{
    uint64_t generation = (atomic_load_explicit(&a->parts, memory_order_relaxed) >> 32) + 1;
    a->ops = ops;
    a->is_seal = is_seal;
    atomic_store_explicit(&a->done, 0, memory_order_relaxed);
    atomic_store_explicit(&a->parts, generation << 32 | (uint64_t)n << 16, memory_order_release);
    assist_help(a, own);
    for (unsigned spins = 0; atomic_load_explicit(&a->done, memory_order_acquire) != n; spins++) {
        if (spins > SPINS)
            sched_yield();
    }
}
