/* SPDX-License-Identifier: Apache-2.0 */
/* See stream.h. */
#include "stream.h"
#include <string.h>

uint64_t stream_mix(uint64_t z)
{
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint64_t stream_key(uint64_t seed, uint32_t flow, int is_back)
{
    return stream_mix(stream_mix(seed + UINT64_C(0x9e3779b97f4a7c15)) + flow * UINT64_C(2) + (is_back != 0));
}

static uint64_t word(uint64_t key, uint64_t n)
{
    return stream_mix(key + (n + 1) * UINT64_C(0x9e3779b97f4a7c15));
}

void stream_fill(uint64_t key, uint64_t position, uint8_t *out, size_t len)
{
    uint64_t n = position / 8, w;
    size_t skip = position % 8;
    while (len) {
        size_t take = len < 8 - skip ? len : 8 - skip;
        w = word(key, n++);
        if (take == 8)
            memcpy(out, &w, 8);
        else
            memcpy(out, (const uint8_t *)&w + skip, take);
        out += take;
        len -= take;
        skip = 0;
    }
}

size_t stream_compare(uint64_t key, uint64_t position, const uint8_t *bytes, size_t len)
{
    uint8_t right[4096];
    for (size_t done = 0; done < len;) {
        size_t n = len - done < sizeof(right) ? len - done : sizeof(right);
        stream_fill(key, position + done, right, n);
        if (memcmp(right, bytes + done, n) != 0) {
            for (size_t i = 0; i < n; i++) {
                if (right[i] != bytes[done + i])
                    return done + i;
            }
        }
        done += n;
    }
    return len;
}
