/* SPDX-License-Identifier: Apache-2.0 */
/* Sets of DSCP values (RFC 2474 section 3): bit n stands for DSCP n. Written with the names of the registry
 * (RFC 2474, RFC 2597, RFC 3246, RFC 5865, RFC 8622), as decimal or 0x numbers, or as six binary digits. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DSCP_SET_TEXT 384 /* the longest text of a set, with its end */

/* Values between commas and blanks, without case; at least one. On failure bad, of cap bytes, gets the word
 * that is none, cut if need be; it is empty when there are no words. */
bool dscp_parse_set(const char *text, uint64_t *set, char *bad, size_t cap);
/* "ef,cs6,47": names where there are any, in the order of the numbers. Empty for the empty set. */
const char *dscp_format_set(uint64_t set, char buf[DSCP_SET_TEXT]);
