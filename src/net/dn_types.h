/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute types that DNs are written with, and the string tags: shared by dn.c and dn_parse.c. */
#pragma once

#include "base/span.h"

enum { TAG_UTF8 = 0x0c, TAG_PRINTABLE = 0x13, TAG_IA5 = 0x16 };

struct dn_type {
    const char *name; /* as printed, for the first row of an OID */
    uint8_t oid[11];
    uint8_t oid_len;
    uint8_t tag; /* preferred string type; UTF8String where the value does not fit */
};

static inline struct span dn_type_oid(const struct dn_type *t)
{
    return span_of(t->oid, t->oid_len);
}
/* Without case. NULL when unknown. */
const struct dn_type *dn_type_by_name(const char *name, size_t len);
const struct dn_type *dn_type_by_oid(struct span oid);
/* Length of the well-formed UTF-8 character at the start of s (RFC 3629), or 0. */
size_t utf8_decode(struct span s, uint32_t *c);
