/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec route`, `ondemand` and `unroute`: traps, so that the first packet brings a connection up. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/control.h"

static bool tell(struct control *c, const char *command, const struct target *t, struct diag *d)
{
    const char *const pairs[] = {"ike", t->connection, "child", t->child[0] ? t->child : NULL, NULL};
    return control_tell(c, command, pairs, d);
}

static int route_name(struct control *c, const char *name)
{
    struct target t;
    struct diag d;
    int code;
    if (!control_find(c, name, &t, &code))
        return code;
    bool ok = tell(c, "install", &t, &d);
    target_free(&t);
    if (is_libreswan(c))
        return ok ? 0 : control_fail(c, name, &d);
    printf(ok ? "'%s' routed\n" : "routing '%s' failed\n", name);
    if (!ok)
        fprintf(stderr, "%s\n", d.what);
    return ok || c->exits_as_strongswan ? 0 : (int)d.class;
}

static int unroute_name(struct control *c, const char *name)
{
    struct target t;
    struct diag d;
    int code;
    if (!control_find(c, name, &t, &code))
        return code;
    bool ok = tell(c, "uninstall", &t, &d);
    target_free(&t);
    if (is_libreswan(c)) /* nothing to take away is no failure there */
        return ok || d.class == FAIL_NOT_FOUND ? 0 : control_fail(c, name, &d);
    printf(ok ? "trap policy '%s' unrouted\n" : "configuration '%s' not found\n", name);
    return ok || c->exits_as_strongswan ? 0 : (int)d.class;
}

const struct ipsec_command ipsec_cmd_route = {
    .name = "route",
    .as_stroke = "route",
    .also = "ondemand",
    .as_auto = "route ondemand",
    .as_whack = "route ondemand",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "let the first packet bring a connection up",
    .act = route_name,
};

const struct ipsec_command ipsec_cmd_unroute = {
    .name = "unroute",
    .as_stroke = "unroute",
    .as_auto = "unroute",
    .as_whack = "unroute",
    .operands = "NAME",
    .names = NAMES_NEEDED,
    .doc = "undo that",
    .act = unroute_name,
};
