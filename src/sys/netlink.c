/* SPDX-License-Identifier: Apache-2.0 */
/* See netlink.h. */
#include "sys/netlink.h"
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

bool netlink_open(struct netlink *n, int bus, struct diag *d)
{
    n->seq = (unsigned)time(NULL);
    n->socket = mnl_socket_open2(bus, SOCK_CLOEXEC);
    if (n->socket && mnl_socket_bind(n->socket, 0, MNL_SOCKET_AUTOPID) == 0)
        return true;
    diag_set(d, FAIL_GENERIC, "cannot open a netlink socket: %s", strerror(errno));
    netlink_close(n);
    return false;
}

void netlink_close(struct netlink *n)
{
    if (n->socket)
        mnl_socket_close(n->socket);
    n->socket = NULL;
}

int netlink_ask(struct netlink *n, struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
    char buf[16384];
    unsigned port = mnl_socket_get_portid(n->socket);
    bool is_acked = h->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP);
    h->nlmsg_seq = ++n->seq;
    if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
        return errno;
    for (;;) {
        ssize_t len = mnl_socket_recvfrom(n->socket, buf, sizeof(buf));
        if (len <= 0)
            return len ? errno : EIO;
        int r = mnl_cb_run(buf, (size_t)len, n->seq, port, cb, ctx);
        if (r < 0)
            return errno;
        if (r == MNL_CB_STOP || !is_acked)
            return 0;
    }
}
