/* SPDX-License-Identifier: Apache-2.0 */
/* Two engines back to back: traps, and what start_action, close_action, dpd_action and unique ask for. */
#include "support/engine_pair.h"
#include "support/test.h"

static struct pair p;
static enum start_action start_action, close_action;
static enum dpd_action dpd_action;
static enum unique unique;
static uint32_t keyingtries;
static int64_t inactivity;

static int setup(void **state)
{
    (void)state;
    start_action = START_TRAP;
    close_action = START_NONE;
    dpd_action = DPD_CLEAR;
    unique = UNIQUE_NO;
    keyingtries = 1;
    inactivity = 0;
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
    (void)c;
    conn->keyingtries = keyingtries;
    conn->unique = unique;
    children->start_action = start_action;
    children->close_action = close_action;
    children->dpd_action = dpd_action;
    children->inactivity = inactivity;
}

static const struct pair_spec ours = {.tweak = set, .dpd_delay = 10 * TIME_SECOND}, theirs = {0};

static struct ts one_host(uint8_t net, uint8_t host, uint16_t port)
{
    struct ip ip = ip4(10, net, 0, host);
    return (struct ts){.from = ip, .to = ip, .proto = 17, .port_from = port, .port_to = port};
}

/* A packet meets the side's trap, as the data plane tells it. */
static void packet_meets_trap(int side)
{
    struct input in = {.kind = INPUT_DATAPLANE};
    in.dataplane.kind = DP_ACQUIRE;
    in.dataplane.policy_id = p.side[side].last_trap.id;
    in.dataplane.packet_local = one_host((uint8_t)(1 + side), 7, 40000);
    in.dataplane.packet_remote = one_host((uint8_t)(2 - side), 9, 40001);
    pair_input(&p, side, &in);
}

static void load_both(void)
{
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &theirs);
    pair_run(&p);
}

static void spring(void)
{
    load_both();
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void a_trap_waits_with_policy_and_routes_and_says_nothing(void **state)
{
    (void)state;
    load_both();
    pair_advance(&p, 3600 * TIME_SECOND);
    assert_int_equal(p.sent, 0);
    assert_int_equal(p.side[0].traps, 1);
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[0].live_routes, 2); /* into the tunnel, and the barrier behind it */
    assert_true(p.side[0].last_trap.is_trap);
    assert_int_equal(p.side[0].last_trap.action, POLICY_PROTECT);
}

static void a_packet_brings_the_tunnel_up_once_and_the_trap_stays(void **state)
{
    (void)state;
    load_both();
    packet_meets_trap(0);
    packet_meets_trap(0);
    pair_run(&p);
    pair_advance(&p, 30 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 1);
        assert_int_equal(pair_children(&p, i), 1);
        assert_int_equal(p.side[i].n_sas, 2);
    }
    assert_int_equal(pair_newest_out(&p, 0)->reqid, p.side[0].last_trap.reqid);
    assert_int_equal(p.side[0].policies, 2); /* the trap's and the child's */
    assert_int_equal(p.side[0].live_routes, 2);
    assert_true(pair_traffic_fits(&p));
    packet_meets_trap(0); /* told late: nothing is to be done */
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[0].traps, 1);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* [RFC7296#2.9] as a peer that shares nothing with the offer tells its log */
static void the_packet_is_offered_first(void **state)
{
    (void)state;
    struct pair_spec elsewhere = {.local_ts = "10.88.0.0/16", .remote_ts = "10.77.0.0/16"};
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &elsewhere);
    packet_meets_trap(0);
    pair_run(&p);
    assert_true(pair_logged(
        &p, 1, "local 10.2.0.9/32[udp/40001] 10.2.0.0/16 remote 10.1.0.7/32[udp/40000] 10.1.0.0/16"));
    assert_int_equal(p.side[0].traps_failed, 1);
}

/* The packet is part of it, and not named beside it. */
static void what_is_configured_is_agreed_whole(void **state)
{
    (void)state;
    spring();
    const struct esp_sa *out = pair_newest_out(&p, 0);
    assert_int_equal(out->n_local_ts, 1);
    assert_int_equal(out->n_remote_ts, 1);
    assert_true(ts_equal(&out->local_ts[0], &p.side[0].last_trap.local_ts[0]));
    out = pair_newest_out(&p, 1);
    assert_int_equal(out->n_local_ts, 1);
    assert_int_equal(out->n_remote_ts, 1);
}

static void a_failed_attempt_is_told_and_the_next_packet_tries_again(void **state)
{
    (void)state;
    load_both();
    p.is_cut = true;
    packet_meets_trap(0);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(p.side[0].traps_failed, 1);
    assert_int_equal(p.side[0].policies, 1);
    unsigned sent = p.sent;
    pair_advance(&p, 3600 * TIME_SECOND);
    assert_int_equal(p.sent, sent); /* nobody asks */
    p.is_cut = false;
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].traps_failed, 1);
}

/* A peer that answers and refuses: each packet that asks again waits for the pause to be over. */
static void packets_do_not_hurry_a_peer_that_refuses(void **state)
{
    (void)state;
    struct pair_spec other = {.psk = "another"};
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &other);
    for (int i = 0; i < 600; i++) {
        packet_meets_trap(0);
        pair_run(&p);
        pair_advance(&p, TIME_SECOND / 10);
    }
    assert_true(p.side[0].traps_failed >= 3);
    assert_true(p.side[0].traps_failed <= 8); /* in a minute; the pause doubles from a second on */
}

static void keyingtries_hold_for_what_a_packet_asks_for(void **state)
{
    (void)state;
    keyingtries = 3;
    load_both();
    p.is_cut = true;
    packet_meets_trap(0);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(p.side[0].traps_failed, 0);
    pair_advance(&p, 900 * TIME_SECOND);
    assert_int_equal(p.side[0].traps_failed, 1);
}

static void trap_and_start_do_both(void **state)
{
    (void)state;
    start_action = START_BOTH;
    load_both();
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].policies, 2);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void both_sides_trap_at_once_and_one_tunnel_stays(void **state)
{
    (void)state;
    pair_load(&p, 0, &ours);
    pair_load(&p, 1, &ours);
    packet_meets_trap(0);
    packet_meets_trap(1);
    pair_run(&p);
    pair_advance(&p, 60 * TIME_SECOND);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pair_ikes(&p, i), 1);
        assert_int_equal(pair_children(&p, i), 1);
        assert_int_equal(p.side[i].n_sas, 2);
    }
    assert_true(pair_traffic_fits(&p));
}

static void a_reload_leaves_a_trap_alone_unless_it_changed(void **state)
{
    (void)state;
    load_both();
    uint64_t id = p.side[0].last_trap.id;
    pair_load(&p, 0, &ours);
    assert_int_equal(p.side[0].traps, 1);
    struct pair_spec changed = ours;
    changed.hash = 2;
    pair_load(&p, 0, &changed);
    assert_int_equal(p.side[0].traps, 2);
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[0].live_routes, 2);
    assert_true(p.side[0].last_trap.id != id);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    start_action = START_NONE;
    changed.hash = 3;
    pair_load(&p, 0, &changed);
    pair_run(&p);
    assert_int_equal(p.side[0].policies, 0);
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    assert_int_equal(p.side[0].live_routes, 0);
}

static void shutdown_takes_traps_away(void **state)
{
    (void)state;
    load_both();
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    assert_int_equal(p.side[0].policies, 0);
    assert_int_equal(p.side[0].live_routes, 0);
    packet_meets_trap(0);
    assert_int_equal(p.sent, 0);
}

static void an_idle_child_goes_and_the_next_packet_brings_it_back(void **state)
{
    (void)state;
    inactivity = 60 * TIME_SECOND;
    spring();
    pair_advance(&p, 70 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- close_action, dpd_action ---- */

static void up_without_traps(void)
{
    start_action = START_NONE;
    load_both();
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].traps, 0);
}

static void peer_closes(const char *child)
{
    pair_command(&p, 1, COMMAND_TERMINATE, child ? NULL : "net", child);
    pair_run(&p);
    pair_advance(&p, 20 * TIME_SECOND);
}

static void close_action_starts_again_what_the_peer_closed(void **state)
{
    (void)state;
    close_action = START_START;
    up_without_traps();
    for (int i = 0; i < 3; i++) {
        uint32_t old = pair_newest_out(&p, 0)->spi;
        peer_closes(i % 2 ? "net" : NULL);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_true(pair_newest_out(&p, 0)->spi != old);
    }
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL); /* our own end is an end */
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
}

static void close_action_sets_a_trap(void **state)
{
    (void)state;
    close_action = START_TRAP;
    up_without_traps();
    peer_closes("net");
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].traps, 1);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    peer_closes(NULL);
    assert_int_equal(p.side[0].traps, 1); /* it stayed */
    assert_int_equal(p.side[0].policies, 1);
}

static void without_close_action_what_the_peer_closed_stays_closed(void **state)
{
    (void)state;
    up_without_traps();
    peer_closes(NULL);
    pair_advance(&p, 600 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].policies, 0);
}

static void peer_dies(void)
{
    p.is_cut = true;
    pair_restart(&p, 1);
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(p.side[0].n_sas, 0);
    p.is_cut = false;
    pair_load(&p, 1, &theirs);
    pair_run(&p);
}

static void dpd_action_sets_a_trap(void **state)
{
    (void)state;
    dpd_action = DPD_TRAP;
    up_without_traps();
    peer_dies();
    pair_advance(&p, 600 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].traps, 1);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void dpd_action_restart_is_tried_as_often_as_keyingtries_say(void **state)
{
    (void)state;
    dpd_action = DPD_RESTART;
    keyingtries = 0;
    up_without_traps();
    p.is_cut = true;
    pair_restart(&p, 1);
    pair_advance(&p, 1200 * TIME_SECOND);
    p.is_cut = false;
    pair_load(&p, 1, &theirs);
    pair_advance(&p, 240 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- unique ---- */

/* Side 0 forgets everything and comes back. */
static void comes_back(bool says_so)
{
    unique = says_so ? UNIQUE_REPLACE : UNIQUE_NEVER; /* never: says no INITIAL_CONTACT */
    pair_advance(&p, TIME_SECOND);
    pair_restart(&p, 0);
    pair_load(&p, 0, &ours);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
}

static struct pair_spec waiting_side(enum unique u)
{
    unique = u;
    start_action = START_NONE;
    return (struct pair_spec){.tweak = set, .accepts_any_peer = true};
}

static void up_with(enum unique u)
{
    struct pair_spec b = waiting_side(u);
    pair_load(&p, 1, &b);
    unique = UNIQUE_NEVER;
    pair_load(&p, 0, &ours);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 1);
}

static void unique_never_lets_all_stand(void **state)
{
    (void)state;
    up_with(UNIQUE_NEVER);
    comes_back(true);
    assert_int_equal(pair_ikes(&p, 0), 1);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 2);
}

static void unique_no_believes_initial_contact(void **state)
{
    (void)state;
    up_with(UNIQUE_NO);
    comes_back(true);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void unique_replace_takes_the_newer_one(void **state)
{
    (void)state;
    up_with(UNIQUE_REPLACE);
    comes_back(false);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_true(pair_traffic_fits(&p));
}

static void unique_keep_refuses_a_second_one_until_the_first_is_dead(void **state)
{
    (void)state;
    up_with(UNIQUE_KEEP);
    comes_back(false);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_true(pair_logged(&p, 1, "unique = keep"));
    pair_advance(&p, 20 * TIME_SECOND); /* it was asked at once, though dpd_delay is off */
    assert_int_equal(pair_ikes(&p, 1), 0);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void unique_keep_yields_to_initial_contact(void **state)
{
    (void)state;
    up_with(UNIQUE_KEEP);
    comes_back(true);
    assert_int_equal(pair_ikes(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
}

static void a_command_sets_and_takes_traps(void **state)
{
    (void)state;
    struct trap_view v = {0};
    start_action = START_NONE;
    load_both();
    assert_false(engine_trap_next(p.side[0].e, &v));
    pair_command(&p, 0, COMMAND_TRAP, NULL, "net");
    assert_true(p.side[0].is_done && !diag_failed(&p.side[0].done));
    assert_int_equal(p.side[0].traps, 1);
    assert_true(engine_trap_next(p.side[0].e, &v));
    assert_string_equal(v.connection, "net");
    assert_string_equal(v.child, "net");
    assert_int_equal(v.n_local_ts + v.n_remote_ts, 2);
    assert_false(engine_trap_next(p.side[0].e, &v));
    pair_command(&p, 0, COMMAND_TRAP, "net", NULL); /* again: fine, and no second one */
    assert_true(p.side[0].is_done && !diag_failed(&p.side[0].done));
    assert_int_equal(p.side[0].traps, 1);
    packet_meets_trap(0);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_command(&p, 0, COMMAND_UNTRAP, "net", NULL);
    assert_true(p.side[0].is_done && !diag_failed(&p.side[0].done));
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(pair_children(&p, 0), 1);
    pair_command(&p, 0, COMMAND_UNTRAP, "net", NULL);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
    pair_command(&p, 0, COMMAND_TRAP, "nobody", NULL);
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
    pair_command(&p, 0, COMMAND_TRAP, "net", "nobody");
    assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
}

static void a_trap_without_a_peers_address_is_refused(void **state)
{
    (void)state;
    const struct pair_spec anybody = {.accepts_any_peer = true};
    pair_load(&p, 0, &anybody);
    pair_command(&p, 0, COMMAND_TRAP, "net", NULL);
    assert_int_equal(p.side[0].done.class, FAIL_GENERIC);
    assert_non_null(strstr(p.side[0].done.what, "no address"));
    assert_int_equal(p.side[0].policies, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_trap_waits_with_policy_and_routes_and_says_nothing),
        T(a_packet_brings_the_tunnel_up_once_and_the_trap_stays),
        T(the_packet_is_offered_first),
        T(a_command_sets_and_takes_traps),
        T(a_trap_without_a_peers_address_is_refused),
        T(what_is_configured_is_agreed_whole),
        T(a_failed_attempt_is_told_and_the_next_packet_tries_again),
        T(packets_do_not_hurry_a_peer_that_refuses),
        T(keyingtries_hold_for_what_a_packet_asks_for),
        T(trap_and_start_do_both),
        T(both_sides_trap_at_once_and_one_tunnel_stays),
        T(a_reload_leaves_a_trap_alone_unless_it_changed),
        T(shutdown_takes_traps_away),
        T(an_idle_child_goes_and_the_next_packet_brings_it_back),
        T(close_action_starts_again_what_the_peer_closed),
        T(close_action_sets_a_trap),
        T(without_close_action_what_the_peer_closed_stays_closed),
        T(dpd_action_sets_a_trap),
        T(dpd_action_restart_is_tried_as_often_as_keyingtries_say),
        T(unique_never_lets_all_stand),
        T(unique_no_believes_initial_contact),
        T(unique_replace_takes_the_newer_one),
        T(unique_keep_refuses_a_second_one_until_the_first_is_dead),
        T(unique_keep_yields_to_initial_contact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
