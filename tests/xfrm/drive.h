/* SPDX-License-Identifier: Apache-2.0 */
/* Records from lines of words: NAME=VALUE with blanks between. */
#pragma once

#include "model/action.h"

#define WORDS_MAX 64

struct words {
    const char *name[WORDS_MAX], *value[WORDS_MAX];
    size_t n;
    const char *verb;
};

/* line is cut up. */
void words_split(struct words *w, char *line);
const char *words_get(const struct words *w, const char *name); /* NULL: not there */
uint64_t words_number(const struct words *w, const char *name);

void record_sa(const struct words *w, struct esp_sa *out);
void record_policy(const struct words *w, struct esp_policy *out);
void record_shunt(const struct words *w, struct shunt *out);
