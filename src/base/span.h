/* SPDX-License-Identifier: Apache-2.0 */
/* A borrowed run of bytes. Owns nothing; valid as long as what it points into. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
    const uint8_t *ptr;
    size_t len;
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static inline struct span span_of(const void *ptr, size_t len)
{
    return (struct span){.ptr = ptr, .len = len};
}

static inline struct span span_str(const char *s)
{
    return span_of(s, strlen(s));
}

/* Not constant-time: for public data only. For secrets see secret_equal(). */
static inline bool span_equal(struct span a, struct span b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}
