/* SPDX-License-Identifier: Apache-2.0 */
/* The program `swanctl`: what its commands share. A command is one file with a const struct swanctl_command:
 * its usage, its options as rows, which of them it sends, and how it runs. From the rows come the parser,
 * --help, man/swanctl.8 and the completion. Options, texts and exit codes are those of strongSwan's swanctl,
 * whose scripts go on working; an exit code that is none of its own is an errno. */
#pragma once

#include "bin/swanctl/lines/lines.h"
#include "ctl/client.h"
#include "sys/paths.h"

enum swanctl_kind {
    OPT_TEXT,
    OPT_FLAG,
    OPT_SECONDS, /* sent as milliseconds; 0 is not sent */
    OPT_LEVEL,   /* a number, 1 when it is not given */
};

struct swanctl_option {
    const char *name; /* and the key that it is sent as */
    char letter;
    enum swanctl_kind kind;
    const char *doc;
};

enum { SWANCTL_OPTIONS_MAX = 16, SWANCTL_SENT_MAX = 8 };

struct swanctl_run;

struct swanctl_command {
    const char *name;
    char letter;
    const char *doc;
    const char *usage[3]; /* lines behind "swanctl --NAME" */
    struct swanctl_option options[SWANCTL_OPTIONS_MAX];
    const char *sent[SWANCTL_SENT_MAX]; /* options that are sent, in their order */
    int (*run)(struct swanctl_run *r);  /* returns the exit code */
    const char *manual;                 /* more of it, roff */
    bool is_without_daemon;

    /* For the ways to run that commands share: */
    const char *vici;        /* the command of vici */
    const char *event;       /* that it streams; NULL: none */
    const char *listing;     /* "registering for WHAT failed" */
    const char *event_label; /* in --raw; NULL: "EVENT event" */
    const char *reply_label; /* likewise; NULL: "VICI reply" */
    lines_fn *print;         /* an event, or the reply where there are none */
};

struct swanctl_run {
    const struct swanctl_command *command;
    const char *value[SWANCTL_OPTIONS_MAX]; /* by the option's row; "" for a flag; NULL: not given */
    enum dump_style style;
    int debug;
    const char *uri; /* NULL: not given */
    struct paths paths;
    struct vici_client *client;
    struct words *words; /* of --options */
};

/* table.c: index 0.. until NULL; the options that all have, after a command's own */
const struct swanctl_command *swanctl_command_at(size_t index);
const struct swanctl_option *swanctl_common_at(size_t index);

/* options.c */
/* The words from argv[1] on; false: *code says how to exit, and all is said. */
bool swanctl_options_parse(struct swanctl_run *r, int argc, char **argv, bool *wants_help, int *code);
/* NULL: not given. */
const char *swanctl_get(const struct swanctl_run *r, const char *option);
bool swanctl_has(const struct swanctl_run *r, const char *option);
void swanctl_options_free(struct swanctl_run *r);

/* words.c: the words of a file, as --options takes them */
struct words {
    char **v;
    size_t n;
};
/* False: said on stderr. "..." and '...' hold blanks, a word that begins with # begins a comment. */
bool words_read(const char *path, struct words *w);
void words_free(struct words *w);

/* usage.c */
void swanctl_banner(FILE *to);
void swanctl_overview(FILE *to);
void swanctl_usage(FILE *to, const struct swanctl_command *c);

/* manual.c */
void swanctl_manual(FILE *to);     /* man/swanctl.8 */
void swanctl_completion(FILE *to); /* for bash */

/* socket.c: where the daemon listens; whether strongswan.conf says so. False: said, and *code says how to
 * exit. */
bool swanctl_socket(const struct paths *p, char uri[PATH_TEXT_MAX], bool *is_said, int *code);

/* session.c */
/* False: said with the usage, and *code says how to exit. */
bool swanctl_connect(struct swanctl_run *r, int *code);
/* "TEXT: STRERROR" on stderr. Returns code. */
int swanctl_broken(int code, const char *what, const char *behind);
/* Opens a request, writes the options that the command sends. */
void swanctl_request(struct swanctl_run *r, struct vici_writer *w, const char *vici);
/* Frees w. False: *code says how to exit, and that is said. *reply is valid until the next call. */
bool swanctl_ask(struct swanctl_run *r, struct vici_writer *w, const char *vici, struct span *reply,
                 int *code);
/* The reply in --raw or --pretty; else prints "VICI completed successfully", or why not on stderr. */
int swanctl_outcome(struct swanctl_run *r, struct span reply);
/* "VICI failed: ERRMSG" on stderr. Returns 1. */
int swanctl_refused(const char *vici, struct span reply);
bool swanctl_is_success(struct span reply);
void swanctl_dump_reply(struct swanctl_run *r, struct span reply);

/* Ways to run: */
int swanctl_run_print(struct swanctl_run *r); /* asks, and prints the reply with the command's function */
int swanctl_run_list(struct swanctl_run *r);  /* prints each event; the reply in --raw alone */
int swanctl_run_act(struct swanctl_run *r);   /* streams the log where it has one; prints how it went */
