/* SPDX-License-Identifier: Apache-2.0 */
/* Routes for some packets to a host, in a network namespace of the test's own: the kernel is asked which way
 * it sends what. */
#include "net/packet.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/route.h"
#include "sys/sock.h"
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

static struct route_table *table;

/* v0 is the link to the peers, kw0 stands for the TUN. */
static struct route_options options(void)
{
    return (struct route_options){.device = (int)if_nametoindex("kw0"), .table = 220, .priority = 220};
}

static int make_links(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run(
        "ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; ip link set v1 up; "
        "ip link add kw0 type veth peer name kw1; ip link set kw0 up; ip link set kw1 up; "
        "ip addr add 10.9.0.1/24 dev v0; ip addr add 10.9.0.7/24 dev v0; ip addr add fd09::1/64 dev v0 "
        "nodad");
    struct route_options o = options();
    table = route_open(&o, &d);
    return table ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    if (table)
        route_close(table);
    table = NULL;
    return 0;
}

static void add(uint64_t id, const char *dst, const char *local, bool is_barrier, struct route_flow flow)
{
    struct route r = {.id = id, .is_unreachable = is_barrier, .flow = flow};
    struct diag d;
    diag_clear(&d);
    assert_true(prefix_parse(dst, &r.dst));
    assert_true(prefix_parse(local, &r.local));
    if (!route_add(table, &r, &d))
        fail_msg("%s", d.what);
}

/* By the kernel's own word. what: arguments of ip route get. */
static void assert_way(const char *what, const char *expected)
{
    char command[400];
    snprintf(command, sizeof(command),
             "ip route get %s 2>&1 | grep -q -- '%s' || { ip route get %s; false; }", what, expected, what);
    netns_run(command);
}

#define L2TP ((struct route_flow){NH_UDP, 0, 0, 1701, 1701})

static void only_packets_of_the_flow_go_into_the_tun(void **state)
{
    (void)state;
    add(1, "10.9.0.2", "10.9.0.7", false, L2TP);
    assert_way("10.9.0.2 ipproto udp dport 1701", "dev kw0.*src 10.9.0.7");
    assert_way("10.9.0.2 ipproto udp dport 1702", "dev v0");
    assert_way("10.9.0.2 ipproto tcp dport 1701", "dev v0");
    assert_way("10.9.0.2", "dev v0");
    assert_way("10.9.0.3 ipproto udp dport 1701", "dev v0");
    route_del(table, 1);
    assert_way("10.9.0.2 ipproto udp dport 1701", "dev v0");
    netns_run("! ip rule | grep -q 'lookup 221\\|goto'"); /* and nothing is left */
}

static void both_ports_and_families_are_looked_at(void **state)
{
    (void)state;
    add(1, "fd09::2", "fd09::1", false, (struct route_flow){NH_TCP, 80, 90, 1024, 2000});
    assert_way("fd09::2 ipproto tcp sport 85 dport 1500", "dev kw0");
    assert_way("fd09::2 ipproto tcp sport 91 dport 1500", "dev v0");
    assert_way("fd09::2 ipproto tcp sport 85 dport 2001", "dev v0");
    add(2, "10.9.0.2", "10.9.0.1", false, (struct route_flow){.proto = NH_ICMP});
    assert_way("10.9.0.2 ipproto icmp", "dev kw0");
    assert_way("10.9.0.2 ipproto udp", "dev v0");
    route_del(table, 1);
    route_del(table, 2);
}

/* All of UDP holds IKE and ESP in UDP, too: those carry the mark. */
static void our_own_packets_pass_by(void **state)
{
    char marked[80];
    (void)state;
    add(1, "10.9.0.2", "10.9.0.1", false, (struct route_flow){.proto = NH_UDP});
    assert_way("10.9.0.2 ipproto udp dport 4500", "dev kw0");
    snprintf(marked, sizeof(marked), "10.9.0.2 ipproto udp dport 4500 mark %u", SOCK_FWMARK);
    assert_way(marked, "dev v0");
    route_del(table, 1);
}

static void the_barrier_of_a_flow_stops_that_flow(void **state)
{
    (void)state;
    add(1, "10.9.0.2", "10.9.0.1", true, L2TP);
    assert_way("10.9.0.2 ipproto udp dport 1701", "No route to host");
    assert_way("10.9.0.2 ipproto udp dport 53", "dev v0");
    add(2, "10.9.0.2", "10.9.0.1", false, L2TP);
    assert_way("10.9.0.2 ipproto udp dport 1701", "dev kw0");
    route_del(table, 2);
    assert_way("10.9.0.2 ipproto udp dport 1701", "No route to host");
    route_del(table, 1);
    assert_way("10.9.0.2 ipproto udp dport 1701", "dev v0");
}

/* Rules of an earlier run are taken over or removed, and none is lost between. */
static void what_a_crash_left_is_known_again(void **state)
{
    struct diag d;
    struct route_options o = options();
    (void)state;
    add(1, "10.9.0.2", "10.9.0.1", true, L2TP);
    add(2, "10.9.0.3", "10.9.0.1", true, L2TP);
    struct route_table *lost = table; /* the earlier run: it has no say any more */
    table = route_open(&o, &d);
    assert_non_null(table);
    assert_way("10.9.0.2 ipproto udp dport 1701", "No route to host");
    add(1, "10.9.0.2", "10.9.0.1", true, L2TP);
    route_sweep(table);
    assert_way("10.9.0.2 ipproto udp dport 1701", "No route to host");
    assert_way("10.9.0.3 ipproto udp dport 1701", "dev v0");
    netns_run("test $(ip rule | grep -c 'lookup 221') = 1 && test $(ip rule | grep -c goto) = 1");
    route_close(table);
    table = NULL;
    netns_run("! ip rule | grep -q 'lookup 22\\|goto' && test -z \"$(ip route show table 221 2>&1)\"");
    route_close(lost);
    assert_int_equal(route_cleanup(220, 220, &d), 0);
    table = route_open(&o, &d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_packets_of_the_flow_go_into_the_tun),
        cmocka_unit_test(both_ports_and_families_are_looked_at),
        cmocka_unit_test(our_own_packets_pass_by),
        cmocka_unit_test(the_barrier_of_a_flow_stops_that_flow),
        cmocka_unit_test(what_a_crash_left_is_known_again),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, make_links, leave);
}
