/* SPDX-License-Identifier: Apache-2.0 */
/* IVs: never twice for counters, unpredictable for CBC. */
#include "crypto/random.h"
#include "esp/iv.h"
#include "support/test.h"
#include <stdlib.h>

#define COUNT 4096

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void counter_ivs_never_repeat(void **state)
{
    (void)state;
    static uint8_t all[COUNT][16];
    struct iv iv;
    iv_init(&iv, 8, false, NULL);
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < COUNT; i++) /* across the point where the low half wraps */
        iv_next(&iv, UINT32_MAX - COUNT / 2 + i, all[i]);
    qsort(all, COUNT, 16, by_bytes);
    for (size_t i = 1; i < COUNT; i++)
        assert_memory_not_equal(all[i - 1], all[i], 16);
}

static void cbc_ivs_differ_from_packet_to_packet_and_from_sa_to_sa(void **state)
{
    (void)state;
    static uint8_t all[COUNT][16];
    struct iv_pool pool[2];
    struct iv iv[4];
    crypto_random_seed(1);
    for (size_t i = 0; i < 2; i++)
        iv_pool_init(&pool[i]); /* two threads with two SAs each */
    for (size_t sa = 0; sa < 4; sa++)
        iv_init(&iv[sa], 16, true, &pool[sa / 2]);
    for (size_t i = 0; i < COUNT; i++)
        iv_next(&iv[i % 4], i / 4 + 1, all[i]);
    for (size_t i = 0; i < 2; i++)
        iv_pool_deinit(&pool[i]);
    crypto_random_set_source(NULL, NULL);
    qsort(all, COUNT, 16, by_bytes);
    for (size_t i = 1; i < COUNT; i++)
        assert_memory_not_equal(all[i - 1], all[i], 16);
}

/* Not a proof, but a counter, or an IV that follows from the one before, fails it: half of the bits change.
 */
static void cbc_ivs_do_not_follow_from_each_other(void **state)
{
    (void)state;
    struct iv_pool pool;
    struct iv iv;
    uint8_t last[16], next[16];
    unsigned changed = 0;
    crypto_random_seed(2);
    iv_pool_init(&pool);
    iv_init(&iv, 16, true, &pool);
    iv_next(&iv, 1, last);
    for (size_t i = 2; i < 1002; i++) {
        iv_next(&iv, i, next);
        for (size_t k = 0; k < 16; k++)
            changed += (unsigned)__builtin_popcount(last[k] ^ next[k]);
        memcpy(last, next, 16);
    }
    iv_pool_deinit(&pool);
    crypto_random_set_source(NULL, NULL);
    assert_in_range(changed, 63000, 65000);
}

static void a_cipher_without_iv_gets_none(void **state)
{
    (void)state;
    struct iv iv;
    uint8_t out[2] = {7, 7};
    iv_init(&iv, 0, false, NULL);
    iv_next(&iv, 1, out);
    assert_int_equal(out[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counter_ivs_never_repeat),
        cmocka_unit_test(cbc_ivs_differ_from_packet_to_packet_and_from_sa_to_sa),
        cmocka_unit_test(cbc_ivs_do_not_follow_from_each_other),
        cmocka_unit_test(a_cipher_without_iv_gets_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
