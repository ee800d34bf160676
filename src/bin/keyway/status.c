/* SPDX-License-Identifier: Apache-2.0 */
/* keyway status [NAME]: one line for each child, or with NAME everything about one tunnel;
 * --algorithms is in algorithms.c. */
#include "bin/keyway/status.h"
#include <stdio.h>
#include <stdlib.h>

static const char *text_of(json_t *object, const char *key)
{
    const char *s = json_string_value(json_object_get(object, key));
    return s ? s : "";
}

static int64_t number_of(json_t *object, const char *key)
{
    return json_integer_value(json_object_get(object, key));
}

static enum cli_color color_of(const char *state)
{
    if (!strcmp(state, "up"))
        return CLI_GREEN;
    return !strcmp(state, "connecting") || !strcmp(state, "waiting") ? CLI_YELLOW : CLI_RED;
}

/* The items of an array, with ", " between. */
static const char *join(json_t *array, char *buf, size_t cap)
{
    size_t i, len = 0;
    json_t *v;
    buf[0] = '\0';
    json_array_foreach(array, i, v)
    {
        int n = snprintf(buf + len, cap - len, "%s%s", i ? ", " : "", json_string_value(v));
        if (n < 0 || (size_t)n >= cap - len)
            break;
        len += (size_t)n;
    }
    return buf;
}

/* ---- the table */

enum { COL_NAME, COL_STATE, COL_PEER, COL_CHILD, COL_IN, COL_OUT, COL_REKEY, COLUMNS };

static void begin_row(struct cli_table *t, json_t *connection, const char *peer, bool is_first)
{
    const char *state = text_of(connection, "state");
    cli_table_row(t);
    if (!is_first)
        return;
    cli_table_cell(t, COL_NAME, CLI_PLAIN, "%s", text_of(connection, "name"));
    cli_table_cell(t, COL_STATE, color_of(state), "%s", state);
    cli_table_cell(t, COL_PEER, CLI_PLAIN, "%s", peer);
}

static void child_cells(struct cli_table *t, json_t *child)
{
    char text[32];
    cli_table_cell(t, COL_CHILD, CLI_PLAIN, "%s", text_of(child, "name"));
    cli_table_cell(t, COL_IN, CLI_PLAIN, "%s", cli_bytes(number_of(child, "bytes_in"), text));
    cli_table_cell(t, COL_OUT, CLI_PLAIN, "%s", cli_bytes(number_of(child, "bytes_out"), text));
    if (json_object_get(child, "rekey_in_seconds"))
        cli_table_cell(t, COL_REKEY, CLI_PLAIN, "%s",
                       cli_duration(number_of(child, "rekey_in_seconds"), text));
}

static void connection_rows(struct cli_table *t, json_t *connection)
{
    json_t *ike, *child, *failure = json_object_get(connection, "failure");
    size_t i, k;
    bool is_first = true;
    char peers[128];
    json_array_foreach(json_object_get(connection, "ike"), i, ike)
    {
        json_array_foreach(json_object_get(ike, "children"), k, child)
        {
            begin_row(t, connection, text_of(ike, "remote_address"), is_first);
            child_cells(t, child);
            is_first = false;
        }
    }
    if (!is_first)
        return;
    begin_row(t, connection, join(json_object_get(connection, "peer_addresses"), peers, sizeof(peers)), true);
    if (!strcmp(text_of(connection, "state"), "waiting"))
        cli_table_cell(t, COL_CHILD, CLI_PLAIN, "%s for a packet",
                       join(json_object_get(connection, "traps"), peers, sizeof(peers)));
    else if (failure)
        cli_table_cell(t, COL_CHILD, CLI_RED, "%s", text_of(failure, "what"));
}

static void print_table(json_t *model, bool has_color)
{
    struct cli_table t = {
        .heads = {"TUNNEL", "STATE", "PEER", "CHILD", "IN", "OUT", "REKEY IN"},
          .n_columns = COLUMNS
    };
    json_t *connection;
    size_t i;
    json_array_foreach(json_object_get(model, "connections"), i, connection) connection_rows(&t, connection);
    if (t.n_rows)
        cli_table_print(&t, has_color);
    else
        fprintf(stderr, "no tunnels are loaded\n");
}

/* ---- one tunnel */

/* "CURVE_25519+ML_KEM_768" */
static const char *key_exchanges(json_t *sa, char *buf, size_t cap)
{
    size_t i, len = (size_t)snprintf(buf, cap, "%s", text_of(sa, "key_exchange"));
    json_t *one;
    json_array_foreach(json_object_get(sa, "additional_key_exchanges"), i, one)
    {
        if (len < cap)
            len += (size_t)snprintf(buf + len, cap - len, "+%s", json_string_value(one));
    }
    return buf;
}

static void print_child(json_t *child)
{
    static const struct {
        const char *key, *label;
    } numbers[] = {
        {"mark_in",   "mark in"      },
        {"mark_out",  "mark out"     },
        {"if_id_in",  "interface in" },
        {"if_id_out", "interface out"}
    };
    char kex[256];
    char local[256], remote[256], in[32], out[32], rekey[32];
    printf("  child %s #%lld  %s %s  %s%s\n", text_of(child, "name"), (long long)number_of(child, "id"),
           text_of(child, "state"), text_of(child, "mode"), text_of(child, "protocol"),
           json_is_true(json_object_get(child, "udp_encapsulation"))   ? " in UDP"
           : json_is_true(json_object_get(child, "tcp_encapsulation")) ? " in TCP"
                                                                       : "");
    printf("    %s === %s\n", join(json_object_get(child, "local"), local, sizeof(local)),
           join(json_object_get(child, "remote"), remote, sizeof(remote)));
    printf("    %s%s%s%s  SPI in %s out %s\n", text_of(child, "cipher"),
           *text_of(child, "key_exchange") ? "/" : "", key_exchanges(child, kex, sizeof(kex)),
           json_is_true(json_object_get(child, "esn")) ? " ESN" : "", text_of(child, "spi_in"),
           text_of(child, "spi_out"));
    if (*text_of(child, "cpi_in"))
        printf("    compressed (IPComp, DEFLATE)  CPI in %s out %s\n", text_of(child, "cpi_in"),
               text_of(child, "cpi_out"));
    printf("    dataplane: %s", text_of(child, "dataplane"));
    for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++) {
        if (*text_of(child, numbers[i].key))
            printf("  %s 0x%s", numbers[i].label, text_of(child, numbers[i].key));
    }
    if (json_object_get(child, "cpu"))
        printf("  CPU %lld", (long long)number_of(child, "cpu"));
    else if (json_is_true(json_object_get(child, "per_cpu")))
        fputs("  all CPUs that have no SA of their own", stdout);
    putchar('\n');
    if (*text_of(child, "tfc_padding"))
        printf("    packets are padded to %s\n", strcmp(text_of(child, "tfc_padding"), "mtu") == 0
                                                     ? "the path's MTU"
                                                     : text_of(child, "tfc_padding"));
    if (*text_of(child, "dscp"))
        printf("    sends DSCP %s\n", text_of(child, "dscp"));
    printf("    in %s (%lld packets)  out %s (%lld packets)", cli_bytes(number_of(child, "bytes_in"), in),
           (long long)number_of(child, "packets_in"), cli_bytes(number_of(child, "bytes_out"), out),
           (long long)number_of(child, "packets_out"));
    if (json_object_get(child, "rekey_in_seconds"))
        printf("  rekey in %s", cli_duration(number_of(child, "rekey_in_seconds"), rekey));
    putchar('\n');
}

/* What there is for the case that one of the two ends is lost, or was. */
static void print_recovery(json_t *ike)
{
    char left[32];
    if (*text_of(ike, "redirected_from"))
        printf("    redirected by %s\n", text_of(ike, "redirected_from"));
    if (json_is_true(json_object_get(ike, "resumed")))
        printf("    resumed with a session ticket\n");
    if (*text_of(ike, "ticket"))
        printf("    session ticket %s, good for %s\n", text_of(ike, "ticket"),
               cli_duration(number_of(ike, "ticket_expires_in_seconds"), left));
    if (json_is_true(json_object_get(ike, "crash_detection")))
        printf("    crash detection agreed on\n");
}

static void print_ike(json_t *ike)
{
    char age[32], rekey[32], vips[256], kex[256];
    json_t *child;
    size_t i;
    printf("  IKE #%lld  %s  %s:%lld [%s] %s %s:%lld [%s]%s%s\n", (long long)number_of(ike, "id"),
           text_of(ike, "state"), text_of(ike, "local_address"), (long long)number_of(ike, "local_port"),
           text_of(ike, "local_id"), json_is_true(json_object_get(ike, "is_initiator")) ? "->" : "<-",
           text_of(ike, "remote_address"), (long long)number_of(ike, "remote_port"),
           text_of(ike, "remote_id"), json_is_true(json_object_get(ike, "nat")) ? "  NAT" : "",
           json_is_true(json_object_get(ike, "remote_unproven")) ? "  NOT AUTHENTICATED" : "");
    if (*text_of(ike, "cipher"))
        printf("    %s/%s/%s%s", text_of(ike, "cipher"), text_of(ike, "prf"),
               key_exchanges(ike, kex, sizeof(kex)),
               json_is_true(json_object_get(ike, "ppk")) ? " with PPK" : "");
    if (json_object_get(ike, "age_seconds"))
        printf("  for %s", cli_duration(number_of(ike, "age_seconds"), age));
    if (json_object_get(ike, "rekey_in_seconds"))
        printf("  rekey in %s", cli_duration(number_of(ike, "rekey_in_seconds"), rekey));
    putchar('\n');
    if (json_object_get(ike, "virtual_addresses"))
        printf("    our virtual address %s\n",
               join(json_object_get(ike, "virtual_addresses"), vips, sizeof(vips)));
    if (json_object_get(ike, "peer_virtual_addresses"))
        printf("    the peer's virtual address %s\n",
               join(json_object_get(ike, "peer_virtual_addresses"), vips, sizeof(vips)));
    print_recovery(ike);
    json_array_foreach(json_object_get(ike, "children"), i, child) print_child(child);
}

static void print_failure(json_t *failure)
{
    static const char *const keys[] = {"what", "expected", "got", "where", "try"};
    if (!failure)
        return;
    printf("  last failure\n");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (*text_of(failure, keys[i]))
            printf("    %-8s  %s\n", keys[i], text_of(failure, keys[i]));
    }
}

static void print_one(json_t *connection, bool has_color)
{
    const char *state = text_of(connection, "state");
    json_t *ike;
    size_t i;
    printf("%s: %s%s%s\n", text_of(connection, "name"), cli_color_on(has_color, color_of(state)), state,
           cli_color_off(has_color));
    json_array_foreach(json_object_get(connection, "ike"), i, ike) print_ike(ike);
    char traps[256];
    if (json_object_get(connection, "traps"))
        printf("  comes with a packet: %s\n",
               join(json_object_get(connection, "traps"), traps, sizeof(traps)));
    print_failure(json_object_get(connection, "failure"));
}

/* ---- the command */

static json_t *ask_all(struct cli *c, struct diag *d)
{
    struct vici_client *v = cli_connect(c, d);
    json_t *daemon = v ? cli_ask(v, "keyway-status", d) : NULL;
    json_t *connections = daemon ? cli_list(v, "list-conns", "list-conn", d) : NULL;
    json_t *sas = connections ? cli_list(v, "list-sas", "list-sa", d) : NULL;
    json_t *policies = sas ? cli_list(v, "list-policies", "list-policy", d) : NULL;
    json_t *model = policies ? status_model(daemon, connections, sas, policies) : NULL;
    json_decref(daemon);
    json_decref(connections);
    json_decref(sas);
    json_decref(policies);
    vici_client_close(v);
    return model;
}

/* Keeps only the connection of that name in the model. */
static bool keep_one(json_t *model, const char *name)
{
    json_t *all = json_object_get(model, "connections"), *connection, *one = json_array();
    size_t i;
    json_array_foreach(all, i, connection)
    {
        if (!strcmp(text_of(connection, "name"), name))
            json_array_append(one, connection);
    }
    bool is_found = json_array_size(one) > 0;
    json_object_set_new(model, "connections", one);
    return is_found;
}

int cmd_status(struct cli *c)
{
    struct diag d = {0};
    if (c->argc > 1 || (c->argc && c->has_algorithms))
        return cli_usage("keyway status [NAME], or keyway status --algorithms");
    if (c->has_algorithms)
        return cmd_algorithms(c);
    json_t *model = ask_all(c, &d);
    if (!model)
        return cli_fail(c, NULL, &d);
    if (c->argc && !keep_one(model, c->argv[0])) {
        json_decref(model);
        diag_set(&d, FAIL_NOT_FOUND, "there is no tunnel %s", c->argv[0]);
        diag_try(&d, "keyway status");
        return cli_fail(c, NULL, &d);
    }
    json_t *one = json_array_get(json_object_get(model, "connections"), 0);
    if (c->has_json) {
        cli_print_json(model);
        return 0;
    }
    if (c->argc)
        print_one(one, c->has_color);
    else
        print_table(model, c->has_color);
    if (!c->argc)
        cli_print_kernel_counters(json_object_get(
            json_object_get(json_object_get(model, "daemon"), "dataplane"), "kernel_counters"));
    json_decref(model);
    return 0;
}
