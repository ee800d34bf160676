/* SPDX-License-Identifier: Apache-2.0 */
/* Where a value came from: which line of which file decided it. */
#pragma once

#include <stddef.h>

struct origin {
    const char *key;  /* "proposals", "remote.id" */
    const char *file; /* NULL: a default */
    int line, column;
};

struct origins {
    const struct origin *v;
    size_t n;
};
