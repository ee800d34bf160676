/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-pools` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_list_pools = {
    .name = "list-pools",
    .letter = 'A',
    .doc = "list loaded pool configurations",
    .usage = {"[--leases] [--raw|--pretty]"                         },
    .options =
        {
              OPTION_RAW, {"leases", 'l', OPT_FLAG, "list leases of each pool"},
              {"name", 'n', OPT_TEXT, "filter pools by name"},
              },
    .sent = {         "leases",                                                                     "name"},
    .run = swanctl_run_print,
    .vici = "get-pools",
    .print = lines_pools,
};
