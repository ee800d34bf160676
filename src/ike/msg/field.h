/* SPDX-License-Identifier: Apache-2.0 */
/* The engine for flat payloads: a const table of fields says how wire bytes and a struct correspond, and both
 * directions follow it. Bounds are part of the row and are enforced when reading and when writing. Lists
 * (proposals, selectors) are code: sa.c and tsel.c. */
#pragma once

#include "base/diag.h"
#include "base/rd.h"
#include "base/wr.h"

enum field_kind {
    FIELD_END,
    FIELD_U8,
    FIELD_U8_ENUM, /* an octet into an enum (of the size of int) */
    FIELD_U16,
    FIELD_RESERVED, /* max octets: zero when written, ignored when read */
    FIELD_LEN8,     /* the length, in one octet, of the FIELD_SIZED at the same offset */
    FIELD_SIZED,    /* a view of that length */
    FIELD_REST,     /* a view of all that is left */
};

struct field {
    uint8_t kind;
    uint16_t offset;
    uint32_t min, max; /* of views: bytes */
    const char *name;
};

#define F_MEMBER_SIZE(type, member) sizeof(((type *)0)->member)
#define F_CHECK(type, member, size)                                                                          \
    (offsetof(type, member) + 0 * sizeof(char[F_MEMBER_SIZE(type, member) == (size) ? 1 : -1]))
#define F_U8(type, member)                                                                                   \
    {                                                                                                        \
        FIELD_U8, F_CHECK(type, member, 1), 0, 0, #member                                                    \
    }
#define F_U8_ENUM(type, member)                                                                              \
    {                                                                                                        \
        FIELD_U8_ENUM, F_CHECK(type, member, sizeof(int)), 0, 0, #member                                     \
    }
#define F_U16(type, member)                                                                                  \
    {                                                                                                        \
        FIELD_U16, F_CHECK(type, member, 2), 0, 0, #member                                                   \
    }
#define F_RESERVED(count)                                                                                    \
    {                                                                                                        \
        FIELD_RESERVED, 0, 0, (count), "reserved"                                                            \
    }
#define F_LEN8(type, member)                                                                                 \
    {                                                                                                        \
        FIELD_LEN8, F_CHECK(type, member, sizeof(struct span)), 0, 0, #member                                \
    }
#define F_SIZED(type, member, lo, hi)                                                                        \
    {                                                                                                        \
        FIELD_SIZED, F_CHECK(type, member, sizeof(struct span)), (lo), (hi), #member                         \
    }
#define F_REST(type, member, lo, hi)                                                                         \
    {                                                                                                        \
        FIELD_REST, F_CHECK(type, member, sizeof(struct span)), (lo), (hi), #member                          \
    }
#define F_END                                                                                                \
    {                                                                                                        \
        FIELD_END, 0, 0, 0, NULL                                                                             \
    }

/* Reads body (all of it) into the struct at out. False with d (may be NULL) saying what is wrong. */
bool fields_read(const struct field *f, struct span body, void *out, const char *what, struct diag *d);
/* Writes the struct; what is out of bounds fails the cursor. */
void fields_write(const struct field *f, const void *in, struct wr *w);
