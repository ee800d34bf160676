/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-sas` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_list_sas = {
    .name = "list-sas",
    .letter = 'l',
    .doc = "list currently active IKE_SAs",
    .usage = {"[--ike <name>|--ike-id <id>] [--child <name>|--child-id <id>]",      "[--raw|--pretty]"},
    .options =
        {
              OPTION_IKE("filter IKE_SAs by name"),
              {"ike-id", 'I', OPT_TEXT, "filter IKE_SAs by unique identifier"},
              OPTION_CHILD("filter CHILD_SAs by name"),
              {"child-id", 'C', OPT_TEXT, "filter CHILD_SAs by unique identifier"},
              {"noblock", 'n', OPT_FLAG, "don't wait for IKE_SAs in use"},
              OPTION_RAW, },
    .sent = {                                                                                "ike",                       "ike-id",                                                  "child", "child-id", "noblock"},
    .run = swanctl_run_list,
    .vici = "list-sas",
    .event = "list-sa",
    .listing = "SAs",
    .print = lines_sas,
};
