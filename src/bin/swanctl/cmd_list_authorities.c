/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-authorities` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_list_authorities = {
    .name = "list-authorities",
    .letter = 'B',
    .doc = "list loaded authority configurations",
    .usage = {"[--raw|--pretty]"                                 },
    .options = {{"name", 'n', OPT_TEXT, "filter by authority name"}, OPTION_RAW},
    .sent = {"name"                                                  },
    .run = swanctl_run_list,
    .vici = "list-authorities",
    .event = "list-authority",
    .listing = "authorities",
    .event_label = "list-authorities event",
    .print = lines_authorities,
};
