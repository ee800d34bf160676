/* SPDX-License-Identifier: Apache-2.0 */
/* Ends: a child at its lifetime, a barrier only with its connection. Two engines back to back. */
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

static void a_child_that_is_not_rekeyed_ends_with_its_lifetime(void **state)
{
    (void)state;
    struct pair_spec a = {.child_life = 600 * TIME_SECOND}, b = {0};
    up(&a, &b);
    pair_advance(&p, 599 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_advance(&p, 2 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_children(&p, i), 0);
        assert_int_equal(p.side[i].n_sas, 0);
        assert_int_equal(p.side[i].policies, 0);
    }
}

static void an_ike_sa_that_cannot_be_rekeyed_ends_with_its_overtime(void **state)
{
    (void)state;
    struct pair_spec a = {.ike_rekey = 600 * TIME_SECOND, .ike_over = 60 * TIME_SECOND}, b = {0};
    up(&a, &b);
    pair_advance(&p, 599 * TIME_SECOND);
    p.is_cut = true; /* nobody answers the rekeying */
    pair_advance(&p, 61 * TIME_SECOND + 13 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].n_sas, 0);
}

static size_t barriers(int side)
{
    size_t n = 0;
    for (size_t i = 0; i < p.side[side].n_routes; i++)
        n += p.side[side].routes[i].is_live && p.side[side].routes[i].route.is_unreachable;
    return n;
}

static void the_barrier_stands_before_during_and_after_the_tunnel(void **state)
{
    (void)state;
    struct pair_spec s = {.dpd_delay = 10 * TIME_SECOND};
    pair_load(&p, 0, &s);
    assert_int_equal(barriers(0), 1);
    p.is_cut = true; /* an attempt that fails */
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(barriers(0), 1);
    p.is_cut = false;
    up(&s, &s);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(barriers(0), 1);
    p.is_cut = true; /* the peer dies */
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(barriers(0), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_that_is_not_rekeyed_ends_with_its_lifetime),
        T(an_ike_sa_that_cannot_be_rekeyed_ends_with_its_overtime),
        T(the_barrier_stands_before_during_and_after_the_tunnel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
