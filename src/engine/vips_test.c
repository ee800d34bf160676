/* SPDX-License-Identifier: Apache-2.0 */
/* Virtual addresses between two engines: side 0 asks, side 1 has the pool. */
#include "support/pair_fixture.h"
#include "support/test.h"
#include <stdio.h>

static struct ip addr(const char *text)
{
    struct ip ip;
    if (!ip_parse(text, &ip))
        fail_msg("%s", text);
    return ip;
}

/* ---- configurations */

static void ask_for(struct config *c, struct connection *conn, const char *const *texts, size_t n)
{
    struct ip *v = arena_calloc(c->arena, n, sizeof(*v));
    for (size_t i = 0; i < n; i++)
        v[i] = addr(texts[i]);
    conn->vips = v;
    conn->n_vips = n;
}

static void asks_v4(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    ask_for(c, conn, (const char *const[]){"0.0.0.0"}, 1);
}

static void asks_both(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    ask_for(c, conn, (const char *const[]){"0.0.0.0", "::"}, 2);
}

static void asks_v6(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    ask_for(c, conn, (const char *const[]){"::"}, 1);
}

static void asks_for_seven(struct config *c, struct connection *conn, struct child_config *children)
{
    (void)children;
    ask_for(c, conn, (const char *const[]){"10.3.0.7"}, 1);
}

static void asks_and_yields(struct config *c, struct connection *conn, struct child_config *children)
{
    asks_v4(c, conn, children);
    children[0].peer_decides = true;
}

static void give(struct config *c, struct connection *conn, const char *const (*ranges)[2], size_t n)
{
    static const char *const names[] = {"office"};
    static const uint8_t dns[] = {10, 2, 0, 53}, net[] = {10, 2, 7, 0, 255, 255, 255, 0};
    struct ip_range *v = arena_calloc(c->arena, n, sizeof(*v));
    struct pool_attr *attrs = arena_calloc(c->arena, 3, sizeof(*attrs));
    for (size_t i = 0; i < n; i++)
        v[i] = (struct ip_range){addr(ranges[i][0]), addr(ranges[i][1])};
    attrs[0] = (struct pool_attr){.type = 3, .value = span_of(dns, 4), .key = "dns", .text = "10.2.0.53"};
    attrs[1] = (struct pool_attr){
        .type = 25, .value = span_str("corp.example"), .key = "domains", .text = "corp.example"};
    attrs[2] =
        (struct pool_attr){.type = 13, .value = span_of(net, 8), .key = "subnet", .text = "10.2.7.0/24"};
    c->pools = arena_calloc(c->arena, 1, sizeof(*c->pools));
    c->pools[0] =
        (struct pool_config){.name = "office", .ranges = v, .n_ranges = n, .attrs = attrs, .n_attrs = 3};
    c->n_pools = 1;
    conn->pools = names;
    conn->n_pools = 1;
}

static void gives_both(struct config *c, struct connection *conn, struct child_config *children)
{
    static const char *const v[][2] = {
        {"10.3.0.1", "10.3.0.100"},
        {"fd03::1",  "fd03::100" }
    };
    (void)children;
    give(c, conn, v, 2);
}

static void gives_one(struct config *c, struct connection *conn, struct child_config *children)
{
    static const char *const v[][2] = {
        {"10.3.0.1", "10.3.0.1"}
    };
    (void)children;
    give(c, conn, v, 1);
}

static const struct pair_spec client = {
    .local_id = "alice", .local_ts = "dynamic", .remote_ts = "0.0.0.0/0 ::/0", .tweak = asks_v4, .hash = 5};
static const struct pair_spec server = {.local_id = "gate",
                                        .local_ts = "10.2.0.0/16 fd02::/16",
                                        .remote_ts = "dynamic",
                                        .accepts_any_peer = true,
                                        .tweak = gives_both,
                                        .hash = 6};

/* ---- looking */

static void assert_child(int side, const char *local, const char *remote)
{
    struct ike_view v;
    struct child_view c;
    char a[256] = "", b[256] = "", one[TS_TEXT_MAX];
    assert_true(engine_ike_at(p.side[side].e, 0, &v));
    assert_true(engine_child_at(p.side[side].e, v.id, 0, &c));
    for (size_t i = 0; i < c.n_local_ts; i++)
        snprintf(a + strlen(a), sizeof(a) - strlen(a), "%s%s", i ? " " : "", ts_format(&c.local_ts[i], one));
    for (size_t i = 0; i < c.n_remote_ts; i++)
        snprintf(b + strlen(b), sizeof(b) - strlen(b), "%s%s", i ? " " : "", ts_format(&c.remote_ts[i], one));
    assert_string_equal(a, local);
    assert_string_equal(b, remote);
}

static void assert_online(size_t online, size_t offline)
{
    struct pool_view v;
    assert_true(pools_at(engine_pools(p.side[1].e), 0, &v));
    assert_int_equal(v.online, online);
    assert_int_equal(v.offline, offline);
}

static void assert_address(const char *text)
{
    char got[IP_TEXT_MAX];
    assert_int_equal(p.side[0].n_vips, 1);
    assert_string_equal(ip_format(p.side[0].vips[0], got), text);
}

static bool has_route(int side, const char *dst)
{
    char text[IP_TEXT_MAX];
    for (size_t i = 0; i < p.side[side].n_routes; i++) {
        const struct pair_route *r = &p.side[side].routes[i];
        bool is_tunnel = !r->route.is_unreachable && !r->route.is_exception;
        if (r->is_live && is_tunnel && strcmp(prefix_format(&r->route.dst, text), dst) == 0)
            return true;
    }
    return false;
}

static size_t barriers(int side)
{
    size_t n = 0;
    for (size_t i = 0; i < p.side[side].n_routes; i++)
        n += p.side[side].routes[i].is_live && p.side[side].routes[i].route.is_unreachable;
    return n;
}

/* ---- tests */

static void address_is_given_and_selectors_are_narrowed_to_it(void **state)
{
    (void)state;
    struct ike_view v;
    up(&client, &server);
    assert_child(0, "10.3.0.1/32", "10.2.0.0/16 fd02::/16");
    assert_child(1, "10.2.0.0/16 fd02::/16", "10.3.0.1/32");
    assert_true(pair_traffic_fits(&p));
    assert_address("10.3.0.1");
    assert_online(1, 0);
    assert_true(engine_ike_at(p.side[0].e, 0, &v));
    assert_int_equal(v.n_local_vips, 1);
    assert_int_equal(v.n_remote_vips, 0);
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_int_equal(v.n_remote_vips, 1);
    assert_true(has_route(0, "10.2.0.0/16"));
    assert_true(has_route(1, "10.3.0.1/32"));
}

static void both_families_are_given(void **state)
{
    (void)state;
    struct pair_spec c = client;
    c.tweak = asks_both;
    up(&c, &server);
    assert_child(0, "10.3.0.1/32 fd03::1/128", "10.2.0.0/16 fd02::/16");
    assert_int_equal(p.side[0].n_vips, 2);
    assert_online(2, 0);
}

static void address_that_is_asked_for_is_given(void **state)
{
    (void)state;
    struct pair_spec c = client;
    c.tweak = asks_for_seven;
    up(&c, &server);
    assert_address("10.3.0.7");
}

static void down_gives_everything_back(void **state)
{
    (void)state;
    up(&client, &server);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_vips, 0);
    assert_online(0, 1);
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_address("10.3.0.1");
    assert_online(1, 0);
}

static void rekeyed_ike_sa_has_the_address_still(void **state)
{
    (void)state;
    struct ike_view v;
    up(&client, &server);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_int_equal(p.side[0].ike_rekeys, 1);
    assert_address("10.3.0.1");
    assert_online(1, 0);
    assert_true(engine_ike_at(p.side[1].e, 0, &v));
    assert_int_equal(v.n_remote_vips, 1);
    pair_command(&p, 1, COMMAND_REKEY, NULL, "net"); /* a child that is made in the new one */
    pair_run(&p);
    assert_child(1, "10.2.0.0/16 fd02::/16", "10.3.0.1/32");
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].n_vips, 0);
    assert_online(0, 1);
}

static void authenticating_again_keeps_the_address(void **state)
{
    (void)state;
    struct pair_spec c = client;
    c.ike_reauth = 60 * TIME_SECOND;
    c.retries_forever = c.starts = true;
    pair_load(&p, 1, &server);
    pair_load(&p, 0, &c);
    pair_advance(&p, TIME_SECOND);
    assert_address("10.3.0.1");
    pair_advance(&p, 130 * TIME_SECOND);
    assert_true(p.side[0].ike_ups >= 3);
    assert_address("10.3.0.1");
    assert_online(1, 0);
}

static void client_that_crashed_gets_its_address_again(void **state)
{
    (void)state;
    up(&client, &server);
    pair_advance(&p, TIME_SECOND);
    pair_restart(&p, 0);
    up(&client, &server);
    assert_address("10.3.0.1");
    assert_online(1, 0);
    assert_int_equal(pair_ikes(&p, 1), 1);
}

static void full_pool_is_refused_and_logged(void **state)
{
    (void)state;
    struct pair_spec s = server, other = client;
    s.tweak = gives_one;
    up(&client, &s);
    pair_restart(&p, 0);
    other.local_id = "bob";
    up(&other, &s);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(p.side[0].n_vips, 0);
    assert_true(pair_logged(&p, 1, "pool office has no address left for bob: 1 of 1 in use"));
    assert_true(pair_logged(&p, 1, "try: more addresses"));
    assert_true(pair_logged(&p, 0, "INTERNAL_ADDRESS_FAILURE"));
    assert_true(p.side[0].is_done);
    assert_true(diag_failed(&p.side[0].done));
    assert_online(1, 0);
}

static void family_that_the_pool_has_not_is_refused(void **state)
{
    (void)state;
    struct pair_spec s = server, c = client;
    s.tweak = gives_one;
    c.tweak = asks_v6;
    up(&c, &s);
    assert_true(pair_logged(&p, 0, "INTERNAL_ADDRESS_FAILURE"));
    assert_int_equal(pair_children(&p, 0), 0);
    assert_online(0, 0);
}

/* [RFC7296#3.15.4] only if no addresses can be assigned */
static void one_family_of_two_is_enough(void **state)
{
    (void)state;
    struct pair_spec s = server, c = client;
    s.tweak = gives_one;
    c.tweak = asks_both;
    up(&c, &s);
    assert_child(0, "10.3.0.1/32", "10.2.0.0/16 fd02::/16");
}

static void who_needs_an_address_does_without_none(void **state)
{
    (void)state;
    struct pair_spec s = server;
    s.tweak = NULL;
    s.remote_ts = "0.0.0.0/0";
    up(&client, &s);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_true(pair_logged(&p, 0, "the peer gave no virtual address"));
    pair_advance(&p, 10 * TIME_SECOND);
    assert_int_equal(pair_children(&p, 1), 0);
}

/* Though the peer would let in a whole network. */
static void client_keeps_to_its_address(void **state)
{
    (void)state;
    struct pair_spec s = server;
    s.remote_ts = "10.3.0.0/24";
    up(&client, &s);
    assert_child(0, "10.3.0.1/32", "10.2.0.0/16 fd02::/16");
}

static void name_servers_come_and_go_with_the_address(void **state)
{
    (void)state;
    up(&client, &server);
    assert_int_equal(p.side[0].name_servers, 1);
    assert_int_equal(p.side[1].name_servers, 0);
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL);
    pair_run(&p);
    pair_advance(&p, 40 * TIME_SECOND);
    assert_int_equal(p.side[0].name_servers, 1);
    pair_command(&p, 0, COMMAND_TERMINATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(p.side[0].name_servers, 0);
}

static void who_does_not_ask_is_a_host(void **state)
{
    (void)state;
    struct pair_spec c = client;
    c.tweak = NULL;
    up(&c, &server);
    assert_child(1, "10.2.0.0/16 fd02::/16", "192.0.2.1/32");
    assert_online(0, 0);
}

static void pools_are_behind_a_barrier(void **state)
{
    (void)state;
    struct pair_spec more = server;
    pair_load(&p, 1, &server);
    size_t before = barriers(1);
    assert_true(before > 0);
    more.tweak = gives_one; /* the same connection, another pool */
    pair_load(&p, 1, &more);
    assert_int_equal(barriers(1), 1);
}

static void everything_is_blocked_unless_the_peer_decides(void **state)
{
    (void)state;
    struct pair_spec c = client;
    up(&c, &server);
    assert_int_equal(barriers(0), 2);
    pair_restart(&p, 0);
    c.tweak = asks_and_yields;
    c.hash = 8;
    up(&c, &server);
    assert_int_equal(barriers(0), 0);
    assert_true(has_route(0, "10.2.7.0/24")); /* what it named, and no more */
    assert_false(has_route(0, "10.2.0.0/16"));
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(address_is_given_and_selectors_are_narrowed_to_it),
        T(both_families_are_given),
        T(address_that_is_asked_for_is_given),
        T(down_gives_everything_back),
        T(rekeyed_ike_sa_has_the_address_still),
        T(authenticating_again_keeps_the_address),
        T(client_that_crashed_gets_its_address_again),
        T(full_pool_is_refused_and_logged),
        T(family_that_the_pool_has_not_is_refused),
        T(one_family_of_two_is_enough),
        T(who_needs_an_address_does_without_none),
        T(client_keeps_to_its_address),
        T(name_servers_come_and_go_with_the_address),
        T(who_does_not_ask_is_a_host),
        T(pools_are_behind_a_barrier),
        T(everything_is_blocked_unless_the_peer_decides),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
