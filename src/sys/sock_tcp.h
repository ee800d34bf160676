/* SPDX-License-Identifier: Apache-2.0 */
/* TCP sockets of TCP encapsulation (RFC 9329): non-blocking, with our mark like all of Keyway's, without
 * Nagle's delay, with little unsent in the kernel, and given up when the path has been dead for 10 s. */
#pragma once

#include "sys/sock.h"

/* A listener of that port, on all addresses of the family. */
bool sock_listen_tcp(struct sock *s, uint8_t family, uint16_t port, struct diag *d);
/* The next connection, or -1 with errno. */
int sock_accept_tcp(const struct sock *s, struct endpoint *local, struct endpoint *remote);
/* Begins to connect; from: family 0 or unspecified: the routes decide; its port is not used. -1 with errno.
 */
int sock_connect_tcp(const struct endpoint *from, const struct endpoint *to);
/* After it has become writable: 0, or the errno of what failed. */
int sock_connected_tcp(int fd, struct endpoint *local);
/* At once, and what waits is lost. */
void sock_reset_tcp(int fd);
