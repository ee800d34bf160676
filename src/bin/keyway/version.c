/* SPDX-License-Identifier: Apache-2.0 */
/* keyway version: ours, and the daemon's when one runs. */
#include "bin/keyway/cli.h"
#include <stdio.h>

int cmd_version(struct cli *c)
{
    struct diag d;
    paths_complete(&c->paths);
    struct vici_client *v = cli_connect(c, &d);
    json_t *reply = v ? cli_ask(v, "version", &d) : NULL;
    const char *daemon = json_string_value(json_object_get(reply, "version"));
    if (c->has_json) {
        cli_print_json(json_pack("{s:s,s:s?}", "version", KEYWAY_VERSION, "daemon", daemon));
    } else {
        printf("keyway %s\n", KEYWAY_VERSION);
        if (daemon)
            printf("keywayd %s\n", daemon);
        else
            fprintf(stderr, "keywayd is not running\n");
    }
    json_decref(reply);
    vici_client_close(v);
    return 0;
}
