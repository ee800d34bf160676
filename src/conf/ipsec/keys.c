/* SPDX-License-Identifier: Apache-2.0 */
/* Each key of ipsec.conf by itself: is there such a key, can it have that value, has it an effect? What
 * depends on others comes later. Unknown keys are errors where Libreswan refuses them, and warnings where
 * strongSwan passes over them. */
#include "base/time.h"
#include "conf/ipsec/ipsec.h"

/* ---- look-up */

enum schema_scope ipsec_scope(enum ipsec_kind kind, const char *name)
{
    bool is_end = strncmp(name, "left", 4) == 0 || strncmp(name, "right", 5) == 0;
    return kind == IPSEC_SETUP ? SCOPE_IPSEC_SETUP
           : kind == IPSEC_CA  ? SCOPE_IPSEC_CA
           : is_end            ? SCOPE_IPSEC_END
                               : SCOPE_IPSEC_CONN;
}

const struct schema_row *ipsec_row(enum ipsec_kind kind, const char *name, size_t *end_len)
{
    enum schema_scope scope = ipsec_scope(kind, name);
    *end_len = scope != SCOPE_IPSEC_END ? 0 : name[0] == 'l' ? 4 : 5;
    return schema_find(scope, name + *end_len);
}

/* ---- values */

bool ipsec_bool(const char *text, bool *out)
{
    static const char *const yes[] = {"yes", "true", "on", "y", "1"};
    static const char *const no[] = {"no", "false", "off", "n", "0"};
    for (size_t i = 0; i < ARRAY_LEN(yes); i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

struct unit {
    const char *word;
    double factor;
};

static bool take_unit(const char *text, const struct unit *units, size_t n_units, double *out)
{
    char number[32];
    size_t len = strspn(text, "0123456789.");
    double v;
    if (len == 0 || len >= sizeof(number))
        return false;
    memcpy(number, text, len);
    number[len] = 0;
    text += len + strspn(text + len, " ");
    if (!value_real(number, &v))
        return false;
    for (size_t i = 0; i < n_units; i++) {
        if (strcasecmp(text, units[i].word) == 0) {
            *out = v * units[i].factor;
            return *out < 9.2e18;
        }
    }
    return false;
}

bool ipsec_time(const char *text, int64_t *usec)
{
    static const struct unit units[] = {
        {"",   1e6     },
        {"us", 1       },
        {"ms", 1e3     },
        {"s",  1e6     },
        {"m",  60e6    },
        {"h",  3600e6  },
        {"d",  86400e6 },
        {"w",  604800e6},
    };
    double v;
    if (!take_unit(text, units, ARRAY_LEN(units), &v) || v > 1e18)
        return false;
    *usec = (int64_t)v;
    return true;
}

bool ipsec_bytes(const char *text, uint64_t *out)
{
    static const struct unit units[] = {
        {"",    1                    },
        {"B",   1                    },
        {"KiB", 1024                 },
        {"MiB", 1048576              },
        {"GiB", 1073741824           },
        {"TiB", 1099511627776.0      },
        {"PiB", 1125899906842624.0   },
        {"EiB", 1152921504606846976.0},
        {"K",   1e3                  },
        {"M",   1e6                  },
        {"G",   1e9                  },
    };
    double v;
    if (value_number(text, out))
        return true;
    if (!take_unit(text, units, ARRAY_LEN(units), &v))
        return false;
    *out = (uint64_t)v;
    return true;
}

const struct schema_word *ipsec_word(const struct schema_row *r, const char *text)
{
    for (const struct schema_word *w = r->words; w && w->word; w++) {
        if (strcasecmp(w->word, text) == 0)
            return w;
    }
    return NULL;
}

/* [strongSwan] a whole number, and one letter at most. */
static bool is_plain_time(const char *text)
{
    size_t n = strspn(text, "0123456789");
    return n && (!text[n] || (strchr("smhd", text[n]) && !text[n + 1]));
}

static bool is_plain_bool(const char *text)
{
    return strcmp(text, "yes") == 0 || strcmp(text, "no") == 0;
}

static const char *expected_of(const struct schema_row *r, enum dialect dialect, const char *value, char *buf,
                               size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    bool yes;
    int64_t time;
    uint64_t n;
    buf[0] = 0;
    bool is_plain = dialect == DIALECT_STRONGSWAN;
    switch (r->kind) {
    case KIND_BOOL:
        return ipsec_bool(value, &yes) && (!is_plain || is_plain_bool(value)) ? NULL : "yes or no";
    case KIND_TIME:
        return ipsec_time(value, &time) && (!is_plain || is_plain_time(value))
                   ? NULL
                   : "a number with s, m, h or d behind it";
    case KIND_BYTES:
        return ipsec_bytes(value, &n) ? NULL : "a number, or one with KiB, MiB or GiB behind it";
    case KIND_NUMBER:
        text_printf(&t, "a number of at most %llu", (unsigned long long)(r->max ? r->max : UINT32_MAX));
        return value_number(value, &n) && n <= (r->max ? r->max : UINT32_MAX) ? NULL : buf;
    case KIND_WORD:
        for (const struct schema_word *w = r->words; w->word; w++)
            text_printf(&t, "%s%s", t.len ? ", " : "", w->word);
        return ipsec_word(r, value) ? NULL : buf;
    default:
        return NULL;
    }
}

bool ipsec_accepts(const struct schema_row *r, const char *value)
{
    size_t len = strlen(value);
    bool a, b;
    for (const char *p = r->accepts; p && *p; p += *p == ',') {
        char word[64];
        size_t n = strcspn(p, ",");
        if (n == len && strncasecmp(p, value, n) == 0)
            return true;
        if (n < sizeof(word) && r->kind == KIND_BOOL) {
            memcpy(word, p, n);
            word[n] = 0;
            if (ipsec_bool(word, &a) && ipsec_bool(value, &b) && a == b)
                return true;
        }
        p += n;
    }
    return false;
}

/* ---- strongSwan's escapes: \n \r \t, and any other character is itself */

static const char *unescape(struct arena *a, const char *value)
{
    if (!strchr(value, '\\'))
        return value;
    char *out = arena_strdup(a, value), *to = out;
    for (const char *p = value; *p; p++) {
        if (*p != '\\' || !p[1]) {
            *to++ = *p;
            continue;
        }
        p++;
        *to++ = *p == 'n' ? '\n' : *p == 'r' ? '\r' : *p == 't' ? '\t' : *p;
        to -= *p == '\n'; /* joins two lines */
    }
    *to = 0;
    return out;
}

/* ---- keys */

void ipsec_log_error(const struct diag *d)
{
    char text[2048];
    log_line(GROUP_CFG, LOG_ERR, "%s", diag_format(d, text, sizeof(text)));
}

void ipsec_log_errors(struct builder *b, size_t n_before)
{
    struct errors *errs = b->errs;
    for (size_t i = n_before; i < errs->n && i < errs->cap; i++) {
        const struct diag *d = &errs->v[i], *last = i > n_before ? &errs->v[i - 1] : NULL;
        /* what is wrong in the same way for both ends is told once */
        if (!last || strcmp(last->where, d->where) != 0 || strcmp(last->what, d->what) != 0)
            ipsec_log_error(d);
    }
    for (size_t i = n_before; i < errs->n && i < errs->cap; i++)
        errs->v[i] = (struct diag){0};
    errs->n = n_before;
}

static const char *suggestion(enum ipsec_kind kind, struct ipsec_tree *t, const char *name)
{
    enum schema_scope scope = ipsec_scope(kind, name);
    size_t end_len = scope != SCOPE_IPSEC_END ? 0 : name[0] == 'l' ? 4 : 5;
    const char *near = schema_suggest(scope, name + end_len);
    if (near && (*near || !end_len))
        return arena_printf(t->arena, "%.*s%s", (int)end_len, name, near);
    near = kind == IPSEC_CONN ? schema_suggest(SCOPE_IPSEC_CONN, name) : NULL;
    return near;
}

/* strongSwan leaves out a conn that has such a key, while it passes over unknown ones. */
static const struct schema_row *row_of_other_section(const char *name)
{
    const struct schema_row *setup = schema_find(SCOPE_IPSEC_SETUP, name),
                            *ca = schema_find(SCOPE_IPSEC_CA, name);
    const struct schema_row *r = setup ? setup : ca;
    return r && r->dialects & DIALECT_STRONGSWAN ? r : NULL;
}

static void unknown_key(struct ipsec_tree *t, enum ipsec_kind kind, struct ipsec_key *k)
{
    static const char *const places[] = {"config setup", "conn", "ca"};
    const char *near = suggestion(kind, t, k->s.name);
    if (kind == IPSEC_CONN && k->file->dialect == DIALECT_STRONGSWAN)
        k->row = row_of_other_section(k->s.name);
    if (k->row) {
        struct diag d = {0};
        diag_set(&d, FAIL_CONFIG, "%s: not a key of conn, but of another section", k->s.written);
        diag_where(&d, k->s.file, k->s.line, k->s.column);
        ipsec_log_error(&d);
        k->is_bad = true;
        return;
    }
    k->is_dropped = true;
    if (k->file->dialect == DIALECT_STRONGSWAN) {
        log_line(GROUP_CFG, LOG_WARN, "%s:%d:%d: unknown key '%s' is passed over%s%s%s", k->s.file, k->s.line,
                 k->s.column, k->s.written, near ? ": did you mean '" : "", near ? near : "",
                 near ? "'?" : "");
        return;
    }
    struct diag *d =
        errors_add(t->b->errs, k->s.file, k->s.line, k->s.column, "unknown key '%s'", k->s.written);
    diag_expected(d, "a key of %s", places[kind]);
    if (near)
        diag_try(d, "did you mean '%s'?", near);
}

static void check_value(struct ipsec_tree *t, enum ipsec_kind kind, struct ipsec_key *k)
{
    char buf[512];
    const struct schema_row *r = k->row;
    if (k->file->dialect == DIALECT_STRONGSWAN) {
        k->s.value = unescape(t->arena, k->s.value);
        if (!k->s.value[0]) { /* clears it */
            k->s.value = NULL;
            return;
        }
    } else if (strchr(k->s.value, '\n')) {
        diag_expected(errors_add(t->b->errs, k->s.file, k->s.value_line, k->s.value_column,
                                 "%s: a string goes over several lines", k->s.written),
                      "a '\"' on the same line: only strongSwan takes it elsewhere");
    } else if (k->is_continued) {
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d:%d: %s goes on in the next line, as in strongSwan's files: to Libreswan a backslash "
                 "is a character like any other",
                 k->s.file, k->s.value_line, k->s.value_column, k->s.written);
    } else if (k->has_blanks) {
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d:%d: the value of %s has blanks and no quotes around it: Libreswan refuses that",
                 k->s.file, k->s.value_line, k->s.value_column, k->s.written);
    }
    const char *expected = expected_of(r, k->file->dialect, k->s.value, buf, sizeof(buf));
    if (!expected)
        return;
    struct diag d = {0};
    diag_set(&d, FAIL_CONFIG, "%s: not a value that it can have", k->s.written);
    diag_where(&d, k->s.file, k->s.value_line, k->s.value_column);
    build_expected(&d, &k->s, expected);
    ipsec_log_error(&d);
    k->is_bad = true;
    k->is_dropped = kind == IPSEC_SETUP;
}

static void warn_of_effect(const struct ipsec_key *k, bool told[])
{
    const struct schema_row *r = k->row;
    size_t n, at = (size_t)(r - schema_ipsec_rows(&n));
    if (r->status != IGNORED || !r->reason[0] || !k->s.value || k->is_bad || told[at] ||
        ipsec_accepts(r, k->s.value))
        return;
    told[at] = true;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: %s is without effect: %s", k->s.file, k->s.line, k->s.written,
             r->reason);
}

/* It counts all the same. */
static void warn_of_stranger(const struct ipsec_key *k, bool told[])
{
    size_t n, at = (size_t)(k->row - schema_ipsec_rows(&n));
    if ((k->row->dialects & k->file->dialect) || told[at] || k->row->status != EFFECTIVE ||
        k->row->scope == SCOPE_IPSEC_CA)
        return;
    told[at] = true;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: %s is a key of %s ipsec.conf, and this file is %s", k->s.file,
             k->s.line, k->s.written, ipsec_dialect_name(k->row->dialects),
             ipsec_dialect_name(k->file->dialect));
}

static void check_key(struct ipsec_tree *t, enum ipsec_kind kind, struct ipsec_key *k, bool told[])
{
    size_t end_len = 0;
    k->row = ipsec_row(kind, k->s.name, &end_len);
    if (!k->row) {
        unknown_key(t, kind, k);
        return;
    }
    if (!k->row->has_suffix)
        k->s.name =
            end_len ? arena_printf(t->arena, "%.*s%s", (int)end_len, k->s.name, k->row->key) : k->row->key;
    check_value(t, kind, k);
    warn_of_effect(k, told);
    warn_of_stranger(k, told);
}

/* ---- doubled keys */

static bool is_repeatable(const struct ipsec_key *k)
{
    return !k->row || k->row->has_suffix || strncmp(k->s.name, "also", 4) == 0;
}

static void drop(struct ipsec_key *dropped, const struct ipsec_key *kept)
{
    dropped->is_dropped = true;
    if (dropped->s.value && kept->s.value && strcmp(dropped->s.value, kept->s.value) == 0)
        return;
    log_line(GROUP_CFG, LOG_WARN, "%s:%d: %s does not count: the one of line %d does", dropped->s.file,
             dropped->s.line, dropped->s.written, kept->s.line);
}

/* Which of them counts: the first in a conn of Libreswan's, the last elsewhere. */
static void check_doubles(struct ipsec_section *s)
{
    struct map seen;
    map_init(&seen);
    for (struct setting *k = s->s.first; k; k = k->next) {
        struct ipsec_key *mine = (struct ipsec_key *)k;
        uint64_t hash = map_hash(span_str(k->name));
        struct map_node *n = map_first(&seen, hash);
        if (mine->is_dropped || is_repeatable(mine))
            continue;
        while (n && strcmp(((struct setting *)n)->name, k->name) != 0)
            n = map_next(n);
        if (n && s->kind == IPSEC_CONN && s->file->dialect == DIALECT_LIBRESWAN) {
            drop(mine, (struct ipsec_key *)n);
            continue;
        }
        if (n) {
            drop((struct ipsec_key *)n, mine);
            map_remove(&seen, n);
        }
        map_insert(&seen, &k->by_name, hash);
    }
    map_deinit(&seen);
}

static void check_orphans(struct ipsec_tree *t)
{
    for (struct setting *k = t->orphans.first; k; k = k->next) {
        if (((struct ipsec_key *)k)->file->dialect == DIALECT_STRONGSWAN)
            log_line(GROUP_CFG, LOG_WARN,
                     "%s:%d:%d: '%s' stands before any section and is without effect: put 'config setup' "
                     "above it",
                     k->file, k->line, k->column, k->written);
        else
            diag_try(errors_add(t->b->errs, k->file, k->line, k->column, "'%s' stands before any section",
                                k->written),
                     "put 'config setup' above it");
    }
}

void ipsec_check(struct ipsec_tree *t)
{
    size_t n;
    schema_ipsec_rows(&n);
    bool *told = arena_calloc(t->arena, n, sizeof(*told));
    check_orphans(t);
    for (struct ipsec_section *s = t->first; s; s = s->next) {
        if (s->kind == IPSEC_CA && s->file->dialect == DIALECT_LIBRESWAN)
            diag_expected(
                errors_add(t->b->errs, s->s.file, s->s.line, s->s.column, "Libreswan has no ca sections"),
                "a file of strongSwan's: '# keyway: dialect=strongswan' in it");
        for (struct setting *k = s->s.first; k; k = k->next)
            check_key(t, s->kind, (struct ipsec_key *)k, told);
        check_doubles(s);
    }
}
