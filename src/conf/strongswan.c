/* SPDX-License-Identifier: Apache-2.0 */
/* strongswan.conf: the keys of its charon section that mean something here. The file is written for another
 * program's plugins, so what is without effect is not an error: one line in the log names it. */
#include "base/log.h"
#include "base/text.h"
#include "conf/schema.h"

enum { DEPTH_MAX = 8, PATH_LEN = 256 };

/* Below charon: the path from there, as the schema calls keys: "plugins.unbound.resolv_conf"; else NULL. */
static const char *in_charon(const char *path)
{
    static const char charon[] = "charon.";
    return strncmp(path, charon, sizeof(charon) - 1) == 0 ? path + sizeof(charon) - 1 : NULL;
}

static bool has_keys_below(const char *section)
{
    const size_t len = strlen(section);
    for (size_t i = 0; schema_at(i); i++) {
        const struct schema_row *r = schema_at(i);
        if (r->scope == SCOPE_CHARON && strncmp(r->key, section, len) == 0 && r->key[len] == '.')
            return true;
    }
    return false;
}

/* Names every leaf that is not ours, as far as there is room. */
static void collect(struct text *t, const struct setting *section, const char *path, unsigned depth)
{
    for (const struct setting *s = section->first; s && depth < DEPTH_MAX; s = s->next) {
        char here[PATH_LEN];
        struct text h = TEXT_ON(here);
        here[0] = 0;
        text_printf(&h, "%s%s%s", path, *path ? "." : "", s->name);
        const char *ours = in_charon(here);
        if (s->is_section && (!*path || (ours && has_keys_below(ours))))
            collect(t, s, here, depth + 1);
        else if (s->is_section) /* a plugin's section is told as one */
            text_printf(t, "%s%s.*", t->len ? ", " : "", here);
        else if (!ours || !schema_find(SCOPE_CHARON, ours))
            text_printf(t, "%s%s", t->len ? ", " : "", here);
    }
}

/* The same way, the other leaves: into one section. */
static void add_known(struct builder *b, struct setting *to, const struct setting *section, const char *path,
                      unsigned depth)
{
    for (const struct setting *s = section->first; s && depth < DEPTH_MAX; s = s->next) {
        char here[PATH_LEN];
        struct text h = TEXT_ON(here);
        here[0] = 0;
        text_printf(&h, "%s%s%s", path, *path ? "." : "", s->name);
        if (s->is_section)
            add_known(b, to, s, here, depth + 1);
        if (s->is_section || !schema_find(SCOPE_CHARON, here))
            continue;
        struct setting *copy = settings_add(b->tree, to, here, h.len, false);
        copy->value = s->value;
        copy->file = s->file;
        copy->line = s->line;
        copy->column = s->column;
        copy->value_line = s->value_line;
        copy->value_column = s->value_column;
    }
}

static void apply_known(struct builder *b, const struct setting *charon)
{
    /* a section of those keys only, so that the schema's walk does not refuse the others */
    struct setting *ours = settings_add(b->tree, b->tree->root, "\001charon", 7, true);
    if (charon)
        add_known(b, ours, charon, "", 0);
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
    collect(&t, root, "", 0);
    if (t.len)
        log_line(GROUP_CFG, LOG_NOTICE, "strongswan.conf: without effect: %s", list);
    apply_known(b, settings_section(b->tree, root, "charon"));
}
