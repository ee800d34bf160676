/* SPDX-License-Identifier: Apache-2.0 */
/* Routes to a peer's own address, and what IPv4's reverse path filter then makes of what the peer sends: in a
 * network namespace of the test's own, where frames of the peer arrive on a real interface. */
#include "base/log.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/route.h"
#include "sys/rpfilter.h"
#include <arpa/inet.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct route_table *table;
static char heard[2000];

static void on_line(void *ctx, const struct log_entry *e)
{
    (void)ctx;
    snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "%s\n", e->text);
}

/* v0 leads to the peer 10.9.0.2, whose frames the test sends from v1; kw0 stands for the TUN. */
static int make_links(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run(
        "echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter; ip link set lo up; ip link add v0 address "
        "02:00:00:00:00:01 type veth peer name v1; "
        "ip link add kw0 type veth peer name kw1; ip link set kw0 up; ip link set kw1 up; ip link set v0 up; "
        "ip link set v1 up; ip addr add 10.9.0.1/24 dev v0");
    heard[0] = 0;
    log_set_sink(on_line, NULL, LOG_WARN);
    struct route_options o = {.device = (int)if_nametoindex("kw0"), .table = 220, .priority = 220};
    table = route_open(&o, &d);
    return table ? 0 : -1;
}

static int leave(void **state)
{
    (void)state;
    route_close(table);
    table = NULL;
    log_set_sink(NULL, NULL, LOG_ERR);
    return 0;
}

static void set_filter(const char *interface, int value)
{
    char command[200];
    snprintf(command, sizeof(command), "echo %d >/proc/sys/net/ipv4/conf/%s/rp_filter", value, interface);
    netns_run(command);
}

static void add(uint64_t id, const char *dst, bool is_barrier, bool is_peer)
{
    struct route r = {.id = id, .is_unreachable = is_barrier, .is_peer = is_peer};
    struct diag d;
    diag_clear(&d);
    assert_true(prefix_parse(dst, &r.dst));
    if (!route_add(table, &r, &d))
        fail_msg("%s", d.what);
}

/* A datagram of the peer, put on the wire at its end: does it arrive? */
static bool arrives(void)
{
    static const uint8_t frame[] = {
        2,    0,    0,    0,    0, 1, 2, 0, 0,  0,  0,    2,    0x08, 0x00,                    /* to v0 */
        0x45, 0,    0,    29,   0, 1, 0, 0, 64, 17, 0x66, 0xbb, 10,   9,    0, 2, 10, 9, 0, 1, /* IP */
        0x01, 0xf4, 0x01, 0xf4, 0, 9, 0, 0, 'x'};                                              /* UDP */
    struct sockaddr_ll link = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("v1")};
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(500)};
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
    struct pollfd waiting = {.fd = fd, .events = POLLIN};
    assert_true(bind(fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
    assert_true(bind(wire, (const struct sockaddr *)&link, sizeof(link)) == 0);
    assert_int_equal(send(wire, frame, sizeof(frame), 0), sizeof(frame));
    bool is_there = poll(&waiting, 1, 100) == 1;
    close(wire);
    close(fd);
    return is_there;
}

static void the_interface_towards_the_peer_decides(void **state)
{
    (void)state;
    struct netlink nl;
    struct diag d;
    char device[IF_NAMESIZE];
    struct ip peer = ip4(10, 9, 0, 2), nowhere = ip4(198, 51, 100, 1);
    assert_true(netlink_open(&nl, NETLINK_ROUTE, &d));
    static const struct {
        int own, all;
        enum rpfilter is;
    } rows[] = {
        {0, 0, RPFILTER_OFF   },
        {1, 0, RPFILTER_STRICT},
        {0, 1, RPFILTER_STRICT},
        {2, 1, RPFILTER_LOOSE },
        {1, 2, RPFILTER_LOOSE },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        set_filter("v0", rows[i].own);
        set_filter("all", rows[i].all);
        assert_int_equal(rpfilter_towards(&nl, peer, device), rows[i].is);
        assert_string_equal(device, "v0");
    }
    set_filter("all", 0);
    set_filter("default", 1);
    assert_int_equal(rpfilter_towards(&nl, nowhere, device), RPFILTER_STRICT);
    assert_string_equal(device, "");
    netlink_close(&nl);
}

static void a_strict_filter_is_told_of_once_for_each_interface(void **state)
{
    (void)state;
    set_filter("v0", 1);
    add(1, "10.20.0.0/16", true, false); /* another network behind the tunnel is none of its business */
    assert_string_equal(heard, "");
    assert_true(arrives());
    add(2, "10.9.0.2/32", true, true);
    assert_non_null(strstr(heard, "the kernel will drop what peer 10.9.0.2 sends"));
    assert_non_null(strstr(heard, "interface v0 is strict. Try: sysctl -w net.ipv4.conf.v0.rp_filter=2"));
    assert_false(arrives()); /* it is so */
    heard[0] = 0;
    add(3, "10.9.0.2/32", false, true);
    assert_string_equal(heard, "");
    assert_false(arrives());
}

/* Before the tunnel is there, while it is, and after; what goes to the peer never leaves beside it. */
static void behind_a_loose_filter_the_peer_is_heard_at_all_times(void **state)
{
    (void)state;
    set_filter("v0", 2);
    add(1, "10.9.0.2/32", true, true);
    assert_true(arrives());
    netns_run("ip route get 10.9.0.2 | grep -q 'dev kw0'");
    add(2, "10.9.0.2/32", false, true);
    assert_true(arrives());
    route_del(table, 2);
    assert_true(arrives());
    netns_run("ip route get 10.9.0.2 | grep -q 'dev kw0'");
    netns_run("ip link del kw0"); /* as when the daemon is gone */
    netns_run("! ip route get 10.9.0.2");
    route_del(table, 1);
    netns_run("ip route get 10.9.0.2 | grep -q 'dev v0'; test -z \"$(ip route show table 220)\"");
    assert_string_equal(heard, "");
}

static void without_a_filter_who_talks_to_the_peer_hears_at_once_that_it_cannot(void **state)
{
    (void)state;
    set_filter("v0", 0);
    add(1, "10.9.0.2/32", true, true);
    assert_true(arrives());
    netns_run("! ip route get 10.9.0.2");
    assert_string_equal(heard, "");
}

#define T(f) cmocka_unit_test_setup_teardown(f, make_links, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(the_interface_towards_the_peer_decides),
        T(a_strict_filter_is_told_of_once_for_each_interface),
        T(behind_a_loose_filter_the_peer_is_heard_at_all_times),
        T(without_a_filter_who_talks_to_the_peer_hears_at_once_that_it_cannot),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
