/* SPDX-License-Identifier: Apache-2.0 */
/* The anti-replay window and the inference of extended sequence numbers (RFC 4303 sections 3.4.3 and
 * appendix A2). The window holds exactly `size` numbers up to the highest authenticated one; its bits are a
 * ring of words, so that moving it on clears words and shifts nothing. Not done: resynchronisation after a
 * loss of 2^32 packets (appendix A3). */
#pragma once

#include "base/span.h"

#define REPLAY_WINDOW_MAX 4096

struct replay {
    uint64_t top;   /* highest authenticated sequence number; 0 = none yet */
    uint32_t size;  /* packets; 0 = no check */
    uint32_t words; /* of bits: a power of two */
    uint64_t *bits;
    bool has_esn;
};

/* size up to REPLAY_WINDOW_MAX. Allocates. */
void replay_init(struct replay *r, uint32_t size, bool has_esn);
void replay_deinit(struct replay *r);
/* The full sequence number that low stands for; false when there is none (before the start of the SA). */
bool replay_infer(const struct replay *r, uint32_t low, uint64_t *seq);
/* Not seen and not too old? Changes nothing. */
bool replay_check(const struct replay *r, uint64_t seq);
/* Marks seq as seen. Only after its ICV was verified and replay_check() said yes again (a batch may hold one
 * packet twice). */
void replay_commit(struct replay *r, uint64_t seq);
