/* SPDX-License-Identifier: Apache-2.0 */
/* The data plane with the kernel around it: a TUN device, and a peer on the loopback device of a network
 * namespace that the test makes for itself. What the kernel joined must come apart again, and where it
 * refuses to cut, everything must leave all the same. */
#include "base/rd.h"
#include "support/esp_pair.h"
#include "support/tun_fixture.h"

static struct sock peer, other_peer; /* where the data plane sends to; plain sockets */

/* ---- the world */

static bool set_mtu(const char *name, int mtu)
{
    return set_interface(name, SIOCSIFMTU, &(struct ifreq){.ifr_mtu = mtu});
}

static struct esp_sa with_encap(struct esp_sa sa, const struct sock *to)
{
    sa.local = (struct endpoint){.ip = ip4(127, 0, 0, 1), .port = 4500};
    sa.remote = (struct endpoint){.ip = ip4(127, 0, 0, 1), .port = to->port};
    sa.has_encap = true;
    sa.copies_df = false; /* so that what is too large for the path is fragmented */
    return sa;
}

static void add(struct esp_sa sa, struct esp_policy p)
{
    dataplane_apply(dp, &(struct action){.kind = ACTION_POLICY_ADD, .policy = &p});
    dataplane_apply(dp, &(struct action){.kind = ACTION_SA_ADD, .sa = &sa});
}

/* A second child, to 10.3.0.0/16 behind another peer. */
static void add_other_child(void)
{
    struct esp_sa sa = with_encap(pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4), &other_peer);
    struct esp_policy p = pair_policy(SIDE_A, 2);
    struct prefix net = {.ip = ip4(10, 3, 0, 0), .bits = 16};
    sa.child_id = 2;
    sa.reqid = p.reqid = 9;
    sa.spi++;
    sa.remote_ts[0] = p.remote_ts[0] = ts_from_prefix(&net);
    add(sa, p);
}

static int start(void **state)
{
    (void)state;
    struct diag d = {0};
    struct dataplane_options o = {.n_workers = 1, .esp = {.path_mtu = 1500}, .wake = on_wake};
    o.natt6[0].fd = o.esp4.fd = o.esp6.fd = -1;
    if (!world_open(1, &d) || !sock_open_udp(&o.natt4[0], 4, 4500, true, &d) ||
        !sock_open_udp(&peer, 4, 5555, false, &d) || !sock_open_udp(&other_peer, 4, 5556, false, &d))
        return -1;
    o.tun = tun;
    dp = dataplane_start(&o, &d);
    if (!dp)
        return -1;
    add(with_encap(pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4), &peer), pair_policy(SIDE_A, 1));
    struct esp_sa in = with_encap(pair_sa(esp_suite_gcm, SIDE_A, SA_IN, 4), &peer);
    dataplane_apply(dp, &(struct action){.kind = ACTION_SA_ADD, .sa = &in});
    add_other_child();
    return 0;
}

static int end(void **state)
{
    (void)state;
    world_close();
    sock_close(&peer);
    sock_close(&other_peer);
    return 0;
}

/* bytes to a port of this machine, which the kernel is to cut; the last piece may be smaller. */
static void send_joined(const struct sock *s, struct ip to, uint16_t port, struct span bytes, size_t segment)
{
    struct endpoint e = {.ip = to, .port = port};
    struct sockaddr_storage sa;
    _Alignas(struct cmsghdr) uint8_t control[SOCK_CONTROL];
    struct iovec iov = {(void *)(uintptr_t)bytes.ptr, bytes.len};
    struct msghdr m = {.msg_name = &sa, .msg_iov = &iov, .msg_iovlen = 1};
    m.msg_namelen = sockaddr_from(&e, &sa);
    sock_put_control(&m, control, (struct ip){0}, 0, (uint16_t)segment);
    assert_int_equal(sendmsg(s->fd, &m, 0), bytes.len);
}

static struct span receive(const struct sock *s, uint8_t buf[65536])
{
    struct endpoint from;
    struct sock_info info = {0};
    size_t len;
    await(s->fd, POLLIN);
    assert_true(sock_receive(s, buf, 65536, &len, &from, &info));
    return span_of(buf, len);
}

static struct dataplane_message *next_message(void)
{
    for (;;) {
        struct dataplane_message *m = dataplane_next(dp);
        uint64_t count;
        if (m)
            return m;
        await(wake_fd, POLLIN);
        ssize_t n = read(wake_fd, &count, sizeof(count));
        (void)n;
    }
}

/* ---- in */

#define TEXT 120

/* A datagram of ESP from side B whose payload is TEXT bytes of one value. */
static struct span sealed(struct esp *b, struct esp_buffer *buffer, uint8_t value)
{
    uint8_t bytes[28 + TEXT], text[TEXT];
    struct wr w = wr_over(bytes, sizeof(bytes));
    const struct endpoint from = {.ip = ip4(10, 2, 0, 5), .port = 1024},
                          to = {.ip = ip4(10, 1, 0, 9), .port = inner.port};
    struct packet_ip h = {
        .src = from.ip, .dst = to.ip, .proto = NH_UDP, .ttl = 64, .has_df = true, .payload = 8 + TEXT};
    memset(text, value, sizeof(text));
    packet_write_ip(&w, &h);
    packet_write_udp(&w, &from, &to, span_of(text, sizeof(text)));
    wr_bytes(&w, text, sizeof(text));
    struct esp_packet p = inner_raw(buffer, wr_span_view(&w));
    esp_outbound(b, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
    return span_of(p.data, p.len);
}

static void expect_inner(uint8_t value)
{
    uint8_t buf[65536], text[TEXT];
    memset(text, value, sizeof(text));
    assert_span_equal(receive(&inner, buf), span_of(text, sizeof(text)));
}

static void expect_ike(uint8_t value, size_t len)
{
    struct dataplane_message *m = next_message();
    while (m->kind == DATAPLANE_EVENT) {
        free(m);
        m = next_message();
    }
    assert_int_equal(m->kind, DATAPLANE_IKE);
    assert_int_equal(m->ike.remote.port, peer.port);
    assert_int_equal(m->ike.local.port, 4500);
    assert_int_equal(m->ike.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(m->bytes[i], value);
    free(m);
}

/* The kinds of datagrams, in the order of one message: e ESP, i IKE, k a keepalive, which can only be last.
 */
static void datagrams_that_the_kernel_joined_go_their_own_ways(void **state)
{
    (void)state;
    static const char *const orders[] = {"eeieiek", "ieeei", "k", "iik", "eek"};
    static struct esp_buffer buffer;
    struct esp *b = pair_side(esp_suite_gcm, SIDE_B, 4, NULL);
    for (size_t o = 0; o < ARRAY_LEN(orders); o++) {
        uint8_t bytes[8000];
        struct wr w = wr_over(bytes, sizeof(bytes));
        size_t len = 1;
        for (size_t i = 0; orders[o][i]; i++) {
            struct span esp = sealed(b, &buffer, (uint8_t)i);
            if (orders[o][i] == 'k') {
                wr_u8(&w, 0xff);
                continue;
            }
            len = esp.len;
            if (orders[o][i] == 'e')
                wr_span(&w, esp);
            else
                wr_zero(&w, 4);
            for (size_t k = 4; k < len && orders[o][i] == 'i'; k++)
                wr_u8(&w, (uint8_t)i);
        }
        send_joined(&peer, ip4(127, 0, 0, 1), 4500, wr_span_view(&w), len);
        for (size_t i = 0; orders[o][i]; i++) {
            if (orders[o][i] == 'e')
                expect_inner((uint8_t)i);
            if (orders[o][i] == 'i')
                expect_ike((uint8_t)i, len - 4);
        }
    }
    esp_free(b);
}

/* ---- before the SA */

/* Four packets come, some rubbish among them, and one that the worker has opened shows that it has seen them.
 * Then comes the SA. */
static void what_came_just_before_its_sa_is_opened(void **state)
{
    static struct esp_buffer buffer;
    struct esp_config c = {.path_mtu = 1500};
    struct esp *known = pair_side(esp_suite_gcm, SIDE_B, 4, NULL), *b = pair_new(&c, SIDE_B);
    struct esp_sa out = pair_sa(esp_suite_gcm, SIDE_B, SA_OUT, 4),
                  in = with_encap(pair_sa(esp_suite_gcm, SIDE_A, SA_IN, 4), &peer);
    struct span joined = hex("7777773700000001000000000000000000000000000000000000000000000000");
    (void)state;
    out.spi = in.spi = SPI_B_TO_A + 128;
    in.child_id = 3;
    pair_add_sa(b, out);
    send_joined(&peer, ip4(127, 0, 0, 1), 4500, joined, joined.len);
    for (uint8_t i = 1; i <= 4; i++) {
        struct span esp = sealed(b, &buffer, i);
        send_joined(&peer, ip4(127, 0, 0, 1), 4500, esp, esp.len);
    }
    struct span esp = {0};
    for (int i = 0; i < 70; i++) /* numbers that the other tests have not used */
        esp = sealed(known, &buffer, 9);
    send_joined(&peer, ip4(127, 0, 0, 1), 4500, esp, esp.len);
    expect_inner(9);
    dataplane_apply(dp, &(struct action){.kind = ACTION_SA_ADD, .sa = &in});
    for (uint8_t i = 1; i <= 4; i++)
        expect_inner(i);
    esp_free(known);
    esp_free(b);
}

/* ---- out */

#define SEGMENTS 20
#define SEGMENT  1200

static void send_super(struct ip to)
{
    uint8_t bytes[SEGMENTS * SEGMENT] = {0};
    send_joined(&inner, to, 9, span_of(bytes, sizeof(bytes)), SEGMENT);
}

/* ESP of this SA, numbered from first on; more bytes than the path takes in one piece. */
static void expect_esp(const struct sock *s, uint32_t spi, uint32_t first, size_t n, size_t at_least)
{
    uint8_t buf[65536];
    for (size_t i = 0; i < n; i++) {
        struct rd r = rd_over(receive(s, buf));
        assert_int_equal(rd_u32(&r), spi);
        assert_int_equal(rd_u32(&r), first + i);
        assert_true(rd_left(&r) > at_least);
    }
}

/* All notes of the data plane so far that speak of it: what it said is read up to an IKE message sent now. */
static unsigned refusals_noted(void)
{
    unsigned n = 0;
    send_joined(&peer, ip4(127, 0, 0, 1), 4500, hex("00000000 01020304"), 8);
    for (;;) {
        struct dataplane_message *m = next_message();
        bool is_last = m->kind == DATAPLANE_IKE;
        if (m->kind == DATAPLANE_NOTE && strstr((char *)m->bytes, "refuses UDP_SEGMENT"))
            n++;
        free(m);
        if (is_last)
            return n;
    }
}

static void where_a_path_refuses_segments_everything_leaves_in_order(void **state)
{
    (void)state;
    assert_true(set_mtu("lo", 1500));
    send_super(ip4(10, 2, 0, 9));
    expect_esp(&peer, SPI_A_TO_B, 1, SEGMENTS, SEGMENT);
    assert_int_equal(refusals_noted(), 0);
    assert_true(set_mtu("lo", 1000)); /* below a segment: the kernel does not cut, but it fragments */
    send_super(ip4(10, 2, 0, 9));
    assert_true(sock_send(&inner, (struct ip){0}, &(struct endpoint){.ip = ip4(10, 2, 0, 9), .port = 9}, 0,
                          span_of(NULL, 0), hex("010203")));
    expect_esp(&peer, SPI_A_TO_B, 1 + SEGMENTS, SEGMENTS, SEGMENT);
    expect_esp(&peer, SPI_A_TO_B, 1 + 2 * SEGMENTS, 1, 0);
    assert_int_equal(refusals_noted(), 1);
    send_super(ip4(10, 2, 0, 9)); /* not tried again at once */
    expect_esp(&peer, SPI_A_TO_B, 2 + 2 * SEGMENTS, SEGMENTS, SEGMENT);
    send_super(ip4(10, 3, 0, 9)); /* another path that refuses: said once is enough */
    expect_esp(&other_peer, SPI_A_TO_B + 1, 1, SEGMENTS, SEGMENT);
    assert_int_equal(refusals_noted(), 0);
    assert_true(set_mtu("lo", 65536));
}

/* ---- traps */

#define TRAP 77

static void send_small(struct ip to, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        assert_true(sock_send(&inner, (struct ip){0}, &(struct endpoint){.ip = to, .port = 9}, 0,
                              span_of(NULL, 0), hex("010203")));
}

/* The data plane asks for an SA, once: what it said up to an IKE message that is sent now. */
static unsigned acquires(void)
{
    unsigned n = 0;
    for (;;) {
        struct dataplane_message *m = next_message();
        bool is_last = m->kind == DATAPLANE_IKE;
        if (m->kind == DATAPLANE_EVENT && m->event.kind == DP_ACQUIRE) {
            assert_int_equal(m->event.policy_id, TRAP);
            n++;
            send_joined(&peer, ip4(127, 0, 0, 1), 4500, hex("00000000 01020304"), 8);
        }
        free(m);
        if (is_last)
            return n;
    }
}

/* What was sent before has been seen: the one queue of the TUN is in order. */
static void settle(void)
{
    uint8_t buf[65536];
    send_small(ip4(10, 2, 0, 9), 1);
    receive(&peer, buf);
}

static void what_a_trap_held_leaves_with_the_sa_that_it_asked_for(void **state)
{
    (void)state;
    struct ip to = ip4(10, 4, 0, 9);
    struct esp_sa sa = with_encap(pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4), &other_peer);
    struct esp_policy p = pair_policy(SIDE_A, TRAP);
    struct prefix net = {.ip = ip4(10, 4, 0, 0), .bits = 16};
    sa.child_id = 3;
    sa.reqid = p.reqid = 11;
    sa.spi += 2;
    sa.remote_ts[0] = p.remote_ts[0] = ts_from_prefix(&net);
    p.is_trap = true;
    dataplane_apply(dp, &(struct action){.kind = ACTION_POLICY_ADD, .policy = &p});
    send_small(to, 5);
    settle();
    assert_int_equal(acquires(), 1);
    dataplane_apply(dp, &(struct action){.kind = ACTION_TRAP_FAILED, .id = TRAP});
    send_small(to, 3); /* the five are lost, these wait */
    settle();
    assert_int_equal(acquires(), 1);
    dataplane_apply(dp, &(struct action){.kind = ACTION_SA_ADD, .sa = &sa});
    expect_esp(&other_peer, sa.spi, 1, 3, 0);
    send_small(to, 2);
    expect_esp(&other_peer, sa.spi, 4, 2, 0);
}

/* ---- what it has, in the middle of its work */

static void the_tables_show_what_the_packets_that_are_through_did(void **state)
{
    (void)state;
    struct esp_tables t[DATAPLANE_WORKERS_MAX];
    uint64_t before = 0;
    for (int round = 0; round < 2; round++) {
        settle();
        assert_int_equal(dataplane_tables(dp, t), 1);
        assert_true(t[0].n_sas >= 3 && t[0].n_policies >= 2);
        for (size_t i = 0; i < t[0].n_sas; i++) {
            const struct sa_row *s = &t[0].sas[i];
            if (s->spi != SPI_A_TO_B || s->direction != SA_OUT)
                continue;
            assert_true(s->seq > 0 && (!round || s->seq == before + 1));
            before = s->seq;
        }
        assert_true(before > 0);
        esp_tables_deinit(&t[0]);
    }
    assert_int_equal(dataplane_tables(NULL, t), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(datagrams_that_the_kernel_joined_go_their_own_ways),
        cmocka_unit_test(what_came_just_before_its_sa_is_opened),
        cmocka_unit_test(where_a_path_refuses_segments_everything_leaves_in_order),
        cmocka_unit_test(what_a_trap_held_leaves_with_the_sa_that_it_asked_for),
        cmocka_unit_test(the_tables_show_what_the_packets_that_are_through_did),
    };
    return cmocka_run_group_tests(tests, start, end);
}
