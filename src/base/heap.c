/* SPDX-License-Identifier: Apache-2.0 */
/* Binary min-heap of deadlines: see heap.h. */
#include "base/heap.h"
#include "base/time.h"
#include <stdlib.h>

void heap_init(struct heap *h)
{
    *h = (struct heap){0};
}

void heap_deinit(struct heap *h)
{
    free(h->nodes);
    *h = (struct heap){0};
}

static void place(struct heap *h, struct heap_node *n, size_t i)
{
    h->nodes[i] = n;
    n->index = i;
}

static void sift(struct heap *h, struct heap_node *n, size_t i)
{
    while (i > 1 && h->nodes[i / 2]->at > n->at) {
        place(h, h->nodes[i / 2], i);
        i /= 2;
    }
    for (;;) {
        size_t child = 2 * i;
        if (child > h->count)
            break;
        if (child < h->count && h->nodes[child + 1]->at < h->nodes[child]->at)
            child++;
        if (h->nodes[child]->at >= n->at)
            break;
        place(h, h->nodes[child], i);
        i = child;
    }
    place(h, n, i);
}

void heap_remove(struct heap *h, struct heap_node *n)
{
    if (!n->index)
        return;
    size_t i = n->index;
    struct heap_node *last = h->nodes[h->count--];
    n->index = 0;
    if (last != n)
        sift(h, last, i);
}

void heap_set(struct heap *h, struct heap_node *n, int64_t at)
{
    if (at == TIME_NEVER) {
        heap_remove(h, n);
        n->at = at;
        return;
    }
    n->at = at;
    if (!n->index) {
        if (h->count + 1 >= h->cap) {
            h->cap = h->cap ? 2 * h->cap : 32;
            h->nodes = realloc(h->nodes, h->cap * sizeof(*h->nodes));
            if (!h->nodes)
                abort();
        }
        place(h, n, ++h->count);
    }
    sift(h, n, n->index);
}

struct heap_node *heap_first(const struct heap *h)
{
    return h->count ? h->nodes[1] : NULL;
}
