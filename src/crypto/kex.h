/* SPDX-License-Identifier: Apache-2.0 */
/* Key exchange methods: classical (MODP RFC 3526 and RFC 2409, ECP RFC 5903, brainpool RFC 6954,
 * Curve25519/448 RFC 8031) as pure functions of bytes, so that a job can carry their inputs anywhere.
 * Randomness: crypto_random(). */
#pragma once

#include "base/secret.h"

#define KEX_PUBLIC_MAX 1600

/* A fresh key pair: private as raw bytes (wiped by the caller), public in wire format, *public_len set.
 * False when the group is unknown or the library lacks it. */
bool kex_generate(uint16_t group, struct secret *private_key, uint8_t public_key[KEX_PUBLIC_MAX],
                  size_t *public_len);
/* The shared secret g^ir in the fixed length that RFC 7296 section 2.14 wants (ECP: x coordinate only, RFC
 * 5903). False when the peer's value has the wrong length, is not on the curve, is 0, 1 or p-1, or the result
 * is all zero. */
bool kex_derive(uint16_t group, struct span private_key, struct span peer_public, struct secret *shared);
/* Length check without computing: cheap enough for unauthenticated input. */
bool kex_public_plausible(uint16_t group, struct span peer_public);
/* Does this library have it? Makes a key pair to find out, but for MODP, which is arithmetic. */
bool kex_is_there(uint16_t group);
