/* SPDX-License-Identifier: Apache-2.0 */
/* Does a firewall look at the packets that this machine itself sends or receives? Packet sockets pass by
 * netfilter's hooks of IP (prerouting, input, output, postrouting), and a rule of the administrator must hold
 * for ESP as for everything. Seen are nftables' base chains of the families ip, ip6 and inet, and the tables
 * of iptables; what they contain is not judged. Forward chains do not matter, nor do chains of the family
 * netdev and tc, which packet sockets do not pass by. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct firewall;

struct firewall *firewall_open(void);
void firewall_close(struct firewall *f);
/* Cheap when nothing has changed. why: filled when there is one, "a chain of nftables at the hook input". */
bool firewall_is_there(struct firewall *f, char *why, size_t cap);
