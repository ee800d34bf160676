/* SPDX-License-Identifier: Apache-2.0 */
/* Expanded keys of one engine for one thread. A key is kept compact (struct bulk_key), and what its cipher
 * really runs on, a kilobyte and more, only while it is in use: in one of a fixed number of slots, four of
 * which a key may occupy; when it needs one, the least recently used of them gives way and is wiped. One
 * thread finds and claims; any thread may forget a key. Private to src/crypto. */
#pragma once

#include "base/span.h"
#include <stdatomic.h>

#define BULK_CACHE_WAYS 4
#define BULK_CACHE_SETS 128 /* power of two */
#define BULK_CACHE_KEYS (BULK_CACHE_WAYS * BULK_CACHE_SETS)

struct bulk_set { /* one cache line */
    _Atomic uint64_t id[BULK_CACHE_WAYS];
    uint64_t stamp[BULK_CACHE_WAYS]; /* the owner's: last use */
};

struct bulk_cache {
    struct bulk_cache *next; /* of all caches of the process */
    struct bulk_set *sets;
    uint8_t *slots;
    size_t slot_len;
    uint64_t now;
    void (*wipe)(void *slot);
    void *memory;
};

/* Slots of slot_len bytes (a multiple of 64), aligned to 64. wipe() empties one: it must leave zeroes. */
struct bulk_cache *bulk_cache_new(size_t slot_len, void (*wipe)(void *slot));
void bulk_cache_free(struct bulk_cache *c); /* wipes */
/* A slot for a key that bulk_cache_find() did not find, zeroed, to be filled and then given to
 * bulk_cache_publish(). NULL when all its places were used since the last bulk_cache_advance(). */
void *bulk_cache_claim(struct bulk_cache *c, uint64_t id);
void bulk_cache_publish(struct bulk_cache *c, const void *slot, uint64_t id);
/* Wipes the expanded forms of this key in every cache of the process. It must not be in use anywhere. */
void bulk_cache_forget(uint64_t id);

/* Nothing that was found or claimed is in use any more. */
static inline void bulk_cache_advance(struct bulk_cache *c)
{
    c->now++;
}

/* Ids count up, and one kind of key may have all the odd ones: spread them. */
static inline size_t bulk_cache_set(uint64_t id)
{
    return (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> 32) % BULK_CACHE_SETS;
}

static inline void *bulk_cache_slot(const struct bulk_cache *c, size_t set, size_t way)
{
    return c->slots + (set * BULK_CACHE_WAYS + way) * c->slot_len;
}

/* The slot that holds this key, safe from eviction until bulk_cache_advance(), or NULL. */
static inline void *bulk_cache_find(struct bulk_cache *c, uint64_t id)
{
    size_t set = bulk_cache_set(id);
    struct bulk_set *s = &c->sets[set];
    for (size_t way = 0; way < BULK_CACHE_WAYS; way++) {
        if (atomic_load_explicit(&s->id[way], memory_order_relaxed) != id)
            continue;
        s->stamp[way] = c->now;
        return bulk_cache_slot(c, set, way);
    }
    return NULL;
}
