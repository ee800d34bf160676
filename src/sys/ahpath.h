/* SPDX-License-Identifier: Apache-2.0 */
/* AH on its way between the kernel's raw sockets of protocol 51 and the data plane. AH covers the header that
 * it stands behind: over IPv4 that is written by us and read whole; over IPv6 the kernel writes what we
 * expect, and what it takes off is put together again. There is no quicker way as there is for ESP. */
#pragma once

#include "esp/esp.h"
#include "sys/sock.h"

#define AHPATH_ROOM 512 /* free bytes before what an IPv6 socket received: headers are written there */

/* What a socket received: makes p the whole IP packet, and says in it whence and whither. m: as recvmsg()
 * left it. False when it cannot be told what was in front of AH. */
bool ahpath_received(struct esp_packet *p, uint8_t family, struct msghdr *m);
/* What a socket is to be given of a packet. */
struct span ahpath_sent(const struct esp_packet *p);
/* Sends a packet without DF that the link does not carry whole: the kernel cuts none that has its header
 * already. False when it is not that, or does not leave either. */
bool ahpath_send_fragments(const struct sock *s, const struct esp_packet *p);
