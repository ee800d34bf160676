/* SPDX-License-Identifier: Apache-2.0 */
/* keyway log: what the daemon says, as it says it, until interrupted; --level changes what it says first.
 * With
 * --level alone, or levels: only that. */
#include "bin/keyway/cli.h"
#include "conf/logging.h"
#include <stdio.h>
#include <strings.h>

static json_t *ask(struct vici_client *v, const char *group, int level, struct diag *d)
{
    struct vici_writer w;
    struct span reply;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, "keyway-log-level");
    if (group) {
        vici_text(&w, "group", group);
        vici_printf(&w, "level", "%d", level);
    }
    bool ok = vici_client_call(v, &w, NULL, NULL, NULL, &reply, d) && vici_reply_ok(reply, d);
    json_t *j = ok ? vici_to_json(reply) : NULL;
    vici_write_free(&w);
    return j;
}

/* "ike 2, knl 3": each group's; all: the others first. */
static bool set_levels(struct vici_client *v, const char *list, struct diag *d)
{
    enum { AS_IT_IS = -9 };
    struct log_levels l;
    char bad[64];
    memset(l.of, AS_IT_IS, sizeof(l.of));
    if (!logging_set(list, &l, bad)) {
        diag_set(d, FAIL_USAGE, "no levels are: %s", bad);
        diag_expected(d, "groups with a level from -1 to 4: ike 2, knl 3, all 1");
        return false;
    }
    for (int g = 0; g < LOG_GROUPS; g++) {
        json_t *reply = l.of[g] == AS_IT_IS ? NULL : ask(v, log_group_name((enum log_group)g), l.of[g], d);
        if (l.of[g] != AS_IT_IS && !reply)
            return false;
        json_decref(reply);
    }
    return true;
}

static int print_levels(struct cli *c, struct vici_client *v, struct diag *d)
{
    const char *group;
    json_t *level, *reply = ask(v, NULL, 0, d);
    if (!reply)
        return cli_fail(c, NULL, d);
    json_t *levels = json_object_get(reply, "levels");
    if (c->has_json) {
        cli_print_json(json_pack("{s:O}", "levels", levels));
    } else {
        json_object_foreach(levels, group, level) printf("%s %s\n", group, json_string_value(level));
    }
    json_decref(reply);
    return 0;
}

static void print_line(void *ctx, struct span body)
{
    const struct cli *c = ctx;
    json_t *e = vici_to_json(body);
    const char *name = json_string_value(json_object_get(e, "ikesa-name")),
               *id = json_string_value(json_object_get(e, "ikesa-uniqueid"));
    if (c->has_json) {
        json_dumpf(e, stdout, JSON_COMPACT);
        putchar('\n');
    } else {
        printf("%s%s ", json_string_value(json_object_get(e, "group")),
               json_string_value(json_object_get(e, "level")));
        if (id)
            printf("<%s%s%s> ", name ? name : "", name ? "|" : "", id);
        puts(json_string_value(json_object_get(e, "msg")));
    }
    fflush(stdout);
    json_decref(e);
}

/* Until interrupted, or the daemon ends. */
static bool follow(struct cli *c, struct vici_client *v, struct diag *d)
{
    struct span event, body;
    if (!vici_client_register(v, "log", print_line, c, d))
        return false;
    while (vici_client_wait(v, &event, &body, d))
        print_line(c, body);
    return false;
}

int cmd_log(struct cli *c)
{
    struct diag d = {0};
    bool only_levels = c->argc == 1 && strcmp(c->argv[0], "levels") == 0;
    if (c->argc && !only_levels)
        return cli_usage("keyway log [levels] [--level LIST]");
    struct vici_client *v = cli_connect(c, &d);
    int code = 0;
    if (!v || (c->log_levels && !set_levels(v, c->log_levels, &d)))
        code = cli_fail(c, NULL, &d);
    else if (only_levels || c->log_levels)
        code = print_levels(c, v, &d);
    else if (!follow(c, v, &d))
        code = cli_fail(c, NULL, &d);
    vici_client_close(v);
    return code;
}
