/* SPDX-License-Identifier: Apache-2.0 */
/* A message in one line: "IKE_AUTH request 1 [ IDi CERT AUTH SA TSi TSr N(MOBIKE_SUP) ]". Types only: no
 * contents, no keys. */
#pragma once

#include "ike/msg/decode.h"

#define IKE_DUMP_MAX 512

/* One payload of a chain that was built here and is not decoded. */
struct ike_chained {
    uint8_t type;
    struct span body; /* without the generic header */
};

/* The next one; type: in, what it is; out, what follows. False: it is cut short. */
bool ike_chain_next(struct rd *r, uint8_t *type, struct ike_chained *p);
/* The same line of a message that is about to be sealed: first is the type of the chain's first payload. */
const char *ike_dump_chain(const struct ike_header *h, uint8_t first, struct span chain, char *buf,
                           size_t cap);
/* Writes into buf (cut to cap), returns buf. A closed SK is "SK", a fragment "SKF(2/5)". */
const char *ike_dump(const struct ike_message *m, char *buf, size_t cap);
