/* SPDX-License-Identifier: Apache-2.0 */
/* The two netlink sockets: one for requests, which the kernel answers at once, one on which it tells what
 * happens. What our own requests change is not told to us. */
#pragma once

#include "base/diag.h"
#include <libmnl/libmnl.h>
#include <stddef.h>
#include <stdint.h>

struct xfrm_link {
    struct mnl_socket *ask, *events; /* NULL: not open */
    unsigned seq;
    char why[160]; /* what the kernel said about the last request; may be empty */
};

/* hears: with the socket for events. */
bool xfrm_link_open(struct xfrm_link *l, bool hears, struct diag *d);
void xfrm_link_close(struct xfrm_link *l);
/* With NLM_F_ACK, NLM_F_DUMP or neither: then one message answers. cb may be NULL. 0 or an errno. */
int xfrm_link_ask(struct xfrm_link *l, struct nlmsghdr *h, mnl_cb_t cb, void *ctx);
/* All that is to be read, each message to cb. False: the kernel has lost some. */
bool xfrm_link_read(struct xfrm_link *l, mnl_cb_t cb, void *ctx);
