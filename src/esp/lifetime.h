/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes by bytes and packets of inner traffic (RFC 4301 section 4.4.2.1), and the queue of what the
 * engine must hear. A soft limit is reported once; at a hard one the SA is reported and carries nothing more.
 * Lifetimes by time are the engine's. The queue is made of the SAs themselves, so that it is bounded by their
 * number. */
#pragma once

#include "esp/sad.h"

/* Without ESN the engine hears of the end of the number space this many packets before it. */
#define SEQ_SOFT_MARGIN (UINT32_C(1) << 26)

/* Counts a packet that an SA carried. */
void lifetime_account(struct sad *s, struct sa *sa, uint32_t bytes, int64_t now);
/* The next outbound sequence number; false when there is none left. [RFC4303#3.3.3] */
bool lifetime_take_seq(struct sad *s, struct sa *sa, uint64_t *seq);
/* Authenticated ESP came from an endpoint that is not the SA's. */
void lifetime_report_mapping(struct sad *s, struct sa *sa, const struct endpoint *remote);
/* The newest packet came from the SA's own endpoint, or that was changed: what was reported is moot. */
void lifetime_retract_mapping(struct sa *sa);
size_t lifetime_take_events(struct sad *s, struct dataplane_event *ev, size_t cap);
void sa_describe(const struct sa *sa, enum dataplane_kind kind, struct dataplane_event *out);
