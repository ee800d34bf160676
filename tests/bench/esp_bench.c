/* SPDX-License-Identifier: Apache-2.0 */
/* The speed of the data plane's core without I/O: batches of 64 inner UDP packets through esp_outbound() and
 * esp_inbound() of two data planes on one core, by cipher, crypto engine and size. Time includes policy, SA,
 * window and headers, and excludes making the inner packets. Prints packets and bits (of inner packets) per
 * second for each direction, and the ratio of the engines.
 *
 *   esp_bench [milliseconds per row, 200] */
#include "support/esp_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct esp_buffer buffers[ESP_BATCH];
static struct esp_packet made[ESP_BATCH], packets[ESP_BATCH];

struct result {
    double out_ns, in_ns; /* per packet; 0: this engine does not carry it */
};

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static bool is_carried(const struct esp_suite *s, const char *engine)
{
    struct esp_config c = {.engine = engine};
    struct esp *e = esp_new(&c);
    struct esp_sa sa = pair_sa(s, SIDE_A, SA_OUT, 4);
    struct action add = {.kind = ACTION_SA_ADD, .sa = &sa};
    struct diag d = {0};
    bool ok = esp_apply(e, &add, 1, &d);
    esp_free(e);
    return ok;
}

static void expect_forwarded(void)
{
    for (size_t i = 0; i < ESP_BATCH; i++) {
        if (packets[i].verdict == ESP_FORWARD)
            continue;
        fprintf(stderr, "packet dropped: %s\n", esp_drop_name(packets[i].drop));
        exit(1);
    }
}

static struct result measure(const struct esp_suite *s, const char *engine, uint32_t len, double budget_ns)
{
    struct result r = {0};
    if (!is_carried(s, engine))
        return r;
    struct esp *a = pair_side(s, SIDE_A, 4, engine), *b = pair_side(s, SIDE_B, 4, engine);
    for (size_t i = 0; i < ESP_BATCH; i++)
        made[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = len});
    double spent = 0, count = 0;
    for (size_t round = 0; spent < budget_ns; round++) {
        for (size_t i = 0; i < ESP_BATCH; i++) {
            packets[i] = made[i];
            memcpy(packets[i].data, buffers[i].copy, len);
        }
        double t0 = now_ns();
        esp_outbound(a, packets, ESP_BATCH, 1);
        double t1 = now_ns();
        expect_forwarded();
        double t2 = now_ns();
        esp_inbound(b, packets, ESP_BATCH, 1);
        double t3 = now_ns();
        expect_forwarded();
        if (round < 16) /* caches warm up */
            continue;
        r.out_ns += t1 - t0;
        r.in_ns += t3 - t2;
        count += ESP_BATCH;
        spent = r.out_ns + r.in_ns;
    }
    r.out_ns /= count;
    r.in_ns /= count;
    esp_free(a);
    esp_free(b);
    return r;
}

static void print(const char *suite, const char *engine, uint32_t len, struct result r)
{
    if (r.out_ns == 0) {
        printf("%-18s %-9s %5u   not carried\n", suite, engine, len);
        return;
    }
    printf("%-18s %-9s %5u %9.0f %9.0f %11.3f %11.3f %9.2f %9.2f\n", suite, engine, len, r.out_ns, r.in_ns,
           1e3 / r.out_ns, 1e3 / r.in_ns, len * 8 / r.out_ns, len * 8 / r.in_ns);
}

int main(int argc, char **argv)
{
    static const char *const wanted[] = {"aes128gcm16",   "aes256gcm16", "chacha20poly1305", "aes128-sha256",
                                         "aes256-sha256", "aes128-sha1", "aes128ctr-sha256", "aes128ccm16"};
    static const uint32_t sizes[] = {64, 1400};
    double budget = (argc > 1 ? atof(argv[1]) : 200) * 1e6;
    printf("%-18s %-9s %5s %9s %9s %11s %11s %9s %9s\n", "suite", "engine", "bytes", "out ns", "in ns",
           "out Mpkt/s", "in Mpkt/s", "out Gb/s", "in Gb/s");
    for (size_t w = 0; w < ARRAY_LEN(wanted); w++) {
        const struct esp_suite *s = esp_suites;
        while (strcmp(s->name, wanted[w]) != 0)
            s++;
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            struct result mb = measure(s, "ipsec-mb", sizes[i], budget);
            struct result ossl = measure(s, "openssl", sizes[i], budget);
            print(s->name, "ipsec-mb", sizes[i], mb);
            print(s->name, "openssl", sizes[i], ossl);
            if (mb.out_ns > 0 && ossl.out_ns > 0)
                printf("%-18s ratio     %5u %8.2fx %8.2fx\n", s->name, sizes[i], ossl.out_ns / mb.out_ns,
                       ossl.in_ns / mb.in_ns);
        }
    }
    return 0;
}
