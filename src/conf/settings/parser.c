/* SPDX-License-Identifier: Apache-2.0 */
/* Files to the tree: statements, sections, includes. After an error the parser goes on with the next line, so
 * that one run finds them all. See settings.h for the grammar. */
#include "base/log.h"
#include "conf/settings/lexer.h"
#include "conf/settings/settings.h"
#include <stdio.h>

struct file_stack {
    const char *path;
    const struct file_stack *outer;
};

struct parser {
    struct settings_tree *tree;
    const struct conf_source *src;
    struct errors *errs;
    struct lexer x;
    const struct file_stack *files;
    unsigned file_depth;
};

static bool read_file(struct settings_tree *t, struct setting *into, const char *path,
                      const struct conf_source *src, struct errors *errs, const struct file_stack *outer,
                      unsigned depth);

static struct diag *error_here(struct parser *p, const char *what, const char *expected)
{
    struct diag *d = errors_add(p->errs, p->x.file, p->x.line, p->x.column, "%s", what);
    diag_expected(d, "%s", expected);
    int c = lexer_peek(&p->x);
    if (c < 0)
        diag_got(d, "the end of the file");
    else if (c == '\n')
        diag_got(d, "the end of the line");
    else if (c < ' ' || c > 126)
        diag_got(d, "byte 0x%02x", (unsigned)c);
    else
        diag_got(d, "'%c'", c);
    return d;
}

static void place(struct setting *s, const struct lexer *at)
{
    s->file = at->file;
    s->line = at->line;
    s->column = at->column;
}

/* All but the last step of "a.b.c" as sections; *last gets the final name. NULL after an error. */
static struct setting *descend(struct parser *p, struct setting *into, struct span path,
                               const struct lexer *at, struct span *last)
{
    unsigned depth = 0;
    for (const struct setting *s = into; s; s = s->parent)
        depth++;
    for (;;) {
        const uint8_t *dot = memchr(path.ptr, '.', path.len);
        size_t len = dot ? (size_t)(dot - path.ptr) : path.len;
        const char *problem = len == 0                     ? "a name has an empty part"
                              : len > SETTINGS_MAX_NAME    ? "a name is too long"
                              : depth > SETTINGS_MAX_DEPTH ? "sections are nested too deeply"
                                                           : NULL;
        if (problem) {
            struct diag *d = errors_add(p->errs, at->file, at->line, at->column, "%s", problem);
            diag_expected(d, "at most %d characters and %d levels", SETTINGS_MAX_NAME, SETTINGS_MAX_DEPTH);
            return NULL;
        }
        if (!dot) {
            *last = path;
            return into;
        }
        struct setting *next = settings_add(p->tree, into, (const char *)path.ptr, len, true);
        if (!next)
            return NULL;
        if (!next->file)
            place(next, at);
        into = next;
        depth++;
        path = span_of(dot + 1, path.len - len - 1);
    }
}

/* Traps that would otherwise end as a wrong secret that nobody can see. */
static void warn_of_traps(const struct lexer *at, struct span name, const char *value, bool has_cut)
{
    size_t len = value ? strlen(value) : 0;
    if (has_cut)
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d: the value of %.*s ends before '#', a comment: quote it if it goes on", at->file,
                 at->line, (int)name.len, name.ptr);
    if (len > 1 && value[0] == '\'' && value[len - 1] == '\'')
        log_line(GROUP_CFG, LOG_WARN,
                 "%s:%d: the single quotes are part of the value of %.*s: use double ones", at->file,
                 at->line, (int)name.len, name.ptr);
}

static void parse_value(struct parser *p, struct setting *into, struct span path, const struct lexer *at)
{
    struct span last;
    lexer_skip(&p->x, false);
    struct lexer value_at = p->x;
    const char *value = lexer_value(&p->x, p->tree->arena, p->errs);
    struct setting *section = descend(p, into, path, at, &last);
    struct setting *s =
        section ? settings_add(p->tree, section, (const char *)last.ptr, last.len, false) : NULL;
    if (!s)
        return;
    place(s, at);
    warn_of_traps(at, path, value, p->x.has_cut);
    s->value = value;
    s->value_line = value_at.line;
    s->value_column = value_at.column;
}

/* ": base, other.base" up to the '{' */
static bool parse_refs(struct parser *p, struct setting *section)
{
    struct setting_ref **tail = &section->refs;
    while (*tail)
        tail = &(*tail)->next;
    for (;;) {
        lexer_skip(&p->x, true);
        struct lexer at = p->x;
        struct span name = lexer_name(&p->x);
        if (name.len == 0) {
            error_here(p, "a section to inherit from is missing", "its name");
            return false;
        }
        struct setting_ref *r = arena_alloc(p->tree->arena, sizeof(*r));
        r->path = arena_strndup(p->tree->arena, (const char *)name.ptr, name.len);
        r->line = at.line;
        r->column = at.column;
        *tail = r;
        tail = &r->next;
        lexer_skip(&p->x, true);
        if (lexer_peek(&p->x) != ',')
            return true;
        lexer_advance(&p->x);
    }
}

static void parse_block(struct parser *p, struct setting *into, const struct lexer *opened);

/* What has no place in the tree (its error is told) is passed over up to its closing brace. */
static void skip_block(struct parser *p)
{
    for (size_t open = 1; open > 0 && lexer_peek(&p->x) >= 0;) {
        lexer_skip(&p->x, true);
        int c = lexer_peek(&p->x);
        if (c == '"')
            lexer_value(&p->x, p->tree->arena, p->errs);
        else
            lexer_advance(&p->x);
        open += c == '{';
        open -= c == '}';
    }
}

static void parse_section(struct parser *p, struct setting *into, struct span path, const struct lexer *at)
{
    struct span last;
    struct setting *parent = descend(p, into, path, at, &last);
    struct setting *s = parent ? settings_add(p->tree, parent, (const char *)last.ptr, last.len, true) : NULL;
    if (s && !s->file)
        place(s, at);
    struct setting *sink = s ? s : arena_alloc(p->tree->arena, sizeof(*sink));
    if (lexer_peek(&p->x) == ':') {
        lexer_advance(&p->x);
        if (!parse_refs(p, sink)) {
            lexer_skip_line(&p->x);
            return;
        }
    }
    lexer_skip(&p->x, true);
    if (lexer_peek(&p->x) != '{') {
        error_here(p, "a section does not begin", "'{'");
        lexer_skip_line(&p->x);
        return;
    }
    struct lexer opened = p->x;
    lexer_advance(&p->x);
    if (s)
        parse_block(p, sink, &opened);
    else
        skip_block(p);
}

static const char *beside(struct arena *a, const char *file, const char *pattern)
{
    const char *slash = strrchr(file, '/');
    if (pattern[0] == '/' || !slash)
        return pattern;
    return arena_printf(a, "%.*s/%s", (int)(slash - file), file, pattern);
}

static void parse_include(struct parser *p, struct setting *into, const struct lexer *at)
{
    struct lexer pattern_at = p->x;
    const char *pattern = lexer_value(&p->x, p->tree->arena, p->errs);
    if (!pattern || !*pattern) {
        error_here(p, "include names no file", "a path or a pattern");
        return;
    }
    if (p->file_depth >= SETTINGS_MAX_INCLUDE) {
        struct diag *d =
            errors_add(p->errs, at->file, at->line, at->column, "includes are nested too deeply");
        diag_expected(d, "at most %d levels", SETTINGS_MAX_INCLUDE);
        return;
    }
    const char **paths = NULL;
    size_t n = p->src->glob(p->src->ctx, p->tree->arena, beside(p->tree->arena, at->file, pattern), &paths);
    if (n == 0 && !strpbrk(pattern, "*?["))
        log_line(GROUP_CFG, LOG_WARN, "%s:%d: no such file to include: %s", at->file, at->line, pattern);
    for (size_t i = 0; i < n; i++) {
        const struct file_stack *f = p->files;
        while (f && strcmp(f->path, paths[i]) != 0)
            f = f->outer;
        if (f)
            errors_add(p->errs, at->file, pattern_at.line, pattern_at.column, "%s includes itself", paths[i]);
        else
            read_file(p->tree, into, paths[i], p->src, p->errs, p->files, p->file_depth + 1);
    }
}

/* "tunnel office {": the second word, or nothing. */
static struct span parse_title(struct parser *p, struct span name)
{
    if (!p->tree->allows_titles)
        return name;
    struct lexer save = p->x;
    struct span title = lexer_name(&p->x);
    lexer_skip(&p->x, true);
    int c = lexer_peek(&p->x);
    if (title.len == 0 || (c != '{' && c != ':') || memchr(title.ptr, '.', title.len)) {
        p->x = save;
        return name;
    }
    const char *joined =
        arena_printf(p->tree->arena, "%.*s.%.*s", (int)name.len, name.ptr, (int)title.len, title.ptr);
    return span_str(joined);
}

static bool is_include(struct parser *p, struct span name, int next)
{
    return span_equal(name, span_str("include")) && next != '=' && next != '{' && next != ':' &&
           (p->x.at[-1] == ' ' || p->x.at[-1] == '\t');
}

static void note_stray(struct parser *p, const struct setting *into, const struct lexer *at, struct diag *d)
{
    if (into == p->tree->root && d && p->tree->n_strays < SETTINGS_MAX_STRAYS)
        p->tree->strays[p->tree->n_strays++] = (struct setting_stray){d, at->file, at->line};
}

static void parse_statement(struct parser *p, struct setting *into)
{
    struct lexer at = p->x;
    struct span name = lexer_name(&p->x);
    if (name.len == 0) {
        note_stray(p, into, &at,
                   error_here(p, "a setting does not begin with a name", "a name, 'include' or '}'"));
        lexer_skip_line(&p->x);
        return;
    }
    lexer_skip(&p->x, false);
    int c = lexer_peek(&p->x);
    if (is_include(p, name, c)) {
        parse_include(p, into, &at);
        return;
    }
    if (c == '=') {
        lexer_advance(&p->x);
        parse_value(p, into, name, &at);
        return;
    }
    if (c == '\n') {
        lexer_skip(&p->x, true);
        c = lexer_peek(&p->x);
        if (c != '{' && c != ':')
            p->x =
                (struct lexer){at.at + name.len, at.end, at.file, at.line, at.column + (int)name.len, false};
    } else if (c != '{' && c != ':') {
        name = parse_title(p, name);
        c = lexer_peek(&p->x);
    }
    if (c == '{' || c == ':') {
        parse_section(p, into, name, &at);
        return;
    }
    char what[64 + SETTINGS_MAX_NAME];
    snprintf(what, sizeof(what), "'%.*s' is neither a setting nor a section", (int)name.len, name.ptr);
    note_stray(p, into, &at, error_here(p, what, "'=' or '{' after the name"));
    lexer_skip_line(&p->x);
}

/* Statements up to the closing brace, or to the end of the file when opened is NULL. */
static void parse_block(struct parser *p, struct setting *into, const struct lexer *opened)
{
    for (;;) {
        lexer_skip(&p->x, true);
        int c = lexer_peek(&p->x);
        if (c < 0 && !opened)
            return;
        if (c < 0) {
            struct diag *d =
                errors_add(p->errs, p->x.file, opened->line, opened->column, "section is not closed");
            diag_expected(d, "a '}' for this '{'");
            diag_got(d, "the end of the file");
            return;
        }
        if (c == '}' && opened) {
            lexer_advance(&p->x);
            return;
        }
        if (c == '}') {
            error_here(p, "nothing to close here", "a setting or a section");
            lexer_advance(&p->x);
            continue;
        }
        parse_statement(p, into);
    }
}

static bool is_usable(struct settings_tree *t, const char *path, struct span text, struct errors *errs)
{
    t->n_bytes += text.len;
    t->n_files++;
    if (t->n_bytes > SETTINGS_MAX_BYTES || t->n_files > SETTINGS_MAX_FILES) {
        struct diag *d = errors_add(errs, path, 1, 1, "the configuration is too large");
        diag_expected(d, "at most %u bytes in %u files", SETTINGS_MAX_BYTES, SETTINGS_MAX_FILES);
        return false;
    }
    if (text.len && memchr(text.ptr, 0, text.len)) {
        errors_add(errs, path, 1, 1, "not a text file: it holds a NUL byte");
        return false;
    }
    return true;
}

static bool read_file(struct settings_tree *t, struct setting *into, const char *path,
                      const struct conf_source *src, struct errors *errs, const struct file_stack *outer,
                      unsigned depth)
{
    struct span text = {0};
    struct diag d = {0};
    path = arena_strdup(t->names, path);
    if (!src->read(src->ctx, t->arena, path, &text, &d)) {
        if (diag_failed(&d))
            errors_take(errs, &d, path, 1, 1);
        return diag_failed(&d);
    }
    if (!is_usable(t, path, text, errs))
        return true;
    const struct file_stack here = {path, outer};
    struct parser p = {.tree = t, .src = src, .errs = errs, .files = &here, .file_depth = depth};
    lexer_init(&p.x, path, text);
    parse_block(&p, into, NULL);
    return true;
}

bool settings_read(struct settings_tree *t, struct setting *into, const char *path,
                   const struct conf_source *src, struct errors *errs)
{
    return read_file(t, into, path, src, errs, NULL, 0);
}
