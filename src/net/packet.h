/* SPDX-License-Identifier: Apache-2.0 */
/* IP packets as the data plane sees them: the fields that selectors, path MTU and header construction need
 * (RFC 791, RFC 8200, RFC 4301 section 4.4.1.1), Internet checksums (RFC 1071, RFC 1624), and small headers
 * written in place. */
#pragma once

#include "base/wr.h"
#include "net/ip.h"

enum {
    NH_ICMP = 1,
    NH_IPIP = 4,
    NH_TCP = 6,
    NH_UDP = 17,
    NH_DCCP = 33,
    NH_IPV6 = 41,
    NH_ESP = 50,
    NH_AH = 51,
    NH_ICMPV6 = 58,
    NH_NONE = 59,
    NH_BEET = 94, /* a pseudo-header with IPv4 options */
    NH_UDPLITE = 136,
    NH_IPCOMP = 108,
};

struct packet {
    uint8_t family; /* 4, 6 */
    uint8_t proto;  /* of the upper layer, behind IPv6 extension headers */
    uint8_t tos;    /* TOS or traffic class: DSCP << 2 | ECN */
    bool has_df;    /* IPv4 DF; IPv6: always, nobody fragments on the way */
    bool is_fragment, is_later_fragment;
    bool port_known;       /* sport and dport were read */
    bool is_icmp_error;    /* ICMP 3 4 5 11 12, ICMPv6 below 128 */
    uint16_t sport, dport; /* host order; ICMP: both type << 8 | code */
    uint32_t len;          /* by the IP header */
    uint32_t upper;        /* offset of the upper-layer header */
    struct ip src, dst;
};

/* A whole packet: its length field must not exceed s (bytes behind it are ignored). False on anything that is
 * no sound IPv4 or IPv6 packet; jumbograms are not taken. */
bool packet_parse(struct span s, struct packet *out);
/* The start of a packet quoted in an ICMP error: may be cut off anywhere behind the addresses. */
bool packet_parse_quoted(struct span s, struct packet *out);

/* Adds s to a running one's complement sum (start with 0; every part but the last of even length). */
uint32_t checksum_add(uint32_t sum, struct span s);
/* The sum as it goes on the wire, host order. */
uint16_t checksum_finish(uint32_t sum);
/* The checksum (host order) after a 16-bit aligned word of the data went from before to after. [RFC1624#3] */
uint16_t checksum_update(uint16_t sum, uint16_t before, uint16_t after);
/* Of an upper-layer message with its pseudo-header (ICMPv4 has none: pass proto 0). Its checksum field counts
 * as it is: zero it to compute, leave it to verify (0 or 0xffff then says good). */
uint16_t checksum_upper(const struct ip *src, const struct ip *dst, uint8_t proto, struct span message);
/* Replaces TOS or traffic class, IPv4 checksum included. ip points at a packet that packet_parse() took. */
void packet_set_tos(uint8_t *ip, uint8_t tos);

/* An IPv4 header without options (identification 0, as an atomic datagram when has_df [RFC6864#4]) or an IPv6
 * header without extensions, for payload bytes of proto. */
struct packet_ip {
    struct ip src, dst;
    uint8_t proto, tos, ttl;
    bool has_df;
    uint16_t payload;
};
#define PACKET_IP_MAX 40
void packet_write_ip(struct wr *w, const struct packet_ip *h);
size_t packet_ip_len(uint8_t family); /* 20 or 40 */
/* A UDP header with checksum over the data, which stays the caller's. */
void packet_write_udp(struct wr *w, const struct endpoint *from, const struct endpoint *to, struct span data);
