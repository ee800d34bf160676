/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines of the pki tool: getopt_long() over a command's rows, each value checked against its row's
 * kind; --options FILE puts the words of a file in its own place. A file's words are separated by white
 * space, may be "quoted" or 'quoted', and '#' at the start of a word makes the rest of the line a comment. */
#include "bin/pki/pki.h"
#include <ctype.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>

enum { OPTIONS_MAX = 64, OPTIONS_FILE_MAX = 65536, NESTED_MAX = 8 };

struct words {
    char **v;
    size_t n;
};

static const struct pki_option *row_at(const struct pki_run *r, size_t index)
{
    size_t i = 0;
    for (; r->command->options[i].name; i++) {
        if (i == index)
            return &r->command->options[i];
    }
    return pki_common_at(index - i);
}

static const struct pki_option *row_named(const struct pki_run *r, const char *name)
{
    for (size_t i = 0; row_at(r, i); i++) {
        if (!strcmp(row_at(r, i)->name, name))
            return row_at(r, i);
    }
    fprintf(stderr, "pki --%s has no row for --%s\n", r->command->name, name);
    abort();
}

static bool is_among(const char *words, const char *value)
{
    size_t len = strlen(value);
    for (const char *at = words; *at;) {
        size_t n = strcspn(at, "|");
        if (n == len && !strncasecmp(at, value, n))
            return true;
        at += n + (at[n] == '|');
    }
    return false;
}

/* A value that fits its row, or the refusal. */
static bool take_value(struct pki_run *r, const struct pki_option *o, const char *value, int *code)
{
    struct pki_arg arg = {.option = o, .value = value};
    char *end = "";
    if (o->kind == PKI_CHOICE && !is_among(o->argument, value)) {
        *code = pki_refuse(r, "invalid --%s %s: expected %s", o->name, value, o->argument);
        return false;
    }
    if (o->kind == PKI_NUMBER) {
        unsigned long n = isdigit((unsigned char)value[0]) ? strtoul(value, &end, 10) : ULONG_MAX;
        if (n > INT32_MAX || *end) {
            *code =
                pki_refuse(r, "invalid --%s %s: expected a number from 0 to %d", o->name, value, INT32_MAX);
            return false;
        }
        arg.number = (unsigned)n;
    }
    if (r->n_args == PKI_ARGS_MAX) {
        *code = pki_refuse(r, "more than %d options", PKI_ARGS_MAX);
        return false;
    }
    r->args[r->n_args++] = arg;
    return true;
}

/* The next word of *at, without its quotes; NULL at the end. *is_open: a quote is not closed. */
static char *next_word(struct pki_run *r, const char **at, bool *is_open)
{
    const char *p = *at;
    while (isspace((unsigned char)*p) || *p == '#')
        p += *p == '#' ? strcspn(p, "\n") : 1;
    if (!*p)
        return NULL;
    char quote = *p == '"' || *p == '\'' ? *p++ : '\0';
    const char *start = p;
    while (*p && (quote ? *p != quote : !isspace((unsigned char)*p)))
        p++;
    *is_open = quote && !*p;
    *at = p + (quote && *p);
    return arena_strndup(r->arena, start, (size_t)(p - start));
}

static bool read_words(struct pki_run *r, const char *path, struct words *out, int *code)
{
    struct secret data = {0}; /* it may hold a challenge password */
    struct diag d = {0};
    bool is_open = false;
    if (!pki_read(path, &data, &d)) {
        *code = pki_fail(r, &d);
        return false;
    }
    if (data.len > OPTIONS_FILE_MAX) {
        secret_free(&data);
        *code = pki_refuse(r, "%s is larger than %d bytes", path, OPTIONS_FILE_MAX);
        return false;
    }
    const char *text = arena_strndup(r->arena, (const char *)data.ptr, data.len);
    secret_free(&data);
    out->v = arena_calloc(r->arena, PKI_ARGS_MAX + 2, sizeof(char *));
    out->v[out->n++] = arena_strdup(r->arena, path);
    for (char *word; out->n <= PKI_ARGS_MAX && (word = next_word(r, &text, &is_open));)
        out->v[out->n++] = word;
    if (is_open)
        *code = pki_refuse(r, "a quote in %s is not closed", path);
    else if (out->n > PKI_ARGS_MAX)
        *code = pki_refuse(r, "more than %d words in %s", PKI_ARGS_MAX - 1, path);
    return !is_open && out->n <= PKI_ARGS_MAX;
}

/* What getopt could not place. */
static int refuse_option(const struct pki_run *r, char **argv, int what)
{
    const char *word = argv[optind - 1];
    bool is_long = !strncmp(word, "--", 2);
    if (what == ':')
        return pki_refuse(r, "option %s of --%s wants an argument", word, r->command->name);
    if (!is_long && optopt && optopt < 256)
        return pki_refuse(r, "invalid --%s option -%c", r->command->name, optopt);
    return pki_refuse(r, "invalid --%s option %s", r->command->name, word);
}

static bool take_words(struct pki_run *r, int argc, char **argv, unsigned depth, int *code);

static bool take_file(struct pki_run *r, const char *path, unsigned depth, int *code)
{
    struct words words = {0};
    int next = optind;
    if (depth == NESTED_MAX) {
        *code = pki_refuse(r, "--options files nest deeper than %d", NESTED_MAX);
        return false;
    }
    if (!read_words(r, path, &words, code) || !take_words(r, (int)words.n, words.v, depth + 1, code))
        return false;
    optind = next;
    return true;
}

static bool take_words(struct pki_run *r, int argc, char **argv, unsigned depth, int *code)
{
    struct option longs[OPTIONS_MAX] = {0};
    char shorts[2 * OPTIONS_MAX + 3] = "+:"; /* in order; a missing argument is told apart */
    struct text t = {.buf = shorts, .cap = sizeof(shorts), .len = 2};
    size_t n = 0;
    for (const struct pki_option *o; n < OPTIONS_MAX - 1 && (o = row_at(r, n)); n++) {
        bool wants = o->kind != PKI_SWITCH;
        longs[n] = (struct option){.name = o->name, .has_arg = wants, .val = 256 + (int)n};
        text_printf(&t, wants ? "%c:" : "%c", o->letter);
    }
    optind = 0;
    opterr = 0;
    for (int c; (c = getopt_long(argc, argv, shorts, longs, NULL)) >= 0;) {
        const struct pki_option *o = c >= 256 ? row_at(r, (size_t)(c - 256)) : NULL;
        for (size_t i = 0; !o && c < 256 && row_at(r, i); i++)
            o = row_at(r, i)->letter == c ? row_at(r, i) : NULL;
        if (!o) {
            *code = refuse_option(r, argv, c);
            return false;
        }
        if (!strcmp(o->name, "options") && !take_file(r, optarg, depth, code))
            return false;
        if (!take_value(r, o, optarg, code))
            return false;
    }
    if (optind < argc) {
        *code = pki_refuse(r, "unexpected argument %s", argv[optind]);
        return false;
    }
    return true;
}

bool pki_options_parse(struct pki_run *r, int argc, char **argv, int *code)
{
    char *end = "";
    r->args = arena_calloc(r->arena, PKI_ARGS_MAX, sizeof(*r->args));
    if (!take_words(r, argc, argv, 0, code))
        return false;
    if (pki_has(r, "help")) {
        pki_usage(r, stdout);
        *code = 0;
        return false;
    }
    long debug = strtol(pki_get(r, "debug"), &end, 10);
    if (*end || debug < -1 || debug > 4) {
        *code = pki_refuse(r, "invalid --debug %s: expected -1 to 4", pki_get(r, "debug"));
        return false;
    }
    r->debug = (int)debug;
    for (size_t i = 0; row_at(r, i); i++) {
        if (!row_at(r, i)->is_required || pki_has(r, row_at(r, i)->name))
            continue;
        *code = pki_refuse(r, "--%s is required", row_at(r, i)->name);
        return false;
    }
    return true;
}

bool pki_is(const struct pki_arg *arg, const char *name)
{
    return !strcmp(arg->option->name, name);
}

static const struct pki_arg *last(const struct pki_run *r, const struct pki_option *o)
{
    for (size_t i = r->n_args; i-- > 0;) {
        if (r->args[i].option == o)
            return &r->args[i];
    }
    return NULL;
}

const char *pki_get(const struct pki_run *r, const char *name)
{
    const struct pki_option *o = row_named(r, name);
    const struct pki_arg *arg = last(r, o);
    return arg ? arg->value : o->fallback;
}

bool pki_has(const struct pki_run *r, const char *name)
{
    return last(r, row_named(r, name)) != NULL;
}

long pki_number(const struct pki_run *r, const char *name, long fallback)
{
    const struct pki_option *o = row_named(r, name);
    const struct pki_arg *arg = last(r, o);
    if (arg)
        return arg->number;
    return o->fallback ? strtol(o->fallback, NULL, 10) : fallback;
}

const char *pki_nth(const struct pki_run *r, const char *name, size_t index)
{
    const struct pki_option *o = row_named(r, name);
    for (size_t i = 0; i < r->n_args; i++) {
        if (r->args[i].option == o && index-- == 0)
            return r->args[i].value;
    }
    return NULL;
}
