/* SPDX-License-Identifier: Apache-2.0 */
/* The stream of TCP encapsulation (RFC 9329 sections 3 and 4): a prefix that the TCP originator sends once,
 * then messages behind a length of 16 bits that counts itself; IKE messages have a non-ESP marker in front,
 * and everything else is ESP. Works on whatever a stream gave so far: no I/O, no allocation, no copy. */
#pragma once

#include "base/span.h"

#define TCPENCAP_PREFIX      "IKETCP"
#define TCPENCAP_PREFIX_LEN  6
#define TCPENCAP_HEADER_MAX  6     /* length and non-ESP marker */
#define TCPENCAP_MESSAGE_MAX 65533 /* bytes behind the length, the marker counted [RFC9329#3] */

enum tcpencap_status {
    TCPENCAP_MORE,  /* *rest is the beginning of something: to be kept, and put before what comes next */
    TCPENCAP_IKE,   /* the message without its marker */
    TCPENCAP_ESP,   /* the packet from its SPI on */
    TCPENCAP_SHORT, /* neither IKE nor ESP nor a keepalive: too short; the stream is still in step */
    TCPENCAP_BROKEN /* not such a stream, or out of step: the connection must be closed */
};

struct tcpencap_reader {
    bool has_prefix; /* was seen; true from the start at the originator, who gets none */
    uint32_t max;    /* bytes of the longest message that is taken; longer ones break the stream. 0: any */
};

/* The next message in *rest, which is moved on behind it. Empty messages and NAT keepalives are skipped
 * [RFC9329#3] [RFC9329#6.6]. *rest at TCPENCAP_MORE is never longer than the longest message and its length.
 */
enum tcpencap_status tcpencap_next(struct tcpencap_reader *r, struct span *rest, struct span *message);

/* What stands before a message of len bytes: returns its length (2 for ESP, 6 for IKE); 0: too long. */
size_t tcpencap_header(uint8_t out[TCPENCAP_HEADER_MAX], bool is_ike, size_t len);
