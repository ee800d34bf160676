/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-conns` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_list_conns = {
    .name = "list-conns",
    .letter = 'L',
    .doc = "list loaded configurations",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = swanctl_run_list,
    .vici = "list-conns",
    .event = "list-conn",
    .listing = "connections",
    .print = lines_connections,
};
