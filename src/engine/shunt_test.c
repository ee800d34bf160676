/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that pass or drop: which records they become, when, and what a reload does to them. */
#include "net/packet.h"
#include "support/engine_pair.h"
#include "support/test.h"

static struct pair p;
static struct child_config shunt;
static struct ts local_ts, remote_ts[2];
static const char *dialect;
static bool is_alone; /* the connection has no other children */

static struct ts net4(uint8_t a, uint8_t b, uint8_t bits)
{
    struct prefix x = {.ip = ip4(a, b, 0, 0), .bits = bits};
    return ts_from_prefix(&x);
}

static int setup(void **state)
{
    (void)state;
    dialect = "swanctl.conf";
    is_alone = false;
    local_ts = (struct ts){.is_dynamic = true, .port_to = UINT16_MAX};
    remote_ts[0] = net4(10, 1, 16);
    shunt = (struct child_config){.name = "lan",
                                  .mode = MODE_PASS,
                                  .start_action = START_TRAP,
                                  .local_ts = &local_ts,
                                  .n_local_ts = 1,
                                  .remote_ts = remote_ts,
                                  .n_remote_ts = 1};
    pair_init(&p);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    pair_deinit(&p);
    return 0;
}

static void set(struct config *c, struct connection *conn, struct child_config *children)
{
    struct child_config *own = arena_alloc(c->arena, sizeof(*own));
    (void)children;
    *own = shunt;
    own->hash = (uint64_t)shunt.mode + shunt.n_remote_ts;
    conn->shunts = own;
    conn->n_shunts = 1;
    conn->dialect = dialect;
    if (is_alone)
        conn->n_children = 0;
}

static const struct pair_spec ours = {.tweak = set, .starts = true}, theirs = {0};

static void load(void)
{
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &theirs);
    pair_run(&p);
}

static unsigned in_force(void)
{
    struct trap_view v = {0};
    unsigned n = 0;
    while (engine_shunt_next(p.side[0].e, &v))
        n++;
    return n;
}

static bool run_command(enum command_kind kind)
{
    p.side[0].is_done = false;
    pair_command(&p, 0, kind, NULL, "lan");
    assert_true(p.side[0].is_done);
    return !diag_failed(&p.side[0].done);
}

static void it_is_in_force_from_the_start_and_nothing_is_negotiated(void **state)
{
    (void)state;
    load();
    const struct shunt *s = &p.side[0].last_shunt;
    assert_int_equal(p.side[0].shunts, 1);
    assert_int_equal(s->mode, MODE_PASS);
    assert_false(s->is_last);
    assert_int_equal(s->local.bits, 0);
    assert_int_equal(s->local.ip.family, 4);
    assert_int_equal(s->remote.bits, 16);
    assert_int_equal(in_force(), 1);
    pair_advance(&p, TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1); /* the connection's own child */
}

static void a_connection_of_shunts_alone_talks_to_nobody(void **state)
{
    (void)state;
    is_alone = true;
    load();
    pair_advance(&p, 600 * TIME_SECOND);
    assert_int_equal(p.side[0].shunts, 1);
    assert_int_equal(p.sent, 0);
}

static void no_peer_is_a_connection_of_shunts_alone(void **state)
{
    static const struct pair_spec starts = {.starts = true};
    (void)state;
    is_alone = true;
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &starts);
    pair_run(&p);
    assert_true(p.sent > 0);
    assert_int_equal(p.side[0].ike_ups, 0);
}

static void commands_take_it_back_and_set_it(void **state)
{
    (void)state;
    shunt.start_action = START_NONE;
    load();
    assert_int_equal(p.side[0].shunts, 0);
    assert_false(run_command(COMMAND_UNTRAP));
    assert_true(run_command(COMMAND_TRAP));
    assert_int_equal(p.side[0].shunts, 1);
    assert_true(run_command(COMMAND_TRAP)); /* it is there already */
    assert_int_equal(p.side[0].shunts, 1);
    assert_true(run_command(COMMAND_UNTRAP));
    assert_int_equal(p.side[0].shunts_gone, 1);
    assert_int_equal(in_force(), 0);
    assert_true(run_command(COMMAND_INITIATE));
    assert_int_equal(in_force(), 1);
}

static void a_reload_keeps_it_and_a_change_replaces_it(void **state)
{
    (void)state;
    load();
    pair_load(&p, 0, &ours);
    assert_int_equal(p.side[0].shunts, 1);
    shunt.mode = MODE_DROP;
    pair_load(&p, 0, &ours);
    assert_int_equal(p.side[0].shunts, 2);
    assert_int_equal(p.side[0].shunts_gone, 1);
    assert_true(p.side[0].last_shunt.is_last);
    pair_load(&p, 0, &theirs);
    assert_int_equal(p.side[0].shunts_gone, 2);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1); /* the connection's own child does not hear of it */
    assert_int_equal(p.side[0].ike_ups + p.side[0].ups, 2);
    assert_int_equal(p.side[0].ike_downs + p.side[0].downs, 0);
}

/* The tunnel's network, 10.2.0.0/16, is a part of 10.0.0.0/8 and none of 10.2.0.0/24. */
static void in_libreswans_dialect_the_closer_one_counts(void **state)
{
    (void)state;
    dialect = "ipsec.conf/libreswan";
    remote_ts[0] = net4(10, 0, 8);
    load();
    assert_true(p.side[0].last_shunt.is_last);
    remote_ts[0] = net4(10, 2, 24);
    shunt.mode = MODE_REJECT;
    pair_load(&p, 0, &ours);
    assert_int_equal(p.side[0].shunts, 2);
    assert_false(p.side[0].last_shunt.is_last);
}

static void ports_are_named_as_a_rule_can(void **state)
{
    (void)state;
    remote_ts[0].proto = NH_TCP;
    remote_ts[0].port_from = remote_ts[0].port_to = 22;
    remote_ts[1] = net4(10, 7, 16);
    remote_ts[1].proto = NH_UDP;
    remote_ts[1].port_from = 0;
    remote_ts[1].port_to = 1023;
    shunt.n_remote_ts = 2;
    load();
    assert_int_equal(p.side[0].shunts, 2);
    const struct route_flow *f = &p.side[0].last_shunt.flow;
    assert_int_equal(f->proto, NH_UDP);
    assert_int_equal(f->dport_from, 1);
    assert_int_equal(f->dport_to, 1023);
    assert_int_equal(f->sport_to, 0);
}

/* More than was asked for would go in the clear: none is in force, and that is said. */
static void what_no_rule_can_name_is_not_in_force(void **state)
{
    (void)state;
    remote_ts[0].proto = NH_ICMP;
    remote_ts[0].port_from = remote_ts[0].port_to = 8 << 8;
    load();
    assert_int_equal(p.side[0].shunts, 0);
    assert_int_equal(in_force(), 0);
    assert_non_null(strstr(p.side[0].log, "policy lan is not in force"));
    assert_false(run_command(COMMAND_TRAP));
    assert_non_null(strstr(p.side[0].done.what, "ports"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_in_force_from_the_start_and_nothing_is_negotiated, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_connection_of_shunts_alone_talks_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(no_peer_is_a_connection_of_shunts_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(commands_take_it_back_and_set_it, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reload_keeps_it_and_a_change_replaces_it, setup, teardown),
        cmocka_unit_test_setup_teardown(in_libreswans_dialect_the_closer_one_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(ports_are_named_as_a_rule_can, setup, teardown),
        cmocka_unit_test_setup_teardown(what_no_rule_can_name_is_not_in_force, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
