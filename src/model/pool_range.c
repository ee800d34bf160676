/* SPDX-License-Identifier: Apache-2.0 */
/* What of a pool may be leased: ranges without what is excluded, disjoint and in their order. */
#include "base/arena.h"
#include "model/pool.h"
#include <stdlib.h>

static int by_start(const void *a, const void *b)
{
    return ip_cmp(((const struct ip_range *)a)->from, ((const struct ip_range *)b)->from);
}

/* Of r the part that begins at at, or behind the exclusions that hold it, and ends before the next one.
 * False: nothing is left. */
static bool next_part(const struct ip_range *r, struct ip at, const struct ip_range *excluded, size_t n,
                      struct ip_range *part)
{
    part->from = at;
    for (bool moved = true; moved;) {
        moved = false;
        for (size_t i = 0; i < n; i++) {
            const struct ip_range *x = &excluded[i];
            if (ip_cmp(x->from, part->from) > 0 || ip_cmp(x->to, part->from) < 0)
                continue;
            if (ip_cmp(x->to, r->to) >= 0)
                return false;
            part->from = ip_add(x->to, 1);
            moved = true;
        }
    }
    part->to = r->to;
    for (size_t i = 0; i < n; i++) {
        bool cuts = ip_cmp(excluded[i].from, part->from) > 0 && ip_cmp(excluded[i].from, part->to) <= 0;
        if (cuts)
            part->to = ip_add(excluded[i].from, UINT64_MAX);
    }
    return true;
}

size_t pool_ranges(const struct ip_range *v, size_t n, const struct ip_range *excluded, size_t n_excluded,
                   struct ip_range *out)
{
    struct ip_range *sorted = mem_new((n + 1) * sizeof(*sorted));
    size_t k = 0, max = n + n_excluded;
    if (n)
        memcpy(sorted, v, n * sizeof(*v));
    qsort(sorted, n, sizeof(*sorted), by_start);
    for (size_t i = 0; i < n; i++) {
        struct ip at = sorted[i].from;
        const struct ip_range *before = k ? &out[k - 1] : NULL;
        bool is_held = before && before->to.family == at.family && ip_cmp(before->to, at) >= 0;
        if (is_held && ip_cmp(before->to, sorted[i].to) >= 0)
            continue;
        if (is_held)
            at = ip_add(before->to, 1);
        while (k < max && next_part(&sorted[i], at, excluded, n_excluded, &out[k])) {
            k++;
            if (ip_cmp(out[k - 1].to, sorted[i].to) >= 0)
                break;
            at = ip_add(out[k - 1].to, 1);
        }
    }
    free(sorted);
    return k;
}

static uint64_t range_size(const struct ip_range *r)
{
    uint64_t n = ip_distance(r->from, r->to);
    return n == UINT64_MAX ? n : n + 1;
}

uint64_t pool_ranges_size_of(const struct ip_range *v, size_t n, uint8_t family)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t one = !family || v[i].from.family == family ? range_size(&v[i]) : 0;
        sum = sum > UINT64_MAX - one ? UINT64_MAX : sum + one;
    }
    return sum;
}

uint64_t pool_ranges_size(const struct ip_range *v, size_t n)
{
    return pool_ranges_size_of(v, n, 0);
}
