/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"
#include "sys/handover.h"
#include <pthread.h>
#include <sched.h>
#include <string.h>

static struct handover h;

static int start(void **state)
{
    (void)state;
    handover_init(&h, 2);
    return 0;
}

static int end(void **state)
{
    (void)state;
    handover_deinit(&h);
    return 0;
}

static bool put(size_t to, enum parcel_kind kind, const uint8_t *bytes, uint32_t len)
{
    bool was_full;
    struct parcel_packet *p = handover_place(&h, to, kind, len, &was_full);
    if (p)
        memcpy(handover_bytes(&h, to, p), bytes, len);
    return p;
}

static void packets_of_one_kind_travel_together(void **state)
{
    (void)state;
    const uint8_t a[] = "first", b[] = "second packet";
    assert_true(put(1, PARCEL_IN, a, sizeof(a)) && put(1, PARCEL_IN, b, sizeof(b)));
    assert_null(handover_take(&h, 1)); /* not sent yet */
    assert_true(handover_send(&h, 1));
    assert_false(handover_send(&h, 1));
    assert_null(handover_take(&h, 0));
    struct parcel *p = handover_take(&h, 1);
    assert_non_null(p);
    assert_int_equal(p->n, 2);
    assert_int_equal(p->kind, PARCEL_IN);
    assert_memory_equal(p->bytes + p->packets[0].at, a, sizeof(a));
    assert_memory_equal(p->bytes + p->packets[1].at, b, sizeof(b));
    handover_give_back(p);
}

static void another_kind_begins_another_parcel_behind_the_first(void **state)
{
    (void)state;
    const uint8_t x = 1;
    assert_true(put(0, PARCEL_OUT, &x, 1) && put(0, PARCEL_IN, &x, 1));
    struct parcel *first = handover_take(&h, 0);
    assert_int_equal(first->kind, PARCEL_OUT); /* went off to make room */
    handover_send(&h, 0);
    struct parcel *second = handover_take(&h, 0);
    assert_int_equal(second->kind, PARCEL_IN);
    handover_give_back(first);
    handover_give_back(second);
}

static void a_receiver_that_stands_still_costs_packets_and_nothing_else(void **state)
{
    (void)state;
    static uint8_t big[65536];
    size_t taken = 0;
    while (put(0, PARCEL_OUT, big, sizeof(big)))
        assert_true(++taken < 1000);
    assert_true(taken > 1);
    assert_false(put(0, PARCEL_OUT, big, 1)); /* nor a small one */
    assert_false(put(1, PARCEL_OUT, big, 1));
    struct parcel *p;
    size_t given = 0;
    handover_send(&h, 0);
    while ((p = handover_take(&h, 0))) {
        assert_int_equal(p->n, 1);
        assert_int_equal(p->packets[0].len, sizeof(big));
        handover_give_back(p);
        given++;
    }
    assert_int_equal(given, taken);
    assert_true(put(1, PARCEL_OUT, big, sizeof(big)));
}

#define MANY 200000

/* Numbers in packets of odd sizes; a packet that finds no parcel is lost, like those of the data plane. */
static void *receive(void *ctx)
{
    uint32_t *last = ctx, number = 0;
    while (number != MANY) {
        struct parcel *p = handover_take(&h, 1);
        if (!p) {
            sched_yield();
            continue;
        }
        for (size_t i = 0; i < p->n; i++) {
            const uint8_t *bytes = p->bytes + p->packets[i].at;
            memcpy(&number, bytes, sizeof(number));
            if (number <= *last || bytes[p->packets[i].len - 1] != (uint8_t)number)
                return "out of order, or torn";
            *last = number;
        }
        handover_give_back(p);
    }
    return NULL;
}

static void order_is_kept_between_threads(void **state)
{
    (void)state;
    pthread_t thread;
    uint32_t last = 0;
    void *failure;
    uint8_t bytes[2000];
    assert_int_equal(pthread_create(&thread, NULL, receive, &last), 0);
    for (uint32_t number = 1; number <= MANY; number++) {
        uint32_t len = 5 + number * 7919 % 1900;
        memcpy(bytes, &number, sizeof(number));
        bytes[len - 1] = (uint8_t)number;
        while (!put(1, PARCEL_IN, bytes, len)) {
            if (number < MANY)
                break;
            sched_yield(); /* the last one ends the test and must arrive */
        }
        if (number % 50 == 0)
            handover_send(&h, 1);
    }
    handover_send(&h, 1);
    pthread_join(thread, &failure);
    assert_null(failure);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_of_one_kind_travel_together, start, end),
        cmocka_unit_test_setup_teardown(another_kind_begins_another_parcel_behind_the_first, start, end),
        cmocka_unit_test_setup_teardown(a_receiver_that_stands_still_costs_packets_and_nothing_else, start,
                                        end),
        cmocka_unit_test_setup_teardown(order_is_kept_between_threads, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
