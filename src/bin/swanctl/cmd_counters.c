/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --counters`: of all, of one connection, of each; or sets them to zero. */
#include "bin/swanctl/commands.h"

static int run(struct swanctl_run *r)
{
    const char *vici = swanctl_has(r, "reset") ? "reset-counters" : "get-counters";
    struct vici_writer w;
    struct span reply;
    int code;
    vici_write_init(&w);
    vici_packet_open(&w, VICI_CMD_REQUEST, vici);
    if (swanctl_has(r, "all"))
        vici_text(&w, "all", "yes");
    else if (swanctl_has(r, "name"))
        vici_text(&w, "name", swanctl_get(r, "name"));
    if (!swanctl_ask(r, &w, vici, &reply, &code))
        return code;
    if (r->style != DUMP_NONE) {
        swanctl_dump_reply(r, reply);
        return 0;
    }
    if (!swanctl_is_success(reply))
        return swanctl_refused(vici, reply);
    if (swanctl_has(r, "reset"))
        printf("%s completed successfully\n", vici);
    else
        lines_counters(stdout, reply);
    return 0;
}

const struct swanctl_command swanctl_cmd_counters = {
    .name = "counters",
    .letter = 'C',
    .doc = "list or reset IKE event counters",
    .usage = {"[--name <name>|--all] [--reset] [--raw|--pretty]"},
    .options =
        {
              {"name", 'n', OPT_TEXT, "connection name, omit for global counters"},
              {"all", 'a', OPT_FLAG, "get/reset counters for all tracked connections"},
              {"reset", 'R', OPT_FLAG, "reset the counters"},
              OPTION_RAW, },
    .run = run,
    .vici = "counters",
    .reply_label = "counters reply",
};
