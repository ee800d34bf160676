/* SPDX-License-Identifier: Apache-2.0 */
/* One side of the relay: an interface from which every frame is read through a ring (packet(7), TPACKET_V2: a
 * frame is there as soon as it came) and to which frames are sent many in one call, past the queueing
 * discipline. Frames that are sent may lie in another port's ring: they are copied by port_flush(). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PORT_FRAMES 16384 /* in the ring */
#define PORT_SNAP   2048  /* of each: header and frame */
#define PORT_BATCH  64

struct port {
    const char *name;
    int rx, tx;
    uint8_t *ring;
    unsigned at; /* next frame to read */
    struct port_out {
        const uint8_t *bytes;
        size_t len;
    } out[2 * PORT_BATCH];
    size_t n_out;
    uint64_t ring_drops;        /* frames for which the ring had no room */
    uint64_t partial_checksums; /* frames whose checksum an offload would have to complete */
};

struct port_frame {
    const uint8_t *bytes;
    uint32_t len, have; /* on the wire, in the ring */
    uint32_t sec, nsec;
};

/* Ends the program when it cannot. */
void port_open(struct port *p, const char *device);
/* The frame i steps behind the next one; false when it has not come yet. */
bool port_peek(struct port *p, unsigned i, struct port_frame *f);
/* Gives the next n frames back to the kernel. */
void port_release(struct port *p, unsigned n);
/* bytes stay until the next port_flush(). At most PORT_BATCH more fit after a flush with nothing held. */
void port_send(struct port *p, const uint8_t *bytes, size_t len);
void port_flush(struct port *p);
void port_count_drops(struct port *p);
