/* SPDX-License-Identifier: Apache-2.0 */
/* A gateway of the simulator that is a hot standby cluster (RFC 6311): its members share all of an IKE SA but
 * for the message IDs, of which the standby knows those of a while ago. When it takes over, what the other
 * was doing is gone, and nothing of IKE happens there until the peer has told it where to go on. */
#pragma once

#include "net.h"

#define CLUSTER_SAS  8
#define CLUSTER_SAID 32
#define CLUSTER_SKIP 100000 /* numbers of each child */

struct node;

struct cluster_ids { /* of an IKE SA; the cluster's, as the standby knows them; the peer's, as last seen */
    uint64_t spi_i, spi_r;
    uint32_t in, out;
};

struct cluster {
    struct cluster_ids known[CLUSTER_SAS];
    size_t n_known;
    struct { /* what has no answer yet */
        uint32_t nonce, send, receive;
        uint64_t ike_id;
        struct wire *request; /* as it goes out again and again */
        int64_t due;
        unsigned sent;
    } asked[CLUSTER_SAS];
    size_t n_asked;
    struct wire *said[CLUSTER_SAID]; /* the last ones, for whoever replays them */
    unsigned n_said;
    uint64_t next_iv;
    unsigned failovers;
    bool skips; /* asks for IPSEC_REPLAY_COUNTER_SYNC, too */
};

/* ---- what a scenario does */

/* The standby hears what the message IDs are. */
void cluster_learn(struct node *n);
/* The active member dies, the standby takes over. False, and nothing happens: it has a request of its own
 * under way, of which it is up to a cluster what becomes, or an IKE SA that the peer does not have (yet), for
 * which it would have to ask later. */
bool cluster_fail_over(struct node *n);
/* Somebody sends again all that members ever said of message IDs. */
void cluster_replay(struct node *n);

/* ---- what the node does */

void cluster_deinit(struct cluster *c);
static inline bool cluster_is_asking(const struct cluster *c)
{
    return c->n_asked > 0;
}
void cluster_receive(struct node *n, const struct wire *w); /* while it asks */
void cluster_run_due(struct node *n);
int64_t cluster_deadline(const struct cluster *c);
/* After a step of the cluster's peer: its message IDs never go back. */
void cluster_watch_peer(struct node *peer);
