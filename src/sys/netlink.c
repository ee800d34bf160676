/* SPDX-License-Identifier: Apache-2.0 */
/* See netlink.h. */
#include "sys/netlink.h"
#include <errno.h>
#include <linux/netlink.h>
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

struct end { /* of an answer, as far as one read shows */
    bool is_there, is_interrupted;
};

/* A list during which something changed is marked, at which the library would give up in the middle. */
static struct end find_end(char *buf, size_t size)
{
    struct end end = {0};
    int len = (int)size;
    for (struct nlmsghdr *h = (struct nlmsghdr *)buf; mnl_nlmsg_ok(h, len); h = mnl_nlmsg_next(h, &len)) {
        end.is_there |= h->nlmsg_type == NLMSG_DONE || h->nlmsg_type == NLMSG_ERROR;
        end.is_interrupted |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
        h->nlmsg_flags &= (uint16_t)~NLM_F_DUMP_INTR;
    }
    return end;
}

int netlink_ask(struct netlink *n, struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
    char buf[16384] __attribute__((aligned(8)));
    unsigned port = mnl_socket_get_portid(n->socket);
    bool is_long = h->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP), is_interrupted = false, has_answer = false;
    struct end end = {0};
    int err = 0;
    h->nlmsg_seq = ++n->seq;
    if (mnl_socket_sendto(n->socket, h, h->nlmsg_len) < 0)
        return errno;
    while (is_long ? !end.is_there
                   : !has_answer) { /* to the end: what is left would be in the next one's way */
        ssize_t len = mnl_socket_recvfrom(n->socket, buf, sizeof(buf));
        if (len < 0 && errno == EINTR)
            continue;
        if (len <= 0)
            return len ? errno : EIO;
        if (((const struct nlmsghdr *)buf)->nlmsg_seq != n->seq) /* of one that could not be read */
            continue;
        has_answer = true;
        end = find_end(buf, (size_t)len);
        is_interrupted |= end.is_interrupted;
        int r = mnl_cb_run(buf, (size_t)len, n->seq, port, cb, ctx);
        if (r < 0 && !err)
            err = errno;
        if (r != MNL_CB_OK)
            cb = NULL;
    }
    return err ? err : is_interrupted ? EINTR : 0;
}
