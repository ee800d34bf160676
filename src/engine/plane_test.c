/* SPDX-License-Identifier: Apache-2.0 */
/* Children that the kernel carries: their records, and what becomes of them when the kernel cannot. Who
 * carries which connection is model/plane_test.c's. */
#include "engine/impl.h"
#include "support/mobike_fixture.h"
#include <stdio.h>

static void two_planes(void)
{
    for (int side = 0; side < 2; side++)
        pair_planes(&p, side, true, true);
}

static void of_the_kernel(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    conn->dataplane = DATAPLANE_KERNEL;
    k->kernel.in.mark = (struct mark){KERNEL_UNIQUE_DIR, UINT32_MAX};
    k->kernel.out.mark = (struct mark){KERNEL_UNIQUE_DIR, UINT32_MAX};
    k->kernel.offload = OFFLOAD_AUTO;
    k->updown = "script";
}

static void in_tcp(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)k;
    conn->tcp = TCP_ALWAYS;
    conn->tcp_port = 4500;
}

static void only_in_the_kernel(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)k;
    conn->dataplane = DATAPLANE_KERNEL;
}

static void trapped(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->start_action = START_TRAP;
}

static bool same_outer(const struct ip *local, const struct ip *remote, int side)
{
    return ip_equal(*local, p.side[side].ip) && ip_equal(*remote, p.side[!side].ip);
}

/* ---- records */

static void must_carry(int side, enum plane plane)
{
    const struct pair_side *s = &p.side[side];
    for (size_t i = 0; i < s->n_sas; i++) {
        assert_int_equal(s->sas[i].plane, plane);
        if (s->sas[i].direction == SA_IN)
            assert_int_equal((s->sas[i].spi & SPI_KERNEL) != 0, plane == PLANE_KERNEL);
    }
    assert_int_equal(s->last_policy.plane, plane);
    assert_int_equal(s->last_route.plane, plane);
}

static void the_records_of_the_kernels_children_are_whole(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = of_the_kernel}, b = {0};
    two_planes();
    up(&a, &b);
    assert_int_equal(pair_children(&p, 0), 1);
    for (int side = 0; side < 2; side++) {
        const struct pair_side *s = &p.side[side];
        assert_int_equal(s->n_sas, 2);
        must_carry(side, PLANE_KERNEL);
        assert_true(same_outer(&s->last_policy.local, &s->last_policy.remote, side));
        assert_int_equal(s->last_policy.mode, MODE_TUNNEL);
        assert_false(s->last_policy.is_ah || s->last_policy.has_ipcomp || s->last_policy.wants_whole);
        assert_true(same_outer(&s->last_route.outer_local, &s->last_route.outer_remote, side));
        assert_false(s->sas[0].has_encap); /* which encap = auto asks for in userspace alone */
    }
    const struct esp_policy *policy = &p.side[0].last_policy;
    assert_int_equal(policy->kernel.in.mark.value, 2 * policy->reqid);
    assert_int_equal(policy->kernel.out.mark.value, 2 * policy->reqid + 1);
    assert_memory_equal(&policy->kernel, &p.side[0].sas[0].kernel, sizeof(policy->kernel));
    assert_memory_equal(&policy->kernel, &p.side[0].last_updown.kernel, sizeof(policy->kernel));
    assert_int_equal(p.side[0].last_updown.plane, PLANE_KERNEL);
    assert_int_equal(policy->kernel.offload, OFFLOAD_AUTO);
    assert_int_equal(p.side[1].last_policy.kernel.in.mark.mask, 0);
}

static void userspaces_records_know_nothing_of_the_kernel(void **state)
{
    (void)state;
    static const struct kernel_options nothing;
    const struct pair_spec a = {.tweak = in_tcp}, b = {0};
    two_planes();
    up(&a, &b);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_true(pair_logged(&p, 0, "connection net is carried in userspace: it needs TCP encapsulation"));
    for (int side = 0; side < 2; side++) { /* the responder's, too: its IKE SA is in TCP */
        must_carry(side, PLANE_USER);
        assert_int_equal(p.side[side].last_policy.local.family, 0);
        assert_int_equal(p.side[side].last_route.outer_remote.family, 0);
        assert_memory_equal(&p.side[side].sas[0].kernel, &nothing, sizeof(nothing));
    }
    assert_false(pair_logged(&p, 1, "is carried in userspace")); /* its connection would be the kernel's */
}

static void numbers_and_policies_outlive_rekeys(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = of_the_kernel}, b = {0};
    two_planes();
    up(&a, &b);
    struct kernel_options before = p.side[0].sas[0].kernel;
    uint64_t policy = p.side[0].last_policy.id;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(p.side[0].child_rekeys, 1);
    for (int side = 0; side < 2; side++)
        must_carry(side, PLANE_KERNEL);
    assert_memory_equal(&pair_newest_out(&p, 0)->kernel, &before, sizeof(before));
    assert_int_equal(p.side[0].last_policy.id, policy);
    assert_int_equal(p.side[0].policies, 1);
    assert_int_equal(p.side[0].policy_changes, 0);
}

static void a_trap_of_the_kernel_says_where_its_tunnel_will_lead(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = trapped};
    two_planes();
    pair_load(&p, 0, &a);
    const struct esp_policy *t = &p.side[0].last_trap;
    assert_true(t->is_trap);
    assert_int_equal(t->plane, PLANE_KERNEL);
    assert_true(same_outer(&t->local, &t->remote, 0));
    assert_int_equal(t->mode, MODE_TUNNEL);
    assert_int_equal(p.side[0].last_route.plane, PLANE_KERNEL);
    assert_true(same_outer(&p.side[0].last_route.outer_local, &p.side[0].last_route.outer_remote, 0));
}

static void with_an_interface(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->kernel.out.if_id = 7;
}

static size_t barriers(int side)
{
    size_t n = 0;
    for (size_t i = 0; i < p.side[side].n_routes; i++)
        n += p.side[side].routes[i].is_live && p.side[side].routes[i].route.is_unreachable;
    return n;
}

/* What an XFRM interface, or a mark, leads into the tunnel is not for us to route, or to bar. */
static void interfaces_and_marks_are_led_to_by_their_owners(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = with_an_interface}, b = {.tweak = of_the_kernel};
    two_planes();
    up(&a, &b);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].n_routes, 0);
    assert_int_equal(p.side[0].last_policy.kernel.out.if_id, 7);
    assert_int_equal(barriers(1), 0);
    assert_int_equal(p.side[1].live_routes, 1); /* but the way for what is marked */
}

static void to_the_peer_itself(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->mode = MODE_TRANSPORT;
    ((struct ts *)k->local_ts)[0] = (struct ts){.is_dynamic = true, .port_to = UINT16_MAX};
    ((struct ts *)k->remote_ts)[0] = (struct ts){.is_dynamic = true, .port_to = UINT16_MAX};
}

static void a_barrier_before_the_peer_says_whose_it_is(void **state)
{
    (void)state;
    static const enum plane planes[] = {PLANE_USER, PLANE_KERNEL};
    const struct pair_spec a = {.tweak = to_the_peer_itself};
    for (size_t i = 0; i < ARRAY_LEN(planes); i++) {
        pair_planes(&p, 0, true, planes[i] == PLANE_KERNEL);
        if (i == 0)
            pair_load(&p, 0, &a); /* and then the kernel comes */
        const struct pair_route *r = &p.side[0].routes[p.side[0].n_routes - 1];
        assert_int_equal(barriers(0), 1);
        assert_true(r->is_live && r->route.is_unreachable && r->route.is_peer);
        assert_int_equal(r->route.plane, planes[i]);
    }
}

static void with_an_interface_of_ours(struct config *c, struct connection *conn, struct child_config *k)
{
    with_an_interface(c, conn, k);
    k->kernel.in.if_id = 7;
    k->kernel.interface = (struct kernel_interface){.name = "ipsec7", .is_routed = true};
}

static void to_an_interface_of_ours_lead_routes_of_ours(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = with_an_interface_of_ours}, b = {.tweak = of_the_kernel};
    two_planes();
    up(&a, &b);
    assert_int_equal(p.side[0].live_routes, barriers(0) + 1);
    assert_string_equal(p.side[0].last_route.device, "ipsec7");
    assert_string_equal(p.side[1].last_route.device, "");
}

static void to_the_peer_by_an_interface(struct config *c, struct connection *conn, struct child_config *k)
{
    to_the_peer_itself(c, conn, k);
    k->mode = MODE_TUNNEL;
    k->kernel.interface = (struct kernel_interface){.name = "vti8", .kind = INTERFACE_VTI, .is_routed = true};
    ((struct ts *)k->remote_ts)[0] =
        (struct ts){.from = p.side[1].ip, .to = p.side[1].ip, .port_to = UINT16_MAX};
}

static void a_barrier_before_the_peer_leads_to_the_interface(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = to_the_peer_by_an_interface};
    pair_planes(&p, 0, true, true);
    pair_load(&p, 0, &a);
    const struct pair_route *r = &p.side[0].routes[p.side[0].n_routes - 1];
    assert_int_equal(barriers(0), 1);
    assert_true(r->is_live && r->route.is_unreachable && r->route.is_peer);
    assert_string_equal(r->route.device, "vti8");
}

/* ---- moving */

static void policies_and_routes_follow_without_a_gap(void **state)
{
    (void)state;
    two_planes();
    up_mobile();
    struct pair_side *s = &p.side[0];
    uint64_t policy = s->last_policy.id;
    size_t routes = s->live_routes, before = s->n_routes;
    roam(0, 7);
    pair_run(&p);
    expect_at(addr(7), p.side[1].ip);
    assert_int_equal(s->policies, 1);
    assert_int_equal(s->last_policy.id, policy);
    assert_true(s->policy_changes > 0);
    assert_true(ip_equal(s->last_policy.local, addr(7)));
    assert_true(ip_equal(p.side[1].last_policy.remote, addr(7)));
    assert_int_equal(s->live_routes, routes);
    assert_true(s->n_routes > before); /* one with the new address, while the old one was there */
    assert_true(ip_equal(s->last_route.outer_local, addr(7)));
    must_carry(0, PLANE_KERNEL);
}

static void to_tcp(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)k;
    ((struct host_spec *)conn->local_addrs)[0].is_any = true;
    conn->tcp = TCP_FALLBACK;
    conn->tcp_port = 443;
}

static void what_moves_to_tcp_comes_back_in_userspace(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = to_tcp,
                                .does_mobike = true,
                                .retries_forever = true,
                                .starts = true},
                           b = {.tweak = allow_any_address, .does_mobike = true, .accepts_any_peer = true};
    two_planes();
    for (int side = 0; side < 2; side++)
        pair_addresses(&p, side, &p.side[side].ip, 1);
    pair_load(&p, 1, &b);
    pair_load(&p, 0, &a);
    pair_advance(&p, 20 * TIME_SECOND);
    must_carry(0, PLANE_USER); /* it may fall back to TCP */
    must_carry(1, PLANE_KERNEL);
    p.is_udp_shut = true;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(view(1).remote.stream != 0);
    assert_true(
        pair_logged(&p, 1, "child net ends: the kernel carries its packets, and cannot do so in TCP"));
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_equal(pair_children(&p, 0), 1);
    must_carry(1, PLANE_USER);
    assert_true(pair_traffic_fits(&p));
}

/* ---- refusals */

static void what_cannot_be_is_not_begun(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = only_in_the_kernel, .starts = true, .retries_forever = true},
                           b = {0};
    pair_planes(&p, 0, true, false);
    load(&a, &b);
    pair_advance(&p, 300 * TIME_SECOND);
    assert_true(pair_logged(&p, 0,
                            "connection net cannot be: dataplane = kernel, and the kernel cannot carry "
                            "packets: it was built without IPsec"));
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_CONFIG);
    assert_string_equal(p.side[0].done.what, engine_last_failure(p.side[0].e, "net")->what);
    assert_int_equal(p.sent, 0);
}

static void who_asks_for_what_cannot_be_is_refused(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {.tweak = only_in_the_kernel};
    pair_planes(&p, 1, true, false);
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "dataplane = kernel"));
}

static void who_comes_in_tcp_is_refused_where_only_the_kernel_may(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = in_tcp}, b = {.tweak = only_in_the_kernel};
    two_planes();
    up(&a, &b);
    assert_int_equal(p.side[0].done.class, FAIL_AUTH);
    assert_true(
        pair_logged(&p, 1, "needs TCP encapsulation, which only userspace does, and dataplane = kernel"));
}

static void a_refused_child_has_no_trap(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = trapped};
    pair_planes(&p, 0, false, false);
    pair_load(&p, 0, &a);
    assert_int_equal(p.side[0].traps, 0);
    assert_true(pair_logged(&p, 0, "child net has no trap: connection net cannot be"));
}

static void when_the_kernel_comes_what_waits_for_it_begins(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = only_in_the_kernel, .starts = true, .retries_forever = true},
                           b = {0};
    pair_planes(&p, 0, true, false);
    pair_load(&p, 1, &b);
    pair_load(&p, 0, &a);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    pair_planes(&p, 0, true, true);
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    must_carry(0, PLANE_KERNEL);
    must_carry(1, PLANE_USER);
    pair_planes(&p, 0, true, false); /* and ends when it goes */
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].policies, 0);
}

/* ---- what the kernel does not take */

static void must_end_with(enum dataplane_kind kind, uint64_t child, uint64_t policy, const char *why)
{
    struct input in = {
        .kind = INPUT_DATAPLANE,
        .dataplane = {.kind = kind, .child_id = child, .policy_id = policy, .why = why}
    };
    pair_input(&p, 0, &in);
    pair_run(&p);
}

static void what_the_kernel_does_not_take_is_deleted_and_told(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    two_planes();
    up(&a, &b);
    assert_false(p.side[0].is_done); /* the kernel may still complain */
    must_end_with(DP_FAILED, p.side[0].sas[0].child_id, 0, "no such cipher");
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_GENERIC);
    assert_string_equal(p.side[0].done.what, "child net cannot be installed: no such cipher");
    assert_int_equal(p.side[0].alerts[ALERT_INSTALL_SA_FAILED], 1);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_children(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
        assert_int_equal(p.side[side].policies, 0);
    }
    assert_true(pair_logged(&p, 1, "the peer deleted child net"));
    pair_advance(&p, 120 * TIME_SECOND); /* and not tried again: a command asked for it */
    assert_int_equal(p.side[0].ups, 1);
}

static void a_command_is_over_when_the_kernel_has_not_complained(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    two_planes();
    up(&a, &b);
    assert_false(p.side[0].is_done);
    pair_advance(&p, 20 * TIME_MS);
    assert_false(p.side[0].is_done); /* it may have to load something first */
    must_end_with(DP_SETTLED, 0, 0, NULL);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static void a_kernel_that_says_nothing_is_not_waited_for(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    two_planes();
    up(&a, &b);
    assert_false(p.side[0].is_done);
    pair_advance(&p, 1100 * TIME_MS);
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static void a_policy_that_is_not_taken_ends_its_child(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    two_planes();
    up(&a, &b);
    must_end_with(DP_FAILED, 0, p.side[0].last_policy.id, "no room");
    assert_string_equal(p.side[0].done.what, "the policies of child net cannot be installed: no room");
    assert_int_equal(p.side[0].alerts[ALERT_INSTALL_POLICY_FAILED], 1);
    assert_int_equal(pair_children(&p, 1), 0);
    must_end_with(DP_FAILED, 0, 4711, "no such policy");
}

static void a_trap_that_is_not_taken_is_not_there(void **state)
{
    (void)state;
    const struct pair_spec a = {.tweak = trapped};
    two_planes();
    pair_load(&p, 0, &a);
    assert_int_equal(p.side[0].policies, 1);
    must_end_with(DP_FAILED, 0, p.side[0].last_trap.id, "no room");
    assert_int_equal(p.side[0].policies, 0);
    assert_true(pair_logged(&p, 0, "the trap of child net cannot be installed: no room"));
}

/* Whenever a child comes up, the kernel does not take it. */
static unsigned fails_for(int64_t span)
{
    unsigned n = 0;
    int64_t end = p.now.mono + span;
    while (p.now.mono < end) {
        const struct pair_side *s = &p.side[0];
        if (s->n_sas && s->sas[s->n_sas - 1].plane == PLANE_KERNEL && pair_children(&p, 0)) {
            must_end_with(DP_FAILED, s->sas[s->n_sas - 1].child_id, 0, "no such cipher");
            n++;
        }
        pair_advance(&p, 100 * TIME_MS);
    }
    return n;
}

static void what_fails_again_and_again_is_tried_less_and_less(void **state)
{
    (void)state;
    const struct pair_spec a = {.starts = true, .retries_forever = true}, b = {0};
    two_planes();
    up(&a, &b);
    unsigned first = fails_for(60 * TIME_SECOND), later = fails_for(300 * TIME_SECOND);
    assert_in_range(first, 3, 8);
    assert_in_range(later, 3, 8); /* one a minute, and not for ever none */
    pair_advance(&p, 11 * 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_in_range(fails_for(60 * TIME_SECOND), 3, 8); /* it went well for long enough */
}

/* What the kernel finds SAs by: a policy that says another one finds none. */
static void carriers_are_alike_by_all_that_finds_their_sas(void **state)
{
    (void)state;
    const struct carrier one = {
        .plane = PLANE_KERNEL, .local = ip4(192, 0, 2, 1), .remote = ip4(192, 0, 2, 2), .mode = MODE_TUNNEL};
    struct carrier others[6] = {one, one, one, one, one, one};
    others[0].plane = PLANE_USER;
    others[1].local = ip4(192, 0, 2, 3);
    others[2].remote = ip4(192, 0, 2, 3);
    others[3].mode = MODE_BEET;
    others[4].is_ah = true;
    others[5].has_ipcomp = true;
    assert_true(planes_carry_alike(&one, &one));
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        assert_false(planes_carry_alike(&one, &others[i]) || planes_carry_alike(&others[i], &one));
    struct carrier user = others[0], moved = others[0];
    moved.local = ip4(192, 0, 2, 3);
    assert_true(planes_carry_alike(&user, &moved)); /* whose policies have no addresses */
}

static void what_vanishes_is_made_anew(void **state)
{
    (void)state;
    const struct pair_spec a = {0}, b = {0};
    two_planes();
    up(&a, &b);
    uint64_t child = p.side[0].sas[0].child_id;
    must_end_with(DP_HARD_EXPIRE, child, 0, "it was flushed");
    pair_advance(&p, TIME_SECOND);
    assert_true(pair_logged(&p, 0, "child net is lost: it was flushed"));
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_int_not_equal(p.side[0].sas[0].child_id, child);
    assert_true(pair_traffic_fits(&p));
    assert_int_equal(p.side[0].n_sas, 2);
}

static void with_a_class(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->dscp = 2;
}

static void a_reload_that_changes_the_plane_moves_the_children_and_no_ike_sa(void **state)
{
    (void)state;
    struct pair_spec a = {.starts = true, .retries_forever = true, .hash = 1}, b = {0};
    two_planes();
    up(&a, &b);
    must_carry(0, PLANE_KERNEL);
    uint64_t ike = view(0).id;
    a.tweak = with_a_class;
    a.second_local_ts = "10.3.0.0/16";
    a.second_remote_ts = "10.4.0.0/16";
    pair_load(&p, 0, &a);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(view(0).id, ike);
    assert_true(pair_logged(&p, 0, "connection net is carried in userspace: it needs traffic classes"));
    assert_true(pair_children(&p, 0) > 0);
    must_carry(0, PLANE_USER);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(the_records_of_the_kernels_children_are_whole),
        ROW(userspaces_records_know_nothing_of_the_kernel),
        ROW(numbers_and_policies_outlive_rekeys),
        ROW(a_trap_of_the_kernel_says_where_its_tunnel_will_lead),
        ROW(interfaces_and_marks_are_led_to_by_their_owners),
        ROW(a_barrier_before_the_peer_says_whose_it_is),
        ROW(a_barrier_before_the_peer_leads_to_the_interface),
        ROW(to_an_interface_of_ours_lead_routes_of_ours),
        ROW(policies_and_routes_follow_without_a_gap),
        ROW(what_moves_to_tcp_comes_back_in_userspace),
        ROW(what_cannot_be_is_not_begun),
        ROW(who_asks_for_what_cannot_be_is_refused),
        ROW(who_comes_in_tcp_is_refused_where_only_the_kernel_may),
        ROW(a_refused_child_has_no_trap),
        ROW(what_the_kernel_does_not_take_is_deleted_and_told),
        ROW(a_command_is_over_when_the_kernel_has_not_complained),
        ROW(a_kernel_that_says_nothing_is_not_waited_for),
        ROW(a_policy_that_is_not_taken_ends_its_child),
        ROW(a_trap_that_is_not_taken_is_not_there),
        ROW(what_fails_again_and_again_is_tried_less_and_less),
        ROW(carriers_are_alike_by_all_that_finds_their_sas),
        ROW(what_vanishes_is_made_anew),
        ROW(when_the_kernel_comes_what_waits_for_it_begins),
        ROW(a_reload_that_changes_the_plane_moves_the_children_and_no_ike_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
