/* SPDX-License-Identifier: Apache-2.0 */
/* The states that users see, and what is counted. Their names: engine.h. */
#pragma once

#include <stdint.h>

enum ike_state { IKE_CREATED, IKE_CONNECTING, IKE_ESTABLISHED, IKE_REKEYING, IKE_REKEYED, IKE_DELETING };
enum child_state { CHILD_CREATED, CHILD_INSTALLED, CHILD_REKEYING, CHILD_REKEYED, CHILD_DELETING };

/* What is counted of messages, in all and for each connection: each once, however often it is repeated. */
enum ike_counter {
    COUNT_IKE_REKEY_INIT,
    COUNT_IKE_REKEY_RESP,
    COUNT_CHILD_REKEY,
    COUNT_INVALID,     /* malformed, or not authentic */
    COUNT_INVALID_SPI, /* for an IKE SA that we do not have */
    /* in request, in response, out request, out response of each: see count_message() */
    COUNT_IKE_INIT,
    COUNT_IKE_AUTH = COUNT_IKE_INIT + 4,
    COUNT_CREATE_CHILD = COUNT_IKE_AUTH + 4,
    COUNT_INFO = COUNT_CREATE_CHILD + 4,
    COUNTERS = COUNT_INFO + 4,
};

struct ike_counters {
    uint64_t v[COUNTERS];
};

struct engine_stats {
    uint64_t ike_sas, half_open, child_sas;
    uint64_t received, sent, retransmitted;
    uint64_t dropped_malformed, dropped_replayed, dropped_bad_icv, dropped_unknown_spi, dropped_blocked,
        cookies_sent, displaced;
    uint64_t auth_failed, proposal_mismatch, selector_mismatch, timeouts;
    uint64_t rekeyed_ike, rekeyed_child, crashes_detected, resumed;
};
