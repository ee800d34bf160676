/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that cross on the way (RFC 7296 sections 2.8.1, 2.25.1): an end speaks about a child that the
 * other does not have yet, because the answer that makes it is still under way; and both ends make the same
 * child at once. */
#include "support/engine_pair.h"
#include "support/test.h"

static struct pair p;

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    for (int side = 0; side < 2; side++)
        pair_load(&p, side,
                  &(struct pair_spec){.second_local_ts = side ? "10.8.0.0/16" : "10.1.0.0/16",
                                      .second_remote_ts = side ? "10.1.0.0/16" : "10.8.0.0/16"});
    pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
    pair_run(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void assert_children(size_t n)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), n);
        assert_int_equal(p.side[side].n_sas, 2 * n);
    }
}

/* Side 1 makes or rekeys a child, side 0 has answered, and the answer is overtaken by what side 0 does next.
 */
static void overtake_answer(enum command_kind first, enum command_kind next, const char *child)
{
    size_t sas = p.side[0].n_sas;
    pair_command(&p, 1, first, "net", child);
    while (p.side[0].n_sas == sas)
        assert_true(pair_deliver(&p));
    assert_int_equal(p.n_wire, 1);
    pair_command(&p, 0, next, "net", child);
    assert_int_equal(p.n_wire, 2);
    struct pair_packet answer = p.wire[0];
    p.wire[0] = p.wire[1];
    p.wire[1] = answer;
    pair_advance(&p, 60 * TIME_SECOND);
}

static void a_child_whose_answer_is_late_is_not_called_gone(void **state)
{
    (void)state;
    overtake_answer(COMMAND_INITIATE, COMMAND_REKEY, "other");
    assert_children(2);
    assert_int_equal(p.side[0].child_rekeys, p.side[1].child_rekeys);
}

static void a_child_that_is_deleted_before_its_answer_comes_is_gone(void **state)
{
    (void)state;
    overtake_answer(COMMAND_INITIATE, COMMAND_TERMINATE, "other");
    assert_children(1);
}

static void of_two_children_made_at_once_for_the_same_one_stays(void **state)
{
    (void)state;
    pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
    pair_command(&p, 1, COMMAND_INITIATE, "net", "other");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_children(2);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_child_whose_answer_is_late_is_not_called_gone),
        T(a_child_that_is_deleted_before_its_answer_comes_is_gone),
        T(of_two_children_made_at_once_for_the_same_one_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
