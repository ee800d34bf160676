/* SPDX-License-Identifier: Apache-2.0 */
/* Which worker of the data plane serves a packet, said in two ways that agree: by steer_worker() for reqids
 * and SPIs, and by a program in the kernel that hands each datagram of the NAT traversal port to the socket
 * of its worker, and IKE to the control thread's. So ESP that overflows its worker's queue takes nothing from
 * IKE. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* key: a reqid or an inbound SPI; both give the same for one child (SPI_STEER_BITS). */
unsigned steer_worker(uint32_t key, unsigned n_workers);
/* The one that serves a TCP connection. */
unsigned steer_stream(uint32_t handle, unsigned n_workers);
/* fd: one of the UDP sockets that share a port (SO_REUSEPORT), bound in this order: the control thread's,
 * worker 0's, worker 1's, ..., and with has_kernel the one whose ESP the kernel takes (xfrm_encap_socket()):
 * that of SPIs with SPI_KERNEL. Datagrams behind a non-ESP marker [RFC3948#2.2], and those too short for an
 * SPI, go to the first. False when the kernel cannot: then any of them gets anything. */
bool steer_datagrams(int fd, unsigned n_workers, bool has_kernel);
