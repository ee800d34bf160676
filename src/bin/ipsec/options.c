/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of an `ipsec` command: --name VALUE and --name=VALUE, switches, and operands between them;
 * -x VALUE where a name is a letter. */
#include "bin/ipsec/ipsec.h"
#include <stdlib.h>

static const struct ipsec_option *find(const struct ipsec_command *c, const char *name, size_t len)
{
    const struct ipsec_option *o;
    for (o = c->options; o && o->name; o++) {
        if (strlen(o->name) == len && !memcmp(o->name, name, len))
            return o;
    }
    for (size_t i = 0; (o = ipsec_common_at(c, i)); i++) {
        if (strlen(o->name) == len && !memcmp(o->name, name, len))
            return o;
    }
    return NULL;
}

static bool refuse(const struct ipsec_run *r, int *code, const char *what, const char *word)
{
    *code = ipsec_refuse(r, r->command->usage_code, "%s `%s'", what, word);
    ipsec_usage(r->command, stderr);
    return false;
}

/* words[0] is the option; *used: how many words it took. */
static bool take_option(struct ipsec_run *r, char **words, int n_words, int *used, int *code)
{
    const char *name = words[0] + (words[0][1] == '-' ? 2 : 1), *equals = strchr(name, '=');
    const struct ipsec_option *o = find(r->command, name, equals ? (size_t)(equals - name) : strlen(name));
    *used = o && o->argument && !equals ? 2 : 1;
    if (!o)
        return refuse(r, code, "unknown option", words[0]);
    if (*used > n_words || (equals && !o->argument))
        return refuse(r, code, equals ? "no value belongs to" : "a value is missing after", words[0]);
    if (r->n_options == IPSEC_OPTIONS_MAX)
        return refuse(r, code, "too many options: not taken is", words[0]);
    r->option[r->n_options] = o;
    r->value[r->n_options++] = equals ? equals + 1 : o->argument ? words[1] : NULL;
    return true;
}

static void choose_folder(struct ipsec_run *r)
{
    struct paths *p = &r->paths;
    p->etc = ipsec_get(r, "etc");
    p->run = ipsec_get(r, "run");
    p->state = ipsec_get(r, "state");
    p->vici = ipsec_get(r, "vici");
    p->nssdir = ipsec_get(r, "nssdir");
    paths_complete(p);
    r->is_default_folder = !p->nssdir;
    keystore_folder(p, NULL, r->folder);
}

static bool takes_operands(const struct ipsec_command *c)
{
    return c->operands || c->names != NAMES_NONE;
}

bool ipsec_options_parse(struct ipsec_run *r, int argc, char **argv, int *code)
{
    int used;
    for (int i = 1; i < argc; i += used) {
        used = 1;
        if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
            ipsec_usage(r->command, stdout);
            *code = 0;
            return false;
        }
        bool is_letter = argv[i][0] == '-' && argv[i][1] && !argv[i][2];
        if (!strncmp(argv[i], "--", 2) || is_letter) {
            if (!take_option(r, argv + i, argc - i, &used, code))
                return false;
        } else if (!takes_operands(r->command) || r->n_operands == IPSEC_OPERANDS_MAX) {
            return refuse(r, code, "unexpected", argv[i]);
        } else {
            r->operand[r->n_operands++] = argv[i];
        }
    }
    choose_folder(r);
    return true;
}

bool ipsec_has(const struct ipsec_run *r, const char *name)
{
    for (size_t i = 0; i < r->n_options; i++) {
        if (!strcmp(r->option[i]->name, name))
            return true;
    }
    return false;
}

const char *ipsec_get(const struct ipsec_run *r, const char *name)
{
    for (size_t i = r->n_options; i > 0; i--) {
        if (!strcmp(r->option[i - 1]->name, name))
            return r->value[i - 1];
    }
    return NULL;
}

bool ipsec_number(const struct ipsec_run *r, const char *name, long fallback, long *out)
{
    const char *text = ipsec_get(r, name);
    char *end;
    *out = fallback;
    if (!text)
        return true;
    *out = strtol(text, &end, 10);
    if (*text >= '0' && *text <= '9' && !*end && *out <= INT32_MAX)
        return true;
    ipsec_refuse(r, 1, "--%s %s: it is no number", name, text);
    return false;
}
