/* SPDX-License-Identifier: Apache-2.0 */
/* See bundle.h. */
#include "support/bundle.h"
#include "base/arena.h"
#include <stdlib.h>
#include <string.h>

enum { HEAD = 5 };

/* Tag and a length of three bytes, which is not the shortest for what is small: then a shorter one. */
static size_t put_head(uint8_t *to, uint8_t tag, size_t len)
{
    size_t n = 0;
    to[n++] = tag;
    if (len >= 0x10000)
        to[n++] = 0x83, to[n++] = (uint8_t)(len >> 16);
    else if (len >= 0x100)
        to[n++] = 0x82;
    else if (len >= 0x80)
        to[n++] = 0x81;
    if (len >= 0x100)
        to[n++] = (uint8_t)(len >> 8);
    to[n++] = (uint8_t)len;
    return n;
}

struct secret testbundle_make(const struct bundle_part *parts, size_t n)
{
    size_t len = 0, cap = 2 * HEAD;
    for (size_t i = 0; i < n; i++)
        cap += parts[i].der.len + HEAD;
    uint8_t *body = mem_new(cap), *all = mem_new(cap);
    for (size_t i = 0; i < n; i++) {
        len += put_head(body + len, parts[i].is_crl ? 0xa1 : 0xa0, parts[i].der.len);
        memcpy(body + len, parts[i].der.ptr, parts[i].der.len);
        len += parts[i].der.len;
    }
    size_t at = put_head(all, 0x30, len);
    memcpy(all + at, body, len);
    struct secret s = secret_copy(span_of(all, at + len));
    free(body);
    free(all);
    return s;
}
