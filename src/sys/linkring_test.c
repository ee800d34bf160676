/* SPDX-License-Identifier: Apache-2.0 */
/* The ring on the link beside a raw socket, in a network namespace of the test's own: real packets over a
 * veth pair, and which of the two takes them. */
#include "net/packet.h"
#include "support/netns.h"
#include "support/test.h"
#include "sys/linkfilter.h"
#include "sys/linkring.h"
#include "sys/sock.h"
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define RINGS 3
#define LAST  0xabcdef00 /* the SPI of the packet that ends a test; worker 0's */

static struct linkfilter filter;
static struct linkring *rings[2][RINGS];
static struct sock raw[2];
static int out;
static struct ip destination; /* other than own() */

/* What arrived: SPIs in order, for each ring and each raw socket. */
struct seen {
    uint32_t spi[16];
    size_t n;
    uint32_t len; /* of the last, ESP only */
};

static struct ip own(uint8_t family)
{
    return family == 4 ? ip4(10, 9, 0, 2)
                       : (struct ip){
                             .family = 6, .b = {0xfd, 9, [15] = 2}
    };
}

static int open_all(void **state)
{
    struct diag d;
    (void)state;
    assert_true(netns_enter());
    netns_run(
        "ip link add v0 mtu 9000 type veth peer name v1 mtu 9000 address 02:00:00:00:00:02; "
        "ip link set v0 up; ip link set v1 up; ip addr add 10.9.0.2/24 dev v1; "
        "ip addr add fd09::2/64 dev v1 nodad; ip link set lo up; "
        "echo 0 > /proc/sys/net/ipv4/conf/all/rp_filter; echo 0 > /proc/sys/net/ipv4/conf/v1/rp_filter");
    assert_true(linkfilter_open(&filter, &d));
    for (int i = 0; i < 2; i++) {
        uint8_t family = i ? 6 : 4;
        assert_true(sock_open_esp(&raw[i], family, true, &d));
        assert_true(linkring_open(rings[i], RINGS, family, &d));
        for (int k = 0; k < RINGS; k++)
            assert_true(linkfilter_attach(&filter, linkring_fd(rings[i][k]), family, true));
        assert_true(linkfilter_attach(&filter, raw[i].fd, family, false));
        assert_true(linkfilter_add_own(&filter, own(family)));
    }
    out = socket(AF_PACKET, SOCK_DGRAM, 0);
    assert_true(out >= 0);
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        sock_close(&raw[i]);
        for (int k = 0; k < RINGS; k++)
            linkring_close(rings[i][k]);
    }
    linkfilter_close(&filter);
    close(out);
    return 0;
}

/* ---- sending */

static void send_ip(const uint8_t *ip, size_t len)
{
    bool is4 = ip[0] >> 4 == 4;
    struct sockaddr_ll to = {
        .sll_family = AF_PACKET,
        .sll_protocol = htons(is4 ? ETH_P_IP : ETH_P_IPV6),
        .sll_ifindex = (int)if_nametoindex("v0"),
        .sll_halen = 6,
        .sll_addr = {2, 0, 0, 0, 0, 2}
    };
    assert_int_equal(sendto(out, ip, len, 0, (struct sockaddr *)&to, sizeof(to)), len);
}

/* An IP packet that carries `esp` bytes of ESP. Returns its length; buf has room. */
static size_t build(uint8_t *buf, uint8_t family, uint32_t spi, size_t esp)
{
    struct packet_ip h = {.proto = NH_ESP, .ttl = 64, .tos = 2, .has_df = true, .payload = (uint16_t)esp};
    h.src = family == 4 ? ip4(10, 9, 0, 77)
                        : (struct ip){
                              .family = 6, .b = {0xfd, 9, [15] = 77}
    };
    h.dst = destination.family == family ? destination : own(family);
    struct wr w = wr_over(buf, PACKET_IP_MAX);
    packet_write_ip(&w, &h);
    uint8_t *at = buf + packet_ip_len(family);
    const uint32_t head[2] = {htonl(spi), htonl(spi ^ 0x5a5a5a5a)};
    memset(at, (int)spi, esp);
    memcpy(at, head, sizeof(head));
    return packet_ip_len(family) + esp;
}

static void send_whole(uint8_t family, uint32_t spi, size_t esp)
{
    uint8_t buf[9000];
    send_ip(buf, build(buf, family, spi, esp));
}

static void sum_up(uint8_t *ip)
{
    ip[10] = ip[11] = 0;
    uint16_t sum = checksum_finish(checksum_add(0, span_of(ip, (size_t)(ip[0] & 15) * 4)));
    ip[10] = (uint8_t)(sum >> 8);
    ip[11] = (uint8_t)sum;
}

/* Two fragments, cut behind the first 800 bytes of ESP. */
static void send_fragments4(uint32_t spi, size_t esp, bool has_df)
{
    uint8_t buf[9000], one[9000];
    size_t len = build(buf, 4, spi, esp), parts[][2] = {
                                              {0,   800      },
                                              {800, len - 820}
    };
    for (int i = 0; i < 2; i++) {
        memcpy(one, buf, 20);
        memcpy(one + 20, buf + 20 + parts[i][0], parts[i][1]);
        one[2] = (uint8_t)((20 + parts[i][1]) >> 8);
        one[3] = (uint8_t)(20 + parts[i][1]);
        one[4] = (uint8_t)(spi >> 8), one[5] = (uint8_t)spi;
        one[6] = (uint8_t)((has_df ? 0x40 : 0) | (i ? 0 : 0x20));
        one[7] = (uint8_t)(parts[i][0] / 8);
        sum_up(one);
        send_ip(one, 20 + parts[i][1]);
    }
}

static void send_fragments6(uint32_t spi, size_t esp)
{
    uint8_t buf[9000], one[9000];
    size_t len = build(buf, 6, spi, esp), parts[][2] = {
                                              {0,   800      },
                                              {800, len - 840}
    };
    for (int i = 0; i < 2; i++) {
        size_t n = parts[i][1] + 8;
        memcpy(one, buf, 40);
        one[4] = (uint8_t)(n >> 8), one[5] = (uint8_t)n;
        one[6] = 44;
        memset(one + 40, 0, 8);
        one[40] = NH_ESP;
        one[42] = (uint8_t)(parts[i][0] >> 8);
        one[43] = (uint8_t)(parts[i][0] | (i ? 0 : 1));
        memcpy(one + 44, &spi, 4);
        memcpy(one + 48, buf + 40 + parts[i][0], parts[i][1]);
        send_ip(one, 40 + n);
    }
}

/* IPv4 options, or an IPv6 destination options header: the raw socket's. */
static void send_with_extension(uint8_t family, uint32_t spi)
{
    uint8_t buf[512], one[512];
    size_t header = packet_ip_len(family), extra = family == 4 ? 4 : 8, len = build(buf, family, spi, 100);
    memcpy(one, buf, header);
    memset(one + header, 1, extra); /* no operation; PadN */
    memcpy(one + header + extra, buf + header, len - header);
    if (family == 4) {
        one[0] = 0x46;
        one[3] = (uint8_t)(one[3] + extra);
        sum_up(one);
    } else {
        one[5] = (uint8_t)(one[5] + extra);
        one[6] = 60;
        memcpy(one + header, (uint8_t[8]){NH_ESP, 0, 1, 4}, 8);
    }
    send_ip(one, len + extra);
}

/* ---- receiving */

static uint32_t spi_at(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void wait_for(int fd)
{
    struct pollfd f = {.fd = fd, .events = POLLIN};
    assert_int_equal(poll(&f, 1, 5000), 1);
}

static bool note(struct seen *s, uint32_t spi, uint32_t len)
{
    if (spi == LAST)
        return false;
    assert_true(s->n < ARRAY_LEN(s->spi));
    s->spi[s->n++] = spi;
    s->len = len;
    return true;
}

static void drain_ring(struct linkring *r, struct seen *s)
{
    struct linkring_packet p;
    while (linkring_next(r, &p))
        note(s, spi_at(p.data), p.len);
    linkring_release(r);
}

/* Everything that came before the end was sent. */
static void receive(uint8_t family, struct seen in_rings[RINGS], struct seen *in_raw)
{
    int i = family == 6;
    bool is_going = true;
    memset(in_rings, 0, RINGS * sizeof(*in_rings));
    memset(in_raw, 0, sizeof(*in_raw));
    send_whole(family, LAST, 100);
    send_with_extension(family, LAST);
    while (is_going) {
        struct linkring_packet p;
        wait_for(linkring_fd(rings[i][0]));
        while (linkring_next(rings[i][0], &p))
            is_going = note(&in_rings[0], spi_at(p.data), p.len) && is_going;
        linkring_release(rings[i][0]);
    }
    for (int k = 1; k < RINGS; k++)
        drain_ring(rings[i][k], &in_rings[k]);
    for (is_going = true; is_going;) {
        uint8_t buf[9000];
        size_t header = 0;
        wait_for(raw[i].fd);
        ssize_t n = recv(raw[i].fd, buf, sizeof(buf), 0);
        assert_true(n > 0);
        if (family == 4)
            header = (size_t)(buf[0] & 15) * 4;
        is_going = note(in_raw, spi_at(buf + header), (uint32_t)((size_t)n - header));
    }
}

static struct seen r[RINGS], s;

/* ---- tests */

static void what_arrives_whole_is_the_rings(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        send_whole(family, 0x11110000, 8);
        send_whole(family, 0x11110003, LINKFILTER_MAX - packet_ip_len(family));
        receive(family, r, &s);
        assert_int_equal(r[0].n, 2);
        assert_int_equal(r[0].spi[0], 0x11110000);
        assert_int_equal(r[0].spi[1], 0x11110003);
        assert_int_equal(r[0].len, LINKFILTER_MAX - packet_ip_len(family));
        assert_int_equal(s.n, 0);
    }
}

static void addresses_and_ecn_are_those_of_the_packet(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct linkring *ring = rings[family == 6][0];
        struct linkring_packet p;
        char text[IP_TEXT_MAX];
        send_whole(family, 0x11110000, 1000);
        wait_for(linkring_fd(ring));
        assert_true(linkring_next(ring, &p));
        assert_int_equal(p.tos, 2);
        assert_int_equal(p.len, 1000);
        assert_int_equal(p.data[999], 0);
        assert_string_equal(ip_format(p.remote, text), family == 4 ? "10.9.0.77" : "fd09::4d");
        assert_string_equal(ip_format(p.local, text), family == 4 ? "10.9.0.2" : "fd09::2");
        assert_false(linkring_next(ring, &p));
        linkring_release(ring);
    }
}

static void larger_packets_and_those_with_options_are_the_raw_sockets(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        send_whole(family, 0x11110006, LINKFILTER_MAX + 1 - packet_ip_len(family));
        send_whole(family, 0x11110009, 5000);
        send_with_extension(family, 0x1111000c);
        receive(family, r, &s);
        assert_int_equal(r[0].n, 0);
        assert_int_equal(s.n, 3);
        assert_int_equal(s.spi[2], 0x1111000c);
    }
}

static void esp_of_the_kernels_sas_is_neithers(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        send_whole(family, 0x11110043, 500);
        send_whole(family, 0x111100c6, 5000);
        if (family == 4)
            send_fragments4(0x11110049, 1400, false);
        send_whole(family, 0x11114003, 500);
        receive(family, r, &s);
        assert_int_equal(r[0].n, 1);
        assert_int_equal(r[0].spi[0], 0x11114003);
        assert_int_equal(s.n, 0);
    }
}

/* A whole packet and one in fragments. */
static void send_to(struct ip to)
{
    destination = to;
    send_whole(4, 0x11110003, 500);
    send_fragments4(0x11110006, 1400, false);
    destination = (struct ip){0};
}

/* An address of the machine's that is not ours is the raw socket's, and what passes through is nobody's. */
static void other_addresses_are_not_the_rings(void **state)
{
    (void)state;
    netns_run("echo 1 > /proc/sys/net/ipv4/ip_forward");
    send_to(ip4(10, 9, 0, 3));
    netns_run("ip addr add 10.9.0.4/24 dev v1");
    send_to(ip4(10, 9, 0, 4));
    receive(4, r, &s);
    assert_int_equal(r[0].n, 0);
    assert_int_equal(s.n, 2);
    assert_true(linkfilter_add_own(&filter, ip4(10, 9, 0, 4)));
    send_to(ip4(10, 9, 0, 4));
    receive(4, r, &s);
    assert_int_equal(r[0].n, 1);
    assert_int_equal(s.n, 1);
}

/* Whatever their size is in the end, and with DF as without. */
static void fragments_come_once_and_put_together(void **state)
{
    (void)state;
    send_fragments4(0x11110003, 1400, false);
    send_whole(4, 0x11110006, 1400);
    send_fragments4(0x11110009, 4000, false);
    send_fragments4(0x1111000c, 900, true);
    receive(4, r, &s);
    assert_int_equal(r[0].n, 1);
    assert_int_equal(r[0].spi[0], 0x11110006);
    assert_int_equal(s.n, 3);
    assert_int_equal(s.len, 900);
    send_fragments6(0x11110003, 1400);
    send_whole(6, 0x11110006, 1400);
    send_fragments6(0x11110009, 4000);
    receive(6, r, &s);
    assert_int_equal(r[0].n, 1);
    assert_int_equal(s.n, 2);
    assert_int_equal(s.spi[0], 0x11110003);
}

/* A note is for one packet: the same bytes sent whole are the ring's again. */
static void what_was_noted_counts_once(void **state)
{
    (void)state;
    send_fragments4(0x11110003, 1400, false);
    send_whole(4, 0x11110003, 1400);
    receive(4, r, &s);
    assert_int_equal(r[0].n, 1);
    assert_int_equal(s.n, 1);
}

static void each_ring_has_the_spis_of_its_worker(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        for (uint32_t i = 0; i < 9; i++)
            send_whole(family, 0x11110080 + i, 100);
        receive(family, r, &s);
        for (uint32_t k = 0; k < RINGS; k++) {
            assert_int_equal(r[k].n, 3);
            for (size_t i = 0; i < 3; i++)
                assert_int_equal((r[k].spi[i] & 63) % RINGS, k);
        }
        assert_int_equal(s.n, 0);
    }
}

static void detached_the_raw_socket_has_all(void **state)
{
    (void)state;
    struct linkring_packet p;
    assert_true(sock_leave_kernels(&raw[0]));
    for (int k = 0; k < RINGS; k++)
        assert_true(linkfilter_detach(linkring_fd(rings[0][k])));
    send_whole(4, 0x11110003, 1400);
    wait_for(raw[0].fd);
    assert_false(linkring_next(rings[0][0], &p));
    uint8_t buf[2000];
    assert_int_equal(recv(raw[0].fd, buf, sizeof(buf), 0), 1420);
}

static void what_is_broken_is_nobodys(void **state)
{
    (void)state;
    uint8_t buf[2000];
    size_t len = build(buf, 4, 0x11110003, 100);
    buf[10] ^= 1; /* the header's checksum */
    send_ip(buf, len);
    len = build(buf, 4, 0x11110003, 100);
    send_ip(buf, len - 50); /* shorter than it says */
    len = build(buf, 4, 0x11110003, 4);
    send_ip(buf, len); /* no room for a sequence number */
    len = build(buf, 6, 0x11110003, 100);
    send_ip(buf, len - 50);
    receive(4, r, &s);
    assert_int_equal(r[0].n, 0);
    receive(6, r, &s);
    assert_int_equal(r[0].n, 0);
}

static void a_full_ring_counts_what_it_loses(void **state)
{
    (void)state;
    struct linkring *ring = rings[0][0];
    struct linkring_packet p;
    unsigned n = 0;
    for (int i = 0; i < 2100; i++)
        send_whole(4, 0x11110000, 100);
    while (linkring_next(ring, &p))
        n++;
    assert_int_equal(n, 2048);
    assert_int_equal(linkring_lost(ring), 2100 - 2048);
    assert_int_equal(linkring_lost(ring), 0);
    linkring_release(ring);
    send_whole(4, 0x11110003, 100);
    receive(4, r, &s);
    assert_int_equal(r[0].n, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define ON_A_LINK(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
        ON_A_LINK(what_arrives_whole_is_the_rings),
        ON_A_LINK(addresses_and_ecn_are_those_of_the_packet),
        ON_A_LINK(larger_packets_and_those_with_options_are_the_raw_sockets),
        ON_A_LINK(esp_of_the_kernels_sas_is_neithers),
        ON_A_LINK(other_addresses_are_not_the_rings),
        ON_A_LINK(fragments_come_once_and_put_together),
        ON_A_LINK(what_was_noted_counts_once),
        ON_A_LINK(each_ring_has_the_spis_of_its_worker),
        ON_A_LINK(detached_the_raw_socket_has_all),
        ON_A_LINK(what_is_broken_is_nobodys),
        ON_A_LINK(a_full_ring_counts_what_it_loses),
    };
    if (!netns_enter())
        return NETNS_SKIP;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
