/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: establishing, refusing, going down. */
#include "support/engine_pair.h"
#include "support/test.h"

static struct pair p;

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void up(const struct pair_spec *a, const struct pair_spec *b)
{
    pair_load(&p, 0, a);
    pair_load(&p, 1, b);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static void psk_brings_up_ike_and_child_with_the_same_keys(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[1].policies, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(psk_brings_up_ike_and_child_with_the_same_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
