/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a program of the machine to its end, and keeps what it says. For what happens once, not in the control
 * loop: it waits. */
#pragma once

#include "base/diag.h"
#include "base/secret.h"
#include "sys/paths.h"

/* Where it is, in buf, by PATH, and in the usual places besides. False: it is not installed. */
bool tool_find(const char *name, char buf[PATH_TEXT_MAX]);
/* argv ends with NULL; argv[0] is a path. It has no terminal, nothing on stdin, and LC_ALL=C; after limit_s
 * seconds it is killed. out: the first 4 MiB of stdout; freed by the caller. Returns its exit code, or -1
 * with d. */
int tool_run(char *const argv[], int limit_s, struct secret *out, struct diag *d);
