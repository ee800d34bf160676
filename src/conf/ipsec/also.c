/* SPDX-License-Identifier: Apache-2.0 */
/* What counts for a section: its own keys, then those of also=, then those of %default.
 *
 * In both dialects a section's own keys win. Of several also= the first wins in Libreswan's (4.x), the last
 * in strongSwan's. Libreswan 5.x takes also= where it stands, so that its keys win over those behind it: that
 * is told. Sections of one name are one in strongSwan's, the later key winning; in Libreswan's the first
 * section counts. The sections named %default are one in both. An empty value of strongSwan's (NULL here)
 * hides what would be inherited. */
#include "conf/ipsec/ipsec.h"

struct flattening {
    struct ipsec_tree *t;
    struct setting *to;
    uint64_t id;
    bool is_of_default;
    const struct ipsec_section *root;
    const struct setting *also; /* of the root, that is being followed */
};

/* Would Libreswan 5.x take the inherited value, since also= stands before the own one? */
static void warn_of_order(const struct flattening *f, const struct setting *own, const struct setting *other)
{
    const struct setting *also = f->also;
    bool is_behind =
        also && own->file == also->file && own->line > also->line && own->line <= f->root->s.last->line;
    if (!is_behind || f->root->file->dialect != DIALECT_LIBRESWAN || strcmp(own->value, other->value) == 0)
        return;
    log_line(GROUP_CFG, LOG_WARN,
             "%s:%d: %s counts, as in Libreswan 4.x: 5.x would take that of %s:%d, since %s stands before it",
             own->file, own->line, own->written, other->file, other->line, also->written);
}

static void add(struct flattening *f, const struct ipsec_key *k, bool is_flipped)
{
    const char *name = k->s.name;
    if (is_flipped && strncmp(name, "left", 4) == 0)
        name = arena_printf(f->t->arena, "right%s", name + 4);
    else if (is_flipped && strncmp(name, "right", 5) == 0)
        name = arena_printf(f->t->arena, "left%s", name + 5);
    const struct setting *own = settings_key(f->t->b->tree, f->to, name);
    if (own && own->value && k->s.value)
        warn_of_order(f, own, &k->s);
    if (own)
        return;
    if (k->is_bad && !f->t->bad)
        f->t->bad = &k->s;
    struct setting *s = settings_add(f->t->b->tree, f->to, name, strlen(name), false);
    if (!s)
        return;
    s->written = k->s.written;
    s->value = k->s.value;
    s->file = k->s.file;
    s->line = k->s.line;
    s->column = k->s.column;
    s->value_line = k->s.value_line;
    s->value_column = k->s.value_column;
}

static void walk(struct flattening *f, struct ipsec_section *s, bool is_flipped, unsigned depth);

static void follow_one(struct flattening *f, const struct ipsec_section *s, const struct setting *also,
                       const char *name, bool is_flipped, unsigned depth)
{
    bool flips = strcmp(also->name, "alsoflip") == 0;
    struct ipsec_section *base = ipsec_find(f->t, s->kind, name);
    if (!base) {
        struct diag d = {0};
        diag_set(&d, FAIL_CONFIG, "%s: there is no section '%.200s'", also->written, name);
        diag_where(&d, also->file, also->value_line, also->value_column);
        ipsec_log_error(&d);
        f->t->bad = f->t->bad ? f->t->bad : also;
        return;
    }
    if (base->is_open || depth > SETTINGS_MAX_DEPTH) {
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d:%d: %s: '%.200s' leads back to itself, or too deep, and is passed over", also->file,
                 also->value_line, also->value_column, also->written, name);
        return;
    }
    walk(f, base, is_flipped != flips, depth + 1);
}

/* [Libreswan 4.x] several names between blanks */
static void follow(struct flattening *f, const struct ipsec_section *s, const struct setting *also,
                   bool is_flipped, unsigned depth)
{
    char *save = NULL;
    if (!also->value)
        return;
    if (depth == 0)
        f->also = also;
    if (s->file->dialect == DIALECT_STRONGSWAN || !strchr(also->value, ' ')) {
        follow_one(f, s, also, also->value, is_flipped, depth);
        return;
    }
    char *names = arena_strdup(f->t->arena, also->value);
    for (char *name = strtok_r(names, " ", &save); name; name = strtok_r(NULL, " ", &save))
        follow_one(f, s, also, name, is_flipped, depth);
}

/* The section's alsos, the one that wins first. */
static void walk_alsos(struct flattening *f, struct ipsec_section *s, bool is_flipped, unsigned depth)
{
    const struct setting *v[SETTINGS_MAX_DEPTH];
    size_t n = 0;
    bool last_wins = s->file->dialect == DIALECT_STRONGSWAN;
    for (struct setting *k = s->s.first; k; k = k->next) {
        if (strcmp(k->name, "also") != 0 && strcmp(k->name, "alsoflip") != 0)
            continue;
        if (f->is_of_default && s->file->dialect == DIALECT_LIBRESWAN) {
            if (!((struct ipsec_key *)k)->is_dropped)
                log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: %%default cannot have %s, which is passed over",
                         k->file, k->line, k->column, k->written);
            ((struct ipsec_key *)k)->is_dropped = true; /* told once */
            return;
        }
        if (n == ARRAY_LEN(v)) {
            log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: too many %s in one section: the rest is passed over",
                     k->file, k->line, k->column, k->written);
            break;
        }
        v[n++] = k;
    }
    for (size_t i = 0; i < n; i++)
        follow(f, s, v[last_wins ? n - 1 - i : i], is_flipped, depth);
}

static void add_own(struct flattening *f, const struct ipsec_section *s, bool is_flipped)
{
    for (const struct setting *k = s->s.first; k; k = k->next) {
        const struct ipsec_key *key = (const struct ipsec_key *)k;
        if (!key->is_dropped && key->row)
            add(f, key, is_flipped);
    }
}

/* Sections of one name that are one: the later ones first. */
static void walk_merged(struct flattening *f, struct ipsec_section *s, bool is_flipped, unsigned depth)
{
    struct ipsec_section *next = ipsec_find_next(f->t, s);
    bool merges = s->file->dialect == DIALECT_STRONGSWAN || strcmp(s->s.name, "%default") == 0;
    if (next && merges && depth <= SETTINGS_MAX_DEPTH)
        walk_merged(f, next, is_flipped, depth + 1);
    add_own(f, s, is_flipped);
    walk_alsos(f, s, is_flipped, depth);
}

static void walk(struct flattening *f, struct ipsec_section *s, bool is_flipped, unsigned depth)
{
    if (s->visited[is_flipped] == f->id)
        return;
    s->visited[is_flipped] = f->id;
    s->is_open = true;
    walk_merged(f, s, is_flipped, depth);
    s->is_open = false;
}

void ipsec_flatten(struct ipsec_tree *t, struct ipsec_section *s, struct setting *to)
{
    struct flattening f = {.t = t, .to = to, .id = ++t->flattened, .root = s};
    t->bad = NULL;
    walk(&f, s, false, 0);
    f.is_of_default = true;
    f.also = NULL;
    struct ipsec_section *base = ipsec_find(t, s->kind, "%default");
    if (base && base != s)
        walk(&f, base, false, 0);
}
