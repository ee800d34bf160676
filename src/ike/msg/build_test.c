/* SPDX-License-Identifier: Apache-2.0 */
/* What is built decodes to what was given, payload by payload, and what must not be sent is not built. */
#include "ike/msg/build.h"
#include "ike/msg/decode.h"
#include "ike/msg/dump.h"
#include "support/test.h"

static struct arena *arena;
static uint8_t buf[8192];
static struct build b;

static const struct ike_header header = {
    .spi_i = UINT64_C(0x1122334455667788),
    .spi_r = UINT64_C(0x99aabbccddeeff00),
    .exchange = EXCHANGE_INFORMATIONAL,
    .flags = IKE_FLAG_RESPONSE | IKE_FLAG_INITIATOR,
    .message_id = 7,
};

static int setup(void **state)
{
    (void)state;
    arena = arena_new(1 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static void begin(void)
{
    build_begin(&b, buf, sizeof(buf), &header);
}

static struct ike_message decoded(void)
{
    struct ike_message m;
    struct span bytes;
    struct diag d = {0};
    assert_true(build_end(&b, &bytes));
    if (ike_decode(arena, bytes, &m, &d) != DECODE_OK)
        fail_msg("%s; expected %s; got %s", d.what, d.expected, d.got);
    return m;
}

static void header_round_trips_with_length_and_first_payload(void **state)
{
    (void)state;
    begin();
    struct ike_message m = decoded();
    assert_int_equal(m.n, 0);
    assert_int_equal(m.header.next_payload, PAYLOAD_NONE);
    begin();
    build_vendor(&b, span_str("v"));
    m = decoded();
    assert_true(m.header.spi_i == header.spi_i && m.header.spi_r == header.spi_r);
    assert_int_equal(m.header.next_payload, PAYLOAD_VENDOR);
    assert_int_equal(m.header.exchange, header.exchange);
    assert_int_equal(m.header.flags, header.flags);
    assert_int_equal(m.header.message_id, 7);
    assert_int_equal(m.header.length, 28 + 5);
}

static void proposals_round_trip(void **state)
{
    (void)state;
    struct proposal p[2];
    struct diag d = {0};
    assert_true(proposal_parse(PROTO_ESP, "aes256gcm16-aes128gcm16-x25519-esn-noesn", &p[0], &d));
    assert_true(proposal_parse(PROTO_ESP, "aes128-sha256-sha512-modp2048", &p[1], &d));
    for (size_t i = 0; i < 2; i++) {
        p[i].spi_len = 4;
        memcpy(p[i].spi, "\xde\xad\xbe\xef", 4);
    }
    begin();
    build_sa(&b, p, 2);
    struct ike_message m = decoded();
    struct proposal_list l = ike_find(&m, PAYLOAD_SA)->sa.proposals;
    assert_int_equal(l.n, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(l.v[i].number, i + 1);
        p[i].number = (uint8_t)(i + 1);
        char want[PROPOSAL_TEXT_MAX], got[PROPOSAL_TEXT_MAX];
        assert_string_equal(proposal_format(&l.v[i], got), proposal_format(&p[i], want));
        assert_int_equal(l.v[i].spi_len, 4);
        assert_memory_equal(l.v[i].spi, p[i].spi, 8);
    }
}

static void a_chosen_proposal_keeps_its_number(void **state)
{
    (void)state;
    struct proposal p = {
        .protocol = PROTO_IKE, .number = 3, .spi_len = 8, .spi = {1, 2, 3, 4, 5, 6, 7, 8}
    };
    begin();
    build_sa(&b, &p, 1);
    struct ike_message m = decoded();
    const struct proposal *got = &ike_find(&m, PAYLOAD_SA)->sa.proposals.v[0];
    assert_int_equal(got->number, 3);
    assert_memory_equal(got->spi, p.spi, 8);
}

static void selectors_round_trip(void **state)
{
    (void)state;
    static const char *const texts[] = {"10.1.0.0/16", "192.0.2.1[tcp/80]", "2001:db8::/32",
                                        "0.0.0.0/0[udp/opaque]", "10.0.0.1-10.0.0.9[tcp/1000-2000]"};
    struct ts v[ARRAY_LEN(texts)];
    const char *err = NULL;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_true(ts_parse(texts[i], &v[i], &err));
    begin();
    build_ts(&b, PAYLOAD_TSI, v, ARRAY_LEN(v));
    build_ts(&b, PAYLOAD_TSR, v, 1);
    struct ike_message m = decoded();
    const struct pl_ts *ts = &ike_find(&m, PAYLOAD_TSI)->ts;
    assert_int_equal(ts->n, ARRAY_LEN(texts));
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_true(ts_equal(&ts->v[i], &v[i]));
    assert_int_equal(ike_find(&m, PAYLOAD_TSR)->ts.n, 1);
}

static void flat_payloads_round_trip(void **state)
{
    (void)state;
    const struct identity id = {.type = ID_FQDN, .data = span_str("moon.example")};
    const struct identity none = {.type = ID_KEY_ID, .data = span_of(NULL, 0)};
    struct span nonce = hex("000102030405060708090a0b0c0d0e0f");
    begin();
    build_ke(&b, KE_ECP_256, span_str("public value"));
    build_nonce(&b, nonce);
    build_id(&b, PAYLOAD_IDI, &id);
    build_id(&b, PAYLOAD_IDR, &none);
    build_cert(&b, CERT_X509_SIGNATURE, span_str("a certificate"));
    build_certreq(&b, CERT_X509_SIGNATURE, span_of(NULL, 0));
    build_auth(&b, 14, span_str("a signature"));
    build_eap(&b, hex("0101000501"));
    struct ike_message m = decoded();
    assert_int_equal(ike_find(&m, PAYLOAD_KE)->ke.group, KE_ECP_256);
    assert_span_equal(ike_find(&m, PAYLOAD_KE)->ke.data, span_str("public value"));
    assert_span_equal(ike_find(&m, PAYLOAD_NONCE)->nonce.data, nonce);
    const struct pl_id *got = &ike_find(&m, PAYLOAD_IDI)->id;
    assert_int_equal(got->id.type, ID_FQDN);
    assert_span_equal(got->id.data, id.data);
    assert_span_equal(got->body, hex("02000000 6d6f6f6e2e6578616d706c65"));
    assert_int_equal(ike_find(&m, PAYLOAD_IDR)->id.id.data.len, 0);
    assert_int_equal(ike_find(&m, PAYLOAD_CERT)->cert.encoding, CERT_X509_SIGNATURE);
    assert_span_equal(ike_find(&m, PAYLOAD_CERT)->cert.data, span_str("a certificate"));
    assert_int_equal(ike_find(&m, PAYLOAD_CERTREQ)->cert.data.len, 0);
    assert_int_equal(ike_find(&m, PAYLOAD_AUTH)->auth.method, 14);
    assert_span_equal(ike_find(&m, PAYLOAD_AUTH)->auth.data, span_str("a signature"));
    assert_span_equal(ike_find(&m, PAYLOAD_EAP)->eap.data, hex("0101000501"));
}

static void notifies_round_trip_and_iterate(void **state)
{
    (void)state;
    begin();
    build_notify(&b, N_REKEY_SA, PROTO_ESP, hex("01020304"), span_of(NULL, 0));
    build_notify(&b, N_NAT_DETECTION_SOURCE_IP, PROTO_NONE, span_of(NULL, 0), span_str("one"));
    build_notify_empty(&b, N_MOBIKE_SUPPORTED);
    build_notify(&b, N_NAT_DETECTION_SOURCE_IP, PROTO_NONE, span_of(NULL, 0), span_str("two"));
    build_notify_empty(&b, N_TS_UNACCEPTABLE);
    struct ike_message m = decoded();
    const struct pl_notify *n = ike_notify(&m, N_REKEY_SA);
    assert_int_equal(n->protocol, PROTO_ESP);
    assert_span_equal(n->spi, hex("01020304"));
    n = ike_notify_next(&m, N_NAT_DETECTION_SOURCE_IP, NULL);
    assert_span_equal(n->data, span_str("one"));
    n = ike_notify_next(&m, N_NAT_DETECTION_SOURCE_IP, n);
    assert_span_equal(n->data, span_str("two"));
    assert_null(ike_notify_next(&m, N_NAT_DETECTION_SOURCE_IP, n));
    assert_int_equal(ike_error_notify(&m)->type, N_TS_UNACCEPTABLE);
    assert_int_equal(ike_count(&m, PAYLOAD_NOTIFY), 5);
}

static void deletes_and_configuration_round_trip(void **state)
{
    (void)state;
    const uint32_t spis[] = {0x01020304, 0xfffefdfc};
    const struct cp_attr attrs[] = {
        {1,             hex("0a000001")},
        { 3, span_of(NULL,              0)}
    };
    begin();
    build_delete_child(&b, PROTO_ESP, spis, 2);
    build_delete_ike(&b);
    build_cp(&b, CFG_REQUEST, attrs, 2);
    struct ike_message m = decoded();
    const struct ike_payload *first = ike_find(&m, PAYLOAD_DELETE);
    assert_int_equal(first->del.count, 2);
    assert_true(delete_spi(&first->del, 0) == spis[0] && delete_spi(&first->del, 1) == spis[1]);
    const struct ike_payload *second = ike_next(&m, PAYLOAD_DELETE, first);
    assert_int_equal(second->del.protocol, PROTO_IKE);
    assert_int_equal(second->del.count, 0);
    struct span at = ike_find(&m, PAYLOAD_CP)->cp.attrs;
    struct cp_attr got;
    assert_true(cp_next(&at, &got) && got.type == 1);
    assert_span_equal(got.value, attrs[0].value);
    assert_true(cp_next(&at, &got) && got.type == 3 && got.value.len == 0);
    assert_false(cp_next(&at, &got));
}

static void what_must_not_be_sent_is_not_built(void **state)
{
    (void)state;
    struct span bytes;
    begin();
    build_nonce(&b, hex("00"));
    assert_false(build_end(&b, &bytes));
    begin();
    build_id(&b, PAYLOAD_IDI, &(struct identity){.type = ID_ANY});
    assert_false(build_end(&b, &bytes));
    begin();
    build_sa(&b, NULL, 0);
    assert_false(build_end(&b, &bytes));
    begin();
    build_ts(&b, PAYLOAD_TSI, NULL, 0);
    assert_false(build_end(&b, &bytes));
    begin();
    build_ts(&b, PAYLOAD_TSI, &(struct ts){.port_to = 65535}, 1);
    assert_false(build_end(&b, &bytes));
    begin();
    build_notify(&b, N_REKEY_SA, PROTO_ESP, hex("010203040506070809"), span_of(NULL, 0));
    assert_false(build_end(&b, &bytes));
    build_begin(&b, buf, 40, &header);
    build_vendor(&b, span_str("does not fit into 40 bytes"));
    assert_false(build_end(&b, &bytes));
}

static void a_chain_without_header_names_its_first_payload(void **state)
{
    (void)state;
    struct span chain;
    build_begin(&b, buf, sizeof(buf), NULL);
    assert_true(build_end(&b, &chain));
    assert_int_equal(b.first, PAYLOAD_NONE);
    assert_int_equal(chain.len, 0);
    build_begin(&b, buf, sizeof(buf), NULL);
    build_notify_empty(&b, N_MOBIKE_SUPPORTED);
    build_vendor(&b, span_str("v"));
    assert_true(build_end(&b, &chain));
    assert_int_equal(b.first, PAYLOAD_NOTIFY);
    assert_span_equal(chain, hex("2b000008 0000400c 00000005 76"));
}

static void a_message_dumps_as_one_line(void **state)
{
    (void)state;
    char line[IKE_DUMP_MAX];
    const struct ike_header h = {.spi_i = 1, .exchange = EXCHANGE_IKE_AUTH, .message_id = 1};
    const struct identity id = {.type = ID_FQDN, .data = span_str("moon")};
    build_begin(&b, buf, sizeof(buf), &h);
    build_id(&b, PAYLOAD_IDI, &id);
    build_auth(&b, 2, span_str("secret"));
    build_notify_empty(&b, N_MOBIKE_SUPPORTED);
    build_notify_empty(&b, 40999);
    build_cp(&b, CFG_REPLY, NULL, 0);
    build_raw(&b, 200, false, span_of(NULL, 0));
    struct ike_message m = decoded();
    assert_string_equal(ike_dump(&m, line, sizeof(line)),
                        "IKE_AUTH request 1 [ IDi AUTH N(MOBIKE_SUP) N(40999) CP(2) (200) ]");
    m.header.exchange = 99;
    m.header.flags = IKE_FLAG_RESPONSE;
    assert_string_equal(ike_dump(&m, line, 24), "EXCHANGE_99 response 1 ");
}

static void every_notify_has_a_name_of_its_own_and_the_registry_order(void **state)
{
    (void)state;
    const struct notify_info *n, *before = NULL;
    for (size_t i = 0; (n = notify_at(i)); i++) {
        assert_ptr_equal(notify_find(n->type), n);
        assert_true(!before || before->type < n->type);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(notify_at(j)->name, n->name);
            assert_string_not_equal(notify_at(j)->abbrev, n->abbrev);
        }
        before = n;
    }
    char text[32];
    assert_string_equal(notify_format(24, text, sizeof(text)), "AUTHENTICATION_FAILED");
    assert_string_equal(notify_format(50000, text, sizeof(text)), "notify 50000");
    assert_true(notify_is_error(44));
    assert_false(notify_is_error(16384));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trips_with_length_and_first_payload),
        cmocka_unit_test(proposals_round_trip),
        cmocka_unit_test(a_chosen_proposal_keeps_its_number),
        cmocka_unit_test(selectors_round_trip),
        cmocka_unit_test(flat_payloads_round_trip),
        cmocka_unit_test(notifies_round_trip_and_iterate),
        cmocka_unit_test(deletes_and_configuration_round_trip),
        cmocka_unit_test(what_must_not_be_sent_is_not_built),
        cmocka_unit_test(a_chain_without_header_names_its_first_payload),
        cmocka_unit_test(a_message_dumps_as_one_line),
        cmocka_unit_test(every_notify_has_a_name_of_its_own_and_the_registry_order),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
