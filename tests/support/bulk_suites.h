/* SPDX-License-Identifier: Apache-2.0 */
/* Every combination of ESP ciphers, for the tests of the bulk crypto. */
#pragma once

#include "crypto/alg.h"
#include "crypto/bulk.h"

struct suite {
    const struct alg *encr, *integ;
    uint16_t key_bits;
    uint8_t encr_key[64], integ_key[64];
    size_t encr_len;
};

#define SUITES 86
/* The index-th combination, with random keys; false past the last. */
bool suite_at(size_t index, struct suite *s);
/* NULL when the engine does not serve it. */
struct bulk_key *suite_key(const struct suite *s, bool is_seal, const char *engine);
const char *suite_name(const struct suite *s); /* static */
/* Of the whole ESP packet. */
size_t suite_packet_len(const struct bulk_key *k, size_t payload);
