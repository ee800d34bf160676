/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that pass or drop, beside tunnels, in a network namespace of the test's own: the kernel is asked
 * which way it sends what. */
#include "net/packet.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/route.h"
#include "sys/shunt.h"
#include "sys/sock.h"
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>

static struct route_table *table;
static struct shunts *shunts;

/* v0 is the link, kw0 stands for the TUN: 10.20.0.0/16 and fd20::/32 are behind it. */
static int make_links(void **state)
{
    struct diag d;
    struct route r = {.id = 1}, r6 = {.id = 2};
    (void)state;
    netns_run("ip link set lo up; ip link add v0 type veth peer name v1; ip link set v0 up; "
              "ip link set v1 up; ip link add kw0 type veth peer name kw1; ip link set kw0 up; "
              "ip link set kw1 up; ip addr add 10.9.0.1/24 dev v0; ip addr add fd09::1/64 dev v0 nodad; "
              "ip route add default via 10.9.0.9; ip -6 route add default via fd09::9; "
              "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.v0.rp_filter=0");
    struct route_options o = {.device = (int)if_nametoindex("kw0"), .table = 220, .priority = 220};
    table = route_open(&o, &d);
    shunts = table ? shunts_open(220, "kw0", &d) : NULL;
    assert_true(prefix_parse("10.20.0.0/16", &r.dst));
    assert_true(prefix_parse("fd20::/32", &r6.dst));
    return shunts && route_add(table, &r, &d) && route_add(table, &r6, &d) ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    shunts_close(shunts);
    route_close(table);
    return 0;
}

static void add(uint64_t id, enum child_mode mode, const char *local, const char *remote,
                struct route_flow flow, bool is_last)
{
    struct shunt s = {.id = id, .mode = mode, .flow = flow, .is_last = is_last};
    struct diag d;
    diag_clear(&d);
    assert_true(prefix_parse(local, &s.local));
    assert_true(prefix_parse(remote, &s.remote));
    if (!shunts_add(shunts, &s, &d))
        fail_msg("%s", d.what);
}

/* By the kernel's own word. what: arguments of ip route get. */
static void assert_way(const char *what, const char *expected)
{
    char command[400];
    snprintf(command, sizeof(command),
             "ip route get %s 2>&1 | grep -q -- '%s' || { ip route get %s; ip rule; false; }", what, expected,
             what);
    netns_run(command);
}

#define ALL ((struct route_flow){0})
#define SSH ((struct route_flow){NH_TCP, 0, 0, 22, 22})

static void what_passes_goes_past_the_tunnel(void **state)
{
    (void)state;
    assert_way("10.20.1.1", "dev kw0");
    add(1, MODE_PASS, "0.0.0.0/0", "10.20.1.0/24", ALL, false);
    add(1, MODE_PASS, "::/0", "fd20:1::/48", ALL, false);
    assert_way("10.20.1.1", "via 10.9.0.9 dev v0");
    assert_way("fd20:1::1", "dev v0");
    assert_way("10.20.2.1", "dev kw0");
    assert_way("fd20:0:1::1", "dev kw0");
    shunts_del(shunts, 1);
    assert_way("10.20.1.1", "dev kw0");
    netns_run(
        "! ip rule | grep -q 'goto\\|nop' && ! ip -6 rule | grep -q 'goto\\|nop'"); /* nothing is left */
}

static void only_the_ports_and_addresses_that_it_names(void **state)
{
    (void)state;
    add(1, MODE_PASS, "10.9.0.1/32", "10.20.0.0/16", SSH, false);
    assert_way("10.20.1.1 from 10.9.0.1 ipproto tcp dport 22", "dev v0");
    assert_way("10.20.1.1 from 10.9.0.1 ipproto tcp dport 23", "dev kw0");
    assert_way("10.20.1.1 from 10.9.0.1 ipproto udp dport 22", "dev kw0");
    assert_way("10.20.1.1 from 10.30.0.1 iif v0 ipproto tcp dport 22", "dev kw0");
    shunts_del(shunts, 1);
}

static void what_is_dropped_goes_nowhere_in_either_direction(void **state)
{
    (void)state;
    add(1, MODE_DROP, "10.40.0.0/16", "10.30.0.0/16", SSH, true);
    add(2, MODE_REJECT, "0.0.0.0/0", "10.31.0.0/16", ALL, true);
    assert_way("10.30.0.1 from 10.40.0.1 iif v0 ipproto tcp dport 22", "Invalid argument");
    assert_way("10.40.0.1 from 10.30.0.1 iif v0 ipproto tcp sport 22", "Invalid argument");
    assert_way("10.30.0.1 from 10.40.0.1 iif v0 ipproto tcp dport 23", "dev v0");
    assert_way("10.31.0.1", "Permission denied");
    assert_way("10.40.0.1 from 10.30.0.1 iif kw0 ipproto tcp sport 22", "dev v0"); /* out of a tunnel */
    assert_way("10.32.0.1", "dev v0");
    shunts_del(shunts, 1);
    shunts_del(shunts, 2);
    assert_way("10.31.0.1", "dev v0");
}

/* A tunnel comes before what is dropped last, and after what passes; what passes is not dropped. */
static void tunnels_stand_between(void **state)
{
    char marked[80];
    (void)state;
    add(1, MODE_DROP, "0.0.0.0/0", "0.0.0.0/0", ALL, true);
    add(2, MODE_PASS, "0.0.0.0/0", "10.9.0.0/24", ALL, false);
    assert_way("10.20.1.1", "dev kw0");
    assert_way("10.9.0.7", "dev v0");
    assert_way("192.0.2.1", "Invalid argument");
    snprintf(marked, sizeof(marked), "192.0.2.1 mark %u", SOCK_FWMARK);
    assert_way(marked, "dev v0"); /* IKE and ESP go out */
    add(3, MODE_PASS, "0.0.0.0/0", "10.0.0.0/8", ALL, true);
    assert_way("10.20.1.1", "dev kw0");
    assert_way("10.50.1.1", "dev v0");
    add(4, MODE_DROP, "0.0.0.0/0", "10.20.5.0/24", ALL, false);
    assert_way("10.20.5.1", "Invalid argument");
    for (uint64_t id = 1; id <= 4; id++)
        shunts_del(shunts, id);
}

static void two_may_ask_for_the_same(void **state)
{
    (void)state;
    add(1, MODE_PASS, "0.0.0.0/0", "10.20.1.0/24", ALL, false);
    add(2, MODE_PASS, "0.0.0.0/0", "10.20.1.0/24", ALL, false);
    netns_run("test $(ip rule | grep -c 10.20.1.0/24) = 1");
    shunts_del(shunts, 1);
    assert_way("10.20.1.1", "dev v0");
    shunts_del(shunts, 2);
    assert_way("10.20.1.1", "dev kw0");
}

/* Rules of an earlier run are taken over or removed, and none is lost between. */
static void what_a_crash_left_is_known_again(void **state)
{
    struct diag d;
    (void)state;
    add(1, MODE_DROP, "0.0.0.0/0", "192.0.2.0/24", SSH, true);
    add(2, MODE_PASS, "10.9.0.1/32", "10.20.1.0/24", ALL, false);
    struct shunts *lost = shunts; /* the earlier run: it has no say any more */
    shunts = shunts_open(220, "kw0", &d);
    assert_non_null(shunts);
    add(7, MODE_DROP, "0.0.0.0/0", "192.0.2.0/24", SSH, true);
    assert_way("10.20.1.1 from 10.9.0.1", "dev v0");
    shunts_sweep(shunts);
    assert_way("192.0.2.1 ipproto tcp dport 22", "Invalid argument");
    assert_way("10.20.1.1 from 10.9.0.1", "dev kw0");
    shunts_del(shunts, 7);
    netns_run("! ip rule | grep -q 'goto\\|nop\\|blackhole'");
    shunts_close(lost);
}

static void priorities_that_leave_no_room_are_refused(void **state)
{
    struct diag d;
    struct shunt s = {.id = 1, .mode = MODE_PASS};
    (void)state;
    struct shunts *narrow = shunts_open(5, "kw0", &d);
    assert_true(prefix_parse("0.0.0.0/0", &s.local));
    assert_true(prefix_parse("10.0.0.0/8", &s.remote));
    diag_clear(&d);
    assert_false(shunts_add(narrow, &s, &d));
    assert_non_null(strstr(d.expected, "routing_table_prio"));
    shunts_close(narrow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_goes_past_the_tunnel),
        cmocka_unit_test(only_the_ports_and_addresses_that_it_names),
        cmocka_unit_test(what_is_dropped_goes_nowhere_in_either_direction),
        cmocka_unit_test(tunnels_stand_between),
        cmocka_unit_test(two_may_ask_for_the_same),
        cmocka_unit_test(what_a_crash_left_is_known_again),
        cmocka_unit_test(priorities_that_leave_no_room_are_refused),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, make_links, leave);
}
