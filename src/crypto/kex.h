/* SPDX-License-Identifier: Apache-2.0 */
/* Key exchange methods: Diffie-Hellman (MODP RFC 3526 and RFC 2409, ECP RFC 5903, brainpool RFC 6954,
 * Curve25519/448 RFC 8031) and key encapsulation (ML-KEM, FIPS 203 and draft-ietf-ipsecme-ikev2-mlkem), as
 * pure functions of bytes, so that a job can carry their inputs anywhere. Randomness: crypto_random().
 *
 * The initiator generates, the responder answers, the initiator derives. With Diffie-Hellman the answer is a
 * value like the initiator's; with a KEM it is a ciphertext, of another length. */
#pragma once

#include "base/secret.h"

#define KEX_PUBLIC_MAX 1600

/* The initiator's key pair: private as raw bytes (wiped by the caller), public in wire format, *public_len
 * set. False when the group is unknown or the library lacks it. */
bool kex_generate(uint16_t group, struct secret *private_key, uint8_t public_key[KEX_PUBLIC_MAX],
                  size_t *public_len);
/* The responder's value in wire format and the shared secret, from the initiator's value. False as with
 * kex_derive(), and when an encapsulation key has a coefficient that is no residue (FIPS 203 section 7.2). */
bool kex_answer(uint16_t group, struct span peer_public, uint8_t answer[KEX_PUBLIC_MAX], size_t *answer_len,
                struct secret *shared);
/* The shared secret, from one's own private key and the peer's value: g^ir in the fixed length that RFC 7296
 * section 2.14 wants (ECP: x coordinate only, RFC 5903), or what was encapsulated. False when the peer's
 * value has the wrong length, is not on the curve, is 0, 1 or p-1, or the result is all zero. A KEM's
 * ciphertext that was tampered with gives a secret all the same, but not the peer's (FIPS 203 section 6.3).
 */
bool kex_derive(uint16_t group, struct span private_key, struct span answer, struct secret *shared);
/* Length checks without computing, of an initiator's value and of a responder's: cheap enough for
 * unauthenticated input. */
bool kex_public_plausible(uint16_t group, struct span peer_public);
bool kex_answer_plausible(uint16_t group, struct span answer);
/* Who computes it on this machine: "openssl", "keyway", or NULL when nobody does. Makes a key pair to find
 * out, but for MODP, which is arithmetic. */
const char *kex_served_by(uint16_t group);
