/* SPDX-License-Identifier: Apache-2.0 */
/* What a worker keeps of ESP whose SA is not there yet: in which order it comes out, for how long, and how
 * little. With the data plane around it: dataplane_test.c. */
#include "support/test.h"
#include "sys/early.h"

static struct early e;
static uint8_t bytes[EARLY_BYTES + 1];

static int setup(void **state)
{
    (void)state;
    e = (struct early){0};
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    early_deinit(&e);
    return 0;
}

static void keep_of(uint8_t spi, uint8_t what, uint32_t len, int64_t now)
{
    struct esp_packet p = {.data = bytes, .len = len};
    memset(bytes, 0, sizeof(bytes));
    bytes[3] = spi;
    bytes[4] = what;
    early_keep(&e, &p, now);
    memset(bytes, 0xee, sizeof(bytes));
}

static void expect_next(uint8_t spi, uint8_t what)
{
    const struct esp_packet *p = early_next(&e);
    assert_non_null(p);
    assert_int_equal(p->data[3], spi);
    assert_int_equal(p->data[4], what);
}

static void packets_of_the_sa_come_out_in_their_order(void **state)
{
    (void)state;
    keep_of(1, 1, 100, 1000);
    keep_of(2, 1, 100, 1001);
    keep_of(1, 2, 100, 1002);
    assert_null(early_next(&e));
    early_sa_added(&e, 1, 1003);
    expect_next(1, 1);
    expect_next(1, 2);
    assert_null(early_next(&e));
    keep_of(1, 3, 100, 1004); /* where the first one was */
    early_sa_added(&e, 2, 1005);
    expect_next(2, 1);
    assert_null(early_next(&e));
    early_sa_added(&e, 1, 1006);
    expect_next(1, 3);
}

static void what_is_old_does_not_come_out_and_gives_its_place_away(void **state)
{
    (void)state;
    for (uint8_t i = 0; i < EARLY_PACKETS + 1; i++)
        keep_of(1, i, 100, 1000);
    keep_of(2, 0, 100, 1000 + EARLY_TIME); /* no place */
    keep_of(3, 0, 100, 1001 + EARLY_TIME);
    early_sa_added(&e, 1, 1001 + EARLY_TIME);
    early_sa_added(&e, 2, 1001 + EARLY_TIME);
    assert_null(early_next(&e));
    early_sa_added(&e, 3, 1001 + EARLY_TIME);
    expect_next(3, 0);
}

static void little_is_kept(void **state)
{
    unsigned n = 0;
    (void)state;
    for (unsigned i = 0; i < 3 * EARLY_PACKETS; i++)
        keep_of(1, (uint8_t)i, 100, 1000);
    keep_of(1, 99, EARLY_BYTES + 1, 1000);
    early_sa_added(&e, 1, 1000);
    while (early_next(&e))
        n++;
    assert_int_equal(n, EARLY_PACKETS);
    keep_of(1, 1, EARLY_BYTES + 1, 1000);
    keep_of(1, 1, 3, 1000);
    early_sa_added(&e, 1, 1000);
    assert_null(early_next(&e));
    keep_of(1, 1, EARLY_BYTES, 1000);
    early_sa_added(&e, 1, 1000);
    assert_non_null(early_next(&e));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(packets_of_the_sa_come_out_in_their_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_old_does_not_come_out_and_gives_its_place_away, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(little_is_kept, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
