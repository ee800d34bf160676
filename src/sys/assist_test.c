/* SPDX-License-Identifier: Apache-2.0 */
/* Batches that several threads seal and open come out as if one had done it. */
#include "crypto/alg.h"
#include "crypto/random.h"
#include "support/test.h"
#include "sys/assist.h"
#include <pthread.h>
#include <sched.h>

#define HELPERS 2
#define BATCH   128
#define ROUNDS  300
#define ROOM    512

static struct assist shared;
static atomic_bool is_over;
static atomic_uint helped;

static void *help(void *ctx)
{
    (void)ctx;
    struct bulk_worker *own = bulk_worker_new();
    while (!atomic_load(&is_over)) {
        if (assist_help(&shared, own))
            atomic_fetch_add(&helped, 1);
        else
            sched_yield();
    }
    bulk_worker_free(own);
    return NULL;
}

struct suite {
    uint16_t encr, key_bits, integ;
    uint8_t key_len, integ_len, around; /* header, IV and ICV */
};

static const struct suite suites[] = {
    {ENCR_AES_GCM_16, 128, INTEG_NONE,              20, 0,  8 + 8 + 16 },
    {ENCR_AES_CBC,    256, INTEG_HMAC_SHA2_256_128, 32, 32, 8 + 16 + 16},
};

struct batch {
    uint8_t bytes[BATCH][ROOM];
    struct bulk_op ops[BATCH];
};

static struct bulk_key *key(const struct suite *s, bool is_seal)
{
    static const uint8_t material[64] = {7, 1, 2, 3};
    struct bulk_key *k = bulk_key_new(s->encr, s->key_bits, s->integ, span_of(material, s->key_len),
                                      span_of(material, s->integ_len), is_seal, NULL);
    assert_non_null(k);
    return k;
}

/* n packets of several sizes, all different. */
static void fill(struct batch *b, const struct suite *s, const struct bulk_key *k, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        crypto_random(b->bytes[i], ROOM);
        b->ops[i] = (struct bulk_op){.key = k, .esp = b->bytes[i]};
        b->ops[i].len = s->around + 16 * (1 + (uint32_t)i % 20);
    }
}

static void point(struct batch *b, size_t n, const struct bulk_key *k)
{
    for (size_t i = 0; i < n; i++) {
        b->ops[i].esp = b->bytes[i];
        b->ops[i].key = k;
    }
}

static void run_rounds(const struct suite *s)
{
    static struct batch mine, reference, plain;
    struct bulk_key *seal = key(s, true), *open = key(s, false);
    struct bulk_worker *own = bulk_worker_new();
    for (size_t round = 0; round < ROUNDS; round++) {
        size_t n = round % 3 ? BATCH : 1 + round % BATCH;
        fill(&plain, s, seal, n);
        mine = reference = plain;
        point(&mine, n, seal);
        point(&reference, n, seal);
        assist_run(&shared, own, mine.ops, n, true);
        bulk_seal(own, reference.ops, n);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(mine.ops[i].status, BULK_OK);
            assert_memory_equal(mine.bytes[i], reference.bytes[i], ROOM);
        }
        size_t broken = round % n;
        mine.bytes[broken][mine.ops[broken].len - 1] ^= 1;
        point(&mine, n, open);
        assist_run(&shared, own, mine.ops, n, false);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(mine.ops[i].status, i == broken ? BULK_BAD_ICV : BULK_OK);
            size_t from = s->around - 16, len = mine.ops[i].len - s->around;
            if (i != broken)
                assert_memory_equal(mine.bytes[i] + from, plain.bytes[i] + from, len);
        }
    }
    bulk_worker_free(own);
    bulk_key_free(seal);
    bulk_key_free(open);
}

static void many_hands_make_what_one_makes(void **state)
{
    (void)state;
    pthread_t threads[HELPERS];
    for (size_t i = 0; i < HELPERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, help, NULL), 0);
    for (size_t i = 0; i < ARRAY_LEN(suites); i++)
        run_rounds(&suites[i]);
    atomic_store(&is_over, true);
    for (size_t i = 0; i < HELPERS; i++)
        pthread_join(threads[i], NULL);
    assert_true(atomic_load(&helped) > 0); /* or nothing was tested */
}

static void without_helpers_the_owner_does_it_all(void **state)
{
    (void)state;
    run_rounds(&suites[0]);
    assert_false(assist_has_work(&shared));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_helpers_the_owner_does_it_all),
        cmocka_unit_test(many_hands_make_what_one_makes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
