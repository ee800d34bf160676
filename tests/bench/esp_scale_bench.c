/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane's core with many tunnels, without I/O: bytes of heap for one idle pair of SAs with its
 * policy.
 *
 *   esp_scale_bench [milliseconds per row, 200] */
#include "support/esp_many.h"
#include "support/heap.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MEMORY_PAIRS 10000

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
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
    printf("bytes per idle pair   window 32     64   1024\n");
    for (size_t w = 0; w < 2 * ARRAY_LEN(wanted); w++) {
        const struct esp_suite *s = esp_suites;
        const char *engine = engines[w / ARRAY_LEN(wanted)];
        while (strcmp(s->name, wanted[w % ARRAY_LEN(wanted)]) != 0)
            s++;
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

int main(void)
{
    heap_watch();
    double t = now_ns();
    memory();
    printf("%.0f ms\n", (now_ns() - t) / 1e6);
    return 0;
}
