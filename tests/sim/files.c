/* SPDX-License-Identifier: Apache-2.0 */
/* In-memory files for conf_load(): see files.h. */
#include "files.h"
#include <ctype.h>
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

/* Does the text name certificate, public or private key of that owner (a leaf without its ending)? */
static bool names(const char *text, const char *owner, size_t len)
{
    static const char *const endings[] = {".crt", ".pub", ".key"};
    for (const char *at = strstr(text, owner); at && len; at = strstr(at + 1, owner)) {
        bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '-');
        for (size_t i = 0; begins && i < ARRAY_LEN(endings); i++) {
            if (strncmp(at + len, endings[i], strlen(endings[i])) == 0)
                return true;
        }
    }
    return false;
}

/* A folder shows what belongs to an owner that the configuration names. Reading all credentials in each of
 * some hundred thousand lives, most of which use none, would take five times as long as the lives. */
static bool is_shown(const char *path, const char *conf)
{
    const char *slash = strrchr(path, '/'), *leaf = slash ? slash + 1 : path;
    const char *dot = strchr(leaf, '.');
    char owner[32] = "";
    size_t len = dot ? (size_t)(dot - leaf) : 0;
    if (len < sizeof(owner))
        memcpy(owner, leaf, len);
    return names(conf, owner, strlen(owner));
}

static size_t glob_files(void *ctx, struct arena *a, const char *pattern, const char ***paths)
{
    size_t n = 0;
    *paths = arena_calloc(a, FILES, sizeof(**paths));
    for (size_t i = 0; i < n_files; i++) {
        if (fnmatch(pattern, files[i].path, FNM_PATHNAME) == 0 && is_shown(files[i].path, ctx))
            (*paths)[n++] = files[i].path;
    }
    return n;
}

struct conf_source sim_files(const char *keyway_conf)
{
    sim_file_put("/etc/keyway/keyway.conf", span_str(keyway_conf));
    return (struct conf_source){.ctx = (void *)keyway_conf, .read = read_file, .glob = glob_files};
}
