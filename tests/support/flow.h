/* SPDX-License-Identifier: Apache-2.0 */
/* TCP and UDP packets from their fields, built in the slowest and plainest way: the model that tests of
 * cutting and joining packets compare with. */
#pragma once

#include "base/span.h"

struct flow_packet {
    uint8_t family, proto, tos, ttl;
    bool has_df;
    uint16_t id;
    uint8_t host;        /* last byte of the source address */
    struct span ip_more; /* IPv4 options, or IPv6 extension headers, of which the first is first_more */
    uint8_t first_more;  /* the last of them must say proto itself */
    uint16_t sport, dport;
    uint32_t seq, ack;
    uint8_t flags, reserved; /* reserved: the low half of the offset byte */
    uint16_t window, urgent;
    struct span options; /* TCP */
    struct span payload;
};

/* Returns the length. *upper and *payload get their offsets. */
size_t flow_build(const struct flow_packet *f, uint8_t *out, size_t *upper, size_t *payload);
/* Replaces the upper layer's checksum by what the kernel leaves there for others to finish. */
void flow_leave_checksum(const struct flow_packet *f, uint8_t *packet, size_t len, size_t upper);
/* A reproducible number below limit. */
uint32_t flow_random(uint32_t *state, uint32_t limit);
