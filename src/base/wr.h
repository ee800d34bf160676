/* SPDX-License-Identifier: Apache-2.0 */
/* The writing cursor over a buffer of the caller's. The error is sticky: once something did not fit nothing
 * more is written and wr_ok() is false; len never exceeds cap. Integers are written big-endian. */
#pragma once

#include "base/span.h"

struct wr {
    uint8_t *base;
    size_t len, cap;
    bool failed;
};

struct wr wr_over(void *buf, size_t cap);
void wr_u8(struct wr *w, uint8_t v);
void wr_u16(struct wr *w, uint16_t v);
void wr_u32(struct wr *w, uint32_t v);
void wr_u64(struct wr *w, uint64_t v);
void wr_bytes(struct wr *w, const void *p, size_t len);
void wr_span(struct wr *w, struct span s);
void wr_zero(struct wr *w, size_t len);
/* Room for len bytes to be filled by the caller; NULL when they do not fit. */
uint8_t *wr_reserve(struct wr *w, size_t len);
/* A 16-bit length to be filled in later: open returns the mark, close writes the number of bytes since the
 * mark's own end plus extra (for lengths that count their header). Fails when that exceeds 65535. */
size_t wr_block16_open(struct wr *w);
void wr_block16_close(struct wr *w, size_t mark, size_t extra);
/* Overwrites what was written at offset at. */
void wr_patch_u8(struct wr *w, size_t at, uint8_t v);
void wr_patch_u16(struct wr *w, size_t at, uint16_t v);
void wr_patch_u32(struct wr *w, size_t at, uint32_t v);
static inline bool wr_ok(const struct wr *w)
{
    return !w->failed;
}
static inline struct span wr_span_view(const struct wr *w)
{
    return span_of(w->base, w->len);
}
