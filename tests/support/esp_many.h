/* SPDX-License-Identifier: Apache-2.0 */
/* Data planes with many tunnels, for tests and benchmarks: side A of tunnel i protects 10.1.0.0/16 and
 * reaches the one address 10.128.0.0 + i behind a peer of its own; side B is the other end of all of them. */
#pragma once

#include "support/esp_pair.h"

struct ip many_inner(uint32_t i); /* behind tunnel i */
/* Records of tunnel i, from 0. SPIs, keys, child ids, reqids, peers and policy ids are all its own. */
struct esp_sa many_sa(const struct esp_suite *s, enum esp_side side, enum sa_direction dir, uint32_t i);
struct esp_policy many_policy(enum esp_side side, uint32_t i);
/* Both SAs and the policy. Abort when the data plane refuses. */
void many_add(struct esp *e, const struct esp_suite *s, enum esp_side side, uint32_t i);
void many_del(struct esp *e, enum esp_side side, uint32_t i);
/* A UDP packet from side A to what is behind tunnel i, or from there. */
struct esp_packet many_packet(struct esp_buffer *b, enum esp_side from, uint32_t i, uint32_t len);
