/* SPDX-License-Identifier: Apache-2.0 */
/* What a kernel makes of what is written to the TUN: the promise of a virtio-net header carried out a byte at
 * a time, with its own header and checksum arithmetic. What tests of cutting and joining compare with; it
 * shares nothing with either. */
#pragma once

#include "base/span.h"
#include "esp/offload.h"

/* Packets in it, 1 when it is none that is to be cut. 0: the kernel would refuse it or send packets with
 * wrong headers; *why says what is wrong. */
size_t cut_count(struct span packet, const struct offload *o, const char **why);
/* Packet number i of it. Returns its length. */
size_t cut_write(struct span packet, const struct offload *o, size_t i, uint8_t *out);
/* A whole TCP or UDP packet, no fragment, whose lengths and checksums are right; with options and extension
 * headers or without. */
bool cut_is_sound(struct span packet);
/* Makes the lengths and checksums of such a packet right, UDP's to be none when has_none. */
void cut_mend(uint8_t *packet, size_t len, bool has_none);
/* Makes of such a packet what a kernel hands over: its checksum left to others, and what o says of places.
 * False when it is none; then o is untouched. */
bool cut_leave_checksum(uint8_t *packet, size_t len, struct offload *o);
/* Are they the same to a receiver? IPv4 identification with DF means nothing [RFC6864#4.1]; the two zeroes of
 * one's complement are one. */
bool cut_is_same(struct span a, struct span b);
