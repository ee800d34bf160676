/* SPDX-License-Identifier: Apache-2.0 */
/* What the halves of soak_traffic share: options, tallies, the clock, randomness, and the flows of both
 * kinds. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MS             INT64_C(1000000)
#define TRAFFIC_SECOND (1000 * MS)
#define WRITE_MAX      65536

struct options {
    bool is_server;
    uint64_t seed, bytes; /* of all TCP streams together */
    unsigned tcp, udp;    /* flows at the same time */
    unsigned udp_rate;    /* bytes per millisecond of each flow in each direction */
    uint16_t port;
    const char *to4, *to6; /* the server, as the client names it */
};

struct tally { /* of what one end received, or sent */
    uint64_t tcp_flows, tcp_sent, tcp_received, tcp_wrong, tcp_incomplete;
    uint64_t udp_sent, udp_received, udp_bytes, udp_wrong, udp_twice, udp_refused;
};

extern struct options opt;
extern struct tally tally;
extern bool has_control;      /* the connection that says that the run goes on */
extern int64_t last_progress; /* of any TCP stream */

int64_t now_ns(void);
uint64_t draw(void); /* random */
uint64_t draw_between(uint64_t least, uint64_t most);
void fail(const char *what); /* says errno, ends the program */
void wrong(const char *kind, uint32_t flow, uint64_t where, const char *what);
struct sockaddr_in6 address_of(unsigned flow); /* the server's: IPv4 (mapped) and IPv6 in turns */

/* Both give what they wait for and take what came. The number of pollfds they used. */
struct pollfd;
void tcp_open_server(void);
size_t tcp_poll(struct pollfd *v, int64_t now);
void tcp_work(const struct pollfd *v, size_t n, int64_t now);
bool tcp_is_idle(void); /* no stream is open, and none is to come */
void tcp_end_control(void);
void udp_open(void);
size_t udp_poll(struct pollfd *v);
void udp_work(int64_t now, bool may_send);
int64_t udp_next(void);
