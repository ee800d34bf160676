/* SPDX-License-Identifier: Apache-2.0 */
/* What somebody on the path can do without keys: forged answers, forged sealed messages, replays. A peer that
 * lies under good keys is in rogue_test.c and rogue_auth_test.c. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

enum { AT_LENGTH = 26 };

static void inject(int side, const struct pair_packet *k)
{
    pair_input(&p, side,
               &(struct input){
                   .kind = INPUT_DATAGRAM,
                   .datagram = {.local = k->dst,
                                .remote = k->src,
                                .is_natt = k->is_natt,
                                .bytes = span_of(k->bytes, k->len)}
    });
}

/* An answer to the first request on the wire, with one notify. */
static struct pair_packet forged_notify(const struct pair_packet *request, uint16_t type, struct span data)
{
    struct pair_packet k = {.from = 1 - request->from, .src = request->dst, .dst = request->src};
    struct wr w = wr_over(k.bytes, sizeof(k.bytes));
    wr_bytes(&w, request->bytes, IKE_HEADER_LEN);
    wr_u8(&w, 0);
    wr_u8(&w, 0);
    wr_u16(&w, (uint16_t)(8 + data.len));
    wr_u16(&w, 0); /* no protocol, no SPI */
    wr_u16(&w, type);
    wr_span(&w, data);
    assert_true(wr_ok(&w));
    k.len = wr_span_view(&w).len;
    k.bytes[AT_FIRST] = PAYLOAD_NOTIFY;
    k.bytes[AT_FLAGS] ^= IKE_FLAG_RESPONSE | IKE_FLAG_INITIATOR;
    k.bytes[AT_LENGTH] = (uint8_t)(k.len >> 8);
    k.bytes[AT_LENGTH + 1] = (uint8_t)k.len;
    return k;
}

static void nobody_talks_us_into_a_key_exchange_that_we_did_not_offer(void **state)
{
    (void)state;
    struct pair_spec s = {.ike = {"aes256gcm16-prfsha256-x25519-ecp256"}};
    load(&s, &s);
    unsigned sent = p.sent;
    uint8_t modp768[2] = {0, KE_MODP_768};
    struct pair_packet k = forged_notify(&p.wire[0], N_INVALID_KE_PAYLOAD, span_of(modp768, 2));
    inject(0, &k);
    assert_int_equal(p.sent, sent);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(rogue_sa(&p, 0)->chosen.ke, KE_CURVE25519);
}

static void a_forged_invalid_spi_ends_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_advance(&p, 10 * TIME_SECOND);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    struct pair_packet k = forged_notify(&p.wire[0], N_INVALID_IKE_SPI, span_of(NULL, 0));
    for (int i = 0; i < 5; i++)
        inject(0, &k);
    assert_int_equal(pair_ikes(&p, 0), 1);
    pair_run(&p);
    pair_advance(&p, 30 * TIME_SECOND);
    assert_int_equal(p.side[0].child_rekeys, 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(p.side[0].ike_downs, 0);
}

static void cookies_without_end_are_not_followed(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    uint8_t cookie[65] = {0};
    load(&s, &s);
    unsigned sent = p.sent;
    struct pair_packet k = forged_notify(&p.wire[0], N_COOKIE, span_of(cookie, sizeof(cookie)));
    inject(0, &k); /* [RFC7296#2.6] at most 64 octets */
    assert_int_equal(p.sent, sent);
    for (uint8_t i = 0; i < 50; i++) {
        cookie[0] = i;
        k = forged_notify(&p.wire[0], N_COOKIE, span_of(cookie, 32));
        inject(0, &k);
    }
    assert_in_range(p.sent - sent, 1, 10);
    assert_false(p.side[0].is_done);
}

static void another_first_request_with_the_same_spi_changes_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    load(&s, &s);
    struct pair_packet other = p.wire[0];
    other.bytes[other.len - 1] ^= 1;
    assert_true(pair_deliver(&p));
    inject(1, &other);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_replayed, 1);
    assert_int_equal(engine_stats(p.side[1].e)->half_open, 1);
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void a_cookie_that_is_not_ours_makes_no_sa(void **state)
{
    (void)state;
    struct pair_spec a = {0},
                     b = {.has_cookie_threshold = true, .cookie_threshold = 1, .block_threshold = 1000};
    uint8_t cookie[COOKIE_LEN + 8] = {0, 0, 0, sizeof(cookie), 0, 0, N_COOKIE >> 8, N_COOKIE & 0xff};
    load(&a, &b);
    struct pair_packet k = p.wire[0];
    inject(1, &k); /* one SA is half open: from now on cookies */
    k.bytes[0] ^= 1;
    memmove(k.bytes + IKE_HEADER_LEN + sizeof(cookie), k.bytes + IKE_HEADER_LEN, k.len - IKE_HEADER_LEN);
    cookie[0] = k.bytes[AT_FIRST];
    memcpy(k.bytes + IKE_HEADER_LEN, cookie, sizeof(cookie));
    k.bytes[AT_FIRST] = PAYLOAD_NOTIFY;
    k.len += sizeof(cookie);
    k.bytes[AT_LENGTH] = (uint8_t)(k.len >> 8);
    k.bytes[AT_LENGTH + 1] = (uint8_t)k.len;
    for (uint8_t version = 0; version < 4; version++) {
        k.bytes[IKE_HEADER_LEN + 8] = version;
        inject(1, &k);
        assert_int_equal(engine_stats(p.side[1].e)->cookies_sent, version + 1u);
        assert_int_equal(engine_stats(p.side[1].e)->half_open, 1);
    }
}

static bool through_nat(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    struct endpoint *outside = k->from == 0 ? &k->src : &k->dst;
    outside->ip = k->from == 0 ? ip4(203, 0, 113, 9) : ip4(192, 0, 2, 1);
    return true;
}

static void a_forged_message_moves_no_endpoint(void **state)
{
    (void)state;
    struct pair_spec a = {.local_id = "@a", .remote_id = "@b"};
    struct pair_spec b = {.accepts_any_peer = true, .local_id = "@b", .remote_id = "@a"};
    p.filter = through_nat;
    up(&a, &b);
    struct ike_sa *sa = rogue_sa(&p, 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(sa->has_nat_remote && sa->has_marker);
    struct endpoint before = sa->remote;
    struct pair_packet k = {
        .src = {ip4(198, 51, 100, 66), 6666},
          .dst = sa->local, .is_natt = true, .len = 100
    };
    struct wr w = wr_over(k.bytes, sizeof(k.bytes));
    ike_header_write(&w, &(struct ike_header){.spi_i = sa->spi_i,
                                              .spi_r = sa->spi_r,
                                              .next_payload = PAYLOAD_SK,
                                              .major = 2,
                                              .exchange = EXCHANGE_INFORMATIONAL,
                                              .flags = IKE_FLAG_INITIATOR,
                                              .message_id = sa->window.next_in,
                                              .length = (uint32_t)k.len});
    wr_u16(&w, 0);
    wr_u16(&w, (uint16_t)(k.len - IKE_HEADER_LEN));
    inject(1, &k);
    assert_int_equal(engine_stats(p.side[1].e)->dropped_bad_icv, 1);
    assert_true(endpoint_equal(&sa->remote, &before));
    assert_int_equal(p.side[1].updates, 0);
}

/* Without a NAT in between the endpoint is settled: neither a sealed message from elsewhere nor ESP moves it.
 */
static bool spoof_source(void *ctx, struct pair_packet *k)
{
    (void)ctx;
    if (k->from == 0)
        k->src.ip = ip4(198, 51, 100, 66);
    return true;
}

static void a_peer_without_nat_is_not_followed(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    struct ike_sa *sa = rogue_sa(&p, 1);
    struct endpoint before = sa->remote;
    const struct esp_sa *in = pair_newest_out(&p, 0);
    pair_input(&p, 1,
               &(struct input){
                   .kind = INPUT_DATAPLANE,
                   .dataplane = {.kind = DP_MAPPING,
                                 .direction = SA_IN,
                                 .child_id = p.side[1].sas[0].child_id,
                                 .spi = in->spi,
                                 .remote = {ip4(198, 51, 100, 66), 4500}}
    });
    assert_true(endpoint_equal(&sa->remote, &before));
    p.filter = spoof_source;
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    pair_run(&p);
    assert_int_equal(p.side[1].child_rekeys, 1);
    assert_true(endpoint_equal(&sa->remote, &before));
    assert_int_equal(p.side[1].updates, 0);
}

static void hints_about_unknown_sas_are_given_at_a_bounded_rate(void **state)
{
    (void)state;
    struct pair_spec s = {0};
    up(&s, &s);
    pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
    struct pair_packet k = p.wire[0];
    p.n_wire = 0;
    unsigned sent = p.sent;
    for (uint8_t i = 0; i < 100; i++) {
        k.bytes[8] = i; /* the responder's SPI */
        inject(1, &k);
    }
    assert_in_range(p.sent - sent, 1, 20);
}

/* One shared secret for a whole domain: who has it may be any name in it, but ends nobody else's SA. */
static void another_identity_replaces_nobody(void **state)
{
    (void)state;
    struct pair_spec moon = {.local_id = "moon.example", .remote_id = "sun.example"}, mars = moon;
    struct pair_spec b = {.accepts_any_peer = true, .local_id = "sun.example", .remote_id = "@*.example"};
    mars.local_id = "mars.example";
    up(&moon, &b);
    assert_int_equal(pair_ikes(&p, 1), 1);
    pair_restart(&p, 0);
    pair_load(&p, 0, &mars); /* comes with INITIAL_CONTACT */
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 2);
    pair_advance(&p, 60 * TIME_SECOND);
    assert_int_equal(pair_ikes(&p, 1), 2);
    pair_restart(&p, 0);
    pair_load(&p, 0, &mars); /* its own older one does go */
    pair_command(&p, 0, COMMAND_INITIATE, "net", NULL);
    pair_run(&p);
    assert_int_equal(pair_ikes(&p, 1), 2);
}

/* ---- replays */

struct kept {
    uint8_t exchange;
    struct pair_packet k;
};

static bool keep_request(void *ctx, struct pair_packet *k)
{
    struct kept *kept = ctx;
    if (k->from == 0 && !rogue_is_response(k) && k->bytes[AT_EXCHANGE] == kept->exchange)
        kept->k = *k;
    return true;
}

static void an_old_request_is_not_carried_out_again(void **state)
{
    (void)state;
    static struct kept kept = {.exchange = EXCHANGE_CREATE_CHILD_SA};
    struct pair_spec a = {.second_local_ts = "10.3.0.0/16", .second_remote_ts = "10.4.0.0/16"};
    struct pair_spec b = {.second_local_ts = "10.4.0.0/16", .second_remote_ts = "10.3.0.0/16"};
    p.filter = keep_request;
    p.ctx = &kept;
    up(&a, &b);
    p.filter = NULL;
    assert_true(kept.k.len > 0);
    assert_int_equal(pair_children(&p, 1), 2);
    for (int i = 0; i < 2; i++) { /* at first answered last, then older */
        size_t sas = p.side[1].n_sas;
        inject(1, &kept.k);
        pair_run(&p);
        assert_int_equal(pair_children(&p, 1), 2);
        assert_int_equal(p.side[1].n_sas, sas);
        pair_command(&p, 0, COMMAND_REKEY, NULL, "net");
        pair_run(&p);
    }
    assert_int_equal(engine_stats(p.side[1].e)->dropped_replayed, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(nobody_talks_us_into_a_key_exchange_that_we_did_not_offer),
        T(a_forged_invalid_spi_ends_nothing),
        T(cookies_without_end_are_not_followed),
        T(another_first_request_with_the_same_spi_changes_nothing),
        T(a_cookie_that_is_not_ours_makes_no_sa),
        T(a_forged_message_moves_no_endpoint),
        T(a_peer_without_nat_is_not_followed),
        T(hints_about_unknown_sas_are_given_at_a_bounded_rate),
        T(another_identity_replaces_nobody),
        T(an_old_request_is_not_carried_out_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
