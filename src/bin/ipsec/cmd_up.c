/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec up`: a connection's children one after the other, what happens meanwhile, and how it ended. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

/* The connection whose lines these are: one at a time. */
static const char *subject;
static bool has_new_ike; /* it came up meanwhile */

/* The daemon's words in Libreswan's; false: they are told later. */
static bool retell(const struct control *c, const char *text, char *out, size_t cap)
{
    const char *to = strstr(text, " to ");
    snprintf(out, cap, "%s", text);
    if (!strncmp(text, "initiating IKE SA ", 18) && to && c->voice.has_prefix)
        snprintf(out, cap, "initiating IKEv2 connection");
    else if (!strncmp(text, "initiating IKE SA ", 18) && to) /* without the port */
        snprintf(out, cap, "initiating IKEv2 connection to %.*s using UDP", (int)(strrchr(to, ':') - to - 4),
                 to + 4);
    bool is_ike = !strncmp(text, "IKE SA ", 7) && strstr(text, " established between ");
    has_new_ike |= is_ike;
    return !is_ike && !(!strncmp(text, "child ", 6) && strstr(text, " established: SPIs "));
}

static void show(struct control *c, int level, const char *ike_id, const char *text)
{
    if (!is_libreswan(c)) {
        puts(text);
        fflush(stdout);
        return;
    }
    char words[1100];
    if (!retell(c, text, words, sizeof(words)))
        return;
    int code = level == 0 ? RC_SERIOUS : !strncmp(text, "initiating", 10) ? RC_PROGRESS_INIT : RC_LOG;
    if (*ike_id && strcmp(ike_id, "0") != 0)
        say(&c->voice, code, "\"%s\" #%s: %s", subject, ike_id, words);
    else
        say(&c->voice, code, "\"%s\": %s", subject, words);
}

static bool up_children(struct control *c, const struct target *t, struct diag *d)
{
    bool is_waiting = !ipsec_has(c->run, "asynchronous");
    size_t n = json_array_size(t->children);
    for (size_t i = 0; i < n || i == 0; i++) {
        const char *const pairs[] = {
            "ike",     t->connection,
            "child",   json_string_value(json_array_get(t->children, i)),
            "timeout", is_waiting ? NULL : "-1",
            NULL,
        };
        /* a pair without a value is left out */
        if (!control_watch(c, "initiate", pairs, show, d))
            return false;
    }
    return true;
}

static int done(struct control *c, const char *name, const struct target *t)
{
    struct answers a;
    struct diag d;
    if (!is_libreswan(c)) {
        printf("connection '%s' established successfully\n", name);
        return 0;
    }
    bool ok = control_answers(c, ASK_SAS | ASK_CONNS, &a, &d);
    if (ok)
        libreswan_up(&c->voice, &a, t->connection, t->child[0] ? t->child : NULL, has_new_ike);
    answers_free(&a);
    return ok ? 0 : control_fail(c, name, &d);
}

static int failed(struct control *c, const char *name, const struct diag *d)
{
    if (is_libreswan(c))
        return control_fail(c, name, d);
    char text[2048];
    printf("%s\nestablishing connection '%s' failed\n", diag_format(d, text, sizeof(text)), name);
    return c->exits_as_strongswan ? 0 : d->class ? (int)d->class : FAIL_GENERIC;
}

int up_name(struct control *c, const char *name)
{
    struct target t;
    struct diag d;
    int code;
    if (!control_find(c, name, &t, &code))
        return code;
    subject = name;
    has_new_ike = false;
    if (!up_children(c, &t, &d))
        code = failed(c, name, &d);
    else
        code = ipsec_has(c->run, "asynchronous") ? 0 : done(c, name, &t);
    target_free(&t);
    return code;
}

const struct ipsec_command ipsec_cmd_up = {
    .name = "up",
    .as_stroke = "up",
    .also = "initiate",
    .as_auto = "up",
    .as_whack = "initiate",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "bring a connection up, and say what happens until it is",
    .act = up_name,
    .manual = "The exit code of a connection of Libreswan's dialect is its code for what failed: 21 no such\n"
              "connection, 31 no answer, 33 the daemon does not run, 214 no proposal chosen, 224 "
              "authentication failed,\n"
              "238 no common traffic selectors. For one of strongSwan's it is that of \\fBkeyway up\\fR: 4 "
              "no such\n"
              "connection, 5 authentication, 6 proposals, 7 no answer or no daemon, 8 traffic selectors, 9 "
              "certificates;\n"
              "strongSwan itself exits with 0 there, and so does this with \\fB\\-\\-exit\\-compat\\fR.",
};
