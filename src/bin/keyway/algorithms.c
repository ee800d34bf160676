/* SPDX-License-Identifier: Apache-2.0 */
/* keyway status --algorithms: which library of the running daemon serves each algorithm and key length. */
#include "bin/keyway/cli.h"
#include <stdio.h>
#include <stdlib.h>

static const char *const kinds[] = {"encryption", "integrity", "prf", "key-exchange", "signature"};

static const char *text_of(json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

enum { COL_NAME, COL_BITS, COL_ESP, COL_IKE, COL_NOTE, COLUMNS };

static void library_cell(struct cli_table *t, size_t column, json_t *row, const char *key)
{
    const char *library = text_of(row, key);
    if (!json_object_get(row, key))
        cli_table_cell(t, column, CLI_PLAIN, "-");
    else if (*library)
        cli_table_cell(t, column, CLI_PLAIN, "%s", library);
    else
        cli_table_cell(t, column, CLI_RED, "not available");
}

static void add_row(struct cli_table *t, json_t *row)
{
    const char *but = text_of(row, "but"), *lacks = text_of(row, "but-lacks");
    bool is_weak = !strcmp(text_of(row, "weak"), "yes");
    cli_table_row(t);
    cli_table_cell(t, COL_NAME, CLI_PLAIN, "%s", text_of(row, "name"));
    cli_table_cell(t, COL_BITS, CLI_PLAIN, "%s", text_of(row, "key-bits"));
    library_cell(t, COL_ESP, row, "esp");
    library_cell(t, COL_IKE, row, "ike");
    cli_table_cell(t, COL_NOTE, CLI_PLAIN, "%s%s%s%s%s", is_weak ? "only when named" : "",
                   is_weak && *lacks ? "; " : "", but, *but ? ": " : "", lacks);
}

static void print_text(json_t *reply, bool has_color)
{
    json_t *v, *row;
    const char *key;
    bool is_first = true;
    json_object_foreach(json_object_get(reply, "libraries"), key, v)
    {
        const char *version = json_string_value(v);
        printf("%s%s %s", is_first ? "" : ", ", key, *version ? version : "(not there)");
        is_first = false;
    }
    printf("\n");
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct cli_table t = {
            .heads = {kinds[i], "KEY BITS", "ESP", "IKE", ""},
              .n_columns = COLUMNS
        };
        json_object_foreach(json_object_get(reply, kinds[i]), key, row) add_row(&t, row);
        printf("\n");
        cli_table_print(&t, has_color);
    }
}

static void copy_library(json_t *to, json_t *row, const char *key)
{
    const char *library = text_of(row, key);
    if (json_object_get(row, key))
        json_object_set_new(to, key, *library ? json_string(library) : json_null());
}

/* {"libraries":[{"name","version"}],"algorithms":[{"kind","name","key_bits"?,"esp"?,"ike"?,"weak","but"?:
 * {"library"?,"lacks"}}]}. esp and ike: a library, or null where none serves what can be negotiated. */
static json_t *model_of(json_t *reply)
{
    json_t *libraries = json_array(), *all = json_array(), *v, *row;
    const char *key;
    json_object_foreach(json_object_get(reply, "libraries"), key, v)
    {
        const char *version = json_string_value(v);
        json_array_append_new(libraries,
                              json_pack("{s:s,s:s?}", "name", key, "version", *version ? version : NULL));
    }
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        json_object_foreach(json_object_get(reply, kinds[i]), key, row)
        {
            json_t *j = json_pack("{s:s,s:s,s:b}", "kind", kinds[i], "name", text_of(row, "name"), "weak",
                                  !strcmp(text_of(row, "weak"), "yes"));
            const char *bits = text_of(row, "key-bits"), *but = text_of(row, "but");
            if (*bits)
                json_object_set_new(j, "key_bits", json_integer(strtol(bits, NULL, 10)));
            copy_library(j, row, "esp");
            copy_library(j, row, "ike");
            if (json_object_get(row, "but-lacks"))
                json_object_set_new(j, "but",
                                    json_pack("{s:s?,s:s}", "library", *but ? but : NULL, "lacks",
                                              text_of(row, "but-lacks")));
            json_array_append_new(all, j);
        }
    }
    return json_pack("{s:o,s:o}", "libraries", libraries, "algorithms", all);
}

int cmd_algorithms(struct cli *c)
{
    struct diag d = {0};
    struct vici_client *v = cli_connect(c, &d);
    json_t *reply = v ? cli_ask(v, "keyway-algorithms", &d) : NULL;
    vici_client_close(v);
    if (!reply)
        return cli_fail(c, NULL, &d);
    if (c->has_json)
        cli_print_json(model_of(reply));
    else
        print_text(reply, c->has_color);
    json_decref(reply);
    return 0;
}
