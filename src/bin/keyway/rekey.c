/* SPDX-License-Identifier: Apache-2.0 */
/* keyway rekey NAME: fresh keys for a tunnel's IKE SA; NAME/CHILD: for that child. */
#include "bin/keyway/cli.h"

int cmd_rekey(struct cli *c)
{
    return cli_control_named(c, "keyway rekey NAME, or NAME/CHILD", "rekey", "has fresh keys");
}
