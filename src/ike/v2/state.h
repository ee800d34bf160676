/* SPDX-License-Identifier: Apache-2.0 */
/* The states that users see, and what is counted. Their names: engine.h. */
#pragma once

#include <stdint.h>

enum ike_state { IKE_CREATED, IKE_CONNECTING, IKE_ESTABLISHED, IKE_REKEYING, IKE_REKEYED, IKE_DELETING };
enum child_state { CHILD_CREATED, CHILD_INSTALLED, CHILD_REKEYING, CHILD_REKEYED, CHILD_DELETING };

struct engine_stats {
    uint64_t ike_sas, half_open, child_sas;
    uint64_t received, sent, retransmitted;
    uint64_t dropped_malformed, dropped_replayed, dropped_bad_icv, dropped_unknown_spi, dropped_blocked,
        cookies_sent, displaced;
    uint64_t auth_failed, proposal_mismatch, selector_mismatch, timeouts;
    uint64_t rekeyed_ike, rekeyed_child, crashes_detected, resumed;
};
