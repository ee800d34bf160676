/* SPDX-License-Identifier: Apache-2.0 */
/* ICMP errors that are written back into the tunnel device: "too big" (RFC 792 with RFC 1191, RFC 4443
 * section 3.2; RFC 4301 section 8.2.1) and "unreachable" for a protected packet that has no SA. Built in
 * place around the packet that caused them. They come from the address that the packet was for, since the
 * data plane has none of its own that the sender must know, and since the kernel's reverse path check expects
 * that address on this device. */
#pragma once

#include "net/packet.h"

enum icmp_error { ICMP_TOO_BIG, ICMP_UNREACHABLE };

/* The bytes that the largest error puts in front of the packet. */
#define ICMP_ROOM 48

/* An average of a thousand a second, in bursts of at most a hundred. [RFC4443#2.4] (f) */
struct icmp_limit {
    int64_t last; /* mono, microseconds */
    uint32_t tokens;
};
bool icmp_limit_take(struct icmp_limit *l, int64_t now);

/* May this packet be answered by an error at all? [RFC1122#3.2.2] [RFC4443#2.4] (e) */
bool icmp_may_answer(const struct packet *p, enum icmp_error error);
/* Turns the packet at *data (described by p, ICMP_ROOM free bytes in front) into the error about it. mtu: for
 * ICMP_TOO_BIG. Sets *data and *len. */
void icmp_build(const struct packet *p, enum icmp_error error, uint32_t mtu, uint8_t **data, uint32_t *len);
