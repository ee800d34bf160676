/* SPDX-License-Identifier: Apache-2.0 */
/* The member of a cluster that takes over from another (RFC 6311): what it says under an IKE SA's keys, and
 * what it is answered. Nothing of the SA changes here. */
#pragma once

#include "ike/v2/sa.h"

struct member_sync { /* IKEV2_MESSAGE_ID_SYNC, as its sender sees the two message IDs */
    uint32_t nonce, send, receive;
};

/* b begins with v, and may be added to. */
void member_begin(struct build *b, uint8_t *buf, size_t cap, struct member_sync v);
/* Seals b as an INFORMATIONAL request with that message ID, under an IV that the SA does not come to. In a;
 * empty: it cannot. */
struct span member_seal(struct arena *a, const struct ike_sa *sa, uint32_t id, uint64_t iv, struct build *b);
/* Is that the answer to one with message ID zero, with IKEV2_MESSAGE_ID_SYNC and nothing else? */
bool member_hears(const struct ike_sa *sa, struct span datagram, struct member_sync *out);
/* Adds IPSEC_REPLAY_COUNTER_SYNC, as it is without extended sequence numbers. */
void member_skip(struct build *b, uint32_t delta);
