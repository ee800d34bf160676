/* SPDX-License-Identifier: Apache-2.0 */
/* `swanctl --install` and `swanctl --uninstall`: traps, and policies of connections that pass or drop. */
#include "bin/swanctl/commands.h"

/* As the program that scripts know: --raw does not change what is said, and the label of --pretty has a break
 * in its line. */
static int run(struct swanctl_run *r)
{
    if (r->style == DUMP_RAW)
        r->style = DUMP_NONE;
    return swanctl_run_act(r);
}

const struct swanctl_command swanctl_cmd_install = {
    .name = "install",
    .letter = 'p',
    .doc = "install a trap or shunt policy",
    .usage = {"--child <name> [--ike <name>] [--raw|--pretty]"               },
    .options =
        {
              OPTION_CHILD("CHILD_SA configuration to install"),
              OPTION_IKE("name of the connection to which the child belongs"),
              OPTION_RAW, },
    .sent = {                                                       "child",                                                                "ike"},
    .run = run,
    .vici = "install",
    .reply_label = "install\n reply",
};

const struct swanctl_command swanctl_cmd_uninstall = {
    .name = "uninstall",
    .letter = 'u',
    .doc = "uninstall a trap or shunt policy",
    .usage = {"--child <name> [--ike <name>] [--raw|--pretty]"               },
    .options =
        {
              OPTION_CHILD("CHILD_SA configuration to uninstall"),
              OPTION_IKE("name of the connection to which the child belongs"),
              OPTION_RAW, },
    .sent = {                                                       "child",                                                                "ike"},
    .run = run,
    .vici = "uninstall",
    .reply_label = "uninstall\n reply",
};
