/* SPDX-License-Identifier: Apache-2.0 */
/* See lexer.h. In a value '#' starts a comment and '}' ends the section unless they are quoted; a single
 * quote is an ordinary character. The parser has refused files that hold a NUL. */
#include "conf/settings/lexer.h"

void lexer_init(struct lexer *x, const char *file, struct span text)
{
    *x = (struct lexer){.file = file, .line = 1, .column = 1};
    x->at = (const char *)text.ptr;
    x->end = x->at + text.len;
    if (text.len >= 3 && memcmp(text.ptr, "\xef\xbb\xbf", 3) == 0)
        x->at += 3; /* a byte order mark that some editors write */
}

int lexer_peek(const struct lexer *x)
{
    return x->at < x->end ? (unsigned char)*x->at : -1;
}

void lexer_advance(struct lexer *x)
{
    if (x->at >= x->end)
        return;
    if (*x->at == '\n') {
        x->line++;
        x->column = 0;
    }
    x->column++;
    x->at++;
}

static bool is_blank(int c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

void lexer_skip_line(struct lexer *x)
{
    while (x->at < x->end && *x->at != '\n')
        lexer_advance(x);
}

void lexer_skip(struct lexer *x, bool lines)
{
    for (;;) {
        int c = lexer_peek(x);
        if (c == '#')
            lexer_skip_line(x);
        else if (is_blank(c) || (lines && c == '\n'))
            lexer_advance(x);
        else
            return;
    }
}

struct span lexer_name(struct lexer *x)
{
    const char *from = x->at;
    for (int c; (c = lexer_peek(x)) > ' ' && c != 127 && !strchr("#{}:,=\"", c);)
        lexer_advance(x);
    return span_of(from, (size_t)(x->at - from));
}

/* Text that grows in place: a value is never longer than what is left of the file plus joining blanks. */
struct piece {
    char *buf;
    size_t len;
};

static char unescaped(char c)
{
    static const char from[] = "nrtbf", to[] = "\n\r\t\b\f";
    const char *p = c ? strchr(from, c) : NULL;
    return p ? to[p - from] : c;
}

static void take_string(struct lexer *x, struct piece *out, struct errors *errs)
{
    const struct lexer start = *x;
    lexer_advance(x);
    for (int c; (c = lexer_peek(x)) != '"';) {
        if (c < 0) {
            struct diag *d = errors_add(errs, x->file, start.line, start.column, "string is not closed");
            diag_expected(d, "'\"' before the end of the file");
            *x = start; /* go on with the next line */
            lexer_skip_line(x);
            return;
        }
        lexer_advance(x);
        if (c == '\\') {
            c = lexer_peek(x);
            if (c < 0)
                continue;
            lexer_advance(x);
            if (c == '\n')
                continue;
            c = unescaped((char)c);
        }
        out->buf[out->len++] = (char)c;
    }
    lexer_advance(x);
}

/* An upper bound of what the value can need, so that one allocation is enough. */
static size_t value_bound(const struct lexer *x)
{
    const char *p = x->at;
    bool quoted = false;
    for (; p < x->end && (quoted || *p != '\n'); p++) {
        if (*p == '"')
            quoted = !quoted;
        if (*p == '\\' && quoted && p + 1 < x->end)
            p++;
    }
    return (size_t)(p - x->at) * 2 + 2;
}

const char *lexer_value(struct lexer *x, struct arena *a, struct errors *errs)
{
    struct piece out = {.buf = NULL};
    x->has_cut = false;
    lexer_skip(x, false);
    for (int c; (c = lexer_peek(x)) >= 0 && c != '\n' && c != '}';) {
        if (!out.buf)
            out.buf = arena_alloc(a, value_bound(x));
        else
            out.buf[out.len++] = ' ';
        if (c == '"') {
            take_string(x, &out, errs);
        } else {
            for (; (c = lexer_peek(x)) >= 0 && !is_blank(c) && !strchr("\n}#\"", c); lexer_advance(x))
                out.buf[out.len++] = (char)c;
            x->has_cut = c == '#';
        }
        lexer_skip(x, false);
    }
    return out.buf;
}
