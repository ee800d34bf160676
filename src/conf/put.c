/* SPDX-License-Identifier: Apache-2.0 */
/* What a form that stands for a section of swanctl.conf is rewritten with: every node keeps the place and the
 * word that the user wrote. */
#include "conf/build.h"

static void place(struct setting *s, const struct setting *at)
{
    s->file = at->file;
    s->line = at->line;
    s->column = at->column;
}

void build_put(struct builder *b, struct setting *to, const struct setting *section, const char *name,
               const char *path, const struct setting *from, const char *value)
{
    for (struct setting *at = to;;) {
        size_t len = strcspn(path, ".");
        bool is_leaf = path[len] == 0, is_name = len == 1 && *path == '*';
        struct setting *next =
            settings_add(b->tree, at, is_name ? name : path, is_name ? strlen(name) : len, !is_leaf);
        if (!next)
            return;
        if (!is_leaf) {
            if (!next->file)
                place(next, section);
            at = next;
            path += len + 1;
            continue;
        }
        next->value = value;
        next->written = from ? from->written : next->name;
        next->file = from ? from->file : NULL;
        next->line = from ? from->line : 0;
        next->column = from ? from->column : 0;
        next->value_line = from ? from->value_line : 0;
        next->value_column = from ? from->value_column : 0;
        return;
    }
}
