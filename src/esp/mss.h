/* SPDX-License-Identifier: Apache-2.0 */
/* TCP MSS clamping: a SYN that crosses the tunnel, either way, must not promise segments that the tunnel
 * would have to fragment (RFC 4459 section 3.4, RFC 9293 section 3.7.1). */
#pragma once

#include "net/packet.h"

/* Lowers the MSS option of a SYN so that segments fit mtu (of whole inner packets). p describes ip. True when
 * something changed; the TCP checksum is kept right. */
bool mss_clamp(uint8_t *ip, const struct packet *p, uint32_t mtu);
