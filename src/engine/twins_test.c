/* SPDX-License-Identifier: Apache-2.0 */
/* Several connections between the same two identities (RFC 7296 sections 2.4, 2.9): INITIAL_CONTACT, which
 * connection is meant, a child of one in the IKE SA of another. And a connection whose peer has no address.
 */
#include "support/pair_fixture.h"
#include "support/test.h"

#define FAR "10.8.0.0/16"

/* Side s gets "net", and "two" with the same peer and another network behind side 1. */
static void load_two(int side, const struct pair_spec *s, void (*tweak)(struct connection *second))
{
    struct config *c = pair_config(side, s);
    struct connection *two = arena_alloc(c->arena, sizeof(*two));
    struct child_config *child = arena_alloc(c->arena, sizeof(*child));
    struct ts *far = arena_alloc(c->arena, sizeof(*far));
    const char *err;
    *two = *c->connections[0];
    *child = two->children[0];
    assert_true(ts_parse(FAR, far, &err));
    child->name = "far";
    *(side ? &child->local_ts : &child->remote_ts) = far;
    two->name = "two";
    two->hash = 2;
    two->children = child;
    if (tweak)
        tweak(two);
    const struct connection **v = arena_calloc(c->arena, 2, sizeof(*v));
    v[side] = c->connections[0]; /* in another order on each side */
    v[1 - side] = two;
    c->connections = v;
    c->n_connections = 2;
    pair_input(&p, side, &(struct input){.kind = INPUT_CONFIG, .config = c});
}

static void bring_up(const char *connection)
{
    pair_command(&p, 0, COMMAND_INITIATE, connection, NULL);
    pair_run(&p);
}

static void assert_up(size_t ikes, size_t children)
{
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), ikes);
        assert_int_equal(pair_children(&p, side), children);
    }
}

static void two_tunnels_between_the_same_gateways_live_side_by_side(void **state)
{
    (void)state;
    load_two(0, &(struct pair_spec){0}, NULL);
    load_two(1, &(struct pair_spec){0}, NULL);
    bring_up("net");
    assert_up(1, 1);
    bring_up("two");
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_up(2, 2);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_up(1, 1);
    struct ike_view v;
    for (int side = 0; side < 2; side++) {
        assert_true(engine_ike_at(p.side[side].e, 0, &v));
        assert_string_equal(v.connection, "two");
    }
}

static void who_starts_anew_takes_all_its_old_sas_along(void **state)
{
    (void)state;
    load_two(0, &(struct pair_spec){0}, NULL);
    load_two(1, &(struct pair_spec){0}, NULL);
    bring_up("net");
    bring_up("two");
    pair_advance(&p, TIME_SECOND);
    pair_restart(&p, 0);
    load_two(0, &(struct pair_spec){0}, NULL);
    bring_up("net");
    assert_up(1, 1);
    assert_true(pair_logged(&p, 1, "has started anew"));
}

/* "net" has sent its IKE_AUTH, with INITIAL_CONTACT; it, or the answer, is lost. */
static void begin_net(bool request_arrives)
{
    load_two(0, &(struct pair_spec){0}, NULL);
    load_two(1, &(struct pair_spec){0}, NULL);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    while (request_arrives ? pair_ikes(&p, 1) == 0 : p.sent < 3)
        assert_true(pair_deliver(&p));
    p.n_wire = 0;
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), request_arrives);
    pair_advance(&p, TIME_SECOND);
    bring_up("two");
}

/* Not even an IKE SA whose IKE_AUTH has not been answered: it may stand at the peer. */
static void nobody_is_called_lost_while_another_authenticates(void **state)
{
    (void)state;
    begin_net(true);
    assert_int_equal(pair_ikes(&p, 1), 1); /* it waits */
    pair_advance(&p, 30 * TIME_SECOND);
    assert_up(2, 2);
}

/* A peer that believes INITIAL_CONTACT whenever it reads it would take down what came up in between. */
static void nobody_comes_up_between_initial_contact_and_its_answer(void **state)
{
    (void)state;
    begin_net(false);
    assert_int_equal(pair_ikes(&p, 0), 0);
    assert_int_equal(pair_ikes(&p, 1), 0);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_up(2, 2);
}

static void who_waits_for_initial_contact_goes_on_when_its_sender_ends(void **state)
{
    (void)state;
    begin_net(false);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_up(1, 1);
    struct ike_view v;
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_string_equal(v.connection, "two");
}

/* ---- a guest: "other" at side 0 is of "net", and of "two" at side 1 */

static const struct pair_spec wants_both = {.second_local_ts = "10.1.0.0/16", .second_remote_ts = FAR};

static void a_child_of_another_connection_may_live_in_an_ike_sa(void **state)
{
    (void)state;
    pair_load(&p, 0, &wants_both);
    load_two(1, &(struct pair_spec){0}, NULL);
    bring_up("net");
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
    assert_up(1, 2);
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[1].e, 0, &v) && engine_child_at(p.side[1].e, v.id, 1, &c));
    assert_string_equal(v.connection, "net");
    assert_string_equal(c.connection, "two");
    pair_command(&p, 0, COMMAND_REKEY, "net", "other");
    pair_command(&p, 1, COMMAND_REKEY, "two", NULL);
    pair_advance(&p, 20 * TIME_SECOND);
    pair_command(&p, 1, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_up(1, 2);
    assert_true(p.side[1].child_rekeys >= 1 && p.side[1].ike_rekeys == 1);
    pair_command(&p, 1, COMMAND_TERMINATE, "two", NULL);
    pair_run(&p);
    assert_up(1, 1);
}

static void a_guest_goes_with_its_connection(void **state)
{
    (void)state;
    pair_load(&p, 0, &wants_both);
    load_two(1, &(struct pair_spec){0}, NULL);
    bring_up("net");
    assert_up(1, 2);
    pair_load(&p, 1, &(struct pair_spec){0});
    pair_run(&p);
    assert_up(1, 1);
    /* and nobody makes it again of what was configured then */
    pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
    pair_run(&p);
    assert_int_equal(p.side[0].done.class, FAIL_SELECTORS);
}

static void demand_long_keys(struct connection *second)
{
    second->remote.min_rsa_bits = 4096;
}

static void demand_another_peer(struct connection *second)
{
    static const uint8_t ip[4] = {203, 0, 113, 9};
    second->remote.id = (struct identity){.type = ID_IPV4_ADDR, .data = span_of(ip, 4)};
}

static void demand_a_ppk(struct connection *second)
{
    second->ppk_required = true;
}

static void demand_other_algorithms(struct connection *second)
{
    static struct proposal other;
    struct diag d = {0};
    assert_true(proposal_parse(PROTO_IKE, "aes128-sha512-modp4096", &other, &d));
    second->proposals = (struct proposal_list){.v = &other, .n = 1};
}

static void a_connection_with_other_demands_lends_no_child(void **state)
{
    void (*const demands[])(struct connection *) = {demand_long_keys, demand_another_peer, demand_a_ppk,
                                                    demand_other_algorithms};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(demands); i++) {
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        pair_load(&p, 0, &wants_both);
        load_two(1, &(struct pair_spec){0}, demands[i]);
        pair_command(&p, 0, COMMAND_INITIATE, "net", "net");
        pair_run(&p);
        pair_command(&p, 0, COMMAND_INITIATE, "net", "other");
        pair_run(&p);
        assert_int_equal(p.side[0].done.class, FAIL_SELECTORS);
        assert_up(1, 1);
    }
}

/* ---- no address */

static void a_peer_without_an_address_is_not_called_back(void **state)
{
    (void)state;
    const struct pair_spec waits = {.accepts_any_peer = true,
                                    .dpd_delay = 10 * TIME_SECOND,
                                    .dpd_action = DPD_RESTART,
                                    .retries_forever = true};
    pair_load(&p, 0, &(struct pair_spec){0});
    pair_load(&p, 1, &waits);
    bring_up("net");
    assert_up(1, 1);
    p.is_cut = true;
    pair_advance(&p, 300 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 0);
    assert_false(pair_logged(&p, 1, "no address"));
    pair_command(&p, 1, COMMAND_INITIATE, "net", NULL); /* who asks is told */
    assert_true(p.side[1].is_done);
    assert_int_equal(p.side[1].done.class, FAIL_UNREACHABLE);
    assert_true(pair_logged(&p, 1, "no address"));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(two_tunnels_between_the_same_gateways_live_side_by_side),
        T(who_starts_anew_takes_all_its_old_sas_along),
        T(nobody_is_called_lost_while_another_authenticates),
        T(nobody_comes_up_between_initial_contact_and_its_answer),
        T(who_waits_for_initial_contact_goes_on_when_its_sender_ends),
        T(a_child_of_another_connection_may_live_in_an_ike_sa),
        T(a_guest_goes_with_its_connection),
        T(a_connection_with_other_demands_lends_no_child),
        T(a_peer_without_an_address_is_not_called_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
