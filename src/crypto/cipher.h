/* SPDX-License-Identifier: Apache-2.0 */
/* The protection of one direction of an IKE SA's messages: encryption with integrity or AEAD, in place
 * (RFC 7296 section 3.14, RFC 5282 for AEAD). For ESP see bulk.h. */
#pragma once

#include "base/secret.h"

struct cipher;

/* Keying material needed, in the order of the RFC: SK_a then SK_e. For AEAD integ is INTEG_NONE and
 * *integ_len 0; *encr_len includes the salt. False for an unknown or unsupported combination or key length.
 */
bool cipher_key_lens(uint16_t encr, uint16_t key_bits, uint16_t integ, size_t *encr_len, size_t *integ_len);
/* NULL when unsupported. Copies the keys. */
struct cipher *cipher_new(uint16_t encr, uint16_t key_bits, uint16_t integ, struct span encr_key,
                          struct span integ_key);
void cipher_free(struct cipher *c);
size_t cipher_iv_len(const struct cipher *c);
size_t cipher_block(const struct cipher *c); /* 1 for stream modes */
size_t cipher_icv_len(const struct cipher *c);
/* Encrypts data in place and writes the ICV. aad is the message up to and including the SK payload's header
 * (for Encrypted Fragments, its fragment numbers too); for encrypt-then-MAC the MAC covers aad | iv |
 * ciphertext. The caller has chosen iv (unpredictable for CBC, unique for counter modes) and padded data to
 * the block. False when len is 0 or no multiple of the block. */
bool cipher_seal(struct cipher *c, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
                 uint8_t *icv);
/* Verifies, then decrypts in place. False and data unspecified when the ICV is wrong. */
bool cipher_open(struct cipher *c, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
                 const uint8_t *icv);
