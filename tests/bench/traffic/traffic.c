/* SPDX-License-Identifier: Apache-2.0 */
/* The generator and the counter of ./dev bench. It is light, because it shares the cores with the gateways
 * that are measured: no thread spins, the receiver counts in mapped memory, and datagrams go and come many in
 * a call.
 *
 *   traffic receive PORT FILE                      counts TCP and UDP on PORT into FILE until it is killed
 *   traffic tcp PATH PORT STREAMS SECONDS [CONGESTION]
 * sends as much as the streams take, under CUBIC or that congestion control: what the machine has for its
 * default is a property of no gateway traffic udp PATH PORT BYTES RATE SECONDS FILE  datagrams with that
 * payload, RATE a second, 0: unlimited; FILE is the receiver's, which counts on this machine
 *
 * PATH is DESTINATION, or SOURCE-DESTINATION: then stream i goes from SOURCE + i to DESTINATION + i, as many
 * tunnels side by side need it. */
#include "traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

void traffic_die(const char *what)
{
    perror(what);
    exit(1);
}

double traffic_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static struct sockaddr_in address(struct in_addr base, uint32_t step, uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(ntohl(base.s_addr) + step)};
}

int traffic_connect(const struct traffic_path *p, int type, uint32_t i)
{
    uint32_t step = p->has_steps ? i : 0;
    struct sockaddr_in from = address(p->from, step, 0), to = address(p->to, step, p->port);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    if (fd < 0)
        traffic_die("socket");
    if (p->has_steps && bind(fd, (struct sockaddr *)&from, sizeof from))
        traffic_die("bind");
    if (p->congestion &&
        setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, p->congestion, (socklen_t)strlen(p->congestion)))
        traffic_die(p->congestion);
    if (connect(fd, (struct sockaddr *)&to, sizeof to))
        traffic_die("connect");
    return fd;
}

static struct traffic_counters *map_counters(const char *file)
{
    int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, sizeof(struct traffic_counters)))
        traffic_die(file);
    void *at = mmap(NULL, sizeof(struct traffic_counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (at == MAP_FAILED)
        traffic_die("mmap");
    close(fd);
    return at;
}

static bool parse_path(const char *text, const char *port, struct traffic_path *out)
{
    char first[64];
    const char *dash = strchr(text, '-');
    *out = (struct traffic_path){.port = (uint16_t)atoi(port), .has_steps = dash != NULL};
    if (!dash)
        return inet_pton(AF_INET, text, &out->to) == 1;
    snprintf(first, sizeof first, "%.*s", (int)(dash - text), text);
    return inet_pton(AF_INET, first, &out->from) == 1 && inet_pton(AF_INET, dash + 1, &out->to) == 1;
}

static int usage(void)
{
    fputs("usage: traffic receive PORT FILE\n"
          "       traffic tcp PATH PORT STREAMS SECONDS [CONGESTION]\n"
          "       traffic udp PATH PORT BYTES RATE SECONDS FILE\n",
          stderr);
    return 2;
}

int main(int argc, char **argv)
{
    struct traffic_path path;
    signal(SIGPIPE, SIG_IGN);
    if (argc == 4 && !strcmp(argv[1], "receive"))
        traffic_receive((uint16_t)atoi(argv[2]), map_counters(argv[3]));
    if (argc < 6 || !parse_path(argv[2], argv[3], &path))
        return usage();
    if ((argc == 6 || argc == 7) && !strcmp(argv[1], "tcp")) {
        path.congestion = argc == 7 ? argv[6] : "cubic";
        traffic_send_tcp(&path, (uint32_t)atoi(argv[4]), atof(argv[5]));
    } else if (argc == 8 && !strcmp(argv[1], "udp")) {
        traffic_send_udp(&path, (uint32_t)atoi(argv[4]), atof(argv[5]), atof(argv[6]), map_counters(argv[7]));
    } else {
        return usage();
    }
    return 0;
}
