/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's own addresses, which of them lead to a peer, and that either has changed: over rtnetlink, for
 * INPUT_ADDRESSES and INPUT_PATHS. An address counts when packets can come from it: its interface is up and
 * has a carrier, it is not link-local, tentative or deprecated, and it is not on the tunnel's own device, nor
 * on an XFRM interface or a VTI. Everything here is the control thread's. */
#pragma once

#include "model/action.h"

struct addresses;

struct addresses_options {
    int device; /* the tunnel's: its addresses and routes are nobody's business */
    int table;  /* the tunnels' own routes, and the next one */
};

struct addresses *addresses_open(const struct addresses_options *o, struct diag *d);
void addresses_close(struct addresses *a);
/* Readable when the kernel has announced something. */
int addresses_fd(const struct addresses *a);
/* Reads what was announced. True when addresses or routes to peers may have changed. */
bool addresses_take_news(struct addresses *a);
/* Looks anew. Valid until the next call. Interfaces by name: only those of used, or all but those of ignored,
 * with space or comma between them; NULL: all. */
const struct ip *addresses_list(struct addresses *a, const char *used, const char *ignored, size_t *n);
/* The pairs that the last list and the routes of this moment allow, for each remote the kernel's own choice
 * first; then those whose source is on the interface that the route takes; the local address that is in use
 * also where it is not, as long as there is a route from it. */
size_t addresses_paths(struct addresses *a, const struct path_query *q, struct ip_pair v[PATH_PAIRS]);
