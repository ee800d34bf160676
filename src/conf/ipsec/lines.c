/* SPDX-License-Identifier: Apache-2.0 */
/* The lines of ipsec.conf to flat lists of sections and keys: see ipsec.h for the grammar. Both dialects are
 * read alike; where they differ in what a line means is found out later, when it is known whose file it is.
 * Not here: inheritance, and which keys there are. */
#include "conf/ipsec/ipsec.h"
#include <stdio.h>

#define QUOTED_LINES_MAX 64

struct file_stack {
    const char *path;
    const struct file_stack *outer;
};

struct reader {
    struct ipsec_tree *t;
    struct ipsec_file *file;
    const struct file_stack *files;
    unsigned depth;
    const char *at, *end, *line_begin;
    int line;
    bool is_continued;           /* the value that was taken last */
    struct ipsec_section **open; /* that settings go to: an included file goes on with it */
};

static bool read_file(struct ipsec_tree *t, const char *path, struct ipsec_file *from, bool is_in_ipsec_d,
                      const struct file_stack *outer, unsigned depth, struct ipsec_section **open);

static int column(const struct reader *r)
{
    return (int)(r->at - r->line_begin) + 1;
}

static int peek(const struct reader *r)
{
    return r->at < r->end ? (unsigned char)*r->at : -1;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static void skip_blanks(struct reader *r)
{
    while (is_blank(peek(r)))
        r->at++;
}

static void skip_line(struct reader *r)
{
    while (peek(r) >= 0 && peek(r) != '\n')
        r->at++;
}

static void end_line(struct reader *r)
{
    if (peek(r) != '\n')
        return;
    r->at++;
    r->line++;
    r->line_begin = r->at;
}

static struct diag *error_at(struct reader *r, int line, int col, const char *what, const char *expected)
{
    struct diag *d = errors_add(r->t->b->errs, r->file->path, line, col, "%s", what);
    diag_expected(d, "%s", expected);
    return d;
}

/* ---- values */

struct value {
    char buf[IPSEC_VALUE_MAX];
    size_t len;
    bool is_too_long, has_blanks, has_quotes;
};

static void append(struct value *v, char c)
{
    if (v->len < sizeof(v->buf) - 1)
        v->buf[v->len++] = c;
    else
        v->is_too_long = true;
}

static bool has_quote_later(const struct reader *r)
{
    for (const char *p = r->at + 2; p < r->end && *p != '\n'; p++) {
        if (*p == '"')
            return true;
    }
    return false;
}

/* A line that looks like a new section, or like a new setting, does not belong to a string. */
static bool ends_string(const struct reader *r)
{
    const char *p = r->at + 1;
    if (p >= r->end || !is_blank(*p))
        return true;
    while (p < r->end && is_blank(*p))
        p++;
    const char *name = p;
    while (p < r->end && ((*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '-' || *p == '_'))
        p++;
    return p > name && p < r->end && *p == '=' && p - name > 2;
}

/* Behind the opening quote. False at the end of the file or of what may be a string. */
static bool take_string(struct reader *r, struct value *v)
{
    unsigned lines = 0;
    for (int c; (c = peek(r)) >= 0; r->at++) {
        if (c == '"') {
            r->at++;
            return true;
        }
        if (c == '\n' && (++lines > QUOTED_LINES_MAX || ends_string(r)))
            return false;
        if (c == '\\' && r->at + 1 < r->end && r->at[1] == '"' && has_quote_later(r)) {
            append(v, '\\');
            r->at++;
            c = '"';
        }
        append(v, (char)c);
        if (c == '\n') {
            r->line++;
            r->line_begin = r->at + 1;
        }
    }
    return false;
}

/* "\\\n": the next line goes on with this one. */
static bool is_joined(const struct reader *r)
{
    const char *p = r->at + 1;
    while (p < r->end && *p == '\r')
        p++;
    return *r->at == '\\' && p < r->end && *p == '\n';
}

/* The rest of the line. NULL after an error. */
static const char *take_value(struct reader *r, bool *has_blanks)
{
    struct value v;
    v.len = 0;
    v.is_too_long = v.has_blanks = v.has_quotes = false;
    int line = r->line, col = column(r);
    bool pending = false, after_blank = true;
    r->is_continued = false;
    for (int c; (c = peek(r)) >= 0 && c != '\n';) {
        if (is_blank(c)) {
            pending = v.len > 0;
            after_blank = true;
            r->at++;
            continue;
        }
        if (c == '#' && after_blank)
            break;
        if (is_joined(r)) {
            r->at = memchr(r->at, '\n', (size_t)(r->end - r->at));
            end_line(r);
            r->is_continued = true;
            pending = v.len > 0;
            continue;
        }
        if (pending) {
            append(&v, ' ');
            v.has_blanks = true;
            pending = false;
        }
        after_blank = false;
        r->at++;
        if (c != '"') {
            append(&v, (char)c);
            continue;
        }
        int opened = column(r) - 1, on = r->line;
        v.has_quotes = true;
        if (!take_string(r, &v)) {
            error_at(r, on, opened, "a string is not closed", "a '\"' for this one");
            skip_line(r);
            return NULL;
        }
    }
    skip_line(r);
    if (v.is_too_long) {
        error_at(r, line, col, "a value is too long", "fewer than 16384 bytes");
        return NULL;
    }
    v.buf[v.len] = 0;
    bool is_list = !v.has_quotes && v.len > 1 && v.buf[0] == '{' && v.buf[v.len - 1] == '}';
    *has_blanks = v.has_blanks && !v.has_quotes && !is_list;
    return is_list ? arena_strndup(r->t->arena, v.buf + 1, v.len - 2)
                   : arena_strndup(r->t->arena, v.buf, v.len);
}

/* ---- settings and sections */

static bool has_room(struct reader *r)
{
    if (r->t->n_nodes < SETTINGS_MAX_NODES) {
        r->t->n_nodes++;
        return true;
    }
    if (r->t->n_nodes == SETTINGS_MAX_NODES)
        error_at(r, r->line, 1, "the configuration is too large", "at most 1000000 settings");
    r->t->n_nodes = SETTINGS_MAX_NODES + 1;
    return false;
}

/* "Left-Subnet" is leftsubnet: no case, no dashes, and no dash behind the end's name. */
static const char *plain_name(struct arena *a, const char *word, size_t len)
{
    char *name = arena_strndup(a, word, len), *to = name;
    for (char *p = name; *p; p++)
        *p = *p == '-' ? '_' : *p >= 'A' && *p <= 'Z' ? (char)(*p | 0x20) : *p;
    size_t prefix = strncmp(name, "left_", 5) == 0 ? 4 : strncmp(name, "right_", 6) == 0 ? 5 : 0;
    for (char *p = name; *p; p++) {
        if (!prefix || p != name + prefix)
            *to++ = *p;
    }
    *to = 0;
    return name;
}

static void add_key(struct setting *section, struct ipsec_key *k)
{
    k->s.parent = section;
    if (section->last)
        section->last->next = &k->s;
    else
        section->first = &k->s;
    section->last = &k->s;
}

static void take_setting(struct reader *r, const char *word, size_t len, int col, bool is_indented)
{
    if (!is_indented)
        diag_try(error_at(r, r->line, col, "a setting stands in column 1", "blanks in front of it"),
                 "indent this line");
    r->at++; /* '=' */
    skip_blanks(r);
    struct ipsec_key *k = has_room(r) ? arena_alloc(r->t->arena, sizeof(*k)) : NULL;
    int line = r->line, value_column = column(r);
    bool has_blanks = false;
    const char *value = take_value(r, &has_blanks);
    if (!k || !value)
        return;
    k->s = (struct setting){.name = plain_name(r->t->arena, word, len),
                            .written = arena_strndup(r->t->arena, word, len),
                            .value = value,
                            .file = r->file->path,
                            .line = line,
                            .column = col,
                            .value_line = line,
                            .value_column = value_column};
    k->file = r->file;
    k->has_blanks = has_blanks;
    k->is_continued = r->is_continued;
    add_key(*r->open ? &(*r->open)->s : &r->t->orphans, k);
}

static uint64_t section_hash(enum ipsec_kind kind, const char *name)
{
    return map_hash(span_str(name)) + kind;
}

static struct ipsec_section *find_from(const struct ipsec_tree *t, enum ipsec_kind kind, const char *name,
                                       unsigned ordinal)
{
    struct ipsec_section *found = NULL;
    for (struct map_node *n = map_first(&t->by_name, section_hash(kind, name)); n; n = map_next(n)) {
        struct ipsec_section *s = (struct ipsec_section *)n;
        if (s->kind == kind && s->ordinal >= ordinal && strcmp(s->s.name, name) == 0 &&
            (!found || s->ordinal < found->ordinal))
            found = s;
    }
    return found;
}

struct ipsec_section *ipsec_find(const struct ipsec_tree *t, enum ipsec_kind kind, const char *name)
{
    return find_from(t, kind, name, 0);
}

struct ipsec_section *ipsec_find_next(const struct ipsec_tree *t, const struct ipsec_section *s)
{
    return find_from(t, s->kind, s->s.name, s->ordinal + 1);
}

static void open_section(struct reader *r, enum ipsec_kind kind, const char *name, int col)
{
    struct ipsec_tree *t = r->t;
    if (!has_room(r))
        return;
    struct ipsec_section *s = arena_alloc(t->arena, sizeof(*s));
    s->s.name = s->s.written = name;
    s->s.is_section = true;
    s->s.file = r->file->path;
    s->s.line = r->line;
    s->s.column = col;
    s->kind = kind;
    s->file = r->file;
    s->ordinal = t->last ? t->last->ordinal + 1 : 0;
    *(t->last ? &t->last->next : &t->first) = s;
    t->last = s;
    t->has_conn |= kind == IPSEC_CONN;
    map_insert(&t->by_name, &s->s.by_name, section_hash(kind, name));
    *r->open = s;
}

static void take_title(struct reader *r, const char *word, size_t len, int col)
{
    bool has_blanks = false;
    int line = r->line, at = column(r);
    const char *name = take_value(r, &has_blanks);
    bool is_setup = len == 6;
    *r->open = NULL;
    if (!name)
        return;
    if (is_setup && strcasecmp(name, "setup") != 0) {
        error_at(r, line, at, "there is no such section of config", "config setup");
        return;
    }
    if (!is_setup && (!name[0] || has_blanks || strlen(name) > SETTINGS_MAX_NAME)) {
        char what[64];
        snprintf(what, sizeof(what), "'%.*s' needs a name", (int)len, word);
        error_at(r, line, at, what, "one word of at most 256 characters");
        return;
    }
    open_section(r,
                 is_setup   ? IPSEC_SETUP
                 : len == 2 ? IPSEC_CA
                            : IPSEC_CONN,
                 is_setup ? "setup" : name, col);
}

/* ---- include */

static const char *beside(struct arena *a, const char *file, const char *pattern)
{
    const char *slash = strrchr(file, '/');
    if (pattern[0] == '/' || !slash)
        return pattern;
    return arena_printf(a, "%.*s/%s", (int)(slash - file), file, pattern);
}

static void take_include(struct reader *r)
{
    struct ipsec_tree *t = r->t;
    const struct conf_source *src = t->b->src;
    bool has_blanks = false;
    int line = r->line, col = column(r);
    const char *pattern = take_value(r, &has_blanks), **paths = NULL;
    t->has_include = true;
    if (!pattern || !*pattern) {
        error_at(r, line, col, "include names no file", "a path or a pattern");
        return;
    }
    if (r->depth >= SETTINGS_MAX_INCLUDE) {
        error_at(r, line, col, "includes are nested too deeply", "at most 10 levels");
        return;
    }
    size_t n = src->glob(src->ctx, t->arena, beside(t->arena, r->file->path, pattern), &paths);
    if (n == 0 && !strpbrk(pattern, "*?["))
        log_line(GROUP_CFG, LOG_WARN, "%s:%d: no such file to include: %s", r->file->path, line, pattern);
    for (size_t i = 0; i < n; i++) {
        const struct file_stack *f = r->files;
        while (f && strcmp(f->path, paths[i]) != 0)
            f = f->outer;
        if (f)
            errors_add(t->b->errs, r->file->path, line, col, "%s includes itself", paths[i]);
        else
            read_file(t, paths[i], r->file, strstr(paths[i], "/ipsec.d/") != NULL, r->files, r->depth + 1,
                      r->open);
    }
}

/* ---- lines */

/* "# keyway: dialect=strongswan" */
static void take_comment(struct reader *r)
{
    const char *from = r->at;
    skip_line(r);
    char text[80] = "";
    size_t len = (size_t)(r->at - from);
    if (len >= sizeof(text))
        return;
    memcpy(text, from, len);
    char *p = text + strspn(text, "# \t");
    if (strncmp(p, "keyway:", 7) != 0)
        return;
    p += 7;
    p += strspn(p, " \t");
    p[strcspn(p, " \t\r")] = 0;
    if (strcmp(p, "dialect=libreswan") == 0)
        r->file->forced = DIALECT_LIBRESWAN;
    else if (strcmp(p, "dialect=strongswan") == 0)
        r->file->forced = DIALECT_STRONGSWAN;
    else
        error_at(r, r->line, 1, "not something that Keyway can be told in a comment",
                 "keyway: dialect=libreswan, or dialect=strongswan");
}

static bool is_word(const char *word, size_t len, const char *is)
{
    return len == strlen(is) && strncasecmp(word, is, len) == 0;
}

static void take_statement(struct reader *r, bool is_indented)
{
    const char *word = r->at;
    int col = column(r);
    while (peek(r) >= 0 && peek(r) != '\n' && peek(r) != '=' && !is_blank(peek(r)))
        r->at++;
    size_t len = (size_t)(r->at - word);
    skip_blanks(r);
    if (peek(r) == '=' && len > 0 && len <= SETTINGS_MAX_NAME) {
        take_setting(r, word, len, col, is_indented);
        return;
    }
    bool is_title = is_word(word, len, "conn") || is_word(word, len, "ca") || is_word(word, len, "config");
    if (is_title && is_indented) {
        diag_try(error_at(r, r->line, col, "a section begins behind blanks", "it in column 1"),
                 "remove the blanks");
        take_title(r, word, len, col);
        return;
    }
    if (is_title)
        take_title(r, word, len, col);
    else if (is_word(word, len, "include"))
        take_include(r);
    else if (is_word(word, len, "version") && !is_indented)
        skip_line(r);
    else {
        char what[128];
        struct text t = TEXT_ON(what);
        what[0] = 0;
        text_str(&t, "'");
        text_safe(&t, span_of(word, len < 40 ? len : 40));
        text_str(&t, "' is neither a setting nor a section");
        error_at(r, r->line, col, what, "name=value, conn NAME, config setup, ca NAME, or include FILE");
        skip_line(r);
    }
}

static void read_lines(struct reader *r)
{
    while (r->at < r->end) {
        skip_blanks(r);
        bool is_indented = r->at > r->line_begin;
        int c = peek(r);
        if (c == '#')
            take_comment(r);
        else if (c >= 0 && c != '\n')
            take_statement(r, is_indented);
        end_line(r);
    }
}

static bool is_usable(struct ipsec_tree *t, const char *path, struct span text)
{
    t->n_bytes += text.len;
    t->n_files++;
    if (t->n_bytes > SETTINGS_MAX_BYTES || t->n_files > SETTINGS_MAX_FILES) {
        struct diag *d = errors_add(t->b->errs, path, 1, 1, "the configuration is too large");
        diag_expected(d, "at most %u bytes in %u files", SETTINGS_MAX_BYTES, SETTINGS_MAX_FILES);
        return false;
    }
    if (text.len && memchr(text.ptr, 0, text.len)) {
        errors_add(t->b->errs, path, 1, 1, "not a text file: it holds a NUL byte");
        return false;
    }
    return true;
}

static bool read_file(struct ipsec_tree *t, const char *path, struct ipsec_file *from, bool is_in_ipsec_d,
                      const struct file_stack *outer, unsigned depth, struct ipsec_section **open)
{
    struct span text = {0};
    struct diag d = {0};
    path = arena_strdup(t->names, path);
    if (!t->b->src->read(t->b->src->ctx, t->arena, path, &text, &d)) {
        if (diag_failed(&d))
            errors_take(t->b->errs, &d, path, 1, 1);
        return diag_failed(&d);
    }
    if (!is_usable(t, path, text))
        return true;
    struct ipsec_file *f = arena_alloc(t->arena, sizeof(*f));
    f->path = path;
    f->from = from;
    f->is_in_ipsec_d = is_in_ipsec_d;
    *t->files_end = f;
    t->files_end = &f->next;
    const struct file_stack here = {path, outer};
    const char *begin = (const char *)text.ptr;
    struct reader r = {.t = t,
                       .file = f,
                       .files = &here,
                       .depth = depth,
                       .at = begin,
                       .end = begin + text.len,
                       .line_begin = begin,
                       .line = 1,
                       .open = open};
    if (text.len)
        read_lines(&r);
    return true;
}

bool ipsec_read(struct ipsec_tree *t, const char *path, bool is_in_ipsec_d)
{
    struct ipsec_section *open = NULL;
    return read_file(t, path, NULL, is_in_ipsec_d, NULL, 0, &open);
}
