/* SPDX-License-Identifier: Apache-2.0 */
/* Tickets by value of session resumption (RFC 5723 sections 5, 6.1, 9): what a responder needs of an IKE SA
 * that is gone, sealed so that only it can read or make one. Pure functions of a secret of the machine, the
 * wall clock and the bytes. */
#pragma once

#include "model/proposal.h"
#include "net/identity.h"

#define TICKET_MAX        2048           /* bytes of a sealed ticket */
#define TICKET_ID_LEN     16             /* in the clear in its head, random */
#define TICKET_KEY_PERIOD (24 * 60 * 60) /* seconds that one key seals; it opens for one more period */
#define TICKET_CREDENTIAL 16

struct ticket_way { /* how an IKE SA went: see ike/v2/resume_way.c */
    struct ip local, remote;
    bool needs_udp; /* for a NAT, or by configuration */
};

struct ticket {
    int64_t expires;                       /* wall clock, seconds */
    int64_t auth_ends;                     /* when the peer has to authenticate anew; 0: never */
    uint64_t old_id, old_spi_i, old_spi_r; /* of the IKE SA that it stands for */
    uint64_t conn_hash;                    /* of the connection that this was allowed by */
    uint8_t credential[TICKET_CREDENTIAL]; /* a fingerprint of what the peer proved itself with */
    struct chosen chosen;                  /* algorithms */
    bool has_ppk;                          /* the keys hold one */
    struct ticket_way way;
    struct span sk_d;
    struct span conn; /* its name */
    struct identity local_id, remote_id;
    uint8_t id[TICKET_ID_LEN]; /* set by both functions */
};

/* secret: 32 bytes. Into out, which has room for TICKET_MAX; returns the length, 0 when it does not fit. */
size_t ticket_seal(struct span secret, int64_t wall, struct ticket *t, uint8_t out[TICKET_MAX]);
/* False when it is not ours, was changed, or has expired. Spans of t point into room, which the caller wipes.
 */
bool ticket_open(struct span secret, int64_t wall, struct span sealed, uint8_t room[TICKET_MAX],
                 struct ticket *t);
