/* SPDX-License-Identifier: Apache-2.0 */
/* Next hops, in a network namespace of the test's own: what the kernel knows and what changes under way. */
#include "base/time.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/nexthop.h"

static struct nexthops *hops;
static int64_t now = TIME_SECOND;

static const struct nexthop *find(const char *local, const char *remote)
{
    struct ip a, b;
    assert_true(ip_parse(local, &a));
    assert_true(ip_parse(remote, &b));
    now += 2 * TIME_MS;
    nexthops_refresh(hops, now);
    return nexthops_find(hops, a, b, now);
}

static void assert_leads_to(const char *local, const char *remote, uint8_t last_byte)
{
    const struct nexthop *h = find(local, remote);
    assert_non_null(h);
    const uint8_t address[6] = {2, 0, 0, 0, 0, last_byte};
    assert_memory_equal(h->address, address, 6);
}

static int make_links(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run("ip link add v0 type veth peer name v1; ip link set v0 up mtu 1500; ip link set v1 up; "
              "ip addr add 10.9.0.1/24 dev v0; ip addr add 10.9.0.5/24 dev v0; "
              "ip addr add fd09::1/64 dev v0 nodad; ip route add default via 10.9.0.3; "
              "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent; "
              "ip neigh add 10.9.0.3 lladdr 02:00:00:00:00:03 dev v0 nud permanent; "
              "ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev v0 nud permanent");
    hops = nexthops_open(&d);
    return hops ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    nexthops_close(hops);
    return 0;
}

static void a_neighbour_and_a_gateway_are_found(void **state)
{
    (void)state;
    assert_leads_to("10.9.0.1", "10.9.0.2", 2);
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
    assert_leads_to("fd09::1", "fd09::2", 2);
    assert_int_equal(find("10.9.0.1", "10.9.0.2")->mtu, 1500);
}

static void what_is_not_resolved_is_not_known_until_it_is(void **state)
{
    (void)state;
    assert_null(find("10.9.0.1", "10.9.0.9"));
    netns_run("ip neigh add 10.9.0.9 lladdr 02:00:00:00:00:09 dev v0 nud reachable");
    assert_leads_to("10.9.0.1", "10.9.0.9", 9);
    netns_run("ip neigh replace 10.9.0.9 lladdr 02:00:00:00:00:0a dev v0 nud reachable");
    assert_leads_to("10.9.0.1", "10.9.0.9", 10);
    netns_run("ip neigh del 10.9.0.9 dev v0");
    assert_null(find("10.9.0.1", "10.9.0.9"));
}

static void a_stale_neighbour_is_left_to_the_kernel_once(void **state)
{
    (void)state;
    netns_run("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud stale");
    assert_null(find("10.9.0.1", "10.9.0.2"));
    assert_leads_to("10.9.0.1", "10.9.0.2", 2);
    now += TIME_SECOND;
    assert_null(find("10.9.0.1", "10.9.0.2"));
}

static void a_route_that_changes_is_followed(void **state)
{
    (void)state;
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
    netns_run("ip route add 192.0.2.0/24 via 10.9.0.2");
    assert_leads_to("10.9.0.1", "192.0.2.1", 2);
    netns_run("ip route replace unreachable 192.0.2.0/24");
    assert_null(find("10.9.0.1", "192.0.2.1"));
    netns_run("ip route del unreachable 192.0.2.0/24");
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
}

static void our_mark_and_our_source_count(void **state)
{
    (void)state;
    netns_run("ip route add default via 10.9.0.2 table 100; ip rule add fwmark 0x4b57 lookup 100");
    assert_leads_to("10.9.0.1", "192.0.2.1", 2);
    netns_run("ip rule del fwmark 0x4b57 lookup 100; ip rule add from 10.9.0.5 lookup 100");
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
    assert_leads_to("10.9.0.5", "192.0.2.1", 2);
}

static void a_rule_that_cannot_be_asked_about_leaves_all_to_the_kernel(void **state)
{
    (void)state;
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
    netns_run("ip rule add ipproto esp lookup 100");
    assert_null(find("10.9.0.1", "192.0.2.1"));
    netns_run("ip rule del ipproto esp lookup 100");
    assert_leads_to("10.9.0.1", "192.0.2.1", 3);
}

static void an_address_or_a_link_that_goes_ends_it(void **state)
{
    (void)state;
    assert_leads_to("10.9.0.5", "10.9.0.2", 2);
    netns_run("ip addr del 10.9.0.5/24 dev v0");
    assert_null(find("10.9.0.5", "10.9.0.2"));
    assert_leads_to("10.9.0.1", "10.9.0.2", 2);
    netns_run("ip link set v0 down");
    assert_null(find("10.9.0.1", "10.9.0.2"));
}

static void the_smaller_mtu_counts(void **state)
{
    (void)state;
    netns_run("ip route add 192.0.2.0/24 via 10.9.0.2 mtu 1300");
    assert_int_equal(find("10.9.0.1", "192.0.2.1")->mtu, 1300);
    netns_run("ip link set v0 mtu 1280");
    assert_int_equal(find("10.9.0.1", "192.0.2.1")->mtu, 1280);
    assert_int_equal(find("10.9.0.1", "10.9.0.2")->mtu, 1280);
}

static void what_is_no_plain_ethernet_is_not_known(void **state)
{
    (void)state;
    netns_run("ip tuntap add mode tun name t0; ip link set t0 up; ip route add 192.0.2.0/24 dev t0; "
              "ip route add blackhole 198.51.100.0/24");
    assert_null(find("10.9.0.1", "192.0.2.1"));
    assert_null(find("10.9.0.1", "198.51.100.1"));
    assert_null(find("10.9.0.1", "10.9.0.1"));
    assert_null(find("10.9.0.1", "10.9.0.255"));
    assert_null(find("10.7.7.7", "10.9.0.2"));
    netns_run("ip link del t0");
}

static void a_flood_of_addresses_costs_a_bounded_number_of_questions(void **state)
{
    (void)state;
    unsigned known = 0;
    for (unsigned i = 1; i < 1000; i++) {
        struct ip a = ip4(10, 9, 0, 1), b = ip4(192, 0, (uint8_t)(i >> 8), (uint8_t)i);
        known += nexthops_find(hops, a, b, now) != NULL;
    }
    assert_int_equal(known, 100);
    now += TIME_SECOND;
    assert_leads_to("10.9.0.1", "192.0.2.77", 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define IN_NETWORK(name) cmocka_unit_test_setup_teardown(name, make_links, leave)
        IN_NETWORK(a_neighbour_and_a_gateway_are_found),
        IN_NETWORK(what_is_not_resolved_is_not_known_until_it_is),
        IN_NETWORK(a_stale_neighbour_is_left_to_the_kernel_once),
        IN_NETWORK(a_route_that_changes_is_followed),
        IN_NETWORK(our_mark_and_our_source_count),
        IN_NETWORK(a_rule_that_cannot_be_asked_about_leaves_all_to_the_kernel),
        IN_NETWORK(an_address_or_a_link_that_goes_ends_it),
        IN_NETWORK(the_smaller_mtu_counts),
        IN_NETWORK(what_is_no_plain_ethernet_is_not_known),
        IN_NETWORK(a_flood_of_addresses_costs_a_bounded_number_of_questions),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
