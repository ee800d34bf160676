/* SPDX-License-Identifier: Apache-2.0 */
/* A bounded ring of pointers from one thread to one other, without locks. What a pointer points at belongs to
 * whoever holds it: the producer until ring_push() succeeds, then the consumer. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct ring {
    void **slots;
    size_t mask;
    _Alignas(64) atomic_size_t head; /* consumer's */
    _Alignas(64) atomic_size_t tail; /* producer's */
};

/* capacity is rounded up to a power of two. */
void ring_init(struct ring *r, size_t capacity);
void ring_deinit(struct ring *r); /* empty it first */
/* False when full. Producer only. */
bool ring_push(struct ring *r, void *item);
/* NULL when empty. Consumer only. */
void *ring_pop(struct ring *r);
bool ring_is_empty(struct ring *r);
