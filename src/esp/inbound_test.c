/* SPDX-License-Identifier: Apache-2.0 */
/* What authentic packets may and may not do: selectors, padding, inner versions, ECN, mappings, extended
 * sequence numbers. Packets that no honest peer makes are sealed here by hand. */
#include "crypto/bulk.h"
#include "crypto/random.h"
#include "support/esp_pair.h"
#include "support/test.h"

static struct esp *b;
static struct bulk_key *key; /* of A, to seal with */
static struct bulk_worker *worker;
static struct esp_buffer buffer;
static struct esp_packet p;

static void open_side(void (*change)(struct esp_sa *))
{
    struct esp_config c = {.clamps_mss = true};
    struct esp_sa sa = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    if (change)
        change(&sa);
    esp_free(b);
    bulk_key_free(key);
    b = pair_new(&c, SIDE_B);
    key = bulk_key_new(sa.encr, sa.key_bits, sa.integ, span_of(sa.encr_key, sa.encr_key_len),
                       span_of(sa.integ_key, sa.integ_key_len), true, NULL);
    pair_add_sa(b, sa);
}

static int setup(void **state)
{
    (void)state;
    worker = bulk_worker_new();
    open_side(NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    esp_free(b);
    b = NULL;
    bulk_key_free(key);
    key = NULL;
    bulk_worker_free(worker);
    return 0;
}

/* Seals any plaintext, trailer included, as number seq; is_esn: with the high half in the AAD. */
static void seal(struct span plain, uint64_t seq, bool is_esn)
{
    uint8_t esp[2048];
    struct wr w = wr_over(esp, sizeof(esp));
    wr_u32(&w, SPI_A_TO_B);
    wr_u32(&w, (uint32_t)seq);
    wr_u64(&w, seq);
    wr_span(&w, plain);
    wr_zero(&w, 16);
    struct bulk_op op = {
        .key = key, .esp = esp, .len = (uint32_t)w.len, .seq_hi = (uint32_t)(seq >> 32), .has_esn = is_esn};
    bulk_seal(worker, &op, 1);
    assert_int_equal(op.status, BULK_OK);
    p = inner_raw(&buffer, wr_span_view(&w));
}

static void receive(void)
{
    esp_inbound(b, &p, 1, 1);
}

static void assert_result(enum esp_verdict verdict, enum esp_drop drop)
{
    if (p.verdict != verdict || p.drop != drop)
        fail_msg("verdict %d, %s", p.verdict, esp_drop_name(p.drop));
}

/* An inner packet with a trailer: how many padding bytes, starting with which value, and the next header. */
static struct span with_trailer(struct span inner, uint8_t pad, uint8_t first, uint8_t pad_length,
                                uint8_t next_header)
{
    static uint8_t plain[1024];
    struct wr w = wr_over(plain, sizeof(plain));
    wr_span(&w, inner);
    for (uint8_t i = 0; i < pad; i++)
        wr_u8(&w, (uint8_t)(first + i));
    wr_u8(&w, pad_length);
    wr_u8(&w, next_header);
    assert_true(wr_ok(&w));
    return wr_span_view(&w);
}

static uint8_t inner_bytes[1024];

static struct span inner(uint8_t family, uint32_t len, uint8_t tos)
{
    static struct esp_buffer scratch;
    inner_udp(&scratch, &(struct inner){.from = SIDE_A, .family = family, .len = len, .tos = tos});
    memcpy(inner_bytes, scratch.copy, len);
    return span_of(inner_bytes, len);
}

static void padding_of_every_allowed_length_is_taken_off(void **state)
{
    (void)state;
    uint64_t seq = 0;
    for (unsigned pad = 2; pad < 256; pad += 4) {
        seal(with_trailer(inner(4, 60, 0), (uint8_t)pad, 1, (uint8_t)pad, 4), ++seq, false);
        receive();
        assert_result(ESP_FORWARD, DROP_NONE);
        assert_int_equal(p.len, 60);
    }
}

static void wrong_padding_is_refused(void **state)
{
    (void)state;
    seal(with_trailer(inner(4, 60, 0), 6, 0, 6, 4), 1, false); /* counts from 0 */
    receive();
    assert_result(ESP_DROP, DROP_BAD_PADDING);
    seal(with_trailer(inner(4, 60, 0), 6, 1, 255, 4), 2, false); /* longer than the payload */
    receive();
    assert_result(ESP_DROP, DROP_BAD_PADDING);
    seal(with_trailer(span_of("", 0), 2, 1, 3, 4), 3, false);
    receive();
    assert_result(ESP_DROP, DROP_BAD_PADDING);
    /* It was authentic all the same: its number is used up. */
    seal(with_trailer(inner(4, 60, 0), 2, 1, 2, 4), 3, false);
    receive();
    assert_result(ESP_DROP, DROP_REPLAY);
}

static void flow_padding_behind_the_inner_packet_is_cut_off(void **state)
{
    (void)state;
    uint8_t padded[160] = {0};
    memcpy(padded, inner(4, 60, 0).ptr, 60);
    seal(with_trailer(span_of(padded, sizeof(padded)), 2, 1, 2, 4), 1, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_int_equal(p.len, 60);
}

static void a_dummy_packet_is_dropped_quietly_but_not_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        seal(with_trailer(span_str("any old bytes."), 0, 0, 0, 59), 1, false);
        receive();
        assert_result(ESP_DROP, i ? DROP_REPLAY : DROP_NONE);
    }
    for (size_t why = 0; why < DROP_REASONS; why++)
        assert_int_equal(esp_counters(b)->drops[why], why == DROP_REPLAY);
}

static void the_next_header_must_tell_the_truth(void **state)
{
    (void)state;
    static const uint8_t wrong[][2] = {
        {4, 41},
        {6, 4 },
        {4, 17},
        {4, 0 },
        {6, 58}
    };
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        seal(with_trailer(inner(wrong[i][0], 70, 0), 0, 0, 0, wrong[i][1]), i + 1, false);
        receive();
        assert_result(ESP_DROP, DROP_NOT_IP);
    }
    seal(with_trailer(span_of("\x45\x00\x00\x50", 4), 2, 1, 2, 4), 9, false);
    receive();
    assert_result(ESP_DROP, DROP_NOT_IP);
}

static void an_inner_packet_outside_the_selectors_is_dropped(void **state)
{
    (void)state;
    static const size_t bytes[] = {13 /* source 10.x */, 17 /* destination 10.x */, 12, 16};
    for (size_t i = 0; i < ARRAY_LEN(bytes); i++) {
        inner(4, 62, 0);
        inner_bytes[bytes[i]] = 77;
        seal(with_trailer(span_of(inner_bytes, 62), 0, 0, 0, 4), i + 1, false);
        receive();
        assert_result(ESP_DROP, DROP_SELECTOR);
    }
    struct dataplane_event counters;
    assert_true(esp_sa_counters(b, SA_IN, SPI_A_TO_B, &counters));
    assert_true(counters.packets == 0);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 50, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
}

static void only_udp_to_port_7(struct esp_sa *sa)
{
    sa->local_ts[0].proto = 17;
    sa->local_ts[0].port_from = sa->local_ts[0].port_to = 7;
}

static void ports_count_and_fragments_without_ports_do_not_match_them(void **state)
{
    (void)state;
    open_side(only_udp_to_port_7);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 1, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    inner(4, 62, 0);
    inner_bytes[23] = 8; /* port 8 */
    seal(with_trailer(span_of(inner_bytes, 62), 0, 0, 0, 4), 2, false);
    receive();
    assert_result(ESP_DROP, DROP_SELECTOR);
    inner(4, 62, 0);
    inner_bytes[7] = 9; /* a later fragment */
    seal(with_trailer(span_of(inner_bytes, 62), 0, 0, 0, 4), 3, false);
    receive();
    assert_result(ESP_DROP, DROP_SELECTOR);
}

static void an_icmp_error_is_admitted_by_the_packet_that_it_quotes(void **state)
{
    (void)state;
    uint8_t error[56];
    struct span quoted = hex("4500001c 00000000 40110000 0a020009 0a010005 00070400 00080000");
    struct packet_ip h = {
        .src = ip4(172, 16, 0, 1), .dst = ip4(10, 2, 0, 9), .proto = NH_ICMP, .ttl = 64, .payload = 36};
    struct wr w = wr_over(error, sizeof(error));
    packet_write_ip(&w, &h);
    wr_u64(&w, UINT64_C(0x0304000000000578));
    wr_span(&w, quoted);
    seal(with_trailer(wr_span_view(&w), 2, 1, 2, 4), 1, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    error[28 + 16] = 11; /* about a packet that never went through this SA */
    seal(with_trailer(wr_span_view(&w), 2, 1, 2, 4), 2, false);
    receive();
    assert_result(ESP_DROP, DROP_SELECTOR);
    error[28 + 16] = 10;
    error[28 + 15] = 8; /* for somebody else than who sent the quoted packet */
    seal(with_trailer(wr_span_view(&w), 2, 1, 2, 4), 3, false);
    receive();
    assert_result(ESP_DROP, DROP_SELECTOR);
}

static void congestion_outside_reaches_the_inner_header(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        uint8_t nh = family == 4 ? 4 : 41;
        uint64_t seq = family * 10u;
        seal(with_trailer(inner(family, 62, 2), 0, 0, 0, nh), seq + 1, false);
        p.tos = 3;
        receive();
        assert_result(ESP_FORWARD, DROP_NONE);
        struct packet ip;
        assert_true(packet_parse(span_of(p.data, p.len), &ip));
        assert_int_equal(ip.tos, 3);
        if (family == 4)
            assert_int_equal(checksum_finish(checksum_add(0, span_of(p.data, 20))), 0);
        seal(with_trailer(inner(family, 62, 0), 0, 0, 0, nh), seq + 2, false);
        p.tos = 3;
        receive();
        assert_result(ESP_DROP, DROP_ECN);
    }
}

static void syn_segments_are_clamped_on_the_way_in(void **state)
{
    (void)state;
    struct span syn = hex("4500002c 00004000 40060000 0a010005 0a020009"
                          "9c400050 00000001 00000000 6002ffff 00000000 020405b4");
    seal(with_trailer(syn, 2, 1, 2, 4), 1, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_memory_equal(p.data + 40, "\x02\x04\x05\x7e", 4); /* 1446 - 40 */
    assert_int_equal(esp_counters(b)->mss_clamped, 1);
}

static void with_encap(struct esp_sa *sa)
{
    sa->has_encap = true;
    sa->local.port = sa->remote.port = 4500;
}

static void from(struct ip ip, uint16_t port, uint64_t seq)
{
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), seq, false);
    p.has_encap = true;
    p.remote = (struct endpoint){.ip = ip, .port = port};
    receive();
}

static void a_moved_peer_is_reported_once_and_only_by_its_newest_packet(void **state)
{
    (void)state;
    struct dataplane_event ev[4];
    open_side(with_encap);
    from(ip4(192, 0, 2, 1), 4500, 10); /* where it is known to be */
    assert_int_equal(esp_events(b, ev, 4), 0);
    from(ip4(192, 0, 2, 77), 1024, 9); /* old, held up or replayed on another path */
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_int_equal(esp_events(b, ev, 4), 0);
    from(ip4(192, 0, 2, 77), 1024, 11);
    from(ip4(192, 0, 2, 77), 1024, 12);
    assert_int_equal(esp_events(b, ev, 4), 1);
    assert_int_equal(ev[0].kind, DP_MAPPING);
    assert_int_equal(ev[0].child_id, 1);
    assert_int_equal(ev[0].spi, SPI_A_TO_B);
    assert_int_equal(ev[0].remote.port, 1024);
    assert_true(ip_equal(ev[0].remote.ip, ip4(192, 0, 2, 77)));
    from(ip4(192, 0, 2, 77), 1024, 13);
    assert_int_equal(esp_events(b, ev, 4), 0);
    from(ip4(192, 0, 2, 77), 1025, 14); /* again another */
    from(ip4(192, 0, 2, 1), 4500, 15);  /* and home */
    assert_int_equal(esp_events(b, ev, 4), 0);
}

/* [RFC9329#6.1] the connection that brought the last authentic packet is the one to answer on. */
static void another_stream_is_a_move(void **state)
{
    (void)state;
    struct dataplane_event ev[4];
    open_side(with_encap);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 10, false);
    p.has_encap = true;
    p.remote = (struct endpoint){.ip = ip4(192, 0, 2, 1), .port = 4500, .stream = 9};
    receive();
    assert_int_equal(esp_events(b, ev, 4), 1);
    assert_int_equal(ev[0].kind, DP_MAPPING);
    assert_int_equal(ev[0].remote.stream, 9);
}

static void copying_class_in(struct esp_sa *sa)
{
    sa->copy_dscp = DSCP_YES;
    sa->copies_ecn = true;
}

/* [RFC9329#6.8] what stands in the headers of TCP says nothing about a packet inside. */
static void the_class_of_what_came_in_a_stream_is_left_alone(void **state)
{
    (void)state;
    for (uint32_t stream = 0; stream < 2; stream++) {
        open_side(copying_class_in);
        seal(with_trailer(inner(4, 62, 0xb8 | 2), 0, 0, 0, 4), 1, false);
        p.has_encap = true;
        p.remote.stream = stream;
        receive();
        assert_result(ESP_FORWARD, DROP_NONE);
        assert_int_equal(p.data[1], stream ? 0xb8 | 2 : 2);
    }
}

static void a_forged_or_bare_packet_reports_no_move(void **state)
{
    (void)state;
    struct dataplane_event ev[4];
    open_side(with_encap);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 1, false);
    p.data[20] ^= 1;
    p.has_encap = true;
    p.remote = (struct endpoint){.ip = ip4(192, 0, 2, 77), .port = 1024};
    receive();
    assert_result(ESP_DROP, DROP_BAD_ICV);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 1, false);
    p.remote = (struct endpoint){.ip = ip4(192, 0, 2, 77)};
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_int_equal(esp_events(b, ev, 4), 0);
    open_side(NULL); /* no NAT between us */
    from(ip4(192, 0, 2, 77), 1024, 1);
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_int_equal(esp_events(b, ev, 4), 0);
}

static void extended(struct esp_sa *sa)
{
    sa->has_esn = true;
}

static void extended_numbers_cross_two_to_the_32(void **state)
{
    (void)state;
    open_side(extended);
    uint64_t at = UINT64_C(0x100000000) - 40;
    /* Up to the edge in steps that a receiver follows: less than 2^32 each. */
    for (uint64_t seq = 1; seq < at; seq += UINT64_C(0x3fffffff)) {
        seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), seq, true);
        receive();
        assert_result(ESP_FORWARD, DROP_NONE);
    }
    for (uint64_t seq = at; seq < at + 80; seq++) {
        seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), seq, true);
        receive();
        assert_result(ESP_FORWARD, DROP_NONE);
    }
    for (uint64_t seq = at + 79; seq > at + 79 - 64; seq--) { /* seen, on both sides of the edge */
        seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), seq, true);
        receive();
        assert_result(ESP_DROP, DROP_REPLAY);
    }
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), at + 80 + UINT64_C(0x100000000),
         true); /* a whole round lost */
    receive();
    assert_result(ESP_DROP, DROP_BAD_ICV);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), at + 80, false); /* peer without ESN */
    receive();
    assert_result(ESP_DROP, DROP_BAD_ICV);
}

static void an_old_number_is_refused_before_the_crypto(void **state)
{
    (void)state;
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 100, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    for (uint64_t seq = 100; seq > 0; seq = seq > 36 ? 36 : 0) { /* seen; just below the window */
        seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), seq, false);
        p.data[20] ^= 1; /* an ICV that would fail */
        receive();
        assert_result(ESP_DROP, DROP_REPLAY);
    }
}

static void old_sas_stay_open_for_what_is_under_way(void **state)
{
    (void)state;
    struct esp_sa newer = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    newer.spi = 0x5555;
    newer.child_id = 2;
    newer.encr_key[0] ^= 1;
    pair_add_sa(b, newer);
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 1, false);
    receive();
    assert_result(ESP_FORWARD, DROP_NONE);
    assert_int_equal(p.child_id, 1);
    struct esp_sa gone = {.direction = SA_IN, .spi = SPI_A_TO_B};
    struct diag d = {0};
    assert_true(esp_apply(b, &(struct action){.kind = ACTION_SA_DEL, .sa = &gone}, 1, &d));
    seal(with_trailer(inner(4, 62, 0), 0, 0, 0, 4), 2, false);
    receive();
    assert_result(ESP_DROP, DROP_UNKNOWN_SPI);
}

static void an_inbound_spi_is_taken_once(void **state)
{
    (void)state;
    struct esp_sa again = pair_sa(esp_suite_gcm, SIDE_B, SA_IN, 4);
    struct diag d = {0};
    again.child_id = 9;
    assert_false(esp_apply(b, &(struct action){.kind = ACTION_SA_ADD, .sa = &again}, 1, &d));
    assert_true(diag_failed(&d));
}

int main(void)
{
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(padding_of_every_allowed_length_is_taken_off),
        T(wrong_padding_is_refused),
        T(flow_padding_behind_the_inner_packet_is_cut_off),
        T(a_dummy_packet_is_dropped_quietly_but_not_twice),
        T(the_next_header_must_tell_the_truth),
        T(an_inner_packet_outside_the_selectors_is_dropped),
        T(ports_count_and_fragments_without_ports_do_not_match_them),
        T(an_icmp_error_is_admitted_by_the_packet_that_it_quotes),
        T(congestion_outside_reaches_the_inner_header),
        T(syn_segments_are_clamped_on_the_way_in),
        T(a_moved_peer_is_reported_once_and_only_by_its_newest_packet),
        T(another_stream_is_a_move),
        T(the_class_of_what_came_in_a_stream_is_left_alone),
        T(a_forged_or_bare_packet_reports_no_move),
        T(extended_numbers_cross_two_to_the_32),
        T(an_old_number_is_refused_before_the_crypto),
        T(old_sas_stay_open_for_what_is_under_way),
        T(an_inbound_spi_is_taken_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
