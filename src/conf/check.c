/* SPDX-License-Identifier: Apache-2.0 */
/* An error for people: where, what, and the line itself with a caret under the place. Lines that may hold a
 * secret are cut before it. */
#include "base/text.h"
#include "conf/show.h"
#include <stdio.h>
#include <stdlib.h>

static void put(const struct conf_sink *sink, const char *s)
{
    sink->write(sink->ctx, s);
}

/* "FILE:LINE:COLUMN" or "FILE:LINE" into its parts. */
static bool split_where(const char *where, char *file, size_t cap, int *line, int *column)
{
    const char *last = strrchr(where, ':');
    if (!last || last == where)
        return false;
    const char *before = last;
    while (before > where && before[-1] != ':')
        before--;
    bool has_column =
        before > where && strspn(before, "0123456789") == (size_t)(last - before) && last > before;
    const char *end = has_column ? before - 1 : last;
    if ((size_t)(end - where) >= cap)
        return false;
    memcpy(file, where, (size_t)(end - where));
    file[end - where] = 0;
    *line = atoi(end + 1);
    *column = has_column ? atoi(last + 1) : 0;
    return *line > 0;
}

static struct span nth_line(struct span text, int line)
{
    const uint8_t *p = text.ptr, *end = text.ptr + text.len;
    for (int i = 1; i < line && p < end; p++)
        i += *p == '\n';
    const uint8_t *stop = p;
    while (stop < end && *stop != '\n' && *stop != '\r')
        stop++;
    return span_of(p, (size_t)(stop - p));
}

static bool is_secret(struct span line)
{
    static const char *const words[] = {"psk", "secret", "pin", "passphrase"};
    while (line.len && (*line.ptr == ' ' || *line.ptr == '\t'))
        line = span_of(line.ptr + 1, line.len - 1);
    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (memmem(line.ptr, line.len, words[i], strlen(words[i])))
            return true;
    }
    return false;
}

#define LINE_SHOWN 200

static void put_line(const struct conf_sink *sink, struct span line, int column)
{
    char buf[LINE_SHOWN + 80];
    struct text t = TEXT_ON(buf);
    const uint8_t *equals = line.len && is_secret(line) ? memchr(line.ptr, '=', line.len) : NULL;
    size_t shown = equals ? (size_t)(equals - line.ptr) + 1 : line.len;
    if (is_secret(line) && !equals)
        return;
    buf[0] = 0;
    text_str(&t, "    ");
    for (size_t i = 0; i < shown && i < LINE_SHOWN; i++)
        text_printf(&t, "%c",
                    line.ptr[i] >= ' ' && line.ptr[i] < 127 ? line.ptr[i]
                    : line.ptr[i] == '\t'                   ? ' '
                                                            : '?');
    text_printf(&t, "%s\n", equals ? " (hidden)" : shown > LINE_SHOWN ? "..." : "");
    put(sink, buf);
    if (column < 1 || (size_t)column > shown + 1 || column > LINE_SHOWN)
        return;
    snprintf(buf, sizeof(buf), "    %*s\n", column, "^");
    put(sink, buf);
}

/* ipsec.secrets and its like: no line of them is for anybody's eyes. */
static bool is_of_secrets(const char *file)
{
    static const char end[] = ".secrets";
    size_t len = strlen(file), n = sizeof(end) - 1;
    return len >= n && strcmp(file + len - n, end) == 0;
}

void conf_print_error(const struct diag *d, const struct conf_source *src, const struct conf_sink *sink)
{
    char file[sizeof(d->where)], buf[sizeof(struct diag) + 64];
    int line = 0, column = 0;
    struct text t = TEXT_ON(buf);
    buf[0] = 0;
    text_printf(&t, "%s%s%s", d->where, d->where[0] ? ": " : "", d->what);
    if (d->expected[0])
        text_printf(&t, "; expected %s", d->expected);
    if (d->got[0])
        text_printf(&t, "; got %s", d->got);
    text_str(&t, "\n");
    put(sink, buf);
    if (src && split_where(d->where, file, sizeof(file), &line, &column) && !is_of_secrets(file)) {
        struct arena *a = arena_new(SIZE_MAX / 2);
        struct span text = {0};
        struct diag ignored = {0};
        if (src->read(src->ctx, a, file, &text, &ignored))
            put_line(sink, nth_line(text, line), column);
        arena_free(a);
    }
    if (d->try[0]) {
        put(sink, "    try: ");
        put(sink, d->try);
        put(sink, "\n");
    }
}
