/* SPDX-License-Identifier: Apache-2.0 */
/* keyway doctor net: firewall rules that do not see what they are meant for where this daemon carries the
 * packets, and those that do not where the kernel does. Which, and what to write: src/sys/secpath.h. */
#include "base/log.h"
#include "bin/keyway/cli.h"
#include "sys/files.h"
#include "sys/secpath.h"
#include <stdio.h>

/* ---- who carries packets: the children that are up, or else what the configuration wants */

/* by_default: who carries those that leave it open. */
static void ask_files(struct cli *c, enum dataplane_choice by_default, struct secpath_question *q)
{
    struct conf_source files = files_source(&c->paths);
    const struct conf_request req = {.etc = c->paths.etc, .load = c->load, .settings = c->settings};
    struct diag error = {0};
    size_t n_errors = 0;
    struct config *config = conf_load(&files, &req, &error, 1, &n_errors);
    for (size_t i = 0; config && i < config->n_connections; i++) {
        enum dataplane_choice choice = config->connections[i]->dataplane;
        choice = choice == DATAPLANE_AUTO ? config->settings.dataplane : choice;
        choice = choice == DATAPLANE_AUTO ? by_default : choice;
        q->has_user |= choice == DATAPLANE_USER;
        q->has_kernel |= choice == DATAPLANE_KERNEL;
    }
    if (config)
        config_unref(config);
}

static void find_planes(struct cli *c, struct secpath_question *q)
{
    struct diag d = {0};
    size_t counts[2] = {0};
    struct vici_client *v = cli_connect(c, &d);
    json_t *status = v ? cli_ask(v, "keyway-status", &d) : NULL;
    const char *kind = json_string_value(json_object_get(json_object_get(status, "dataplane"), "kind"));
    bool has_kernel = kind && strstr(kind, "kernel");
    if (status)
        cli_count_planes(v, status, counts);
    q->has_user = counts[PLANE_USER] || (kind && strcmp(kind, "user") == 0);
    q->has_kernel = counts[PLANE_KERNEL] || (kind && strcmp(kind, "kernel") == 0);
    json_decref(status);
    vici_client_close(v);
    if (!q->has_user && !q->has_kernel)
        ask_files(c, has_kernel ? DATAPLANE_KERNEL : DATAPLANE_USER, q);
    if (!q->has_user && !q->has_kernel)
        q->has_user = true;
}

/* ---- what was found */

static json_t *model_of(const struct secpath_question *q, const struct secpath_found *found)
{
    json_t *rules = json_array(), *planes = json_array();
    if (q->has_user)
        json_array_append_new(planes, json_string("user"));
    if (q->has_kernel)
        json_array_append_new(planes, json_string("kernel"));
    for (size_t i = 0; i < found->n; i++) {
        const struct secpath_rule *r = &found->v[i];
        json_array_append_new(rules, json_pack("{s:s,s:s,s:s,s:s,s:s}", "where", r->where, "matches",
                                               secpath_kind_name(r->kind), "rule", r->rule, "write", r->form,
                                               "why", secpath_why(r->kind)));
    }
    return json_pack("{s:o,s:I,s:I,s:o}", "dataplanes", planes, "rules_read", (json_int_t)found->n_read,
                     "left_out", (json_int_t)found->n_more, "rules", rules);
}

static void print_rules(const struct cli *c, const struct secpath_found *found)
{
    for (size_t i = 0; i < found->n; i++) {
        const struct secpath_rule *r = &found->v[i];
        enum cli_color color = r->kind == SECPATH_DEVICE ? CLI_BOLD : CLI_YELLOW;
        printf("%s%s%s\n", cli_color_on(c->has_color, color), r->where, cli_color_off(c->has_color));
        printf("  rule:   %s\n  %s   %s\n  write:  %s\n", r->rule,
               r->kind == SECPATH_DEVICE ? "note:" : "why: ", secpath_why(r->kind), r->form);
    }
    if (found->n_more)
        printf("and %zu more\n", found->n_more);
    if (!found->n)
        printf("%zu firewall rule%s, and none that does not see the tunnels' packets\n", found->n_read,
               found->n_read == 1 ? "" : "s");
}

int cmd_doctor_net(struct cli *c)
{
    static struct secpath_found found;
    struct secpath_question q = {.device = "kw*"};
    struct diag d = {0};
    bool is_bad = false;
    find_planes(c, &q);
    if (!secpath_look(&q, &found, &d))
        return cli_fail(c, NULL, &d);
    if (c->has_json)
        cli_print_json(model_of(&q, &found));
    else
        print_rules(c, &found);
    for (size_t i = 0; i < found.n; i++)
        is_bad |= found.v[i].kind != SECPATH_DEVICE;
    return is_bad ? FAIL_GENERIC : 0;
}
