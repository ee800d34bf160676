/* SPDX-License-Identifier: Apache-2.0 */
/* See testing.h. */
#include "conf/testing.h"

static bool read_memory(void *ctx, struct arena *a, const char *path, struct span *out, struct diag *d)
{
    (void)a;
    (void)d;
    const struct memory_source *m = ctx;
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->files[i].path, path) == 0) {
            *out = m->files[i].len ? span_of(m->files[i].text, m->files[i].len) : span_str(m->files[i].text);
            return true;
        }
    }
    return false;
}

static bool read_private_memory(void *ctx, struct arena *a, const char *path, struct span *out,
                                struct diag *d)
{
    const struct memory_source *m = ctx;
    for (size_t i = 0; i < m->n; i++) {
        if (m->files[i].is_open && strcmp(m->files[i].path, path) == 0) {
            diag_set(d, FAIL_PERMISSION, "others can read %s", path);
            diag_try(d, "chmod 600 %s", path);
            return false;
        }
    }
    return read_memory(ctx, a, path, out, d);
}

static bool matches(const char *pattern, const char *s)
{
    for (; *pattern && *pattern != '*'; pattern++, s++) {
        if (!*s || (*pattern != *s && *pattern != '?'))
            return false;
    }
    if (!*pattern)
        return !*s;
    for (;; s++) {
        if (matches(pattern + 1, s))
            return true;
        if (!*s || *s == '/')
            return false;
    }
}

/* Many stars serve nobody and cost exponential time. */
static bool is_cheap(const char *pattern)
{
    size_t stars = 0;
    for (const char *p = pattern; *p; p++)
        stars += *p == '*';
    return stars <= 3;
}

static size_t glob_memory(void *ctx, struct arena *a, const char *pattern, const char ***paths)
{
    const struct memory_source *m = ctx;
    size_t n = 0;
    *paths = arena_calloc(a, m->n, sizeof(**paths));
    for (size_t i = 0; i < m->n; i++) {
        if (is_cheap(pattern) && matches(pattern, m->files[i].path))
            (*paths)[n++] = m->files[i].path;
    }
    return n;
}

struct conf_source memory_source(struct memory_source *m)
{
    return (struct conf_source){
        .ctx = m, .read = read_memory, .read_private = read_private_memory, .glob = glob_memory};
}

size_t memory_files_cut(char *text, const char *first, struct memory_file *files, size_t cap)
{
    size_t n = 0;
    files[n++] = (struct memory_file){.path = first, .text = text};
    for (char *p = text; (p = strstr(p, "==== ")) && n < cap;) {
        char *path = p + 5, *end = strchr(path, '\n');
        bool is_line = p == text || p[-1] == '\n';
        p++;
        if (!is_line || !end)
            continue;
        p[-1] = *end = 0;
        files[n++] = (struct memory_file){.path = path, .text = end + 1};
        p = end + 1;
    }
    if (!*text && n > 1)
        memmove(files, files + 1, --n * sizeof(*files));
    return n;
}
