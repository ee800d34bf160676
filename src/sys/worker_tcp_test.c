/* SPDX-License-Identifier: Apache-2.0 */
/* Streams of TCP encapsulation through a data plane of two workers, with a TUN device in a network namespace
 * of the test's own. The connections are socket pairs, whose other ends the test holds: it writes in pieces,
 * reads late, and says what no peer should. Each test has one stream with the worker that owns the SA, and
 * one with the other. */
#include "base/rd.h"
#include "support/esp_pair.h"
#include "support/tun_fixture.h"
#include <stdio.h>

#define WARY  10000
#define TEXT  120
#define REQID 64 /* agrees with SPI_B_TO_A in the bits that steer: worker 0 */

static int far; /* the other end of the stream */
static uint32_t handle;
static struct esp *b;

/* ---- the world */

static int start(void **state)
{
    (void)state;
    struct diag d = {0};
    struct dataplane_options o = {.n_workers = 2, .esp = {.path_mtu = 1500}, .wake = on_wake};
    o.natt4[0].fd = o.natt4[1].fd = o.natt6[0].fd = o.natt6[1].fd = o.esp4.fd = o.esp6.fd = -1;
    if (!world_open(2, &d))
        return -1;
    o.tun = tun;
    dp = dataplane_start(&o, &d);
    return dp ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    world_close();
    return 0;
}

static struct endpoint remote_end(void)
{
    return (struct endpoint){.ip = ip4(192, 0, 2, 1), .port = 4500, .stream = handle};
}

static struct esp_sa over_stream(enum sa_direction d)
{
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, d, 4);
    sa.local = (struct endpoint){.ip = ip4(192, 0, 2, 2), .port = 40000};
    sa.remote = remote_end();
    sa.has_encap = true;
    sa.reqid = REQID;
    return sa;
}

static void apply(enum action_kind kind, struct esp_sa sa)
{
    dataplane_apply(dp, &(struct action){.kind = kind, .sa = &sa});
}

static void open_stream(uint32_t with)
{
    int pair[2];
    handle = with;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    far = pair[1];
    dataplane_stream_add(dp, &(struct dataplane_stream){
                                 .handle = handle,
                                 .fd = pair[0],
                                 .local = {.ip = ip4(192, 0, 2, 2), .port = 40000},
                                 .remote = remote_end(),
                                 .wary_max = WARY
    });
    struct esp_policy p = pair_policy(SIDE_A, 1);
    p.reqid = REQID;
    dataplane_apply(dp, &(struct action){.kind = ACTION_POLICY_ADD, .policy = &p});
    apply(ACTION_SA_ADD, over_stream(SA_OUT));
    apply(ACTION_SA_ADD, over_stream(SA_IN));
    b = pair_side(esp_suite_gcm, SIDE_B, 4, NULL);
}

static void close_stream(void)
{
    apply(ACTION_SA_DEL, over_stream(SA_OUT));
    apply(ACTION_SA_DEL, over_stream(SA_IN));
    dataplane_apply(dp, &(struct action){.kind = ACTION_POLICY_DEL, .id = 1});
    dataplane_stream_close(dp, handle, false);
    close(far);
    esp_free(b);
}

static void settle(void);

/* A test with a peer's stream at either worker, then with one of ours. */
static void with_each(void (*test)(void))
{
    static uint32_t last;
    for (int i = 0; i < 4; i++) {
        open_stream(++last | (i & 2 ? STREAM_OURS : 0));
        settle();
        test();
        close_stream();
    }
}

static bool is_ours(void)
{
    return handle & STREAM_OURS;
}

/* ---- what the test says and hears */

static struct dataplane_message *next_message(enum dataplane_message_kind kind)
{
    for (;;) {
        struct dataplane_message *m = dataplane_next(dp);
        uint64_t count;
        if (m && m->kind == kind)
            return m;
        free(m);
        if (m)
            continue;
        await(wake_fd, POLLIN);
        ssize_t n = read(wake_fd, &count, sizeof(count));
        (void)n;
    }
}

static void say(struct span bytes)
{
    while (bytes.len) {
        await(far, POLLOUT);
        ssize_t n = send(far, bytes.ptr, bytes.len, MSG_NOSIGNAL);
        assert_true(n > 0);
        bytes = span_of(bytes.ptr + n, bytes.len - (size_t)n);
    }
}

static void say_prefix(void)
{
    if (!is_ours())
        say(span_str("IKETCP"));
}

static void hear(uint8_t *to, size_t len)
{
    while (len) {
        await(far, POLLIN);
        ssize_t n = recv(far, to, len, 0);
        assert_true(n > 0);
        to += n;
        len -= (size_t)n;
    }
}

/* One message behind its length. */
static size_t hear_message(uint8_t buf[65536])
{
    uint8_t length[2];
    hear(length, 2);
    size_t len = (size_t)length[0] << 8 | length[1];
    assert_true(len > 2);
    hear(buf, len - 2);
    return len - 2;
}

static void hear_prefix(void)
{
    uint8_t buf[6];
    if (!is_ours())
        return;
    hear(buf, 6);
    assert_memory_equal(buf, "IKETCP", 6);
}

static void wr_framed(struct wr *w, bool is_ike, struct span bytes)
{
    wr_u16(w, (uint16_t)(bytes.len + (is_ike ? 6 : 2)));
    if (is_ike)
        wr_zero(w, 4);
    wr_span(w, bytes);
}

/* ESP from side B whose payload is TEXT bytes of one value. */
static struct span sealed(uint8_t value)
{
    static struct esp_buffer buffer;
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
    struct esp_packet p = inner_raw(&buffer, wr_span_view(&w));
    esp_outbound(b, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
    return span_of(p.data, p.len);
}

static void expect_inner(uint8_t value)
{
    uint8_t buf[65536], text[TEXT];
    struct endpoint from;
    struct sock_info info = {0};
    size_t len;
    memset(text, value, sizeof(text));
    await(inner.fd, POLLIN);
    assert_true(sock_receive(&inner, buf, sizeof(buf), &len, &from, &info));
    assert_span_equal(span_of(buf, len), span_of(text, sizeof(text)));
}

static void expect_ike(uint8_t value, size_t len)
{
    struct dataplane_message *m = next_message(DATAPLANE_IKE);
    struct endpoint want = remote_end();
    assert_true(endpoint_equal(&m->ike.remote, &want));
    assert_int_equal(m->ike.local.port, 40000);
    assert_int_equal(m->ike.len, len);
    for (size_t i = 0; i < len; i++)
        assert_int_equal(m->bytes[i], value);
    free(m);
}

static void expect_end(const char *why)
{
    char byte;
    if (why) {
        struct dataplane_message *m = next_message(DATAPLANE_STREAM_DOWN);
        assert_int_equal(m->stream, handle);
        assert_non_null(strstr((char *)m->bytes, why));
        free(m);
    }
    await(far, POLLIN);
    assert_int_equal(recv(far, &byte, 1, 0), 0);
}

static void send_inner(size_t len)
{
    static const uint8_t bytes[1400];
    const struct endpoint to = {.ip = ip4(10, 2, 0, 9), .port = 9};
    assert_true(sock_send(&inner, (struct ip){0}, &to, 0, span_of(NULL, 0), span_of(bytes, len)));
}

/* The prefix is heard, and what earlier tests left before the TUN. */
static void settle(void)
{
    static uint8_t buf[65536];
    hear_prefix();
    send_inner(1);
    while (hear_message(buf) >= 100)
        ;
}

static uint64_t dropped(enum esp_drop why)
{
    struct esp_counters c;
    dataplane_counters(dp, &c);
    return c.drops[why];
}

/* How many went out. Counters are published now and then: the first change may be of what was before. */
static uint64_t send_until_dropped(enum esp_drop why, size_t len)
{
    uint64_t sent = 0;
    for (int changes = 0; changes < 2; changes++) {
        uint64_t before = dropped(why);
        while (dropped(why) == before) {
            send_inner(len);
            assert_true(++sent < 10000000);
        }
    }
    return sent;
}

/* ---- tests */

static void say_all_kinds_in_pieces(void)
{
    uint8_t bytes[4096], ike[100];
    memset(ike, 7, sizeof(ike));
    say_prefix();
    for (size_t piece = 1; piece < 12; piece++) {
        struct wr w = wr_over(bytes, sizeof(bytes));
        for (uint8_t i = 0; i < 3; i++) {
            wr_framed(&w, false, sealed(i));
            wr_framed(&w, true, span_of(ike, 100 - piece));
            wr_bytes(&w, "\0\3\xff\0\2", 5);
        }
        struct span all = wr_span_view(&w);
        while (all.len) {
            size_t n = all.len < piece * piece ? all.len : piece * piece;
            say(span_of(all.ptr, n));
            all = span_of(all.ptr + n, all.len - n);
        }
        for (uint8_t i = 0; i < 3; i++) {
            expect_ike(7, 100 - piece);
            expect_inner(i);
        }
    }
}

static void what_comes_in_pieces_is_what_was_sent(void **state)
{
    (void)state;
    with_each(say_all_kinds_in_pieces);
}

static void hear_all_kinds(void)
{
    uint8_t buf[65536], ike[300];
    uint32_t before = 0;
    memset(ike, 9, sizeof(ike));
    for (uint32_t i = 1; i < 30; i++) {
        send_inner(10 * i);
        size_t len = hear_message(buf);
        struct rd r = rd_over(span_of(buf, len));
        assert_int_equal(rd_u32(&r), SPI_A_TO_B);
        uint32_t seq = rd_u32(&r);
        assert_true(i == 1 || seq == before + 1);
        before = seq;
        dataplane_stream_send(dp, handle, span_of(ike, 10 * i));
        assert_int_equal(hear_message(buf), 4 + 10 * i);
        assert_memory_equal(buf, "\0\0\0\0\x9", 5);
    }
}

static void what_goes_out_is_framed_and_the_originator_sends_one_prefix(void **state)
{
    (void)state;
    with_each(hear_all_kinds);
}

static void say_length_zero(void)
{
    say_prefix();
    say(span_of("\0\0\0\0\0\0", 6));
    expect_end("out of step");
}

static void say_something_else(void)
{
    if (is_ours())
        return;
    say(span_str("GET / HTTP/1.1\r\n\r\n"));
    expect_end("does not begin");
}

/* From whoever has not proved who it is. What came in part is not given to anybody. */
static void say_too_much(void)
{
    static const uint8_t zero[70000];
    if (is_ours())
        return;
    say_prefix();
    say(span_of("\x27\x12", 2)); /* 10002: just what is taken */
    say(span_of(zero, WARY));
    expect_ike(0, WARY - 4);
    say(span_of("\x27\x13\0\0\0\0\0", 7));
    expect_end("out of step");
}

static void trust_and_say_much(void)
{
    static const uint8_t zero[70000];
    dataplane_stream_trust(dp, handle);
    say_prefix();
    say(span_of("\xff\xff", 2));
    say(span_of(zero, 65533));
    expect_ike(0, 65529);
}

static void say_nothing_more(void)
{
    say_prefix();
    say(span_of("\0\x20\1\2\3", 5));
    assert_int_equal(shutdown(far, SHUT_WR), 0);
    expect_end("closed by the peer");
}

static void a_stream_ends_for_a_reason_that_is_told(void **state)
{
    (void)state;
    with_each(say_length_zero);
    with_each(say_something_else);
    with_each(say_too_much);
    with_each(trust_and_say_much);
    with_each(say_nothing_more);
}

static void say_what_no_sa_takes(void)
{
    uint8_t bytes[64 * 40];
    struct wr w = wr_over(bytes, sizeof(bytes));
    say_prefix();
    for (int i = 0; i < 63; i++)
        wr_framed(&w, false, span_str("SPI of nobody and so on, yes"));
    say(wr_span_view(&w));
    say((struct span){0});
    w = wr_over(bytes, sizeof(bytes));
    wr_framed(&w, false, sealed(3)); /* begins to count anew */
    say(wr_span_view(&w));
    expect_inner(3);
    w = wr_over(bytes, sizeof(bytes));
    for (int i = 0; i < 63; i++)
        wr_framed(&w, false, span_str("SPI of nobody and so on, yes"));
    wr_framed(&w, true, span_str("\1"));
    say(wr_span_view(&w));
    expect_ike(1, 1);
    struct dataplane_message *m;
    while ((m = dataplane_next(dp))) {
        assert_int_not_equal(m->kind, DATAPLANE_STREAM_BAD);
        free(m);
    }
    w = wr_over(bytes, sizeof(bytes));
    for (int i = 0; i < 3; i++)
        wr_framed(&w, false, span_str("SPI of nobody and so on, yes"));
    say(wr_span_view(&w));
    m = next_message(DATAPLANE_STREAM_BAD);
    assert_int_equal(m->stream, handle);
    free(m);
}

static void a_stream_that_brings_nothing_for_long_is_told(void **state)
{
    (void)state;
    with_each(say_what_no_sa_takes);
}

/* Nobody reads: whole packets are dropped, IKE still has room, nothing is torn, and all of it can be read
 * afterwards. Meanwhile the other worker and this one go on. */
static void read_late(void)
{
    static uint8_t buf[65536];
    static const uint8_t late[2000];
    uint64_t esp = 0, ike = 0;
    uint64_t sent = send_until_dropped(DROP_STREAM_FULL, 1300);
    for (int i = 0; i < 20; i++)
        dataplane_stream_send(dp, handle, span_of(late, sizeof(late)));
    say_prefix();
    say(span_of("\0\x7\0\0\0\0\5", 7));
    expect_ike(5, 1);
    while (ike < 20) { /* none of them is lost */
        size_t len = hear_message(buf);
        bool is_ike = !memcmp(buf, "\0\0\0\0", 4);
        assert_int_equal(len, is_ike ? 4 + sizeof(late) : 8 + 8 + 1328 + 2 + 2 + 16);
        ike += is_ike;
        esp += !is_ike;
    }
    assert_true(esp * 1358 > 200 << 10);
    assert_true(esp < sent);
    send_inner(1); /* and there is room again; what waited before the TUN comes first */
    while (hear_message(buf) >= 100)
        ;
}

static void a_slow_peer_costs_whole_packets_and_holds_up_nobody(void **state)
{
    (void)state;
    with_each(read_late);
}

/* As many as the rings between the workers hold, whoever of them is late: packets may be lost there. */
#define AT_ONCE      25
#define BEFORE_CLOSE 150

static void close_in_good_order(void)
{
    static uint8_t buf[65536];
    for (int i = 0; i < BEFORE_CLOSE; i += AT_ONCE) {
        for (int k = 0; k < AT_ONCE; k++)
            send_inner(1300);
        for (int k = 0; k < AT_ONCE; k++) /* all are sealed and queued or sent when the last one is seen */
            hear_message(buf);
    }
    dataplane_stream_send(dp, handle, span_str("a delete"));
    dataplane_stream_close(dp, handle, true);
    assert_int_equal(hear_message(buf), 12);
    expect_end(NULL);
}

static void closing_in_good_order_sends_what_waits(void **state)
{
    (void)state;
    with_each(close_in_good_order);
}

static void lose_it(void)
{
    dataplane_stream_close(dp, handle, false);
    expect_end(NULL);
    send_until_dropped(DROP_NO_STREAM, 100);
}

static void packets_for_a_stream_that_is_gone_are_counted(void **state)
{
    (void)state;
    with_each(lose_it);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_comes_in_pieces_is_what_was_sent),
        cmocka_unit_test(what_goes_out_is_framed_and_the_originator_sends_one_prefix),
        cmocka_unit_test(a_stream_ends_for_a_reason_that_is_told),
        cmocka_unit_test(a_stream_that_brings_nothing_for_long_is_told),
        cmocka_unit_test(a_slow_peer_costs_whole_packets_and_holds_up_nobody),
        cmocka_unit_test(closing_in_good_order_sends_what_waits),
        cmocka_unit_test(packets_for_a_stream_that_is_gone_are_counted),
    };
    return cmocka_run_group_tests(tests, start, end);
}
