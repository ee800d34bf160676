/* SPDX-License-Identifier: Apache-2.0 */
/* The command line behind the command: options in any order, long ones also shortened, some from a file. */
#include "bin/swanctl/commands.h"
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 16 }; /* of --options */

/* The rows of a command and then those of all, as one sequence. */
static const struct swanctl_option *option_at(const struct swanctl_command *c, size_t index)
{
    size_t n = 0;
    while (c->options[n].name)
        n++;
    return index < n ? &c->options[index] : swanctl_common_at(index - n);
}

struct parser {
    struct option words[SWANCTL_OPTIONS_MAX + 8];
    char letters[2 * (SWANCTL_OPTIONS_MAX + 8)];
    bool wants_help;
};

static void build(struct parser *p, const struct swanctl_command *c)
{
    const struct swanctl_option *o;
    size_t n = 0;
    char *letter = p->letters;
    *p = (struct parser){0};
    p->words[n++] = (struct option){"help", no_argument, NULL, 'h'};
    *letter++ = 'h';
    for (size_t i = 0; (o = option_at(c, i)); i++) {
        bool has_value = o->kind != OPT_FLAG;
        p->words[n++] =
            (struct option){o->name, has_value ? required_argument : no_argument, NULL, o->letter};
        *letter++ = o->letter;
        if (has_value)
            *letter++ = ':';
    }
}

static void take_common(struct swanctl_run *r, const struct swanctl_option *o, const char *value)
{
    switch (o->letter) {
    case 'v':
        r->debug = atoi(value);
        break;
    case 'u':
        r->uri = value;
        break;
    }
}

static void take(struct swanctl_run *r, int letter, const char *value)
{
    const struct swanctl_option *o;
    for (size_t i = 0; (o = option_at(r->command, i)); i++) {
        if (o->letter != letter)
            continue;
        if (o >= r->command->options && o < r->command->options + SWANCTL_OPTIONS_MAX)
            r->value[i] = value ? value : "";
        else
            take_common(r, o, value);
        if (!strcmp(o->name, "raw") && r->style == DUMP_NONE)
            r->style = DUMP_RAW;
        if (!strcmp(o->name, "pretty"))
            r->style = DUMP_PRETTY;
        return;
    }
}

/* The file's words take the place of the option that named it. */
static char **with_file(struct swanctl_run *r, char **argv, int *argc, int from, const char *path)
{
    struct words w;
    size_t n_files = 0;
    while (r->words && r->words[n_files].v)
        n_files++;
    if (n_files == FILES_MAX || !words_read(path, &w))
        return NULL;
    char **all = calloc((size_t)*argc + w.n + 2, sizeof(*all));
    r->words = realloc(r->words, (n_files + 2) * sizeof(*r->words));
    if (!all || !r->words)
        abort();
    all[0] = argv[0];
    size_t n = 1;
    for (size_t i = 0; i < w.n; i++)
        all[n++] = w.v[i];
    for (int i = from; i < *argc; i++)
        all[n++] = argv[i];
    *argc = (int)n;
    if (!w.v) /* an empty file: something to count */
        w.v = calloc(1, sizeof(*w.v));
    r->words[n_files] = w;
    r->words[n_files + 1] = (struct words){0};
    return all;
}

/* lists: vectors of words that were made; the caller frees them. */
static bool parse_words(struct swanctl_run *r, struct parser *p, int argc, char **argv, int first,
                        char **lists[FILES_MAX])
{
    int letter;
    size_t n_lists = 0;
    optind = first;
    while ((letter = getopt_long(argc, argv, p->letters, p->words, NULL)) >= 0) {
        if (letter == '?')
            return false;
        if (letter == 'h')
            p->wants_help = true;
        else if (letter != '+')
            take(r, letter, optarg);
        if (letter != '+')
            continue;
        char **all = n_lists < FILES_MAX ? with_file(r, argv, &argc, optind, optarg) : NULL;
        if (!all)
            return false;
        argv = lists[n_lists++] = all;
        optind = 1;
    }
    return true;
}

bool swanctl_options_parse(struct swanctl_run *r, int argc, char **argv, bool *wants_help, int *code)
{
    struct parser p;
    char **lists[FILES_MAX] = {NULL};
    build(&p, r->command);
    bool is_ok = parse_words(r, &p, argc, argv, argc < 2 ? argc : 2, lists);
    for (size_t i = 0; i < FILES_MAX; i++)
        free(lists[i]);
    *wants_help = p.wants_help;
    if (is_ok)
        return true;
    fputs("Error: invalid options\n", stderr);
    swanctl_usage(stderr, r->command);
    *code = 1;
    return false;
}

const char *swanctl_get(const struct swanctl_run *r, const char *option)
{
    for (size_t i = 0; r->command->options[i].name; i++) {
        if (!strcmp(r->command->options[i].name, option))
            return r->value[i];
    }
    return NULL;
}

bool swanctl_has(const struct swanctl_run *r, const char *option)
{
    return swanctl_get(r, option) != NULL;
}

void swanctl_options_free(struct swanctl_run *r)
{
    for (struct words *w = r->words; w && w->v; w++)
        words_free(w);
    free(r->words);
}
