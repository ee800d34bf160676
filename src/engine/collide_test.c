/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: what is said about a child or an IKE SA whose making the other end has not heard
 * of yet, because the answer got lost (RFC 7296 sections 2.8.1, 2.25.1). */
#include "ike/msg/header.h"
#include "support/engine_pair.h"
#include "support/test.h"

#define AT_EXCHANGE 18

static struct pair p;
static const struct pair_spec both = {.second_local_ts = "10.3.0.0/16", .second_remote_ts = "10.4.0.0/16"},
                              mirrored = {.second_local_ts = "10.4.0.0/16",
                                          .second_remote_ts = "10.3.0.0/16"};

static int setup(void **state)
{
    (void)state;
    pair_init(&p);
    pair_load(&p, 0, &both);
    pair_load(&p, 1, &mirrored);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void up(void)
{
    pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
}

/* What side 0 has just sent arrives, and the answer does not. */
static void lose_the_answer(void)
{
    assert_true(pair_deliver(&p));
    p.n_wire = 0;
}

static void expect_children(size_t n)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_children(&p, i), n);
        assert_int_equal(p.side[i].n_sas, 2 * n);
    }
    assert_true(!n || pair_traffic_fits(&p));
}

static void a_child_that_the_peer_may_not_have_yet_is_not_rekeyed(void **state)
{
    (void)state;
    up();
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    lose_the_answer();
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net");
    assert_int_equal(p.n_wire, 0);
    expect_children(1);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
    assert_int_equal(p.side[1].child_rekeys, 2);
}

static void a_child_that_the_peer_may_not_have_yet_is_deleted_later(void **state)
{
    (void)state;
    up();
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    lose_the_answer();
    pair_command(&p, 1, COMMAND_TERMINATE, NULL, "net");
    expect_children(0);
}

static void a_child_in_the_making_is_not_called_unknown(void **state)
{
    (void)state;
    up();
    pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
    lose_the_answer();
    pair_command(&p, 1, COMMAND_REKEY, NULL, "other");
    pair_run(&p);
    expect_children(2);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void a_delete_that_overtakes_the_answer_counts(void **state)
{
    (void)state;
    up();
    pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
    lose_the_answer();
    pair_command(&p, 1, COMMAND_TERMINATE, NULL, "other");
    pair_run(&p);
    expect_children(1);
}

static bool lose_auth_answers(void *ctx, struct pair_packet *k)
{
    unsigned *left = ctx;
    if (k->from != 1 || k->bytes[AT_EXCHANGE] != EXCHANGE_IKE_AUTH || !*left)
        return true;
    (*left)--;
    return false;
}

static void what_comes_before_the_answer_to_ike_auth_is_heard_later(void **state)
{
    static const char *const children[] = {"net", NULL}; /* the child, the IKE SA */
    for (size_t i = 0; i < ARRAY_LEN(children); i++) {
        unsigned left = 1;
        teardown(state);
        setup(state);
        p.filter = lose_auth_answers;
        p.ctx = &left;
        pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
        pair_run(&p);
        assert_int_equal(pair_children(&p, 1), 1);
        assert_int_equal(pair_children(&p, 0), 0);
        pair_command(&p, 1, COMMAND_TERMINATE, "net", children[i]);
        expect_children(0);
        if (!children[i])
            assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
    }
}

static bool lose_rekey_answers(void *ctx, struct pair_packet *k)
{
    unsigned *left = ctx;
    if (k->from != 1 || k->bytes[AT_EXCHANGE] != EXCHANGE_CREATE_CHILD_SA || !*left)
        return true;
    (*left)--;
    return false;
}

static void load_alert(void)
{
    struct pair_spec a = both, b = mirrored;
    a.dpd_delay = b.dpd_delay = 10 * TIME_SECOND;
    pair_load(&p, 0, &a);
    pair_load(&p, 1, &b);
    up();
}

static void an_ike_sa_answers_until_the_peer_has_its_successor(void **state)
{
    unsigned left = 5; /* the sixth transmission is 90 s after the first */
    (void)state;
    load_alert();
    p.filter = lose_rekey_answers;
    p.ctx = &left;
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 100 * TIME_SECOND);
    assert_int_equal(left, 0);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(p.side[i].ike_rekeys, 1);
        assert_int_equal(p.side[i].ike_downs, 0);
        assert_int_equal(pair_ikes(&p, i), 1);
    }
    expect_children(1);
}

static void a_peer_that_is_gone_after_a_rekeying_is_noticed(void **state)
{
    struct ike_view v;
    (void)state;
    load_alert();
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    lose_the_answer();
    p.is_cut = true;
    pair_advance(&p, 80 * TIME_SECOND);
    assert_int_equal(p.side[1].ike_downs, 1);
    assert_false(engine_ike_at(p.side[1].e, 0, &v)); /* nor the old one */
}

static void the_end_of_an_ike_sa_that_the_peer_may_not_know_is_told_in_the_old_one(void **state)
{
    struct ike_view v;
    (void)state;
    load_alert();
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    lose_the_answer();
    for (size_t i = 0; engine_ike_at(p.side[1].e, i, &v) && v.state != IKE_ESTABLISHED; i++)
        continue;
    pair_input(&p, 1,
               &(struct input){
                   .kind = INPUT_COMMAND, .command = {.kind = COMMAND_TERMINATE, .id = 99, .ike_id = v.id}
    });
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(p.side[0].ike_downs, 1);
    pair_advance(&p, 15 * TIME_SECOND);
    for (int i = 0; i < 2; i++)
        assert_false(engine_ike_at(p.side[i].e, 0, &v));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_that_the_peer_may_not_have_yet_is_not_rekeyed),
        T(a_child_that_the_peer_may_not_have_yet_is_deleted_later),
        T(a_child_in_the_making_is_not_called_unknown),
        T(a_delete_that_overtakes_the_answer_counts),
        T(what_comes_before_the_answer_to_ike_auth_is_heard_later),
        T(an_ike_sa_answers_until_the_peer_has_its_successor),
        T(a_peer_that_is_gone_after_a_rekeying_is_noticed),
        T(the_end_of_an_ike_sa_that_the_peer_may_not_know_is_told_in_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
