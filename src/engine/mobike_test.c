/* SPDX-License-Identifier: Apache-2.0 */
/* MOBIKE between two engines (RFC 4555): who does it, who decides, what is told and where the children go.
 * Which addresses: path_test.c; what has to be proved: reach_test.c. Under loss and with traffic: tests/sim.
 */
#include "engine/impl.h"
#include "support/mobike_fixture.h"
#include "support/rogue.h"
#include <stdio.h>

/* ---- who does it */

static void it_takes_two_and_port_4500(void **state)
{
    static const struct {
        const struct pair_spec *a, *b;
        bool is_on;
        uint16_t port;
    } rows[] = {
        {&mobile,  &gateway, true,  4500},
        {&mobile,  &settled, false, 4500}, /* which is not known before */
        {&settled, &gateway, false, 500 },
        {&settled, &settled, false, 500 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        teardown(state);
        setup(state);
        up(rows[i].a, rows[i].b);
        assert_int_equal(pair_children(&p, 0), 1);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(rogue_sa(&p, side)->mobike.is_on, rows[i].is_on);
            assert_int_equal(view(side).local.port, rows[i].port);
            assert_false(pair_newest_out(&p, side)->has_encap);
        }
    }
}

static bool not_4500(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !k->is_natt;
}

static void where_port_4500_is_shut_it_is_done_without(void **state)
{
    (void)state;
    p.filter = not_4500;
    up(&mobile, &gateway);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_false(rogue_sa(&p, 0)->mobike.is_on);
    assert_int_equal(view(0).local.port, 500);
    assert_true(pair_logged(&p, 0, "Starting again without MOBIKE"));
}

/* ---- moving */

/* A NAT in front of side 0, which is 203.0.113.9 outside. */
static bool behind_a_nat(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0)
        k->src.ip = ip4(203, 0, 113, 9);
    else
        k->dst.ip = addr(7);
    return true;
}

static void ah_ends_when_a_nat_comes_in_front_of_it(void **state)
{
    (void)state;
    static const char *const why[] = {"there is one in front of us", "there is one in front of the peer"};
    struct pair_spec a = mobile, b = gateway;
    a.tweak = b.tweak = allow_any_address;
    a.ah[0] = b.ah[0] = "sha256";
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    up(&a, &b);
    assert_true(p.side[0].sas[0].is_ah);
    roam(0, 8); /* without one */
    pair_run(&p);
    expect_at(addr(8), p.side[1].ip);
    p.filter = behind_a_nat;
    roam(0, 7);
    pair_run(&p);
    for (int side = 0; side < 2; side++) {
        char line[200];
        snprintf(line, sizeof(line), "child net ends: it is AH, which cannot pass a NAT, and now %s",
                 why[side]);
        assert_true(pair_logged(&p, side, line) || pair_logged(&p, side, "the peer deleted child net"));
        assert_int_equal(pair_children(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(pair_ikes(&p, side), 1);
    }
    assert_true(pair_logged(&p, 0, why[0]) || pair_logged(&p, 1, why[1]));
}

static void the_initiator_moves_and_takes_its_children_along(void **state)
{
    (void)state;
    up_mobile();
    struct esp_sa before = *pair_newest_out(&p, 1);
    roam(0, 7);
    pair_run(&p);
    expect_at(addr(7), p.side[1].ip);
    assert_int_equal(pair_newest_out(&p, 1)->spi, before.spi);
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
    assert_true(pair_logged(&p, 1, "moved from 192.0.2.2:4500 === 192.0.2.1:4500"));
    assert_int_equal(p.side[0].moves, 1); /* both ends are told */
    assert_int_equal(p.side[1].moves, 1);
    roam(0, 8);
    pair_run(&p);
    expect_at(addr(8), p.side[1].ip);
}

/* As strongSwan does it: it goes on elsewhere, though its old address is still one of its own. */
static void a_responder_that_speaks_from_elsewhere_is_followed_there(void **state)
{
    (void)state;
    up_mobile();
    const struct ip both[] = {p.side[1].ip, addr(9)};
    pair_addresses(&p, 1, both, 2);
    pair_run(&p);
    expect_at(p.side[0].ip, p.side[1].ip);
    struct ike_sa *sa = rogue_sa(&p, 1);
    sa->local.ip = addr(9);
    assert_true(ike_sa_queue(sa, (struct task){.kind = X_ADDRESSES}));
    engine_touch(p.side[1].e, sa);
    pair_input(&p, 1, &(struct input){.kind = INPUT_TICK});
    pair_run(&p);
    expect_at(p.side[0].ip, addr(9));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

static void the_responder_moves_and_the_initiator_follows(void **state)
{
    (void)state;
    up_mobile();
    roam(1, 9);
    pair_run(&p);
    pair_advance(&p, 2 * TIME_SECOND);
    expect_at(p.side[0].ip, addr(9));
    assert_int_equal(p.side[0].downs + p.side[1].downs, 0);
}

/* Of the responder's messages only those over IPv6 arrive; of the initiator's no request does: it says
 * nothing of where it goes on. */
static bool over_ipv6_and_unsaid(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->dst.ip.family == 6 && (k->from == 1 || rogue_is_response(k));
}

static void a_responder_that_lost_its_address_goes_on_where_it_is_answered(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1)}, b[3] = {ip4(192, 0, 2, 2)};
    (void)state;
    ip_parse("2001:db8::a", &a[1]);
    ip_parse("2001:db8::b", &b[1]);
    b[2] = addr(9);
    up_mobile();
    pair_addresses(&p, 1, b, 2);
    pair_addresses(&p, 0, a, 2);
    pair_run(&p);
    p.filter = over_ipv6_and_unsaid;
    pair_addresses(&p, 1, &b[1], 2); /* another one of IPv4 in place of the one that went */
    pair_run(&p);
    assert_true(ip_equal(view(1).local.ip, b[1]) && ip_equal(view(1).remote.ip, a[1]));
    expect_esp_between(1, b[1], a[1]);
}

static void after_a_rekeying_it_is_still_who_began_that_decides(void **state)
{
    (void)state;
    up_mobile();
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    roam(0, 7);
    pair_run(&p);
    expect_at(addr(7), p.side[1].ip);
}

static uint8_t old_spi[8];

static bool not_in_the_old_sa(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->from == 1 || rogue_is_response(k) || memcmp(k->bytes, old_spi, sizeof(old_spi)) != 0;
}

/* The peer replaces the IKE SA while we are telling it in the old one. */
static void a_move_is_told_in_the_successor_too(void **state)
{
    struct ip both[2] = {ip4(192, 0, 2, 1), addr(7)};
    (void)state;
    up_mobile();
    pair_addresses(&p, 0, both, 2);
    pair_run(&p);
    spi_put64(old_spi, view(0).spi_i);
    p.filter = not_in_the_old_sa;
    roam(0, 7);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 9 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    expect_at(addr(7), p.side[1].ip);
}

static void from_ipv4_to_ipv6(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1)}, b[2] = {ip4(192, 0, 2, 2)};
    (void)state;
    ip_parse("2001:db8::a", &a[1]);
    ip_parse("2001:db8::b", &b[1]);
    up_mobile();
    pair_addresses(&p, 1, b, 2); /* tells the initiator of it */
    pair_run(&p);
    pair_addresses(&p, 0, &a[1], 1);
    pair_run(&p);
    pair_advance(&p, 2 * TIME_SECOND);
    expect_at(a[1], b[1]);
}

static void routes_follow(void **state)
{
    struct pair_spec a = mobile, b = gateway;
    (void)state;
    a.tweak = b.tweak = allow_any_address;
    a.local_ts = b.remote_ts = "0.0.0.0/0";
    up(&a, &b);
    unsigned seen = 0;
    roam(0, 7);
    pair_run(&p);
    for (size_t i = 0; i < p.side[1].n_routes; i++) {
        const struct pair_route *r = &p.side[1].routes[i];
        seen += r->is_live && r->route.is_exception && ip_equal(r->route.dst.ip, addr(7));
    }
    assert_int_equal(seen, 1);
    roam(0, 8);
    pair_run(&p);
    for (size_t i = 0; i < p.side[1].n_routes; i++) {
        const struct pair_route *r = &p.side[1].routes[i];
        assert_false(r->is_live && r->route.is_exception && ip_equal(r->route.dst.ip, addr(7)));
    }
}

static void further_addresses_are_told_and_taken_back(void **state)
{
    struct ip a[3] = {ip4(192, 0, 2, 1), addr(20), addr(21)};
    struct pair_spec sa = mobile, sb = gateway;
    (void)state;
    sa.tweak = sb.tweak = allow_any_address;
    pair_addresses(&p, 0, a, 2);
    up(&sa, &sb); /* in IKE_AUTH */
    assert_true(knows(1, addr(20)));
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 1);
    pair_addresses(&p, 0, a, 3);
    pair_run(&p);
    assert_true(knows(1, addr(20)) && knows(1, addr(21)));
    pair_addresses(&p, 0, a, 1);
    pair_run(&p);
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 0);
    expect_at(p.side[0].ip, p.side[1].ip);
}

static void only_addresses_that_the_connection_may_use_are_told(void **state)
{
    struct ip a[2] = {ip4(192, 0, 2, 1), addr(20)};
    (void)state;
    pair_addresses(&p, 0, a, 2);
    up(&mobile, &gateway); /* local_addrs names one */
    assert_int_equal(rogue_sa(&p, 1)->mobike.n_peer, 0);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(it_takes_two_and_port_4500),
        T(where_port_4500_is_shut_it_is_done_without),
        T(the_initiator_moves_and_takes_its_children_along),
        T(ah_ends_when_a_nat_comes_in_front_of_it),
        T(a_responder_that_speaks_from_elsewhere_is_followed_there),
        T(the_responder_moves_and_the_initiator_follows),
        T(a_responder_that_lost_its_address_goes_on_where_it_is_answered),
        T(after_a_rekeying_it_is_still_who_began_that_decides),
        T(a_move_is_told_in_the_successor_too),
        T(from_ipv4_to_ipv6),
        T(routes_follow),
        T(further_addresses_are_told_and_taken_back),
        T(only_addresses_that_the_connection_may_use_are_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
