/* SPDX-License-Identifier: Apache-2.0 */
/* Two data planes joined by a pair of SAs, and packets to send through them: for the tests, the benchmark and
 * the fuzz target of src/esp. Side A protects 10.1.0.0/16 and 2001:db8:1::/48, side B 10.2.0.0/16 and
 * 2001:db8:2::/48. */
#pragma once

#include "esp/esp.h"
#include "net/packet.h"

struct esp_suite {
    const char *name;
    uint16_t encr, key_bits, integ;
};
extern const struct esp_suite esp_suites[];
extern const size_t esp_suites_count;
extern const struct esp_suite *const esp_suite_gcm; /* AES-128-GCM-16 */
extern const struct esp_suite *const esp_suite_cbc; /* AES-128-CBC, HMAC-SHA-256-128 */

#define SPI_A_TO_B 0x10001000
#define SPI_B_TO_A 0x20002000
#define PAIR_REQID 7

enum esp_side { SIDE_A, SIDE_B };

/* One of the four records of a pair: tunnel mode, window 64, copying DF, ECN and DSCP out. Change it and
 * apply it. */
struct esp_sa pair_sa(const struct esp_suite *s, enum esp_side side, enum sa_direction dir,
                      uint8_t outer_family);
struct esp_policy pair_policy(enum esp_side side, uint64_t id);

/* Each aborts when the data plane refuses. */
struct esp *pair_new(const struct esp_config *c, enum esp_side side);
void pair_add_sa(struct esp *e, struct esp_sa sa);
void pair_add_policy(struct esp *e, struct esp_policy p);
/* A data plane with policy and both SAs. engine: see struct esp_config. */
struct esp *pair_side(const struct esp_suite *s, enum esp_side side, uint8_t outer_family,
                      const char *engine);

struct esp_buffer {
    uint8_t raw[ESP_HEADROOM + 9216 + ESP_TAILROOM];
    uint8_t copy[9216]; /* of the packet as it was made */
    uint32_t len;
};

struct inner {
    enum esp_side from;
    uint8_t family, tos;
    bool has_df;
    uint16_t sport, dport;
    uint32_t len; /* of the whole packet */
};
/* A UDP packet with counted payload and right checksums. */
struct esp_packet inner_udp(struct esp_buffer *b, const struct inner *in);
/* Any bytes. */
struct esp_packet inner_raw(struct esp_buffer *b, struct span bytes);
/* What the network does: outbound results become inbound input. */
void pair_carry(struct esp_packet *p);
