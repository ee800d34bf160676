/* SPDX-License-Identifier: Apache-2.0 */
/* What a second processor gives one SA: batches through esp_outbound() with the crypto done by one thread,
 * and with a helper beside it (src/sys/assist.h). Numbers, order and headers stay with the first thread.
 *
 *   assist_bench [milliseconds per row, 300] */
#include "support/esp_pair.h"
#include "sys/assist.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static struct esp_buffer buffers[ESP_BATCH];
static struct esp_packet made[ESP_BATCH], packets[ESP_BATCH];
static struct assist shared;
static struct esp *esp;
static atomic_bool is_over;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void *help(void *ctx)
{
    (void)ctx;
    struct bulk_worker *own = bulk_worker_new();
    while (!atomic_load_explicit(&is_over, memory_order_relaxed))
        assist_help(&shared, own);
    bulk_worker_free(own);
    return NULL;
}

static void crypto(void *ctx, struct bulk_op *ops, size_t n, bool is_seal)
{
    (void)ctx;
    assist_run(&shared, esp_crypto(esp), ops, n, is_seal);
}

/* Nanoseconds per packet. */
static double measure(const struct esp_suite *s, uint32_t len, bool has_helper, double budget_ns)
{
    struct esp_config c = {.path_mtu = 1500, .crypto = has_helper ? crypto : NULL};
    pthread_t helper;
    esp = pair_new(&c, SIDE_A);
    pair_add_sa(esp, pair_sa(s, SIDE_A, SA_OUT, 4));
    atomic_store(&is_over, false);
    if (has_helper)
        pthread_create(&helper, NULL, help, NULL);
    for (size_t i = 0; i < ESP_BATCH; i++)
        made[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = len});
    double spent = 0, count = 0;
    for (size_t round = 0; spent < budget_ns; round++) {
        for (size_t i = 0; i < ESP_BATCH; i++) {
            packets[i] = made[i];
            memcpy(packets[i].data, buffers[i].copy, len);
        }
        double t0 = now_ns();
        esp_outbound(esp, packets, ESP_BATCH, 1);
        if (round < 16) /* caches warm up */
            continue;
        spent += now_ns() - t0;
        count += ESP_BATCH;
    }
    atomic_store(&is_over, true);
    if (has_helper)
        pthread_join(helper, NULL);
    esp_free(esp);
    return spent / count;
}

int main(int argc, char **argv)
{
    static const char *const wanted[] = {"aes128gcm16", "chacha20poly1305", "aes256-sha256", "aes256-sha512",
                                         "3des-sha1"};
    double budget = (argc > 1 ? atof(argv[1]) : 300) * 1e6;
    printf("%-18s %12s %12s %8s   (1400 B, ns per packet)\n", "suite", "alone", "with a helper", "ratio");
    for (size_t w = 0; w < ARRAY_LEN(wanted); w++) {
        for (size_t i = 0; i < esp_suites_count; i++) {
            if (strcmp(esp_suites[i].name, wanted[w]) != 0)
                continue;
            double alone = measure(&esp_suites[i], 1400, false, budget);
            double helped = measure(&esp_suites[i], 1400, true, budget);
            printf("%-18s %12.0f %12.0f %8.2f\n", wanted[w], alone, helped, alone / helped);
        }
    }
    return 0;
}
