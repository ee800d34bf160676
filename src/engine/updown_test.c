/* SPDX-License-Identifier: Apache-2.0 */
/* Updown commands of Libreswan's style: which verbs come when, with and without a trap, and what becomes of a
 * child whose command fails; and the source address that is configured. Those of strongSwan's style are in
 * keys_test.c. */
#include "support/pair_fixture.h"
#include "support/test.h"

static void set_libreswan(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->updown = "script";
    k->updown_style = UPDOWN_LIBRESWAN;
}

static void set_trap(struct config *c, struct connection *conn, struct child_config *k)
{
    set_libreswan(c, conn, k);
    k->start_action = START_TRAP;
}

#define OF      " script net 192.0.2.1 192.0.2.2 10.2.0.0/16;"
#define PREPARE "prepare" OF
#define ROUTE   "route" OF
#define UP      "up" OF
#define DOWN    "down" OF
#define UNROUTE "unroute" OF

static void must_hear(const char *what)
{
    assert_string_equal(p.side[0].updown, what);
    p.side[0].updown_len = 0;
    p.side[0].updown[0] = '\0';
}

static void load_as(void (*tweak)(struct config *, struct connection *, struct child_config *))
{
    struct pair_spec ours = {.tweak = tweak}, theirs = {0};
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &theirs);
}

static void begin(void)
{
    p.side[0].is_done = false;
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

/* What the command of the last event says. */
static void command_ends(enum updown_verb verb, const char *failure)
{
    const struct updown *u = &p.side[0].last_updown;
    struct input in = {
        .kind = INPUT_UPDOWN,
        .updown = {.reqid = u->reqid, .token = u->token, .verb = verb, .failure = failure}
    };
    pair_input(&p, 0, &in);
    pair_run(&p);
}

static void terminate(void)
{
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
}

static void a_child_is_prepared_routed_and_up_and_down_and_unrouted(void **state)
{
    (void)state;
    load_as(set_libreswan);
    must_hear("");
    begin();
    must_hear(PREPARE ROUTE UP);
    command_ends(UPDOWN_UP, NULL);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    must_hear("");
    terminate();
    must_hear(DOWN UNROUTE);
}

static void with_a_trap_it_is_routed_as_long_as_the_trap_is_there(void **state)
{
    (void)state;
    load_as(set_trap);
    must_hear(PREPARE ROUTE);
    assert_int_equal(p.side[0].last_updown.ike_id, 0);
    begin();
    must_hear(PREPARE UP);
    assert_int_not_equal(p.side[0].last_updown.ike_id, 0);
    command_ends(UPDOWN_UP, NULL);
    terminate();
    must_hear(DOWN);
    pair_command(&p, 0, COMMAND_UNTRAP, "net", NULL);
    must_hear(UNROUTE);
}

static void a_trap_that_goes_first_leaves_the_unrouting_to_the_child(void **state)
{
    (void)state;
    load_as(set_trap);
    begin();
    must_hear(PREPARE ROUTE PREPARE UP);
    pair_command(&p, 0, COMMAND_UNTRAP, "net", NULL);
    must_hear("");
    pair_command(&p, 0, COMMAND_TRAP, "net", NULL);
    must_hear("");
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    must_hear(DOWN UNROUTE);
}

static void up_is_over_when_the_command_has_ended(void **state)
{
    (void)state;
    load_as(set_libreswan);
    begin();
    assert_false(p.side[0].is_done);
    command_ends(UPDOWN_ROUTE, NULL);
    assert_false(p.side[0].is_done);
    command_ends(UPDOWN_UP, NULL);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void a_child_whose_command_fails_is_closed(void **state)
{
    (void)state;
    load_as(set_libreswan);
    begin();
    must_hear(PREPARE ROUTE UP);
    command_ends(UPDOWN_UP, "ended with status 3");
    assert_true(p.side[0].is_done);
    assert_int_not_equal(p.side[0].done.class, FAIL_NONE);
    assert_string_equal(p.side[0].done.what, "the updown command (up) ended with status 3");
    must_hear(DOWN UNROUTE);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
}

static void what_an_earlier_child_s_command_says_is_not_heard(void **state)
{
    (void)state;
    load_as(set_libreswan);
    begin();
    struct updown earlier = p.side[0].last_updown;
    terminate();
    begin();
    p.side[0].last_updown.token = earlier.token;
    command_ends(UPDOWN_UP, "ended with status 3");
    assert_int_equal(pair_children(&p, 0), 1);
    assert_false(p.side[0].is_done);
}

/* ---- the source address */

static void set_source(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    assert_true(ip_parse("10.1.0.9", &k->source));
}

static void a_source_address_that_nobody_has_is_on_the_device_while_the_child_is_up(void **state)
{
    (void)state;
    load_as(set_source);
    assert_int_equal(p.side[0].n_vips, 0);
    begin();
    assert_int_equal(p.side[0].n_vips, 1);
    terminate();
    assert_int_equal(p.side[0].n_vips, 0);
}

static void one_that_the_machine_has_is_not(void **state)
{
    struct ip own[1];
    (void)state;
    assert_true(ip_parse("10.1.0.9", &own[0]));
    load_as(set_source);
    pair_input(&p, 0,
               &(struct input){
                   .kind = INPUT_ADDRESSES, .addresses = {.v = own, .n = 1}
    });
    begin();
    assert_int_equal(p.side[0].n_vips, 0);
    assert_int_equal(pair_children(&p, 0), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_child_is_prepared_routed_and_up_and_down_and_unrouted),
        T(with_a_trap_it_is_routed_as_long_as_the_trap_is_there),
        T(a_trap_that_goes_first_leaves_the_unrouting_to_the_child),
        T(up_is_over_when_the_command_has_ended),
        T(a_child_whose_command_fails_is_closed),
        T(what_an_earlier_child_s_command_says_is_not_heard),
        T(a_source_address_that_nobody_has_is_on_the_device_while_the_child_is_up),
        T(one_that_the_machine_has_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
