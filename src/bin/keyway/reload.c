/* SPDX-License-Identifier: Apache-2.0 */
/* keyway reload: all errors of the files by line, or what has changed and the number of tunnels that are in
 * force now. */
#include "bin/keyway/cli.h"
#include <stdio.h>
#include <stdlib.h>

static const char *text_of(json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static void print_error(json_t *e)
{
    static const char *const keys[] = {"expected", "got", "try"};
    const char *where = text_of(e, "where");
    fprintf(stderr, "%s%s%s\n", where, *where ? ": " : "", text_of(e, "what"));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (*text_of(e, keys[i]))
            fprintf(stderr, "  %-8s  %s\n", keys[i], text_of(e, keys[i]));
    }
}

/* The reply in the form that all commands share: typed, errors as an array. */
static json_t *typed(json_t *reply, bool ok)
{
    json_t *errors = json_array(), *error;
    const char *key;
    json_object_foreach(json_object_get(reply, "errors"), key, error)
    {
        json_object_set_new(error, "class", json_integer(atoi(text_of(error, "class"))));
        json_array_append(errors, error);
    }
    json_t *j = json_pack("{s:b,s:o}", "success", ok, "errors", errors);
    if (ok)
        json_object_set_new(j, "connections", json_integer(atoi(text_of(reply, "connections"))));
    if (ok && json_object_get(reply, "changes"))
        json_object_set(j, "changes", json_object_get(reply, "changes"));
    return j;
}

static void print_changes(const json_t *changes)
{
    size_t i;
    const json_t *line;
    json_array_foreach(changes, i, line) fprintf(stderr, "%s\n", json_string_value(line));
}

int cmd_reload(struct cli *c)
{
    struct diag d = {0};
    if (c->argc != 0)
        return cli_usage("keyway reload");
    struct vici_client *v = cli_connect(c, &d);
    json_t *reply = v ? cli_ask(v, "keyway-reload", &d) : NULL, *error;
    vici_client_close(v);
    if (!reply)
        return cli_fail(c, NULL, &d);
    bool ok = !strcmp(text_of(reply, "success"), "yes");
    const char *key, *n = text_of(reply, "connections");
    json_object_foreach(json_object_get(reply, "errors"), key, error) print_error(error);
    if (ok && !c->is_quiet)
        print_changes(json_object_get(reply, "changes"));
    if (!ok)
        fprintf(stderr, "keyway: %s\n", text_of(reply, "errmsg"));
    else if (!c->is_quiet)
        fprintf(stderr, "%s tunnel%s loaded\n", n, strcmp(n, "1") ? "s are" : " is");
    if (c->has_json)
        cli_print_json(typed(reply, ok));
    json_decref(reply);
    return ok ? 0 : FAIL_CONFIG;
}
