/* SPDX-License-Identifier: Apache-2.0 */
/* What commands that ask or tell the daemon share: the connection to it, in whose words they answer, and what
 * they print. The words are those of the dialect that a connection came from; where none is named, of the
 * dialect of most that are loaded, or that the files are of. --dialect and IPSEC_COMPAT decide otherwise. */
#pragma once

#include "bin/ipsec/ipsec.h"
#include "bin/ipsec/lines/lines.h"
#include "ctl/client.h"

struct control {
    const struct ipsec_run *run;
    struct vici_client *v;
    enum dialect forced; /* by who types it */
    enum dialect family; /* of the command */
    enum dialect dialect;
    struct voice voice;
    bool exits_as_strongswan; /* --exit-compat */
};

/* What a name means. */
struct target {
    char connection[128], child[128]; /* child empty: all of it */
    json_t *children;                 /* names; those of the connection, or the one */
};

/* main.c's way into a command: its options, then what it does. family: of the words; DIALECT_UNKNOWN: of the
 * command. Returns the exit code. */
int ipsec_run_words(const struct ipsec_command *command, enum dialect family, int argc, char **argv);

/* control.c. control_ready() comes before the rest: the daemon is there, or false, and *code says how to
 * exit; all is said then. */
void control_init(struct control *c, const struct ipsec_run *r);
bool control_ready(struct control *c, int *code);
void control_done(struct control *c);
bool is_libreswan(const struct control *c);
/* How a failure is told, and the exit code that it gives. subject: whose; NULL: nobody's. */
int control_fail(const struct control *c, const char *subject, const struct diag *d);
/* Sets the dialect by the way. False: there is no such connection, and *code says how to exit. */
bool control_find(struct control *c, const char *name, struct target *t, int *code);
void target_free(struct target *t);

/* ask.c */

/* A command without arguments: its reply. NULL with d. */
json_t *control_ask(struct control *c, const char *command, struct diag *d);
/* With arguments: pairs of texts, ended by NULL; a NULL value leaves its key out. */
json_t *control_ask_with(struct control *c, const char *command, const char *const *pairs, struct diag *d);
/* One that streams events; key and value: of its only argument, or NULL. Array of {"name", "body"}. */
json_t *control_list(struct control *c, const char *command, const char *event, const char *key,
                     const char *value, struct diag *d);
/* The events' bodies as they come. */
bool control_stream(struct control *c, const char *command, const char *const *pairs, const char *event,
                    vici_event_fn *fn, void *ctx, struct diag *d);
enum {
    ASK_SAS = 1,
    ASK_CONNS = 2,
    ASK_POLICIES = 4,
    ASK_STATUS = 8,
    ASK_VERSION = 16,
    ASK_STATS = 32,
    ASK_POOLS = 64,
    ASK_SHOWN = 128
};
/* What of them; false with d. The answers are freed by answers_free() in either case. */
bool control_answers(struct control *c, unsigned what, struct answers *a, struct diag *d);
/* A command whose reply says no more than that it worked. */
bool control_tell(struct control *c, const char *command, const char *const *pairs, struct diag *d);
/* The same, with its log lines as they come. */
typedef void control_line_fn(struct control *c, int level, const char *ike_id, const char *text);
bool control_watch(struct control *c, const char *command, const char *const *pairs, control_line_fn *line,
                   struct diag *d);

/* daemon.c: the one process that serves a run directory */

/* Its pid; 0: there is none. *has_file: a pid file is there, though. */
int daemon_pid(const struct paths *p, bool *has_file);
/* Starts it and waits until it is ready. False: said. */
bool daemon_start(const struct control *c);
/* Ends it and waits until it is gone. False: said. */
bool daemon_stop(const struct control *c);

/* names of other files' steps that several commands take */
int up_name(struct control *c, const char *name); /* cmd_up.c */
