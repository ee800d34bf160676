/* SPDX-License-Identifier: Apache-2.0 */
/* keyway rekey NAME: fresh keys for a tunnel's IKE SA; NAME/CHILD: for that child. */
#include "bin/keyway/cli.h"
#include <stdio.h>

int cmd_rekey(struct cli *c)
{
    struct diag d = {0};
    struct cli_target t;
    struct span reply;
    if (c->argc != 1)
        return cli_usage("keyway rekey NAME, or NAME/CHILD");
    struct vici_client *v = cli_connect(c, &d);
    json_t *connections = v ? cli_list(v, "list-conns", "list-conn", &d) : NULL;
    bool ok = connections && cli_find_target(connections, c->argv[0], &t, &d) &&
              cli_control(c, v, "rekey", t.connection, t.child, &reply, &d);
    json_decref(connections);
    vici_client_close(v);
    if (!ok)
        return cli_fail(c, NULL, &d);
    if (c->has_json)
        cli_print_json(json_pack("{s:b,s:s}", "success", 1, "name", c->argv[0]));
    if (!c->is_quiet)
        fprintf(stderr, "%s has fresh keys\n", c->argv[0]);
    return 0;
}
