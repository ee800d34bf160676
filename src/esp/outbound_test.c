/* SPDX-License-Identifier: Apache-2.0 */
/* What leaves, what does not, and with which outer header. */
#include "crypto/random.h"
#include "esp/outer.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp *e;
static struct esp_buffer buffer;
static struct esp_packet p;

static int setup(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    crypto_random_seed(7);
    e = pair_new(&c, SIDE_A);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(e);
    crypto_random_set_source(NULL, NULL);
    return 0;
}

static void add(uint32_t spi, uint64_t child_id, void (*change)(struct esp_sa *))
{
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    sa.spi = spi;
    sa.child_id = child_id;
    if (change)
        change(&sa);
    pair_add_sa(e, sa);
}

static void del(uint32_t spi, uint64_t child_id)
{
    struct esp_sa sa = {.direction = SA_OUT, .spi = spi, .child_id = child_id};
    struct diag d = {0};
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_SA_DEL, .sa = &sa}, 1, &d));
}

static void out(struct inner in)
{
    p = inner_udp(&buffer, &in);
    esp_outbound(e, &p, 1, 1);
}

static uint32_t spi_of(const struct esp_packet *q)
{
    return (uint32_t)q->data[0] << 24 | (uint32_t)q->data[1] << 16 | (uint32_t)q->data[2] << 8 | q->data[3];
}

static void a_protected_packet_without_sa_never_leaves(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        out((struct inner){.family = family, .len = 100});
        assert_int_equal(p.verdict, ESP_ICMP_BACK);
        assert_int_equal(p.drop, DROP_NO_SA);
        /* What is in the buffer is an error to the sender, not the packet. */
        struct packet ip;
        assert_true(packet_parse(span_of(p.data, p.len), &ip));
        assert_true(ip.is_icmp_error);
    }
    assert_int_equal(esp_counters(e)->drops[DROP_NO_SA], 2);
    assert_int_equal(esp_counters(e)->icmp_sent, 2);
    add(SPI_A_TO_B, 1, NULL);
    del(SPI_A_TO_B, 1);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.drop, DROP_NO_SA);
}

static void an_inbound_sa_does_not_serve_outbound_traffic(void **state)
{
    (void)state;
    pair_add_sa(e, pair_sa(esp_suite_gcm, SIDE_A, SA_IN, 4));
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.drop, DROP_NO_SA);
}

static void a_packet_without_policy_never_leaves(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    out((struct inner){.from = SIDE_B, .family = 4, .len = 100}); /* source and destination swapped */
    assert_int_equal(p.verdict, ESP_DROP);
    assert_int_equal(p.drop, DROP_NO_POLICY);
    p = inner_raw(&buffer, span_str("no packet at all"));
    esp_outbound(e, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_DROP);
    assert_int_equal(p.drop, DROP_NOT_IP);
}

static void the_newest_sa_of_a_rekeyed_child_is_used(void **state)
{
    (void)state;
    add(0x1111, 1, NULL);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(spi_of(&p), 0x1111);
    add(0x2222, 2, NULL);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(spi_of(&p), 0x2222);
    assert_int_equal(p.child_id, 2);
    del(0x1111, 1);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(spi_of(&p), 0x2222);
    add(0x3333, 3, NULL);
    del(0x3333, 3); /* a rekey that failed after all */
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(spi_of(&p), 0x2222);
}

static void peers_may_choose_the_same_spi(void **state)
{
    (void)state;
    add(0x1111, 1, NULL);
    add(0x1111, 2, NULL);
    del(0x1111, 2);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.verdict, ESP_FORWARD);
    assert_int_equal(p.child_id, 1);
}

static void numbers_count_from_one(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    for (uint8_t i = 1; i < 5; i++) {
        out((struct inner){.family = 4, .len = 100});
        assert_memory_equal(p.data + 4, ((uint8_t[]){0, 0, 0, i}), 4);
    }
}

static void narrow(struct esp_sa *sa)
{
    sa->remote_ts[0].proto = 6;
    sa->n_remote_ts = 1;
}

static void a_packet_outside_the_selectors_of_its_sa_never_leaves(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, narrow);
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.verdict, ESP_DROP);
    assert_int_equal(p.drop, DROP_SELECTOR);
}

static void no_dscp(struct esp_sa *sa)
{
    sa->copy_dscp = DSCP_NO;
    sa->copies_df = false;
    sa->copies_ecn = false;
    sa->has_encap = true;
    sa->remote.port = 4500;
    sa->local.port = 4500;
}

static void the_outer_header_follows_the_sa(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    out((struct inner){.family = 4, .len = 100, .tos = 0xba, .has_df = true});
    assert_int_equal(p.tos, 0xba);
    assert_true(p.has_df);
    assert_false(p.has_encap);
    out((struct inner){.family = 4, .len = 100});
    assert_false(p.has_df);
    out((struct inner){.family = 6, .len = 100});
    assert_true(p.has_df);
    add(0x2222, 2, no_dscp);
    out((struct inner){.family = 4, .len = 100, .tos = 0xba, .has_df = true});
    assert_int_equal(p.tos, 0);
    assert_false(p.has_df);
    assert_true(p.has_encap);
    assert_int_equal(p.remote.port, 4500);
}

static void a_too_big_packet_with_df_is_answered(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    /* 1500 - 20 outer - 8 ESP - 8 IV - 16 ICV = 1448, less the 2 bytes of trailer */
    assert_int_equal(esp_inner_mtu(e, SPI_A_TO_B), 1446);
    for (uint8_t family = 4; family <= 6; family += 2) {
        out((struct inner){.family = family, .len = 1446, .has_df = true});
        assert_int_equal(p.verdict, ESP_FORWARD);
        assert_int_equal(p.len + 20, 1500);
        assert_true(p.has_df);
        out((struct inner){.family = family, .len = 1447, .has_df = true});
        assert_int_equal(p.verdict, ESP_ICMP_BACK);
        assert_int_equal(p.drop, DROP_TOO_BIG);
        assert_memory_equal(p.data + (family == 4 ? 24 : 44), "\0\0\x05\xa6", 4);
    }
}

static void a_too_big_packet_without_df_leaves_to_be_fragmented_outside(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    out((struct inner){.family = 4, .len = 3000});
    assert_int_equal(p.verdict, ESP_FORWARD);
    assert_false(p.has_df);
}

static void the_minimum_mtu_of_ipv6_always_passes(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    esp_path_mtu(e, ip4(192, 0, 2, 2), 600, 1);
    out((struct inner){.family = 6, .len = 1280});
    assert_int_equal(p.verdict, ESP_FORWARD);
    assert_false(p.has_df);
    out((struct inner){.family = 6, .len = 1281});
    assert_int_equal(p.verdict, ESP_ICMP_BACK);
    assert_memory_equal(p.data + 44, "\0\0\x05\x00", 4);
}

static void a_learned_path_mtu_lowers_what_fits(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    esp_path_mtu(e, ip4(192, 0, 2, 99), 1000, 1); /* nobody we know */
    assert_int_equal(esp_inner_mtu(e, SPI_A_TO_B), 1446);
    esp_path_mtu(e, ip4(192, 0, 2, 2), 1400, 1);
    assert_int_equal(esp_inner_mtu(e, SPI_A_TO_B), 1346);
    out((struct inner){.family = 4, .len = 1347, .has_df = true});
    assert_int_equal(p.verdict, ESP_ICMP_BACK);
    esp_path_mtu(e, ip4(192, 0, 2, 2), 9000, 1); /* never raises */
    esp_path_mtu(e, ip4(192, 0, 2, 2), 68, 1);   /* never below a sane floor */
    assert_int_equal(esp_inner_mtu(e, SPI_A_TO_B), 522);
    p = inner_udp(&buffer, &(struct inner){.family = 4, .len = 1400, .has_df = true});
    esp_outbound(e, &p, 1, 601 * TIME_SECOND); /* and is forgotten */
    assert_int_equal(p.verdict, ESP_FORWARD);
}

static void the_largest_ip_packet_does_not_overflow(void **state)
{
    (void)state;
    static uint8_t raw[ESP_HEADROOM + 65535 + ESP_TAILROOM];
    static const uint8_t head[] = {0x45, 0, 0xff, 0xff, 0, 0, 0, 0, 64, 17, 0, 0, 10, 1, 0, 5, 10, 2, 0, 9};
    add(SPI_A_TO_B, 1, NULL);
    memcpy(raw + ESP_HEADROOM, head, sizeof(head));
    p = (struct esp_packet){.data = raw + ESP_HEADROOM, .len = 65535};
    esp_outbound(e, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_DROP);
    assert_int_equal(p.drop, DROP_TOO_BIG);
}

static void an_icmp_error_travels_with_the_flow_that_it_is_about(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    /* A router on our side, outside the selectors, answers a packet from 10.2.0.9 to 10.1.0.5. */
    uint8_t error[56];
    struct span quoted = hex("4500001c 00000000 40110000 0a020009 0a010005 04d20007 00080000");
    struct packet_ip h = {
        .src = ip4(172, 16, 0, 1), .dst = ip4(10, 2, 0, 9), .proto = NH_ICMP, .ttl = 64, .payload = 36};
    struct wr w = wr_over(error, sizeof(error));
    packet_write_ip(&w, &h);
    wr_u64(&w, UINT64_C(0x0301000000000000));
    wr_span(&w, quoted);
    p = inner_raw(&buffer, wr_span_view(&w));
    esp_outbound(e, &p, 1, 1);
    assert_int_equal(p.verdict, ESP_FORWARD);
    error[28 + 12] = 11; /* about a packet of somebody else's */
    p = inner_raw(&buffer, wr_span_view(&w));
    esp_outbound(e, &p, 1, 1);
    assert_int_equal(p.drop, DROP_NO_POLICY);
}

static void a_record_that_cannot_be_carried_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct esp_suite no_integrity = {"aes", ENCR_AES_CBC, 128, INTEG_NONE};
    for (size_t i = 0; i < 8; i++) {
        struct esp_sa sa = pair_sa(i == 1 ? &no_integrity : esp_suite_gcm, SIDE_A, SA_OUT, 4);
        struct diag d = {0};
        if (i == 0)
            sa.mode = MODE_TRANSPORT;
        if (i == 2)
            sa.spi = 255;
        if (i == 3)
            sa.replay_window = 4097;
        if (i == 4)
            sa.n_local_ts = 0;
        if (i == 5)
            sa.remote_ts[0].is_dynamic = true;
        if (i == 6)
            sa.remote.ip = (struct ip){.family = 6};
        if (i == 7)
            sa.encr = 999;
        assert_false(esp_apply(e, &(struct action){.kind = ACTION_SA_ADD, .sa = &sa}, 1, &d));
        assert_true(diag_failed(&d));
    }
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.drop, DROP_NO_SA);
}

static void an_update_moves_the_tunnel_and_keeps_its_numbers(void **state)
{
    (void)state;
    add(SPI_A_TO_B, 1, NULL);
    out((struct inner){.family = 4, .len = 100});
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 6);
    struct diag d = {0};
    sa.has_encap = true;
    sa.remote.port = 4501;
    assert_true(esp_apply(e, &(struct action){.kind = ACTION_SA_UPDATE, .sa = &sa}, 1, &d));
    out((struct inner){.family = 4, .len = 100});
    assert_int_equal(p.remote.ip.family, 6);
    assert_int_equal(p.remote.port, 4501);
    assert_true(p.has_encap);
    assert_memory_equal(p.data + 4, "\0\0\0\2", 4);
    assert_int_equal(esp_inner_mtu(e, SPI_A_TO_B), 1446 - 28);
    sa.spi = 0x9999;
    assert_false(esp_apply(e, &(struct action){.kind = ACTION_SA_UPDATE, .sa = &sa}, 1, &d));
}

static void a_batch_keeps_its_order_and_mixes_verdicts(void **state)
{
    (void)state;
    static struct esp_buffer buffers[ESP_BATCH];
    struct esp_packet batch[ESP_BATCH];
    add(SPI_A_TO_B, 1, NULL);
    for (size_t i = 0; i < ESP_BATCH; i++)
        batch[i] = inner_udp(&buffers[i], &(struct inner){.from = i % 3 ? SIDE_A : SIDE_B,
                                                          .family = i % 2 ? 4 : 6,
                                                          .len = 60 + (uint32_t)i});
    esp_outbound(e, batch, ESP_BATCH, 1);
    uint8_t seq = 0;
    for (size_t i = 0; i < ESP_BATCH; i++) {
        assert_int_equal(batch[i].verdict, i % 3 ? ESP_FORWARD : ESP_DROP);
        if (i % 3)
            assert_int_equal(batch[i].data[7], ++seq);
    }
    assert_int_equal(esp_counters(e)->packets_out, seq);
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(a_protected_packet_without_sa_never_leaves),
        T(an_inbound_sa_does_not_serve_outbound_traffic),
        T(a_packet_without_policy_never_leaves),
        T(the_newest_sa_of_a_rekeyed_child_is_used),
        T(peers_may_choose_the_same_spi),
        T(numbers_count_from_one),
        T(a_packet_outside_the_selectors_of_its_sa_never_leaves),
        T(the_outer_header_follows_the_sa),
        T(a_too_big_packet_with_df_is_answered),
        T(a_too_big_packet_without_df_leaves_to_be_fragmented_outside),
        T(the_minimum_mtu_of_ipv6_always_passes),
        T(a_learned_path_mtu_lowers_what_fits),
        T(the_largest_ip_packet_does_not_overflow),
        T(an_icmp_error_travels_with_the_flow_that_it_is_about),
        T(a_record_that_cannot_be_carried_is_refused_with_a_reason),
        T(an_update_moves_the_tunnel_and_keeps_its_numbers),
        T(a_batch_keeps_its_order_and_mixes_verdicts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
