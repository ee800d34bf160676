/* SPDX-License-Identifier: Apache-2.0 */
/* Endless bytes that follow from a key, at any position: what one end sends the other can compute, so that
 * every byte is compared and none is stored. Not cryptography. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A well-mixed number from another. */
uint64_t stream_mix(uint64_t x);
/* The key of one direction of a flow. */
uint64_t stream_key(uint64_t seed, uint32_t flow, int is_back);
void stream_fill(uint64_t key, uint64_t position, uint8_t *out, size_t len);
/* How many of len bytes are right, from the first on. */
size_t stream_compare(uint64_t key, uint64_t position, const uint8_t *bytes, size_t len);
