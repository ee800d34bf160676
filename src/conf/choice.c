/* SPDX-License-Identifier: Apache-2.0 */
/* Connections that were added or deleted at run time: see choice.h. */
#include "conf/choice.h"
#include <stdlib.h>
#include <string.h>

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

void choices_deinit(struct choices *c)
{
    for (size_t i = 0; i < c->n; i++)
        free(c->v[i].name);
    free(c->v);
    *c = (struct choices){0};
}

static struct choice_row *find(const struct choices *c, const char *name)
{
    for (size_t i = 0; i < c->n; i++) {
        if (!strcmp(c->v[i].name, name))
            return &c->v[i];
    }
    return NULL;
}

static void append(struct choices *c, const char *name, enum choice what)
{
    c->v = need(realloc(c->v, (c->n + 1) * sizeof(*c->v)));
    c->v[c->n++] = (struct choice_row){.name = need(strdup(name)), .what = what};
}

enum choice choices_set(struct choices *c, const char *name, enum choice what)
{
    struct choice_row *row = find(c, name);
    enum choice before = row ? row->what : CHOICE_NONE;
    if (!row && what != CHOICE_NONE) {
        append(c, name, what);
    } else if (row && what == CHOICE_NONE) {
        free(row->name);
        *row = c->v[--c->n];
    } else if (row) {
        row->what = what;
    }
    return before;
}

struct choices choices_copy(const struct choices *c)
{
    struct choices copy = {0};
    for (size_t i = 0; i < c->n; i++)
        append(&copy, c->v[i].name, c->v[i].what);
    return copy;
}

const char **choices_names(const struct choices *c, enum choice what)
{
    size_t n = 0;
    const char **v = need(calloc(c->n + 1, sizeof(*v)));
    for (size_t i = 0; i < c->n; i++) {
        if (c->v[i].what == what)
            v[n++] = c->v[i].name;
    }
    return v;
}
