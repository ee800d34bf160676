/* SPDX-License-Identifier: Apache-2.0 */
/* X.501 distinguished names: DER to text and back, comparison, wildcards (RFC 5280 sections 4.1.2.4 and 7.1,
 * RFC 4514 for the text, with the type names and the order that VPN configurations use: "C=CH, O=Keyway,
 * CN=moon"). A DN is the DER of a Name: SEQUENCE OF SET OF { type, value }. */
#pragma once

#include "base/arena.h"

/* Text to DER in memory of a. Separators: ',' or, when the text starts with it, '/'. Values may be "quoted"
 * or have \-escapes; '+' before TYPE= joins attributes into one RDN. On failure *err points at a static
 * reason. */
bool dn_parse(struct arena *a, const char *text, struct span *der, const char **err);
/* Text of any bytes, cut to cap; what is no well-formed DN shows as "#hex". Returns buf. */
const char *dn_format(struct span der, char *buf, size_t cap);
/* Well-formed DER of a Name, nothing behind it. */
bool dn_valid(struct span der);
/* Same types in the same order; text values compare without ASCII case and with runs of spaces folded,
 * whatever their string types; other values compare as bytes. False for malformed names. */
bool dn_equal(struct span a, struct span b);
/* Like dn_equal(), but a value "*" in the pattern matches any: 0 for no match, else 1 + number of RDN values
 * that were not matched by a wildcard; *wildcards tells how many were. */
int dn_match(struct span dn, struct span pattern, unsigned *wildcards);
/* Equal names have equal hashes. Keyed as map_hash() is. */
uint64_t dn_hash(struct span dn);
/* Is base a prefix of dn, RDN by RDN (RFC 5280 section 4.2.1.10, directoryName)? */
bool dn_within(struct span dn, struct span base);
/* Calls each() for each attribute whose type has that name ("E", "CN"); value holds the string's bytes. */
void dn_each(struct span dn, const char *type, void (*each)(void *ctx, struct span value), void *ctx);
