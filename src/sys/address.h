/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses on the tunnel's device. The device is the daemon's own and goes with it, also when that
 * is killed: no address outlives the tunnel that it came with. */
#pragma once

#include "base/diag.h"
#include "net/ip.h"

/* Puts the address on the device (by index), or takes it off. It is for the host alone: no network around it
 * is reached through it, and in IPv6 it is used at once, without duplicate address detection. */
bool address_set(int device, struct ip ip, bool adds, struct diag *d);

#define ADDRESS_DEVICE 16 /* bytes of an interface's name with its end */
/* The interface that has the address. */
bool address_device(struct ip ip, char name[ADDRESS_DEVICE]);

/* ---- the message, pure: for tests */

struct nlmsghdr;
/* RTM_NEWADDR or RTM_DELADDR into buf (at least 512 bytes); bits: of the network around it. */
struct nlmsghdr *address_message(void *buf, int device, struct ip ip, uint8_t bits, bool adds);
