/* SPDX-License-Identifier: Apache-2.0 */
/* Name servers that peers told, as lines of a resolv.conf: ours stand first and carry a mark, so that what a
 * crash left is recognised. Everything else in the file stays as it is. */
#pragma once

#include "base/diag.h"
#include "net/ip.h"

/* Adds the line of a name server, or takes it away. True also when the file has it so already. */
bool resolvconf_set(const char *path, struct ip server, bool adds, struct diag *d);
/* Takes all of ours away: at the start and at the end. How many there were, or -1 with the reason. A file
 * that is not there has none. */
int resolvconf_clean(const char *path, struct diag *d);
