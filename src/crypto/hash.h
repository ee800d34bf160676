/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes. Ids are those of the RFC 7427 hash registry. */
#pragma once

#include "base/span.h"

enum hash_id {
    HASH_MD5 = 0x100, /* private: not in the registry */
    HASH_SHA1 = 1,
    HASH_SHA256 = 2,
    HASH_SHA384 = 3,
    HASH_SHA512 = 4,
    HASH_IDENTITY = 5, /* RFC 8420: signs the message itself */
};
#define HASH_MAX_LEN 64

size_t hash_len(enum hash_id id);
/* Digest over the concatenation of n parts; out must hold hash_len(id). */
void hash_digest(enum hash_id id, const struct span *parts, size_t n, uint8_t *out);
