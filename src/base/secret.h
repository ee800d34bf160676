/* SPDX-License-Identifier: Apache-2.0 */
/* Key material. Owned, wiped when freed, compared in constant time, and printable by nothing. */
#pragma once

#include "base/span.h"

struct secret {
    uint8_t *ptr;
    size_t len;
};

/* A zeroed secret of len bytes. */
struct secret secret_new(size_t len);
struct secret secret_copy(struct span from);
/* Wipes and frees; the secret becomes empty. Safe on an empty one. */
void secret_free(struct secret *s);
/* Moves: the source becomes empty. */
struct secret secret_take(struct secret *s);
static inline struct span secret_view(const struct secret *s)
{
    return span_of(s->ptr, s->len);
}
/* Constant time in the contents; lengths are public. */
bool secret_equal(struct span a, struct span b);
/* Wipes memory in a way that the compiler keeps. */
void secret_wipe(void *p, size_t len);
