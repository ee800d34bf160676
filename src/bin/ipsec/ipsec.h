/* SPDX-License-Identifier: Apache-2.0 */
/* The program `ipsec`: what its commands share. A command is one file with a const struct ipsec_command: its
 * options as rows and a function that runs it. From the rows come the parser, --help and man/ipsec.8. Names,
 * texts and exit codes are those that users of Libreswan and strongSwan type and their scripts look for. */
#pragma once

#include "base/diag.h"
#include "sys/keystore.h"
#include "sys/paths.h"
#include <stdio.h>

struct ipsec_option {
    const char *name;
    const char *argument; /* what help calls it; NULL: a switch */
    const char *doc;      /* no capital, no full stop */
};

struct ipsec_run;
struct control;

enum dialect { DIALECT_UNKNOWN, DIALECT_LIBRESWAN, DIALECT_STRONGSWAN };
enum ipsec_names { NAMES_NONE, NAMES_MAYBE, NAMES_NEEDED };

struct ipsec_command {
    const char *name;
    const char *operands; /* "FILE" for help; NULL: it takes none */
    const char *doc;
    const struct ipsec_option *options;      /* ends with a row without a name */
    int (*run)(struct ipsec_run *r);         /* returns the exit code */
    int (*run_words)(int argc, char **argv); /* instead: it reads its words itself; argv[0] is its name */
    /* Instead: what asks or tells the daemon. Once for each name, or once with NULL when there are none. */
    int (*act)(struct control *c, const char *name);
    enum ipsec_names names;
    enum dialect family;    /* who has such a command; DIALECT_UNKNOWN: both */
    const char *also;       /* other words for it, with blanks between */
    const char *as_auto;    /* `ipsec auto --WORD`, likewise */
    const char *as_whack;   /* `ipsec whack --name NAME --WORD`, likewise */
    const char *as_stroke;  /* `ipsec stroke WORD`, likewise */
    const char *manual;     /* paragraphs of man/ipsec.8, roff; NULL: doc says it all */
    bool has_store;         /* it has --nssdir and --state */
    bool is_without_daemon; /* act needs no daemon that runs */
    int usage_code;         /* how it exits when it is typed wrongly */
};

/* table.c: index 0.. until NULL */
const struct ipsec_command *ipsec_command_at(size_t index);
/* The command of a word; by: &command->also and its like. NULL: none. */
const struct ipsec_command *ipsec_command_named(const char *word);
const struct ipsec_command *ipsec_command_of_auto(const char *word);
const struct ipsec_command *ipsec_command_of_whack(const char *word);
const struct ipsec_command *ipsec_command_of_stroke(const char *word);
/* The rows that commands with a store share, and those that control the daemon: index 0.. until NULL. */
const struct ipsec_option *ipsec_common_at(const struct ipsec_command *c, size_t index);

enum { IPSEC_OPTIONS_MAX = 24, IPSEC_OPERANDS_MAX = 8 };

struct ipsec_run {
    const struct ipsec_command *command;
    const struct ipsec_option *option[IPSEC_OPTIONS_MAX]; /* as they were given */
    const char *value[IPSEC_OPTIONS_MAX];
    size_t n_options;
    const char *operand[IPSEC_OPERANDS_MAX];
    size_t n_operands;
    char folder[PATH_TEXT_MAX]; /* of the key store */
    bool is_default_folder;     /* no --nssdir said */
    struct paths paths;
    enum dialect family; /* of who types it so: `ipsec auto` is Libreswan's */
};

/* options.c: the command line. False: *code says how to exit, and all is said. */
bool ipsec_options_parse(struct ipsec_run *r, int argc, char **argv, int *code);
bool ipsec_has(const struct ipsec_run *r, const char *name);
/* The value given last; NULL: none. The name must stand in the command's rows. */
const char *ipsec_get(const struct ipsec_run *r, const char *name);
/* 0 to 2^31-1 in decimal; fallback when it is not given. False: it is no such number, and that is said. */
bool ipsec_number(const struct ipsec_run *r, const char *name, long fallback, long *out);

/* usage.c */
void ipsec_usage(const struct ipsec_command *c, FILE *to);
void ipsec_overview(FILE *to);
void ipsec_manual(FILE *to); /* man/ipsec.8 */
/* "ipsec NAME: ..." on stderr. Returns code. */
int ipsec_refuse(const struct ipsec_run *r, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The reason on stderr. Returns 1. */
int ipsec_fail(const struct ipsec_run *r, const struct diag *d);

/* store.c: makes an empty key store, and its folder when that is the default one. It has a password when
 * --password or nsspassword say one. Returns the exit code. */
int ipsec_store_make(const struct ipsec_run *r);
/* Without a password and without a word, but for what is wrong. */
int ipsec_store_make_empty(const struct ipsec_run *r);
/* NULL: said, and *code says how to exit. */
struct keystore *ipsec_store_open(const struct ipsec_run *r, bool is_writing, int *code);
/* For private keys: the password of --password, of nsspassword, or what is typed. Says nothing of it. */
bool ipsec_store_unlock(const struct ipsec_run *r, struct keystore *s, struct diag *d);
/* The first line of a file, without what ends it. */
bool ipsec_first_line(const char *path, struct secret *out, struct diag *d);
