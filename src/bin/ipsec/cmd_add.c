/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec add`, `delete`, and `auto --start`: what is loaded beyond what auto= says. To add what is there
 * already ends its SAs and loads it anew, as with Libreswan. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

/* Every error of the files, on lines of their own. */
static int refused(struct control *c, const char *name, const struct diag *d)
{
    if (!is_libreswan(c) || d->class != FAIL_NOT_FOUND)
        return control_fail(c, name, d);
    fprintf(stderr, "conn '%s': not found: %s\n", name, d->what);
    return RC_UNKNOWN_NAME;
}

/* Quietly: is there something of that name that has SAs? Then they end. */
static void end_old(struct control *c, const char *name)
{
    struct answers a;
    struct diag d;
    const char *const pairs[] = {"ike", name, NULL};
    size_t i, n = 0;
    json_t *row;
    if (control_answers(c, ASK_SAS | ASK_CONNS, &a, &d)) {
        json_array_foreach(a.sas, i, row) n += !strcmp(member(row, "name"), name);
        if (n) {
            libreswan_ending(&c->voice, &a, name);
            if (control_tell(c, "terminate", pairs, &d)) {
                libreswan_farewell(&c->voice, &a, name);
                libreswan_ended(&c->voice, &a, name);
            }
        }
    }
    answers_free(&a);
}

static int add_name(struct control *c, const char *name)
{
    const char *const pairs[] = {"name", name, NULL};
    struct target t;
    struct diag d;
    int code;
    end_old(c, name);
    if (!control_tell(c, "keyway-add", pairs, &d))
        return refused(c, name, &d);
    if (!control_find(c, name, &t, &code))
        return code;
    target_free(&t);
    if (is_libreswan(c))
        say(&c->voice, RC_LOG, "\"%s\": added IKEv2 connection", name);
    else
        printf("added configuration '%s'\n", name);
    return 0;
}

static int delete_name(struct control *c, const char *name)
{
    const char *const pairs[] = {"name", name, NULL};
    struct target t;
    struct diag d;
    int code;
    if (!control_find(c, name, &t, &code))
        return code;
    target_free(&t);
    end_old(c, name);
    if (!control_tell(c, "keyway-delete", pairs, &d))
        return refused(c, name, &d);
    if (!is_libreswan(c))
        printf("deleted connection '%s'\n", name);
    return 0;
}

static int start_name(struct control *c, const char *name)
{
    int code = add_name(c, name);
    return code ? code : up_name(c, name);
}

const struct ipsec_command ipsec_cmd_add = {
    .name = "add",
    .also = "replace",
    .as_auto = "add replace",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "load a connection of ipsec.conf, whatever its auto= says",
    .act = add_name,
    .manual =
        "The files are read anew. SAs of a connection that is loaded already end. A restart of the daemon\n"
        "forgets it: what auto= says counts then.",
};

const struct ipsec_command ipsec_cmd_delete = {
    .name = "delete",
    .as_stroke = "delete",
    .as_auto = "delete",
    .as_whack = "delete",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "end a connection's SAs, and unload it until it is added or the daemon is restarted",
    .act = delete_name,
};

const struct ipsec_command ipsec_cmd_auto_start = {
    .name = "auto --start",
    .as_auto = "start",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "add a connection and bring it up",
    .act = start_name,
};
