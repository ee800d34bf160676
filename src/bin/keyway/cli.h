/* SPDX-License-Identifier: Apache-2.0 */
/* What the commands of `keyway` share. stdout carries data, stderr carries talk; with --json every reading
 * command prints one object with "schema":1. */
#pragma once

#include "base/diag.h"
#include "ctl/client.h"
#include "model/plane.h"
#include "sys/paths.h"

#define CLI_SCHEMA 1

struct cli {
    struct paths paths;
    const char *load, *settings; /* config: like the daemon's */
    bool has_statistics;         /* xfrm: -s */
    bool has_json, has_algorithms, is_quiet, is_forced, is_running, has_color;
    bool is_terminal;   /* stderr is one: progress may be shown */
    int64_t timeout_ms; /* 0: the daemon decides when to give up */
    struct {            /* which clients; as they were written */
        const char *peer_ip, *peer_id, *ike_id;
    } redirect;
    struct { /* config convert */
        const char *from, *to, *output;
        bool shows_secrets;
    } convert;
    const char *log_levels; /* log: "ike 2, knl 3" */
    int argc;               /* arguments after the command's name */
    char **argv;
};

struct cli_command {
    const char *name, *arguments, *doc;
    int (*run)(struct cli *c); /* returns the exit code */
};

/* index 0.. until NULL (main.c) */
const struct cli_command *cli_command_at(size_t index);

/* session.c: connections to the daemon and its answers */

struct vici_client *cli_connect(struct cli *c, struct diag *d);
/* Prints the reason (on stdout as JSON with --json) and returns its exit code. subject: "office is not up".
 */
int cli_fail(const struct cli *c, const char *subject, const struct diag *d);
int cli_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A command without arguments that streams events: their sections in one object, in order. NULL with d. */
json_t *cli_list(struct vici_client *v, const char *command, const char *event, struct diag *d);
/* A command without arguments: its reply. NULL with d. */
json_t *cli_ask(struct vici_client *v, const char *command, struct diag *d);
/* Runs initiate, terminate or rekey and shows its log lines as they come. NULL names are left out. */
bool cli_control(struct cli *c, struct vici_client *v, const char *command, const char *connection,
                 const char *child, struct span *reply, struct diag *d);
/* The same for a request that the caller has written. */
bool cli_control_send(struct cli *c, struct vici_client *v, struct vici_writer *w, struct span *reply,
                      struct diag *d);
/* A whole command on one tunnel or child named by the only argument. done: "is down". Returns the exit code.
 */
int cli_control_named(struct cli *c, const char *usage, const char *command, const char *done);
/* It went well: NAME and done on stderr, success as JSON. Returns 0. */
int cli_succeed(struct cli *c, const char *done);
/* Prints {"schema":1, ...members} and drops members. */
void cli_print_json(json_t *members);
json_t *cli_diag_json(const struct diag *d);

/* kernel_counters.c: of the answer of keyway-status: [{"name","count","meaning","advice"}] */
json_t *cli_kernel_counters(json_t *status);
void cli_print_kernel_counters(json_t *counters);
/* How many children each plane carries, by enum plane; status: the answer of keyway-status. */
void cli_count_planes(struct vici_client *v, json_t *status, size_t counts[2]);

/* names.c: what a name on the command line means */

struct cli_target {
    const char *connection, *child; /* child NULL: the whole connection */
};
/* "office", "office/lan" or a child's name, looked up in the daemon's connections (list-conns), which the
 * target's texts point into. False with FAIL_NOT_FOUND. */
bool cli_find_target(json_t *connections, const char *name, struct cli_target *out, struct diag *d);

/* term.c: text for people */

enum cli_color { CLI_PLAIN, CLI_GREEN, CLI_YELLOW, CLI_RED, CLI_BOLD };

#define TABLE_COLUMNS 8
struct cli_table {
    const char *heads[TABLE_COLUMNS];
    size_t n_columns, n_rows;
    struct {
        char *cells[TABLE_COLUMNS];
        enum cli_color colors[TABLE_COLUMNS];
    } * rows;
};
void cli_table_row(struct cli_table *t);
void cli_table_cell(struct cli_table *t, size_t column, enum cli_color color, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* Prints to stdout and frees the rows. */
void cli_table_print(struct cli_table *t, bool has_color);
const char *cli_color_on(bool has_color, enum cli_color color);
const char *cli_color_off(bool has_color);
/* "1.2 MiB", "52m", "3h 20m" */
const char *cli_bytes(int64_t n, char buf[32]);
const char *cli_duration(int64_t seconds, char buf[32]);

/* the commands, one file each */
int cmd_up(struct cli *c);
int cmd_down(struct cli *c);
int cmd_rekey(struct cli *c);
int cmd_status(struct cli *c);
int cmd_algorithms(struct cli *c); /* status --algorithms */
int cmd_trap(struct cli *c);       /* trap.c, as the next */
int cmd_untrap(struct cli *c);
int cmd_redirect(struct cli *c);
int cmd_pools(struct cli *c);
int cmd_xfrm(struct cli *c);
int cmd_reload(struct cli *c);
int cmd_flush(struct cli *c);
int cmd_log(struct cli *c);
int cmd_config(struct cli *c);
int cmd_config_convert(struct cli *c);
/* config.c: NULL: all is said, and *code says how to exit. */
struct conf_request;
struct config *cli_load(struct cli *c, const struct conf_request *req, int *code);
int cmd_config_explain(struct cli *c, const char *word); /* explain.c */
int cmd_version(struct cli *c);
int cmd_help(struct cli *c);
int cmd_completion(struct cli *c);
int cmd_doctor(struct cli *c);         /* doctor cert */
int cmd_doctor_machine(struct cli *c); /* doctor */
int cmd_doctor_net(struct cli *c);     /* doctor net */
