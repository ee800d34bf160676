/* SPDX-License-Identifier: Apache-2.0 */
/* What the SAD and the SPD hold at a moment, for people: the SAs without their keys, with their sequence
 * numbers and windows as they are, and the policies. Made by the thread that owns them, when it is asked;
 * packets pay nothing for it. */
#pragma once

#include "esp/esp.h"

struct sa_row {
    enum sa_direction direction;
    uint64_t child_id;
    uint32_t spi, reqid;
    enum child_mode mode;
    struct endpoint local, remote; /* outer */
    bool is_ah, has_encap, has_esn, copies_df, copies_ecn;
    bool is_newest; /* SA_OUT: the one of its reqid that packets go through */
    bool is_expired;
    enum copy_dscp copy_dscp;
    uint16_t encr, key_bits, integ; /* AH: encr 0 */
    uint8_t icv_len;
    uint16_t cpi; /* IPComp; 0: none */
    uint32_t tfc;
    uint64_t seq;           /* the last that was sent, or the highest that was authentic; 0: none yet */
    uint32_t replay_window; /* SA_IN: packets; 0: none */
    /* replay_window bits: sequence number n was seen if bit (n - 1) % replay_window is set; only those count
     * that are in the window. In words of 32, the lowest bits first. */
    const uint32_t *seen;
    uint64_t soft_bytes, hard_bytes, soft_packets, hard_packets; /* 0: none */
    uint64_t bytes, packets;
    int64_t last_use;             /* mono; 0: never */
    uint32_t n_replayed, n_wrong; /* SA_IN: outside the window or twice; with a wrong ICV */
    const struct ts *local_ts, *remote_ts;
    uint8_t n_local_ts, n_remote_ts;
};

struct policy_row {
    uint64_t id;
    uint32_t reqid;    /* POLICY_PROTECT */
    uint32_t priority; /* 0: by size */
    enum policy_action action;
    bool is_trap;
    uint64_t dscp;
    const struct ts *local_ts, *remote_ts;
    uint8_t n_local_ts, n_remote_ts;
};

/* Zeroed to begin with. Everything is a copy. */
struct esp_tables {
    struct sa_row *sas;
    size_t n_sas;
    struct policy_row *policies;
    size_t n_policies;
    struct ts *selectors; /* that rows point to, as the words */
    uint32_t *words;
};

/* What is in e, in no order. */
void esp_list(const struct esp *e, struct esp_tables *out);
void esp_tables_deinit(struct esp_tables *t);
