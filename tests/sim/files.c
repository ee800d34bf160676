/* SPDX-License-Identifier: Apache-2.0 */
/* In-memory files for conf_load(): see files.h. */
#include "files.h"
#include <fnmatch.h>
#include <stdlib.h>

#define FILES 32

static struct {
    char *path;
    uint8_t *bytes;
    size_t len;
} files[FILES];
static size_t n_files;

void sim_file_put(const char *path, struct span bytes)
{
    size_t i = 0;
    while (i < n_files && strcmp(files[i].path, path) != 0)
        i++;
    if (i == FILES)
        abort();
    if (i == n_files) {
        files[i].path = strdup(path);
        n_files++;
    }
    free(files[i].bytes);
    files[i].bytes = mem_new(bytes.len + 1);
    memcpy(files[i].bytes, bytes.ptr, bytes.len);
    files[i].len = bytes.len;
}

static bool read_file(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    (void)ctx;
    for (size_t i = 0; i < n_files; i++) {
        if (strcmp(files[i].path, path) == 0) {
            *out = arena_dup(a, span_of(files[i].bytes, files[i].len));
            return true;
        }
    }
    diag_clear(d);
    return false;
}

static size_t glob_files(void *ctx, struct arena *a, const char *pattern, const char ***paths)
{
    (void)ctx;
    size_t n = 0;
    *paths = arena_calloc(a, FILES, sizeof(**paths));
    for (size_t i = 0; i < n_files; i++) {
        if (fnmatch(pattern, files[i].path, FNM_PATHNAME) == 0)
            (*paths)[n++] = files[i].path;
    }
    return n;
}

struct conf_source sim_files(const char *keyway_conf, const char *node)
{
    (void)node;
    sim_file_put("/etc/keyway/keyway.conf", span_str(keyway_conf));
    return (struct conf_source){.read = read_file, .glob = glob_files};
}
