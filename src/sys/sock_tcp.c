/* SPDX-License-Identifier: Apache-2.0 */
/* See sock_tcp.h. */
#include "sys/sock_tcp.h"
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <unistd.h>

#define BACKLOG      128
#define UNSENT       (128 << 10)
#define DEAD_PATH_MS 10000
#define PROBE_AFTER  60 /* seconds of silence; the peer's IKE may have been killed without a word */
#define PROBE_EVERY  15
#define PROBES       4

static void set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof(value));
}

/* [RFC9329#6.7] keep-alives of TCP only free what a dead peer leaves behind; whether IKE lives is IKE's
 * question. */
static void prepare(int fd)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
    set(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, UNSENT);
    set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, DEAD_PATH_MS);
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, PROBE_AFTER);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, PROBE_EVERY);
    set(fd, IPPROTO_TCP, TCP_KEEPCNT, PROBES);
}

/* Without the mark a packet would go into the tunnel that it carries. */
static int open_marked(uint8_t family)
{
    int mark = SOCK_FWMARK;
    int fd = socket(family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool sock_listen_tcp(struct sock *s, uint8_t family, uint16_t port, struct diag *d)
{
    struct endpoint any = {.ip = {.family = family}, .port = port};
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_from(&any, &sa);
    *s = (struct sock){.family = family, .port = port, .fd = open_marked(family)};
    if (s->fd >= 0) {
        set(s->fd, SOL_SOCKET, SO_REUSEADDR, 1);
        if (family == 6)
            set(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
        if (bind(s->fd, (struct sockaddr *)&sa, len) == 0 && listen(s->fd, BACKLOG) == 0)
            return true;
    }
    diag_set(d, FAIL_GENERIC, "cannot listen on TCP port %u (IPv%u): %s", port, family, strerror(errno));
    diag_try(d, "is another program listening there? ss -ltnp");
    sock_close(s);
    return false;
}

int sock_accept_tcp(const struct sock *s, struct endpoint *local, struct endpoint *remote)
{
    struct sockaddr_storage sa;
    socklen_t len = sizeof(sa);
    int mark = SOCK_FWMARK;
    int fd = accept4(s->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0)
        return -1;
    sockaddr_to(&sa, remote);
    len = sizeof(sa);
    getsockname(fd, (struct sockaddr *)&sa, &len);
    sockaddr_to(&sa, local);
    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark));
    prepare(fd);
    return fd;
}

int sock_connect_tcp(const struct endpoint *from, const struct endpoint *to)
{
    struct sockaddr_storage sa;
    int fd = open_marked(to->ip.family);
    if (fd < 0)
        return -1;
    prepare(fd);
    if (from->ip.family == to->ip.family && !ip_is_unspecified(from->ip)) {
        struct endpoint any_port = {.ip = from->ip};
        socklen_t len = sockaddr_from(&any_port, &sa);
        set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
        /* one that is not ours any more: the routes decide */
        int err = bind(fd, (struct sockaddr *)&sa, len);
        (void)err;
    }
    socklen_t len = sockaddr_from(to, &sa);
    if (connect(fd, (struct sockaddr *)&sa, len) == 0 || errno == EINPROGRESS)
        return fd;
    int why = errno;
    close(fd);
    errno = why;
    return -1;
}

int sock_connected_tcp(int fd, struct endpoint *local)
{
    struct sockaddr_storage sa;
    int err = 0;
    socklen_t len = sizeof(err);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0)
        return errno;
    len = sizeof(sa);
    getsockname(fd, (struct sockaddr *)&sa, &len);
    sockaddr_to(&sa, local);
    return err;
}

void sock_reset_tcp(int fd)
{
    struct linger none = {.l_onoff = 1};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
    close(fd);
}
