/* SPDX-License-Identifier: Apache-2.0 */
/* A reload, with one connection of several children: what did not change keeps its SAs, traps and routes and
 * sees nothing of it; what did goes alone, and politely; the IKE SA stays and knows what is configured now.
 */
#include "support/pair_fixture.h"
#include "support/test.h"
#include <stdio.h>

#define KIDS 6

struct kid {
    const char *name; /* NULL: none */
    int net;          /* behind the peer: 10.NET.0.0/16 */
    uint64_t hash;
    enum start_action start;
};

static const struct kid *kids;
static const char *called;
static int loading;
static uint64_t loads;

static const struct ts *net(struct arena *a, int n)
{
    struct ts *t = arena_alloc(a, sizeof(*t));
    const char *err;
    char text[32];
    snprintf(text, sizeof(text), "10.%d.0.0/16", n);
    assert_true(ts_parse(text, t, &err));
    return t;
}

static void set(struct config *c, struct connection *conn, struct child_config *one)
{
    struct child_config *v = arena_calloc(c->arena, KIDS, sizeof(*v));
    conn->n_children = 0;
    conn->children = v;
    conn->hash += 1000 * ++loads; /* over the children as well: does not count */
    conn->unique = UNIQUE_NEVER;  /* two connections with one peer do not replace each other */
    if (called)
        conn->name = called;
    for (size_t i = 0; i < KIDS && kids[i].name; i++) {
        struct child_config *k = &v[conn->n_children++];
        *k = *one;
        k->name = kids[i].name;
        k->hash = kids[i].hash;
        k->start_action = kids[i].start;
        k->local_ts = net(c->arena, loading ? kids[i].net : 1);
        k->remote_ts = net(c->arena, loading ? 1 : kids[i].net);
    }
}

static struct config *with(int side, const struct kid *v, uint64_t hash)
{
    kids = v;
    loading = side;
    return pair_config(side, &(struct pair_spec){.tweak = set, .hash = hash});
}

static void load_kids(int side, const struct kid *v)
{
    pair_input(&p, side, &(struct input){.kind = INPUT_CONFIG, .config = with(side, v, 0)});
}

static const struct kid all[KIDS] = {
    {"a", 2, 1, START_NONE},
    {"b", 3, 1, START_NONE},
    {"c", 4, 1, START_NONE},
    {"d", 5, 1, START_NONE},
    {"e", 6, 1, START_NONE},
};

static const struct kid three[KIDS] = {
    {"a", 2, 1, START_START},
    {"b", 3, 1, START_START},
    {"c", 4, 1, START_START},
};

/* One stays and moves to another place, one changes, one goes, one comes. */
static const struct kid later[KIDS] = {
    {"c", 4, 1, START_START},
    {"d", 5, 1, START_START},
    {"a", 6, 2, START_START},
};

static struct child_view view(int side, const char *name)
{
    struct ike_view ike;
    struct child_view c, none = {0};
    for (size_t i = 0; engine_ike_at(p.side[side].e, i, &ike); i++) {
        for (size_t k = 0; engine_child_at(p.side[side].e, ike.id, k, &c); k++) {
            if (strcmp(c.name, name) == 0 && c.state == CHILD_INSTALLED)
                return c;
        }
    }
    return none;
}

static bool is_up(int side, const char *name)
{
    return view(side, name).id != 0;
}

static struct ike_view only_ike(int side)
{
    struct ike_view v, other;
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    assert_false(engine_ike_at(p.side[side].e, 1, &other));
    return v;
}

static void bring_up(const struct kid *v)
{
    called = NULL;
    load_kids(1, all);
    load_kids(0, v);
    pair_run(&p);
}

static uint64_t route_to(int n, bool is_unreachable)
{
    for (size_t i = 0; i < p.side[0].n_routes; i++) {
        const struct pair_route *r = &p.side[0].routes[i];
        if (r->is_live && r->route.dst.ip.b[1] == n && r->route.is_unreachable == is_unreachable)
            return r->route.id;
    }
    return 0;
}

static void what_did_not_change_keeps_its_sas_and_the_ike_sa_stays(void **state)
{
    (void)state;
    bring_up(three);
    assert_int_equal(pair_children(&p, 0), 3);
    struct ike_view before = only_ike(0);
    struct child_view a = view(0, "a"), c = view(0, "c");
    load_kids(0, later);
    pair_run(&p);
    struct ike_view after = only_ike(0);
    assert_int_equal(after.id, before.id);
    assert_int_equal(only_ike(1).n_children, 3);
    assert_int_equal(view(0, "c").id, c.id);
    assert_int_equal(view(0, "c").spi_in, c.spi_in);
    assert_int_equal(view(0, "c").spi_out, c.spi_out);
    assert_true(is_up(0, "a") && view(0, "a").id != a.id);
    assert_true(is_up(0, "d") && !is_up(0, "b"));
    assert_false(is_up(1, "b")); /* it was told */
    assert_int_equal(p.side[0].ike_downs, 0);
    assert_int_equal(p.side[0].downs, 2);
    assert_true(pair_logged(&p, 0, "child a of connection net has changed"));
    assert_true(pair_logged(&p, 0, "child b of connection net is not configured any more"));
    assert_true(pair_logged(&p, 0, "child d of connection net is new"));
    assert_false(pair_logged(&p, 0, "child c of"));
    assert_true(pair_traffic_fits(&p));
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 3);
}

static void routes_and_barriers_of_what_stays_are_not_touched(void **state)
{
    (void)state;
    bring_up(three);
    uint64_t tunnel = route_to(4, false), barrier = route_to(4, true);
    assert_true(tunnel && barrier && route_to(3, true));
    size_t n = p.side[0].n_routes;
    load_kids(0, later);
    pair_run(&p);
    assert_int_equal(route_to(4, false), tunnel);
    assert_int_equal(route_to(4, true), barrier);
    assert_int_equal(route_to(3, true), 0);
    assert_int_equal(route_to(3, false), 0);
    assert_true(route_to(5, true) && route_to(6, true));
    assert_true(p.side[0].n_routes > n);
}

/* The same networks, other settings: the barrier is the one that was there. */
static void a_changed_child_leaves_no_gap(void **state)
{
    const struct kid changed[KIDS] = {
        {"a", 2, 2, START_START},
        {"b", 3, 1, START_START},
    };
    (void)state;
    bring_up(three);
    uint64_t barrier = route_to(2, true);
    struct child_view b = view(0, "b");
    load_kids(0, changed);
    assert_int_equal(route_to(2, true), barrier);
    assert_int_equal(route_to(2, false), 0);
    pair_run(&p);
    assert_int_equal(route_to(2, true), barrier);
    assert_true(route_to(2, false) != 0);
    assert_int_equal(view(0, "b").spi_in, b.spi_in);
}

static void a_reload_of_the_same_touches_nothing(void **state)
{
    (void)state;
    bring_up(three);
    struct child_view a = view(0, "a");
    unsigned sent = p.sent;
    size_t n = p.side[0].n_routes;
    load_kids(0, three);
    pair_run(&p);
    assert_int_equal(p.sent, sent);
    assert_int_equal(p.side[0].n_routes, n);
    assert_int_equal(view(0, "a").id, a.id);
}

/* Nothing keeps a snapshot that is not in force, however long the IKE SA lives. */
static void an_old_snapshot_is_given_back(void **state)
{
    (void)state;
    called = NULL;
    load_kids(1, all);
    struct config *first = config_ref(with(0, three, 0));
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = first});
    pair_run(&p);
    assert_true(first->refs > 1);
    load_kids(0, later);
    assert_true(first->refs > 1); /* what is being deleted */
    pair_run(&p);
    assert_int_equal(first->refs, 1);
    config_unref(first);
}

/* ---- the peer asks: what counts is what is configured now */

static struct diag asked_by_peer(const char *child)
{
    p.side[1].is_done = false;
    pair_command(&p, 1, COMMAND_INITIATE, "net", child);
    pair_run(&p);
    assert_true(p.side[1].is_done);
    return p.side[1].done;
}

static void the_peer_gets_a_child_that_was_added_and_none_that_was_removed(void **state)
{
    const struct kid now[KIDS] = {
        {"a", 2, 1, START_START},
        {"e", 6, 1, START_NONE },
    };
    (void)state;
    bring_up(three);
    uint64_t id = only_ike(0).id;
    load_kids(0, now);
    pair_run(&p);
    assert_int_equal(asked_by_peer("e").class, FAIL_NONE);
    assert_int_equal(asked_by_peer("b").class, FAIL_SELECTORS);
    assert_true(is_up(0, "e") && !is_up(0, "b"));
    assert_int_equal(only_ike(0).id, id);
    pair_command(&p, 0, COMMAND_REKEY, "net", "e");
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_true(p.side[0].child_rekeys >= 1 && p.side[0].ike_rekeys == 1);
}

/* ---- what is under way meanwhile */

static const struct kid without_b[KIDS] = {
    {"a", 2, 1, START_START},
    {"c", 4, 1, START_NONE },
};

static void an_exchange_under_way_makes_no_child_that_is_gone(void **state)
{
    const struct kid before[KIDS] = {
        {"a", 2, 1, START_START},
        {"b", 3, 1, START_NONE },
        {"c", 4, 1, START_NONE },
    };
    (void)state;
    for (int peer_asks = 0; peer_asks < 2; peer_asks++) {
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        bring_up(before);
        p.side[0].is_done = false;
        p.side[0].holds_jobs = peer_asks;
        pair_command(&p, peer_asks, COMMAND_INITIATE, "net", "b");
        load_kids(0, without_b);
        if (!peer_asks) {
            assert_true(p.side[0].is_done);
            assert_int_equal(p.side[0].done.class, FAIL_NOT_FOUND);
        }
        p.side[0].holds_jobs = false;
        pair_go_on(&p, 0);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(pair_children(&p, 0), 1);
        assert_int_equal(pair_children(&p, 1), 1);
        assert_true(is_up(0, "a") && is_up(1, "a"));
        pair_command(&p, 0, COMMAND_INITIATE, "net", "c");
        pair_run(&p);
        assert_true(is_up(0, "c"));
    }
}

static void the_rekeying_of_a_child_that_changes_comes_to_nothing(void **state)
{
    const struct kid changed[KIDS] = {
        {"a", 2, 2, START_START},
        {"b", 3, 1, START_START},
        {"c", 4, 1, START_START},
    };
    (void)state;
    for (int side = 0; side < 2; side++) {
        pair_restart(&p, 0);
        pair_restart(&p, 1);
        bring_up(three);
        uint64_t id = only_ike(0).id;
        struct child_view c = view(0, "c");
        pair_command(&p, side, COMMAND_REKEY, "net", "a");
        pair_command(&p, side, COMMAND_REKEY, "net", "b");
        load_kids(0, changed);
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(only_ike(0).id, id);
        assert_int_equal(pair_children(&p, 0), 3);
        assert_int_equal(pair_children(&p, 1), 3);
        assert_int_equal(view(0, "c").id, c.id);
        assert_true(pair_traffic_fits(&p));
        pair_command(&p, 0, COMMAND_REKEY, "net", "a"); /* the new one is as good as any */
        pair_advance(&p, 60 * TIME_SECOND);
        assert_int_equal(pair_children(&p, 1), 3);
    }
}

static void an_ike_sa_that_comes_up_after_the_reload_follows_it(void **state)
{
    (void)state;
    called = NULL;
    load_kids(1, all);
    load_kids(0, three);
    while (p.sent < 3) /* IKE_AUTH is under way */
        assert_true(pair_deliver(&p));
    load_kids(0, later);
    pair_advance(&p, 60 * TIME_SECOND);
    only_ike(0);
    assert_int_equal(pair_children(&p, 0), 3);
    assert_int_equal(pair_children(&p, 1), 3);
    assert_true(is_up(0, "a") && is_up(0, "c") && is_up(0, "d"));
    assert_int_equal(asked_by_peer("b").class, FAIL_SELECTORS);
}

/* ---- traps */

static void only_the_traps_of_what_changed_are_set_anew(void **state)
{
    const struct kid before[KIDS] = {
        {"a", 2, 1, START_TRAP},
        {"b", 3, 1, START_TRAP},
        {"c", 4, 1, START_TRAP},
    };
    const struct kid after[KIDS] = {
        {"c", 4, 1, START_TRAP},
        {"b", 3, 2, START_TRAP},
    };
    struct trap_view v = {0};
    uint64_t c_is = 0;
    (void)state;
    bring_up(before);
    while (engine_trap_next(p.side[0].e, &v))
        c_is = strcmp(v.child, "c") == 0 ? v.policy_id : c_is;
    assert_int_equal(p.side[0].traps, 3);
    load_kids(0, after);
    assert_int_equal(p.side[0].traps, 4);
    assert_int_equal(p.side[0].policies, 2);
    v = (struct trap_view){0};
    assert_true(engine_trap_next(p.side[0].e, &v));
    assert_string_equal(v.child, "c");
    assert_int_equal(v.policy_id, c_is);
    struct input in = {.kind = INPUT_DATAPLANE};
    in.dataplane.kind = DP_ACQUIRE;
    in.dataplane.policy_id = c_is;
    pair_input(&p, 0, &in);
    pair_run(&p);
    assert_true(is_up(0, "c"));
    assert_int_equal(pair_children(&p, 0), 1);
    pair_input(&p, 0, &(struct input){.kind = INPUT_SHUTDOWN});
    assert_int_equal(p.side[0].policies, 0);
    assert_int_equal(p.side[0].live_routes, 0);
}

/* ---- names: a connection of several conns of ipsec.conf has the name of the first */

static void a_connection_under_another_name_goes_on(void **state)
{
    const struct kid rest[KIDS] = {
        {"b", 3, 1, START_START},
        {"c", 4, 1, START_START},
    };
    (void)state;
    bring_up(three);
    uint64_t id = only_ike(0).id;
    struct child_view b = view(0, "b");
    called = "b"; /* "a" is gone */
    load_kids(0, rest);
    called = NULL;
    pair_run(&p);
    assert_int_equal(only_ike(0).id, id);
    assert_string_equal(only_ike(0).connection, "b");
    assert_string_equal(view(0, "c").connection, "b");
    assert_int_equal(view(0, "b").id, b.id);
    assert_int_equal(pair_children(&p, 1), 2);
    assert_true(pair_logged(&p, 0, "connection net is called b now"));
    pair_command(&p, 0, COMMAND_TERMINATE, "b", "c");
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
    pair_command(&p, 0, COMMAND_REKEY, "b", NULL);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 1), 1);
}

/* The first one gets other IKE settings, and is a connection of its own by the name of both. */
static void a_name_may_go_to_another_connection(void **state)
{
    const struct kid rest[KIDS] = {
        {"b", 3, 1, START_START},
        {"c", 4, 1, START_START},
    };
    const struct kid alone[KIDS] = {
        {"a", 2, 1, START_START},
    };
    (void)state;
    bring_up(three);
    uint64_t id = only_ike(0).id;
    struct child_view b = view(0, "b");
    struct config *c = with(0, alone, 2), *other;
    called = "b";
    other = with(0, rest, 0);
    called = NULL;
    const struct connection **v = arena_calloc(c->arena, 2, sizeof(*v));
    v[0] = c->connections[0];
    v[1] = other->connections[0]; /* whose snapshot is kept for that */
    c->connections = v;
    c->n_connections = 2;
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = c});
    pair_advance(&p, 60 * TIME_SECOND);
    struct ike_view ike;
    assert_true(engine_ike_find(p.side[0].e, id, &ike));
    assert_string_equal(ike.connection, "b");
    assert_int_equal(view(0, "b").id, b.id);
    assert_string_equal(view(0, "a").connection, "net");
    assert_int_equal(pair_children(&p, 0), 3);
    assert_int_equal(pair_ikes(&p, 0), 2);
    pair_deinit(&p); /* before what it points into */
    pair_init(&p);
    config_unref(other);
}

static void other_ike_settings_take_all_of_it_down(void **state)
{
    (void)state;
    bring_up(three);
    uint64_t id = only_ike(0).id;
    pair_input(&p, 0, &(struct input){.kind = INPUT_CONFIG, .config = with(0, three, 7)});
    assert_true(pair_logged(&p, 0, "connection net has changed"));
    pair_advance(&p, 60 * TIME_SECOND);
    assert_true(only_ike(0).id != id);
    assert_int_equal(pair_children(&p, 0), 3);
    assert_int_equal(pair_children(&p, 1), 3);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(what_did_not_change_keeps_its_sas_and_the_ike_sa_stays),
        T(routes_and_barriers_of_what_stays_are_not_touched),
        T(a_changed_child_leaves_no_gap),
        T(a_reload_of_the_same_touches_nothing),
        T(an_old_snapshot_is_given_back),
        T(the_peer_gets_a_child_that_was_added_and_none_that_was_removed),
        T(an_exchange_under_way_makes_no_child_that_is_gone),
        T(the_rekeying_of_a_child_that_changes_comes_to_nothing),
        T(an_ike_sa_that_comes_up_after_the_reload_follows_it),
        T(only_the_traps_of_what_changed_are_set_anew),
        T(a_connection_under_another_name_goes_on),
        T(a_name_may_go_to_another_connection),
        T(other_ike_settings_take_all_of_it_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
