/* SPDX-License-Identifier: Apache-2.0 */
/* strongswan.conf: the keys of its charon section that mean something here. The file is written for another
 * program's plugins, so what is without effect is not an error: one line in the log names it. */
#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"

/* Names every leaf that is not ours, as far as there is room. */
static void collect(struct text *t, const struct setting *section, const char *path, bool is_charon,
                    unsigned depth)
{
    for (const struct setting *s = section->first; s && depth < 8; s = s->next) {
        char here[256];
        struct text h = TEXT_ON(here);
        here[0] = 0;
        text_printf(&h, "%s%s%s", path, *path ? "." : "", s->name);
        bool is_ours = is_charon && !s->is_section && schema_find(SCOPE_CHARON, s->name);
        if (s->is_section && *path) /* a plugin's section is told as one */
            text_printf(t, "%s%s.*", t->len ? ", " : "", here);
        else if (s->is_section)
            collect(t, s, here, strcmp(s->name, "charon") == 0, depth + 1);
        else if (!is_ours)
            text_printf(t, "%s%s", t->len ? ", " : "", here);
    }
}

static void apply_known(struct builder *b, const struct setting *charon)
{
    /* a section of those keys only, so that the schema's walk does not refuse the others */
    struct setting *ours = settings_add(b->tree, b->tree->root, "\001charon", 7, true);
    for (const struct setting *s = charon ? charon->first : NULL; s; s = s->next) {
        if (s->is_section || !schema_find(SCOPE_CHARON, s->name))
            continue;
        struct setting *copy = settings_add(b->tree, ours, s->name, strlen(s->name), false);
        copy->value = s->value;
        copy->file = s->file;
        copy->line = s->line;
        copy->column = s->column;
        copy->value_line = s->value_line;
        copy->value_column = s->value_column;
    }
    struct origin_list l = {0};
    schema_apply(b, SCOPE_CHARON, ours, &b->config->settings, &l, NULL, NULL);
    if (b->config->settings.fragment_size == 0) /* there it means "the default" */
        b->config->settings.fragment_size = 1280;
    b->config->settings.origins = (struct origins){l.v, l.n};
}

void build_strongswan(struct builder *b, const struct setting *root)
{
    char list[1500];
    struct text t = TEXT_ON(list);
    list[0] = 0;
    collect(&t, root, "", false, 0);
    if (t.len)
        log_line(LOG_NOTICE, "strongswan.conf: without effect: %s", list);
    apply_known(b, settings_section(b->tree, root, "charon"));
}
