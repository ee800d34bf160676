/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --version`: of this program, or of the daemon. */
#include "bin/swanctl/commands.h"

static int run(struct swanctl_run *r)
{
    if (swanctl_has(r, "daemon"))
        return swanctl_run_print(r);
    printf("Keyway swanctl %s\n", KEYWAY_VERSION);
    return 0;
}

const struct swanctl_command swanctl_cmd_version = {
    .name = "version",
    .letter = 'v',
    .doc = "show version information",
    .usage = {"[--raw|--pretty]"},
    .options = { {"daemon", 'd', OPT_FLAG, "query daemon version"},        OPTION_RAW},
    .run = run,
    .vici = "version",
    .print = lines_version,
    .manual =
        "\\fB\\-\\-daemon\\fR answers with the line of strongSwan's program, whose first word is strongSwan.",
};
