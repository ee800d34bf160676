/* SPDX-License-Identifier: Apache-2.0 */
/* Message IDs after a failover of the peer (RFC 6311): see msgid_sync.c. */
#pragma once

#include "ike/v2/exchange.h"

/* Where an IKE SA stands with the synchronisation of message IDs: see msgid_sync.c. */
struct msgid_sync {
    bool is_on;        /* both ends said so in IKE_AUTH */
    bool has_counters; /* likewise of sequence numbers: counter_sync.c */
    bool has_last;     /* a request was answered: this one */
    uint32_t last[3];  /* nonce, the peer's next request, our next one, as the request had them */
    uint32_t next_out; /* that it was answered with */
};

feature_put msgid_sync_put;
feature_take msgid_sync_take;
/* A request of the peer, not yet opened. True: it was about message IDs, and is done with. False: m is as it
 * was, and is to be judged by its own ID. */
bool msgid_sync_receive(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m,
                        const struct endpoint *local, const struct endpoint *remote, bool has_marker);

/* ---- counter_sync.c: sequence numbers of the children, likewise */
feature_put counter_sync_put;
feature_take counter_sync_take;
/* How many are to be left out? False: nothing is said of it. */
bool counter_sync_read(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m, uint64_t *delta);
void counter_sync_skip(struct ike_env *env, struct ike_sa *sa, uint64_t delta);
/* Both, from a request of the peer that is good and new. */
void counter_sync_hear(struct ike_env *env, struct ike_sa *sa, const struct ike_message *m);
