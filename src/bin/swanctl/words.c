/* SPDX-License-Identifier: Apache-2.0 */
/* The words of a file of options: see swanctl.h. */
#include "bin/swanctl/swanctl.h"
#include <errno.h>
#include <stdlib.h>

enum { WORD_MAX = 4096, WORDS_MAX = 1024 };

void words_free(struct words *w)
{
    for (size_t i = 0; i < w->n; i++)
        free(w->v[i]);
    free(w->v);
    *w = (struct words){0};
}

static void add(struct words *w, const char *text, size_t len)
{
    w->v = realloc(w->v, (w->n + 1) * sizeof(*w->v));
    char *word = strndup(text, len);
    if (!w->v || !word)
        abort();
    w->v[w->n++] = word;
}

/* The words of one line; a quote ends on its line. */
static bool take_line(struct words *w, const char *at, const char *path, int number)
{
    for (;;) {
        at += strspn(at, " \t\r\n");
        if (!*at || *at == '#')
            return true;
        bool is_quoted = *at == '"' || *at == '\'';
        const char *end = is_quoted ? strchr(at + 1, *at) : at + strcspn(at, " \t\r\n");
        if (!end || w->n == WORDS_MAX) {
            fprintf(stderr, "optionsfrom: %s at %s:%d\n", end ? "too many options" : "missing terminator",
                    path, number);
            return false;
        }
        add(w, at + is_quoted, (size_t)(end - at) - is_quoted);
        at = end + is_quoted;
    }
}

bool words_read(const char *path, struct words *w)
{
    char line[WORD_MAX];
    FILE *f = fopen(path, "re");
    bool is_ok = true;
    *w = (struct words){0};
    if (!f) {
        fprintf(stderr, "optionsfrom: unable to open file '%s': %s\n", path, strerror(errno));
        return false;
    }
    for (int number = 1; is_ok && fgets(line, sizeof(line), f); number++)
        is_ok = take_line(w, line, path, number);
    fclose(f);
    if (!is_ok)
        words_free(w);
    return is_ok;
}
