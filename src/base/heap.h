/* SPDX-License-Identifier: Apache-2.0 */
/* Intrusive binary min-heap of deadlines: O(1) earliest, O(log n) change. Nodes belong to the caller. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct heap_node {
    int64_t at;   /* microseconds, mono */
    size_t index; /* 1-based position; 0 = not in the heap */
};

struct heap {
    struct heap_node **nodes; /* 1-based */
    size_t count, cap;
};

void heap_init(struct heap *h);
void heap_deinit(struct heap *h);
/* Inserts the node or moves it to its new deadline; TIME_NEVER removes it. */
void heap_set(struct heap *h, struct heap_node *n, int64_t at);
void heap_remove(struct heap *h, struct heap_node *n);
/* NULL when empty. */
struct heap_node *heap_first(const struct heap *h);
