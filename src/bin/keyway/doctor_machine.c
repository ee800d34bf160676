/* SPDX-License-Identifier: Apache-2.0 */
/* keyway doctor: does this machine have what a gateway needs? The checks are src/sys/checkup.c's. */
#include "base/log.h"
#include "bin/keyway/cli.h"
#include "sys/checkup.h"
#include "sys/clock.h"
#include "sys/files.h"
#include <stdio.h>

/* What the kernel's data plane refused, each for itself, as far as there is room. */
static void add_kernel_counters(struct vici_client *v, struct checkup *out)
{
    struct diag d = {0};
    json_t *status = cli_ask(v, "keyway-status", &d), *counters = cli_kernel_counters(status), *one;
    size_t i;
    json_array_foreach(counters, i, one)
    {
        if (out->n == CHECKUP_ITEMS_MAX)
            break;
        struct checkup_item *item = &out->v[out->n++];
        *item = (struct checkup_item){
            .name = "kernel_counter", .label = "Kernel's IPsec", .verdict = CHECKUP_NOTE};
        snprintf(item->what, sizeof(item->what), "%s %lld: %s",
                 json_string_value(json_object_get(one, "name")),
                 (long long)json_integer_value(json_object_get(one, "count")),
                 json_string_value(json_object_get(one, "meaning")));
        snprintf(item->try, sizeof(item->try), "%s", json_string_value(json_object_get(one, "advice")));
    }
    json_decref(counters);
    json_decref(status);
}

static void run(struct cli *c, struct checkup *out)
{
    struct conf_source files = files_source(&c->paths);
    const struct conf_request req = {.etc = c->paths.etc, .load = c->load, .settings = c->settings};
    struct diag error = {0}, d = {0};
    size_t n_errors = 0;
    struct config *config = conf_load(&files, &req, &error, 1, &n_errors);
    struct vici_client *v = cli_connect(c, &d);
    const struct checkup_input in = {.root = "",
                                     .paths = &c->paths,
                                     .is_running = v != NULL,
                                     .now = clock_now().wall,
                                     .config = config,
                                     .error = &error,
                                     .n_errors = n_errors};
    checkup_run(&in, out);
    if (v)
        add_kernel_counters(v, out);
    vici_client_close(v);
    if (config)
        config_unref(config);
}

static void print_item(const struct cli *c, const struct checkup_item *i)
{
    static const enum cli_color colors[] = {[CHECKUP_OK] = CLI_GREEN,
                                            [CHECKUP_NOTE] = CLI_GREEN,
                                            [CHECKUP_WARNING] = CLI_YELLOW,
                                            [CHECKUP_FAILED] = CLI_RED};
    const char *label = i->label;
    while (*label == ' ')
        label++;
    printf("%s%-8s%s %s%s%s\n", cli_color_on(c->has_color, colors[i->verdict]),
           checkup_verdict_name(i->verdict), cli_color_off(c->has_color), label, i->what[0] ? ": " : "",
           i->what);
    if (i->try[0])
        printf("         try: %s\n", i->try);
}

static json_t *model_of(const struct checkup *c)
{
    json_t *all = json_array();
    for (size_t i = 0; i < c->n; i++)
        json_array_append_new(all, json_pack("{s:s,s:s,s:s,s:s}", "name", c->v[i].name, "verdict",
                                             checkup_verdict_name(c->v[i].verdict), "what", c->v[i].what,
                                             "try", c->v[i].try));
    return json_pack("{s:s,s:o}", "verdict", checkup_verdict_name(checkup_worst(c)), "checks", all);
}

int cmd_doctor_machine(struct cli *c)
{
    struct checkup result;
    run(c, &result);
    if (c->has_json)
        cli_print_json(model_of(&result));
    for (size_t i = 0; i < result.n && !c->has_json; i++)
        print_item(c, &result.v[i]);
    return checkup_worst(&result) < CHECKUP_FAILED ? 0 : FAIL_GENERIC;
}
