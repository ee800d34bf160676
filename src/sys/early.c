/* SPDX-License-Identifier: Apache-2.0 */
/* See early.h. */
#include "sys/early.h"
#include "base/rd.h"
#include <stdlib.h>
#include <string.h>

void early_deinit(struct early *e)
{
    free(e->v);
}

static bool is_old(const struct early_packet *k, int64_t now)
{
    return now - k->since > EARLY_TIME;
}

/* A free place, or that of one that is too old. */
static struct early_packet *place(struct early *e, int64_t now)
{
    for (size_t i = 0; i < EARLY_PACKETS; i++) {
        if (!e->v[i].is_kept || is_old(&e->v[i], now))
            return &e->v[i];
    }
    return NULL;
}

void early_keep(struct early *e, const struct esp_packet *p, int64_t now)
{
    struct rd r = rd_over(span_of(p->data, p->len));
    uint32_t spi = rd_u32(&r);
    bool is_kernels = spi & SPI_KERNEL; /* a raw socket hears what is for the kernel's SAs, too */
    if (p->is_ah || is_kernels || !rd_ok(&r) || p->len > EARLY_BYTES)
        return;
    if (!e->v && !(e->v = calloc(EARLY_PACKETS, sizeof(*e->v))))
        return;
    struct early_packet *k = place(e, now);
    if (!k)
        return;
    k->p = *p;
    k->p.data = k->bytes;
    k->spi = spi;
    k->since = now;
    k->is_due = false;
    k->is_kept = e->has_any = true;
    memmove(k->bytes, p->data, p->len); /* it may be the one that was here */
}

void early_sa_added(struct early *e, uint32_t spi, int64_t now)
{
    bool has_any = false;
    for (size_t i = 0; e->has_any && i < EARLY_PACKETS; i++) {
        struct early_packet *k = &e->v[i];
        k->is_kept &= k->is_due || !is_old(k, now);
        k->is_due |= k->is_kept && k->spi == spi;
        e->has_due |= k->is_due;
        has_any |= k->is_kept;
    }
    e->has_any = has_any;
}

const struct esp_packet *early_next(struct early *e)
{
    struct early_packet *oldest = NULL;
    for (size_t i = 0; e->has_due && i < EARLY_PACKETS; i++) {
        struct early_packet *k = &e->v[i];
        if (k->is_due && (!oldest || k->since < oldest->since))
            oldest = k;
    }
    e->has_due = oldest != NULL;
    if (!oldest)
        return NULL;
    oldest->is_due = oldest->is_kept = false;
    return &oldest->p;
}
