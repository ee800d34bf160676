/* SPDX-License-Identifier: Apache-2.0 */
/* IKE identities (RFC 7296 section 3.5, RFC 4945) and their text forms, with the wildcards and typed prefixes
 * that swanctl.conf and ipsec.conf write. */
#pragma once

#include "base/arena.h"
#include "net/ip.h"

enum id_type {
    ID_ANY = 0, /* configured as %any: matches all; never on the wire */
    ID_IPV4_ADDR = 1,
    ID_FQDN = 2,
    ID_RFC822_ADDR = 3,
    ID_IPV6_ADDR = 5,
    ID_DER_ASN1_DN = 9,
    ID_DER_ASN1_GN = 10,
    ID_KEY_ID = 11,
    ID_NULL = 13, /* nobody (RFC 7619 section 2.2): no data, falls under no pattern but itself */
};

struct identity {
    enum id_type type;
    struct span data; /* wire format; text for FQDN and RFC822 */
};

#define ID_TEXT_MAX 512

/* Typed prefixes (ipv4: ipv6: fqdn: dns: email: rfc822: userfqdn: asn1dn: keyid: {n}: and their :# hex
 * forms), "@name",
 * "@#hex", "^...$" behind fqdn:, email: and asn1dn: as a regular expression, "%any", "%null", addresses,
 * "C=CH, O=x, CN=y" and "/C=CH/CN=y", names with '@' as email, else FQDN. Memory from a. */
bool identity_parse(struct arena *a, const char *text, struct identity *out, const char **err);
const char *identity_format(const struct identity *id, char buf[ID_TEXT_MAX]);
const char *identity_type_name(enum id_type type);
struct identity identity_from_ip(struct arena *a, struct ip ip);
struct identity identity_dup(struct arena *a, const struct identity *id);
/* Exact equality. FQDN and email compare without case. DNs: RDN by RDN, printable strings without case. */
bool identity_equal(const struct identity *a, const struct identity *b);
/* Equal identities have equal hashes. Keyed as map_hash() is. */
uint64_t identity_hash(const struct identity *id);
/* May others than its equal fall under it? %any, and what may hold a wildcard. */
bool identity_is_pattern(const struct identity *id);
/* Does id fall under pattern ('*' in names and in DN values, %any)? Returns 0 for no, higher for a closer
 * match. */
int identity_match(const struct identity *id, const struct identity *pattern);
