/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --reload-settings`: says nothing when it went well. */
#include "bin/swanctl/commands.h"

static int run(struct swanctl_run *r)
{
    struct vici_writer w;
    struct span reply;
    int code;
    swanctl_request(r, &w, r->command->vici);
    if (!swanctl_ask(r, &w, r->command->vici, &reply, &code))
        return code;
    if (r->style != DUMP_NONE)
        swanctl_dump_reply(r, reply);
    else if (!swanctl_is_success(reply))
        return swanctl_refused(r->command->vici, reply);
    return 0;
}

const struct swanctl_command swanctl_cmd_reload_settings = {
    .name = "reload-settings",
    .letter = 'r',
    .doc = "reload daemon strongswan.conf",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = run,
    .vici = "reload-settings",
};
