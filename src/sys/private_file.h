/* SPDX-License-Identifier: Apache-2.0 */
/* Files for their owner's eyes: refused when others may read or write them, and there whole or not at all. A
 * file is written beside its place, synced, and then named, and the folder is synced, too. The folder has to
 * be there. */
#pragma once

#include "base/diag.h"
#include "base/secret.h"

/* False without a reason in d (FAIL_NONE): there is no such file. At most max bytes. advice: what to try when
 * others may read it, or NULL. */
bool private_read(const char *folder, const char *leaf, size_t max, const char *advice, struct secret *out,
                  struct diag *d);
/* Writes it anew, mode 0600, in place of what was there. */
bool private_write(const char *folder, const char *leaf, struct span bytes, struct diag *d);
/* Writes it when it is not there; also true when it is there already, and then stays as it is. */
bool private_write_once(const char *folder, const char *leaf, struct span bytes, struct diag *d);
/* Whether it went or was not there. */
bool private_remove(const char *folder, const char *leaf, struct diag *d);
