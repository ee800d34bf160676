/* SPDX-License-Identifier: Apache-2.0 */
/* keyway config explain KEY: every key of that name, of every dialect, as the schema has it. */
#include "conf/explain.h"
#include "bin/keyway/cli.h"
#include "conf/strongswan_options.h"
#include <stdio.h>

static void put_line(const char *label, const char *text)
{
    if (text && *text)
        printf("  %-9s %s\n", label, text);
}

static void put_text(const struct cli *c, const struct explanation *e, bool is_first)
{
    printf("%s%s%s%s   %s in %s%s%s%s\n", is_first ? "" : "\n", cli_color_on(c->has_color, CLI_BOLD), e->key,
           cli_color_off(c->has_color), e->section, e->file, e->whose ? " (" : "", e->whose ? e->whose : "",
           e->whose ? ")" : "");
    printf("  %s\n", e->row->doc);
    put_line("also:", e->also);
    put_line("takes:", e->takes);
    put_line("default:", e->def);
    if (!*e->def && *e->def_libreswan)
        printf("  %-9s %s (Libreswan)\n", "default:", e->def_libreswan);
    if (!*e->def && *e->def_strongswan)
        printf("  %-9s %s (strongSwan)\n", "default:", e->def_strongswan);
    put_line("becomes:", e->becomes);
    put_line("effect:", e->effect);
}

static json_t *text_or_null(const char *text)
{
    return text && *text ? json_string(text) : json_null();
}

static json_t *model_of(const struct explanation *e)
{
    const struct schema_row *r = e->row;
    json_t *j = json_pack("{s:s,s:o,s:s,s:s,s:o,s:s,s:s}", "key", e->key, "aliases", text_or_null(e->also),
                          "file", e->file, "section", e->section, "dialects", text_or_null(e->whose), "kind",
                          e->kind, "takes", e->takes);
    json_t *words = json_array();
    for (const struct schema_word *w = r->words; w && w->word; w++)
        json_array_append_new(words, json_pack("{s:s,s:b}", "word", w->word, "taken", !w->refused));
    json_object_set_new(j, "words", words);
    json_object_set_new(j, "default", text_or_null(e->def));
    json_object_set_new(j, "default_libreswan", text_or_null(e->def_libreswan));
    json_object_set_new(j, "default_strongswan", text_or_null(e->def_strongswan));
    json_object_set_new(j, "becomes", text_or_null(e->becomes));
    json_object_set_new(j, "effective", json_boolean(e->is_effective));
    json_object_set_new(j, "effect", json_string(e->effect));
    json_object_set_new(j, "doc", json_string(r->doc));
    return j;
}

static int not_found(struct cli *c, const char *word)
{
    const char *near[EXPLAIN_NEAR];
    struct diag d = {0};
    char text[256] = "";
    struct text t = TEXT_ON(text);
    size_t n = explain_near(word, near);
    diag_set(&d, FAIL_NOT_FOUND, "there is no key '%.100s'", word);
    for (size_t i = 0; i < n; i++)
        text_printf(&t, "%s%s'%s'", i ? (i + 1 < n ? ", " : " or ") : "", i ? "" : "did you mean ", near[i]);
    if (n)
        diag_try(&d, "%s?", text);
    return cli_fail(c, NULL, &d);
}

/* What strongSwan has and Keyway has not. Returns how many there are of the name. */
static size_t put_others(const struct cli *c, const char *word, json_t *all)
{
    static const char doc[] = "an option of strongSwan's, which is named in the log when it is set";
    static const char effect[] = "none: it is not built, or has nothing to do here";
    char path[256];
    size_t n = 0;
    for (size_t at = 0;; n++) {
        struct text t = TEXT_ON(path);
        path[0] = 0;
        if (!strongswan_next(word, &at, &t))
            return n;
        if (c->has_json) {
            json_array_append_new(all,
                                  json_pack("{s:s,s:s,s:b,s:s,s:s}", "key", path, "file", "strongswan.conf",
                                            "effective", 0, "effect", effect, "doc", doc));
            continue;
        }
        printf("%s%s%s%s   strongswan.conf\n  %s\n", n ? "\n" : "", cli_color_on(c->has_color, CLI_BOLD),
               path, cli_color_off(c->has_color), doc);
        put_line("effect:", effect);
    }
}

int cmd_config_explain(struct cli *c, const char *word)
{
    const struct schema_row *r;
    struct explanation e;
    json_t *all = json_array();
    size_t at = 0, n = 0;
    for (; (r = explain_next(word, &at)); n++) {
        explain_row(r, &e);
        if (c->has_json)
            json_array_append_new(all, model_of(&e));
        else
            put_text(c, &e, n == 0);
    }
    if (!n)
        n = put_others(c, word, all);
    if (n && c->has_json)
        cli_print_json(json_pack("{s:O}", "keys", all));
    json_decref(all);
    return n ? 0 : not_found(c, word);
}
