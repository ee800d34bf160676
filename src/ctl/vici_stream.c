/* SPDX-License-Identifier: Apache-2.0 */
/* Segments out of a byte stream: see vici.h. What is buffered is bounded, whatever the sender does. */
#include "ctl/vici.h"
#include <stdlib.h>

#define BUFFER_MAX (2 * (VICI_SEGMENT_MAX + 4))

void vici_stream_free(struct vici_stream *s)
{
    free(s->buf);
    *s = (struct vici_stream){0};
}

/* Moves what is not taken yet to the front. */
static void compact(struct vici_stream *s)
{
    if (!s->taken)
        return;
    memmove(s->buf, s->buf + s->taken, s->len - s->taken);
    s->len -= s->taken;
    s->taken = 0;
}

bool vici_stream_feed(struct vici_stream *s, struct span bytes)
{
    if (bytes.len == 0)
        return true;
    compact(s);
    if (bytes.len > BUFFER_MAX - s->len)
        return false;
    if (s->len + bytes.len > s->cap) {
        size_t cap = s->cap ? s->cap : 4096;
        while (cap < s->len + bytes.len)
            cap *= 2;
        s->buf = realloc(s->buf, cap);
        if (!s->buf)
            abort();
        s->cap = cap;
    }
    memcpy(s->buf + s->len, bytes.ptr, bytes.len);
    s->len += bytes.len;
    return true;
}

enum vici_stream_state vici_stream_next(struct vici_stream *s, struct span *payload)
{
    if (s->len - s->taken < 4)
        return VICI_STREAM_MORE;
    struct rd r = rd_over(span_of(s->buf + s->taken, s->len - s->taken));
    uint32_t len = rd_u32(&r);
    if (len == 0 || len > VICI_SEGMENT_MAX)
        return VICI_STREAM_BROKEN;
    if (rd_left(&r) < len)
        return VICI_STREAM_MORE;
    *payload = rd_bytes(&r, len);
    s->taken += 4 + (size_t)len;
    return VICI_STREAM_SEGMENT;
}
