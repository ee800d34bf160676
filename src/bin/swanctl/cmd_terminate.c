/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --terminate` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_terminate = {
    .name = "terminate",
    .letter = 't',
    .doc = "terminate a connection",
    .usage = {"--child <name> | --ike <name> | --child-id <id> | --ike-id <id>",
              "[--timeout <s>] [--raw|--pretty]"},
    .options =
        {
              OPTION_CHILD("terminate by CHILD_SA name"),
              OPTION_IKE("terminate by IKE_SA name"),
              {"child-id", 'C', OPT_TEXT, "terminate by CHILD_SA unique identifier"},
              {"ike-id", 'I', OPT_TEXT, "terminate by IKE_SA unique identifier"},
              {"force", 'f', OPT_FLAG, "terminate IKE_SA without waiting, unless timeout is set"},
              OPTION_TIMEOUT, OPTION_RAW,
              OPTION_LOGLEVEL, },
    .sent = {                     "child",                        "ike",                   "child-id",                      "ike-id", "force", "timeout", "loglevel"},
    .run = swanctl_run_act,
    .vici = "terminate",
    .event = "control-log",
    .listing = "log",
    .event_label = "log",
    .print = lines_control_log,
};
