/* SPDX-License-Identifier: Apache-2.0 */
/* Connections to the daemon, its answers, and how failures are told. */
#include "bin/keyway/cli.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

int cli_usage(const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fputs("keyway: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    return FAIL_USAGE;
}

struct vici_client *cli_connect(struct cli *c, struct diag *d)
{
    char path[PATH_TEXT_MAX];
    struct vici_client *v =
        vici_client_open(c->paths.vici ? c->paths.vici : paths_run(&c->paths, "keyway.vici", path), d);
    if (v)
        vici_client_extend(v);
    return v;
}

json_t *cli_diag_json(const struct diag *d)
{
    const struct {
        const char *key, *text;
    } rows[] = {
        {"what",     d->what    },
        {"expected", d->expected},
        {"got",      d->got     },
        {"where",    d->where   },
        {"try",      d->try     },
    };
    json_t *j = json_object();
    json_object_set_new(j, "class", json_integer(d->class));
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].text[0])
            json_object_set_new(j, rows[i].key, json_string(rows[i].text));
    }
    return j;
}

void cli_print_json(json_t *members)
{
    json_t *whole = json_object();
    json_object_set_new(whole, "schema", json_integer(CLI_SCHEMA));
    json_object_update(whole, members);
    json_decref(members);
    json_dumpf(whole, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(whole);
}

int cli_fail(const struct cli *c, const char *subject, const struct diag *d)
{
    const struct {
        const char *label, *text;
    } rows[] = {
        {"expected", d->expected},
        {"got",      d->got     },
        {"where",    d->where   },
        {"try",      d->try     },
    };
    if (c->has_json)
        cli_print_json(json_pack("{s:b,s:o}", "success", 0, "error", cli_diag_json(d)));
    fprintf(stderr, "keyway: %s%s%s\n", subject ? subject : "", subject ? ": " : "", d->what);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].text[0])
            fprintf(stderr, "  %-8s  %s\n", rows[i].label, rows[i].text);
    }
    return d->class ? (int)d->class : FAIL_GENERIC;
}

/* ---- questions */

static void collect(void *ctx, struct span body)
{
    json_t *section = vici_to_json(body), *all = ctx, *value;
    const char *key;
    json_object_foreach(section, key, value)
        json_array_append_new(all, json_pack("{s:s,s:O}", "name", key, "body", value));
    json_decref(section);
}

json_t *cli_list(struct vici_client *v, const char *command, const char *event, struct diag *d)
{
    struct vici_writer w;
    struct span reply;
    json_t *all = json_array();
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, command);
    bool ok = vici_client_call(v, &w, event, collect, all, &reply, d) && vici_reply_ok(reply, d);
    vici_write_free(&w);
    if (ok)
        return all;
    json_decref(all);
    return NULL;
}

json_t *cli_ask(struct vici_client *v, const char *command, struct diag *d)
{
    struct vici_writer w;
    struct span reply;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, command);
    bool ok = vici_client_call(v, &w, NULL, NULL, NULL, &reply, d);
    vici_write_free(&w);
    if (!ok)
        return NULL;
    json_t *j = vici_to_json(reply);
    if (!j)
        diag_set(d, FAIL_GENERIC, "the daemon sent a malformed message");
    return j;
}

/* ---- commands that take their time */

struct progress {
    const struct cli *cli;
    struct timespec began;
};

static void show_line(void *ctx, struct span body)
{
    struct progress *p = ctx;
    struct timespec now;
    char msg[1024], group[8] = "";
    vici_find_text(body, "group", group, sizeof(group));
    bool is_of_messages = strcmp(group, "ENC") == 0 || strcmp(group, "NET") == 0; /* for keyway log */
    if (p->cli->is_quiet || is_of_messages || !vici_find_text(body, "msg", msg, sizeof(msg)))
        return;
    char *detail = strstr(msg, "; ");
    if (detail && vici_find_number(body, "level", 1) == 0)
        *detail = '\0'; /* the whole reason follows in the answer */
    clock_gettime(CLOCK_MONOTONIC, &now);
    double seconds = (double)(now.tv_sec - p->began.tv_sec) + (double)(now.tv_nsec - p->began.tv_nsec) / 1e9;
    if (p->cli->is_terminal)
        fprintf(stderr, "%7.3fs  %s\n", seconds, msg);
    else
        fprintf(stderr, "%s\n", msg);
}

bool cli_control_send(struct cli *c, struct vici_client *v, struct vici_writer *w, struct span *reply,
                      struct diag *d)
{
    struct progress p = {.cli = c};
    clock_gettime(CLOCK_MONOTONIC, &p.began);
    return vici_client_call(v, w, "control-log", show_line, &p, reply, d) && vici_reply_ok(*reply, d);
}

bool cli_control(struct cli *c, struct vici_client *v, const char *command, const char *connection,
                 const char *child, struct span *reply, struct diag *d)
{
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, command);
    if (child)
        vici_text(&w, "child", child);
    if (connection)
        vici_text(&w, "ike", connection);
    if (c->timeout_ms)
        vici_printf(&w, "timeout", "%lld", (long long)c->timeout_ms);
    vici_flag(&w, "force", c->is_forced);
    bool ok = cli_control_send(c, v, &w, reply, d);
    vici_write_free(&w);
    return ok;
}

int cli_succeed(struct cli *c, const char *done)
{
    if (c->has_json)
        cli_print_json(json_pack("{s:b,s:s}", "success", 1, "name", c->argv[0]));
    if (!c->is_quiet)
        fprintf(stderr, "%s %s\n", c->argv[0], done);
    return 0;
}

int cli_control_named(struct cli *c, const char *usage, const char *command, const char *done)
{
    struct diag d = {0};
    struct cli_target t;
    struct span reply;
    if (c->argc != 1)
        return cli_usage("%s", usage);
    struct vici_client *v = cli_connect(c, &d);
    json_t *connections = v ? cli_list(v, "list-conns", "list-conn", &d) : NULL;
    bool ok = connections && cli_find_target(connections, c->argv[0], &t, &d) &&
              cli_control(c, v, command, t.connection, t.child, &reply, &d);
    json_decref(connections);
    vici_client_close(v);
    return ok ? cli_succeed(c, done) : cli_fail(c, NULL, &d);
}
