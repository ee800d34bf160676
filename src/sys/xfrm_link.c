/* SPDX-License-Identifier: Apache-2.0 */
/* See xfrm_link.h. */
#include "sys/xfrm_link.h"
#include "base/secret.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/xfrm.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define ANSWER_MAX  32768      /* bytes of a datagram: what the kernel puts into one of a dump */
#define EVENT_BYTES (8u << 20) /* that wait on the socket before the kernel loses any */
#define READS_MOST  256        /* datagrams at once: others want the thread, too */

static bool cannot(struct xfrm_link *l, struct diag *d, const char *what)
{
    diag_set(d, FAIL_GENERIC, "%s: %s", what, strerror(errno));
    if (errno == EPROTONOSUPPORT)
        diag_try(d, "a kernel with CONFIG_XFRM_USER, or the userspace data plane");
    xfrm_link_close(l);
    return false;
}

/* Messages that begin with our port's number are the echo of what we asked for. */
static bool leave_out(int fd, uint32_t port)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct nlmsghdr, nlmsg_pid)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(port), 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog program = {.len = ARRAY_LEN(code), .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

static bool open_events(struct xfrm_link *l, struct diag *d)
{
    static const int groups[] = {XFRMNLGRP_ACQUIRE, XFRMNLGRP_EXPIRE, XFRMNLGRP_SA, XFRMNLGRP_POLICY,
                                 XFRMNLGRP_MAPPING};
    int bytes = EVENT_BYTES;
    l->events = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (!l->events)
        return cannot(l, d, "cannot open a netlink socket for the kernel's IPsec");
    int fd = mnl_socket_get_fd(l->events);
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
    if (!leave_out(fd, mnl_socket_get_portid(l->ask)) ||
        mnl_socket_bind(l->events, 0, MNL_SOCKET_AUTOPID) < 0)
        return cannot(l, d, "cannot prepare the netlink socket for events");
    for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
        int group = groups[i];
        if (mnl_socket_setsockopt(l->events, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
            return cannot(l, d, "cannot listen to the kernel's IPsec");
    }
    return true;
}

bool xfrm_link_open(struct xfrm_link *l, bool hears, struct diag *d)
{
    int on = 1;
    *l = (struct xfrm_link){.seq = (unsigned)time(NULL)};
    l->ask = mnl_socket_open2(NETLINK_XFRM, SOCK_CLOEXEC);
    if (!l->ask || mnl_socket_bind(l->ask, 0, MNL_SOCKET_AUTOPID) < 0)
        return cannot(l, d, "cannot talk to the kernel's IPsec over netlink");
    /* Reasons in words; and no requests with keys in answers. Older kernels have neither. */
    mnl_socket_setsockopt(l->ask, NETLINK_EXT_ACK, &on, sizeof(on));
    mnl_socket_setsockopt(l->ask, NETLINK_CAP_ACK, &on, sizeof(on));
    return !hears || open_events(l, d);
}

void xfrm_link_close(struct xfrm_link *l)
{
    int error = errno;
    if (l->ask)
        mnl_socket_close(l->ask);
    if (l->events)
        mnl_socket_close(l->events);
    l->ask = l->events = NULL;
    errno = error;
}

struct answer {
    struct xfrm_link *link;
    mnl_cb_t cb;
    void *ctx;
};

static void note_reason(struct xfrm_link *l, const struct nlmsghdr *h, const struct nlmsgerr *e)
{
    const struct nlattr *a;
    size_t skip = sizeof(*e);
    if (!(h->nlmsg_flags & NLM_F_CAPPED))
        skip += e->msg.nlmsg_len - sizeof(e->msg);
    if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) || mnl_nlmsg_get_payload_len(h) < skip)
        return;
    mnl_attr_for_each(a, h, skip)
    {
        if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG && mnl_attr_get_payload_len(a) > 0)
            snprintf(l->why, sizeof(l->why), "%.*s", (int)mnl_attr_get_payload_len(a) - 1,
                     mnl_attr_get_str(a));
    }
}

static int read_error(const struct nlmsghdr *h, void *ctx)
{
    struct answer *a = ctx;
    const struct nlmsgerr *e = mnl_nlmsg_get_payload(h);
    if (mnl_nlmsg_get_payload_len(h) < sizeof(*e)) {
        errno = EBADMSG;
        return MNL_CB_ERROR;
    }
    note_reason(a->link, h, e); /* drivers warn of what they have not done, and report success */
    if (!e->error)
        return MNL_CB_STOP;
    errno = -e->error;
    return MNL_CB_ERROR;
}

static int read_end(const struct nlmsghdr *h, void *ctx)
{
    (void)h, (void)ctx;
    return MNL_CB_STOP;
}

static int read_data(const struct nlmsghdr *h, void *ctx)
{
    struct answer *a = ctx;
    return a->cb ? a->cb(h, a->ctx) : MNL_CB_OK;
}

int xfrm_link_ask(struct xfrm_link *l, struct nlmsghdr *h, mnl_cb_t cb, void *ctx)
{
    static mnl_cb_t control[] = {[NLMSG_ERROR] = read_error, [NLMSG_DONE] = read_end};
    char buf[ANSWER_MAX] __attribute__((aligned(8)));
    struct answer answer = {.link = l, .cb = cb, .ctx = ctx};
    unsigned port = mnl_socket_get_portid(l->ask);
    bool goes_on = h->nlmsg_flags & (NLM_F_ACK | NLM_F_DUMP);
    l->why[0] = '\0';
    h->nlmsg_seq = ++l->seq;
    h->nlmsg_pid = port; /* what is told of it bears the number that stands here: see leave_out() */
    if (mnl_socket_sendto(l->ask, h, h->nlmsg_len) < 0)
        return errno;
    for (;;) {
        ssize_t len = mnl_socket_recvfrom(l->ask, buf, sizeof(buf));
        if (len < 0 && errno == EINTR)
            continue;
        if (len < (ssize_t)sizeof(*h))
            return len < 0 ? errno : EIO;
        const bool is_late = ((const struct nlmsghdr *)buf)->nlmsg_seq != l->seq;
        int r = is_late ? MNL_CB_OK
                        : mnl_cb_run2(buf, (size_t)len, l->seq, port, read_data, &answer, control,
                                      ARRAY_LEN(control));
        secret_wipe(buf, (size_t)len); /* the kernel shows an SA with its keys */
        if (is_late)
            continue; /* the rest of an answer that was given up */
        if (r < 0)
            return errno;
        if (r == MNL_CB_STOP || !goes_on)
            return 0;
    }
}

bool xfrm_link_read(struct xfrm_link *l, mnl_cb_t cb, void *ctx)
{
    char buf[ANSWER_MAX] __attribute__((aligned(8)));
    bool is_whole = true;
    for (int i = 0; i < READS_MOST; i++) {
        ssize_t len = mnl_socket_recvfrom(l->events, buf, sizeof(buf));
        if (len < 0 && (errno == ENOBUFS || errno == ENOSPC)) {
            is_whole = false; /* what is there already is read all the same */
            continue;
        }
        if (len <= 0)
            break;
        mnl_cb_run(buf, (size_t)len, 0, 0, cb, ctx);
        secret_wipe(buf, (size_t)len);
    }
    return is_whole;
}
