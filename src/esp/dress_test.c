/* SPDX-License-Identifier: Apache-2.0 */
/* What an SA does to its packets besides ESP: padding against traffic analysis (RFC 4303 section 2.7) and
 * compression (RFC 3173), from one side to the other. */
#include "support/esp_pair_fixture.h"
#include "support/test.h"

#define CPI_AT_B 0xb00b

static struct esp_buffer buffer;
static struct esp_packet p;

static void open_sides(uint32_t tfc, uint16_t cpi_out, uint16_t cpi_in)
{
    struct esp_config c = {.path_mtu = 1500};
    struct esp_sa out = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    struct esp_sa in = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    out.tfc = tfc;
    out.cpi = cpi_out;
    in.cpi = cpi_in;
    a = pair_new(&c, SIDE_A);
    b = pair_new(&c, SIDE_B);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
}

static void make(uint8_t family, uint32_t len)
{
    p = inner_udp(&buffer, &(struct inner){.from = SIDE_A, .family = family, .len = len});
    p.room = 2000;
}

static void text_payload(uint8_t family)
{
    uint32_t header = family == 4 ? 28 : 48;
    memset(p.data + header, 'k', p.len - header);
    memset(buffer.copy + header, 'k', p.len - header);
}

static void noise_payload(uint8_t family)
{
    uint32_t header = family == 4 ? 28 : 48;
    crypto_random(p.data + header, p.len - header);
    memcpy(buffer.copy, p.data, p.len);
}

static void carry(void)
{
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
    pair_carry(&p);
    esp_inbound(b, &p, 1, 1);
}

static void assert_arrived(void)
{
    if (p.verdict != ESP_FORWARD)
        fail_msg("%s", esp_drop_name(p.drop));
    assert_span_equal(span_of(p.data, p.len), span_of(buffer.copy, buffer.len));
}

/* GCM: header 8, IV 8, trailer 2 to a multiple of 4, ICV 16 */
static uint32_t sealed(uint32_t payload)
{
    return 8 + 8 + (payload + 2 + 3) / 4 * 4 + 16;
}

static void packets_below_the_size_leave_in_one_size(void **state)
{
    (void)state;
    static const uint32_t lengths[] = {60, 61, 100, 333, 499, 500};
    open_sides(500, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            make(family, lengths[i]);
            esp_outbound(a, &p, 1, 1);
            assert_int_equal(p.verdict, ESP_FORWARD);
            assert_int_equal(p.len, sealed(500));
            pair_carry(&p);
            esp_inbound(b, &p, 1, 1);
            assert_arrived();
        }
    }
    make(4, 501);
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.len, sealed(501));
}

static void padding_goes_no_further_than_the_path(void **state)
{
    (void)state;
    open_sides(UINT32_MAX, 0, 0);
    uint32_t mtu = esp_inner_mtu(a, SPI_A_TO_B);
    make(4, 60);
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.len, sealed(mtu));
    assert_true(20 + p.len <= 1500);
    esp_path_mtu(a, pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4).remote.ip, 1000, 1);
    make(4, 60);
    esp_outbound(a, &p, 1, 1);
    assert_true(20 + p.len <= 1000);
    assert_true(20 + p.len > 1000 - 8);
}

/* Counters are of what users sent. */
static void padding_is_not_counted(void **state)
{
    (void)state;
    struct dataplane_event ev;
    open_sides(500, 0, 0);
    make(4, 60);
    carry();
    assert_true(esp_sa_counters(a, SA_OUT, SPI_A_TO_B, &ev));
    assert_int_equal(ev.bytes, 60);
    assert_true(esp_sa_counters(b, SA_IN, SPI_A_TO_B, &ev));
    assert_int_equal(ev.bytes, 60);
}

static void a_packet_without_room_does_not_leave_short(void **state)
{
    (void)state;
    open_sides(500, 0, 0);
    assert_true(esp_pad_to(a) >= 500);
    assert_int_equal(esp_pad_to(b), 0);
    make(4, 60);
    p.room = 439;
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_DROP);
    make(4, 60);
    p.room = 440;
    esp_outbound(a, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
}

static void a_train_of_packets_is_padded_to_its_last(void **state)
{
    (void)state;
    static struct esp_buffer buffers[3];
    static const uint32_t lengths[] = {400, 400, 77};
    struct esp_packet train[3];
    open_sides(500, 0, 0);
    for (size_t i = 0; i < 3; i++) {
        train[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = lengths[i]});
        train[i].room = 2000;
        train[i].follows = i > 0;
    }
    esp_outbound(a, train, 3, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(train[i].len, sealed(500));
        pair_carry(&train[i]);
    }
    esp_inbound(b, train, 3, 1);
    for (size_t i = 0; i < 3; i++)
        assert_span_equal(span_of(train[i].data, train[i].len), span_of(buffers[i].copy, lengths[i]));
}

static void compressible_packets_arrive_and_are_smaller_on_the_way(void **state)
{
    (void)state;
    open_sides(0, CPI_AT_B, CPI_AT_B);
    for (uint8_t family = 4; family <= 6; family += 2) {
        make(family, 1200);
        text_payload(family);
        esp_outbound(a, &p, 1, 1);
        assert_int_equal(p.verdict, ESP_FORWARD);
        assert_int_equal(p.next_header, 108);
        assert_in_range(p.len, 60, 200);
        pair_carry(&p);
        esp_inbound(b, &p, 1, 1);
        assert_arrived();
        assert_int_equal(p.next_header, family == 4 ? 4 : 41);
    }
}

static void other_packets_of_such_an_sa_go_without_a_header(void **state)
{
    (void)state;
    open_sides(0, CPI_AT_B, CPI_AT_B);
    for (uint8_t family = 4; family <= 6; family += 2) {
        make(family, 1200);
        noise_payload(family);
        esp_outbound(a, &p, 1, 1);
        assert_int_equal(p.len, sealed(1200));
        assert_int_equal(p.next_header, family == 4 ? 4 : 41);
        pair_carry(&p);
        esp_inbound(b, &p, 1, 1);
        assert_arrived();
        make(family, 60);
        carry();
        assert_arrived();
    }
}

static void a_whole_batch_arrives_compressed_or_not(void **state)
{
    (void)state;
    static struct esp_buffer buffers[ESP_BATCH];
    static struct esp_packet batch[ESP_BATCH];
    unsigned small = 0;
    open_sides(0, CPI_AT_B, CPI_AT_B);
    for (size_t i = 0; i < ESP_BATCH; i++) {
        make(i % 3 ? 4 : 6, 100 + 10 * (uint32_t)i);
        if (i % 2)
            noise_payload(i % 3 ? 4 : 6);
        batch[i] = inner_raw(&buffers[i], span_of(p.data, p.len));
    }
    esp_outbound(a, batch, ESP_BATCH, 1);
    for (size_t i = 0; i < ESP_BATCH; i++) {
        small += batch[i].next_header == 108;
        pair_carry(&batch[i]);
    }
    assert_in_range(small, 30, ESP_BATCH / 2);
    esp_inbound(b, batch, ESP_BATCH, 1);
    for (size_t i = 0; i < ESP_BATCH; i++)
        assert_span_equal(span_of(batch[i].data, batch[i].len), span_of(buffers[i].copy, buffers[i].len));
}

static void a_train_of_compressed_packets_arrives(void **state)
{
    (void)state;
    static struct esp_buffer buffers[3];
    struct esp_packet train[3];
    open_sides(0, CPI_AT_B, CPI_AT_B);
    for (size_t i = 0; i < 3; i++) {
        make(6, 900);
        if (i == 1)
            noise_payload(6);
        train[i] = inner_raw(&buffers[i], span_of(p.data, p.len));
        train[i].follows = i > 0;
    }
    esp_outbound(a, train, 3, 1);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(train[i].next_header, i == 1 ? 41 : 108);
        pair_carry(&train[i]);
    }
    esp_inbound(b, train, 3, 1);
    for (size_t i = 0; i < 3; i++)
        assert_span_equal(span_of(train[i].data, train[i].len), span_of(buffers[i].copy, 900));
}

static void narrow(struct esp_sa *sa, enum esp_side side)
{
    struct ip host[2] = {ip4(10, 1, 0, 5), ip4(10, 2, 0, 9)};
    sa->mode = MODE_TRANSPORT;
    sa->n_local_ts = sa->n_remote_ts = 1;
    sa->local_ts[0].from = sa->local_ts[0].to = sa->local.ip = host[side];
    sa->remote_ts[0].from = sa->remote_ts[0].to = sa->remote.ip = host[1 - side];
    sa->cpi = CPI_AT_B;
    sa->tfc = 1200;
}

/* The IP header is not compressed there; and padding, which nothing would tell from the payload, is left out.
 */
static void transport_mode_compresses_and_does_not_pad(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    struct esp_sa out = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    struct esp_sa in = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    narrow(&out, SIDE_A);
    narrow(&in, SIDE_B);
    a = pair_new(&c, SIDE_A);
    b = pair_new(&c, SIDE_B);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
    for (uint32_t len = 60; len < 1200; len += 1000) {
        make(4, len);
        text_payload(4);
        esp_outbound(a, &p, 1, 1);
        assert_int_equal(p.verdict, ESP_FORWARD);
        assert_int_equal(p.next_header, len == 60 ? 17 : 108);
        assert_in_range(p.len, 8 + 8 + 16 + 20, 120);
        pair_carry(&p);
        esp_inbound(b, &p, 1, 1);
        assert_int_equal(p.verdict, ESP_FORWARD);
        assert_int_equal(p.len, len);
        assert_memory_equal(p.data + 20, buffer.copy + 20, len - 20);
    }
}

static void compression_that_was_not_agreed_on_is_refused(void **state)
{
    (void)state;
    static const uint16_t wrong[] = {0, CPI_AT_B + 1};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        open_sides(0, CPI_AT_B, wrong[i]);
        make(4, 1200);
        text_payload(4);
        carry();
        assert_int_equal(p.verdict, ESP_DROP);
        assert_int_equal(p.drop, DROP_COMPRESSION);
        teardown(NULL);
    }
    open_sides(0, 0, 0);
}

/* Compression hides nothing from the selectors. */
static void what_was_restored_must_belong_to_the_sa(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    struct esp_sa out = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    struct esp_sa in = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    out.cpi = in.cpi = CPI_AT_B;
    in.remote_ts[0] = in.local_ts[0]; /* A's network is not in it */
    a = pair_new(&c, SIDE_A);
    b = pair_new(&c, SIDE_B);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
    make(4, 1200);
    text_payload(4);
    carry();
    assert_int_equal(p.drop, DROP_SELECTOR);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(packets_below_the_size_leave_in_one_size),
        TEST(padding_goes_no_further_than_the_path),
        TEST(padding_is_not_counted),
        TEST(a_packet_without_room_does_not_leave_short),
        TEST(a_train_of_packets_is_padded_to_its_last),
        TEST(compressible_packets_arrive_and_are_smaller_on_the_way),
        TEST(other_packets_of_such_an_sa_go_without_a_header),
        TEST(a_whole_batch_arrives_compressed_or_not),
        TEST(a_train_of_compressed_packets_arrives),
        TEST(transport_mode_compresses_and_does_not_pad),
        TEST(compression_that_was_not_agreed_on_is_refused),
        TEST(what_was_restored_must_belong_to_the_sa),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
