/* SPDX-License-Identifier: Apache-2.0 */
/* Packets on their way from the thread that received them to the worker that owns their SA. They are copied
 * into parcels, which belong to the sender for good and are lent: one ring and one wake-up carry many
 * packets. No lock and no allocation while packets flow; when all parcels are lent the receiver is too far
 * behind, and the packet is dropped by its sender. */
#pragma once

#include "esp/esp.h"
#include "esp/offload.h"
#include "sys/ring.h"

#define PARCEL_ROOM    (65536 + 4096) /* one super-packet at least */
#define PARCEL_PACKETS 64

enum parcel_kind {
    PARCEL_OUT,    /* from the TUN: packets and super-packets */
    PARCEL_IN,     /* ESP that arrived */
    PARCEL_STREAM, /* ESP for a TCP connection of the receiver's */
};

struct parcel_packet {
    uint32_t at, len; /* in bytes[] */
    union {
        struct offload offload; /* PARCEL_OUT */
        struct {
            struct endpoint local, remote;
            uint8_t tos;
            bool has_encap, is_ah;
        } from;          /* PARCEL_IN */
        uint32_t stream; /* PARCEL_STREAM */
    };
};

struct parcel {
    atomic_bool is_lent; /* set by the sender, cleared by the receiver when it is done */
    enum parcel_kind kind;
    size_t n;
    uint32_t used;
    struct parcel_packet packets[PARCEL_PACKETS];
    uint8_t bytes[PARCEL_ROOM];
};

/* What one thread hands over to n receivers. */
struct handover {
    struct parcel *parcels;
    size_t n_parcels, n_receivers, next;
    struct ring *rings;   /* one to each receiver */
    struct parcel **open; /* being filled, for each receiver */
};

void handover_init(struct handover *h, size_t n_receivers);
void handover_deinit(struct handover *h);
/* Room for a packet of len bytes (at most 65536) for a receiver; NULL when there is none. The packet goes
 * with the next handover_send(). *was_full: a parcel went off to make room. */
struct parcel_packet *handover_place(struct handover *h, size_t to, enum parcel_kind kind, uint32_t len,
                                     bool *was_full);
uint8_t *handover_bytes(const struct handover *h, size_t to, const struct parcel_packet *p);
/* Sends what waits for a receiver. False when there was nothing. */
bool handover_send(struct handover *h, size_t to);
/* Has the receiver taken all that was sent? While it has not, what waits may as well become more. */
bool handover_is_taken(struct handover *h, size_t to);
bool handover_is_open(const struct handover *h, size_t to); /* something waits */
/* The receiver's: the next parcel, or NULL; to be given back. */
struct parcel *handover_take(struct handover *h, size_t receiver);
void handover_give_back(struct parcel *p);
