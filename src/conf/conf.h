/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration files to a snapshot. Files come through callbacks: this layer opens nothing. */
#pragma once

#include "model/connection.h"

/* Where files come from. read: the whole file into memory of a; false when absent (d then says why unless it
 * is just not there). glob: paths matching a shell pattern, sorted, into memory of a; returns how many. */
struct conf_source {
    void *ctx;
    bool (*read)(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d);
    /* As read, for private keys: refused, with what to type, where others than its owner may read the file.
     * NULL: read serves. */
    bool (*read_private)(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d);
    size_t (*glob)(void *ctx, struct arena *a, const char *pattern, const char ***paths);
};

struct conf_request {
    const char *etc;      /* stands for /etc */
    const char *load;     /* NULL = all that exist; "none", "keyway,swanctl" */
    const char *settings; /* strongswan.conf path, or NULL */
};

/* Reads keyway.conf (and conf.d/), swanctl.conf and their credentials into one snapshot, or nothing at all:
 * on an error NULL, with every error found (at most cap) in d, each with file, line and column. *n_errors
 * tells how many. Warnings go to the log. */
struct config *conf_load(const struct conf_source *src, const struct conf_request *req, struct diag *d,
                         size_t cap, size_t *n_errors);
