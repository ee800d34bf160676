/* SPDX-License-Identifier: Apache-2.0 */
/* Bounded text building: what does not fit is cut, never overrun, and the result is always NUL-terminated. */
#pragma once

#include "base/span.h"

struct text {
    char *buf;
    size_t cap, len;
};

#define TEXT_ON(array) ((struct text){.buf = (array), .cap = sizeof(array)})

void text_printf(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void text_str(struct text *t, const char *s);
void text_hex(struct text *t, struct span s);
/* Bytes that may come from a peer: printable ASCII as it is, the rest as \xNN. */
void text_safe(struct text *t, struct span s);
/* Hex digits (either case, no separators) to bytes; false on anything else or when out is too small. */
bool hex_decode(struct span hex, uint8_t *out, size_t cap, size_t *len);
void text_base64(struct text *t, struct span s);
bool base64_decode(struct span text, uint8_t *out, size_t cap, size_t *len);
/* "3 seconds", "2 minutes", "1 day": the largest unit of which there are two, or seconds. */
void text_duration(struct text *t, int64_t seconds);
