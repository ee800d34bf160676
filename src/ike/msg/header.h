/* SPDX-License-Identifier: Apache-2.0 */
/* The IKE header (RFC 7296 section 3.1): parse, build, and the names of what it holds. SPIs are numbers in
 * host order (0 = none yet). Version and length are judged by ike_decode(), not here. */
#pragma once

#include "base/rd.h"
#include "base/wr.h"

#define IKE_HEADER_LEN 28

enum exchange_type {
    EXCHANGE_IKE_SA_INIT = 34,
    EXCHANGE_IKE_AUTH = 35,
    EXCHANGE_CREATE_CHILD_SA = 36,
    EXCHANGE_INFORMATIONAL = 37,
    EXCHANGE_IKE_SESSION_RESUME = 38,
    EXCHANGE_IKE_INTERMEDIATE = 43,
    EXCHANGE_IKE_FOLLOWUP_KE = 44,
};

#define IKE_FLAG_INITIATOR 0x08 /* sent by the original initiator of the IKE SA */
#define IKE_FLAG_VERSION   0x10 /* can speak a higher major version */
#define IKE_FLAG_RESPONSE  0x20

struct ike_header {
    uint64_t spi_i, spi_r;
    uint8_t next_payload;
    uint8_t major, minor;
    uint8_t exchange; /* enum exchange_type, or unknown */
    uint8_t flags;
    uint32_t message_id;
    uint32_t length; /* whole message; ignored when building */
};

static inline bool ike_is_response(const struct ike_header *h)
{
    return h->flags & IKE_FLAG_RESPONSE;
}
/* One that begins an IKE SA: IKE_SA_INIT, or IKE_SESSION_RESUME, which stands for it [RFC5723#4.3.2]. */
static inline bool ike_is_initial(const struct ike_header *h)
{
    return h->exchange == EXCHANGE_IKE_SA_INIT || h->exchange == EXCHANGE_IKE_SESSION_RESUME;
}
static inline bool ike_is_from_initiator(const struct ike_header *h)
{
    return h->flags & IKE_FLAG_INITIATOR;
}

/* Reads the 28 bytes; false when they are not there. */
bool ike_header_read(struct rd *r, struct ike_header *out);
/* Writes the 28 bytes, version 2.0 whatever h says, next payload and length as h says (the builder patches
 * them). */
void ike_header_write(struct wr *w, const struct ike_header *h);
/* "IKE_AUTH"; "EXCHANGE_99" style text is the caller's: NULL when unknown. */
const char *exchange_name(uint8_t exchange);
