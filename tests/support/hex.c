/* SPDX-License-Identifier: Apache-2.0 */
/* Hex literals for tests: see test.h. */
#include "base/text.h"
#include "support/test.h"
#include <stdio.h>

struct span hex(const char *text)
{
    static uint8_t ring[64][4096];
    static unsigned next;
    uint8_t *out = ring[next++ % 64];
    char packed[8192];
    size_t n = 0, len = 0;
    for (; *text && n < sizeof(packed); text++) {
        if (*text != ' ' && *text != '\n' && *text != ':')
            packed[n++] = *text;
    }
    assert_true(hex_decode(span_of(packed, n), out, 4096, &len));
    return span_of(out, len);
}

void assert_span_equal(struct span got, struct span expected)
{
    assert_int_equal(got.len, expected.len);
    if (got.len)
        assert_memory_equal(got.ptr, expected.ptr, got.len);
}
