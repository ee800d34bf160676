/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --stats` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_stats = {
    .name = "stats",
    .letter = 'S',
    .doc = "show daemon stats information",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = swanctl_run_print,
    .vici = "stats",
    .print = lines_stats,
};
