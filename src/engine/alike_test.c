/* SPDX-License-Identifier: Apache-2.0 */
/* Several children with the same selectors between the same peers (RFC 4301 section 4.1, RFC 7296 sections
 * 1.3.1 and 2.8): they live side by side, and each is rekeyed and deleted on its own, whether both ends know
 * that there are several, or one end makes more of what is one child for the other. And what tells the data
 * plane which traffic class is whose. */
#include "crypto/random.h"
#include "support/engine_pair.h"
#include "support/test.h"
#include <stdio.h>

#define FAR "10.8.0.0/16"

static struct pair p;
static size_t n_alike; /* children "a0", "a1", ... with FAR behind side 0, beside "net" */

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
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static void add_alike(struct config *c, struct connection *conn, struct child_config *children)
{
    struct child_config *all = arena_calloc(c->arena, 1 + n_alike, sizeof(*all));
    all[0] = children[0];
    for (size_t i = 0; i < n_alike; i++) {
        char name[24];
        snprintf(name, sizeof(name), "a%zu", i);
        all[1 + i] = children[1];
        all[1 + i].name = arena_strdup(c->arena, name);
    }
    conn->children = all;
    conn->n_children = 1 + n_alike;
}

static void load(int side, size_t alike, struct pair_spec s)
{
    n_alike = alike;
    s.second_local_ts = side ? "10.1.0.0/16" : FAR;
    s.second_remote_ts = side ? FAR : "10.1.0.0/16";
    s.local_ts = side ? "10.2.0.0/16" : "10.1.0.0/16";
    s.remote_ts = side ? "10.1.0.0/16" : "10.2.0.0/16";
    s.tweak = add_alike;
    pair_load(&p, side, &s);
}

static void initiate(int side, const char *child)
{
    pair_command(&p, side, COMMAND_INITIATE, "net", child);
    pair_run(&p);
}

/* An IKE SA with "net"; so many children more for one end, and for the other. */
static void up(size_t alike0, size_t alike1)
{
    load(0, alike0, (struct pair_spec){0});
    load(1, alike1, (struct pair_spec){0});
    initiate(0, "net");
    pair_advance(&p, TIME_SECOND);
}

static void assert_children(size_t n)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), n);
        assert_int_equal(p.side[side].n_sas, 2 * n);
    }
}

static size_t count(int side, const char *name)
{
    struct ike_view ike;
    struct child_view v;
    size_t n = 0;
    for (size_t k = 0; engine_ike_at(p.side[side].e, k, &ike); k++) {
        for (size_t i = 0; engine_child_at(p.side[side].e, ike.id, i, &v); i++)
            n += strcmp(v.name, name) == 0 && v.state == CHILD_INSTALLED;
    }
    return n;
}

static void what_a_peer_makes_several_times_lives_side_by_side(void **state)
{
    (void)state;
    up(1, 3);
    for (int i = 0; i < 3; i++) {
        char name[] = {'a', (char)('0' + i), 0};
        initiate(1, name);
        pair_advance(&p, 3 * TIME_SECOND);
    }
    pair_advance(&p, 60 * TIME_SECOND);
    assert_children(4);
    assert_int_equal(count(0, "a0"), 3);
    assert_int_equal(p.side[0].policies, 2); /* one for all three */
    assert_int_equal(p.side[0].downs, 0);
}

static void each_is_rekeyed_and_deleted_on_its_own(void **state)
{
    (void)state;
    up(1, 2);
    initiate(1, "a0");
    initiate(1, "a1");
    pair_advance(&p, 2 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "a0"); /* both: they have one name here */
    pair_advance(&p, 10 * TIME_SECOND);
    assert_children(3);
    assert_int_equal(p.side[0].child_rekeys, 2);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "a1");
    pair_advance(&p, 10 * TIME_SECOND);
    assert_children(3);
    assert_int_equal(p.side[1].child_rekeys, 3);
    pair_command(&p, 1, COMMAND_TERMINATE, NULL, "a1");
    pair_advance(&p, 10 * TIME_SECOND);
    assert_children(2);
    assert_int_equal(count(0, "a0"), 1);
    assert_int_equal(count(1, "a0"), 1);
    assert_int_equal(p.side[0].policies, 2);
    pair_command(&p, 0, COMMAND_TERMINATE, NULL, "a0");
    pair_advance(&p, 10 * TIME_SECOND);
    assert_children(1);
    assert_int_equal(p.side[0].policies, 1);
}

/* Ours came first, by a CREATE_CHILD_SA of its own: what the peer makes seconds later is meant. */
static void what_the_peer_makes_after_ours_is_no_mistake(void **state)
{
    (void)state;
    for (int round = 0; round < 8; round++) { /* nonces decide nothing here */
        up(1, 2);
        initiate(0, "a0");
        pair_advance(&p, 2 * TIME_SECOND);
        initiate(1, "a1");
        pair_advance(&p, 60 * TIME_SECOND);
        assert_children(3);
        assert_int_equal(count(0, "a0"), 2);
        teardown(NULL);
        setup(NULL);
    }
}

static bool lose_first(void *ctx, struct pair_packet *k)
{
    unsigned *left = ctx;
    if (k->from != 1 || !*left)
        return true;
    (*left)--;
    return false;
}

/* Only side 1 can see that both were at it: its request is lost at first, and comes when side 0 is done. */
static void of_two_made_at_once_one_stays_whoever_sees_it(void **state)
{
    (void)state;
    for (uint64_t round = 0; round < 24; round++) {
        unsigned left = round % 2; /* or nothing is lost, and both see it */
        crypto_random_seed(round); /* nonces decide which */
        up(1, 1);
        p.filter = lose_first;
        p.ctx = &left;
        pair_command(&p, 1, COMMAND_INITIATE, "net", "a0");
        pair_command(&p, 0, COMMAND_INITIATE, "net", "a0");
        pair_advance(&p, 10 * TIME_SECOND);
        if (round % 4 >= 2) /* what is waited for is replaced meanwhile, and so is what waits */
            pair_command(&p, round % 8 >= 4, COMMAND_REKEY, NULL, "a0");
        pair_advance(&p, 80 * TIME_SECOND);
        assert_int_equal(left, 0);
        assert_children(2);
        assert_int_equal(count(0, "a0"), 1);
        assert_int_equal(count(1, "a0"), 1);
        teardown(NULL);
        setup(NULL);
    }
}

/* Each end begins with another one of the two, and finds the peer's to be the one that it lacks. */
static void two_classes_begun_by_both_ends_are_two_children(void **state)
{
    (void)state;
    up(2, 2);
    for (int side = 0; side < 2; side++) {
        pair_command(&p, side, COMMAND_INITIATE, "net", "a0");
        pair_command(&p, side, COMMAND_INITIATE, "net", "a1");
    }
    pair_advance(&p, 60 * TIME_SECOND);
    assert_children(3);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(count(side, "a0"), 1);
        assert_int_equal(count(side, "a1"), 1);
        assert_int_equal(p.side[side].ups, 3); /* none was made in vain */
        assert_int_equal(p.side[side].downs, 0);
    }
}

static bool lose_answers(void *ctx, struct pair_packet *k)
{
    (void)k;
    return !*(bool *)ctx;
}

/* The peer gives the old one up while our rekeying of it is under way: its heir is not the one beside it. */
static void a_replacement_of_what_is_gone_stands_beside_its_like(void **state)
{
    (void)state;
    bool is_lossy = false;
    load(0, 1, (struct pair_spec){0});
    load(1, 2, (struct pair_spec){.child_life = 200 * TIME_SECOND});
    initiate(0, "net");
    initiate(1, "a0");
    pair_advance(&p, 50 * TIME_SECOND);
    initiate(1, "a1");
    pair_advance(&p, 149 * TIME_SECOND); /* "net" and "a0" are to expire in a second */
    assert_children(3);
    p.filter = lose_answers;
    p.ctx = &is_lossy;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "a0");
    while (p.side[1].child_rekeys == 0)
        assert_true(pair_deliver(&p));
    p.n_wire = 0; /* the answer is lost */
    is_lossy = true;
    pair_advance(&p, 500000);
    is_lossy = false;
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(count(0, "a0"), 2);
    assert_int_equal(count(1, "a0"), 1);
    assert_int_equal(count(1, "a1"), 1);
}

static void a_peer_may_make_as_many_as_there_are_dscps(void **state)
{
    (void)state;
    enum { MOST = 64 };
    up(1, MOST + 2);
    for (size_t i = 0; i < MOST + 2; i++) {
        char name[24];
        snprintf(name, sizeof(name), "a%zu", i);
        initiate(1, name);
        pair_advance(&p, TIME_SECOND);
    }
    assert_int_equal(count(0, "a0"), MOST);
    assert_children(1 + MOST);
    assert_true(pair_logged(&p, 0, "has enough children a0"));
}

static void set_classes(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)conn;
    children[1].dscp = UINT64_C(1) << 46;
    children[1].start_action = START_TRAP;
}

static void policies_and_traps_tell_the_class_of_their_child(void **state)
{
    (void)state;
    pair_load(&p, 1,
              &(struct pair_spec){.second_local_ts = "10.2.0.0/16", .second_remote_ts = "10.1.0.0/16"});
    pair_load(&p, 0,
              &(struct pair_spec){
                  .second_local_ts = "10.1.0.0/16", .second_remote_ts = "10.2.0.0/16", .tweak = set_classes});
    assert_int_equal(p.side[0].traps, 1);
    assert_true(p.side[0].last_trap.dscp == UINT64_C(1) << 46);
    initiate(0, "net");
    assert_true(p.side[0].last_policy.dscp == 0);
    uint32_t reqid = p.side[0].last_policy.reqid;
    assert_int_not_equal(reqid, p.side[0].last_trap.reqid);
    assert_int_equal(reqid % (1u << SPI_STEER_BITS), /* one worker has both */
                     p.side[0].last_trap.reqid % (1u << SPI_STEER_BITS));
    pair_input(
        &p, 0,
        &(struct input){
            .kind = INPUT_DATAPLANE, .dataplane = {.kind = DP_ACQUIRE, .policy_id = p.side[0].last_trap.id}
    });
    pair_advance(&p, 2 * TIME_SECOND);
    assert_children(2);
    assert_true(p.side[0].last_policy.dscp == UINT64_C(1) << 46);
    assert_int_equal(p.side[0].last_policy.reqid, p.side[0].last_trap.reqid);
    assert_int_equal(count(1, "net"), 1); /* and the responder's children are one each */
    assert_int_equal(count(1, "other"), 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(what_a_peer_makes_several_times_lives_side_by_side),
        T(each_is_rekeyed_and_deleted_on_its_own),
        T(what_the_peer_makes_after_ours_is_no_mistake),
        T(of_two_made_at_once_one_stays_whoever_sees_it),
        T(two_classes_begun_by_both_ends_are_two_children),
        T(a_replacement_of_what_is_gone_stands_beside_its_like),
        T(a_peer_may_make_as_many_as_there_are_dscps),
        T(policies_and_traps_tell_the_class_of_their_child),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
