/* SPDX-License-Identifier: Apache-2.0 */
/* What two ends agree on about a child's packets: compression, padding against traffic analysis, AH; over
 * rekeys and in further children; and what a peer may say about them that is not to be believed. */
#include "support/pair_fixture.h"
#include "support/rogue.h"
#include "support/test.h"

static void compresses(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    for (size_t i = 0; i < conn->n_children; i++)
        k[i].has_ipcomp = true;
}

static void pads(struct config *c, struct connection *conn, struct child_config *k)
{
    (void)c;
    (void)conn;
    k->tfc_padding = 777;
}

static void compresses_and_pads(struct config *c, struct connection *conn, struct child_config *k)
{
    compresses(c, conn, k);
    pads(c, conn, k);
}

static const struct esp_sa *newest(int side, enum sa_direction d)
{
    for (size_t i = p.side[side].n_sas; i-- > 0;) {
        if (p.side[side].sas[i].direction == d)
            return &p.side[side].sas[i];
    }
    fail();
    return NULL;
}

static struct child_view only_child(int side)
{
    struct ike_view v;
    struct child_view c;
    assert_true(engine_ike_at(p.side[side].e, 0, &v) && engine_child_at(p.side[side].e, v.id, 0, &c));
    return c;
}

/* Each sends with the CPI that the other wants. */
static void assert_compressing(void)
{
    for (int side = 0; side < 2; side++) {
        uint16_t cpi = newest(side, SA_IN)->cpi;
        assert_in_range(cpi, 256, 61439);
        assert_int_equal(newest(1 - side, SA_OUT)->cpi, cpi);
    }
}

static void assert_not_compressing(int side)
{
    assert_int_equal(newest(side, SA_IN)->cpi, 0);
    assert_int_equal(newest(side, SA_OUT)->cpi, 0);
    assert_int_equal(only_child(side).cpi_in, 0);
}

static void both_ends_want_to_compress(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = compresses};
    up(&s, &s);
    assert_compressing();
    assert_int_equal(only_child(0).cpi_in, newest(0, SA_IN)->cpi);
    assert_int_equal(only_child(0).cpi_out, newest(1, SA_IN)->cpi);
    assert_int_equal(only_child(1).cpi_in, newest(1, SA_IN)->cpi);
}

static void one_end_alone_does_not_compress(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = compresses}, plain = {0};
    up(&s, &plain);
    assert_not_compressing(0);
    assert_not_compressing(1);
    assert_true(pair_logged(&p, 0, "the peer does not compress"));
    pair_deinit(&p);
    pair_init(&p);
    up(&plain, &s);
    assert_not_compressing(0);
    assert_not_compressing(1);
    assert_true(pair_traffic_fits(&p));
}

static void compression_outlives_rekeys_with_new_cpis(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = compresses};
    up(&s, &s);
    for (int side = 0; side < 2; side++) {
        uint16_t before = newest(0, SA_IN)->cpi;
        uint32_t spi = newest(0, SA_IN)->spi;
        pair_command(&p, side, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        assert_true(newest(0, SA_IN)->spi != spi);
        assert_true(newest(0, SA_IN)->cpi != before);
        assert_compressing();
    }
    pair_command(&p, 0, COMMAND_REKEY, "net", NULL); /* the IKE SA: children stay as they are */
    pair_run(&p);
    assert_compressing();
    assert_int_equal(only_child(0).cpi_in, newest(0, SA_IN)->cpi);
}

/* A Linux peer keeps what it sends by CPI. */
static void children_of_an_ike_sa_have_cpis_of_their_own(void **state)
{
    (void)state;
    struct pair_spec s = {
        .tweak = compresses, .second_local_ts = "10.3.0.0/16", .second_remote_ts = "10.4.0.0/16"};
    struct pair_spec r = {
        .tweak = compresses, .second_local_ts = "10.4.0.0/16", .second_remote_ts = "10.3.0.0/16"};
    up(&s, &r);
    assert_int_equal(pair_children(&p, 0), 2);
    assert_compressing();
    uint16_t before = 0;
    for (size_t i = 0; i < p.side[0].n_sas; i++) {
        if (p.side[0].sas[i].direction != SA_IN)
            continue;
        assert_true(p.side[0].sas[i].cpi != before);
        before = p.side[0].sas[i].cpi;
    }
}

/* Peers do not compress behind a NAT, and auto would show them one. */
static void who_wants_to_compress_asks_for_no_esp_in_udp(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = compresses, .encap = ENCAP_AUTO}, plain = {.encap = ENCAP_AUTO};
    up(&s, &s);
    assert_false(newest(0, SA_OUT)->has_encap);
    pair_deinit(&p);
    pair_init(&p);
    up(&plain, &plain);
    assert_true(newest(0, SA_OUT)->has_encap);
}

static void padding_is_of_what_leaves(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = pads}, plain = {0};
    up(&s, &plain);
    assert_int_equal(newest(0, SA_OUT)->tfc, 777);
    assert_int_equal(newest(1, SA_OUT)->tfc, 0);
    assert_int_equal(only_child(0).tfc_padding, 777);
    pair_command(&p, 1, COMMAND_REKEY, "net", "net");
    pair_run(&p);
    pair_advance(&p, CHILD_SWITCH); /* the responder of a rekeying sends through the new one later */
    assert_int_equal(newest(0, SA_OUT)->tfc, 777);
}

/* ---- peers that lie, or cannot ---- */

struct notify_change {
    uint16_t type, to; /* of the notify */
    const char *data;  /* its new first bytes, or NULL */
    bool in_response;
    unsigned done;
};

static void change_notify(void *ctx, const struct chain *c)
{
    struct notify_change *change = ctx;
    uint8_t next = c->first;
    for (size_t at = 0; next && at + 8 <= c->len;) {
        uint8_t *n = c->at + at;
        size_t len = (size_t)n[2] << 8 | n[3];
        if (next == PAYLOAD_NOTIFY && ((unsigned)n[6] << 8 | n[7]) == change->type) {
            n[6] = (uint8_t)(change->to >> 8);
            n[7] = (uint8_t)change->to;
            if (change->data)
                memcpy(n + 8, change->data, 3);
            change->done++;
            return;
        }
        next = n[0];
        at += len;
    }
}

static bool in_auth(void *ctx, struct pair_packet *k)
{
    const struct notify_change *change = ctx;
    if (k->bytes[AT_EXCHANGE] == EXCHANGE_IKE_AUTH && rogue_is_response(k) == change->in_response)
        rogue_open(&p, k, change_notify, ctx);
    return true;
}

static void up_with_change(struct notify_change *change, struct pair_spec *s)
{
    p.filter = in_auth;
    p.ctx = change;
    up(s, s);
    assert_int_equal(change->done, 1);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
}

static void only_deflate_with_a_cpi_that_may_be_named_is_taken(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "\x12\x34\x03", /* LZS */
        "\x12\x34\x01", /* OUI */
        "\x00\x00\x02", /* no CPI */
        "\x00\x03\x02", /* that of another well-known algorithm */
        "\x00\xff\x02", /* reserved */
    };
    for (size_t i = 0; i < 2 * ARRAY_LEN(wrong); i++) {
        bool in_response = i % 2;
        struct pair_spec s = {.tweak = compresses};
        struct notify_change change = {N_IPCOMP_SUPPORTED, N_IPCOMP_SUPPORTED, wrong[i / 2], in_response, 0};
        up_with_change(&change, &s);
        assert_not_compressing(in_response ? 0 : 1);
        pair_deinit(&p);
        pair_init(&p);
    }
    struct pair_spec s = {.tweak = compresses};
    struct notify_change well_known = {N_IPCOMP_SUPPORTED, N_IPCOMP_SUPPORTED, "\x00\x02\x02", true, 0};
    up_with_change(&well_known, &s);
    assert_int_equal(newest(0, SA_OUT)->cpi, 2);
}

static void an_answer_about_compression_that_nobody_asked_for_changes_nothing(void **state)
{
    (void)state;
    struct pair_spec s = {.tweak = compresses};
    struct notify_change change = {N_IPCOMP_SUPPORTED, N_ADDITIONAL_TS_POSSIBLE, NULL, false, 0};
    up_with_change(&change, &s); /* the responder has heard of no compression, and answers with none */
    assert_not_compressing(0);
    assert_not_compressing(1);
}

static void a_peer_that_takes_no_padding_gets_none(void **state)
{
    (void)state;
    for (int in_response = 0; in_response < 2; in_response++) {
        int who = in_response ? 0 : 1; /* hears it */
        struct pair_spec s = {.tweak = compresses_and_pads};
        struct notify_change change = {N_IPCOMP_SUPPORTED, N_ESP_TFC_PADDING_NOT_SUPPORTED, NULL, in_response,
                                       0};
        up_with_change(&change, &s);
        assert_int_equal(newest(who, SA_OUT)->tfc, 0);
        assert_int_equal(newest(1 - who, SA_OUT)->tfc, 777);
        assert_int_equal(only_child(who).tfc_padding, 0);
        assert_true(pair_logged(&p, who, "takes no padding"));
        pair_deinit(&p);
        pair_init(&p);
    }
}

/* ---- AH ---- */

static void up_with_ah(const struct pair_spec *a, const struct pair_spec *b)
{
    up(a, b);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_true(pair_traffic_fits(&p));
    for (int side = 0; side < 2; side++) {
        const struct esp_sa *out = newest(side, SA_OUT), *in = newest(1 - side, SA_IN);
        assert_true(out->is_ah && in->is_ah);
        assert_int_equal(out->encr, 0);
        assert_int_equal(out->encr_key_len, 0);
        assert_int_equal(out->integ, INTEG_HMAC_SHA2_256_128);
        assert_int_equal(out->integ_key_len, 32);
        assert_memory_equal(out->integ_key, in->integ_key, 32);
        assert_int_equal(out->has_esn, in->has_esn);
    }
    assert_memory_not_equal(newest(0, SA_OUT)->integ_key, newest(1, SA_OUT)->integ_key, 32);
    assert_int_equal(only_child(0).chosen.protocol, PROTO_AH);
}

static void ah_is_negotiated_rekeyed_and_deleted_as_what_it_is(void **state)
{
    (void)state;
    struct pair_spec s = {.ah = {"sha256-esn-x25519"}};
    up_with_ah(&s, &s);
    assert_true(newest(0, SA_OUT)->has_esn);
    for (int side = 0; side < 2; side++) {
        uint32_t spi = newest(0, SA_IN)->spi;
        pair_command(&p, side, COMMAND_REKEY, "net", "net");
        pair_run(&p);
        pair_advance(&p, 2 * CHILD_SWITCH);
        assert_true(newest(0, SA_IN)->spi != spi);
        assert_true(newest(0, SA_IN)->is_ah);
        assert_int_equal(p.side[0].n_sas, 2); /* the old pair is gone at both ends */
        assert_int_equal(p.side[1].n_sas, 2);
    }
    pair_command(&p, 0, COMMAND_TERMINATE, "net", "net");
    pair_run(&p);
    pair_advance(&p, 2 * CHILD_SWITCH);
    assert_int_equal(p.side[0].n_sas, 0);
    assert_int_equal(p.side[1].n_sas, 0);
}

static void who_wants_ah_asks_for_no_esp_in_udp(void **state)
{
    (void)state;
    struct pair_spec s = {.ah = {"sha256"}, .encap = ENCAP_AUTO};
    up_with_ah(&s, &s);
    assert_false(newest(0, SA_OUT)->has_encap);
}

static void ah_is_neither_offered_nor_taken_where_esp_is_in_udp(void **state)
{
    (void)state;
    for (int asks = 0; asks < 2; asks++) {
        struct pair_spec s = {.ah = {"sha256"}}, in_udp = {.ah = {"sha256"}, .encap = ENCAP_YES};
        up(asks ? &s : &in_udp, asks ? &in_udp : &s);
        assert_int_equal(pair_children(&p, 0), 0);
        assert_int_equal(p.side[0].done.class, FAIL_PROPOSAL);
        assert_non_null(strstr(p.side[0].done.what, "cannot pass a NAT"));
        pair_deinit(&p);
        pair_init(&p);
    }
    struct pair_spec both = {.ah = {"sha256"}, .esp = {"aes128gcm16"}, .encap = ENCAP_YES};
    up(&both, &both);
    assert_int_equal(pair_children(&p, 0), 1);
    assert_false(newest(0, SA_OUT)->is_ah);
    assert_true(newest(0, SA_OUT)->has_encap);
}

/* The peer offers AH although it sees the NAT. */
static void a_responder_that_sees_a_nat_says_why_it_takes_no_ah(void **state)
{
    (void)state;
    struct pair_spec s = {.ah = {"sha256"}, .esp = {"aes128gcm16"}};
    load(&s, &s);
    pair_deliver(&p); /* IKE_SA_INIT's request */
    rogue_sa(&p, 1)->has_nat_remote = true;
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 1);
    assert_false(newest(1, SA_OUT)->is_ah);
    pair_deinit(&p);
    pair_init(&p);
    struct pair_spec alone = {.ah = {"sha256"}};
    load(&alone, &alone);
    pair_deliver(&p);
    rogue_sa(&p, 1)->has_nat_remote = true;
    pair_run(&p);
    assert_int_equal(pair_children(&p, 1), 0);
    assert_true(pair_logged(&p, 1, "which cannot pass a NAT: there is one in front of the peer"));
}

/* One end's ESP is no answer to the other's AH. */
static void ah_and_esp_do_not_agree(void **state)
{
    (void)state;
    struct pair_spec s = {.ah = {"sha256"}}, esp = {.esp = {"null-sha256"}};
    up(&s, &esp);
    assert_int_equal(pair_children(&p, 0), 0);
    assert_int_equal(pair_children(&p, 1), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(both_ends_want_to_compress),
        TEST(one_end_alone_does_not_compress),
        TEST(compression_outlives_rekeys_with_new_cpis),
        TEST(children_of_an_ike_sa_have_cpis_of_their_own),
        TEST(who_wants_to_compress_asks_for_no_esp_in_udp),
        TEST(padding_is_of_what_leaves),
        TEST(only_deflate_with_a_cpi_that_may_be_named_is_taken),
        TEST(an_answer_about_compression_that_nobody_asked_for_changes_nothing),
        TEST(a_peer_that_takes_no_padding_gets_none),
        TEST(ah_is_negotiated_rekeyed_and_deleted_as_what_it_is),
        TEST(who_wants_ah_asks_for_no_esp_in_udp),
        TEST(ah_is_neither_offered_nor_taken_where_esp_is_in_udp),
        TEST(a_responder_that_sees_a_nat_says_why_it_takes_no_ah),
        TEST(ah_and_esp_do_not_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
