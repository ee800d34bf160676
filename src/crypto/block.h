/* SPDX-License-Identifier: Apache-2.0 */
/* AES-128 as a bare permutation of blocks: what unpredictable IVs are made from (esp/iv). Not a mode for
 * data. */
#pragma once

#include "base/span.h"

struct block_cipher;

struct block_cipher *block_cipher_new(const uint8_t key[16]);
void block_cipher_free(struct block_cipher *b); /* wipes; NULL is fine */
/* Encrypts blocks of 16 bytes in place. No allocation. One user at a time. */
void block_cipher_encrypt(struct block_cipher *b, uint8_t *data, size_t blocks);
