/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's addresses and the paths that they make, in a network namespace of the test's own. */
#include "support/netns.h"
#include "support/test.h"
#include "sys/addresses.h"
#include <net/if.h>
#include <stdio.h>

static struct addresses *a;
static const struct ip *list;
static size_t n;

/* The kernel takes its time until it says that a cable is plugged in, or out: the flag of the cable changes
 * at once, the state with the announcement. */
static void wait_for_carriers(unsigned count)
{
    char text[256];
    snprintf(
        text, sizeof(text),
        "for i in $(seq 3000); do [ $(ip -o link show | grep -c ' state UP ') = %u ] && exit 0; sleep 0.01; "
        "done; exit 1",
        count);
    netns_run(text);
}

static int make_links(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run(
        "ip link set lo up; ip link add v0 type veth peer name v1; ip link add u0 type veth peer name u1; "
        "for i in v0 v1 u0 u1; do ip link set $i up; done; ip link add tun0 type veth peer name tun1; ip "
        "link set tun1 up; ip link set tun0 up; "
        "ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; ip addr add 10.8.0.1/24 dev "
        "u0; "
        "ip addr add 10.99.0.1/32 dev tun0; ip route add default via 10.9.0.2; "
        "ip route add default via 10.8.0.2 metric 100");
    wait_for_carriers(6);
    struct addresses_options o = {.device = (int)if_nametoindex("tun0"), .table = 220};
    a = addresses_open(&o, &d);
    return a ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    addresses_close(a);
    return 0;
}

static struct ip ip_of(const char *text)
{
    struct ip ip;
    assert_true(ip_parse(text, &ip));
    return ip;
}

static void look(const char *used, const char *ignored)
{
    list = addresses_list(a, used, ignored, &n);
}

static bool has(const char *text)
{
    for (size_t i = 0; i < n; i++) {
        if (ip_equal(list[i], ip_of(text)))
            return true;
    }
    return false;
}

static size_t paths(const char *local, const char *remote, struct ip_pair v[PATH_PAIRS])
{
    struct path_query q = {.local = ip_of(local), .n_remote = 1};
    q.remote[0] = ip_of(remote);
    look(NULL, NULL);
    return addresses_paths(a, &q, v);
}

static void addresses_that_packets_can_come_from_are_listed(void **state)
{
    (void)state;
    look(NULL, NULL);
    assert_int_equal(n, 3); /* not the loopback's, link-local ones, and the tunnel's */
    assert_true(has("10.9.0.1") && has("fd09::1") && has("10.8.0.1"));
    netns_run("ip link set v0 down");
    look(NULL, NULL);
    assert_false(has("10.9.0.1"));
    netns_run("ip link set u1 down"); /* no carrier */
    wait_for_carriers(2);
    look(NULL, NULL);
    assert_int_equal(n, 0);
}

static void interfaces_are_used_and_ignored_by_name(void **state)
{
    (void)state;
    look("u0, lo", NULL);
    assert_true(n == 1 && has("10.8.0.1"));
    look(NULL, "x u0");
    assert_true(n == 2 && !has("10.8.0.1"));
    look("v", NULL);
    assert_int_equal(n, 0);
}

static void the_kernels_choice_comes_first_and_others_where_the_route_takes_them(void **state)
{
    struct ip_pair v[PATH_PAIRS];
    (void)state;
    assert_int_equal(paths("10.9.0.1", "192.0.2.1", v),
                     1); /* the other's route is not the one that is taken */
    assert_true(ip_equal(v[0].local, ip_of("10.9.0.1")) && v[0].is_direct);
    assert_int_equal(paths("10.8.0.1", "192.0.2.1", v), 2); /* in use: also where it is not on the way */
    assert_true(ip_equal(v[1].local, ip_of("10.8.0.1")) && !v[1].is_direct);
    netns_run("ip rule add from 10.8.0.1 lookup 8; ip route add default via 10.8.0.2 table 8");
    assert_int_equal(paths("10.9.0.1", "192.0.2.1", v), 2);
    assert_true(ip_equal(v[1].local, ip_of("10.8.0.1")) && v[1].is_direct);
    assert_int_equal(paths("10.9.0.1", "fd09::2", v), 1);
    assert_int_equal(paths("10.9.0.1", "fd77::2", v), 0);
}

static void a_link_that_goes_down_takes_its_paths_along(void **state)
{
    struct ip_pair v[PATH_PAIRS];
    (void)state;
    netns_run("ip link set v0 down");
    assert_int_equal(paths("10.9.0.1", "192.0.2.1", v), 1);
    assert_true(ip_equal(v[0].local, ip_of("10.8.0.1")) && v[0].is_direct);
}

static void routes_into_the_tunnel_are_no_paths(void **state)
{
    struct ip_pair v[PATH_PAIRS];
    (void)state;
    netns_run("ip route add 192.0.2.0/24 dev tun0; ip route add unreachable 198.51.100.0/24");
    assert_int_equal(paths("10.9.0.1", "192.0.2.1", v), 0);
    assert_int_equal(paths("10.9.0.1", "198.51.100.1", v), 0);
}

static void what_concerns_peers_is_news(void **state)
{
    static const char *const news[] = {
        "ip addr add 10.9.0.7/24 dev v0",           "ip addr del 10.9.0.7/24 dev v0",
        "ip route add 203.0.113.0/24 via 10.8.0.2", "ip route del 203.0.113.0/24",
        "ip rule add from 10.9.0.1 lookup 9",       "ip link set u1 down",
    };
    static const char *const others[] = {
        "ip addr add 10.99.0.2/32 dev tun0",
        "ip route add 203.0.113.0/24 dev tun0",
        "ip route add 203.0.113.0/24 dev v0 table 220",
        "ip route add unreachable 203.0.113.0/24 table 221",
        "ip link set v0 txqueuelen 77",
        "ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev v0 nud reachable",
    };
    (void)state;
    look(NULL, NULL);
    addresses_take_news(a);
    for (size_t i = 0; i < ARRAY_LEN(news); i++) {
        netns_run(news[i]);
        if (!addresses_take_news(a))
            fail_msg("not noticed: %s", news[i]);
    }
    wait_for_carriers(4); /* the other end of u1 */
    addresses_take_news(a);
    look(NULL, NULL);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        netns_run(others[i]);
        if (addresses_take_news(a))
            fail_msg("taken for news: %s", others[i]);
    }
}

/* As many as ten thousand tunnels have: more than wait on a socket. */
static void many_routes_of_our_own_are_no_news(void **state)
{
    (void)state;
    addresses_take_news(a);
    netns_run("for i in $(seq 1000 5000); do echo route add fd77:$i::/32 via fd09::2 dev v0 table 220 proto "
              "225; done | ip -6 -batch -");
    assert_false(addresses_take_news(a));
    netns_run("ip -6 route flush table 220");
    assert_false(addresses_take_news(a));
    netns_run("ip -6 route add fd78::/32 via fd09::2 dev v0"); /* somebody else's */
    assert_true(addresses_take_news(a));
    netns_run("ip -6 route del fd78::/32 via fd09::2 dev v0");
    assert_true(addresses_take_news(a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_NETWORK(name) cmocka_unit_test_setup_teardown(name, make_links, leave)
        IN_NETWORK(addresses_that_packets_can_come_from_are_listed),
        IN_NETWORK(interfaces_are_used_and_ignored_by_name),
        IN_NETWORK(the_kernels_choice_comes_first_and_others_where_the_route_takes_them),
        IN_NETWORK(a_link_that_goes_down_takes_its_paths_along),
        IN_NETWORK(routes_into_the_tunnel_are_no_paths),
        IN_NETWORK(what_concerns_peers_is_news),
        IN_NETWORK(many_routes_of_our_own_are_no_news),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
