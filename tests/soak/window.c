/* SPDX-License-Identifier: Apache-2.0 */
/* See window.h. */
#include "window.h"
#include <stdlib.h>
#include <string.h>

static void *must(void *p)
{
    if (!p)
        abort();
    return p;
}

void windows_init(struct windows *w, uint32_t size)
{
    *w = (struct windows){.size = size, .cap = 64};
    w->v = must(calloc(w->cap, sizeof(*w->v)));
}

void windows_free(struct windows *w)
{
    for (uint32_t i = 0; i < w->cap; i++)
        free(w->v[i]);
    free(w->v);
}

static uint32_t place(const struct windows *w, uint32_t spi)
{
    uint32_t at = (spi * UINT32_C(2654435761)) & (w->cap - 1);
    while (w->v[at] && w->v[at]->spi != spi)
        at = (at + 1) & (w->cap - 1);
    return at;
}

static void grow(struct windows *w)
{
    struct windows old = *w;
    w->cap *= 2;
    w->v = must(calloc(w->cap, sizeof(*w->v)));
    for (uint32_t i = 0; i < old.cap; i++) {
        if (old.v[i])
            w->v[place(w, old.v[i]->spi)] = old.v[i];
    }
    free(old.v);
}

static struct window *find(struct windows *w, uint32_t spi)
{
    uint32_t at = place(w, spi);
    if (w->v[at])
        return w->v[at];
    if (2 * ++w->n > w->cap) {
        grow(w);
        at = place(w, spi);
    }
    w->v[at] = must(calloc(1, sizeof(struct window)));
    w->v[at]->spi = spi;
    return w->v[at];
}

/* The numbers that the window leaves behind are forgotten. */
static void move(struct window *s, uint32_t size, uint32_t top)
{
    if (top - s->top >= size) {
        memset(s->has_seen, 0, size);
        s->top = top;
    }
    while (s->top != top)
        s->has_seen[++s->top % size] = 0;
}

enum window_word windows_send(struct windows *w, uint32_t spi, uint32_t seq)
{
    struct window *s = find(w, spi);
    s->copies++;
    if (seq > s->top)
        move(s, w->size, seq);
    else if (s->top - seq >= w->size)
        return WINDOW_BEHIND;
    else if (s->has_seen[seq % w->size])
        return WINDOW_SEEN;
    s->has_seen[seq % w->size] = 1;
    s->accepted++;
    return WINDOW_TAKES;
}
