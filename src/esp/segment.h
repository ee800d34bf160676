/* SPDX-License-Identifier: Apache-2.0 */
/* Cuts what the kernel hands over unfinished into packets that can travel: TCP and UDP super-packets into
 * segments (RFC 9293, RFC 768; CWR on the first alone, RFC 3168 section 6.1.2), and packets without a
 * checksum into packets with one. */
#pragma once

#include "base/span.h"
#include "esp/offload.h"

struct segmenter {
    struct span packet;
    struct offload offload;
    size_t upper, header; /* offsets of the upper layer's header and of the payload */
    size_t at;            /* where the next segment's payload starts */
    /* sums of what is the same in all headers: IPv4's; the upper layer's with the pseudo-header */
    uint32_t ip_sum, upper_sum;
    uint16_t id;  /* IPv4 identification of the first */
    uint32_t seq; /* TCP sequence number of the first */
    uint8_t family;
    bool is_done;
};

/* packet stays the caller's and must outlive the segmenter. False when the offload does not fit the packet;
 * then there is nothing to cut. */
bool segment_start(struct segmenter *s, struct span packet, const struct offload *o);
/* Bytes of the next segment, or 0 when there is none. */
size_t segment_next_len(const struct segmenter *s);
/* Writes the next segment: segment_next_len() bytes. */
void segment_write_next(struct segmenter *s, uint8_t *out);
