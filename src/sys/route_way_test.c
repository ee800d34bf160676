/* SPDX-License-Identifier: Apache-2.0 */
/* Routes of the kernel's data plane, in a network namespace of the test's own: they lead the way to the peer,
 * and follow it. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/route.h"
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static struct route_table *table;

static int make_links(void **state)
{
    (void)state;
    assert_true(netns_enter());
    netns_run("ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; "
              "ip link add w0 type veth peer name w1; ip link set w0 up; ip link set w1 up; "
              "ip addr add 192.0.2.1/24 dev v0; ip addr add 10.10.0.1/24 dev v1; ip addr add 203.0.113.1/24 "
              "dev w0; "
              "ip addr add 2001:db8::1/64 dev v0 nodad; "
              "ip route add default via 192.0.2.254; ip -6 route add default via 2001:db8::fe");
    return 0;
}

static int open_table(void **state)
{
    struct diag d;
    (void)state;
    table = route_open(&(struct route_options){.table = 220, .priority = 220}, &d);
    return table ? 0 : -1;
}

static int close_table(void **state)
{
    (void)state;
    route_close(table);
    return 0;
}

static void add(uint64_t id, const char *dst, const char *local, const char *remote, bool is_unreachable)
{
    struct diag d;
    struct route r = {
        .id = id, .plane = PLANE_KERNEL, .is_unreachable = is_unreachable, .is_peer = is_unreachable};
    assert_true(prefix_parse(dst, &r.dst));
    assert_true(ip_parse(local, &r.outer_local));
    assert_true(ip_parse(remote, &r.outer_remote));
    if (r.dst.ip.family == 4)
        assert_true(prefix_parse("10.10.0.0/24", &r.local));
    assert_true(route_add(table, &r, &d));
}

/* How `ip route` shows it. */
static void assert_route(const char *what, const char *is)
{
    char command[200], line[300] = "", *at = line;
    snprintf(command, sizeof(command), "ip -o route show table 220 %s; ip -6 -o route show table 220 %s",
             what, what);
    FILE *f = popen(command, "r");
    assert_non_null(f);
    if (!fgets(line, sizeof(line), f))
        line[0] = '\0';
    pclose(f);
    while (strstr(at, "  "))
        memmove(strstr(at, "  "), strstr(at, "  ") + 1, strlen(strstr(at, "  ")));
    if (!strstr(line, is) || (!*is && line[0]))
        fail_msg("route %s is '%s', not '%s'", what, line, is);
}

static void it_goes_by_the_gateway_to_the_peer(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    assert_route("10.20.0.0/16", "10.20.0.0/16 via 192.0.2.254 dev v0 proto 225 src 10.10.0.1 metric 100");
    route_del(table, 1);
    assert_route("10.20.0.0/16", "");
}

static void a_peer_on_the_link_needs_no_gateway(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "203.0.113.1", "203.0.113.9", false);
    assert_route("10.20.0.0/16", "10.20.0.0/16 dev w0 proto 225 scope link src 10.10.0.1 metric 100");
    route_del(table, 1);
}

static void a_network_of_the_other_family_goes_by_the_same_gateway(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "2001:db8::1", "2001:db8:1::7", false);
    assert_route("10.20.0.0/16", "10.20.0.0/16 via inet6 2001:db8::fe dev v0 proto 225 src 10.10.0.1");
    route_del(table, 1);
}

static void it_follows_when_the_way_changes(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    netns_run("ip route replace default via 203.0.113.254");
    route_follow(table);
    assert_route("10.20.0.0/16", "via 203.0.113.254 dev w0");
    netns_run("ip route replace default via 192.0.2.254");
    route_follow(table);
    assert_route("10.20.0.0/16", "via 192.0.2.254 dev v0");
    route_del(table, 1);
    assert_route("10.20.0.0/16", "");
}

static void what_others_took_away_comes_back_when_routes_are_looked_at(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    netns_run("ip route flush table 220");
    route_follow(table);
    assert_route("10.20.0.0/16", "10.20.0.0/16 via 192.0.2.254 dev v0 proto 225 src 10.10.0.1 metric 100");
    route_del(table, 1);
}

static void a_source_that_the_machine_has_no_more_is_none(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    netns_run("ip addr del 10.10.0.1/24 dev v1");
    route_follow(table);
    assert_route("10.20.0.0/16", "10.20.0.0/16 via 192.0.2.254 dev v0 proto 225 metric 100");
    netns_run("ip addr add 10.10.0.7/24 dev v1");
    route_follow(table);
    assert_route("10.20.0.0/16", "10.20.0.0/16 via 192.0.2.254 dev v0 proto 225 src 10.10.0.7 metric 100");
    netns_run("ip addr del 10.10.0.7/24 dev v1; ip addr add 10.10.0.1/24 dev v1");
    route_follow(table);
    assert_route("10.20.0.0/16", "src 10.10.0.1");
    route_del(table, 1);
    assert_route("10.20.0.0/16", "");
}

static void without_a_way_it_comes_when_there_is_one(void **state)
{
    (void)state;
    netns_run("ip route del default");
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    assert_route("10.20.0.0/16", "");
    netns_run("ip route add default via 192.0.2.254");
    route_follow(table);
    assert_route("10.20.0.0/16", "via 192.0.2.254 dev v0");
    route_del(table, 1);
}

static void of_the_barrier_before_the_peer_only_the_place_is_held(void **state)
{
    (void)state;
    add(1, "198.51.100.7/32", "192.0.2.1", "198.51.100.7", true);
    assert_route("198.51.100.7", "198.51.100.7 via 192.0.2.254 dev v0 proto 225 metric 500");
    add(2, "198.51.100.7/32", "192.0.2.1", "198.51.100.7", false);
    assert_route("198.51.100.7", "198.51.100.7 via 192.0.2.254 dev v0 proto 225 src 10.10.0.1 metric 100");
    route_del(table, 2);
    assert_route("198.51.100.7", "metric 500");
    route_del(table, 1);
}

static void two_who_want_one_route_have_it_until_the_last_goes(void **state)
{
    (void)state;
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false);
    add(2, "10.20.0.0/16", "203.0.113.1", "203.0.113.9", false); /* the peer has moved */
    route_del(table, 1);
    assert_route("10.20.0.0/16", "dev w0");
    route_del(table, 2);
    assert_route("10.20.0.0/16", "");
}

static void to_an_interface_of_the_child_it_leads_by_its_name(void **state)
{
    (void)state;
    struct diag d;
    struct route r = {.id = 1, .plane = PLANE_KERNEL, .device = "ipsec1"};
    assert_true(prefix_parse("10.20.0.0/16", &r.dst));
    assert_true(prefix_parse("10.10.0.0/24", &r.local));
    assert_true(ip_parse("192.0.2.1", &r.outer_local));
    assert_true(ip_parse("198.51.100.7", &r.outer_remote));
    assert_true(route_add(table, &r, &d)); /* before the interface is there */
    assert_route("10.20.0.0/16", "");
    netns_run("ip link add ipsec1 type veth peer name ipsec1x; ip link set ipsec1 up");
    route_follow(table);
    assert_route("10.20.0.0/16", "10.20.0.0/16 dev ipsec1 proto 225 scope link src 10.10.0.1 metric 100");
    route_del(table, 1);
    assert_route("10.20.0.0/16", "");
}

/* An earlier run that was killed: nothing in the kernel is taken back. */
static void left_by_a_crash(void (*what)(void))
{
    int status;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        what();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void add_of_every_kind(void)
{
    if (open_table(NULL) < 0)
        _exit(1);
    add(1, "10.20.0.0/16", "192.0.2.1", "198.51.100.7", false); /* by a gateway */
    add(2, "10.30.0.0/16", "203.0.113.1", "203.0.113.9", false);
    add(3, "10.40.0.0/16", "2001:db8::1", "2001:db8:1::7", false);
    add(4, "2001:db8:40::/48", "2001:db8::1", "2001:db8:1::7", false);
    add(5, "198.51.100.7/32", "192.0.2.1", "198.51.100.7", true); /* held, and led over */
    add(6, "198.51.100.7/32", "192.0.2.1", "198.51.100.7", false);
    add(7, "203.0.113.9/32", "203.0.113.1", "203.0.113.9", true); /* held alone */
}

static void what_a_crash_left_and_nobody_wants_is_swept_away(void **state)
{
    left_by_a_crash(add_of_every_kind);
    assert_route("", "225");
    assert_int_equal(open_table(state), 0);
    add(1, "10.30.0.0/16", "203.0.113.1", "203.0.113.9", false);
    route_sweep(table);
    assert_route("10.30.0.0/16", "dev w0");
    route_del(table, 1);
    assert_route("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_goes_by_the_gateway_to_the_peer, open_table, close_table),
        cmocka_unit_test_setup_teardown(a_peer_on_the_link_needs_no_gateway, open_table, close_table),
        cmocka_unit_test_setup_teardown(a_network_of_the_other_family_goes_by_the_same_gateway, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(to_an_interface_of_the_child_it_leads_by_its_name, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(it_follows_when_the_way_changes, open_table, close_table),
        cmocka_unit_test_setup_teardown(what_others_took_away_comes_back_when_routes_are_looked_at,
                                        open_table, close_table),
        cmocka_unit_test_setup_teardown(a_source_that_the_machine_has_no_more_is_none, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(without_a_way_it_comes_when_there_is_one, open_table, close_table),
        cmocka_unit_test_setup_teardown(of_the_barrier_before_the_peer_only_the_place_is_held, open_table,
                                        close_table),
        cmocka_unit_test_setup_teardown(two_who_want_one_route_have_it_until_the_last_goes, open_table,
                                        close_table),
        cmocka_unit_test_teardown(what_a_crash_left_and_nobody_wants_is_swept_away, close_table),
    };
    return cmocka_run_group_tests(tests, make_links, NULL);
}
