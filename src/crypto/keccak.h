/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-3 and SHAKE (FIPS 202), for ML-KEM alone: libcrypto's SHAKE gives all of its output at once before
 * OpenSSL 3.3, where sampling wants it piece by piece, and an object on the heap for each of a hundred small
 * hashes costs more than hashing does. Time depends on lengths only. Hashes of everything else: hash.h.
 * Private to src/crypto. */
#pragma once

#include "base/span.h"

/* A rate is also what names the function: bytes of a block. */
#define SHAKE128_RATE 168
#define SHAKE256_RATE 136
#define SHA3_256_RATE 136
#define SHA3_512_RATE 72
#define SHAKE_SUFFIX  0x1f /* [FIPS202#6.2] 1111, and the first bit of the padding */
#define SHA3_SUFFIX   0x06 /* [FIPS202#6.1] 01, and the first bit of the padding */

struct keccak {
    uint64_t lanes[25];
    size_t rate, at; /* bytes; at: of the block that is being filled or given */
};

void keccak_init(struct keccak *k, size_t rate);
void keccak_absorb(struct keccak *k, struct span in);
/* After the last keccak_absorb(), before the first keccak_squeeze(). */
void keccak_finish(struct keccak *k, uint8_t suffix);
/* Any number of times: the output goes on where it stopped. */
void keccak_squeeze(struct keccak *k, uint8_t *out, size_t len);

/* The hash of n parts; wipes its state. The length is that of out: 32 or 64 for SHA-3, any for SHAKE. */
void keccak_digest(size_t rate, uint8_t suffix, const struct span *parts, size_t n, uint8_t *out, size_t len);
