/* SPDX-License-Identifier: Apache-2.0 */
/* Lifetimes by bytes and packets, the end of the sequence numbers, and the events about them. */
#include "crypto/random.h"
#include "esp/lifetime.h"
#include "esp/state.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp *a, *b;
static struct esp_buffer buffers[8];
static struct esp_packet packets[8];
static struct dataplane_event ev[8];

static int setup(void **state)
{
    (void)state;
    crypto_random_seed(3);
    a = pair_new(&(struct esp_config){0}, SIDE_A);
    b = pair_new(&(struct esp_config){0}, SIDE_B);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(a);
    esp_free(b);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static struct esp_sa record(enum esp_side side, enum sa_direction dir)
{
    return pair_sa(esp_suite_gcm, side, dir, 4);
}

/* n packets of 100 bytes from A in one batch. */
static void out(size_t n)
{
    for (size_t i = 0; i < n; i++)
        packets[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    esp_outbound(a, packets, n, 77);
}

static void a_soft_limit_is_reported_once_and_stops_nothing(void **state)
{
    (void)state;
    struct esp_sa sa = record(SIDE_A, SA_OUT);
    sa.soft_packets = 3;
    pair_add_sa(a, sa);
    out(2);
    assert_int_equal(esp_events(a, ev, 8), 0);
    out(8);
    assert_int_equal(packets[7].verdict, ESP_FORWARD);
    assert_int_equal(esp_events(a, ev, 8), 1);
    assert_int_equal(ev[0].kind, DP_SOFT_EXPIRE);
    assert_int_equal(ev[0].spi, SPI_A_TO_B);
    assert_int_equal(ev[0].direction, SA_OUT);
    assert_int_equal(ev[0].child_id, 1);
    out(1);
    assert_int_equal(esp_events(a, ev, 8), 0);
}

static void a_hard_limit_stops_the_sa_within_the_batch(void **state)
{
    (void)state;
    struct esp_sa sa = record(SIDE_A, SA_OUT);
    sa.hard_bytes = 250;
    pair_add_sa(a, sa);
    out(5);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(packets[i].verdict, i < 3 ? ESP_FORWARD : ESP_DROP);
    assert_int_equal(packets[3].drop, DROP_EXPIRED);
    assert_int_equal(esp_events(a, ev, 8), 1);
    assert_int_equal(ev[0].kind, DP_HARD_EXPIRE);
    assert_int_equal(ev[0].bytes, 300);
}

static void both_limits_at_once_are_both_reported(void **state)
{
    (void)state;
    struct esp_sa sa = record(SIDE_A, SA_OUT);
    sa.soft_packets = 1;
    sa.hard_packets = 2;
    pair_add_sa(a, sa);
    out(4);
    assert_int_equal(esp_events(a, ev, 1), 1); /* a small array takes them one by one */
    assert_int_equal(ev[0].kind, DP_SOFT_EXPIRE);
    assert_int_equal(esp_events(a, ev, 1), 1);
    assert_int_equal(ev[0].kind, DP_HARD_EXPIRE);
    assert_int_equal(esp_events(a, ev, 1), 0);
}

static void inbound_limits_count_authentic_packets_only(void **state)
{
    (void)state;
    struct esp_sa in = record(SIDE_B, SA_IN);
    in.hard_packets = 3;
    pair_add_sa(a, record(SIDE_A, SA_OUT));
    pair_add_sa(b, in);
    out(6);
    packets[0].data[20] ^= 1;
    esp_inbound(b, packets, 6, 88);
    static const enum esp_drop want[] = {DROP_BAD_ICV, DROP_NONE,    DROP_NONE,
                                         DROP_NONE,    DROP_EXPIRED, DROP_EXPIRED};
    for (size_t i = 0; i < 6; i++)
        assert_int_equal(packets[i].drop, want[i]);
    assert_int_equal(esp_events(b, ev, 8), 1);
    assert_int_equal(ev[0].kind, DP_HARD_EXPIRE);
    assert_int_equal(ev[0].direction, SA_IN);
}

static void counters_are_of_inner_packets(void **state)
{
    (void)state;
    pair_add_sa(a, record(SIDE_A, SA_OUT));
    pair_add_sa(b, record(SIDE_B, SA_IN));
    out(3);
    esp_inbound(b, packets, 3, 88);
    assert_true(esp_sa_counters(a, SA_OUT, SPI_A_TO_B, &ev[0]));
    assert_true(ev[0].kind == DP_COUNTERS && ev[0].packets == 3 && ev[0].bytes == 300 &&
                ev[0].last_use == 77);
    assert_true(esp_sa_counters(b, SA_IN, SPI_A_TO_B, &ev[0]));
    assert_true(ev[0].packets == 3 && ev[0].bytes == 300 && ev[0].last_use == 88);
    assert_false(esp_sa_counters(b, SA_OUT, SPI_A_TO_B, &ev[0]));
    assert_int_equal(esp_counters(a)->bytes_out, 300);
    assert_int_equal(esp_counters(b)->bytes_in, 300);
}

static void without_esn_the_numbers_end_before_they_wrap(void **state)
{
    (void)state;
    pair_add_sa(a, record(SIDE_A, SA_OUT));
    sad_find(&a->sad, SA_OUT, SPI_A_TO_B, 0)->seq = UINT32_MAX - 2;
    out(4);
    assert_int_equal(packets[1].verdict, ESP_FORWARD);
    assert_memory_equal(packets[1].data + 4, "\xff\xff\xff\xff", 4);
    for (size_t i = 2; i < 4; i++) {
        assert_int_equal(packets[i].verdict, ESP_DROP);
        assert_int_equal(packets[i].drop, DROP_SEQ_EXHAUSTED);
    }
    assert_int_equal(esp_events(a, ev, 8), 2);
    assert_int_equal(ev[0].kind, DP_SOFT_EXPIRE);
    assert_int_equal(ev[1].kind, DP_HARD_EXPIRE);
    out(1);
    assert_int_equal(packets[0].drop, DROP_SEQ_EXHAUSTED);
}

/* [RFC6311#5.2] */
static void numbers_that_are_left_out_do_not_come(void **state)
{
    (void)state;
    struct esp_sa sa = record(SIDE_A, SA_OUT);
    struct diag d = {0};
    sa.skip = 5;
    pair_add_sa(a, sa);
    out(1);
    assert_memory_equal(packets[0].data + 4, "\0\0\0\6", 4);
    sa.skip = 0xabc00;
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_SA_UPDATE, .sa = &sa}, 78, &d));
    out(1);
    assert_memory_equal(packets[0].data + 4, "\x00\x0a\xbc\x07", 4);
}

static void leaving_out_more_than_there_are_ends_the_numbers(void **state)
{
    (void)state;
    struct diag d = {0};
    for (int has_esn = 0; has_esn < 2; has_esn++) {
        struct esp_sa sa = record(SIDE_A, SA_OUT);
        sa.spi += (uint32_t)has_esn;
        sa.has_esn = has_esn;
        pair_add_sa(a, sa);
        out(1);
        sa.skip = has_esn ? UINT64_MAX - 1 : UINT32_MAX - 1;
        assert_true(esp_apply(a, &(struct action){.kind = ACTION_SA_UPDATE, .sa = &sa}, 78, &d));
        out(1);
        assert_int_equal(packets[0].drop, DROP_SEQ_EXHAUSTED);
        assert_int_equal(esp_events(a, ev, 8), 1);
        assert_int_equal(ev[0].kind, DP_HARD_EXPIRE);
    }
}

static void the_end_of_the_numbers_is_announced_in_time(void **state)
{
    (void)state;
    pair_add_sa(a, record(SIDE_A, SA_OUT));
    sad_find(&a->sad, SA_OUT, SPI_A_TO_B, 0)->seq = UINT32_MAX - SEQ_SOFT_MARGIN - 2;
    out(1);
    assert_int_equal(esp_events(a, ev, 8), 0);
    out(1);
    assert_int_equal(esp_events(a, ev, 8), 1);
    assert_int_equal(ev[0].kind, DP_SOFT_EXPIRE);
}

static void with_esn_both_sides_cross_two_to_the_32(void **state)
{
    (void)state;
    struct esp_sa o = record(SIDE_A, SA_OUT), in = record(SIDE_B, SA_IN);
    o.has_esn = in.has_esn = true;
    pair_add_sa(a, o);
    pair_add_sa(b, in);
    sad_find(&a->sad, SA_OUT, SPI_A_TO_B, 0)->seq = UINT32_MAX - 3;
    sad_find(&b->sad, SA_IN, SPI_A_TO_B, 0)->replay.top = UINT32_MAX - 3;
    out(8);
    assert_memory_equal(packets[7].data + 4, "\0\0\0\4", 4);
    esp_inbound(b, packets, 8, 1);
    for (size_t i = 0; i < 8; i++)
        assert_int_equal(packets[i].verdict, ESP_FORWARD);
    assert_true(sad_find(&b->sad, SA_IN, SPI_A_TO_B, 0)->replay.top == UINT64_C(0x100000004));
    assert_int_equal(esp_events(a, ev, 8), 0);
}

static void a_deleted_sa_takes_its_events_along(void **state)
{
    (void)state;
    struct esp_sa sa = record(SIDE_A, SA_OUT);
    struct diag d = {0};
    sa.soft_packets = 1;
    pair_add_sa(a, sa);
    out(1);
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d));
    assert_int_equal(esp_events(a, ev, 8), 0);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_soft_limit_is_reported_once_and_stops_nothing),
        T(a_hard_limit_stops_the_sa_within_the_batch),
        T(both_limits_at_once_are_both_reported),
        T(inbound_limits_count_authentic_packets_only),
        T(counters_are_of_inner_packets),
        T(without_esn_the_numbers_end_before_they_wrap),
        T(numbers_that_are_left_out_do_not_come),
        T(leaving_out_more_than_there_are_ends_the_numbers),
        T(the_end_of_the_numbers_is_announced_in_time),
        T(with_esn_both_sides_cross_two_to_the_32),
        T(a_deleted_sa_takes_its_events_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
