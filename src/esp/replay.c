/* SPDX-License-Identifier: Apache-2.0 */
/* The anti-replay window: see replay.h. */
#include "esp/replay.h"
#include "base/arena.h"

#include <stdlib.h>

/* Without a window there is still a half of the number space to be taken for the past. */
#define INFER_SPAN_WITHOUT_WINDOW (UINT32_C(1) << 31)

void replay_init(struct replay *r, uint32_t size, bool has_esn)
{
    uint32_t words = 1;
    *r = (struct replay){.size = size, .has_esn = has_esn};
    if (!size)
        return;
    /* One word more than the window needs: the word that top enters is cleared whole, and none of its old
     * bits may still belong to the window. */
    while (words < (size + 63) / 64 + 1)
        words *= 2;
    r->words = words;
    r->bits = mem_new(words * sizeof(uint64_t));
}

void replay_deinit(struct replay *r)
{
    free(r->bits);
    *r = (struct replay){0};
}

bool replay_infer(const struct replay *r, uint32_t low, uint64_t *seq)
{
    if (!r->has_esn) {
        *seq = low;
        return true;
    }
    uint32_t w = r->size ? r->size : INFER_SPAN_WITHOUT_WINDOW;
    uint32_t tl = (uint32_t)r->top, th = (uint32_t)(r->top >> 32);
    uint32_t bl = tl - w + 1; /* modulo 2^32, as the RFC has it */
    uint32_t high = th;
    if (tl >= w - 1) {
        if (low < bl) {
            if (th == UINT32_MAX)
                return false;
            high = th + 1;
        }
    } else if (low >= bl) {
        if (th == 0)
            return false;
        high = th - 1;
    }
    *seq = (uint64_t)high << 32 | low;
    return true;
}

bool replay_check(const struct replay *r, uint64_t seq)
{
    if (!r->size)
        return true;
    if (seq == 0) /* [RFC4303#3.3.3] the first packet is number 1 */
        return false;
    if (seq > r->top)
        return true;
    if (r->top - seq >= r->size)
        return false;
    return !(r->bits[seq / 64 & (r->words - 1)] >> (seq % 64) & 1);
}

void replay_commit(struct replay *r, uint64_t seq)
{
    if (r->size) {
        if (seq > r->top) {
            uint64_t from = r->top / 64, to = seq / 64;
            if (to - from > r->words)
                from = to - r->words;
            while (from < to)
                r->bits[++from & (r->words - 1)] = 0;
        }
        r->bits[seq / 64 & (r->words - 1)] |= UINT64_C(1) << (seq % 64);
    }
    if (seq > r->top)
        r->top = seq;
}
