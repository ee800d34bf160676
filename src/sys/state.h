/* SPDX-License-Identifier: Apache-2.0 */
/* What the daemon keeps over restarts: small files in STATE/keyway (--state, KEYWAY_STATE, /var/lib), the
 * folder and the files for their owner only. A file is there whole or not at all: it is written beside its
 * place, synced, and then named, and the folder is synced, too. */
#pragma once

#include "base/diag.h"
#include "base/secret.h"

/* Reads or makes STATE/keyway/secret: len random bytes that stay the same from then on. False with d when the
 * file is not as it should be, or cannot be kept: a file that others may read or that is damaged is neither
 * used nor replaced. */
bool state_secret(const char *state, size_t len, struct secret *out, struct diag *d);
/* Writes STATE/keyway/leaf anew, in place of what was there. */
bool state_write(const char *state, const char *leaf, struct span bytes, struct diag *d);
/* False without a reason in d (FAIL_NONE): there is no such file. At most max bytes. */
bool state_read(const char *state, const char *leaf, size_t max, struct secret *out, struct diag *d);
