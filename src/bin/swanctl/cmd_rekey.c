/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --rekey` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_rekey = {
    .name = "rekey",
    .letter = 'R',
    .doc = "rekey an SA",
    .usage = {"--child <name> | --ike <name> | --child-id <id> | --ike-id <id>",
              "[--reauth] [--raw|--pretty]"                                                },
    .options =
        {
              OPTION_CHILD("rekey by CHILD_SA name"),
              OPTION_IKE("rekey by IKE_SA name"),
              {"child-id", 'C', OPT_TEXT, "rekey by CHILD_SA unique identifier"},
              {"ike-id", 'I', OPT_TEXT, "rekey by IKE_SA unique identifier"},
              {"reauth", 'a', OPT_FLAG, "reauthenticate instead of rekey an IKEv2 SA"},
              OPTION_RAW, },
    .sent = {                                                                     "child",                         "ike",                    "child-id", "ike-id", "reauth"},
    .run = swanctl_run_act,
    .vici = "rekey",
};
