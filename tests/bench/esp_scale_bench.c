/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane's core with many tunnels, without I/O: nanoseconds per packet with 1 to 100,000 pairs of SAs
 * installed and one busy, with 10,000 busy in random order, and with policies that change between batches;
 * microseconds to add and to remove a pair; bytes of heap for an idle one.
 *
 *   esp_scale_bench [milliseconds per row, 200] */
#include "support/esp_many.h"
#include "support/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEMORY_PAIRS 10000
#define ROUNDS       20000 /* at most */

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static const struct esp_suite *suite_named(const char *name)
{
    const struct esp_suite *s = esp_suites;
    while (strcmp(s->name, name) != 0)
        s++;
    return s;
}

static void add_with_window(struct esp *e, const struct esp_suite *s, uint32_t i, uint32_t window)
{
    struct esp_sa in = many_sa(s, SIDE_A, SA_IN, i), out = many_sa(s, SIDE_A, SA_OUT, i);
    in.replay_window = window;
    in.has_esn = out.has_esn = true;
    pair_add_policy(e, many_policy(SIDE_A, i));
    pair_add_sa(e, in);
    pair_add_sa(e, out);
}

static void memory(void)
{
    static const char *const wanted[] = {"aes128gcm16",   "aes256gcm16",   "chacha20poly1305",
                                         "aes256-sha256", "aes256-sha512", "aes256-sha384",
                                         "3des-sha1"};
    static const uint32_t windows[] = {32, 64, 1024};
    static const char *const engines[] = {NULL, "openssl"};
    printf("\nbytes per idle pair   window 32     64   1024\n");
    for (size_t w = 0; w < 2 * ARRAY_LEN(wanted); w++) {
        const struct esp_suite *s = suite_named(wanted[w % ARRAY_LEN(wanted)]);
        const char *engine = engines[w / ARRAY_LEN(wanted)];
        printf("%-17s %7s", s->name, engine ? engine : "best");
        for (size_t k = 0; k < ARRAY_LEN(windows); k++) {
            struct esp *e = esp_new(&(struct esp_config){.engine = engine});
            add_with_window(e, s, MEMORY_PAIRS, windows[k]);
            size_t before = heap_used();
            for (uint32_t i = 0; i < MEMORY_PAIRS; i++)
                add_with_window(e, s, i, windows[k]);
            printf(" %6zu", (heap_used() - before) / MEMORY_PAIRS);
            esp_free(e);
            malloc_trim(0);
        }
        printf("\n");
    }
}

struct load {
    uint32_t installed, busy;
    bool changes_policies; /* one comes and one goes before every batch */
};

struct sides {
    struct esp *hub, *spokes;
};

static struct esp_buffer buffers[ESP_BATCH];

static void expect_forwarded(const struct esp_packet *p)
{
    for (size_t i = 0; i < ESP_BATCH; i++) {
        if (p[i].verdict == ESP_FORWARD)
            continue;
        fprintf(stderr, "packet dropped: %s\n", esp_drop_name(p[i].drop));
        exit(1);
    }
}

/* Policies for tunnels that are not there: one comes, and the one before it goes. */
static void change_policies(struct esp *e, uint32_t installed)
{
    static uint32_t turn;
    struct action del = {.kind = ACTION_POLICY_DEL, .id = installed + 1 + turn % 2};
    struct diag d = {0};
    esp_apply(e, &del, 1, &d); /* not there the first time */
    pair_add_policy(e, many_policy(SIDE_A, installed + turn % 2));
    turn++;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof(*v), by_value);
    return v[n / 2];
}

/* Medians of batches: what else the machine does falls out. */
static void speed(struct sides s, const struct load *l, uint32_t len, double budget_ns)
{
    static double out[ROUNDS], in[ROUNDS];
    struct esp_packet p[ESP_BATCH];
    uint32_t dice = 1;
    size_t round = 0;
    for (double spent = 0; spent < budget_ns && round < ROUNDS; round++) {
        for (size_t i = 0; i < ESP_BATCH; i++) {
            dice = dice * 1664525 + 1013904223;
            p[i] =
                many_packet(&buffers[i], SIDE_A, (dice >> 8) % l->busy + (l->installed - l->busy) / 2, len);
        }
        if (l->changes_policies)
            change_policies(s.hub, l->installed);
        double t0 = now_ns();
        esp_outbound(s.hub, p, ESP_BATCH, 1);
        double t1 = now_ns();
        expect_forwarded(p);
        double t2 = now_ns();
        esp_inbound(s.spokes, p, ESP_BATCH, 1);
        double t3 = now_ns();
        expect_forwarded(p);
        out[round] = t1 - t0;
        in[round] = t3 - t2;
        spent += t3 - t0;
    }
    printf("%9u %7u %-9s %5u %7.0f %7.0f\n", l->installed, l->busy, l->changes_policies ? "change" : "stay",
           len, median(out, round) / ESP_BATCH, median(in, round) / ESP_BATCH);
}

static void speeds(const char *suite, double budget_ns)
{
    static const struct load loads[] = {
        {1,      1,     false},
        {100,    1,     false},
        {100,    100,   false},
        {100,    100,   true },
        {10000,  1,     false},
        {10000,  1,     true },
        {10000,  100,   false},
        {10000,  1000,  false},
        {10000,  10000, false},
        {100000, 1,     false},
    };
    static const uint32_t sizes[] = {64, 1400};
    const struct esp_suite *s = suite_named(suite);
    printf("\n%s\ninstalled    busy policies  bytes  out ns   in ns\n", suite);
    for (size_t i = 0; i < ARRAY_LEN(loads); i++) {
        struct sides sides = {esp_new(&(struct esp_config){0}), esp_new(&(struct esp_config){0})};
        for (uint32_t k = 0; k < loads[i].installed; k++) {
            many_add(sides.hub, s, SIDE_A, k);
            many_add(sides.spokes, s, SIDE_B, k);
        }
        for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
            speed(sides, &loads[i], sizes[k], budget_ns);
        esp_free(sides.hub);
        esp_free(sides.spokes);
    }
}

static void control(void)
{
    enum { STEP = 25000, STEPS = 4 };
    struct esp *e = esp_new(&(struct esp_config){0});
    printf("\nmicroseconds to add a pair with its policy, and to remove it\n");
    for (uint32_t step = 0; step < STEPS; step++) {
        double t = now_ns();
        for (uint32_t i = step * STEP; i < (step + 1) * STEP; i++)
            many_add(e, esp_suite_gcm, SIDE_A, i);
        printf("%6u to %6u  %6.2f\n", step * STEP, (step + 1) * STEP, (now_ns() - t) / 1e3 / STEP);
    }
    for (uint32_t step = 0; step < STEPS; step++) {
        double t = now_ns();
        for (uint32_t i = step * STEP; i < (step + 1) * STEP; i++)
            many_del(e, SIDE_A, i);
        printf("%6u to %6u  %6.2f\n", (STEPS - step) * STEP, (STEPS - step - 1) * STEP,
               (now_ns() - t) / 1e3 / STEP);
    }
    esp_free(e);
}

int main(int argc, char **argv)
{
    double budget = (argc > 1 ? atof(argv[1]) : 200) * 1e6;
    heap_watch();
    speeds("aes128gcm16", budget);
    speeds("aes256-sha256", budget);
    control();
    memory();
    return 0;
}
