/* SPDX-License-Identifier: Apache-2.0 */
/* What the firewall has to accept for a child: which packets, at which hooks. Pure; the rules are
 * fwrules.h's.
 */
#pragma once

#include "model/action.h"
#include "sys/nft.h"

typedef void fwflow_cb(void *ctx, enum nft_hook hook, const struct nft_match *m);
/* device: of tunnels. way: by what the packets are known. Calls each for what is accepted: what is
 * forwarded for a network, what is received and sent for a host; with hostaccess for a network's gateway,
 * too.
 */
void fwflow_each(const struct updown *u, const char *device, enum nft_way way, fwflow_cb *each, void *ctx);
