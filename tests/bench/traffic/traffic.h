/* SPDX-License-Identifier: Apache-2.0 */
/* The traffic of ./dev bench: what its sender and its receiver share. IPv4. */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* What arrived, in a mapped file that the bench reads at any time: no protocol is needed to ask for it. */
struct traffic_counters {
    _Atomic uint64_t tcp_bytes;
    _Atomic uint64_t udp_packets;
    _Atomic uint64_t udp_reordered; /* came behind one that was sent after it */
};

/* The first bytes of each datagram; the rest is zero. Host byte order: both ends are this machine. */
struct traffic_mark {
    uint64_t run, seq;
};

/* Where streams or datagrams go. With count > 1 the i-th stream goes from `from` + i to `to` + i. */
struct traffic_path {
    struct in_addr from, to; /* from: INADDR_ANY leaves it to the routes */
    uint16_t port;           /* host byte order */
    bool has_steps;
    const char *congestion; /* TCP: the kernel's name of it */
};

/* A socket of the i-th stream, bound and connected; ends the program when that fails. */
int traffic_connect(const struct traffic_path *p, int type, uint32_t i);
_Noreturn void traffic_die(const char *what);
double traffic_now(void); /* seconds, monotonic */

/* Receives on port until killed. */
_Noreturn void traffic_receive(uint16_t port, struct traffic_counters *c);
/* Streams that send as much as they can for that long. */
void traffic_send_tcp(const struct traffic_path *p, uint32_t streams, double seconds);
/* Datagrams of size bytes at rate per second (0: as fast as it goes). Prints how many, in what time, and how
 * many of them c had counted when the last one was sent. */
void traffic_send_udp(const struct traffic_path *p, uint32_t size, double rate, double seconds,
                      const struct traffic_counters *c);
