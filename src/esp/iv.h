/* SPDX-License-Identifier: Apache-2.0 */
/* Explicit IVs of outbound ESP. Counter modes and ChaCha20 need IVs that never repeat under a key: the
 * sequence number, which does not, masked by a value drawn when the SA is added (RFC 4106 section 3.1, RFC
 * 3686 section 3.1, RFC 7634 section 2). CBC needs IVs that nobody can predict (RFC 3602 section 3): a
 * counter encrypted with AES under a key of its own. All CBC SAs of a thread take theirs from one pool with
 * one such key: no IV comes twice in any of them, and an SA that is idle keeps nothing. */
#pragma once

#include "base/span.h"

#define IV_POOL 64 /* blocks encrypted in one go */

struct block_cipher;

struct iv_pool {
    struct block_cipher *cipher; /* NULL: not needed so far */
    uint64_t counter;
    uint8_t left; /* unused blocks */
    uint8_t blocks[IV_POOL * 16];
};

struct iv {
    union {
        uint64_t mask;
        struct iv_pool *pool; /* not ours */
    };
    uint8_t len; /* bytes on the wire: 0, 8 or 16 */
    bool is_unpredictable;
};

void iv_pool_init(struct iv_pool *p);
void iv_pool_deinit(struct iv_pool *p); /* wipes */
/* Draws from crypto_random(); so does the pool when the first one is_unpredictable. len at most 16;
 * predictable ones are at most 8. */
void iv_init(struct iv *iv, size_t len, bool is_unpredictable, struct iv_pool *pool);
/* Writes iv->len bytes for the packet with this 64-bit sequence number. */
void iv_next(struct iv *iv, uint64_t seq, uint8_t *out);
