/* SPDX-License-Identifier: Apache-2.0 */
/* A conf_source over files in memory: for tests and fuzzing, and for texts that never were files. */
#pragma once

#include "conf/conf.h"

struct memory_file {
    const char *path, *text;
    size_t len;   /* 0: up to the NUL */
    bool is_open; /* others can read it */
};

struct memory_source {
    const struct memory_file *files;
    size_t n;
};

/* Patterns know '*' and '?' inside one path element. */
struct conf_source memory_source(struct memory_source *m);
/* One text with several files in it, each but the first after a line "==== PATH", cut in place: the text has
 * to outlive them. The first one is left out when there is nothing of it. Returns how many, cap at most. */
size_t memory_files_cut(char *text, const char *first, struct memory_file *files, size_t cap);
