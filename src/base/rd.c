/* SPDX-License-Identifier: Apache-2.0 */
/* The reading cursor: see rd.h. */
#include "base/rd.h"

static inline __attribute__((always_inline)) const uint8_t *take(struct rd *r, size_t len)
{
    if (r->failed || (size_t)(r->end - r->at) < len) {
        r->failed = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    if (len > 0)
        r->at += len;
    return p;
}

struct rd rd_over(struct span s)
{
    static const uint8_t nothing[1];
    const uint8_t *p = s.len ? s.ptr : nothing;
    return (struct rd){.at = p, .end = p + s.len};
}

static inline __attribute__((always_inline)) uint64_t rd_be(struct rd *r, size_t len)
{
    const uint8_t *p = take(r, len);
    uint64_t v = 0;
    for (size_t i = 0; p && i < len; i++)
        v = v << 8 | p[i];
    return v;
}

uint8_t rd_u8(struct rd *r)
{
    return (uint8_t)rd_be(r, 1);
}

uint16_t rd_u16(struct rd *r)
{
    return (uint16_t)rd_be(r, 2);
}

uint32_t rd_u32(struct rd *r)
{
    return (uint32_t)rd_be(r, 4);
}

uint64_t rd_u64(struct rd *r)
{
    return rd_be(r, 8);
}

struct span rd_bytes(struct rd *r, size_t len)
{
    const uint8_t *p = take(r, len);
    return p ? span_of(p, len) : span_of(NULL, 0);
}

void rd_skip(struct rd *r, size_t len)
{
    take(r, len);
}

struct span rd_rest(struct rd *r)
{
    return rd_bytes(r, rd_left(r));
}

struct rd rd_sub(struct rd *r, size_t len)
{
    struct span s = rd_bytes(r, len);
    struct rd sub = rd_over(s);
    sub.failed = r->failed;
    return sub;
}

size_t rd_left(const struct rd *r)
{
    return r->failed ? 0 : (size_t)(r->end - r->at);
}
