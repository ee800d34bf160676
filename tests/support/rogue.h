/* SPDX-License-Identifier: Apache-2.0 */
/* Lying under good keys: a sealed message of a pair's side is opened on the wire, changed and sealed again.
 */
#pragma once

#include "engine/impl.h"
#include "support/engine_pair.h"

enum { AT_FIRST = 16, AT_EXCHANGE = 18, AT_FLAGS = 19 }; /* in the IKE header */

struct chain { /* plaintext payloads */
    uint8_t first, *at;
    size_t len;
};

/* The side's oldest IKE SA. */
struct ike_sa *rogue_sa(const struct pair *p, int side);
/* The one that the packet is of, at who sends it. */
struct ike_sa *rogue_sa_of(const struct pair *p, const struct pair_packet *k);
bool rogue_is_response(const struct pair_packet *k);
struct rogue_loss {
    uint8_t exchange;           /* EXCHANGE_CREATE_CHILD_SA, ... */
    bool of_request, of_answer; /* the next one; set back when it is lost */
};
/* A filter: ctx is a struct rogue_loss. */
bool rogue_lose(void *ctx, struct pair_packet *k);
/* The payload's first byte and its length with the header, or NULL. */
uint8_t *chain_find(const struct chain *c, uint8_t type, size_t *len);
/* A filter: SUPPORTED_AUTH_METHODS gets a type that nobody knows, so that an end does what its peer has said
 * not to take. The responder's AUTH does not fit its IKE_SA_INIT any more then, where that held one. */
bool rogue_hide_announcements(void *pair, struct pair_packet *k);
/* look() sees the payloads where they lie and may change bytes. */
void rogue_open(const struct pair *p, struct pair_packet *k, void (*look)(void *ctx, const struct chain *c),
                void *ctx);
/* The message is sent with one more notify at its end. */
void rogue_append_notify(const struct pair *p, struct pair_packet *k, uint16_t type, struct span data);

/* The conversation up to IKE_AUTH, as somebody with all keys would see it. */
struct rogue_witness {
    const struct pair *pair;
    void (*look)(void *witness, const struct chain *c); /* at each message of IKE_AUTH */
    uint8_t init[2][4096];                              /* IKE_SA_INIT of each side */
    size_t init_len[2];
    int from;          /* of the message that is looked at */
    unsigned verified; /* look's own, as is the next one */
    bool spoils;
};
bool rogue_watch_auth(void *witness, struct pair_packet *k); /* a filter */
