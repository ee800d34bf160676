/* SPDX-License-Identifier: Apache-2.0 */
/* What traps hold back: packets that met a policy without an SA and wait for the one that they caused. Few,
 * and not for long: who sends more than a handful before its tunnel is there sends again. Everything is
 * bounded, since whoever may send into a trap chooses how much. This is the slow path: a held packet is
 * allocated. What is too old is dropped when somebody looks at it; no clock runs for it. */
#pragma once

#include "base/list.h"
#include "model/action.h"
#include "net/packet.h"

#define HOLD_PACKETS     8           /* of one trap */
#define HOLD_BYTES       (64u << 10) /* of one trap */
#define HOLD_BYTES_TOTAL (4u << 20)  /* of all */
#define HOLD_TIME        (10 * TIME_SECOND)

struct bundle;

struct hold {            /* of one trap */
    struct list holding; /* among those that have packets */
    struct list news;    /* among those of which is to be told */
    uint64_t policy_id;
    const struct bundle *bundle; /* whose SA is waited for */
    bool is_told;
    int64_t told_at;
    struct ts packet_local, packet_remote; /* what is told */
    struct list packets;
    size_t n, bytes;
};

struct holds {
    struct list holding, news;
    size_t bytes;
    bool is_due; /* an SA has come since somebody looked */
    struct held_packet *lent;
    uint64_t *lost; /* where packets are counted for which no SA came */
};

void holds_init(struct holds *h);
void holds_deinit(struct holds *h); /* after the last hold */
struct hold *hold_new(uint64_t policy_id, const struct bundle *bundle);
void hold_free(struct holds *h, struct hold *one); /* NULL is fine; drops what it holds */
/* Keeps a copy. False when there is no room; told of all the same. */
bool hold_packet(struct holds *h, struct hold *one, const struct packet *ip, struct span bytes, int64_t now);
/* Tells of a packet that goes another way meanwhile. */
void hold_ask(struct holds *h, struct hold *one, const struct packet *ip, int64_t now);
/* Drops what waits; the next packet is told of. */
void hold_fail(struct holds *h, struct hold *one);
/* Which traps have met a packet: how many were written. */
size_t holds_take_events(struct holds *h, struct dataplane_event *ev, size_t cap);
/* A packet whose SA is there, oldest of its trap first; empty when there is none. Valid until the next call.
 */
struct span holds_next(struct holds *h, int64_t now);
