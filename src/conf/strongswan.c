/* SPDX-License-Identifier: Apache-2.0 */
/* strongswan.conf: the keys that mean something here are the rows of the schema's charon scope. The file is
 * written for another program and its plugins, so what is without effect is no error: one line in the log
 * names such options, and those that strongSwan has not either are warned about one by one. */
#include "base/log.h"
#include "conf/logging.h"
#include "conf/schema.h"
#include "conf/strongswan_options.h"
#include "conf/value.h"

enum { DEPTH_MAX = 12, PATH_LEN = 256, WARNINGS_MAX = 20, LIST_LEN = 900 };

/* charon-systemd is what Debian's systems run, and its settings count more than charon's, as they do there.
 */
static const char *const ours[] = {"libstrongswan", "charon", "charon-systemd"};

/* Does it take effect? key is from the section on. What rows leave open are numbers. */
static bool is_row(const char *key)
{
    const struct schema_row *row = schema_find(SCOPE_CHARON, key);
    const char *rest = row ? key + strlen(row->key) : "";
    return row && (!row->has_suffix || (*rest && rest[strspn(rest, "0123456789")] == 0));
}

/* In one of our sections: the path from there, as the schema calls keys: "plugins.unbound.resolv_conf"; else
 * NULL. */
static const char *in_ours(const char *path)
{
    size_t len = strcspn(path, ".");
    for (size_t i = 0; i < ARRAY_LEN(ours) && path[len]; i++) {
        if (strlen(ours[i]) == len && memcmp(ours[i], path, len) == 0)
            return path + len + 1;
    }
    return NULL;
}

/* ---- what is told ---- */

struct findings {
    struct text list; /* options without effect */
    size_t n_unlisted, n_unknown;
};

static bool ends_with(const char *path, const char *end)
{
    size_t len = strlen(path), n = strlen(end);
    return len >= n && strcmp(path + len - n, end) == 0;
}

/* Which plugins are loaded is the packager's business, as long as none is missed. */
static bool is_packaging(const char *path, const char *value)
{
    static const char *const left_out[] = {"plugins.bypass-lan.load", "plugins.kernel-libipsec.load"};
    bool yes = true;
    if (ends_with(path, ".load_modular"))
        return true;
    if (!strstr(path, ".plugins.") || !ends_with(path, ".load"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(left_out); i++) {
        if (ends_with(path, left_out[i]))
            return true;
    }
    return !value_bool(value, &yes) || yes; /* a number is a priority */
}

static void list_option(struct findings *f, const char *path)
{
    if (f->list.len + strlen(path) + 2 < f->list.cap && f->n_unlisted == 0)
        text_printf(&f->list, "%s%s", f->list.len ? ", " : "", path);
    else
        f->n_unlisted++;
}

static void warn_unknown(struct findings *f, const struct setting *s, const char *path)
{
    char near[PATH_LEN];
    struct text t = TEXT_ON(near);
    bool is_near = strongswan_suggest(path, s->is_section, &t);
    if (f->n_unknown++ < WARNINGS_MAX)
        log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: strongswan.conf has no %s '%s', which is passed over%s%s%s",
                 s->file, s->line, s->column, s->is_section ? "section" : "option", path,
                 is_near ? ": did you mean '" : "", is_near ? near : "", is_near ? "'?" : "");
}

static void look(struct findings *f, const struct setting *section, const char *path, unsigned depth)
{
    for (const struct setting *s = section->first; s && depth < DEPTH_MAX; s = s->next) {
        char here[PATH_LEN] = "";
        struct text h = TEXT_ON(here);
        text_printf(&h, "%s%s%s", path, *path ? "." : "", s->name);
        const char *known = in_ours(here);
        if (s->is_section && strongswan_has_section(here))
            look(f, s, here, depth + 1);
        else if (s->is_section ? !s->is_base : !strongswan_has_option(here))
            warn_unknown(f, s, here);
        else if (s->is_section || !s->value || is_packaging(here, s->value) || is_of_loggers(here))
            continue;
        else if (!known || !is_row(known))
            list_option(f, here);
    }
}

static void tell(const struct setting *root)
{
    char list[LIST_LEN] = "";
    struct findings f = {.list = TEXT_ON(list)};
    look(&f, root, "", 0);
    if (f.n_unknown > WARNINGS_MAX)
        log_line(GROUP_CFG, LOG_WARN, "strongswan.conf: and %zu more like this", f.n_unknown - WARNINGS_MAX);
    if (f.n_unlisted)
        text_printf(&f.list, " and %zu more", f.n_unlisted);
    if (f.list.len)
        log_line(GROUP_CFG, LOG_NOTICE, "strongswan.conf: without effect: %s", list);
}

/* ---- lines that are no configuration ---- */

static bool is_of_charon(const struct setting *s)
{
    char path[PATH_LEN] = "";
    struct text t = TEXT_ON(path);
    text_printf(&t, "charon.%s", s->name);
    return s->is_section && !strongswan_has_section(s->name) && strongswan_has_section(path);
}

/* The section of charon's that stands outside it, next to the line: after it, or before. */
static const struct setting *stray_neighbour(const struct setting *root, const struct setting_stray *at,
                                             bool is_after)
{
    const struct setting *found = NULL;
    for (const struct setting *s = root->first; s; s = s->next) {
        bool is_there = s->file && strcmp(s->file, at->file) == 0 && (s->line > at->line) == is_after;
        if (is_there && is_of_charon(s) && (!found || (s->line < found->line) == is_after))
            found = s;
    }
    return found;
}

/* A text on the web may have lost what stood around such sections: a first such line was "charon {", and the
 * one behind them "}". */
void strongswan_explain_strays(const struct settings_tree *t)
{
    for (size_t i = 0; i < t->n_strays; i++) {
        const struct setting_stray *at = &t->strays[i];
        const struct setting *after = stray_neighbour(t->root, at, true),
                             *before = stray_neighbour(t->root, at, false);
        if (after && !before)
            diag_try(at->error, "replace line %d by 'charon {': section %s (line %d) is one of charon",
                     at->line, after->name, after->line);
        else if (before)
            diag_try(at->error, "replace line %d by '}', which closes 'charon {'", at->line);
    }
}

/* ---- what takes effect ---- */

/* The keys that are ours, from all depths, into one section. */
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
        if (s->is_section || !is_row(here))
            continue;
        struct setting *copy = settings_add(b->tree, to, here, h.len, false);
        if (!copy)
            return; /* the tree is full, which the reader has said */
        copy->value = s->value;
        copy->file = s->file;
        copy->line = s->line;
        copy->column = s->column;
        copy->value_line = s->value_line;
        copy->value_column = s->value_column;
    }
}

/* The daemon's own name for a setting that strongSwan calls otherwise, which is what shows it. */
static const char *own_name(const char *key)
{
    const struct schema_row *r = schema_find(SCOPE_CHARON, key), *own;
    for (size_t i = 0; (own = schema_at(i)); i++) {
        if (own->scope == SCOPE_GLOBAL && own->set == r->set && own->offset == r->offset &&
            own->size == r->size)
            return own->key;
    }
    return key;
}

static void name_origins(struct builder *b, struct origin_list *l)
{
    for (size_t i = 0, n = l->n; i < n; i++) {
        struct origin o = l->v[i];
        const char *name = own_name(o.key);
        if (strcmp(name, o.key) == 0)
            continue;
        o.key = name;
        origin_copy(b, l, &o);
    }
}

void build_strongswan(struct builder *b, const struct setting *root)
{
    tell(root);
    /* a section of those keys only, so that the schema's walk does not refuse the others */
    struct setting *known = settings_add(b->tree, b->tree->root, "\001charon", 7, true);
    for (size_t i = 0; i < ARRAY_LEN(ours) && known; i++) {
        const struct setting *section = settings_section(b->tree, root, ours[i]);
        if (section)
            add_known(b, known, section, "", 0);
    }
    for (size_t i = 1; i < ARRAY_LEN(ours); i++) { /* a library has no loggers */
        const struct setting *section = settings_section(b->tree, root, ours[i]);
        if (section)
            build_loggers(b, section);
    }
    struct origin_list l = {0};
    schema_apply(b, SCOPE_CHARON, known, &b->config->settings, &l, NULL, NULL);
    name_origins(b, &l);
    if (b->config->settings.fragment_size == 0) /* there it means "the default" */
        b->config->settings.fragment_size = 1280;
    b->config->settings.origins = (struct origins){l.v, l.n};
}
