/* SPDX-License-Identifier: Apache-2.0 */
/* Packet sockets: see sock.h. */
#include "sys/sock.h"
#include "model/action.h"
#include <arpa/inet.h>
#include <errno.h>
#include <linux/errqueue.h>
#include <linux/filter.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <unistd.h>

#define SOCKET_BUFFER (4 << 20)
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#define UDP_GRO     104
#endif

static int set(int fd, int level, int option, int value)
{
    return setsockopt(fd, level, option, &value, sizeof(value));
}

void sock_set_df(struct sock *s, bool on)
{
    if (s->fd < 0 || s->is_df_set == on)
        return;
    if (s->family == 4)
        set(s->fd, IPPROTO_IP, IP_MTU_DISCOVER, on ? IP_PMTUDISC_DO : IP_PMTUDISC_DONT);
    else
        set(s->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, on ? IPV6_PMTUDISC_DO : IPV6_PMTUDISC_DONT);
    s->is_df_set = on;
}

void sock_close(struct sock *s)
{
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
}

static bool fail(struct sock *s, struct diag *d, const char *doing, const char *hint)
{
    int err = errno;
    diag_set(d, err == EPERM || err == EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "cannot %s: %s", doing,
             strerror(err));
    if (hint)
        diag_try(d, "%s", hint);
    sock_close(s);
    return false;
}

static bool set_common(struct sock *s, bool reports_errors, struct diag *d)
{
    bool is4 = s->family == 4;
    int level = is4 ? IPPROTO_IP : IPPROTO_IPV6;
    if (set(s->fd, SOL_SOCKET, SO_MARK, SOCK_FWMARK) < 0)
        return fail(s, d, "mark our packets (SO_MARK)", "root, or CAP_NET_ADMIN");
    set(s->fd, level, is4 ? IP_PKTINFO : IPV6_RECVPKTINFO, 1);
    set(s->fd, level, is4 ? IP_RECVTOS : IPV6_RECVTCLASS, 1);
    set(s->fd, SOL_SOCKET, SO_RXQ_OVFL, 1);
    if (reports_errors)
        set(s->fd, level, is4 ? IP_RECVERR : IPV6_RECVERR, 1);
    if (set(s->fd, SOL_SOCKET, SO_RCVBUFFORCE, SOCKET_BUFFER) < 0)
        set(s->fd, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER);
    if (set(s->fd, SOL_SOCKET, SO_SNDBUFFORCE, SOCKET_BUFFER) < 0)
        set(s->fd, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER);
    s->is_df_set = true; /* so that the next line acts */
    sock_set_df(s, false);
    return true;
}

static bool open_socket(struct sock *s, uint8_t family, int type, int protocol, struct diag *d)
{
    *s = (struct sock){.family = family};
    s->fd = socket(family == 4 ? AF_INET : AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    if (s->fd >= 0)
        return true;
    return fail(s, d, type == SOCK_RAW ? "open a raw socket" : "open a UDP socket", "root, or CAP_NET_RAW");
}

static bool prepare_udp(struct sock *s, uint8_t family, bool reports_errors, struct diag *d)
{
    if (!open_socket(s, family, SOCK_DGRAM, IPPROTO_UDP, d))
        return false;
    if (family == 6)
        set(s->fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    return set_common(s, reports_errors, d);
}

static bool bind_udp(struct sock *s, uint16_t port, struct diag *d)
{
    uint8_t family = s->family;
    struct endpoint any = {.ip = {.family = family}, .port = port};
    struct sockaddr_storage sa;
    socklen_t len = sockaddr_from(&any, &sa);
    if (bind(s->fd, (struct sockaddr *)&sa, len) < 0) {
        char doing[64];
        snprintf(doing, sizeof(doing), "bind UDP port %u (IPv%u)", port, family);
        return fail(s, d, doing, "is another IKE daemon running? ss -lunp");
    }
    s->port = port;
    return true;
}

bool sock_open_udp(struct sock *s, uint8_t family, uint16_t port, bool reports_errors, struct diag *d)
{
    return prepare_udp(s, family, reports_errors, d) && bind_udp(s, port, d);
}

/* The first one is bound alone, so that another daemon's socket is an error, and shares from then on. */
bool sock_open_shared(struct sock *s, size_t n, uint8_t family, uint16_t port, struct diag *d)
{
    for (size_t i = 0; i < n; i++) {
        bool ok = prepare_udp(&s[i], family, true, d);
        if (ok && i > 0)
            set(s[i].fd, SOL_SOCKET, SO_REUSEPORT, 1);
        ok = ok && bind_udp(&s[i], port, d);
        if (!ok) {
            while (i > 0)
                sock_close(&s[--i]);
            return false;
        }
        if (i == 0)
            set(s[0].fd, SOL_SOCKET, SO_REUSEPORT, 1);
    }
    return true;
}

/* A socket that is only for sending gets a filter that keeps nothing, or its queue would fill. */
static void receive_nothing(int fd)
{
    struct sock_filter none = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {.len = 1, .filter = &none};
    setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* IPv4 begins at the IP header, IPv6 behind its headers. What is too short is nobody's. */
bool sock_leave_kernels(const struct sock *s)
{
    struct sock_filter four[] = {BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
                                 BPF_STMT(BPF_LD | BPF_B | BPF_IND, 3),
                                 BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SPI_KERNEL, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
    struct sock_filter six[] = {BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 3),
                                BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SPI_KERNEL, 0, 1),
                                BPF_STMT(BPF_RET | BPF_K, 0), BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
    struct sock_fprog program = {.len = ARRAY_LEN(four), .filter = four};
    if (s->family == 6)
        program = (struct sock_fprog){.len = ARRAY_LEN(six), .filter = six};
    return setsockopt(s->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0;
}

bool sock_open_esp(struct sock *s, uint8_t family, bool receives, struct diag *d)
{
    if (!open_socket(s, family, SOCK_RAW, IPPROTO_ESP, d) || !set_common(s, true, d))
        return false;
    if (receives)
        sock_leave_kernels(s);
    else
        receive_nothing(s->fd);
    return true;
}

bool sock_open_ah(struct sock *s, uint8_t family, bool receives, struct diag *d)
{
    static const int headers[] = {IPV6_RECVHOPOPTS, IPV6_RECVDSTOPTS, IPV6_RECVRTHDR};
    if (!open_socket(s, family, SOCK_RAW, IPPROTO_AH, d) || !set_common(s, true, d))
        return false;
    if (family == 4 && set(s->fd, IPPROTO_IP, IP_HDRINCL, 1) < 0)
        return fail(s, d, "write IP headers (IP_HDRINCL)", NULL);
    for (size_t i = 0; family == 6 && i < ARRAY_LEN(headers); i++)
        set(s->fd, IPPROTO_IPV6, headers[i], 1);
    if (!receives)
        receive_nothing(s->fd);
    return true;
}

/* ---- addresses */

socklen_t sockaddr_from(const struct endpoint *e, struct sockaddr_storage *out)
{
    memset(out, 0, sizeof(*out));
    if (e->ip.family == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)out;
        in->sin_family = AF_INET;
        in->sin_port = htons(e->port);
        memcpy(&in->sin_addr, e->ip.b, 4);
        return sizeof(*in);
    }
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
    in6->sin6_family = AF_INET6;
    in6->sin6_port = htons(e->port);
    memcpy(&in6->sin6_addr, e->ip.b, 16);
    return sizeof(*in6);
}

void sockaddr_to(const struct sockaddr_storage *sa, struct endpoint *out)
{
    *out = (struct endpoint){0};
    if (sa->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
        ip_from_bytes(span_of(&in->sin_addr, 4), &out->ip);
        out->port = ntohs(in->sin_port);
    }
    if (sa->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
        ip_from_bytes(span_of(&in6->sin6_addr, 16), &out->ip);
        out->port = ntohs(in6->sin6_port);
    }
}

/* ---- ancillary data */

static void *add_control(struct msghdr *m, size_t *used, int level, int type, size_t len)
{
    struct cmsghdr *c = (struct cmsghdr *)((uint8_t *)m->msg_control + *used);
    memset(c, 0, CMSG_SPACE(len));
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(len);
    *used += CMSG_SPACE(len);
    return CMSG_DATA(c);
}

void sock_put_control(struct msghdr *m, void *control, struct ip local, uint8_t tos, uint16_t segment)
{
    size_t used = 0;
    int value = tos;
    m->msg_control = control;
    bool is4 = ((const struct sockaddr_storage *)m->msg_name)->ss_family == AF_INET;
    void *at =
        add_control(m, &used, is4 ? IPPROTO_IP : IPPROTO_IPV6, is4 ? IP_TOS : IPV6_TCLASS, sizeof(int));
    memcpy(at, &value, sizeof(value));
    if (!ip_is_unspecified(local) && is4 == (local.family == 4)) {
        if (is4) {
            struct in_pktinfo info = {0};
            memcpy(&info.ipi_spec_dst, local.b, 4);
            memcpy(add_control(m, &used, IPPROTO_IP, IP_PKTINFO, sizeof(info)), &info, sizeof(info));
        } else {
            struct in6_pktinfo info = {0};
            memcpy(&info.ipi6_addr, local.b, 16);
            memcpy(add_control(m, &used, IPPROTO_IPV6, IPV6_PKTINFO, sizeof(info)), &info, sizeof(info));
        }
    }
    if (segment)
        memcpy(add_control(m, &used, SOL_UDP, UDP_SEGMENT, sizeof(segment)), &segment, sizeof(segment));
    m->msg_controllen = used;
}

void sock_get_control(struct msghdr *m, struct sock_info *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        int value;
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            ip_from_bytes(span_of(&info.ipi_addr, 4), &out->local);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof(info));
            ip_from_bytes(span_of(&info.ipi6_addr, 16), &out->local);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
            out->tos = *(const uint8_t *)CMSG_DATA(c);
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            out->tos = (uint8_t)value;
        } else if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            memcpy(&value, CMSG_DATA(c), sizeof(value));
            out->segment = value > 0 ? (uint32_t)value : out->segment;
        } else if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&out->lost, CMSG_DATA(c), sizeof(out->lost));
        }
    }
}

bool sock_join_datagrams(const struct sock *s)
{
    return set(s->fd, SOL_UDP, UDP_GRO, 1) == 0;
}

/* ---- single datagrams */

bool sock_send(const struct sock *s, struct ip local, const struct endpoint *remote, uint8_t tos,
               struct span prefix, struct span bytes)
{
    struct sockaddr_storage sa;
    _Alignas(struct cmsghdr) uint8_t control[SOCK_CONTROL];
    struct iovec iov[2] = {
        {(void *)prefix.ptr, prefix.len},
        {(void *)bytes.ptr,  bytes.len }
    };
    struct msghdr m = {.msg_name = &sa, .msg_iov = iov, .msg_iovlen = 2};
    m.msg_namelen = sockaddr_from(remote, &sa);
    sock_put_control(&m, control, local, tos, 0);
    /* an earlier packet's ICMP error is reported to the next one that is sent: it says nothing about this */
    for (int tries = 0; tries < 3; tries++) {
        if (sendmsg(s->fd, &m, 0) >= 0)
            return true;
        if (errno == EAGAIN || errno == ENOBUFS)
            return true; /* lost like any datagram */
    }
    return false;
}

bool sock_receive(const struct sock *s, uint8_t *buf, size_t cap, size_t *len, struct endpoint *remote,
                  struct sock_info *info)
{
    struct sockaddr_storage sa;
    _Alignas(struct cmsghdr) uint8_t control[SOCK_CONTROL];
    struct iovec iov = {buf, cap};
    struct msghdr m = {.msg_name = &sa,
                       .msg_namelen = sizeof(sa),
                       .msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control,
                       .msg_controllen = sizeof(control)};
    ssize_t n = recvmsg(s->fd, &m, 0);
    if (n < 0)
        return false;
    *len = (size_t)n;
    *info = (struct sock_info){.segment = (uint32_t)n};
    sockaddr_to(&sa, remote);
    sock_get_control(&m, info);
    return true;
}

static bool read_error(struct msghdr *m, struct sock_error *out)
{
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        struct sock_extended_err e;
        struct sockaddr_storage who = {0};
        struct endpoint from = {0};
        size_t len = c->cmsg_len - CMSG_LEN(0);
        if (!(c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVERR) &&
            !(c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVERR))
            continue;
        memcpy(&e, CMSG_DATA(c), sizeof(e));
        len = len - sizeof(e) < sizeof(who) ? len - sizeof(e) : sizeof(who);
        memcpy(&who, CMSG_DATA(c) + sizeof(e), len); /* the kernel's place for it: SO_EE_OFFENDER() */
        if (e.ee_origin == SO_EE_ORIGIN_ICMP || e.ee_origin == SO_EE_ORIGIN_ICMP6)
            sockaddr_to(&who, &from);
        out->from = from.ip;
        out->err = (int)e.ee_errno;
        out->mtu = e.ee_info;
        return true;
    }
    return false;
}

bool sock_next_error(const struct sock *s, struct sock_error *out)
{
    for (int budget = 64; budget; budget--) {
        struct sockaddr_storage sa = {0};
        _Alignas(struct cmsghdr) uint8_t control[512];
        struct msghdr m = {.msg_name = &sa,
                           .msg_namelen = sizeof(sa),
                           .msg_control = control,
                           .msg_controllen = sizeof(control)};
        *out = (struct sock_error){0};
        if (recvmsg(s->fd, &m, MSG_ERRQUEUE) < 0)
            return false;
        sockaddr_to(&sa, &out->to);
        if (out->to.ip.family && read_error(&m, out))
            return true;
    }
    return false;
}

bool sock_next_too_big(const struct sock *s, struct ip *peer, uint32_t *mtu)
{
    struct sock_error e;
    for (int budget = 64; budget && sock_next_error(s, &e); budget--) {
        *peer = e.to.ip;
        *mtu = e.mtu;
        if (e.err == EMSGSIZE)
            return true;
    }
    return false;
}
