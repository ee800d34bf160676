/* SPDX-License-Identifier: Apache-2.0 */
/* Slots for expanded keys: see bulk_cache.h.
 *
 * Who may touch a slot is who changed its id to BUSY: the owner to evict, or a thread that forgets the key.
 * Both do it by compare-and-swap, so that neither waits for the other; the packets of keys that are found
 * cost plain loads. A key is forgotten only when no packet of it is under way, hence never while its slot is
 * read. */
#include "crypto/bulk_cache.h"
#include "base/arena.h"
#include <pthread.h>
#include <stdlib.h>

#define EMPTY UINT64_C(0)
#define BUSY  UINT64_MAX

static struct bulk_cache *all;
static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER; /* control path alone */

struct bulk_cache *bulk_cache_new(size_t slot_len, void (*wipe)(void *slot))
{
    struct bulk_cache *c = mem_new(sizeof(*c));
    size_t sets_len = BULK_CACHE_SETS * sizeof(struct bulk_set);
    *c = (struct bulk_cache){.slot_len = slot_len, .now = 1, .wipe = wipe};
    /* Large and zeroed: pages that no key has used are not there. */
    c->memory = mem_new(63 + sets_len + BULK_CACHE_KEYS * slot_len);
    uintptr_t at = ((uintptr_t)c->memory + 63) & ~(uintptr_t)63;
    c->sets = (struct bulk_set *)at;
    c->slots = (uint8_t *)at + sets_len;
    pthread_mutex_lock(&all_lock);
    c->next = all;
    all = c;
    pthread_mutex_unlock(&all_lock);
    return c;
}

void bulk_cache_free(struct bulk_cache *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&all_lock);
    struct bulk_cache **at = &all;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    pthread_mutex_unlock(&all_lock);
    for (size_t i = 0; i < BULK_CACHE_KEYS; i++) {
        if (c->sets[i / BULK_CACHE_WAYS].id[i % BULK_CACHE_WAYS] != EMPTY)
            c->wipe(c->slots + i * c->slot_len);
    }
    free(c->memory);
    free(c);
}

static bool take(struct bulk_set *s, size_t way, uint64_t id)
{
    return atomic_compare_exchange_strong_explicit(&s->id[way], &id, BUSY, memory_order_acquire,
                                                   memory_order_relaxed);
}

/* The least recently used way that may be evicted, or -1. *id gets its key. */
static int oldest(struct bulk_cache *c, struct bulk_set *s, uint64_t *id)
{
    int best = -1;
    for (int way = 0; way < BULK_CACHE_WAYS; way++) {
        uint64_t held = atomic_load_explicit(&s->id[way], memory_order_relaxed);
        if (held == EMPTY) { /* forgotten, or never used */
            *id = held;
            return way;
        }
        if (held == BUSY || s->stamp[way] == c->now || (best >= 0 && s->stamp[way] >= s->stamp[best]))
            continue;
        best = way;
        *id = held;
    }
    return best;
}

void *bulk_cache_claim(struct bulk_cache *c, uint64_t id)
{
    size_t set = bulk_cache_set(id);
    struct bulk_set *s = &c->sets[set];
    uint64_t held;
    int way;
    while ((way = oldest(c, s, &held)) >= 0) {
        if (!take(s, (size_t)way, held)) /* forgotten just now */
            continue;
        void *slot = bulk_cache_slot(c, set, (size_t)way);
        if (held != EMPTY)
            c->wipe(slot);
        s->stamp[way] = c->now;
        return slot;
    }
    return NULL;
}

void bulk_cache_publish(struct bulk_cache *c, const void *slot, uint64_t id)
{
    size_t i = (size_t)((const uint8_t *)slot - c->slots) / c->slot_len;
    atomic_store_explicit(&c->sets[i / BULK_CACHE_WAYS].id[i % BULK_CACHE_WAYS], id, memory_order_release);
}

void bulk_cache_forget(uint64_t id)
{
    size_t set = bulk_cache_set(id);
    pthread_mutex_lock(&all_lock);
    for (struct bulk_cache *c = all; c; c = c->next) {
        struct bulk_set *s = &c->sets[set];
        for (size_t way = 0; way < BULK_CACHE_WAYS; way++) {
            if (!take(s, way, id))
                continue;
            c->wipe(bulk_cache_slot(c, set, way));
            atomic_store_explicit(&s->id[way], EMPTY, memory_order_release);
        }
    }
    pthread_mutex_unlock(&all_lock);
}
