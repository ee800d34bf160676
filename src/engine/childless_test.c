/* SPDX-License-Identifier: Apache-2.0 */
/* IKE SAs without a first child (RFC 6023): who says what, which of the four settings meet, and what the
 * children are that follow. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static enum childless wants[2];

static void set_childless(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)c;
    (void)children;
    conn->childless = wants[conn->local_addrs[0].from.b[3] - 1];
}

static const struct pair_spec two_children = {.tweak = set_childless,
                                              .esp = {"aes256gcm16-x25519"},
                                              .second_local_ts = "10.3.0.0/16",
                                              .second_remote_ts = "10.4.0.0/16"};

static void up_with(enum childless a, enum childless b)
{
    struct pair_spec s = two_children, t = two_children;
    t.second_local_ts = two_children.second_remote_ts;
    t.second_remote_ts = two_children.second_local_ts;
    wants[0] = a;
    wants[1] = b;
    up(&s, &t);
    pair_advance(&p, 5 * TIME_SECOND);
}

static void again(void)
{
    pair_deinit(&p);
    pair_init(&p);
}

static bool began_childless(void)
{
    return pair_logged(&p, 0, "the IKE SA begins without a child");
}

/* How many children had a key exchange of their own: those of IKE_AUTH cannot. */
static unsigned with_own_exchange(int side)
{
    unsigned n = 0;
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    for (size_t i = 0; engine_child_at(p.side[side].e, v.id, i, &c); i++)
        n += c.chosen.ke != 0;
    return n;
}

static void each_pair_of_settings_that_agree_comes_up(void **state)
{
    (void)state;
    static const struct {
        enum childless a, b;
        bool is_childless;
    } rows[] = {
        {CHILDLESS_ALLOW,  CHILDLESS_ALLOW,  false},
        {CHILDLESS_ALLOW,  CHILDLESS_NEVER,  false},
        {CHILDLESS_ALLOW,  CHILDLESS_PREFER, false},
        {CHILDLESS_NEVER,  CHILDLESS_ALLOW,  false},
        {CHILDLESS_NEVER,  CHILDLESS_NEVER,  false},
        {CHILDLESS_NEVER,  CHILDLESS_PREFER, false},
        {CHILDLESS_PREFER, CHILDLESS_ALLOW,  true },
        {CHILDLESS_PREFER, CHILDLESS_NEVER,  false},
        {CHILDLESS_PREFER, CHILDLESS_PREFER, true },
        {CHILDLESS_PREFER, CHILDLESS_FORCE,  true },
        {CHILDLESS_FORCE,  CHILDLESS_ALLOW,  true },
        {CHILDLESS_FORCE,  CHILDLESS_PREFER, true },
        {CHILDLESS_FORCE,  CHILDLESS_FORCE,  true },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        up_with(rows[i].a, rows[i].b);
        assert_int_equal(p.side[0].done.class, FAIL_NONE);
        assert_int_equal(began_childless(), rows[i].is_childless);
        for (int side = 0; side < 2; side++) {
            assert_int_equal(pair_ikes(&p, side), 1);
            assert_int_equal(pair_children(&p, side), 2);
            assert_int_equal(with_own_exchange(side), rows[i].is_childless ? 2 : 1);
        }
        assert_true(pair_traffic_fits(&p));
        again();
    }
}

static void expect_refused(const char *initiators, const char *responders)
{
    pair_advance(&p, 60 * TIME_SECOND);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    assert_true(p.side[0].is_done);
    assert_int_not_equal(p.side[0].done.class, FAIL_NONE);
    if (!pair_logged(&p, 0, initiators) || (responders && !pair_logged(&p, 1, responders)))
        fail_msg("%s\n%s", p.side[0].log, p.side[1].log);
}

static void force_meets_never(void **state)
{
    (void)state;
    up_with(CHILDLESS_FORCE, CHILDLESS_NEVER);
    expect_refused("the peer takes no IKE SA without a child, and connection net makes no other", NULL);
}

static void a_responder_that_forces_takes_no_child_with_ike_auth(void **state)
{
    (void)state;
    up_with(CHILDLESS_ALLOW, CHILDLESS_FORCE);
    expect_refused("INVALID_SYNTAX",
                   "the peer wants a child with IKE_AUTH, which connection net does not take");
}

/* Somebody on the way adds or removes the notify: AUTH covers the message. */
static bool bends_the_notify(void *ctx, struct pair_packet *k)
{
    const uint16_t from = *(const uint16_t *)ctx, to = from == 16418 ? 40001 : 16418;
    if (k->from != 1 || k->bytes[AT_EXCHANGE] != 34)
        return true;
    for (size_t i = 28; i + 1 < k->len; i++) {
        if (k->bytes[i] == from >> 8 && k->bytes[i + 1] == (from & 255)) {
            k->bytes[i] = (uint8_t)(to >> 8);
            k->bytes[i + 1] = (uint8_t)to;
            break;
        }
    }
    return true;
}

static void a_notify_that_was_removed_on_the_way_is_noticed(void **state)
{
    (void)state;
    static uint16_t from = 16418;
    p.filter = bends_the_notify;
    p.ctx = &from;
    up_with(CHILDLESS_PREFER, CHILDLESS_ALLOW);
    assert_false(began_childless());
    assert_int_equal(pair_ikes(&p, 0), 0); /* the responder's AUTH is over the message as it was */
    assert_int_equal(pair_children(&p, 0), 0);
}

/* What the connection that turns out to be meant takes counts, whatever was said in IKE_SA_INIT. */
static void a_childless_request_that_the_connection_does_not_take_is_refused(void **state)
{
    (void)state;
    wants[0] = CHILDLESS_PREFER;
    wants[1] = CHILDLESS_ALLOW;
    load(&two_children, &two_children);
    assert_true(pair_deliver(&p)); /* IKE_SA_INIT is answered */
    struct ike_sa *sa = rogue_sa(&p, 1);
    struct connection changed = *sa->conn, *in_snapshot = (struct connection *)(uintptr_t)sa->conn;
    changed.childless = CHILDLESS_NEVER;
    memcpy(in_snapshot, &changed, sizeof(changed));
    expect_refused("INVALID_SYNTAX",
                   "the peer wants an IKE SA without a child, which connection net does not take");
}

static bool loses_create_child_sa(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    return k->bytes[AT_EXCHANGE] != EXCHANGE_CREATE_CHILD_SA;
}

static void the_ike_sa_stands_without_its_child(void **state)
{
    (void)state;
    p.filter = loses_create_child_sa;
    up_with(CHILDLESS_PREFER, CHILDLESS_ALLOW);
    for (int side = 0; side < 2; side++) {
        assert_int_equal(pair_ikes(&p, side), 1);
        assert_int_equal(pair_children(&p, side), 0);
        assert_int_equal(p.side[side].n_sas, 0);
    }
    assert_false(p.side[0].is_done);
    p.filter = NULL;
    pair_advance(&p, 20 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_int_equal(p.side[0].done.class, FAIL_NONE);
}

static void a_child_that_is_refused_takes_the_ike_sa_along(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = set_childless, .esp = {"aes256gcm16-x25519"}};
    struct pair_spec t = {.tweak = set_childless, .esp = {"aes128-sha256-x25519"}};
    wants[0] = wants[1] = CHILDLESS_FORCE;
    up(&s, &t);
    expect_refused("NO_PROPOSAL_CHOSEN", NULL);
}

static void reauthentication_has_its_children_before_the_old_ones_go(void **state)
{
    (void)state;
    struct pair_spec s = two_children, t = two_children;
    t.second_local_ts = two_children.second_remote_ts;
    t.second_remote_ts = two_children.second_local_ts;
    s.ike_reauth = 600 * TIME_SECOND;
    s.ike_over = 60 * TIME_SECOND;
    wants[0] = wants[1] = CHILDLESS_PREFER;
    up(&s, &t);
    pair_advance(&p, 5 * TIME_SECOND);
    for (int i = 0; i < 120; i++) {
        pair_advance(&p, 10 * TIME_SECOND);
        assert_true(pair_children(&p, 0) >= 2 && pair_children(&p, 1) >= 2);
    }
    assert_true(p.side[0].ike_ups >= 2);
    pair_advance(&p, 6 * TIME_SECOND); /* late packets of those before are no longer taken */
    assert_int_equal(pair_ikes(&p, 0), 1);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_int_equal(p.side[0].n_sas, 4);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(each_pair_of_settings_that_agree_comes_up),
        T(force_meets_never),
        T(a_responder_that_forces_takes_no_child_with_ike_auth),
        T(a_notify_that_was_removed_on_the_way_is_noticed),
        T(a_childless_request_that_the_connection_does_not_take_is_refused),
        T(the_ike_sa_stands_without_its_child),
        T(a_child_that_is_refused_takes_the_ike_sa_along),
        T(reauthentication_has_its_children_before_the_old_ones_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
