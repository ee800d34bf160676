/* SPDX-License-Identifier: Apache-2.0 */
/* A rule as words, for secpath*.c: cut at blanks, with what is in quotes or braces in one. */
#pragma once

#include "sys/secpath.h"

#define WORDS_MAX 160

struct words {
    char *v[WORDS_MAX];
    size_t n;
    char bytes[2048];
};

/* False when it is too long to be looked at. */
bool words_cut(struct words *w, const char *line, size_t len);
/* Takes n of them out. */
void words_drop(struct words *w, size_t at, size_t n);
/* In the place of n, perhaps of none. */
void words_put(struct words *w, size_t at, size_t n, char *const *with, size_t n_with);
void words_join(const struct words *w, char *out, size_t cap);
bool word_is(const struct words *w, size_t at, const char *text);
struct secpath_rule *secpath_add(struct secpath_found *out, enum secpath_kind kind);
