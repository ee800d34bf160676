/* SPDX-License-Identifier: Apache-2.0 */
/* Where things stand in TCP and UDP headers (RFC 9293 section 3.1, RFC 768). */
#pragma once

#define TCP_HEADER 20 /* without options */
#define UDP_HEADER 8

enum {
    TCP_AT_SEQ = 4,
    TCP_AT_ACK = 8,
    TCP_AT_OFFSET = 12,
    TCP_AT_FLAGS = 13,
    TCP_AT_WINDOW = 14,
    TCP_AT_CHECKSUM = 16,
    TCP_AT_URGENT = 18,
    UDP_AT_LEN = 4,
    UDP_AT_CHECKSUM = 6,
};

enum {
    TCP_FIN = 0x01,
    TCP_SYN = 0x02,
    TCP_PSH = 0x08,
    TCP_ACK = 0x10,
    TCP_ECE = 0x40,
    TCP_CWR = 0x80,
};
