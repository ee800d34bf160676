/* SPDX-License-Identifier: Apache-2.0 */
/* The writing cursor: see wr.h. */
#include "base/wr.h"

struct wr wr_over(void *buf, size_t cap)
{
    return (struct wr){.base = buf, .cap = cap};
}

uint8_t *wr_reserve(struct wr *w, size_t len)
{
    if (w->failed || w->cap - w->len < len) {
        w->failed = true;
        return NULL;
    }
    uint8_t *p = w->base + w->len;
    w->len += len;
    return p;
}

static void put_be(uint8_t *p, size_t len, uint64_t v)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> (8 * (len - 1 - i)));
}

static void wr_be(struct wr *w, size_t len, uint64_t v)
{
    uint8_t *p = wr_reserve(w, len);
    if (p)
        put_be(p, len, v);
}

void wr_u8(struct wr *w, uint8_t v)
{
    wr_be(w, 1, v);
}

void wr_u16(struct wr *w, uint16_t v)
{
    wr_be(w, 2, v);
}

void wr_u32(struct wr *w, uint32_t v)
{
    wr_be(w, 4, v);
}

void wr_u64(struct wr *w, uint64_t v)
{
    wr_be(w, 8, v);
}

void wr_bytes(struct wr *w, const void *p, size_t len)
{
    uint8_t *to = wr_reserve(w, len);
    if (to && len)
        memcpy(to, p, len);
}

void wr_span(struct wr *w, struct span s)
{
    wr_bytes(w, s.ptr, s.len);
}

void wr_zero(struct wr *w, size_t len)
{
    uint8_t *to = wr_reserve(w, len);
    if (to)
        memset(to, 0, len);
}

size_t wr_block16_open(struct wr *w)
{
    size_t mark = w->len;
    wr_u16(w, 0);
    return mark;
}

void wr_block16_close(struct wr *w, size_t mark, size_t extra)
{
    if (w->failed)
        return;
    size_t len = w->len - mark - 2 + extra;
    if (len > UINT16_MAX) {
        w->failed = true;
        return;
    }
    put_be(w->base + mark, 2, len);
}

static void patch(struct wr *w, size_t at, size_t len, uint64_t v)
{
    if (w->failed || at + len > w->len) {
        w->failed = true;
        return;
    }
    put_be(w->base + at, len, v);
}

void wr_patch_u8(struct wr *w, size_t at, uint8_t v)
{
    patch(w, at, 1, v);
}

void wr_patch_u16(struct wr *w, size_t at, uint16_t v)
{
    patch(w, at, 2, v);
}

void wr_patch_u32(struct wr *w, size_t at, uint32_t v)
{
    patch(w, at, 4, v);
}
