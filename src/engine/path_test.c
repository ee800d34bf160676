/* SPDX-License-Identifier: Apache-2.0 */
/* Which pair of addresses an IKE SA uses (RFC 4555 sections 3.5, 3.6, 3.10): paths that die, machines without
 * an address, peers with several, SAs that are to go, and who does no MOBIKE. */
#include "engine/impl.h"
#include "support/mobike_fixture.h"
#include "support/rogue.h"

static void when_a_path_dies_another_one_is_found(void **state)
{
    struct ip b[2] = {ip4(192, 0, 2, 2), addr(30)};
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, &p.side[0].ip, 1);
    pair_addresses(&p, 1, b, 2);
    pair_run(&p);
    dead = b[0];
    p.filter = not_to_the_dead;
    pair_advance(&p, 15 * TIME_SECOND); /* of which 10 until somebody asks */
    expect_at(p.side[0].ip, addr(30));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void an_initiator_without_an_address_waits_for_one(void **state)
{
    struct ip home = ip4(192, 0, 2, 1);
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, NULL, 0);
    pair_advance(&p, 120 * TIME_SECOND);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
    assert_true(pair_logged(&p, 0, "no way leads to the peer"));
    pair_addresses(&p, 0, &home, 1);
    pair_run(&p);
    expect_at(home, p.side[1].ip);
}

/* Some machines answer for addresses that no interface has: a route makes them their own. */
static void an_address_that_never_was_listed_is_not_missed(void **state)
{
    struct ip other = addr(50);
    (void)state;
    up(&mobile, &gateway);
    pair_addresses(&p, 0, &other, 1);
    pair_addresses(&p, 1, &other, 1);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    expect_at(p.side[0].ip, p.side[1].ip);
}

/* Side 1 asks whether side 0 lives, at a place where it is no longer. */
static void ask_in_vain(uint16_t *port)
{
    struct pair_spec a = {.does_mobike = true}, b = gateway;
    *port = 5000;
    p.filter = nat_to_5000;
    p.ctx = port;
    up(&a, &b);
    *port = 6000;
    pair_advance(&p, 15 * TIME_SECOND);
    assert_int_equal(rogue_sa(&p, 1)->own.kind, X_LIVENESS);
}

static void what_has_no_answer_is_asked_where_the_peer_is_heard_too(void **state)
{
    uint16_t port;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 0, COMMAND_REKEY, "net", "net");
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 1)->own.kind, X_NONE);
    assert_int_equal(view(1).remote.port, 5000); /* [RFC4555#3.8] */
}

static void an_sa_that_is_to_go_does_not_wait_for_minutes(void **state)
{
    uint16_t port;
    struct ike_view v;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    for (int i = 0; i < 20; i++) { /* which is refused, and shows that the peer is there */
        pair_command(&p, 0, COMMAND_REKEY, "net", "net");
        pair_advance(&p, 2 * TIME_SECOND);
    }
    for (int side = 0; side < 2; side++)
        assert_false(engine_ike_at(p.side[side].e, 0, &v));
}

static void an_sa_that_is_to_go_is_gone_though_nobody_is_there(void **state)
{
    uint16_t port;
    struct ike_view v;
    (void)state;
    ask_in_vain(&port);
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 20 * TIME_SECOND);
    assert_false(engine_ike_at(p.side[1].e, 0, &v));
}

static void an_sa_that_is_to_go_follows_each_address(void **state)
{
    (void)state;
    up_mobile();
    p.is_cut = true;
    pair_command(&p, 1, COMMAND_TERMINATE, "net", NULL);
    for (uint8_t last = 7; last <= 9; last++) {
        roam(1, last);
        pair_run(&p);
        assert_true(ip_equal(view(1).local.ip, addr(last)));
    }
    p.is_cut = false;
    pair_advance(&p, 5 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 0) + pair_ikes(&p, 1), 0);
}

/* ---- without MOBIKE */

static void without_mobike_a_lost_address_means_to_begin_anew(void **state)
{
    struct pair_spec a = {.dpd_delay = 10 * TIME_SECOND, .starts = true, .retries_forever = true};
    struct pair_spec b = {.accepts_any_peer = true, .dpd_delay = 10 * TIME_SECOND};
    struct ip ip = addr(7);
    (void)state;
    a.tweak = allow_any_address;
    pair_addresses(&p, 0, &p.side[0].ip, 1);
    up(&a, &b);
    struct connection *conn = (struct connection *)engine_config(p.side[0].e)->connections[0];
    conn->resolved_local = ip;
    pair_addresses(&p, 0, &ip, 1);
    pair_advance(&p, 5 * TIME_SECOND);
    assert_true(pair_logged(&p, 0, "our address 192.0.2.1 is gone"));
    assert_true(ip_equal(view(0).local.ip, ip));
    assert_int_equal(pair_children(&p, 0), 1);
}

/* ---- beginning */

static void two_more_addresses(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    for (uint8_t i = 0; i < 2; i++)
        conn->further[conn->n_further++] =
            (struct ip_pair){.local = conn->resolved_local, .remote = addr((uint8_t)(40 + i))};
}

static bool only_to_41(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from == 1 || ip_equal(k->dst.ip, addr(41));
}

static void an_initiator_tries_the_peers_addresses_in_turn(void **state)
{
    struct pair_spec a = mobile, b = gateway;
    (void)state;
    a.tweak = two_more_addresses;
    b.tweak = allow_any_address;
    p.filter = only_to_41;
    up(&a, &b);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_true(ip_equal(view(0).remote.ip, addr(41)));
    assert_true(pair_logged(&p, 0, "trying the peer's next address"));
}

static void a_peer_that_answers_nowhere_is_one_failure(void **state)
{
    struct pair_spec a = mobile;
    (void)state;
    a.tweak = two_more_addresses;
    p.is_cut = true;
    up(&a, &gateway);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(when_a_path_dies_another_one_is_found),
        T(an_initiator_without_an_address_waits_for_one),
        T(an_address_that_never_was_listed_is_not_missed),
        T(what_has_no_answer_is_asked_where_the_peer_is_heard_too),
        T(an_sa_that_is_to_go_does_not_wait_for_minutes),
        T(an_sa_that_is_to_go_follows_each_address),
        T(an_sa_that_is_to_go_is_gone_though_nobody_is_there),
        T(without_mobike_a_lost_address_means_to_begin_anew),
        T(an_initiator_tries_the_peers_addresses_in_turn),
        T(a_peer_that_answers_nowhere_is_one_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
