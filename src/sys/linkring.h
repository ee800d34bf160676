/* SPDX-License-Identifier: Apache-2.0 */
/* ESP packets as they come from the link, on all interfaces, through memory shared with the kernel
 * (PACKET_RX_RING): no system call and no socket buffer for each, and what waits is there at once as a
 * batch. They are opened where they lie. Packets go through tc and netfilter's ingress before they get here,
 * and not through its prerouting and input hooks (firewall.h). A raw socket of protocol 50 must stay open, or
 * the kernel answers each packet with "protocol unreachable"; who of the two takes what is said in
 * linkfilter.h.
 *
 * Several rings share the packets by the low byte of the SPI, as workers do (steer.h). */
#pragma once

#include "base/diag.h"
#include "net/ip.h"

struct linkring;

struct linkring_packet {
    uint8_t *data; /* from the SPI on; valid until linkring_release() */
    uint32_t len;
    uint8_t tos;
    struct ip local, remote;
};

/* n rings that share what arrives; they take nothing until linkfilter_attach(). False: none is open. */
bool linkring_open(struct linkring **rings, unsigned n, uint8_t family, struct diag *d);
void linkring_close(struct linkring *r);
/* Readable while packets wait. */
int linkring_fd(const struct linkring *r);
/* False when there is none. */
bool linkring_next(struct linkring *r, struct linkring_packet *p);
/* Gives everything back that was taken since the last time. */
void linkring_release(struct linkring *r);
/* Packets that found the ring full, since the last call. */
uint32_t linkring_lost(struct linkring *r);
