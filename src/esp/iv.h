/* SPDX-License-Identifier: Apache-2.0 */
/* Explicit IVs of outbound ESP. Counter modes and ChaCha20 need IVs that never repeat under a key: the
 * sequence number, which does not, masked by a value drawn when the SA is added (RFC 4106 section 3.1, RFC
 * 3686 section 3.1, RFC 7634 section 2). CBC needs IVs that nobody can predict (RFC 3602 section 3): a
 * counter encrypted with AES under a key of its own, drawn when the SA is added. */
#pragma once

#include "base/span.h"

#define IV_POOL 8 /* blocks encrypted in one go */

struct block_cipher;

struct iv {
    uint8_t len; /* bytes on the wire: 0, 8 or 16 */
    bool is_unpredictable;
    uint8_t left; /* unused blocks in the pool */
    uint64_t mask;
    uint64_t counter;
    struct block_cipher *cipher;
    uint8_t pool[IV_POOL * 16];
};

/* Draws from crypto_random(). len at most 16; predictable ones are at most 8. */
void iv_init(struct iv *iv, size_t len, bool is_unpredictable);
void iv_deinit(struct iv *iv);
/* Writes iv->len bytes for the packet with this 64-bit sequence number. */
void iv_next(struct iv *iv, uint64_t seq, uint8_t *out);
