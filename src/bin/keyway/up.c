/* SPDX-License-Identifier: Apache-2.0 */
/* keyway up NAME: a tunnel's children one after the other (or one child), their progress, and the reason when
 * one does not come up. */
#include "bin/keyway/cli.h"
#include <stdio.h>

static bool up_one(struct cli *c, struct vici_client *v, const char *connection, const char *child,
                   struct diag *d)
{
    struct span reply;
    return cli_control(c, v, "initiate", connection, child, &reply, d);
}

static bool up_all(struct cli *c, struct vici_client *v, json_t *connections, const struct cli_target *t,
                   struct diag *d)
{
    size_t i;
    json_t *row, *child;
    const char *name;
    json_array_foreach(connections, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "name")), t->connection) != 0)
            continue;
        json_object_foreach(json_object_get(json_object_get(row, "body"), "children"), name, child)
        {
            if (!up_one(c, v, t->connection, name, d))
                return false;
        }
    }
    return true;
}

int cmd_up(struct cli *c)
{
    struct diag d = {0};
    struct cli_target t;
    char subject[160];
    if (c->argc != 1)
        return cli_usage("keyway up NAME");
    snprintf(subject, sizeof(subject), "%s is not up", c->argv[0]);
    struct vici_client *v = cli_connect(c, &d);
    json_t *connections = v ? cli_list(v, "list-conns", "list-conn", &d) : NULL;
    bool ok = connections && cli_find_target(connections, c->argv[0], &t, &d);
    bool is_known = ok;
    if (ok)
        ok = t.child ? up_one(c, v, t.connection, t.child, &d) : up_all(c, v, connections, &t, &d);
    json_decref(connections);
    vici_client_close(v);
    return ok ? cli_succeed(c, "is up") : cli_fail(c, is_known ? subject : NULL, &d);
}
