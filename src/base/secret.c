/* SPDX-License-Identifier: Apache-2.0 */
/* Key material: see secret.h. */
#include "base/secret.h"
#include "base/arena.h"
#include <stdlib.h>

struct secret secret_new(size_t len)
{
    return (struct secret){.ptr = mem_new(len), .len = len};
}

struct secret secret_copy(struct span from)
{
    struct secret s = secret_new(from.len);
    if (from.len)
        memcpy(s.ptr, from.ptr, from.len);
    return s;
}

void secret_free(struct secret *s)
{
    if (s->ptr) {
        secret_wipe(s->ptr, s->len);
        free(s->ptr);
    }
    *s = (struct secret){0};
}

struct secret secret_take(struct secret *s)
{
    struct secret taken = *s;
    *s = (struct secret){0};
    return taken;
}

bool secret_equal(struct span a, struct span b)
{
    if (a.len != b.len)
        return false;
    volatile uint8_t diff = 0;
    for (size_t i = 0; i < a.len; i++)
        diff |= a.ptr[i] ^ b.ptr[i];
    return diff == 0;
}

void secret_wipe(void *p, size_t len)
{
    explicit_bzero(p, len);
}
