/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --help` */
#include "bin/swanctl/commands.h"

static int run(struct swanctl_run *r)
{
    (void)r;
    swanctl_overview(stdout);
    return 0;
}

const struct swanctl_command swanctl_cmd_help = {
    .name = "help",
    .letter = 'h',
    .doc = "show usage information",
    .usage = {""},
    .run = run,
    .is_without_daemon = true,
};
