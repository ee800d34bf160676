/* SPDX-License-Identifier: Apache-2.0 */
/* keyway down NAME: deletes a tunnel's IKE SAs with all that hangs on them, or one child. */
#include "bin/keyway/cli.h"

int cmd_down(struct cli *c)
{
    return cli_control_named(c, "keyway down NAME [--force]", "terminate", "is down");
}
