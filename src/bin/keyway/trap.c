/* SPDX-License-Identifier: Apache-2.0 */
/* keyway trap NAME, NAME/CHILD: the tunnel comes with the first packet for it; untrap: not any more. */
#include "bin/keyway/cli.h"

int cmd_trap(struct cli *c)
{
    return cli_control_named(c, "keyway trap NAME, or NAME/CHILD", "install", "waits for a packet");
}

int cmd_untrap(struct cli *c)
{
    return cli_control_named(c, "keyway untrap NAME, or NAME/CHILD", "uninstall",
                             "does not wait for packets any more");
}
