/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's reverse path filter for IPv4 (net.ipv4.conf.*.rp_filter, RFC 3704 section 2): where all of a
 * peer's own address is protected, routes of ours lead to that address, and the filter judges what the peer
 * sends by them. Strict, it drops IKE and ESP; loose, it does so while the route is an unreachable one. IPv6
 * has no such filter but in netfilter, which is not looked at. */
#pragma once

#include "net/ip.h"
#include "sys/netlink.h"
#include <net/if.h>

enum rpfilter { RPFILTER_OFF, RPFILTER_STRICT, RPFILTER_LOOSE };

/* Where packets of the peer arrive, taken to be where ours to it leave. device: that interface, empty when it
 * is not known; then it is what interfaces have by default. */
enum rpfilter rpfilter_towards(struct netlink *nl, struct ip peer, char device[IF_NAMESIZE]);
