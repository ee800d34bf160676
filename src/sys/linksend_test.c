/* SPDX-License-Identifier: Apache-2.0 */
/* Sending straight to the link, in a network namespace of the test's own: the frames at the other end of a
 * veth pair, and which packets are left to the kernel's IP. */
#include "base/time.h"
#include "net/packet.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/linksend.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

static struct linksend *sender;
static int tap;
static int64_t now = TIME_SECOND;
static uint8_t room[4][ESP_HEADROOM + 2000];

static int open_all(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run("ip link add v0 address 02:00:00:00:00:01 type veth peer name v1 address 02:00:00:00:00:02; "
              "ip link set v0 up; ip link set v1 up; ip addr add 10.9.0.1/24 dev v0; "
              "ip addr add fd09::1/64 dev v0 nodad; "
              "ip neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev v0 nud permanent; "
              "ip neigh add fd09::2 lladdr 02:00:00:00:00:02 dev v0 nud permanent");
    sender = linksend_open(&d);
    assert_non_null(sender);
    now += TIME_SECOND;
    linksend_begin(sender, now);
    tap = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll at = {
        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex("v1")};
    assert_int_equal(bind(tap, (struct sockaddr *)&at, sizeof(at)), 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    linksend_close(sender);
    close(tap);
    return 0;
}

static struct esp_packet packet(uint8_t family, unsigned at, uint32_t len)
{
    struct esp_packet p = {.data = room[at] + ESP_HEADROOM, .len = len, .has_df = true, .tos = 2};
    p.local.ip = family == 4 ? ip4(10, 9, 0, 1)
                             : (struct ip){
                                   .family = 6, .b = {0xfd, 9, [15] = 1}
    };
    p.remote.ip = family == 4 ? ip4(10, 9, 0, 2)
                              : (struct ip){
                                    .family = 6, .b = {0xfd, 9, [15] = 2}
    };
    memset(p.data, (int)(0xa0 + at), len);
    return p;
}

/* The next frame of ours that v1 sees. */
static size_t next_frame(uint8_t *frame, size_t cap)
{
    static const uint8_t both[] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    for (;;) {
        struct pollfd f = {.fd = tap, .events = POLLIN};
        assert_int_equal(poll(&f, 1, 5000), 1);
        ssize_t n = recv(tap, frame, cap, 0);
        assert_true(n > 0);
        if (memcmp(frame, both, sizeof(both)) == 0)
            return (size_t)n;
    }
}

static void frames_are_whole_ip_packets_in_order(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct esp_packet p[3];
        size_t lost = 0;
        for (unsigned i = 0; i < 3; i++) {
            p[i] = packet(family, i, 1000 + i);
            assert_true(linksend_add(sender, &p[i], now));
        }
        assert_null(linksend_flush(sender, &lost));
        assert_int_equal(lost, 0);
        for (unsigned i = 0; i < 3; i++) {
            uint8_t frame[2000];
            struct packet seen;
            size_t n = next_frame(frame, sizeof(frame)), header = packet_ip_len(family);
            assert_int_equal(n, 14 + header + 1000 + i);
            assert_int_equal(frame[12] << 8 | frame[13], family == 4 ? ETH_P_IP : ETH_P_IPV6);
            assert_true(packet_parse(span_of(frame + 14, n - 14), &seen));
            assert_int_equal(seen.proto, NH_ESP);
            assert_int_equal(seen.tos, 2);
            assert_true(seen.has_df);
            assert_true(ip_equal(seen.src, p[i].local.ip) && ip_equal(seen.dst, p[i].remote.ip));
            assert_memory_equal(frame + 14 + header, p[i].data, p[i].len);
        }
    }
}

static void what_needs_the_kernels_ip_is_left_to_it(void **state)
{
    (void)state;
    struct esp_packet p = packet(4, 0, 1480);
    assert_true(linksend_add(sender, &p, now));
    p = packet(4, 0, 1481); /* larger than the link */
    assert_false(linksend_add(sender, &p, now));
    p = packet(6, 0, 1461);
    assert_false(linksend_add(sender, &p, now));
    p = packet(4, 0, 100);
    p.has_df = false; /* may be fragmented on its way */
    assert_false(linksend_add(sender, &p, now));
    p = packet(4, 0, 100);
    p.tos = 0xb8; /* has a priority */
    assert_false(linksend_add(sender, &p, now));
    p = packet(4, 0, 100);
    p.has_encap = true;
    assert_false(linksend_add(sender, &p, now));
    p = packet(4, 0, 100);
    p.remote.ip = ip4(10, 9, 0, 9); /* unknown */
    assert_false(linksend_add(sender, &p, now));
    p = packet(4, 0, 100);
    p.local.ip = (struct ip){0};
    assert_false(linksend_add(sender, &p, now));
}

static void a_neighbour_that_moves_is_followed(void **state)
{
    (void)state;
    uint8_t frame[2000];
    size_t lost = 0;
    struct esp_packet p = packet(4, 0, 100);
    assert_true(linksend_add(sender, &p, now));
    assert_null(linksend_flush(sender, &lost));
    next_frame(frame, sizeof(frame));
    netns_run("ip neigh replace 10.9.0.2 lladdr 02:00:00:00:00:07 dev v0 nud reachable");
    now += TIME_SECOND / 10;
    linksend_begin(sender, now);
    assert_true(linksend_add(sender, &p, now));
    assert_null(linksend_flush(sender, &lost));
    do
        assert_true(recv(tap, frame, sizeof(frame), 0) > 0);
    while (frame[5] != 7);
}

static void what_the_link_refuses_comes_back_and_the_rest_goes(void **state)
{
    (void)state;
    size_t lost = 0;
    struct esp_packet small = packet(4, 0, 100), large = packet(4, 1, 1400), last = packet(4, 2, 101);
    assert_true(linksend_add(sender, &small, now));
    assert_true(linksend_add(sender, &large, now));
    assert_true(linksend_add(sender, &last, now));
    netns_run("ip link set v0 mtu 1280"); /* behind our back */
    assert_ptr_equal(linksend_flush(sender, &lost), &large);
    assert_null(linksend_flush(sender, &lost));
    assert_int_equal(lost, 0);
    uint8_t frame[2000];
    assert_int_equal(next_frame(frame, sizeof(frame)), 14 + 20 + 100);
    assert_int_equal(next_frame(frame, sizeof(frame)), 14 + 20 + 101);
    netns_run("ip link del v0");
    assert_true(linksend_add(sender, &small, now));
    assert_ptr_equal(linksend_flush(sender, &lost), &small);
    assert_null(linksend_flush(sender, &lost));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ON_A_LINK(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        ON_A_LINK(frames_are_whole_ip_packets_in_order),
        ON_A_LINK(what_needs_the_kernels_ip_is_left_to_it),
        ON_A_LINK(a_neighbour_that_moves_is_followed),
        ON_A_LINK(what_the_link_refuses_comes_back_and_the_rest_goes),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
