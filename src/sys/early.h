/* SPDX-License-Identifier: Apache-2.0 */
/* ESP that is here before its SA. Who answers a request that makes a child may send at once, and its first
 * packet is then some microseconds behind the answer: the control thread has yet to read that, and to make
 * the keys [RFC7296#1.2, 2.8]. A worker keeps a few packets of SPIs that it does not know for a moment, and
 * opens them when the SA comes. It is a courtesy: whoever sends rubbish fills the few places and has cost
 * nobody more than a packet, which is what the place is worth. No clock runs; what is too old gives its place
 * away. AH is not kept. */
#pragma once

#include "esp/esp.h"

#define EARLY_PACKETS 8
#define EARLY_BYTES   2048
#define EARLY_TIME    (500 * TIME_MS)

struct early_packet {
    struct esp_packet p; /* data: kept bytes */
    uint32_t spi;
    int64_t since;
    bool is_kept, is_due; /* due: its SA has come */
    uint8_t bytes[EARLY_BYTES];
};

struct early {
    struct early_packet *v; /* EARLY_PACKETS; NULL until the first one */
    bool has_any, has_due;
};

void early_deinit(struct early *e);
/* Keeps a copy of a packet that was dropped as of an unknown SPI, if there is a place. */
void early_keep(struct early *e, const struct esp_packet *p, int64_t now);
/* An inbound SA is there. */
void early_sa_added(struct early *e, uint32_t spi, int64_t now);
/* A packet whose SA is there, oldest first, its bytes valid until early_keep(); NULL: no more. */
const struct esp_packet *early_next(struct early *e);
