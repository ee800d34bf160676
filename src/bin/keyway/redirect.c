/* SPDX-License-Identifier: Apache-2.0 */
/* keyway redirect [NAME] GATEWAY: sends clients that are up, and follow redirects (RFC 5685), to another
 * gateway. Which of them: those of a tunnel, at an address (a prefix, a range), with an identity (perhaps a
 * pattern), or one IKE SA; what is named together has to fit together. */
#include "bin/keyway/cli.h"
#include <stdio.h>

/* As vici has them; where says which tunnel, or NULL. */
static bool ask(struct cli *c, struct vici_client *v, const char *connection, const char *gateway,
                struct span *reply, struct diag *d)
{
    const struct {
        const char *key, *value;
    } members[] = {
        {"ike",     connection         },
        {"ike-id",  c->redirect.ike_id },
        {"peer-ip", c->redirect.peer_ip},
        {"peer-id", c->redirect.peer_id},
        {"gateway", gateway            },
    };
    struct vici_writer w;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "redirect");
    for (size_t i = 0; i < ARRAY_LEN(members); i++) {
        if (members[i].value)
            vici_text(&w, members[i].key, members[i].value);
    }
    bool ok = cli_control_send(c, v, &w, reply, d);
    vici_write_free(&w);
    return ok;
}

static bool find_tunnel(struct vici_client *v, json_t **connections, const char *name, const char **out,
                        struct diag *d)
{
    struct cli_target t;
    *connections = cli_list(v, "list-conns", "list-conn", d);
    if (!*connections || !cli_find_target(*connections, name, &t, d))
        return false;
    if (t.child) {
        diag_set(d, FAIL_NOT_FOUND, "%s is a child: whole IKE SAs are redirected", name);
        diag_try(d, "keyway redirect %s GATEWAY", t.connection);
        return false;
    }
    *out = t.connection;
    return true;
}

static int say(const struct cli *c, const char *gateway, int64_t matches)
{
    if (c->has_json)
        cli_print_json(
            json_pack("{s:b,s:s,s:I}", "success", 1, "gateway", gateway, "clients", (json_int_t)matches));
    if (!c->is_quiet)
        fprintf(stderr, "%lld client%s redirected to %s\n", (long long)matches, matches == 1 ? "" : "s",
                gateway);
    return 0;
}

int cmd_redirect(struct cli *c)
{
    struct diag d = {0};
    struct span reply;
    json_t *connections = NULL;
    const char *name = c->argc == 2 ? c->argv[0] : NULL, *connection = NULL;
    bool has_clients = name || c->redirect.ike_id || c->redirect.peer_ip || c->redirect.peer_id;
    if (c->argc < 1 || c->argc > 2 || !has_clients)
        return cli_usage(
            "keyway redirect [NAME] [--peer-ip ADDRESS] [--peer-id IDENTITY] [--ike-id N] GATEWAY, with at "
            "least one of them");
    const char *gateway = c->argv[c->argc - 1];
    struct vici_client *v = cli_connect(c, &d);
    bool ok = v && (!name || find_tunnel(v, &connections, name, &connection, &d)) &&
              ask(c, v, connection, gateway, &reply, &d);
    int64_t matches = ok ? vici_find_number(reply, "matches", 0) : 0;
    json_decref(connections);
    vici_client_close(v);
    return ok ? say(c, gateway, matches) : cli_fail(c, NULL, &d);
}
