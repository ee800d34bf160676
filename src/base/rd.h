/* SPDX-License-Identifier: Apache-2.0 */
/* The reading cursor. Every byte that comes from a peer or a file is read through it.
 * The error is sticky: after the first read past the end each read yields zero or an empty span, and
 * rd_ok() is false. Check once, at the end. All integers are big-endian (network order) on the wire. */
#pragma once

#include "base/span.h"

struct rd {
    const uint8_t *at, *end;
    bool failed;
};

struct rd rd_over(struct span s);
uint8_t rd_u8(struct rd *r);
uint16_t rd_u16(struct rd *r);
uint32_t rd_u32(struct rd *r);
uint64_t rd_u64(struct rd *r);
/* A view of the next len bytes into the underlying buffer. */
struct span rd_bytes(struct rd *r, size_t len);
void rd_skip(struct rd *r, size_t len);
/* All that is left, possibly empty. */
struct span rd_rest(struct rd *r);
/* A cursor over the next len bytes; the outer one moves past them. Fails both if they are not there. */
struct rd rd_sub(struct rd *r, size_t len);
size_t rd_left(const struct rd *r);
static inline bool rd_ok(const struct rd *r)
{
    return !r->failed;
}
/* Nothing failed and nothing is left. */
static inline bool rd_done(const struct rd *r)
{
    return !r->failed && r->at == r->end;
}
