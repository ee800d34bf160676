/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets: UDP for IKE and ESP in UDP, raw sockets of protocol 50. Each says to which local address a
 * packet came and sends from the one that it is told; all carry our mark, so that Keyway's own packets escape
 * the routes into the tunnel. */
#pragma once

#include "base/diag.h"
#include "net/ip.h"
#include <netinet/in.h>
#include <sys/socket.h>

#define SOCK_FWMARK  0x4b57 /* what `ip rule` excepts; see route.c */
#define SOCK_CONTROL 256    /* bytes of ancillary data for one message */

struct sock {
    int fd; /* -1: not there */
    uint8_t family;
    uint16_t port; /* 0: raw */
    bool is_df_set;
};

/* All are non-blocking. *s becomes fd -1 on failure. reports_errors: ICMP errors to our packets are queued
 * for sock_next_error(). */
bool sock_open_udp(struct sock *s, uint8_t family, uint16_t port, bool reports_errors, struct diag *d);
/* n sockets of one port, for sock.h's users who spread datagrams over them (steer.h). s[0] needs the port for
 * itself. They report errors: an ICMP error comes to any of them. */
bool sock_open_shared(struct sock *s, size_t n, uint8_t family, uint16_t port, struct diag *d);
/* receives false: for sending with another DF than the one that receives. */
bool sock_open_esp(struct sock *s, uint8_t family, bool receives, struct diag *d);
/* A raw socket of protocol 50: ESP of the kernel's SAs (SPI_KERNEL) does not come to it. So it is when it is
 * opened; again after another filter. */
bool sock_leave_kernels(const struct sock *s);
/* Of protocol 51. What is sent over IPv4 begins with its own header, whose identification AH covers; what is
 * received over IPv6 comes with its extension headers as ancillary data. */
bool sock_open_ah(struct sock *s, uint8_t family, bool receives, struct diag *d);
void sock_close(struct sock *s);
/* DF on what is sent from now on (IPv6: whether the kernel may fragment). */
void sock_set_df(struct sock *s, bool on);

/* One datagram. prefix (a non-ESP marker) may be empty. False on an error that is not transient. */
bool sock_send(const struct sock *s, struct ip local, const struct endpoint *remote, uint8_t tos,
               struct span prefix, struct span bytes);
/* One message into buf; false when there is none. info->segment: see below. */
struct sock_info;
bool sock_receive(const struct sock *s, uint8_t *buf, size_t cap, size_t *len, struct endpoint *remote,
                  struct sock_info *info);

/* What ICMP says of a packet of ours, or this machine's own kernel. */
struct sock_error {
    struct endpoint to; /* whom the packet was for */
    struct ip from;     /* who says it; family 0: this machine */
    int err;            /* an errno */
    uint32_t mtu;       /* of EMSGSIZE */
};
/* The next of the error queue. False when it is empty. */
bool sock_next_error(const struct sock *s, struct sock_error *out);
/* The next "too big"; others are skipped. */
bool sock_next_too_big(const struct sock *s, struct ip *peer, uint32_t *mtu);

/* ---- for batches */

socklen_t sockaddr_from(const struct endpoint *e, struct sockaddr_storage *out);
void sockaddr_to(const struct sockaddr_storage *sa, struct endpoint *out);
/* Source address (unless unspecified) and TOS as ancillary data into control (SOCK_CONTROL bytes, aligned).
 * segment: the kernel is to cut the message into datagrams of so many bytes; 0: it is one datagram. */
void sock_put_control(struct msghdr *m, void *control, struct ip local, uint8_t tos, uint16_t segment);
struct sock_info {   /* about a message that was received */
    struct ip local; /* to which of our addresses; family 0: not known */
    uint8_t tos;
    uint32_t segment; /* bytes of each datagram in it but the last */
    uint32_t
        lost; /* datagrams that this socket has lost to a full queue so far; 0: none since the last one */
};
/* What the kernel said; the rest is left as it is. */
void sock_get_control(struct msghdr *m, struct sock_info *out);
/* Datagrams of one flow may arrive as one message from now on. False when the kernel cannot. */
bool sock_join_datagrams(const struct sock *s);
