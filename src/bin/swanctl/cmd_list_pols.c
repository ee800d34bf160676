/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --list-pols`: traps and shunts. */
#include "bin/swanctl/commands.h"

/* Who names no kind wants all of them. */
static int run(struct swanctl_run *r)
{
    static const char *const kinds[] = {"trap", "drop", "pass"};
    bool has_kind = false;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        has_kind |= swanctl_has(r, kinds[i]);
    for (size_t i = 0; !has_kind && r->command->options[i].name; i++) {
        for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
            if (!strcmp(r->command->options[i].name, kinds[k]))
                r->value[i] = "";
        }
    }
    return swanctl_run_list(r);
}

const struct swanctl_command swanctl_cmd_list_pols = {
    .name = "list-pols",
    .letter = 'P',
    .doc = "list currently installed policies",
    .usage = {"[--child <name>] [--trap] [--drop] [--pass] [--raw|--pretty]"},
    .options =
        {
              OPTION_CHILD("filter policies by CHILD_SA config name"),
              {"trap", 't', OPT_FLAG, "list trap policies"},
              {"drop", 'd', OPT_FLAG, "list drop policies"},
              {"pass", 'p', OPT_FLAG, "list bypass policies"},
              OPTION_RAW, },
    .sent = {                                                      "child",                                          "trap",                               "drop", "pass"},
    .run = run,
    .vici = "list-policies",
    .event = "list-policy",
    .listing = "policies",
    .print = lines_policies,
};
