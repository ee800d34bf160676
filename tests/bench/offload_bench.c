/* SPDX-License-Identifier: Apache-2.0 */
/* The cost of super-packets without I/O and crypto: cutting 64 KB of TCP into segments, and joining batches
 * of them, of datagrams, and of packets of as many flows. Nanoseconds per packet, with everything in the
 * nearest cache and with sources that come from far away.
 *
 *   offload_bench [milliseconds per row, 200] */
#include "esp/coalesce.h"
#include "esp/segment.h"
#include "net/packet.h"
#include "support/flow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAR    128 /* super-packets: 8 MB */
#define WHOLE  65536
#define STRIDE 2048

static uint8_t (*wholes)[WHOLE], (*packets)[STRIDE];
static uint8_t text[WHOLE];
static double budget_ns;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static struct flow_packet flow(uint8_t proto, size_t payload)
{
    static const uint8_t stamps[] = {1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2};
    return (struct flow_packet){.family = 4,
                                .proto = proto,
                                .ttl = 63,
                                .has_df = true,
                                .host = 5,
                                .sport = 40000,
                                .dport = 443,
                                .flags = 0x10,
                                .window = 500,
                                .options = span_of(stamps, sizeof(stamps)),
                                .payload = span_of(text, payload)};
}

static void cut(const char *name, size_t sources, size_t mss)
{
    struct flow_packet f = flow(6, 64000 / mss * mss);
    size_t upper, payload, len = 0, n = 0;
    for (size_t i = 0; i < sources; i++) {
        len = flow_build(&f, wholes[i], &upper, &payload);
        flow_leave_checksum(&f, wholes[i], len, upper);
    }
    struct offload o = {.kind = OFFLOAD_TCP, .size = (uint16_t)mss, .needs_checksum = true};
    double start = now_ns(), spent = 0;
    for (size_t i = 0; spent < budget_ns; i++, spent = now_ns() - start) {
        struct segmenter s;
        size_t at = 0;
        if (!segment_start(&s, span_of(wholes[i % sources], len), &o))
            abort();
        for (; segment_next_len(&s); at++, n++)
            segment_write_next(&s, packets[at]);
    }
    printf("cut   %-38s %8.1f\n", name, spent / (double)n);
}

static struct esp_packet p[ESP_BATCH];
static struct coalescer c;

/* n packets of flows flows each batch; batches of them lie behind each other. */
static void join(const char *name, uint8_t proto, size_t payload, size_t n, size_t flows, size_t batches)
{
    size_t upper, at, len = 0, count = 0, supers = 0;
    for (size_t i = 0; i < n * batches; i++) {
        struct flow_packet f = flow(proto, payload);
        f.sport = (uint16_t)(f.sport + i % flows * 7);
        f.seq = (uint32_t)(i % n / flows * payload);
        len = flow_build(&f, packets[i], &upper, &at);
    }
    c = (struct coalescer){.has_tcp = true, .has_udp = true};
    double start = now_ns(), spent = 0;
    for (size_t i = 0; spent < budget_ns; i++, spent = now_ns() - start) {
        for (size_t k = 0; k < n; k++)
            p[k] = (struct esp_packet){
                .data = packets[i % batches * n + k], .len = (uint32_t)len, .verdict = ESP_FORWARD};
        coalesce(&c, p, n);
        count += n;
        supers += c.n;
    }
    printf("join  %-38s %8.1f   (%.1f in one)\n", name, spent / (double)count,
           (double)count / (double)supers);
}

static void sum(size_t len)
{
    size_t n = 0;
    uint32_t s = 0;
    double start = now_ns(), spent = 0;
    for (; spent < budget_ns; spent = now_ns() - start)
        for (int i = 0; i < 64; i++, n++)
            s = checksum_add(s & 0xffff, span_of(text + i * 4, len));
    printf("sum   %4zu bytes %33.1f   (%.1f GB/s, %04x)\n", len, spent / (double)n,
           (double)len * (double)n / spent, s);
}

int main(int argc, char **argv)
{
    budget_ns = (argc > 1 ? atof(argv[1]) : 200) * 1e6;
    wholes = malloc((size_t)FAR * WHOLE);
    packets = malloc((size_t)64 * ESP_BATCH * STRIDE);
    if (!wholes || !packets)
        abort();
    uint32_t r = 1;
    for (size_t i = 0; i < sizeof(text); i++)
        text[i] = (uint8_t)flow_random(&r, 256);
    sum(20);
    sum(64);
    sum(1368);
    sum(8948);
    cut("47 segments of 1348, near", 1, 1348);
    cut("47 segments of 1348, far", FAR, 1348);
    cut("segments of 100, near", 1, 100);
    join("TCP, 1348, one flow, near", 6, 1348, 47, 1, 1);
    join("TCP, 1348, one flow, far", 6, 1348, 47, 1, 64);
    join("TCP, 1348, 8 flows, near", 6, 1348, 96, 8, 1);
    join("UDP, 64, one flow, near", 17, 64, 128, 1, 1);
    join("UDP, 64, 128 flows, near", 17, 64, 128, 128, 1);
    join("TCP, 64, 128 flows, near", 6, 64, 128, 128, 1);
    return 0;
}
