/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-algs` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_list_algs = {
    .name = "list-algs",
    .letter = 'g',
    .doc = "show loaded algorithms",
    .usage = {"[--raw|--pretty]"},
    .options = {OPTION_RAW},
    .run = swanctl_run_print,
    .vici = "get-algorithms",
    .print = lines_algorithms,
};
