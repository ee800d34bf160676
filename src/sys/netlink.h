/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to the kernel over netlink, one at a time: the kernel answers at once. */
#pragma once

#include "base/diag.h"
#include <libmnl/libmnl.h>
#include <stddef.h>

struct netlink {
    struct mnl_socket *socket; /* NULL: not open */
    unsigned seq;
};

/* bus: NETLINK_ROUTE, ... */
bool netlink_open(struct netlink *n, int bus, struct diag *d);
void netlink_close(struct netlink *n);
/* Sends a request (NLM_F_ACK or NLM_F_DUMP, or one that is answered by one message) and gives what is
 * answered to cb, which may be NULL. 0 or an errno; EINTR: cb has heard all of a list, and something changed
 * meanwhile, so that it may be neither what was nor what is. */
int netlink_ask(struct netlink *n, struct nlmsghdr *h, mnl_cb_t cb, void *ctx);
