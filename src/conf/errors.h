/* SPDX-License-Identifier: Apache-2.0 */
/* The errors of one load, collected: a user wants all of them at once. */
#pragma once

#include "base/diag.h"
#include "base/span.h"

struct errors {
    struct diag *v; /* may be NULL when cap is 0 */
    size_t cap;
    size_t n; /* may exceed cap: the rest is only counted */
};

/* A new error at a position, to be completed with diag_expected() and the like. NULL past the cap (the diag
 * functions take that). */
struct diag *errors_add(struct errors *e, const char *file, int line, int column, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
/* Adds one that somebody else worded; the position is filled in when it has none. */
void errors_take(struct errors *e, const struct diag *d, const char *file, int line, int column);
