/* SPDX-License-Identifier: Apache-2.0 */
/* The receiving side: a thread for each TCP stream, one for datagrams; what arrives is counted and dropped.
 * The socket of the datagrams has a large buffer, so that what is lost was lost on the way. */
#include "traffic.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH      64
#define UDP_BUFFER (16 << 20)

struct arrival {
    int fd;
    struct traffic_counters *counters;
};

static int listener(int type, uint16_t port)
{
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(port)};
    int one = 1, large = UDP_BUFFER, fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        traffic_die("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (type == SOCK_DGRAM)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &large, sizeof large);
    if (bind(fd, (struct sockaddr *)&any, sizeof any) || (type == SOCK_STREAM && listen(fd, 256)))
        traffic_die("bind");
    return fd;
}

static void start(void *(*run)(void *), int fd, struct traffic_counters *c)
{
    pthread_t thread;
    struct arrival *a = malloc(sizeof *a);
    if (!a)
        traffic_die("malloc");
    *a = (struct arrival){fd, c};
    if (pthread_create(&thread, NULL, run, a))
        traffic_die("pthread_create");
    pthread_detach(thread);
}

static void *receive_stream(void *arg)
{
    struct arrival a = *(struct arrival *)arg;
    size_t room = 256 << 10;
    char *buffer = malloc(room);
    ssize_t n;
    free(arg);
    while (buffer && (n = recv(a.fd, buffer, room, 0)) > 0)
        atomic_fetch_add_explicit(&a.counters->tcp_bytes, (uint64_t)n, memory_order_relaxed);
    close(a.fd);
    free(buffer);
    return NULL;
}

static void *receive_datagrams(void *arg)
{
    static struct traffic_mark marks[BATCH];
    static struct iovec parts[BATCH];
    static struct mmsghdr messages[BATCH];
    struct arrival a = *(struct arrival *)arg;
    uint64_t run = 0, next = 0;
    free(arg);
    for (int i = 0; i < BATCH; i++) { /* only the mark is copied out */
        parts[i] = (struct iovec){&marks[i], sizeof marks[i]};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
    }
    for (;;) {
        int n = recvmmsg(a.fd, messages, BATCH, MSG_WAITFORONE, NULL);
        uint64_t late = 0;
        for (int i = 0; i < n; i++) {
            if (marks[i].run != run)
                next = 0;
            run = marks[i].run;
            late += marks[i].seq < next;
            next = marks[i].seq < next ? next : marks[i].seq + 1;
        }
        if (n > 0)
            atomic_fetch_add_explicit(&a.counters->udp_packets, (uint64_t)n, memory_order_relaxed);
        atomic_fetch_add_explicit(&a.counters->udp_reordered, late, memory_order_relaxed);
    }
    return NULL;
}

void traffic_receive(uint16_t port, struct traffic_counters *c)
{
    int streams = listener(SOCK_STREAM, port);
    start(receive_datagrams, listener(SOCK_DGRAM, port), c);
    puts("ready");
    fflush(stdout);
    for (;;) {
        int fd = accept(streams, NULL, NULL);
        if (fd >= 0)
            start(receive_stream, fd, c);
    }
}
