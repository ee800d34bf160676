/* SPDX-License-Identifier: Apache-2.0 */
/* Puts decrypted packets of one batch together again: segments of a TCP stream that follow each other, and
 * UDP datagrams of one flow and size, become super-packets that the kernel takes in one write. The packets
 * stay where they are; the caller gathers them. */
#pragma once

#include "esp/esp.h"
#include "esp/offload.h"

/* Packets that go on as one: the whole first one, and of the others what follows `header`. */
struct super {
    uint8_t first, last; /* places in the batch; see coalescer.next */
    uint8_t n;
    uint8_t kind; /* enum offload_kind; OFFLOAD_NONE: the packet is neither whole TCP nor whole UDP */
    bool is_open, is_verified;
    uint16_t upper, header;
    uint16_t last_id;
    uint32_t size; /* payload of the first */
    uint32_t len;  /* of the super-packet */
    uint32_t hash, next_seq;
};

struct coalescer {
    bool has_tcp, has_udp; /* what may be put together */
    size_t n;
    struct super supers[ESP_BATCH]; /* in the order of their first packets */
    uint8_t next[ESP_BATCH];        /* of the same super-packet, until its last */
};

/* Sorts the packets whose verdict is ESP_FORWARD into super-packets. Inside a flow nothing is reordered. n at
 * most ESP_BATCH. */
void coalesce(struct coalescer *c, const struct esp_packet *p, size_t n);
/* Makes the first packet's headers those of the whole and says what the kernel must know. A packet alone
 * stays as it is, to the last byte. */
void coalesce_finish(const struct super *s, struct esp_packet *p, struct offload *o);
