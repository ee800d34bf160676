/* SPDX-License-Identifier: Apache-2.0 */
/* The Authentication Header (RFC 4302): a MAC over the packet as it is on the wire, outer header included.
 * What routers may change counts as zero: fields of the IP header, IPv4 options, and IPv6 options whose type
 * says so. What leaves has no options and no extension headers; what arrives may have them.
 *
 * The MAC is run by the batch's crypto as if the packet were ESP without encryption: over all of it, with the
 * result behind its end. So a packet is made ready for the MAC where it lies, and the ICV moved afterwards.
 * Sequence numbers and windows are ESP's. */
#pragma once

#include "esp/esp.h"
#include "esp/sad.h"

#define AH_FIXED 12 /* all of the header but the ICV */

/* Where AH begins in the IP packet; 0: it is none that is whole, or it has no AH. */
uint32_t ah_find(struct span packet);
/* Bytes of the header, ICV and padding included, under an outer header of this family. */
uint32_t ah_len(const struct sa *sa, uint8_t family);

/* Outer header and AH in front of the payload; p is the packet then, with room for the ICV behind it. p's
 * next_header, tos and has_df are what they will be on the wire. */
void ah_build(struct esp_packet *p, const struct sa *sa, uint64_t seq);
/* After the MAC was run: the ICV in its place, and what counted as zero. p->len is without the ICV's room. */
void ah_finish(struct esp_packet *p, const struct sa *sa);

/* A packet that arrived, whose AH begins at `at`: zeroes what may have changed, and moves the ICV behind the
 * end. *next_header and *payload are those of what is protected. DROP_NONE, or why it cannot be
 * verified. */
enum esp_drop ah_prepare(struct esp_packet *p, const struct sa *sa, uint32_t at, uint32_t *payload);
