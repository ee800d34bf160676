/* SPDX-License-Identifier: Apache-2.0 */
/* See handover.h. A ring to a receiver has room for all parcels, so a push cannot fail. */
#include "sys/handover.h"
#include <stdlib.h>

#define PARCELS 32

static void *zeroed(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p)
        abort();
    return p;
}

void handover_init(struct handover *h, size_t n_receivers)
{
    *h = (struct handover){.n_parcels = PARCELS, .n_receivers = n_receivers};
    h->parcels = zeroed(PARCELS, sizeof(*h->parcels)); /* untouched memory costs nothing */
    h->rings = aligned_alloc(64, n_receivers * sizeof(*h->rings));
    h->open = zeroed(n_receivers, sizeof(*h->open));
    if (!h->rings)
        abort();
    for (size_t i = 0; i < n_receivers; i++)
        ring_init(&h->rings[i], PARCELS);
}

void handover_deinit(struct handover *h)
{
    for (size_t i = 0; i < h->n_receivers; i++)
        ring_deinit(&h->rings[i]);
    free(h->rings);
    free(h->open);
    free(h->parcels);
    *h = (struct handover){0};
}

static struct parcel *free_parcel(struct handover *h)
{
    for (size_t i = 0; i < h->n_parcels; i++) {
        struct parcel *p = &h->parcels[h->next];
        h->next = (h->next + 1) % h->n_parcels;
        if (!atomic_load_explicit(&p->is_lent, memory_order_acquire))
            return p;
    }
    return NULL;
}

static bool fits(const struct parcel *p, enum parcel_kind kind, uint32_t len)
{
    return p->kind == kind && p->n < PARCEL_PACKETS && len <= PARCEL_ROOM - p->used;
}

struct parcel_packet *handover_place(struct handover *h, size_t to, enum parcel_kind kind, uint32_t len,
                                     bool *was_full)
{
    struct parcel *p = h->open[to];
    *was_full = p && !fits(p, kind, len);
    if (*was_full) {
        handover_send(h, to);
        p = NULL;
    }
    if (!p) {
        p = free_parcel(h);
        if (!p)
            return NULL;
        p->kind = kind;
        p->n = p->used = 0;
        atomic_store_explicit(&p->is_lent, true, memory_order_relaxed);
        h->open[to] = p;
    }
    struct parcel_packet *packet = &p->packets[p->n++];
    packet->at = p->used;
    packet->len = len;
    p->used += (len + 15) / 16 * 16;
    return packet;
}

uint8_t *handover_bytes(const struct handover *h, size_t to, const struct parcel_packet *p)
{
    return h->open[to]->bytes + p->at;
}

bool handover_send(struct handover *h, size_t to)
{
    struct parcel *p = h->open[to];
    if (!p)
        return false;
    h->open[to] = NULL;
    if (!ring_push(&h->rings[to], p))
        abort();
    return true;
}

bool handover_is_taken(struct handover *h, size_t to)
{
    return ring_is_empty(&h->rings[to]);
}

bool handover_is_open(const struct handover *h, size_t to)
{
    return h->open[to];
}

struct parcel *handover_take(struct handover *h, size_t receiver)
{
    return ring_pop(&h->rings[receiver]);
}

void handover_give_back(struct parcel *p)
{
    atomic_store_explicit(&p->is_lent, false, memory_order_release);
}
