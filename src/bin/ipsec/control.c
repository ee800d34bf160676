/* SPDX-License-Identifier: Apache-2.0 */
/* Commands that ask or tell the daemon: see control.h. */
#include "bin/ipsec/control.h"
#include <glob.h>
#include <stdlib.h>
#include <unistd.h>

enum { EXIT_NOT_RUNNING = 7 }; /* strongSwan's */

/* ---- in whose words */

static enum dialect dialect_of_word(const char *word)
{
    if (strstr(word, "libreswan"))
        return DIALECT_LIBRESWAN;
    return strstr(word, "strongswan") || strstr(word, "swanctl") ? DIALECT_STRONGSWAN : DIALECT_UNKNOWN;
}

static bool is_there(const char *etc, const char *pattern)
{
    char path[PATH_TEXT_MAX];
    glob_t found;
    snprintf(path, sizeof(path), "%s/%s", etc, pattern);
    bool is_found = glob(path, 0, NULL, &found) == 0;
    globfree(&found);
    return is_found;
}

/* Files that one of the two has and the other has not. */
static enum dialect dialect_of_files(const char *etc)
{
    static const char *const of_strongswan[] = {"strongswan.conf", "swanctl/swanctl.conf", "strongswan.d"};
    if (is_there(etc, "ipsec.d/*.conf"))
        return DIALECT_LIBRESWAN;
    for (size_t i = 0; i < ARRAY_LEN(of_strongswan); i++) {
        if (is_there(etc, of_strongswan[i]))
            return DIALECT_STRONGSWAN;
    }
    return DIALECT_LIBRESWAN;
}

static enum dialect dialect_of_daemon(struct control *c)
{
    struct diag d;
    json_t *status = control_ask(c, "keyway-status", &d), *count;
    const char *word;
    int64_t n[3] = {0};
    json_object_foreach(member_object(status, "dialects"), word, count)
    {
        n[dialect_of_word(word)] += strtoll(json_string_value(count), NULL, 10);
    }
    json_decref(status);
    if (n[DIALECT_LIBRESWAN] == n[DIALECT_STRONGSWAN])
        return DIALECT_UNKNOWN;
    return n[DIALECT_LIBRESWAN] > n[DIALECT_STRONGSWAN] ? DIALECT_LIBRESWAN : DIALECT_STRONGSWAN;
}

bool is_libreswan(const struct control *c)
{
    return c->dialect == DIALECT_LIBRESWAN;
}

/* ---- beginning and end */

void control_init(struct control *c, const struct ipsec_run *r)
{
    const char *compat = getenv("IPSEC_COMPAT"), *word = ipsec_get(r, "dialect");
    if (!compat)
        compat = "";
    *c = (struct control){.run = r};
    c->voice = (struct voice){.to = stdout, .has_prefix = !ipsec_has(r, "no-prefix") && !strchr(compat, '5')};
    c->exits_as_strongswan = ipsec_has(r, "exit-compat");
    c->forced = dialect_of_word(word ? word : compat);
    c->family = r->family ? r->family : r->command->family;
    c->dialect = c->forced ? c->forced : c->family ? c->family : dialect_of_files(r->paths.etc);
}

bool control_ready(struct control *c, int *code)
{
    char path[PATH_TEXT_MAX];
    const struct paths *p = &c->run->paths;
    struct diag d;
    const char *socket = p->vici ? p->vici : paths_run(p, "keyway.vici", path);
    c->v = vici_client_open(socket, &d);
    if (!c->v) {
        *code = control_fail(c, NULL, &d);
        return false;
    }
    vici_client_extend(c->v);
    enum dialect of_daemon = c->forced || c->family ? DIALECT_UNKNOWN : dialect_of_daemon(c);
    if (of_daemon)
        c->dialect = of_daemon;
    return true;
}

void control_done(struct control *c)
{
    vici_client_close(c->v);
    c->v = NULL;
}

/* ---- failures */

/* Libreswan's code for what failed: 200 and a notify's number [RFC7296#3.10.1] where the peer refused, or
 * would. */
static int rc_of(enum fail_class class)
{
    switch (class) {
    case FAIL_NOT_FOUND:
        return RC_UNKNOWN_NAME;
    case FAIL_AUTH:
    case FAIL_CERTIFICATE:
        return RC_NOTIFICATION + 24; /* AUTHENTICATION_FAILED */
    case FAIL_PROPOSAL:
        return RC_NOTIFICATION + 14; /* NO_PROPOSAL_CHOSEN */
    case FAIL_SELECTORS:
        return RC_NOTIFICATION + 38; /* TS_UNACCEPTABLE */
    case FAIL_UNREACHABLE:
        return RC_NO_RETRANSMISSION;
    default:
        return RC_WHACK_PROBLEM;
    }
}

static int fail_libreswan(const struct control *c, const char *subject, const struct diag *d)
{
    char text[2048];
    int rc = rc_of(d->class);
    char path[PATH_TEXT_MAX];
    const struct paths *p = &c->run->paths;
    if (d->class == FAIL_NO_DAEMON) /* the words that scripts look for */
        fprintf(stderr,
                c->voice.has_prefix ? "whack: Pluto is not running (no \"%s\")\n"
                                    : "ERROR: ipsec whack: Pluto is not running (no \"%s\"): No such file or "
                                      "directory (errno 2)\n",
                p->vici ? p->vici : paths_run(p, "keyway.vici", path));
    else if (subject)
        say(&c->voice, rc, "\"%s\": %s", subject, diag_format(d, text, sizeof(text)));
    else
        say(&c->voice, rc, "%s", diag_format(d, text, sizeof(text)));
    return code_as_exit(rc);
}

int control_fail(const struct control *c, const char *subject, const struct diag *d)
{
    char text[2048];
    if (is_libreswan(c))
        return fail_libreswan(c, subject, d);
    fprintf(stderr, "%s%s%s\n", subject ? subject : "", subject ? ": " : "",
            diag_format(d, text, sizeof(text)));
    return d->class == FAIL_NO_DAEMON ? EXIT_NOT_RUNNING : d->class ? (int)d->class : FAIL_GENERIC;
}

/* ---- names */

static int fail_name(const struct control *c, const char *name, const struct diag *d)
{
    if (d->class != FAIL_NOT_FOUND)
        return control_fail(c, name, d);
    if (is_libreswan(c)) {
        say(&c->voice, RC_UNKNOWN_NAME, c->voice.has_prefix ? LIBRESWAN_NO_NAME_4 : LIBRESWAN_NO_NAME_5,
            name);
        return RC_UNKNOWN_NAME;
    }
    printf("no config named '%s'\n", name);
    return c->exits_as_strongswan ? 0 : (int)FAIL_NOT_FOUND;
}

bool control_find(struct control *c, const char *name, struct target *t, int *code)
{
    const char *const pairs[] = {"name", name, NULL};
    struct diag d;
    *t = (struct target){0};
    json_t *answer = control_ask_with(c, "keyway-connection", pairs, &d);
    if (!answer) {
        *code = fail_name(c, name, &d);
        return false;
    }
    snprintf(t->connection, sizeof(t->connection), "%s", member(answer, "connection"));
    snprintf(t->child, sizeof(t->child), "%s", member(answer, "child"));
    t->children = json_incref(member_object(answer, "children"));
    enum dialect of_it = dialect_of_word(member(answer, "dialect"));
    json_decref(answer);
    if (of_it && !c->forced)
        c->dialect = of_it;
    return true;
}

void target_free(struct target *t)
{
    json_decref(t->children);
    t->children = NULL;
}

/* ---- running */

static int run_act(struct ipsec_run *r)
{
    struct control c;
    const struct ipsec_command *command = r->command;
    int code = 0;
    control_init(&c, r);
    if (command->names == NAMES_NEEDED && !r->n_operands) {
        code = ipsec_refuse(r,
                            command->usage_code ? command->usage_code
                            : is_libreswan(&c)  ? RC_WHACK_PROBLEM
                                                : 2,
                            "the name of a connection is needed");
        ipsec_usage(command, stderr);
        return code;
    }
    if (!command->is_without_daemon && !control_ready(&c, &code))
        return code;
    for (size_t i = 0; i < r->n_operands || i == 0; i++) {
        int one = command->act(&c, i < r->n_operands ? r->operand[i] : NULL);
        code = one ? one : code;
    }
    control_done(&c);
    return code;
}

int ipsec_run_words(const struct ipsec_command *command, enum dialect family, int argc, char **argv)
{
    struct ipsec_run r = {.command = command, .family = family};
    int code = 0;
    if (command->run_words)
        return command->run_words(argc, argv);
    if (!ipsec_options_parse(&r, argc, argv, &code))
        return code;
    return command->act ? run_act(&r) : command->run(&r);
}
