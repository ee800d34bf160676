/* SPDX-License-Identifier: Apache-2.0 */
/* The file nsspassword of Libreswan's users: lines "token name:password". */
#pragma once

#include "base/span.h"

#define NSSPASSWORD_TOKEN "NSS Certificate DB"

/* The next line that is for the key store, whose token NSS calls "NSS Certificate DB", or in FIPS mode "NSS
 * FIPS 140-2 Certificate DB" with a number that goes with its version: both are the store's, in either mode.
 * Lines for other tokens are passed over. *rest: what is left of the file. Views into it. False: no more;
 * *is_cut is true when the file ends within a line, which is not taken: its password may not be whole. */
bool nsspassword_next(struct span *rest, struct span *token, struct span *password, bool *is_cut);
