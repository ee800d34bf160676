/* SPDX-License-Identifier: Apache-2.0 */
/* The pki tool: what its commands share. A command is one file with a const struct pki_command: its options
 * as rows and a function that runs it. From the rows come the parser, `--help` and man/pki.1. Names, letters
 * and defaults of options are those that strongSwan's users type. stdout carries data, stderr carries talk.
 */
#pragma once

#include "base/arena.h"
#include "base/diag.h"
#include "base/secret.h"
#include "base/text.h"
#include "pki/issue/issue.h"
#include <stdio.h>

/* The tool, as `pki`, `ipsec pki` and `keyway pki`: argv[0] is how the user calls it, argv[1] the command as
 * --gen, -g or gen. Returns the exit code. */
int pki_main(int argc, char **argv, const char *program);

enum pki_kind {
    PKI_SWITCH, /* takes no argument */
    PKI_TEXT,
    PKI_CHOICE, /* argument: the words, as "der|pem" */
    PKI_NUMBER, /* 0 to 2^31-1 */
};

struct pki_option {
    const char *name;
    char letter;
    enum pki_kind kind;
    const char *argument; /* what help calls it; the words of a choice */
    const char *fallback; /* its value when it is not given, or NULL */
    const char *doc;      /* no capital, no full stop, no default */
    bool is_required, is_repeated;
};

struct pki_run;

struct pki_command {
    const char *name;
    char letter;
    const char *doc;
    const struct pki_option *options; /* ends with a row without a name */
    int (*run)(struct pki_run *r);    /* returns the exit code */
    const char *manual;               /* paragraphs of man/pki.1, roff; NULL: doc says it all */
};

/* table.c: index 0.. until NULL */
const struct pki_command *pki_command_at(size_t index);
/* The rows that every command has: index 0.. until NULL. */
const struct pki_option *pki_common_at(size_t index);

struct pki_arg {
    const struct pki_option *option;
    const char *value; /* NULL for a switch */
    unsigned number;   /* of PKI_NUMBER */
};

#define PKI_ARGS_MAX 4096

struct pki_run {
    const struct pki_command *command;
    const char *program;  /* "ipsec pki" */
    struct arena *arena;  /* all texts of this run */
    struct pki_arg *args; /* in the order of the command line: for options that speak of the next one */
    size_t n_args, args_cap;
    int debug;
    int64_t now; /* wall seconds when the run began */
};

/* options.c: the command line. False: the reason is on stderr (or the help on stdout) and *code says how to
 * exit. */
bool pki_options_parse(struct pki_run *r, int argc, char **argv, int *code);

/* The last value given, or its row's fallback, or NULL. The name must stand in the command's rows. */
const char *pki_get(const struct pki_run *r, const char *name);
bool pki_has(const struct pki_run *r, const char *name);
/* As pki_get(), for numbers; fallback when there is no value. */
long pki_number(const struct pki_run *r, const char *name, long fallback);
/* All values of a repeated option, in order: index 0.. until NULL. */
const char *pki_nth(const struct pki_run *r, const char *name, size_t index);
bool pki_is(const struct pki_arg *arg, const char *name);

/* usage.c */
void pki_usage(const struct pki_run *r, FILE *to); /* of the command */
void pki_overview(const char *program, FILE *to);  /* of all commands */
void pki_manual(FILE *to);                         /* man/pki.1 */
/* "Error: ..." and the usage on stderr. Returns 1. */
int pki_refuse(const struct pki_run *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* One line on stderr: what went wrong, with what was expected and got. Returns 1. */
int pki_fail(const struct pki_run *r, const struct diag *d);
/* One line on stderr when --debug is at least level. */
void pki_note(const struct pki_run *r, int level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* ask.c: a line from the terminal without an echo, or, where there is no terminal and has_stdin, from stdin.
 * False: there is none. */
bool pki_ask_passphrase(const char *prompt, bool has_stdin, struct secret *out);

/* input.c: what commands read */

enum { PKI_FILE_MAX = 16 << 20 };

/* A file, or stdin for NULL. The bytes are wiped when freed, since they may be a private key. */
bool pki_read(const char *path, struct secret *out, struct diag *d);
/* The option --in, or stdin. */
bool pki_read_in(const struct pki_run *r, struct secret *out, struct diag *d);
/* The contents of the first PEM block of one of the labels ("CERTIFICATE|TRUSTED CERTIFICATE"), or data
 * itself when it is no PEM. In memory of a. False with d: PEM, but of something else. */
bool pki_unpem(struct arena *a, struct span data, const char *labels, struct span *der, struct diag *d);
/* A private key; type: "priv" for any kind, or "rsa", "ecdsa", "ed25519", "ed448". Asks on the terminal for
 * the pass phrase of an encrypted one. path NULL: stdin. */
struct pkey *pki_private_key(const struct pki_run *r, const char *path, const char *type, struct diag *d);
/* The public key of a thing of the type: those of pki_private_key(), "pub", "pkcs10", "x509". */
struct pkey *pki_public_key(const struct pki_run *r, const char *path, const char *type, struct diag *d);
struct request;
struct request *pki_request(const struct pki_run *r, const char *path, struct diag *d);
struct cert *pki_certificate(const char *path, struct diag *d);
/* Refuses --keyid and its like where tokens are not served. True when the option is not there. */
bool pki_no_token(const struct pki_run *r, const char *option);
/* Gives back, with d, a key that is not of the type; k may be NULL. */
struct pkey *pki_key_must_be(struct pkey *k, const char *type, struct diag *d);

/* on_token.c: things on tokens, by the handle in an option. NULL with d. */

/* type: of pki_private_key(). has_stdin: it is not the input, so that a PIN may come from there where there
 * is no terminal. */
struct pkey *pki_key_on_token(const struct pki_run *r, const char *option, const char *type, bool has_stdin,
                              struct diag *d);
struct cert *pki_cert_on_token(const struct pki_run *r, const char *option, struct diag *d);
/* That of the option id when it is given, else of the file that the option file names (or of stdin). */
struct pkey *pki_key_of(const struct pki_run *r, const char *file, const char *id, const char *type,
                        bool has_stdin, struct diag *d);

/* values.c: what options say. Memory of the run's arena; false with d. */

/* "C=CH, O=Keyway, CN=moon" as DER; "" is the empty name. */
bool pki_dn(const struct pki_run *r, const char *text, struct span *der, struct diag *d);
/* A subjectAltName, and a name constraint (a network is one, a single address as well). */
bool pki_san(const struct pki_run *r, const char *text, struct issue_name *out, struct diag *d);
bool pki_constraint(const struct pki_run *r, const char *text, struct issue_name *out, struct diag *d);
/* All values of a repeated option. */
typedef bool pki_name_fn(const struct pki_run *r, const char *text, struct issue_name *out, struct diag *d);
bool pki_names(const struct pki_run *r, const char *option, pki_name_fn *parse, struct issue_names *out,
               struct diag *d);
const char *const *pki_texts(const struct pki_run *r, const char *option, size_t *n);
/* Dotted numbers of an OID that DER can hold. */
bool pki_oid(const char *text, const char *option, struct diag *d);
/* A URI: ASCII that can be printed. */
bool pki_uri(const char *text, const char *option, struct diag *d);
/* A serial number in hex, colons between the bytes or not, 0x in front or not; at most 20 bytes. */
bool pki_serial(const struct pki_run *r, const char *text, struct span *out, struct diag *d);
/* That of --serial, or 64 random bits of which the first is zero. */
bool pki_new_serial(const struct pki_run *r, struct span *out, struct diag *d);
/* From the options of those names, read as --dateform says, and --lifetime in units of so many seconds. */
bool pki_validity(const struct pki_run *r, const char *begin, const char *end, int64_t unit, int64_t *from,
                  int64_t *to, struct diag *d);
/* --digest and --rsa-padding. */
struct issue_signer pki_signer(const struct pki_run *r, struct pkey *key);

/* output.c: what they write */

/* DER as --outform says: der as it is, pem under the label. Returns the exit code. */
int pki_write(const struct pki_run *r, const char *label, struct span der);
/* Bytes to stdout as they are. Returns the exit code. */
int pki_write_bytes(const struct pki_run *r, struct span bytes);
/* "0a:1b:..." */
void pki_colons(struct text *t, struct span bytes);
/* One line, and what ends it. */
int pki_write_base64(const struct pki_run *r, struct span bytes, const char *end);
/* hex, base64 or bin of --format. */
int pki_write_format(const struct pki_run *r, const char *format, struct span bytes);
