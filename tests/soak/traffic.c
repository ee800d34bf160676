/* SPDX-License-Identifier: Apache-2.0 */
/* soak_traffic: TCP and UDP flows of random sizes between two hosts, both ways at the same time, of which
 * every byte is compared at the other end.
 *
 *     soak_traffic -s SEED serve PORT                                    for one run
 *     soak_traffic -s SEED -b BYTES -t FLOWS -u FLOWS -r RATE run PORT IPV4 IPV6
 *
 * TCP: streams from a byte to a part of the whole, written in pieces from a byte to 64 KiB, one after the
 * other until BYTES were given out (traffic_tcp.c). UDP: datagrams that carry flow, number, length and
 * checksum; whatever comes must be what was sent, and none may come twice (traffic_udp.c). Prints what it
 * counted as JSON; ends with 1 when something was wrong. */
#include "traffic.h"
#include "stream.h"
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POLL_MAX 256
#define STALLED  (30 * TRAFFIC_SECOND)
#define LINGER   (TRAFFIC_SECOND / 2) /* for datagrams under way */

struct options opt = {.tcp = 8, .udp = 4, .udp_rate = 3000};
struct tally tally;
bool has_control;
int64_t last_progress;
static uint64_t random_state;

int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * TRAFFIC_SECOND + t.tv_nsec;
}

uint64_t draw(void)
{
    return stream_mix(random_state += UINT64_C(0x9e3779b97f4a7c15));
}

uint64_t draw_between(uint64_t least, uint64_t most)
{
    return least + draw() % (most - least + 1);
}

void fail(const char *what)
{
    fprintf(stderr, "soak_traffic: %s: %s\n", what, strerror(errno));
    exit(1);
}

void wrong(const char *kind, uint32_t flow, uint64_t where, const char *what)
{
    static unsigned n;
    if (n++ < 20)
        fprintf(stderr, "soak_traffic: %s flow %u at %" PRIu64 ": %s\n", kind, flow, where, what);
}

struct sockaddr_in6 address_of(unsigned flow)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(opt.port)};
    char mapped[64];
    snprintf(mapped, sizeof(mapped), "::ffff:%s", opt.to4);
    if (inet_pton(AF_INET6, flow % 2 ? opt.to6 : mapped, &a.sin6_addr) != 1) {
        fprintf(stderr, "soak_traffic: not an address\n");
        exit(2);
    }
    return a;
}

static void print_tally(bool is_last)
{
    printf("{\"last\":%s,\"tcp_flows\":%" PRIu64 ",\"tcp_sent\":%" PRIu64 ",\"tcp_received\":%" PRIu64
           ",\"tcp_wrong\":%" PRIu64 ",\"tcp_incomplete\":%" PRIu64,
           is_last ? "true" : "false", tally.tcp_flows, tally.tcp_sent, tally.tcp_received, tally.tcp_wrong,
           tally.tcp_incomplete);
    printf(",\"udp_sent\":%" PRIu64 ",\"udp_received\":%" PRIu64 ",\"udp_bytes\":%" PRIu64
           ",\"udp_wrong\":%" PRIu64 ",\"udp_twice\":%" PRIu64 ",\"udp_refused\":%" PRIu64 "}\n",
           tally.udp_sent, tally.udp_received, tally.udp_bytes, tally.udp_wrong, tally.udp_twice,
           tally.udp_refused);
    fflush(stdout);
}

static int milliseconds(int64_t at, int64_t now)
{
    return at <= now ? 0 : (int)((at - now) / MS) + 1;
}

static void run(void)
{
    struct pollfd v[POLL_MAX];
    int64_t next_word = now_ns() + TRAFFIC_SECOND, end_at = INT64_MAX;
    last_progress = now_ns();
    for (;;) {
        int64_t now = now_ns();
        size_t n_udp = udp_poll(v), n = n_udp + tcp_poll(v + n_udp, now);
        int wait = milliseconds(has_control ? udp_next() : now + 10 * MS, now);
        if (poll(v, n, wait > 10 ? 10 : wait) < 0 && errno != EINTR)
            fail("poll");
        now = now_ns();
        udp_work(now, has_control);
        tcp_work(v + n_udp, n - n_udp, now);
        if (now >= next_word) {
            print_tally(false);
            next_word += TRAFFIC_SECOND;
        }
        if (tcp_is_idle() && end_at == INT64_MAX) {
            tcp_end_control();
            end_at = now + LINGER;
        }
        if (now >= end_at)
            return;
        if (now - last_progress > STALLED && (has_control || !opt.is_server)) {
            fprintf(stderr, "soak_traffic: no stream moved for %d s\n", (int)(STALLED / TRAFFIC_SECOND));
            print_tally(true);
            exit(1);
        }
    }
}

static void read_options(int argc, char **argv)
{
    int c;
    while ((c = getopt(argc, argv, "s:b:t:u:r:")) != -1) {
        uint64_t v = optarg ? strtoull(optarg, NULL, 0) : 0;
        switch (c) {
        case 's':
            opt.seed = v;
            break;
        case 'b':
            opt.bytes = v;
            break;
        case 't':
            opt.tcp = (unsigned)v;
            break;
        case 'u':
            opt.udp = (unsigned)v;
            break;
        case 'r':
            opt.udp_rate = (unsigned)v;
            break;
        default:
            exit(2);
        }
    }
    int left = argc - optind;
    opt.is_server = left == 2 && strcmp(argv[optind], "serve") == 0;
    if (!opt.is_server && (left != 4 || strcmp(argv[optind], "run") != 0 || !opt.bytes || opt.tcp > 64)) {
        fprintf(stderr, "usage: soak_traffic [OPTIONS] serve PORT | run PORT IPV4 IPV6\n");
        exit(2);
    }
    opt.port = (uint16_t)strtoul(argv[optind + 1], NULL, 10);
    if (!opt.is_server) {
        opt.to4 = argv[optind + 2];
        opt.to6 = argv[optind + 3];
    }
}

int main(int argc, char **argv)
{
    read_options(argc, argv);
    random_state = stream_mix(opt.seed * 2 + opt.is_server);
    signal(SIGPIPE, SIG_IGN);
    udp_open();
    if (opt.is_server)
        tcp_open_server();
    printf("ready\n");
    fflush(stdout);
    run();
    print_tally(true);
    return tally.tcp_wrong || tally.tcp_incomplete || tally.udp_wrong || tally.udp_twice;
}
