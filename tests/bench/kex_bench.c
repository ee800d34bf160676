/* SPDX-License-Identifier: Apache-2.0 */
/* What a key exchange costs each side, one after the other on one processor: ML-KEM by our own and by OpenSSL
 * where it has it, and Curve25519 beside it.
 *
 *   kex_bench [milliseconds per row, 300] */
#include "crypto/alg.h"
#include "crypto/kex.h"
#include "crypto/mlkem.h"
#include "crypto/random.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double budget_ns;

static double now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

enum step { GENERATE, ANSWER, DERIVE, STEPS };

struct subject {
    const struct mlkem_set *set; /* or the group of kex.h */
    const struct mlkem_engine *engine;
    uint16_t group;
    uint8_t seed[MLKEM_SEED_LEN], random[MLKEM_RANDOM_LEN], shared[MLKEM_SHARED_LEN];
    uint8_t key[KEX_PUBLIC_MAX], answer[KEX_PUBLIC_MAX];
    size_t key_len, answer_len;
    struct secret private_key;
};

static bool run_kem(struct subject *s, enum step step)
{
    if (step == GENERATE)
        return s->engine->keygen(s->set, s->seed, s->key);
    if (step == ANSWER)
        return s->engine->encaps(s->set, s->key, s->random, s->answer, s->shared);
    return s->engine->decaps(s->set, s->seed, s->answer, s->shared);
}

static bool run_group(struct subject *s, enum step step)
{
    struct secret shared = {0};
    bool done;
    if (step == GENERATE) {
        secret_free(&s->private_key);
        return kex_generate(s->group, &s->private_key, s->key, &s->key_len);
    }
    if (step == ANSWER)
        done = kex_answer(s->group, span_of(s->key, s->key_len), s->answer, &s->answer_len, &shared);
    else
        done = kex_derive(s->group, secret_view(&s->private_key), span_of(s->answer, s->answer_len), &shared);
    secret_free(&shared);
    return done;
}

static void measure(const char *name, const char *by, struct subject *s)
{
    printf("%-12s %-8s", name, by);
    for (enum step step = GENERATE; step < STEPS; step++) {
        size_t n = 0;
        double start = now_ns(), spent = 0;
        for (; spent < budget_ns; n += 16, spent = now_ns() - start) {
            for (int i = 0; i < 16; i++) {
                if (!(s->set ? run_kem(s, step) : run_group(s, step)))
                    abort();
            }
        }
        printf(" %10.1f", spent / (double)n / 1000);
    }
    printf("\n");
    secret_free(&s->private_key);
}

int main(int argc, char **argv)
{
    static const struct mlkem_set *const sets[] = {&mlkem_512, &mlkem_768, &mlkem_1024};
    static const struct mlkem_engine *const engines[] = {&mlkem_own, &mlkem_openssl};
    budget_ns = (argc > 1 ? atof(argv[1]) : 300) * 1e6;
    printf("%-12s %-8s %10s %10s %10s   (microseconds)\n", "", "by", "generate", "answer", "derive");
    struct subject x25519 = {.group = KE_CURVE25519};
    measure("x25519", "openssl", &x25519);
    for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
        for (size_t e = 0; e < ARRAY_LEN(engines); e++) {
            struct subject s = {.set = sets[i], .engine = engines[e]};
            if (!engines[e]->has(sets[i]))
                continue;
            crypto_random(s.seed, sizeof(s.seed));
            crypto_random(s.random, sizeof(s.random));
            measure(sets[i]->name, engines[e]->name, &s);
        }
    }
    return 0;
}
