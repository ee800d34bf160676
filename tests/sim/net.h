/* SPDX-License-Identifier: Apache-2.0 */
/* The virtual network: datagrams in flight, and what happens to them: loss, duplication, reordering, NAT.
 * Every choice comes from one seeded generator. */
#pragma once

#include "net/ip.h"

/* splitmix64: small, and the same everywhere. */
struct sim_rng {
    uint64_t state;
};
uint64_t sim_rand(struct sim_rng *r);
/* 0 <= result < n */
uint64_t sim_rand_below(struct sim_rng *r, uint64_t n);
bool sim_chance(struct sim_rng *r, unsigned percent);

struct faults {
    unsigned loss, duplication, reordering; /* percent of datagrams */
    int64_t delay_min, delay_max;           /* microseconds */
};

enum wire_kind { WIRE_IKE, WIRE_IKE_NATT, WIRE_ESP_UDP, WIRE_ESP_RAW, WIRE_AH, WIRE_KEEPALIVE };

struct wire {
    struct wire *next;
    int64_t at; /* delivery, mono microseconds */
    enum wire_kind kind;
    struct endpoint from, to;
    size_t len;
    uint8_t bytes[];
};

#define NAT_MAPPINGS 32

struct nat { /* hides one private address behind one public one; mappings by port, address-restricted by none
              */
    bool is_on;
    struct ip inside, outside;
    struct {
        uint16_t in, out;
    } map[NAT_MAPPINGS];
    size_t n;
    uint16_t next_port;
};

struct net {
    struct sim_rng rng;
    struct faults faults;
    struct nat nat;
    bool is_udp_shut;  /* and protocol 50, too: TCP alone passes */
    bool is_4500_shut; /* a firewall lets port 500 and protocol 50 pass */
    struct ip dead[4]; /* whatever comes from or goes to these is lost, and nobody is told */
    size_t n_dead;
    /* On the way somebody writes another source address into this many packets of 100. What is sent there
     * arrives nowhere and is counted. */
    unsigned rewritten;
    struct ip victim;
    uint64_t ike_to_victim, esp_to_victim;
    struct wire *queue; /* sorted by at */
    uint64_t keepalives;
    uint64_t sent, lost, duplicated, reordered;
};

void net_init(struct net *n, uint64_t seed);
void net_deinit(struct net *n);
/* Puts a datagram on the wire at time now. */
void net_send(struct net *n, int64_t now, enum wire_kind kind, const struct endpoint *from,
              const struct endpoint *to, struct span bytes);
/* The next datagram due no later than now, to be freed by the caller; NULL when there is none. */
struct wire *net_take(struct net *n, int64_t now);
int64_t net_deadline(const struct net *n);
/* The NAT forgets its mappings and hands out new ports from here on. */
void net_nat_rebind(struct net *n);
/* All that is in flight is gone. */
void net_drop_all(struct net *n);
