/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/ring.h"
#include <pthread.h>
#include <sched.h>

static void items_leave_in_the_order_in_which_they_came(void **state)
{
    (void)state;
    struct ring r;
    int items[3];
    ring_init(&r, 4);
    for (int i = 0; i < 3; i++)
        assert_true(ring_push(&r, &items[i]));
    for (int i = 0; i < 3; i++)
        assert_ptr_equal(ring_pop(&r), &items[i]);
    assert_null(ring_pop(&r));
    ring_deinit(&r);
}

static void a_full_ring_refuses(void **state)
{
    (void)state;
    struct ring r;
    int x;
    ring_init(&r, 4);
    for (int round = 0; round < 10; round++) { /* around the end several times */
        for (int i = 0; i < 4; i++)
            assert_true(ring_push(&r, &x));
        assert_false(ring_push(&r, &x));
        for (int i = 0; i < 4; i++)
            assert_non_null(ring_pop(&r));
        assert_true(ring_is_empty(&r));
    }
    ring_deinit(&r);
}

#define MANY 100000

static void *produce(void *ctx)
{
    struct ring *r = ctx;
    for (uintptr_t i = 1; i <= MANY; i++) {
        while (!ring_push(r, (void *)i))
            sched_yield();
    }
    return NULL;
}

static void two_threads_lose_and_reorder_nothing(void **state)
{
    (void)state;
    struct ring r;
    pthread_t thread;
    ring_init(&r, 64);
    assert_int_equal(pthread_create(&thread, NULL, produce, &r), 0);
    for (uintptr_t expected = 1; expected <= MANY; expected++) {
        void *item;
        while (!(item = ring_pop(&r)))
            sched_yield();
        assert_int_equal((uintptr_t)item, expected);
    }
    pthread_join(thread, NULL);
    ring_deinit(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(items_leave_in_the_order_in_which_they_came),
        cmocka_unit_test(a_full_ring_refuses),
        cmocka_unit_test(two_threads_lose_and_reorder_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
