/* SPDX-License-Identifier: Apache-2.0 */
/* Commands of `ipsec` that read the configuration themselves, without the daemon. */
#pragma once

#include "bin/ipsec/ipsec.h"
#include "conf/conf.h"

/* ipsec.conf of etc, or file in its place, with a line on stderr for each error, and for each warning if
 * verbose. is_alone: none of the other forms' files. NULL: it does not load; *code: 3 where there is no such
 * file, else 1, as Libreswan's addconn exits. */
struct config *ipsec_load(const struct paths *p, const char *file, bool is_alone, bool verbose, int *code);
struct checkup;
/* cmd_verify.c: looks at the machine. False: something is wrong. And shows it; returns the exit code. */
bool ipsec_checkup(const struct paths *p, struct checkup *out);
int ipsec_put_checkup(FILE *to, const struct paths *p, bool has_color);
