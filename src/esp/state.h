/* SPDX-License-Identifier: Apache-2.0 */
/* struct esp from the inside. Private to src/esp. */
#pragma once

#include "esp/esp.h"
#include "esp/icmp.h"
#include "esp/sad.h"
#include "esp/spd.h"

/* One packet of a batch on its way through the crypto. */
struct flight {
    struct esp_packet *packet;
    struct sa *sa;
    uint64_t seq;
    uint32_t inner;      /* bytes; outbound */
    uint8_t skip;        /* bytes of them that are not sealed; outbound */
    uint8_t next_header; /* before compression; outbound */
    uint32_t payload;    /* where it begins, with AH; inbound */
};

/* Where the packets of a batch are put together that do not lie behind an IP header of their own: the largest
 * batch is 64 full messages of joined datagrams. Memory is used as far as it is needed. */
#define ESP_SPARE (64 * (65536 + 64) + ESP_BATCH * 64)

struct esp {
    struct esp_config config;
    struct sad sad;
    struct spd spd;
    struct bulk_worker *worker;
    struct ipcomp *ipcomp; /* made with the first SA that compresses */
    struct esp_counters counters;
    struct icmp_limit icmp_limit;
    struct bulk_op ops[ESP_BATCH];
    struct flight flights[ESP_BATCH]; /* beside ops */
    uint8_t *spare;                   /* ESP_SPARE bytes, as soon as an SA may need them */
    size_t spare_used;                /* in this batch */
};

/* Seals or opens the first n of ops. */
void run_crypto(struct esp *e, size_t n, bool is_seal);
/* Sets the verdict and counts it. */
void packet_drop(struct esp *e, struct esp_packet *p, enum esp_drop why);
