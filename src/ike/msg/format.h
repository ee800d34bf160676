/* SPDX-License-Identifier: Apache-2.0 */
/* Inside ike/msg: one row per payload type, which says how it is read and written. */
#pragma once

#include "ike/msg/field.h"
#include "ike/msg/payload.h"

struct payload_format {
    uint8_t type;
    const char *name;
    bool is_single;             /* decoding a second one in a message fails: the lists cost memory */
    const struct field *fields; /* into struct ike_payload; NULL: by code */
    bool (*check)(struct ike_payload *p, struct diag *d); /* after reading by fields; may be NULL */
    bool (*read)(struct arena *a, struct ike_payload *p, struct diag *d);
    void (*write)(const struct ike_payload *p, struct wr *w);
};

/* NULL when the type is unknown. */
const struct payload_format *payload_format(uint8_t type);
/* Decodes p->body by p->type into the union. */
bool payload_read(struct arena *a, struct ike_payload *p, struct diag *d);
/* The reverse: writes the body. */
void payload_write(const struct ike_payload *p, struct wr *w);

/* sa.c, tsel.c */
bool sa_read(struct arena *a, struct ike_payload *p, struct diag *d);
void sa_write(const struct ike_payload *p, struct wr *w);
bool tsel_read(struct arena *a, struct ike_payload *p, struct diag *d);
void tsel_write(const struct ike_payload *p, struct wr *w);
