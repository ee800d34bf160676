/* SPDX-License-Identifier: Apache-2.0 */
/* keyway xfrm state|policy|stat: what the userspace data plane has, as `ip xfrm` and /proc/net/xfrm_stat
 * would show it if the kernel carried the packets. What the kernel carries is left to them. */
#include "bin/keyway/lines/xfrm.h"
#include "bin/keyway/cli.h"
#include <stdio.h>

static json_t *drops_of(struct vici_client *v, struct diag *d)
{
    json_t *status = cli_ask(v, "keyway-status", d);
    json_t *drops = json_incref(json_object_get(json_object_get(status, "dataplane"), "drops"));
    json_decref(status);
    return status && !drops ? json_object() : drops;
}

static const struct {
    const char *name;
    void (*print)(FILE *to, json_t *rows, bool has_stats);
    json_t *(*json)(json_t *rows);
} tables[] = {
    {"state",  xfrm_print_states,   xfrm_states_json  },
    {"policy", xfrm_print_policies, xfrm_policies_json},
};

/* What these tables do not have. */
static void note_kernel(struct vici_client *v)
{
    struct diag d = {0};
    json_t *status = cli_ask(v, "keyway-status", &d);
    size_t counts[2] = {0}, n;
    if (status)
        cli_count_planes(v, status, counts);
    n = counts[PLANE_KERNEL];
    if (n)
        fprintf(stderr, "%zu child%s with the kernel: ip xfrm and /proc/net/xfrm_stat show %s\n", n,
                n == 1 ? " is" : "ren are", n == 1 ? "it" : "them");
    json_decref(status);
}

static int show_stat(struct cli *c, struct vici_client *v)
{
    struct diag d = {0};
    json_t *drops = drops_of(v, &d);
    if (!drops)
        return cli_fail(c, NULL, &d);
    if (c->has_json)
        cli_print_json(xfrm_stat_json(drops));
    else
        xfrm_print_stat(stdout, drops);
    json_decref(drops);
    return 0;
}

static int show_table(struct cli *c, struct vici_client *v, size_t which)
{
    struct diag d = {0};
    json_t *rows = cli_list(v, "keyway-xfrm", "keyway-xfrm", &d);
    if (!rows)
        return cli_fail(c, NULL, &d);
    if (c->has_json)
        cli_print_json(tables[which].json(rows));
    else
        tables[which].print(stdout, rows, c->has_statistics);
    json_decref(rows);
    return 0;
}

int cmd_xfrm(struct cli *c)
{
    struct diag d = {0};
    const char *what = c->argc == 1 ? c->argv[0] : "";
    size_t which = 0;
    while (which < ARRAY_LEN(tables) && strcmp(what, tables[which].name) != 0)
        which++;
    if (which == ARRAY_LEN(tables) && strcmp(what, "stat") != 0)
        return cli_usage("keyway xfrm state | policy | stat");
    struct vici_client *v = cli_connect(c, &d);
    if (!v)
        return cli_fail(c, NULL, &d);
    int code = which == ARRAY_LEN(tables) ? show_stat(c, v) : show_table(c, v, which);
    note_kernel(v);
    vici_client_close(v);
    return code;
}
