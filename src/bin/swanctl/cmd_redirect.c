/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --redirect` */
#include "bin/swanctl/commands.h"

const struct swanctl_command swanctl_cmd_redirect = {
    .name = "redirect",
    .letter = 'd',
    .doc = "redirect an IKE_SA",
    .usage = {"--ike <name> | --ike-id <id> | --peer-ip <ip|subnet|range>",
              "--peer-id <id|wildcards> | --gateway <ip|fqdn> [--raw|--pretty]"      },
    .options =
        {
              OPTION_IKE("redirect by IKE_SA name"),
              {"ike-id", 'I', OPT_TEXT, "redirect by IKE_SA unique identifier"},
              {"peer-ip", 'p', OPT_TEXT, "redirect by client IP"},
              {"peer-id", 'd', OPT_TEXT, "redirect by IKE_SA name"},
              {"gateway", 'g', OPT_TEXT, "target gateway (IP or FQDN)"},
              OPTION_RAW, },
    .sent = {                                                               "ike",                        "ike-id",                                                   "peer-ip", "peer-id", "gateway"},
    .run = swanctl_run_act,
    .vici = "redirect",
};
