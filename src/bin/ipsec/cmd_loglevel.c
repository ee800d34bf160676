/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec stroke loglevel GROUP LEVEL` and `ipsec whack --debug CLASS`, `--no-debug CLASS`: what the daemon
 * logs, until it reads its configuration again. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

static int change(struct control *c, const char *const *pairs)
{
    struct diag d;
    return control_tell(c, "keyway-log-level", pairs, &d) ? 0 : control_fail(c, NULL, &d);
}

/* Once for each operand: all is done with the first. -1 looks like an option. */
static int set_level(struct control *c, const char *name)
{
    const struct ipsec_run *r = c->run;
    const char *level = ipsec_has(r, "1") ? "-1" : r->n_operands == 2 ? r->operand[1] : NULL;
    if (!level || r->n_operands > 2)
        return ipsec_refuse(r, 2, "a group and a level are wanted: ipsec stroke loglevel ike 2");
    const char *const pairs[] = {"group", r->operand[0], "level", level, NULL};
    return name == r->operand[0] ? change(c, pairs) : 0;
}

static int raise_class(struct control *c, const char *name)
{
    const char *const pairs[] = {"raise", name, NULL};
    return change(c, pairs);
}

static int lower_class(struct control *c, const char *name)
{
    const char *const pairs[] = {"lower", name, NULL};
    return change(c, pairs);
}

static const struct ipsec_option options[] = {
    {"1",                          NULL, "the level: nothing at all"},
    {NULL},
};

const struct ipsec_command ipsec_cmd_loglevel = {
    .name = "loglevel",
    .as_stroke = "loglevel",
    .operands = "GROUP LEVEL",
    .options = options,
    .names = NAMES_NEEDED,
    .family = DIALECT_STRONGSWAN,
    .doc = "show lines of a group (any: of all) up to a level from -1 to 4",
    .act = set_level,
};

const struct ipsec_command ipsec_cmd_debug = {
    .name = "debug",
    .as_whack = "debug",
    .operands = "CLASS",
    .names = NAMES_NEEDED,
    .family = DIALECT_LIBRESWAN,
    .doc = "log what a class of plutodebug= stands for, too; none: as the files have it",
    .act = raise_class,
};

const struct ipsec_command ipsec_cmd_no_debug = {
    .name = "no-debug",
    .as_whack = "no-debug",
    .operands = "CLASS",
    .names = NAMES_NEEDED,
    .family = DIALECT_LIBRESWAN,
    .doc = "not any more; all: as the files have it",
    .act = lower_class,
};
