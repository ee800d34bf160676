/* SPDX-License-Identifier: Apache-2.0 */
/* Chunked bump allocator: see arena.h. */
#include "base/arena.h"
#include <stdio.h>
#include <stdlib.h>

#define CHUNK_MIN 4096

struct chunk {
    struct chunk *next;
    size_t used, cap;
    _Alignas(16) uint8_t bytes[];
};

struct arena {
    struct chunk *head;
    size_t used, cap;
    bool failed;
};

void *mem_new(size_t len)
{
    void *p = calloc(1, len ? len : 1);
    if (!p)
        abort();
    return p;
}

struct arena *arena_new(size_t cap)
{
    struct arena *a = mem_new(sizeof(*a));
    a->cap = cap;
    return a;
}

static void chunk_free(struct chunk *c)
{
    explicit_bzero(c->bytes, c->used);
    free(c);
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        chunk_free(c);
    }
    free(a);
}

void arena_reset(struct arena *a)
{
    struct chunk *keep = a->head;
    if (keep) {
        for (struct chunk *c = keep->next, *next; c; c = next) {
            next = c->next;
            chunk_free(c);
        }
        explicit_bzero(keep->bytes, keep->used);
        keep->next = NULL;
        keep->used = 0;
    }
    a->used = 0;
    a->failed = false;
}

void *arena_alloc(struct arena *a, size_t len)
{
    if (len > a->cap - a->used || len > SIZE_MAX / 2) {
        a->failed = true;
        return NULL;
    }
    size_t need = (len + 15) & ~(size_t)15;
    struct chunk *c = a->head;
    if (!c || c->cap - c->used < need) {
        size_t cap = need > CHUNK_MIN ? need : CHUNK_MIN;
        c = malloc(sizeof(*c) + cap);
        if (!c)
            abort();
        *c = (struct chunk){.next = a->head, .cap = cap};
        a->head = c;
    }
    void *p = c->bytes + c->used;
    memset(p, 0, need);
    c->used += need;
    a->used += need < a->cap - a->used ? need : a->cap - a->used;
    return p;
}

void *arena_calloc(struct arena *a, size_t count, size_t size)
{
    size_t len;
    if (__builtin_mul_overflow(count, size, &len)) {
        a->failed = true;
        return NULL;
    }
    return arena_alloc(a, len);
}

void arena_trim(struct arena *a, const void *p, size_t len, size_t used)
{
    struct chunk *c = a->head;
    size_t had = (len + 15) & ~(size_t)15, need = (used + 15) & ~(size_t)15;
    if (!c || !p || used > len || c->used < had ||
        (const unsigned char *)p != (unsigned char *)c->bytes + (c->used - had))
        return;
    explicit_bzero((unsigned char *)c->bytes + (c->used - had) + need, had - need);
    c->used -= had - need;
    a->used -= had - need < a->used ? had - need : a->used;
}

struct span arena_dup(struct arena *a, struct span s)
{
    void *p = arena_alloc(a, s.len);
    if (!p)
        return span_of(NULL, 0);
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return span_of(p, s.len);
}

char *arena_strndup(struct arena *a, const char *s, size_t len)
{
    char *p = arena_alloc(a, len + 1);
    if (p && len)
        memcpy(p, s, len);
    return p;
}

char *arena_strdup(struct arena *a, const char *s)
{
    return arena_strndup(a, s, strlen(s));
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    char *p = n >= 0 ? arena_alloc(a, (size_t)n + 1) : NULL;
    if (p)
        vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return p;
}

bool arena_failed(const struct arena *a)
{
    return a->failed;
}

size_t arena_used(const struct arena *a)
{
    return a->used;
}
