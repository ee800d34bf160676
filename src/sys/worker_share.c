/* SPDX-License-Identifier: Apache-2.0 */
/* What workers do for each other: parcels of packets for the owner of an SA (handover.h), and help with the
 * crypto of one that has no time left (assist.h). */
#include "sys/clock.h"
#include "sys/worker.h"
#include <sched.h>

#define PARCELS_MAX 8 /* from one thread before the others get their turn */
#define JUDGE_EVERY (20 * TIME_MS)
#define LINGER      100 /* microseconds */
#define PATIENCE    (2 * TIME_MS)

/* ---- parcels */

/* A receiver that is behind gets some time before packets are dropped: they wait here instead of in the
 * kernel's queue, which is as long. Bounded, so that two workers never wait for each other for good. What is
 * sealed for a TCP connection is dropped at once: it may have come from the connection's own worker, which
 * then waits for us, and the connection is slower than what comes out of the TUN anyway. */
struct parcel_packet *worker_hand_over(struct worker *w, unsigned to, enum parcel_kind kind, uint32_t len,
                                       uint8_t **bytes)
{
    struct parcel_packet *p;
    bool was_full;
    int64_t until = 0;
    while (!(p = handover_place(&w->handover, to, kind, len, &was_full))) {
        int64_t now = clock_mono();
        until = until ? until : now + PATIENCE;
        if (now > until || kind == PARCEL_STREAM)
            return NULL;
        worker_wake(w->dp->workers[to]);
        sched_yield();
    }
    if (was_full)
        worker_wake(w->dp->workers[to]);
    *bytes = handover_bytes(&w->handover, to, p);
    return p;
}

/* What waits goes when its receiver has nothing else, or before we sleep: so parcels are large when many
 * packets pass, and a lone packet is not held up. */
void worker_send_parcels(struct worker *w, bool all)
{
    for (unsigned i = 0; i < w->dp->n && w->dp->n > 1; i++) {
        if (!handover_is_open(&w->handover, i) || (!all && !handover_is_taken(&w->handover, i)))
            continue;
        handover_send(&w->handover, i);
        worker_wake(w->dp->workers[i]);
    }
}

bool worker_has_open_parcels(const struct worker *w)
{
    for (unsigned i = 0; i < w->dp->n && w->dp->n > 1; i++) {
        if (handover_is_open(&w->handover, i))
            return true;
    }
    return false;
}

/* Some from one thread; false when there is no more. */
static bool take_parcels(struct worker *w, struct handover *from, int64_t now)
{
    for (int i = 0; i < PARCELS_MAX; i++) {
        struct parcel *p = handover_take(from, w->index);
        if (!p)
            return false;
        w->has_traffic = true;
        worker_take_records(w, now); /* its packets may be of an SA that is younger than our last look */
        if (p->kind == PARCEL_OUT)
            worker_send_parcel(w, p, now);
        else if (p->kind == PARCEL_IN)
            worker_open_parcel(w, p, now);
        else
            worker_tcp_parcel(w, p);
        handover_give_back(p);
    }
    return true;
}

bool worker_take_parcels(struct worker *w, int64_t now)
{
    const struct dataplane *dp = w->dp;
    bool more = take_parcels(w, &w->dp->strays, now);
    for (unsigned i = 0; i < dp->n && dp->n > 1; i++) {
        if (i != w->index)
            more = take_parcels(w, &dp->workers[i]->handover, now) || more;
    }
    return more;
}

bool worker_has_parcels(const struct worker *w)
{
    const struct dataplane *dp = w->dp;
    if (!ring_is_empty(&dp->strays.rings[w->index]))
        return true;
    for (unsigned i = 0; i < dp->n && dp->n > 1; i++) {
        if (i != w->index && !ring_is_empty(&dp->workers[i]->handover.rings[w->index]))
            return true;
    }
    return false;
}

/* ---- help among workers */

static uint64_t bit_of(const struct worker *w)
{
    return UINT64_C(1) << w->index;
}

/* Wall time alone would call a worker busy that only waits for a processor: then there is none to help. */
void worker_judge_load(struct worker *w, int64_t now)
{
    if (now - w->judged_at < JUDGE_EVERY || w->dp->n == 1)
        return;
    int64_t cpu = clock_thread();
    bool is_saturated = (cpu - w->judged_cpu) * 10 >= (now - w->judged_at) * 9;
    bool was_saturated = atomic_load_explicit(&w->dp->saturated, memory_order_relaxed) & bit_of(w);
    w->judged_at = now;
    w->judged_cpu = cpu;
    if (is_saturated && !was_saturated)
        atomic_fetch_or_explicit(&w->dp->saturated, bit_of(w), memory_order_relaxed);
    if (!is_saturated && was_saturated)
        atomic_fetch_and_explicit(&w->dp->saturated, ~bit_of(w), memory_order_relaxed);
}

/* One worker that sleeps, if any. */
static void call_helper(struct worker *w)
{
    for (unsigned i = 1; i < w->dp->n; i++) {
        struct worker *other = w->dp->workers[(w->index + i) % w->dp->n];
        if (atomic_load_explicit(&other->is_idle, memory_order_relaxed)) {
            worker_wake(other);
            return;
        }
    }
}

void worker_run_crypto(void *ctx, struct bulk_op *ops, size_t n, bool is_seal)
{
    struct worker *w = ctx;
    struct bulk_worker *own = esp_crypto(w->esp);
    if (n >= ASSIST_MIN && atomic_load_explicit(&w->dp->saturated, memory_order_relaxed) & bit_of(w)) {
        call_helper(w);
        assist_run(&w->assist, own, ops, n, is_seal);
    } else if (is_seal) {
        bulk_seal(own, ops, n);
    } else {
        bulk_open(own, ops, n);
    }
}

static bool help_once(struct worker *w)
{
    const struct dataplane *dp = w->dp;
    uint64_t saturated = atomic_load_explicit(&dp->saturated, memory_order_relaxed) & ~bit_of(w);
    bool has_helped = false;
    for (unsigned i = 0; saturated >> i; i++) {
        if (saturated >> i & 1)
            has_helped |= assist_help(&dp->workers[i]->assist, esp_crypto(w->esp));
    }
    return has_helped;
}

/* Whoever has helped stays for a moment: the next batch is near, and waking somebody costs more. */
void worker_help_others(struct worker *w)
{
    int64_t until = 0;
    if (!atomic_load_explicit(&w->dp->saturated, memory_order_relaxed))
        return;
    do {
        if (help_once(w))
            until = clock_mono() + LINGER;
    } while (until && !worker_has_parcels(w) && ring_is_empty(&w->records) && clock_mono() < until);
}
