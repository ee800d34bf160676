/* SPDX-License-Identifier: Apache-2.0 */
/* What goes with a packet that the kernel hands over, or takes, unfinished: the meaning of a virtio-net
 * header, without its layout. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum offload_kind {
    OFFLOAD_NONE, /* one packet */
    OFFLOAD_TCP,  /* a super-packet: segments of one TCP stream, one header before them */
    OFFLOAD_UDP,  /* a super-packet: datagrams of one flow, all of one size but the last */
};

struct offload {
    uint8_t kind;        /* enum offload_kind */
    bool was_fragmented; /* OFFLOAD_NONE: put together from fragments */
    bool needs_checksum; /* at checksum_start + checksum_offset stands the sum of the pseudo-header alone */
    uint16_t header;     /* of a super-packet: bytes before the payload */
    uint16_t size;       /* of a super-packet: payload bytes in a segment */
    uint16_t checksum_start, checksum_offset;
};
