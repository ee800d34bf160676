/* SPDX-License-Identifier: Apache-2.0 */
/* Plain ESP straight to the link: a batch in one call to a packet socket, with IP headers of our own, where
 * nexthop.h knows the way. It goes through the interface's queueing discipline and tc, with our mark, and not
 * through netfilter's output and postrouting hooks (firewall.h).
 *
 * Only what needs nothing of the kernel's IP: packets that are not to be fragmented on their way
 * [RFC6864#4.1: then the identification does not matter], that fit the route, and that carry no DSCP, which
 * the kernel's IP would make a priority of. One object belongs to one thread. */
#pragma once

#include "base/diag.h"
#include "esp/esp.h"

struct linksend;

struct linksend *linksend_open(struct diag *d);
void linksend_close(struct linksend *s);
/* Before a batch; now: mono microseconds. */
void linksend_begin(struct linksend *s, int64_t now);
/* Takes a sealed packet, whose headroom it writes into; it must stay until linksend_flush(). False: send it
 * through a raw socket (after a flush, to keep the order). At most ESP_BATCH between two flushes. */
bool linksend_add(struct linksend *s, struct esp_packet *p, int64_t now);
/* Sends what was taken. A packet that the link refuses is given back, to be sent through a raw socket; call
 * again until NULL. *lost grows by what a full queue has dropped. */
struct esp_packet *linksend_flush(struct linksend *s, size_t *lost);
