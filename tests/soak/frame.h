/* SPDX-License-Identifier: Apache-2.0 */
/* What an Ethernet frame between two gateways is, from its first bytes: ESP as protocol 50 or in UDP (RFC
 * 4303 section 2, RFC 3948 section 2), IKE, or what a link needs to live. A reader of its own: it has nothing
 * from src/. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_SNAP 96 /* bytes that a capture keeps: IPv6, UDP, ESP header and an IV of 16 bytes fit */

enum frame_kind {
    FRAME_ESP,        /* whole, or its first fragment */
    FRAME_FRAGMENT,   /* a later one */
    FRAME_IKE,        /* port 500, or 4500 behind the non-ESP marker */
    FRAME_KEEPALIVE,  /* [RFC3948#2.3] */
    FRAME_NEIGHBOUR,  /* ARP, neighbour discovery, multicast listeners */
    FRAME_ICMP_ERROR, /* of a gateway */
    FRAME_OTHER,      /* nothing that belongs there */
    FRAME_KINDS,
};

struct frame {
    enum frame_kind kind;
    uint8_t family;     /* 4, 6; 0: no IP */
    bool has_fragments; /* this is the first fragment or a later one */
    bool is_last;       /* and it is the last */
    uint32_t id;        /* of the fragments */
    uint8_t source[16]; /* address */
    bool is_udp;        /* FRAME_ESP: in UDP */
    uint32_t spi, seq;  /* FRAME_ESP */
    const uint8_t *iv;  /* behind the ESP header; see left */
    size_t left;        /* bytes of the frame that are there from iv on */
};

/* bytes: have of them, of a frame of any length. */
void frame_read(const uint8_t *bytes, size_t have, struct frame *f);
const char *frame_kind_name(enum frame_kind k);
