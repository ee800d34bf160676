/* SPDX-License-Identifier: Apache-2.0 */
/* The mode of a child: asked for, granted, declined, kept over rekeys, and behind NATs with each end's own
 * addresses (RFC 7296 sections 1.3.1 and 2.23.1). Two engines back to back. */
#include "net/packet.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void transport(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)conn;
    children[0].mode = MODE_TRANSPORT;
}

static void beet(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)conn;
    children[0].mode = MODE_BEET;
}

#define HOSTS    .local_ts = "dynamic", .remote_ts = "dynamic"
#define L2TP     .local_ts = "dynamic[udp/1701]", .remote_ts = "dynamic[udp]"
#define L2TP_OWN .local_ts = "dynamic[udp]", .remote_ts = "dynamic[udp/1701]"

static const struct pair_spec in_tunnel =
                                  {
                                      HOSTS
},
                              in_transport = {HOSTS, .tweak = transport},
                              client = {L2TP_OWN, .tweak = transport},
                              server = {L2TP, .tweak = transport, .accepts_any_peer = true},
                              in_beet[2] = {
                                  {.local_ts = "10.1.0.7/32", .remote_ts = "10.2.0.9/32", .tweak = beet},
                                  {.local_ts = "10.2.0.9/32", .remote_ts = "10.1.0.7/32", .tweak = beet},
};

static void transport_is_asked_for_and_granted(void **state)
{
    (void)state;
    up(&in_transport, &in_transport);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TRANSPORT);
    const struct esp_sa *sa = pair_newest_out(&p, 0);
    assert_true(ip_equal(sa->local_ts[0].from, p.side[0].ip) && ip_equal(sa->local_ts[0].to, p.side[0].ip));
    assert_true(ip_equal(sa->remote_ts[0].from, p.side[1].ip));
    assert_true(ip_equal(sa->seen_local, p.side[0].ip) && ip_equal(sa->seen_remote, p.side[1].ip));
}

/* The barrier from the beginning, and the route while it is up: for the peer itself. */
static void the_peer_is_routed_into_transport_mode(void **state)
{
    (void)state;
    pair_load(&p, 0, &in_transport);
    assert_int_equal(p.side[0].n_routes, 1);
    const struct route *barrier = &p.side[0].routes[0].route, *route = &p.side[0].routes[1].route;
    assert_true(barrier->is_unreachable && ip_equal(barrier->dst.ip, p.side[1].ip));
    assert_int_equal(barrier->dst.bits, 32);
    up(&in_transport, &in_transport);
    assert_int_equal(p.side[0].live_routes, 2);
    assert_false(route->is_unreachable || route->is_exception);
    assert_true(ip_equal(route->dst.ip, p.side[1].ip) && ip_equal(route->local.ip, p.side[0].ip));
    assert_int_equal(route->dst.bits, 32);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].live_routes, 1);
}

static void assert_flow(const struct route_flow *f, struct route_flow want)
{
    assert_int_equal(f->proto, want.proto);
    assert_int_equal(f->sport_from, want.sport_from);
    assert_int_equal(f->sport_to, want.sport_to);
    assert_int_equal(f->dport_from, want.dport_from);
    assert_int_equal(f->dport_to, want.dport_to);
}

/* The two hosts may talk about other things: only what the selectors name is routed. */
static void only_the_protocol_and_ports_of_the_selectors_are_routed(void **state)
{
    (void)state;
    pair_load(&p, 0, &client);
    const struct route_flow *barrier = &p.side[0].routes[0].route.flow;
    assert_int_equal(p.side[0].n_routes, 1);
    up(&client, &server);
    assert_int_equal(p.side[0].live_routes, 2);
    assert_int_equal(p.side[1].live_routes, 1);
    const struct route_flow *route = &p.side[0].routes[1].route.flow;
    const struct route_flow *back = &p.side[1].routes[0].route.flow;
    assert_flow(barrier, (struct route_flow){NH_UDP, 0, 0, 1701, 1701});
    assert_flow(route, (struct route_flow){NH_UDP, 0, 0, 1701, 1701});
    assert_flow(back, (struct route_flow){NH_UDP, 1701, 1701, 0, 0});
}

/* A rule's ports are 1 to 65534; where selectors name others, more is routed than they name, never less. */
static void ports_that_no_rule_can_name_are_all_ports(void **state)
{
    static const struct {
        const char *ts;
        struct route_flow flow;
    } rows[] = {
        {"dynamic[tcp/0-80]",       {NH_TCP, 0, 0, 1, 80}     },
        {"dynamic[tcp/1024-65535]", {NH_TCP, 0, 0, 0, 0}      },
        {"dynamic[tcp/8000-8080]",  {NH_TCP, 0, 0, 8000, 8080}},
        {"dynamic[tcp/opaque]",     {NH_TCP, 0, 0, 0, 0}      },
        {"dynamic[icmp/2048]",      {NH_ICMP, 0, 0, 0, 0}     },
        {"dynamic[tcp/0]",          {NH_TCP, 0, 0, 0, 0}      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pair_spec s = {.local_ts = "dynamic", .remote_ts = rows[i].ts, .tweak = transport};
        teardown(state);
        setup(state);
        pair_load(&p, 0, &s);
        assert_int_equal(p.side[0].n_routes, 1);
        assert_flow(&p.side[0].routes[0].route.flow, rows[i].flow);
    }
}

static void without_both_ends_consent_it_is_a_tunnel(void **state)
{
    up(&in_transport, &in_tunnel);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TUNNEL);
    assert_true(pair_logged(&p, 0, "the peer declines transport mode"));
    teardown(state);
    setup(state);
    up(&in_tunnel, &in_transport);
    pair_mode_is(&p, MODE_TUNNEL);
    teardown(state);
    setup(state);
    up(&in_transport, &in_beet[1]);
    assert_int_equal(p.side[0].done.class, FAIL_SELECTORS);
}

static void networks_are_not_asked_for_in_transport_mode(void **state)
{
    (void)state;
    const struct pair_spec nets = {.tweak = transport};
    up(&nets, &nets);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TUNNEL);
    assert_true(pair_logged(&p, 0, "its selectors are not those: asking for a tunnel"));
    assert_false(pair_logged(&p, 0, "declines"));
}

/* A host of a network may be narrowed to, but not to a network. */
static void a_responder_grants_transport_to_hosts_alone(void **state)
{
    (void)state;
    const struct pair_spec wide = {.local_ts = "0.0.0.0/0", .remote_ts = "0.0.0.0/0", .tweak = transport};
    up(&in_transport, &wide);
    pair_mode_is(&p, MODE_TRANSPORT);
    teardown(state);
    setup(state);
    /* other hosts than the two gateways */
    const struct pair_spec other = {
        .local_ts = "10.1.0.7/32", .remote_ts = "10.2.0.9/32", .tweak = transport};
    up(&other, &wide);
    pair_mode_is(&p, MODE_TUNNEL);
}

static void beet_is_negotiated_between_two_other_hosts(void **state)
{
    (void)state;
    up(&in_beet[0], &in_beet[1]);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_BEET);
    assert_true(ip_equal(pair_newest_out(&p, 0)->local_ts[0].from, ip4(10, 1, 0, 7)));
}

static size_t vendor_ids;

static bool count_vendor_ids(void *ctx, struct pair_packet *k)
{
    static const uint8_t head[] = {0, 0, 0, 20, 0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc};
    (void)ctx;
    vendor_ids += memmem(k->bytes, k->len, head, sizeof(head)) != NULL;
    return true;
}

/* strongSwan ignores its notify from others. */
static void only_beet_needs_a_vendor_id(void **state)
{
    const struct pair_spec *const specs[][2] = {
        {&in_beet[0],   &in_beet[1]  },
        {&in_transport, &in_transport},
        {&in_tunnel,    &in_tunnel   },
    };
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        teardown(state);
        setup(state);
        vendor_ids = 0;
        p.filter = count_vendor_ids;
        up(specs[i][0], specs[i][1]);
        assert_int_equal(vendor_ids, i == 0 ? 2 : 0); /* request and response */
    }
}

static void rekeys_by_either_end_keep_the_mode(void **state)
{
    static const struct pair_spec *const specs[][2] = {
        {&in_transport, &in_transport},
        {&in_beet[0],   &in_beet[1]  },
        {&in_transport, &in_tunnel   }, /* what was declined is not asked for again */
    };
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        teardown(state);
        setup(state);
        up(specs[i][0], specs[i][1]);
        enum child_mode mode = pair_newest_out(&p, 0)->mode;
        pair_command(&p, 0, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
        pair_run(&p);
        pair_command(&p, 1, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(p.side[0].child_rekeys, 2);
        assert_int_equal(p.side[1].ike_rekeys, 1);
        pair_mode_is(&p, mode);
    }
}

static void a_mode_that_nobody_asked_for_is_refused(void **state)
{
    (void)state;
    p.side[1].holds_jobs = true;
    load(&in_transport, &in_transport);
    pair_run(&p);
    p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 1);
    for (int i = 0; i < 10 && rogue_sa(&p, 0)->own.kind != X_AUTH; i++)
        assert_true(pair_deliver(&p));
    rogue_sa(&p, 0)->own.mode = MODE_TUNNEL; /* as if it had asked for that */
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_GENERIC);
    assert_int_equal(pair_children(&p, 0), 0);
}

/* ---- NAT A in front of side 0, NAT B in front of side 1 */

#define PUBLIC_A ip4(203, 0, 113, 7)
#define PUBLIC_B ip4(198, 51, 100, 99)

struct nats {
    bool has_a, has_b;
};

static bool translate(void *ctx, struct pair_packet *k)
{
    const struct nats *n = ctx;
    const struct pair_side *a = &p.side[0], *b = &p.side[1];
    if (n->has_a && ip_equal(k->src.ip, a->ip)) {
        k->src.ip = PUBLIC_A;
        k->src.port = (uint16_t)(k->src.port + 10000);
    }
    if (n->has_b && ip_equal(k->src.ip, b->ip))
        k->src.ip = PUBLIC_B;
    if (n->has_a && ip_equal(k->dst.ip, PUBLIC_A)) {
        k->dst.ip = a->ip;
        k->dst.port = (uint16_t)(k->dst.port - 10000);
    }
    if (n->has_b && ip_equal(k->dst.ip, PUBLIC_B))
        k->dst.ip = b->ip;
    return true;
}

/* Side 0 calls side 1 by the address that is known outside. */
static void call_public_b(struct config *c, struct connection *conn, struct child_config *children)
{
    static const struct host_spec host = {
        .from = {4, {198, 51, 100, 99}},
          .to = {4, {198, 51, 100, 99}}
    };
    transport(c, conn, children);
    conn->remote_addrs = &host;
    conn->resolved_remote = PUBLIC_B;
}

static void each_side_of_a_nat_has_its_own_addresses(void **state)
{
    for (int i = 1; i < 4; i++) {
        struct nats nats = {.has_a = i & 1, .has_b = i & 2};
        struct pair_spec a = client;
        teardown(state);
        setup(state);
        if (nats.has_b) {
            a.tweak = call_public_b;
        }
        struct ip a_outside = nats.has_a ? PUBLIC_A : p.side[0].ip,
                  b_outside = nats.has_b ? PUBLIC_B : p.side[1].ip;
        p.filter = translate;
        p.ctx = &nats;
        up(&a, &server);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        pair_mode_is(&p, MODE_TRANSPORT);
        for (size_t k = 0; k < p.side[0].n_sas; k++) {
            const struct esp_sa *sa = &p.side[0].sas[k];
            assert_true(ip_equal(sa->local_ts[0].from, p.side[0].ip));
            assert_true(ip_equal(sa->remote_ts[0].from, b_outside));
            assert_true(ip_equal(sa->seen_local, a_outside));
            assert_true(ip_equal(sa->seen_remote, p.side[1].ip));
            assert_int_equal(sa->remote_ts[0].port_from, 1701);
        }
        for (size_t k = 0; k < p.side[1].n_sas; k++) {
            const struct esp_sa *sa = &p.side[1].sas[k];
            assert_true(ip_equal(sa->local_ts[0].from, p.side[1].ip));
            assert_true(ip_equal(sa->remote_ts[0].from, a_outside));
            assert_true(ip_equal(sa->seen_local, b_outside));
            assert_true(ip_equal(sa->seen_remote, p.side[0].ip));
        }
        pair_command(&p, 1, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(p.side[0].child_rekeys, 1);
        pair_mode_is(&p, MODE_TRANSPORT);
        assert_true(ip_equal(pair_newest_out(&p, 0)->seen_local, a_outside));
    }
}

/* [RFC7296#2.23.1] "the server MAY undo the address substitution" */
static void a_tunnel_behind_a_nat_has_the_selectors_that_were_sent(void **state)
{
    (void)state;
    struct nats nats = {.has_a = true};
    struct pair_spec any = {.local_ts = "0.0.0.0/0", .remote_ts = "0.0.0.0/0", .accepts_any_peer = true};
    p.filter = translate;
    p.ctx = &nats;
    up(&in_transport, &any);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TUNNEL);
    assert_true(ip_equal(pair_newest_out(&p, 1)->remote_ts[0].from, p.side[0].ip));
}

/* To the server both are the NAT's address; whose would a packet to it be? */
static void of_two_clients_behind_a_nat_the_second_needs_other_ports(void **state)
{
    (void)state;
    struct nats nats = {.has_a = true};
    const struct pair_spec here = {L2TP, .tweak = transport, .accepts_any_peer = true, .local_id = "server"},
                           one = {L2TP_OWN, .tweak = transport, .local_id = "one", .remote_id = "server"},
                           two = {L2TP_OWN, .tweak = transport, .local_id = "two", .remote_id = "server"},
                           ports = {.local_ts = "dynamic[udp/2000]",
                                    .remote_ts = "dynamic[udp/1702]",
                                    .tweak = transport,
                                    .local_id = "two",
                                    .remote_id = "server"},
                           wide = {HOSTS, .tweak = transport, .accepts_any_peer = true, .local_id = "server"};
    p.filter = translate;
    p.ctx = &nats;
    up(&one, &here);
    pair_mode_is(&p, MODE_TRANSPORT);
    /* another client: the first one goes on living, unseen */
    pair_restart(&p, 0);
    up(&two, &here);
    assert_int_equal(p.side[0].done.class, FAIL_SELECTORS);
    assert_true(pair_logged(&p, 1, "another peer at 203.0.113.7 has these selectors in transport mode"));
    assert_int_equal(pair_children(&p, 1), 1);
    /* the first one comes back after a crash */
    pair_restart(&p, 0);
    up(&one, &here);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_mode_is(&p, MODE_TRANSPORT);
    /* other ports are another matter */
    pair_restart(&p, 0);
    up(&ports, &wide);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_int_equal(pair_newest_out(&p, 0)->mode, MODE_TRANSPORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(transport_is_asked_for_and_granted, setup, teardown),
        cmocka_unit_test_setup_teardown(the_peer_is_routed_into_transport_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_protocol_and_ports_of_the_selectors_are_routed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(ports_that_no_rule_can_name_are_all_ports, setup, teardown),
        cmocka_unit_test_setup_teardown(without_both_ends_consent_it_is_a_tunnel, setup, teardown),
        cmocka_unit_test_setup_teardown(networks_are_not_asked_for_in_transport_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(a_responder_grants_transport_to_hosts_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(beet_is_negotiated_between_two_other_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(only_beet_needs_a_vendor_id, setup, teardown),
        cmocka_unit_test_setup_teardown(rekeys_by_either_end_keep_the_mode, setup, teardown),
        cmocka_unit_test_setup_teardown(a_mode_that_nobody_asked_for_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(each_side_of_a_nat_has_its_own_addresses, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tunnel_behind_a_nat_has_the_selectors_that_were_sent, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(of_two_clients_behind_a_nat_the_second_needs_other_ports, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
