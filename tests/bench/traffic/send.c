/* SPDX-License-Identifier: Apache-2.0 */
/* The sending side: TCP streams in a thread each, and paced datagrams.
 *
 * Pacing sleeps and never spins. Each time it wakes it sends what is due by then, in bursts of at most BURST;
 * what a descheduled sender has missed by more than BACKLOG is not made up for (it would come as one flood),
 * so the rate that was really sent can be below the one asked for, and is what is printed. */
#include "traffic.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BURST     32
#define BACKLOG   128
#define TICK      100e-6 /* seconds between bursts, where the rate makes more than one packet due in that time */
#define UDP_LARGE 65000

struct stream {
    const struct traffic_path *path;
    uint32_t index;
    double until;
    pthread_t thread;
};

static void *stream_run(void *arg)
{
    static const char block[128 << 10];
    const struct stream *s = arg;
    int fd = traffic_connect(s->path, SOCK_STREAM, s->index);
    while (traffic_now() < s->until && send(fd, block, sizeof block, 0) > 0)
        ;
    close(fd);
    return NULL;
}

void traffic_send_tcp(const struct traffic_path *p, uint32_t streams, double seconds)
{
    struct stream *all = calloc(streams, sizeof *all);
    if (!all)
        traffic_die("calloc");
    for (uint32_t i = 0; i < streams; i++) {
        all[i] = (struct stream){.path = p, .index = i, .until = traffic_now() + seconds};
        if (pthread_create(&all[i].thread, NULL, stream_run, &all[i]))
            traffic_die("pthread_create");
    }
    for (uint32_t i = 0; i < streams; i++)
        pthread_join(all[i].thread, NULL);
    free(all);
}

struct burst {
    struct mmsghdr messages[BURST];
    struct iovec parts[BURST][2];
    struct traffic_mark marks[BURST];
};

static void burst_init(struct burst *b, uint32_t size, uint64_t run)
{
    static char zeros[UDP_LARGE];
    memset(b, 0, sizeof *b);
    for (int i = 0; i < BURST; i++) {
        b->marks[i].run = run;
        b->parts[i][0] = (struct iovec){&b->marks[i], sizeof b->marks[i]};
        b->parts[i][1] = (struct iovec){zeros, size - sizeof b->marks[i]};
        b->messages[i].msg_hdr = (struct msghdr){.msg_iov = b->parts[i], .msg_iovlen = 2};
    }
}

/* How many of n went; refusals of the path (ICMP errors, full queues) count as sent and lost. */
static void burst_send(int fd, struct burst *b, uint32_t n, uint64_t first)
{
    for (uint32_t i = 0; i < n; i++)
        b->marks[i].seq = first + i;
    for (uint32_t done = 0; done < n;) {
        int r = sendmmsg(fd, b->messages + done, n - done, 0);
        if (r < 0 && errno != EINTR && errno != ENOBUFS && errno != ECONNREFUSED && errno != EHOSTUNREACH)
            traffic_die("sendmmsg");
        done += r < 0 ? 1 : (uint32_t)r;
    }
}

static void sleep_for(double seconds)
{
    struct timespec t = {.tv_nsec = (long)(seconds * 1e9)};
    if (seconds >= 1)
        t = (struct timespec){.tv_sec = (time_t)seconds};
    clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
}

/* Waits until a burst is due, and says how many packets are. sent moves forward over what is given up. */
static uint32_t packets_due(double rate, double start, uint64_t *credit)
{
    for (;;) {
        double due = floor((traffic_now() - start) * rate) - (double)*credit;
        if (due > BACKLOG) {
            *credit += (uint64_t)due - BACKLOG;
            due = BACKLOG;
        }
        if (due >= 1)
            return due < BURST ? (uint32_t)due : BURST;
        double gap = 1 / rate;
        sleep_for(gap > TICK ? gap : TICK);
    }
}

void traffic_send_udp(const struct traffic_path *p, uint32_t size, double rate, double seconds,
                      const struct traffic_counters *c)
{
    static struct burst b;
    if (size < sizeof(struct traffic_mark) || size > UDP_LARGE) {
        fprintf(stderr, "traffic: a payload has %zu to %d bytes\n", sizeof(struct traffic_mark), UDP_LARGE);
        exit(2);
    }
    prctl(PR_SET_TIMERSLACK, 1UL);
    if (rate > 0)
        sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){.sched_priority = 1}); /* as far as allowed */
    int fd = traffic_connect(p, SOCK_DGRAM, 0);
    double start = traffic_now();
    burst_init(&b, size, (uint64_t)(start * 1e9));
    uint64_t before = atomic_load(&c->udp_packets);
    uint64_t sent = 0, credit = 0; /* credit: of what the rate made due, sent or given up */
    while (traffic_now() < start + seconds) {
        uint32_t n = rate > 0 ? packets_due(rate, start, &credit) : BURST;
        burst_send(fd, &b, n, sent);
        sent += n;
        credit += n;
    }
    double took = traffic_now() - start;
    uint64_t arrived = atomic_load(&c->udp_packets) - before;
    printf("%llu %.6f %llu\n", (unsigned long long)sent, took, (unsigned long long)arrived);
    close(fd);
}
