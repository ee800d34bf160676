/* SPDX-License-Identifier: Apache-2.0 */
/* keyway pools [NAME]: how full the pools of virtual addresses are, and who has which address of one. */
#include "bin/keyway/cli.h"
#include <stdio.h>
#include <stdlib.h>

static const char *text_of(json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static json_t *number_of(json_t *object, const char *key)
{
    return json_integer((json_int_t)strtoull(text_of(object, key), NULL, 10));
}

static json_t *ask(struct cli *c, const char *name, struct diag *d)
{
    struct vici_writer w;
    struct span reply;
    struct vici_client *v = cli_connect(c, d);
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "get-pools");
    if (name) {
        vici_text(&w, "name", name);
        vici_text(&w, "leases", "yes");
    }
    json_t *j = NULL;
    if (v && vici_client_call(v, &w, NULL, NULL, NULL, &reply, d)) {
        j = vici_to_json(reply);
        if (!j)
            diag_set(d, FAIL_GENERIC, "the daemon sent a malformed message");
    }
    vici_write_free(&w);
    vici_client_close(v);
    return j;
}

static void print_pools(json_t *pools, bool has_color)
{
    struct cli_table t = {
        .heads = {"POOL", "FIRST ADDRESS", "SIZE", "IN USE", "REMEMBERED"},
          .n_columns = 5
    };
    const char *name;
    json_t *pool;
    if (!json_object_size(pools)) {
        fprintf(stderr, "no pools are loaded\n");
        return;
    }
    json_object_foreach(pools, name, pool)
    {
        bool is_full = atoll(text_of(pool, "online")) >= atoll(text_of(pool, "size"));
        cli_table_row(&t);
        cli_table_cell(&t, 0, CLI_PLAIN, "%s", name);
        cli_table_cell(&t, 1, CLI_PLAIN, "%s", *text_of(pool, "base") ? text_of(pool, "base") : "-");
        cli_table_cell(&t, 2, CLI_PLAIN, "%s", text_of(pool, "size"));
        cli_table_cell(&t, 3, is_full && *text_of(pool, "base") ? CLI_RED : CLI_PLAIN, "%s",
                       text_of(pool, "online"));
        cli_table_cell(&t, 4, CLI_PLAIN, "%s", text_of(pool, "offline"));
    }
    cli_table_print(&t, has_color);
}

static void print_leases(json_t *pool, bool has_color)
{
    struct cli_table t = {
        .heads = {"ADDRESS", "IDENTITY", "STATE"},
          .n_columns = 3
    };
    const char *index;
    json_t *lease;
    json_object_foreach(json_object_get(pool, "leases"), index, lease)
    {
        bool is_online = strcmp(text_of(lease, "status"), "online") == 0;
        cli_table_row(&t);
        cli_table_cell(&t, 0, CLI_PLAIN, "%s", text_of(lease, "address"));
        cli_table_cell(&t, 1, CLI_PLAIN, "%s", text_of(lease, "identity"));
        cli_table_cell(&t, 2, is_online ? CLI_GREEN : CLI_PLAIN, "%s", is_online ? "in use" : "remembered");
    }
    if (t.n_rows)
        cli_table_print(&t, has_color);
    if (*text_of(pool, "leases-left-out"))
        printf("and %s more\n", text_of(pool, "leases-left-out"));
}

/* {"pools":[{"name","base","size","online","offline","leases"?:[{"address","identity","status"}]}]} */
static json_t *model_of(json_t *pools)
{
    json_t *all = json_array(), *pool, *lease;
    const char *name, *index;
    json_object_foreach(pools, name, pool)
    {
        json_t *j = json_pack("{s:s,s:s,s:o,s:o,s:o}", "name", name, "base", text_of(pool, "base"), "size",
                              number_of(pool, "size"), "online", number_of(pool, "online"), "offline",
                              number_of(pool, "offline"));
        json_t *leases = json_object_get(pool, "leases"), *list = json_array();
        json_object_foreach(leases, index, lease) json_array_append(list, lease);
        if (leases)
            json_object_set(j, "leases", list);
        json_decref(list);
        json_array_append_new(all, j);
    }
    return json_pack("{s:o}", "pools", all);
}

int cmd_pools(struct cli *c)
{
    struct diag d = {0};
    const char *name = c->argc ? c->argv[0] : NULL;
    if (c->argc > 1)
        return cli_usage("keyway pools [NAME]");
    json_t *pools = ask(c, name, &d);
    if (!pools)
        return cli_fail(c, NULL, &d);
    if (name && !json_object_get(pools, name)) {
        json_decref(pools);
        diag_set(&d, FAIL_NOT_FOUND, "there is no pool %s", name);
        return cli_fail(c, NULL, &d);
    }
    if (c->has_json) {
        cli_print_json(model_of(pools));
    } else {
        print_pools(pools, c->has_color);
        if (name)
            print_leases(json_object_get(pools, name), c->has_color);
    }
    json_decref(pools);
    return 0;
}
