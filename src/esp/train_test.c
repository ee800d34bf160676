/* SPDX-License-Identifier: Apache-2.0 */
/* Trains: what is decided for one packet and taken over for the next ones of its flow must be what would have
 * been decided for each alone. Every batch is worked on twice, whole and packet by packet, by two data planes
 * with the same SAs; verdicts, reasons and bytes must agree. */
#include "crypto/random.h"
#include "net/packet.h"
#include "support/esp_pair.h"
#include "support/test.h"

#define BATCH  24
#define ROUNDS 400

static struct esp_buffer buffers[BATCH], twins[BATCH];

/* A sender that lets everything out, so that the receiver has something to refuse. */
static struct esp *careless_sender(void)
{
    struct esp_config c = {.path_mtu = 9000};
    struct esp *e = esp_new(&c);
    struct esp_policy p = pair_policy(SIDE_A, 1);
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    p.local_ts[0] = p.remote_ts[0] = sa.local_ts[0] = sa.remote_ts[0] = ts_any(4);
    p.local_ts[1] = p.remote_ts[1] = sa.local_ts[1] = sa.remote_ts[1] = ts_any(6);
    pair_add_policy(e, p);
    pair_add_sa(e, sa);
    return e;
}

/* A receiver that clamps, looks at ports, copies DSCP and ECN. */
static struct esp *careful_receiver(void)
{
    struct esp_config c = {.path_mtu = 1300, .clamps_mss = true};
    struct esp *e = pair_new(&c, SIDE_B);
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    sa.copy_dscp = DSCP_YES;
    sa.local_ts[0].port_from = sa.local_ts[0].port_to = 443;
    pair_add_sa(e, sa);
    return e;
}

static int seed(void **state)
{
    (void)state;
    crypto_random_seed(3);
    return 0;
}

static unsigned pick(unsigned n)
{
    uint32_t v;
    crypto_random(&v, sizeof(v));
    return v % n;
}

/* Mostly the same flow, now and then different in one thing that admission looks at. */
static struct esp_packet make_inner(struct esp_buffer *b)
{
    static uint8_t bytes[400];
    size_t upper = pick(3) ? 20 : 40, len = upper + 20 + pick(4) * 40;
    bool is_udp = !pick(4);
    uint8_t *ip = bytes, *tcp = bytes + upper;
    memset(bytes, 0, sizeof(bytes));
    if (upper == 20) {
        const uint8_t header[20] = {0x45, 0, 0, (uint8_t)len, 0, 0, 0x40, 0, 64, is_udp ? 17 : 6, 0, 0, 10,
                                    1,    0, 5, 10,           2, 0, 9};
        memcpy(ip, header, sizeof(header));
        ip[2] = (uint8_t)(len >> 8);
    } else {
        const uint8_t src[6] = {0x20, 1, 0xd, 0xb8, 0, 1}, dst[6] = {0x20, 1, 0xd, 0xb8, 0, 2};
        ip[0] = 0x60;
        ip[4] = (uint8_t)((len - 40) >> 8);
        ip[5] = (uint8_t)(len - 40);
        ip[6] = is_udp ? 17 : 6;
        memcpy(ip + 8, src, 6);
        memcpy(ip + 24, dst, 6);
    }
    tcp[0] = 4;
    tcp[2] = 1; /* port 443 */
    tcp[3] = 0xbb;
    tcp[12] = 0x50;
    tcp[13] = 0x10;
    if (len >= upper + 40)
        memcpy(tcp + 20, "\x02\x04\x05\xb4", 4); /* an MSS, if the header reaches so far */
    switch (pick(24)) {
    case 0: /* any byte of the headers */
        bytes[pick((unsigned)upper + 20)] ^= (uint8_t)(1 << pick(8));
        break;
    case 1: /* another port */
        tcp[3] ^= 1;
        break;
    case 2: /* a SYN that offers a large MSS */
        tcp[13] = 2;
        tcp[12] = 0x60;
        break;
    case 3: /* a fragment, first or later */
        if (upper == 20) {
            ip[6] = pick(2) ? 0x20 : 0;
            ip[7] = (uint8_t)pick(2);
        }
        break;
    case 4: /* another address, inside or outside */
        ip[upper == 20 ? 12 + pick(8) : 8 + pick(32)] ^= 1;
        break;
    case 5: /* ECN */
        ip[1] ^= upper == 20 ? (uint8_t)pick(4) : (uint8_t)(pick(4) << 4);
        break;
    default:
        break;
    }
    return inner_raw(b, span_of(bytes, len));
}

static void a_train_is_admitted_as_each_packet_alone_would_be(void **state)
{
    (void)state;
    struct esp *sender = careless_sender(), *whole = careful_receiver(), *single = careful_receiver();
    size_t seen[ESP_ICMP_BACK + 1] = {0}, refused = 0, clamped;
    for (size_t round = 0; round < ROUNDS; round++) {
        struct esp_packet p[BATCH], q[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            p[i] = make_inner(&buffers[i]);
            esp_outbound(sender, &p[i], 1, 1);
            if (p[i].verdict != ESP_FORWARD) /* not even IP: something stands in for it */
                p[i].len = 0;
            pair_carry(&p[i]);
            p[i].tos = (uint8_t)(pick(8) ? 0 : pick(4));
        }
        memcpy(twins, buffers, sizeof(twins));
        memcpy(q, p, sizeof(q));
        for (size_t i = 0; i < BATCH; i++)
            q[i].data = twins[i].raw + (p[i].data - buffers[i].raw);
        esp_inbound(whole, p, BATCH, 1);
        for (size_t i = 0; i < BATCH; i++)
            esp_inbound(single, &q[i], 1, 1);
        for (size_t i = 0; i < BATCH; i++) {
            assert_int_equal(p[i].verdict, q[i].verdict);
            assert_int_equal(p[i].drop, q[i].drop);
            assert_int_equal(p[i].len, q[i].len);
            assert_memory_equal(p[i].data, q[i].data, p[i].len);
            seen[p[i].verdict]++;
            refused += p[i].drop == DROP_SELECTOR || p[i].drop == DROP_ECN;
        }
    }
    clamped = esp_counters(whole)->mss_clamped;
    assert_int_equal(clamped, esp_counters(single)->mss_clamped);
    assert_true(seen[ESP_FORWARD] > ROUNDS * 10 && refused > ROUNDS && clamped > 10);
    esp_free(sender);
    esp_free(whole);
    esp_free(single);
}

/* Segments as they leave the segmenter, long ones first. */
static void what_follows_is_sealed_as_it_would_be_alone(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct esp *out = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
        struct esp *alone = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
        struct esp *in = pair_side(esp_suite_gcm, SIDE_B, 4, NULL);
        struct esp_packet p[BATCH], q[BATCH];
        for (size_t i = 0; i < BATCH; i++) {
            struct inner how = {.from = SIDE_A,
                                .family = family,
                                .has_df = true,
                                .tos = 0x28,
                                .len = i + 1 < BATCH ? 1300 : 200};
            p[i] = inner_udp(&buffers[i], &how);
            q[i] = inner_udp(&twins[i], &how);
            p[i].follows = i > 0;
        }
        p[7].len = q[7].len = 9; /* dropped: what follows it is decided anew */
        p[7].follows = false;
        esp_outbound(out, p, BATCH, 1);
        for (size_t i = 0; i < BATCH; i++)
            esp_outbound(alone, &q[i], 1, 1);
        for (size_t i = 0; i < BATCH; i++) {
            assert_int_equal(p[i].verdict, i == 7 ? ESP_DROP : ESP_FORWARD);
            assert_int_equal(p[i].verdict, q[i].verdict);
            assert_int_equal(p[i].len, q[i].len);
            assert_int_equal(p[i].tos, q[i].tos);
            assert_int_equal(p[i].has_df, q[i].has_df);
            assert_int_equal(p[i].has_encap, q[i].has_encap);
            assert_int_equal(p[i].child_id, q[i].child_id);
            if (i == 7)
                continue;
            assert_memory_equal(p[i].data, q[i].data, 8); /* SPI, number */
            assert_true(endpoint_equal(&p[i].local, &q[i].local));
            assert_true(endpoint_equal(&p[i].remote, &q[i].remote));
            pair_carry(&p[i]);
            esp_inbound(in, &p[i], 1, 1);
            assert_int_equal(p[i].verdict, ESP_FORWARD);
            assert_span_equal(span_of(p[i].data, p[i].len), span_of(buffers[i].copy, buffers[i].len));
        }
        assert_int_equal(esp_counters(out)->bytes_out, esp_counters(alone)->bytes_out);
        esp_free(out);
        esp_free(alone);
        esp_free(in);
    }
}

static void a_limit_stops_a_train_in_the_middle(void **state)
{
    (void)state;
    struct esp_config c = {.path_mtu = 1500};
    struct esp *e = pair_new(&c, SIDE_A);
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_A, SA_OUT, 4);
    struct esp_packet p[BATCH];
    sa.hard_packets = 10;
    pair_add_sa(e, sa);
    for (size_t i = 0; i < BATCH; i++) {
        p[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = 4, .len = 600});
        p[i].follows = i > 0;
    }
    esp_outbound(e, p, BATCH, 1);
    for (size_t i = 0; i < BATCH; i++)
        assert_int_equal(p[i].verdict, i < 10 ? ESP_FORWARD : ESP_DROP);
    assert_int_equal(p[10].drop, DROP_EXPIRED);
    esp_free(e);
}

/* [RFC4303#2.7] A peer may send more than the IP length says. */
static void padding_behind_the_ip_length_is_cut_off_in_a_train_too(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        struct esp *out = pair_side(esp_suite_gcm, SIDE_A, 4, NULL);
        struct esp *in = pair_side(esp_suite_gcm, SIDE_B, 4, NULL);
        struct esp_packet p[2];
        for (size_t i = 0; i < ARRAY_LEN(p); i++)
            p[i] = inner_udp(&buffers[i], &(struct inner){.from = SIDE_A, .family = family, .len = 200});
        p[1].follows = true; /* so it goes out as it is */
        p[1].data[family == 4 ? 3 : 5] = (uint8_t)(family == 4 ? 120 : 120 - 40);
        esp_outbound(out, p, 2, 1);
        pair_carry(&p[0]);
        pair_carry(&p[1]);
        esp_inbound(in, p, 2, 1);
        assert_int_equal(p[0].len, 200);
        assert_int_equal(p[1].verdict, ESP_FORWARD);
        assert_int_equal(p[1].len, 120);
        esp_free(out);
        esp_free(in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_train_is_admitted_as_each_packet_alone_would_be),
        cmocka_unit_test(what_follows_is_sealed_as_it_would_be_alone),
        cmocka_unit_test(a_limit_stops_a_train_in_the_middle),
        cmocka_unit_test(padding_behind_the_ip_length_is_cut_off_in_a_train_too),
    };
    return cmocka_run_group_tests(tests, seed, NULL);
}
