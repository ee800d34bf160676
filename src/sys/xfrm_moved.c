/* SPDX-License-Identifier: Apache-2.0 */
#include "sys/xfrm_moved.h"
#include <stdio.h>
#include <string.h>

static size_t read_counts(const char *path, struct xfrm_count *out)
{
    char text[8192];
    FILE *f = fopen(path, "re");
    if (!f)
        return 0;
    size_t len = fread(text, 1, sizeof(text) - 1, f);
    fclose(f);
    text[len] = '\0';
    return xfrm_stat_parse(text, out, XFRM_COUNTS_MAX);
}

void xfrm_moved_begin(struct xfrm_moved *m, const char *path)
{
    m->path = path;
    m->n = read_counts(path, m->began);
}

static uint64_t before(const struct xfrm_moved *m, const char *name)
{
    for (size_t i = 0; i < m->n; i++) {
        if (strcmp(m->began[i].name, name) == 0)
            return m->began[i].value;
    }
    return 0;
}

size_t xfrm_moved_since(const struct xfrm_moved *m, struct xfrm_count out[XFRM_COUNTS_MAX])
{
    struct xfrm_count now[XFRM_COUNTS_MAX];
    size_t n = 0, n_now = m->path ? read_counts(m->path, now) : 0;
    for (size_t i = 0; i < n_now; i++) {
        uint64_t was = before(m, now[i].name);
        if (now[i].value <= was)
            continue;
        out[n] = now[i];
        out[n++].value -= was;
    }
    return n;
}
