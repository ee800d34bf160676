/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, endpoints, prefixes. Address bytes are in network order; ports in host order. */
#pragma once

#include "base/span.h"

struct ip {
    uint8_t family; /* 0 = none, 4, 6 */
    uint8_t b[16];  /* the first 4 for IPv4, the rest zero */
};

struct endpoint {
    struct ip ip;
    uint16_t port; /* host order */
    uint32_t
        stream; /* of a remote end: the TCP connection (RFC 9329) that leads there; 0: UDP, or IP itself */
};

struct ip_pair {
    struct ip local, remote;
    bool is_direct; /* packets leave by the interface that local is on */
};

struct prefix {
    struct ip ip; /* host bits are zero */
    uint8_t bits;
};

#define IP_TEXT_MAX 72 /* enough for every text below */

struct ip ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);
/* Text without a prefix length. False on anything else. */
bool ip_parse(const char *text, struct ip *out);
const char *ip_format(struct ip ip, char buf[IP_TEXT_MAX]);
/* "192.0.2.1:500", "[2001:db8::1]:500" */
const char *endpoint_format(const struct endpoint *e, char buf[IP_TEXT_MAX]);
size_t ip_len(struct ip ip); /* 4, 16 or 0 */
static inline struct span ip_view(const struct ip *ip)
{
    return span_of(ip->b, ip->family == 4 ? 4 : ip->family == 6 ? 16 : 0);
}
bool ip_from_bytes(struct span s, struct ip *out); /* by length: 4 or 16 */
bool ip_equal(struct ip a, struct ip b);
int ip_cmp(struct ip a, struct ip b); /* family first */
bool ip_is_unspecified(struct ip ip); /* none, 0.0.0.0 or :: */
/* The address that many places further on; it wraps where the family's addresses end. */
struct ip ip_add(struct ip ip, uint64_t n);
/* How many places from a to b, of one family and in this order; at most UINT64_MAX. */
uint64_t ip_distance(struct ip a, struct ip b);
/* Address, port and stream. */
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* "10.0.0.0/8"; a bare address is a host prefix. Host bits are cleared. */
bool prefix_parse(const char *text, struct prefix *out);
const char *prefix_format(const struct prefix *p, char buf[IP_TEXT_MAX]);
bool prefix_contains(const struct prefix *p, struct ip ip);
struct ip prefix_last(const struct prefix *p);
/* The prefix of that length that ip falls into. */
struct prefix prefix_of(struct ip ip, uint8_t bits);
/* How many of the first bits are the same; a and b are of one family. */
unsigned ip_common_bits(struct ip a, struct ip b);
