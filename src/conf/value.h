/* SPDX-License-Identifier: Apache-2.0 */
/* One value's text to what it means. Each returns false on anything that is not exactly its form. */
#pragma once

#include "base/arena.h"
#include "base/secret.h"

bool value_bool(const char *text, bool *out);       /* yes true enabled 1, no false disabled 0; any case */
bool value_number(const char *text, uint64_t *out); /* decimal or 0x */
/* How whole seconds are written with the largest unit that divides them: how many, and d, h, m or s. */
int64_t value_in_unit(int64_t seconds, char *unit);
bool value_time(const char *text, int64_t *usec);    /* seconds, or with s m h d */
bool value_seconds(const char *text, int64_t *usec); /* as above, and with a decimal point */
bool value_bytes(const char *text, uint64_t *out);   /* with k m g of 1024 */
bool value_real(const char *text, double *out);      /* 1.8: digits and one point */
/* Items between commas, trimmed, empty ones left out; copies in a. */
const char **value_list(struct arena *a, const char *text, size_t *n);
/* 0x hex, 0s base64, else the text itself. False when the encoding is broken. */
bool value_secret(const char *text, struct secret *out);
/* Is it given in place ("0x...", "0s...")? Then decodes it into a. ok tells whether the encoding is sound. */
bool value_blob(struct arena *a, const char *text, struct span *out, bool *ok);
/* How far two words are apart in typing errors: insertions, deletions, changes, swapped neighbours. */
unsigned value_distance(const char *a, const char *b);
