/* SPDX-License-Identifier: Apache-2.0 */
/* MOBIKE (RFC 4555): the addresses of a living IKE SA and of its children change. What an IKE SA remembers
 * for it, and the functions of mobike.c (exchanges), reach.c (return routability), path.c (which pair of
 * addresses is used) and tcp_move.c (from UDP to TCP and back).
 *
 * "Initiator" is here who began the first IKE SA of a line of rekeys (ike_sa.was_initiator): it alone decides
 * which addresses are used. The children's addresses (ike_sa.esp) follow those of the IKE SA once the peer
 * has shown that it receives at the new ones. */
#pragma once

#include "base/time.h"
#include "ike/core/natd.h"
#include "net/ip.h"

#define MOBIKE_ADDRS 8  /* of each side that are told and considered */
#define MOBIKE_PATHS 16 /* that are tried at once when the one in use seems dead */
#define COOKIE2_LEN  16

struct path {
    struct endpoint local, remote;
};

struct nat_view { /* what a message's NAT detection payloads say */
    bool is_told; /* they are there */
    bool has_local, has_remote, is_asking;
};

struct mobike {
    bool is_on;                   /* both ends do it */
    struct ip peer[MOBIKE_ADDRS]; /* where the peer says that it can be reached, too */
    struct ip told[MOBIKE_ADDRS]; /* our own further addresses, as the peer knows them */
    uint8_t n_peer, n_told;
    struct path paths[MOBIKE_PATHS]; /* beside the one in use; best first */
    struct path tcp;                 /* a TCP connection that is tried; its stream: 0: none */
    bool is_tcp_up;
    int64_t udp_at;    /* UDP is tried again then, from TCP: see tcp_move.c */
    uint8_t udp_tries; /* since it answered last */
    uint8_t n_paths;
    bool was_direct;  /* the path in use, when it was looked at last */
    bool is_in_doubt; /* the path in use may be dead: what is repeated goes over the others, too */
    bool is_adrift;   /* responder: its address went away, and the initiator has not been heard since */
    bool is_refused;  /* the peer did not accept this one: */
    struct path refused;
    struct ip source;           /* our own address, when it was among the machine's last */
    struct path wanted;         /* responder: where the initiator said last that it is */
    struct path target;         /* what the next return routability check is about */
    struct nat_view found;      /* for the path that is being checked */
    uint8_t nat_seen[NATD_LEN]; /* where the peer sees us, hashed with the SPIs. Initiator */
    bool has_nat_seen;
    int64_t found_at;    /* when the peer showed last that it knows where we are. Initiator */
    int64_t changed_at;  /* when the addresses changed last */
    int64_t stranded_at; /* no address leads to the peer since; 0: one does */
};
