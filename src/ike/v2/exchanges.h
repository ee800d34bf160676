/* SPDX-License-Identifier: Apache-2.0 */
/* What is legal when: rows for our exchanges and for the peer's requests. See exchanges.c. */
#pragma once

#include "ike/v2/sa.h"

struct own_exchange {
    const char *name;
    uint8_t exchange; /* the wire's */
    uint8_t priority; /* lower first */
    uint16_t states;  /* 1 << enum ike_state in which it may start */
    void (*start)(struct ike_env *env, struct ike_sa *sa, const struct task *t);
    void (*on_response)(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
};

struct peer_exchange {
    enum message_kind kind;
    enum exchange_kind as;
    uint16_t states;
    uint16_t refusal; /* outside of these states: this notify; 0 = drop */
    void (*on_request)(struct ike_env *env, struct ike_sa *sa, struct exchange *x);
};

const struct own_exchange *exchange_own(enum exchange_kind kind);
const struct peer_exchange *exchange_peer(enum message_kind kind); /* NULL: not a request that we take */
const char *exchange_kind_name(enum exchange_kind kind);
