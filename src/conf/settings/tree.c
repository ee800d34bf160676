/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of settings: nodes, look-up by name, and inheritance between sections. See settings.h. */
#include "conf/settings/settings.h"

enum { UNRESOLVED, IN_PROGRESS, RESOLVED };

void settings_init(struct settings_tree *t, struct arena *arena, struct arena *names)
{
    *t = (struct settings_tree){.arena = arena, .names = names};
    map_init(&t->index);
    t->root = arena_alloc(arena, sizeof(*t->root));
    t->root->name = t->root->written = "";
    t->root->is_section = true;
}

void settings_deinit(struct settings_tree *t)
{
    map_deinit(&t->index);
}

static uint64_t hash_of(const struct setting *parent, const char *name, size_t len, bool is_section)
{
    return map_hash(span_of(name, len)) ^ map_hash_u64((uint64_t)(uintptr_t)parent * 2 + is_section);
}

static struct setting *find(const struct settings_tree *t, const struct setting *parent, const char *name,
                            size_t len, bool is_section)
{
    struct map_node *n = map_first(&t->index, hash_of(parent, name, len, is_section));
    for (; n; n = map_next(n)) {
        struct setting *s = (struct setting *)n; /* by_name comes first */
        if (s->parent == parent && s->is_section == is_section && strlen(s->name) == len &&
            memcmp(s->name, name, len) == 0)
            return s;
    }
    return NULL;
}

struct setting *settings_section(const struct settings_tree *t, const struct setting *parent,
                                 const char *name)
{
    return parent ? find(t, parent, name, strlen(name), true) : NULL;
}

struct setting *settings_key(const struct settings_tree *t, const struct setting *parent, const char *name)
{
    return parent ? find(t, parent, name, strlen(name), false) : NULL;
}

struct setting *settings_add(struct settings_tree *t, struct setting *parent, const char *name, size_t len,
                             bool is_section)
{
    struct setting *s = find(t, parent, name, len, is_section);
    if (s)
        return s;
    if (t->n_nodes >= SETTINGS_MAX_NODES)
        return NULL;
    t->n_nodes++;
    s = arena_alloc(t->arena, sizeof(*s));
    s->name = s->written = arena_strndup(t->arena, name, len);
    s->is_section = is_section;
    s->parent = parent;
    if (parent->last)
        parent->last->next = s;
    else
        parent->first = s;
    parent->last = s;
    map_insert(&t->index, &s->by_name, hash_of(parent, name, len, is_section));
    return s;
}

/* ---- inheritance ---- */

static void resolve(struct settings_tree *t, struct setting *s, struct errors *errs, unsigned depth);

/* Copies into dest what it lacks of base. dest itself may lie inside base ("a : b" with b holding a): what
 * is copied then is what was there when it began, since base was resolved before. */
static void inherit(struct settings_tree *t, struct setting *dest, const struct setting *base, unsigned depth)
{
    if (depth > SETTINGS_MAX_DEPTH)
        return;
    const struct setting *last = base->last;
    for (const struct setting *from = base->first; from; from = from == last ? NULL : from->next) {
        size_t len = strlen(from->name);
        bool is_new = !find(t, dest, from->name, len, from->is_section);
        if (!is_new && !from->is_section)
            continue;
        struct setting *to = settings_add(t, dest, from->name, len, from->is_section);
        if (!to)
            return;
        if (is_new) {
            to->written = from->written;
            to->value = from->value;
            to->file = from->file;
            to->line = from->line;
            to->column = from->column;
            to->value_line = from->value_line;
            to->value_column = from->value_column;
            to->resolve_state = RESOLVED;
        }
        if (from->is_section && to != from)
            inherit(t, to, from, depth + 1);
    }
}

/* Walks a dotted path; a section on the way may itself have to be resolved to hold the next step. */
static struct setting *base_of(struct settings_tree *t, const char *path, struct errors *errs, unsigned depth)
{
    struct setting *at = t->root;
    while (at && *path) {
        size_t len = strcspn(path, ".");
        struct setting *next = find(t, at, path, len, true);
        if (!next && at != t->root && at->resolve_state == UNRESOLVED) {
            resolve(t, at, errs, depth + 1);
            next = find(t, at, path, len, true);
        }
        at = next;
        path += len + (path[len] == '.');
    }
    return at;
}

static bool is_inside(const struct setting *s, const struct setting *ancestor)
{
    for (; s; s = s->parent) {
        if (s == ancestor)
            return true;
    }
    return false;
}

static void resolve(struct settings_tree *t, struct setting *s, struct errors *errs, unsigned depth)
{
    if (s->resolve_state != UNRESOLVED)
        return;
    s->resolve_state = IN_PROGRESS;
    for (struct setting *kid = s->first; kid; kid = kid->next) {
        if (kid->is_section)
            resolve(t, kid, errs, depth + 1);
    }
    for (struct setting_ref *r = s->refs; r; r = r->next) {
        struct setting *base = depth > 4 * SETTINGS_MAX_DEPTH ? NULL : base_of(t, r->path, errs, depth);
        if (!base) {
            struct diag *d =
                errors_add(errs, s->file, r->line, r->column,
                           "section '%s' inherits from '%s', which does not exist", s->name, r->path);
            diag_try(d, "name it from the top, for instance connections.%s", r->path);
            continue;
        }
        resolve(t, base, errs, depth + 1);
        if (base->resolve_state == IN_PROGRESS || is_inside(s, base)) {
            errors_add(errs, s->file, r->line, r->column, "section '%s' inherits from itself through '%s'",
                       s->name, r->path);
            continue;
        }
        base->is_base = true;
        inherit(t, s, base, 0);
    }
    s->resolve_state = RESOLVED;
}

void settings_resolve(struct settings_tree *t, struct errors *errs)
{
    resolve(t, t->root, errs, 0);
    if (t->n_nodes >= SETTINGS_MAX_NODES) {
        struct diag *d = errors_add(errs, NULL, 0, 0, "the configuration is too large");
        diag_expected(d, "at most %d settings, inherited ones included", SETTINGS_MAX_NODES);
    }
}
