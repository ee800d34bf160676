/* SPDX-License-Identifier: Apache-2.0 */
/* Who takes which packet of protocol 50 when a ring on the link (linkring.h) and a raw socket both see them:
 * the ring what arrives whole at an address of ours and fits a frame; the raw socket all else, which is other
 * addresses, larger packets, those with IPv4 options or IPv6 extension headers, and those that the kernel put
 * together from fragments. Nothing is taken twice, and nothing by nobody, but for ESP of the kernel's own SAs
 * (SPI_KERNEL), which neither takes.
 *
 * A packet that was put together looks like one that arrived whole. So the ring's filter notes SPI and
 * sequence number of every first fragment [RFC4303#2.1], and the raw socket's filter lets pass what was
 * noted. Both are small eBPF programs that share two maps: the addresses, and the last 1024 first fragments.
 */
#pragma once

#include "base/diag.h"
#include "net/ip.h"

#define LINKFILTER_MAX 1920 /* bytes of an IP packet that the ring takes */

struct linkfilter {
    int own, notes;      /* maps; -1: not there */
    int ring[2], raw[2]; /* programs, for IPv4 and IPv6 */
};

/* Needs CAP_BPF (or CAP_SYS_ADMIN) where the machine denies bpf() to others. */
bool linkfilter_open(struct linkfilter *f, struct diag *d);
void linkfilter_close(struct linkfilter *f);
/* What is sent to this address is the ring's from now on. False: there are too many. */
bool linkfilter_add_own(struct linkfilter *f, struct ip ip);
/* From now on the socket takes its part. ring: a packet socket that sees packets from the IP header on. */
bool linkfilter_attach(const struct linkfilter *f, int fd, uint8_t family, bool is_ring);
/* From now on a ring takes nothing. (A raw socket takes everything again: sock_leave_kernels().) */
bool linkfilter_detach(int fd);
