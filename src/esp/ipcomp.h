/* SPDX-License-Identifier: Apache-2.0 */
/* IP payload compression (RFC 3173) with DEFLATE (RFC 2394), between the inner packet and ESP: an IPComp
 * header and a raw deflate stream take the place of the packet where that makes it smaller. Each packet is
 * compressed by itself; none depends on one before it. What was restored may be as long as an IP packet can
 * be and no longer, in memory that was there before: a peer's packet makes nothing grow.
 *
 * What does not get smaller leaves as it is, without a header (section 2.2): small packets are not tried, and
 * while trying is in vain most packets are not tried either. */
#pragma once

#include "base/span.h"

#define IPCOMP_HEADER  4
#define IPCOMP_DEFLATE 2   /* transform ID [RFC7296#3.10.1] */
#define IPCOMP_ROOM    128 /* free bytes before a restored packet */

/* [RFC3173#3.3] CPIs that two peers may agree on. */
#define IPCOMP_CPI_MIN 256
#define IPCOMP_CPI_MAX 61439

struct ipcomp; /* of one thread: zlib's states and the memory for a batch of restored packets */

struct ipcomp *ipcomp_new(void);
void ipcomp_free(struct ipcomp *c);

/* Of an outbound SA: is it worth trying? */
struct ipcomp_pace {
    uint16_t failures; /* in a row */
    uint16_t skip;     /* packets that go by untried */
};

/* Compresses *len bytes at data, which next_header says what they are, in place, header included. False: they
 * stay as they are. */
bool ipcomp_compress(struct ipcomp *c, struct ipcomp_pace *pace, uint8_t *data, uint32_t *len,
                     uint8_t next_header, uint16_t cpi);

/* A new batch: what was restored before is gone. */
void ipcomp_begin(struct ipcomp *c);
/* Restores what follows an IPComp header of this CPI. At most ESP_BATCH in one batch. False: another CPI, no
 * deflate stream, a truncated one, or more than an IP packet. *data and *len then are as they were. */
bool ipcomp_restore(struct ipcomp *c, uint8_t **data, uint32_t *len, uint8_t *next_header, uint16_t cpi);
