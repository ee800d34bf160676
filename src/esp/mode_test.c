/* SPDX-License-Identifier: Apache-2.0 */
/* Transport and BEET mode between two data planes: what arrives is what was sent, headers of their own
 * included; what cannot be carried is dropped and counted; what a peer may write into a payload changes no
 * more than the packet that it is in. */
#include "support/esp_pair_fixture.h"
#include "support/test.h"

#include <stdlib.h>

static struct esp_buffer buffers[ESP_BATCH];
static struct esp_packet packets[ESP_BATCH];

/* The one address of a side that inner_udp() uses. */
static struct ts host(enum esp_side side, uint8_t family)
{
    struct ip ip = ip4(10, side == SIDE_A ? 1 : 2, 0, side == SIDE_A ? 5 : 9);
    if (family == 6)
        ip = (struct ip){
            6, {0x20, 1, 0xd, 0xb8, 0, side == SIDE_A ? 1 : 2, [15] = side == SIDE_A ? 5 : 9}
        };
    return ts_from_prefix(&(struct prefix){.ip = ip, .bits = family == 6 ? 128 : 32});
}

static struct esp_sa host_sa(const struct esp_suite *s, enum esp_side side, enum sa_direction dir,
                             enum child_mode mode, uint8_t family)
{
    struct esp_sa sa = pair_sa(s, side, dir, family);
    sa.mode = mode;
    sa.n_local_ts = sa.n_remote_ts = 1;
    sa.local_ts[0] = host(side, family);
    sa.remote_ts[0] = host(side == SIDE_A ? SIDE_B : SIDE_A, family);
    if (mode == MODE_TRANSPORT) {
        sa.local.ip = sa.local_ts[0].from;
        sa.remote.ip = sa.remote_ts[0].from;
    }
    return sa;
}

static struct esp *side(const struct esp_suite *s, enum esp_side which, enum child_mode mode, uint8_t family)
{
    struct esp_config c = {.path_mtu = 1500};
    struct esp *e = pair_new(&c, which);
    pair_add_sa(e, host_sa(s, which, SA_OUT, mode, family));
    pair_add_sa(e, host_sa(s, which, SA_IN, mode, family));
    return e;
}

static void open_both(const struct esp_suite *s, enum child_mode mode, uint8_t family)
{
    esp_free(a);
    esp_free(b);
    a = side(s, SIDE_A, mode, family);
    b = side(s, SIDE_B, mode, family);
}

static void carry(size_t n)
{
    esp_outbound(a, packets, n, 1);
    for (size_t i = 0; i < n; i++)
        pair_carry(&packets[i]);
    esp_inbound(b, packets, n, 1);
}

static void assert_arrived(size_t i)
{
    if (packets[i].verdict != ESP_FORWARD)
        fail_msg("packet %zu: %s", i, esp_drop_name(packets[i].drop));
    assert_int_equal(packets[i].len, buffers[i].len);
    assert_memory_equal(packets[i].data, buffers[i].copy, buffers[i].len);
}

static const enum child_mode both_modes[] = {MODE_TRANSPORT, MODE_BEET};

static void what_arrives_is_what_was_sent(void **state)
{
    (void)state;
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            for (size_t s = 0; s < esp_suites_count; s++) {
                open_both(&esp_suites[s], both_modes[m], family);
                for (uint32_t i = 0; i < 40; i++)
                    packets[i] =
                        inner_udp(&buffers[i], &(struct inner){.from = SIDE_A,
                                                               .family = family,
                                                               .has_df = true,
                                                               .tos = (uint8_t)(i % 4 ? 0x2e << 2 : 1),
                                                               .len = 60 + i * 30});
                carry(40);
                for (size_t i = 0; i < 40; i++)
                    assert_arrived(i);
            }
        }
    }
}

static void the_ip_header_is_not_carried(void **state)
{
    (void)state;
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            open_both(esp_suite_gcm, both_modes[m], family);
            packets[0] = inner_udp(
                &buffers[0],
                &(struct inner){.from = SIDE_A, .family = family, .has_df = true, .tos = 0xb9, .len = 200});
            esp_outbound(a, packets, 1, 1);
            assert_int_equal(packets[0].verdict, ESP_FORWARD);
            assert_int_equal(packets[0].next_header, NH_UDP);
            assert_int_equal(packets[0].tos, 0xb9);
            uint32_t payload = 200 - (uint32_t)packet_ip_len(family);
            assert_int_equal(packets[0].len, 8 + 8 + (payload + 2 + 3) / 4 * 4 + 16);
        }
    }
}

static void the_path_mtu_holds_to_the_byte(void **state)
{
    (void)state;
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            open_both(esp_suite_cbc, both_modes[m], family);
            uint32_t most = esp_inner_mtu(a, SPI_A_TO_B);
            struct inner in = {.from = SIDE_A, .family = family, .has_df = true, .len = most};
            packets[0] = inner_udp(&buffers[0], &in);
            in.len++;
            packets[1] = inner_udp(&buffers[1], &in);
            esp_outbound(a, packets, 2, 1);
            assert_int_equal(packets[0].verdict, ESP_FORWARD);
            assert_in_range(packet_ip_len(family) + packets[0].len, 1500 - 15, 1500);
            assert_int_equal(packets[1].verdict, ESP_ICMP_BACK);
            assert_int_equal(packets[1].drop, DROP_TOO_BIG);
        }
    }
}

/* As what a super-packet is cut into. */
static void what_follows_in_a_train_is_carried_alike(void **state)
{
    (void)state;
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        for (uint8_t family = 4; family <= 6; family += 2) {
            open_both(esp_suite_gcm, both_modes[m], family);
            for (size_t i = 0; i < ESP_BATCH; i++) {
                packets[i] =
                    inner_udp(&buffers[i],
                              &(struct inner){.from = SIDE_A, .family = family, .has_df = true, .len = 1300});
                packets[i].follows = i > 0;
            }
            carry(ESP_BATCH);
            for (size_t i = 0; i < ESP_BATCH; i++)
                assert_arrived(i);
        }
    }
}

/* [RFC4301#4.1] Each in its own mode: the newest sends, all receive, and when it goes the one before it
 * sends. */
static void several_sas_serve_one_policy(void **state)
{
    static const enum child_mode modes[] = {MODE_TUNNEL, MODE_TRANSPORT, MODE_BEET};
    struct diag d = {0};
    (void)state;
    a = pair_new(&(struct esp_config){.path_mtu = 1500}, SIDE_A);
    b = pair_new(&(struct esp_config){.path_mtu = 1500}, SIDE_B);
    for (uint32_t i = 0; i < 3; i++) {
        struct esp_sa out = host_sa(esp_suite_gcm, SIDE_A, SA_OUT, modes[i], 4);
        struct esp_sa in = host_sa(esp_suite_gcm, SIDE_B, SA_IN, modes[i], 4);
        out.spi = in.spi = SPI_A_TO_B + i;
        out.child_id = in.child_id = i + 1;
        pair_add_sa(b, in);
        pair_add_sa(a, out);
    }
    struct esp_packet late[3];
    for (uint32_t left = 3; left > 0; left--) {
        struct esp_sa newest = {.direction = SA_OUT, .spi = SPI_A_TO_B + left - 1, .child_id = left};
        packets[left - 1] = inner_udp(
            &buffers[left - 1], &(struct inner){.from = SIDE_A, .family = 4, .has_df = true, .len = 200});
        esp_outbound(a, &packets[left - 1], 1, 1);
        assert_int_equal(packets[left - 1].child_id, left);
        late[left - 1] = packets[left - 1];
        assert_true(esp_apply(a, &(struct action){.kind = ACTION_SA_DEL, .sa = &newest}, 1, &d));
    }
    for (size_t i = 0; i < 3; i++) {
        packets[i] = late[i];
        pair_carry(&packets[i]);
    }
    esp_inbound(b, packets, 3, 1);
    for (size_t i = 0; i < 3; i++)
        assert_arrived(i);
}

/* ---- packets with more than a plain header */

#define OPTIONS_MAX 40

/* IPv4 with options (a multiple of four bytes of no-operations and an end), or with other flags. */
static struct esp_packet make4(struct esp_buffer *buf, size_t options, uint16_t flags, uint8_t proto,
                               struct span payload)
{
    uint8_t bytes[2048];
    struct wr w = wr_over(bytes, sizeof(bytes));
    struct packet_ip h = {.src = host(SIDE_A, 4).from,
                          .dst = host(SIDE_B, 4).from,
                          .proto = proto,
                          .ttl = 64,
                          .has_df = true,
                          .payload = (uint16_t)(options + payload.len)};
    packet_write_ip(&w, &h);
    for (size_t i = 0; i < options; i++)
        wr_u8(&w, i + 1 < options ? 1 : 0);
    wr_patch_u8(&w, 0, (uint8_t)(0x45 + options / 4));
    wr_patch_u16(&w, 6, flags);
    wr_patch_u16(&w, 10, 0);
    wr_patch_u16(&w, 10, checksum_finish(checksum_add(0, span_of(bytes, 20 + options))));
    wr_span(&w, payload);
    return inner_raw(buf, wr_span_view(&w));
}

/* IPv6 with what stands behind the first 40 bytes. */
static struct esp_packet make6(struct esp_buffer *buf, uint8_t next, struct span rest)
{
    uint8_t bytes[2048];
    struct wr w = wr_over(bytes, sizeof(bytes));
    struct packet_ip h = {.src = host(SIDE_A, 6).from,
                          .dst = host(SIDE_B, 6).from,
                          .proto = next,
                          .ttl = 64,
                          .payload = (uint16_t)rest.len};
    packet_write_ip(&w, &h);
    wr_span(&w, rest);
    return inner_raw(buf, wr_span_view(&w));
}

static const uint8_t udp[16] = {4, 0, 0, 7, 0, 16, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8};

static void beet_carries_ipv4_options(void **state)
{
    (void)state;
    open_both(esp_suite_gcm, MODE_BEET, 4);
    for (size_t options = 0; options <= OPTIONS_MAX; options += 4) {
        /* twice: what was cut from one super-packet has options in each piece */
        packets[0] = make4(&buffers[0], options, 0x4000, NH_UDP, span_of(udp, sizeof(udp)));
        packets[1] = make4(&buffers[1], options, 0x4000, NH_UDP, span_of(udp, sizeof(udp)));
        packets[1].follows = true;
        carry(2);
        assert_arrived(0);
        assert_arrived(1);
    }
    /* the form on the wire is a pseudo-header */
    packets[0] = make4(&buffers[0], 8, 0x4000, NH_UDP, span_of(udp, sizeof(udp)));
    esp_outbound(a, packets, 1, 1);
    assert_int_equal(packets[0].next_header, NH_BEET);
}

static uint64_t dropped(const struct esp *e, enum esp_drop why)
{
    return esp_counters(e)->drops[why];
}

static void what_cannot_be_carried_is_dropped_and_counted(void **state)
{
    (void)state;
    static const uint8_t hop[24] = {NH_UDP, 0, 1, 4}, fragment[24] = {NH_UDP, 0, 0, 1},
                         behind[32] = {44, 0, 1, 4, [8] = NH_UDP};
    open_both(esp_suite_gcm, MODE_TRANSPORT, 4);
    packets[0] = make4(&buffers[0], 0, 0x2000, NH_UDP, span_of(udp, sizeof(udp)));
    packets[1] = make4(&buffers[1], 0, 0x0003, NH_UDP, span_of(udp, sizeof(udp)));
    packets[2] = make4(&buffers[2], 4, 0x4000, NH_UDP, span_of(udp, sizeof(udp)));
    packets[3] = make4(&buffers[3], 0, 0x4000, NH_UDP, span_of(udp, sizeof(udp)));
    esp_outbound(a, packets, 4, 1);
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(packets[i].verdict, ESP_DROP);
    assert_int_equal(packets[3].verdict, ESP_FORWARD);
    assert_int_equal(dropped(a, DROP_FRAGMENT), 2);
    assert_int_equal(dropped(a, DROP_HEADERS), 1);

    open_both(esp_suite_gcm, MODE_TRANSPORT, 6);
    packets[0] = make6(&buffers[0], 44, span_of(fragment, sizeof(fragment)));
    packets[1] = make6(&buffers[1], 0, span_of(hop, sizeof(hop)));
    packets[2] = make6(&buffers[2], 43, span_of(hop, sizeof(hop)));
    packets[3] =
        make6(&buffers[3], 60, span_of(behind, sizeof(behind))); /* a fragment header behind options */
    esp_outbound(a, packets, 4, 1);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(packets[i].verdict, ESP_DROP);
    assert_int_equal(dropped(a, DROP_FRAGMENT), 2);
    assert_int_equal(dropped(a, DROP_HEADERS), 2);
}

static void ipv6_destination_options_are_carried(void **state)
{
    (void)state;
    uint8_t rest[24] = {NH_UDP, 0, 1, 4};
    memcpy(rest + 8, udp, sizeof(udp));
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        open_both(esp_suite_gcm, both_modes[m], 6);
        packets[0] = make6(&buffers[0], 60, span_of(rest, sizeof(rest)));
        esp_outbound(a, packets, 1, 1);
        assert_int_equal(packets[0].next_header, 60);
        pair_carry(&packets[0]);
        esp_inbound(b, packets, 1, 1);
        assert_arrived(0);
    }
}

static struct esp_policy whole_policy(uint64_t id, uint8_t family, uint16_t port)
{
    struct esp_policy p = pair_policy(SIDE_A, id);
    p.wants_whole = true;
    p.n_local_ts = p.n_remote_ts = 1;
    p.local_ts[0] = host(SIDE_A, family);
    p.remote_ts[0] = host(SIDE_B, family);
    p.remote_ts[0].proto = NH_UDP;
    p.remote_ts[0].port_from = p.remote_ts[0].port_to = port;
    return p;
}

/* Whatever the ports: only the first fragment shows them. */
static void fragments_between_the_two_hosts_are_wanted_whole(void **state)
{
    (void)state;
    struct packet ip;
    struct diag d = {0};
    a = side(esp_suite_gcm, SIDE_A, MODE_TRANSPORT, 4);
    packets[0] = make4(&buffers[0], 0, 0x0003, NH_UDP, span_of(udp, sizeof(udp)));
    struct span later = span_of(packets[0].data, packets[0].len);
    assert_false(esp_wants_whole(a, later, &ip)); /* a tunnel's policy */
    pair_add_policy(a, whole_policy(2, 4, 1701));
    pair_add_policy(a, whole_policy(3, 6, 1701));
    assert_true(esp_wants_whole(a, later, &ip));
    packets[0].data[19]++; /* to another host */
    assert_false(esp_wants_whole(a, later, &ip));
    packets[0].data[19]--;
    packets[0].data[15]++; /* from another host */
    assert_false(esp_wants_whole(a, later, &ip));
    packets[0].data[15]--;
    assert_true(esp_apply(a, &(struct action){.kind = ACTION_POLICY_DEL, .id = 2}, 1, &d));
    assert_false(esp_wants_whole(a, later, &ip));
}

/* Its sender had it fragmented already: an ICMP error would ask for what was done. */
static void what_was_put_together_may_be_fragmented_outside(void **state)
{
    (void)state;
    for (uint8_t family = 4; family <= 6; family += 2) {
        open_both(esp_suite_gcm, MODE_TRANSPORT, family);
        packets[0] = inner_udp(&buffers[0], &(struct inner){.from = SIDE_A, .family = family, .len = 4000});
        packets[0].was_fragmented = true;
        esp_outbound(a, packets, 1, 1);
        assert_int_equal(packets[0].verdict, ESP_FORWARD);
        assert_false(packets[0].has_df);
        pair_carry(&packets[0]);
        esp_inbound(b, packets, 1, 1);
        assert_int_equal(packets[0].verdict, ESP_FORWARD);
        assert_int_equal(packets[0].len, 4000);
    }
}

/* ---- what a peer may send */

/* A sender whose payload the receiver takes for something else. */
static void open_unlike(enum child_mode from, enum child_mode to, uint8_t family)
{
    esp_free(a);
    esp_free(b);
    a = side(esp_suite_gcm, SIDE_A, from, family);
    b = side(esp_suite_gcm, SIDE_B, to, family);
}

static void a_false_pseudo_header_is_refused(void **state)
{
    (void)state;
    open_unlike(MODE_TRANSPORT, MODE_BEET, 4);
    size_t taken = 0;
    for (unsigned units = 0; units < 256; units += units < 8 ? 1 : 31) {
        for (unsigned padding = 0; padding < 256; padding += padding < 8 ? 1 : 31) {
            uint8_t payload[24] = {NH_UDP, (uint8_t)units, (uint8_t)padding, 0};
            packets[0] = make4(&buffers[0], 0, 0x4000, NH_BEET, span_of(payload, sizeof(payload)));
            carry(1);
            bool is_sound = (units + 1) * 8 <= sizeof(payload) && padding <= 4 && padding % 4 == 0;
            assert_int_equal(packets[0].verdict, is_sound ? ESP_FORWARD : ESP_DROP);
            taken += is_sound;
        }
    }
    assert_int_equal(taken, 6);
    assert_true(dropped(b, DROP_HEADERS) > 0);
}

static void a_tunnels_packet_is_no_transport_packet(void **state)
{
    (void)state;
    /* the payload of a tunnel is one of protocol IPIP between the outer addresses */
    open_unlike(MODE_TUNNEL, MODE_TRANSPORT, 4);
    packets[0] = inner_udp(&buffers[0], &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    carry(1);
    assert_int_equal(packets[0].verdict, ESP_FORWARD);
    struct packet ip;
    assert_true(packet_parse(span_of(packets[0].data, packets[0].len), &ip));
    assert_int_equal(ip.proto, NH_IPIP);
    assert_int_equal(ip.len, 120);
    /* and the payload of transport mode is no packet */
    open_unlike(MODE_TRANSPORT, MODE_TUNNEL, 4);
    packets[0] = inner_udp(&buffers[0], &(struct inner){.from = SIDE_A, .family = 4, .len = 100});
    carry(1);
    assert_int_equal(packets[0].verdict, ESP_DROP);
    assert_int_equal(packets[0].drop, DROP_NOT_IP);
}

static void a_fragment_inside_is_refused(void **state)
{
    (void)state;
    /* over IPv4 protocol 44 is nothing special: so it gets to a receiver for which it is */
    static const uint8_t fragment[24] = {NH_UDP, 0, 0, 1};
    esp_free(a);
    esp_free(b);
    a = side(esp_suite_gcm, SIDE_A, MODE_TRANSPORT, 4);
    b = side(esp_suite_gcm, SIDE_B, MODE_TRANSPORT, 6);
    packets[0] = make4(&buffers[0], 0, 0x4000, 44, span_of(fragment, sizeof(fragment)));
    carry(1);
    assert_int_equal(packets[0].verdict, ESP_DROP);
    assert_int_equal(packets[0].drop, DROP_FRAGMENT);
}

/* ---- records */

static bool is_taken(struct esp_sa sa)
{
    struct esp *e = esp_new(&(struct esp_config){0});
    struct diag d = {0};
    bool ok = esp_apply(e, &(struct action){.kind = ACTION_SA_ADD, .sa = &sa}, 1, &d);
    if (!ok)
        assert_int_equal(d.class, FAIL_SELECTORS);
    esp_free(e);
    return ok;
}

static void only_two_hosts_have_a_transport_sa(void **state)
{
    (void)state;
    for (size_t m = 0; m < ARRAY_LEN(both_modes); m++) {
        struct esp_sa good = host_sa(esp_suite_gcm, SIDE_A, SA_OUT, both_modes[m], 4), sa = good;
        assert_true(is_taken(sa));
        sa.local_ts[0].to.b[3]++;
        assert_false(is_taken(sa));
        sa = good;
        sa.remote_ts[1] = sa.remote_ts[0];
        sa.remote_ts[1].proto = NH_UDP;
        sa.n_remote_ts = 2;
        assert_true(is_taken(sa)); /* several ports, one host */
        sa.remote_ts[1] = host(SIDE_A, 4);
        assert_false(is_taken(sa));
        sa = good;
        sa.remote_ts[0] = host(SIDE_B, 6);
        assert_false(is_taken(sa));
    }
}

/* ---- NAT */

static bool checksum_holds(const struct esp_packet *p)
{
    struct packet ip;
    assert_true(packet_parse(span_of(p->data, p->len), &ip));
    return checksum_upper(&ip.src, &ip.dst, ip.proto, span_of(p->data + ip.upper, p->len - ip.upper)) == 0;
}

/* A is 10.1.0.5 behind a NAT and calls B 198.51.100.9; B is 10.2.0.9 behind another one, and sees A as
 * 203.0.113.1. */
static void checksums_hold_on_both_sides_of_two_nats(void **state)
{
    (void)state;
    struct ip a_seen = ip4(203, 0, 113, 1), b_seen = ip4(198, 51, 100, 9);
    struct esp_sa in = host_sa(esp_suite_gcm, SIDE_B, SA_IN, MODE_TRANSPORT, 4);
    struct esp_sa out = host_sa(esp_suite_gcm, SIDE_A, SA_OUT, MODE_TRANSPORT, 4);
    struct esp_policy policy = pair_policy(SIDE_A, 1);
    in.remote_ts[0] = ts_from_prefix(&(struct prefix){.ip = a_seen, .bits = 32});
    in.seen_remote = host(SIDE_A, 4).from;
    in.seen_local = b_seen;
    policy.remote_ts[0] = out.remote_ts[0] = ts_from_prefix(&(struct prefix){.ip = b_seen, .bits = 32});
    esp_free(a);
    esp_free(b);
    a = esp_new(&(struct esp_config){0});
    b = pair_new(&(struct esp_config){0}, SIDE_B);
    pair_add_policy(a, policy);
    pair_add_sa(a, out);
    pair_add_sa(b, in);
    for (uint16_t port = 1; port < 2000; port++) {
        packets[0] =
            inner_udp(&buffers[0], &(struct inner){.from = SIDE_A, .family = 4, .dport = port, .len = 100});
        /* to the address by which A knows B */
        memcpy(packets[0].data + 16, b_seen.b, 4);
        struct packet ip;
        assert_true(packet_parse(span_of(packets[0].data, packets[0].len), &ip));
        uint8_t *sum = packets[0].data + 26;
        sum[0] = sum[1] = 0;
        uint16_t whole = checksum_upper(&ip.src, &ip.dst, NH_UDP, span_of(packets[0].data + 20, 80));
        bool is_false = port % 7 == 0, is_absent = port % 11 == 0;
        whole = is_absent ? 0 : whole ? whole : UINT16_MAX;
        sum[0] = (uint8_t)(whole >> 8);
        sum[1] = (uint8_t)whole;
        if (is_false)
            packets[0].data[60] ^= 1;
        carry(1);
        assert_int_equal(packets[0].verdict, ESP_FORWARD);
        assert_memory_equal(packets[0].data + 12, a_seen.b, 4);
        assert_memory_equal(packets[0].data + 16, host(SIDE_B, 4).from.b, 4);
        if (is_absent)
            assert_memory_equal(packets[0].data + 26, "\0", 2);
        else
            assert_int_equal(checksum_holds(&packets[0]), !is_false); /* what was wrong stays wrong */
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_arrives_is_what_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(the_ip_header_is_not_carried, setup, teardown),
        cmocka_unit_test_setup_teardown(the_path_mtu_holds_to_the_byte, setup, teardown),
        cmocka_unit_test_setup_teardown(what_follows_in_a_train_is_carried_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(several_sas_serve_one_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(beet_carries_ipv4_options, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_be_carried_is_dropped_and_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(ipv6_destination_options_are_carried, setup, teardown),
        cmocka_unit_test_setup_teardown(fragments_between_the_two_hosts_are_wanted_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_put_together_may_be_fragmented_outside, setup, teardown),
        cmocka_unit_test_setup_teardown(a_false_pseudo_header_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(a_tunnels_packet_is_no_transport_packet, setup, teardown),
        cmocka_unit_test_setup_teardown(a_fragment_inside_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(only_two_hosts_have_a_transport_sa, setup, teardown),
        cmocka_unit_test_setup_teardown(checksums_hold_on_both_sides_of_two_nats, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
