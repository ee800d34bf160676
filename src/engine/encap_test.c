/* SPDX-License-Identifier: Apache-2.0 */
/* ESP in UDP without a NAT (encap): who asks for it, who follows, what it costs an idle tunnel, and what
 * becomes of it where UDP port 4500 does not pass. Two engines back to back. */
#include "engine/impl.h"
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static const struct pair_spec is_auto = {.encap = ENCAP_AUTO, .dpd_delay = 10 * TIME_SECOND},
                              is_no = {.encap = ENCAP_NO, .dpd_delay = 10 * TIME_SECOND},
                              is_yes = {.encap = ENCAP_YES, .dpd_delay = 10 * TIME_SECOND};

static bool not_4500(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return !k->is_natt;
}

static bool goes_in_udp(void)
{
    assert_true(pair_traffic_fits(&p));
    return pair_newest_out(&p, 0)->has_encap;
}

static struct ike_view view(int side)
{
    struct ike_view v;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    return v;
}

static void either_end_that_asks_gets_udp_and_nobody_is_taken_for_hidden(void **state)
{
    static const struct {
        const struct pair_spec *a, *b;
        bool in_udp;
    } rows[] = {
        {&is_no,   &is_no,   false},
        {&is_auto, &is_auto, true },
        {&is_auto, &is_no,   true },
        {&is_no,   &is_auto, true },
        {&is_yes,  &is_no,   true },
        {&is_no,   &is_yes,  true },
        {&is_auto, &is_yes,  true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        teardown(state);
        setup(state);
        up(rows[i].a, rows[i].b);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        assert_int_equal(goes_in_udp(), rows[i].in_udp);
        for (int side = 0; side < 2; side++) {
            struct ike_view v = view(side);
            assert_int_equal(v.has_fake_nat, rows[i].in_udp);
            assert_false(v.has_nat_local || v.has_nat_remote);
            assert_int_equal(v.local.port, rows[i].in_udp ? 4500 : 500);
            assert_int_equal(v.remote.port, rows[i].in_udp ? 4500 : 500);
            assert_int_equal(pair_newest_out(&p, side)->remote.port, rows[i].in_udp ? 4500 : 500);
        }
    }
}

static void the_log_says_why(void **state)
{
    (void)state;
    up(&is_auto, &is_no);
    assert_true(pair_logged(&p, 0, "ESP will go in UDP: encap = auto"));
    assert_true(pair_logged(&p, 1, "ESP will go in UDP: the peer asks for it"));
}

static void udp_by_choice_needs_no_keepalives(void **state)
{
    (void)state;
    up(&is_auto, &is_auto);
    pair_advance(&p, 3600 * TIME_SECOND);
    assert_true(goes_in_udp());
    assert_int_equal(p.side[0].keepalives, 0);
    assert_int_equal(p.side[1].keepalives, 0);
}

static void udp_outlives_a_rekeying_of_both(void **state)
{
    (void)state;
    up(&is_auto, &is_auto);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    assert_int_equal(p.side[0].child_rekeys, 1);
    assert_true(goes_in_udp());
    assert_true(view(0).has_fake_nat && view(1).has_fake_nat);
    assert_int_equal(p.side[0].keepalives + p.side[1].keepalives, 0);
}

static void a_responder_without_nat_traversal_gets_protocol_50(void **state)
{
    (void)state;
    p.side[1].holds_jobs = true;
    up(&is_auto, &is_auto);
    struct ike_sa *sa = rogue_sa(&p, 1);
    sa->does_natt = sa->has_fake_nat = false; /* it did not look at the payloads, and sends none */
    p.side[1].holds_jobs = false;
    pair_release_jobs(&p, 1);
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_false(goes_in_udp());
    assert_int_equal(view(0).remote.port, 500);
    assert_true(pair_logged(&p, 0, "ESP will go as protocol 50: the peer does no NAT traversal"));
}

static void an_initiator_without_nat_traversal_gets_protocol_50(void **state)
{
    (void)state;
    pair_load(&p, 0, &is_auto);
    p.side[0].e->blocked[3] = (struct blocked){.peer = p.side[1].ip, .until = TIME_NEVER};
    up(&is_auto, &is_yes);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_false(goes_in_udp());
    assert_int_equal(view(1).remote.port, 500);
    assert_true(pair_logged(&p, 1, "ESP will go as protocol 50: the peer does no NAT traversal"));
}

/* One command, one answer: the user learns from the log that it was tried twice. */
static void where_port_4500_is_shut_auto_goes_on_without(void **state)
{
    const struct pair_spec *const peers[] = {&is_auto, &is_no};
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        teardown(state);
        setup(state);
        p.filter = not_4500;
        up(&is_auto, peers[i]);
        assert_false(p.side[0].is_done);
        pair_advance(&p, 30 * TIME_SECOND);
        assert_true(p.side[0].is_done);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        assert_false(goes_in_udp());
        assert_true(pair_logged(&p, 0, "UDP port 4500 does not seem to pass"));
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(pair_ikes(&p, 0), 1);
        assert_int_equal(pair_ikes(&p, 1), 1);
    }
}

/* An initiator that knows no auto tries port 4500 again and again, as long as the responder asks for it. */
static void a_responder_does_not_ask_again_for_what_did_not_pass(void **state)
{
    (void)state;
    p.filter = not_4500;
    up(&is_no, &is_auto);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_false(p.side[0].is_done);
    pair_advance(&p, 10 * TIME_SECOND); /* it has begun anew */
    assert_true(p.side[0].is_done);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_false(goes_in_udp());
    assert_true(pair_logged(&p, 1, "not asking for ESP in UDP"));
}

static void a_shut_port_is_tried_again_after_an_hour_and_when_it_was_not_the_reason(void **state)
{
    (void)state;
    p.filter = not_4500;
    up(&is_auto, &is_auto);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_false(goes_in_udp());
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    p.filter = NULL;
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_false(goes_in_udp());
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_advance(&p, 3600 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_true(goes_in_udp());
}

static bool first_exchange_only(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[18] == EXCHANGE_IKE_SA_INIT;
}

static void silence_on_either_port_fails_and_blames_none(void **state)
{
    (void)state;
    p.filter = first_exchange_only;
    up(&is_auto, &is_no);
    pair_advance(&p, 400 * TIME_SECOND);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    p.filter = NULL;
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_true(goes_in_udp());
}

static bool through_nat(void *ctx, struct pair_packet *k)
{
    bool *is_shut = ctx;
    struct endpoint *outside = k->from == 0 ? &k->src : &k->dst;
    outside->ip = k->from == 0 ? ip4(203, 0, 113, 9) : ip4(192, 0, 2, 1);
    return !*is_shut || !k->is_natt;
}

static void a_real_nat_is_seen_behind_the_choice(void **state)
{
    (void)state;
    struct pair_spec a = {.encap = ENCAP_AUTO, .local_id = "@a", .remote_id = "@b"};
    struct pair_spec b = a;
    bool is_shut = false;
    b.accepts_any_peer = true;
    b.local_id = "@b";
    b.remote_id = "@a";
    p.filter = through_nat;
    p.ctx = &is_shut;
    up(&a, &b);
    assert_true(goes_in_udp());
    assert_true(view(0).has_nat_local && view(1).has_nat_remote);
    assert_false(view(0).has_nat_remote || view(1).has_nat_local);
    pair_advance(&p, 100 * TIME_SECOND);
    assert_true(p.side[0].keepalives >= 4);
    assert_int_equal(p.side[1].keepalives, 0);
}

/* Protocol 50 does not pass a NAT: there is nothing to fall back to. */
static void behind_a_real_nat_auto_never_gives_up_port_4500(void **state)
{
    (void)state;
    struct pair_spec a = {.encap = ENCAP_AUTO, .local_id = "@a", .remote_id = "@b"};
    struct pair_spec b = {.accepts_any_peer = true, .local_id = "@b", .remote_id = "@a"};
    bool is_shut = true;
    p.filter = through_nat;
    p.ctx = &is_shut;
    up(&a, &b);
    pair_advance(&p, 400 * TIME_SECOND);
    assert_int_equal(p.side[0].done.class, FAIL_UNREACHABLE);
    assert_false(pair_logged(&p, 0, "Starting again"));
}

static void kernel_data_plane(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)conn;
    (void)children;
    c->settings.dataplane = DATAPLANE_KERNEL;
}

static void other_ports(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->remote_port = 600;
}

static void auto_asks_only_where_it_helps_and_the_peer_can_follow(void **state)
{
    (void)state;
    struct pair_spec kernel = {.encap = ENCAP_AUTO, .tweak = kernel_data_plane};
    struct pair_spec odd = {.encap = ENCAP_AUTO, .tweak = other_ports};
    for (int side = 0; side < 2; side++)
        pair_planes(&p, side, true, true);
    up(&kernel, &is_no);
    assert_false(goes_in_udp());
    teardown(state);
    setup(state);
    up(&odd, &is_no);
    assert_false(goes_in_udp());
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
    const struct CMUnitTest tests[] = {
        T(either_end_that_asks_gets_udp_and_nobody_is_taken_for_hidden),
        T(the_log_says_why),
        T(udp_by_choice_needs_no_keepalives),
        T(udp_outlives_a_rekeying_of_both),
        T(a_responder_without_nat_traversal_gets_protocol_50),
        T(an_initiator_without_nat_traversal_gets_protocol_50),
        T(where_port_4500_is_shut_auto_goes_on_without),
        T(a_responder_does_not_ask_again_for_what_did_not_pass),
        T(a_shut_port_is_tried_again_after_an_hour_and_when_it_was_not_the_reason),
        T(silence_on_either_port_fails_and_blames_none),
        T(a_real_nat_is_seen_behind_the_choice),
        T(behind_a_real_nat_auto_never_gives_up_port_4500),
        T(auto_asks_only_where_it_helps_and_the_peer_can_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
