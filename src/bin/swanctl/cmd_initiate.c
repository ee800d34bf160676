/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --initiate` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_initiate = {
    .name = "initiate",
    .letter = 'i',
    .doc = "initiate a connection",
    .usage = {"[--child <name>] [--ike <name>] [--timeout <s>] [--raw|--pretty]"},
    .options =
        {
              OPTION_CHILD("initiate a CHILD_SA configuration"),
              OPTION_IKE("initiate an IKE_SA, or name of child's parent"),
              OPTION_TIMEOUT, OPTION_RAW,
              OPTION_LOGLEVEL, },
    .sent = {                                                     "child",                               "ike",                                        "timeout", "loglevel"},
    .run = swanctl_run_act,
    .vici = "initiate",
    .event = "control-log",
    .listing = "log",
    .event_label = "log",
    .print = lines_control_log,
};
