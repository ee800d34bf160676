/* SPDX-License-Identifier: Apache-2.0 */
/* An IKE_SA_INIT request written by hand from the figures of RFC 7296 section 3, and what must not pass. */
#include "ike/msg/build.h"
#include "ike/msg/decode.h"
#include "support/test.h"
#include <stdlib.h>

/* Header, SA (two proposals), KE, Ni, N(FRAG_SUP), an unknown payload that is not critical, V. */
#define HEADER "0102030405060708 0000000000000000 21 20 22 08 00000000 000000f0"
#define SA                                                                                                   \
    "22 00 0058"                                                                                             \
    "02 00 0024 01 01 00 03"                                                                                 \
    "   03 00 000c 01 00 0014 800e 0100" /* AES-GCM-16, 256 bits */                                          \
    "   03 00 0008 02 00 0006"           /* HMAC-SHA2-384 */                                                 \
    "   00 00 0008 04 00 001f"           /* Curve25519 */                                                    \
    "00 00 0030 02 01 00 04"                                                                                 \
    "   03 00 000c 01 00 000c 800e 0080" /* AES-CBC, 128 bits */                                             \
    "   03 00 0008 02 00 0005"           /* the PRF before integrity: order is restored */                   \
    "   03 00 0008 03 00 000c"                                                                               \
    "   00 00 000c 04 00 000e 8063 0001" /* an attribute that nobody knows */
#define KE      "28 00 0028 001f 0000 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NONCE   "29 00 0024 a0a1a2a3a4a5a6a7a8a9aaabacadaeaf b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
#define NOTIFY  "c8 00 0008 00 00 402e"
#define UNKNOWN "2b 00 0008 deadbeef"
#define VENDOR  "00 00 0020 4b657977617920746573742076656e646f7220494420202020202020"

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct span init_request(void)
{
    return hex(HEADER SA KE NONCE NOTIFY UNKNOWN VENDOR);
}

static void hand_written_ike_sa_init_decodes(void **state)
{
    (void)state;
    struct ike_message m;
    struct diag d = {0};
    assert_int_equal(ike_decode(arena, init_request(), &m, &d), DECODE_OK);
    assert_true(m.header.spi_i == UINT64_C(0x0102030405060708));
    assert_true(m.header.spi_r == 0);
    assert_int_equal(m.header.exchange, EXCHANGE_IKE_SA_INIT);
    assert_true(ike_is_from_initiator(&m.header));
    assert_false(ike_is_response(&m.header));
    assert_int_equal(m.n, 6);
    assert_null(m.sk);

    const struct pl_ke *ke = &ike_find(&m, PAYLOAD_KE)->ke;
    assert_int_equal(ke->group, KE_CURVE25519);
    assert_int_equal(ke->data.len, 32);
    assert_int_equal(ike_find(&m, PAYLOAD_NONCE)->nonce.data.len, 32);
    assert_non_null(ike_notify(&m, N_IKEV2_FRAGMENTATION_SUPPORTED));
    assert_null(ike_notify(&m, N_COOKIE));
    assert_span_equal(ike_find(&m, PAYLOAD_VENDOR)->vendor.data, span_str("Keyway test vendor ID       "));
    assert_span_equal(ike_find(&m, 200)->body, hex("deadbeef"));
}

static void proposals_come_in_the_models_order_and_unknown_attributes_spoil_their_transform(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(ike_decode(arena, init_request(), &m, NULL), DECODE_OK);
    struct proposal_list l = ike_find(&m, PAYLOAD_SA)->sa.proposals;
    assert_int_equal(l.n, 2);
    assert_int_equal(l.v[0].count, 3);
    assert_int_equal(l.v[0].t[0].id, ENCR_AES_GCM_16);
    assert_int_equal(l.v[0].t[0].key_bits, 256);
    assert_int_equal(l.v[1].number, 2);
    assert_int_equal(l.v[1].protocol, PROTO_IKE);
    assert_int_equal(l.v[1].t[1].type, TRANSFORM_INTEG);
    assert_int_equal(l.v[1].t[2].type, TRANSFORM_PRF);
    assert_int_equal(l.v[1].t[3].type, TRANSFORM_KE);
    assert_null(alg_find(TRANSFORM_KE, l.v[1].t[3].id));
}

static void a_message_cut_at_any_byte_is_malformed(void **state)
{
    (void)state;
    struct span whole = init_request();
    for (size_t len = 0; len < whole.len; len++) {
        struct ike_message m;
        struct diag d = {0};
        uint8_t *copy = mem_new(len); /* of exactly that size: the sanitizer sees every byte too far */
        memcpy(copy, whole.ptr, len);
        assert_int_equal(ike_decode(arena, span_of(copy, len), &m, &d), DECODE_MALFORMED);
        assert_true(diag_failed(&d));
        if (len >= IKE_HEADER_LEN) { /* the same with a length field that agrees */
            copy[26] = (uint8_t)(len >> 8);
            copy[27] = (uint8_t)len;
            assert_int_equal(ike_decode(arena, span_of(copy, len), &m, &d), DECODE_MALFORMED);
        }
        free(copy);
    }
}

static void bytes_after_the_last_payload_are_malformed(void **state)
{
    (void)state;
    struct ike_message m;
    struct span extended = hex(HEADER SA KE NONCE NOTIFY UNKNOWN VENDOR "00");
    assert_int_equal(ike_decode(arena, extended, &m, NULL), DECODE_MALFORMED);
    ((uint8_t *)extended.ptr)[27]++;
    assert_int_equal(ike_decode(arena, extended, &m, NULL), DECODE_MALFORMED);
}

static void the_length_field_must_be_the_datagrams(void **state)
{
    (void)state;
    struct ike_message m;
    struct span bytes = init_request();
    for (int by = -1; by <= 1; by++) {
        ((uint8_t *)bytes.ptr)[27] = (uint8_t)(0xf0 + by);
        assert_int_equal(ike_decode(arena, bytes, &m, NULL), by ? DECODE_MALFORMED : DECODE_OK);
    }
}

static void a_message_without_initiator_spi_is_malformed(void **state)
{
    (void)state;
    struct ike_message m;
    struct span bytes = init_request();
    memset((uint8_t *)bytes.ptr, 0, 8);
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_MALFORMED);
}

/* A message of that one payload. */
static enum decode_status decode_one(uint8_t type, const char *body, struct ike_message *m)
{
    static uint8_t buf[8192];
    struct build b;
    struct span bytes;
    build_begin(&b, buf, sizeof(buf), &(struct ike_header){.spi_i = 1, .exchange = EXCHANGE_IKE_SA_INIT});
    build_raw(&b, type, false, hex(body));
    assert_true(build_end(&b, &bytes));
    return ike_decode(arena, bytes, m, NULL);
}

static void payloads_with_wrong_insides_are_malformed(void **state)
{
    (void)state;
    static const struct {
        uint8_t type;
        const char *body;
        const char *why;
    } bad[] = {
        {PAYLOAD_KE,     "001f0000",                                     "no key"                  },
        {PAYLOAD_KE,     "001f",                                         "cut"                     },
        {PAYLOAD_NONCE,  "000102030405060708090a0b0c0d0e",               "15 bytes"                },
        {PAYLOAD_NOTIFY, "000040",                                       "cut"                     },
        {PAYLOAD_NOTIFY, "03044009 010203",                              "SPI cut"                 },
        {PAYLOAD_NOTIFY, "03094009 010203040506070809",                  "SPI too long"            },
        {PAYLOAD_DELETE, "03040002 01020304",                            "fewer SPIs than promised"},
        {PAYLOAD_DELETE, "03040001 01020304 05",                         "more"                    },
        {PAYLOAD_DELETE, "03080001 0102030405060708",                    "SPI size of ESP"         },
        {PAYLOAD_DELETE, "01080001 0102030405060708",                    "SPIs for IKE"            },
        {PAYLOAD_IDI,    "010000",                                       "cut"                     },
        {PAYLOAD_IDI,    "01000000 c00002",                              "address cut"             },
        {PAYLOAD_IDI,    "05000000 c0000201",                            "IPv6 with 4 bytes"       },
        {PAYLOAD_IDI,    "00000000 61",                                  "type 0"                  },
        {PAYLOAD_IDI,    "0d000000 61",                                  "nobody with a name"      },
        {PAYLOAD_AUTH,   "02000000",                                     "empty"                   },
        {PAYLOAD_CERT,   "04",                                           "empty"                   },
        {PAYLOAD_EAP,    "020100",                                       "no length"               },
        {PAYLOAD_CP,     "01000000 00010005 01",                         "attribute cut"           },
        {PAYLOAD_CP,     "01000000 0001",                                "attribute cut"           },
        {PAYLOAD_SA,     "",                                             "empty"                   },
        {PAYLOAD_SA,     "00000007 010100",                              "proposal of 7 bytes"     },
        {PAYLOAD_SA,     "02000008 01010000",                            "more promised"           },
        {PAYLOAD_SA,     "00000008 01010000 00000008 02010000",          "none promised"           },
        {PAYLOAD_SA,     "00000008 01010001",                            "a transform promised"    },
        {PAYLOAD_SA,     "00000010 01010000 0000000801000003",           "none promised"           },
        {PAYLOAD_SA,     "00000010 01010001 0300000801000003",           "last transform says more"},
        {PAYLOAD_SA,     "00000010 01010001 0000000701000003",           "transform of 7 bytes"    },
        {PAYLOAD_SA,     "00000010 01010001 0000000c01000003",           "transform too long"      },
        {PAYLOAD_SA,     "00000014 01010001 0000000c01000003 000e0001",  "attribute cut"           },
        {PAYLOAD_SA,     "0000000a 01010200 0102",                       "IKE SPI of 2 bytes"      },
        {PAYLOAD_SA,     "00000008 01030000",                            "ESP without SPI"         },
        {PAYLOAD_SA,     "00000014 01630c00 000102030405060708090a0b",   "SPI of 12 bytes"         },
        {PAYLOAD_TSI,    "01000000",                                     "no selector"             },
        {PAYLOAD_TSI,    "ff000000 07000010 0000ffff 0a000000 0a0000ff", "255 promised"            },
        {PAYLOAD_TSI,    "00000000 07000010 0000ffff 0a000000 0a0000ff", "none promised"           },
        {PAYLOAD_TSI,    "01000000 0700000c 0000ffff 0a000000",          "IPv4 of 12 bytes"        },
        {PAYLOAD_TSI,    "01000000 07000010 0000ffff 0a0000ff 0a000000", "backwards"               },
        {PAYLOAD_TSI,    "01000000 07060010 00500010 0a000000 0a0000ff", "ports backwards"         },
        {PAYLOAD_TSI,    "01000000 63000007 000000",                     "unknown, of 7 bytes"     },
        {PAYLOAD_SKF,    "00000001 00",                                  "fragment 0"              },
        {PAYLOAD_SKF,    "00030002 00",                                  "3 of 2"                  },
        {PAYLOAD_SKF,    "0001",                                         "cut"                     },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct ike_message m;
        if (decode_one(bad[i].type, bad[i].body, &m) != DECODE_MALFORMED)
            fail_msg("%s accepted: %s", payload_name(bad[i].type), bad[i].why);
    }
}

static void selectors_of_unknown_type_are_skipped(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(decode_one(PAYLOAD_TSR,
                                "03000000 09000008 00000000 07110010 01f401f4 c0000201 c0000201"
                                "6300000a 000000000000",
                                &m),
                     DECODE_OK);
    const struct pl_ts *ts = &ike_find(&m, PAYLOAD_TSR)->ts;
    assert_int_equal(ts->n, 1);
    assert_int_equal(ts->v[0].proto, 17);
    assert_int_equal(ts->v[0].port_from, 500);
    assert_int_equal(ts->v[0].from.family, 4);
}

static void a_count_that_is_not_kept_allocates_nothing(void **state)
{
    (void)state;
    struct ike_message m;
    size_t before = arena_used(arena);
    assert_int_equal(decode_one(PAYLOAD_TSI, "ff000000 07000010 0000ffff 0a000000 0a0000ff", &m),
                     DECODE_MALFORMED);
    assert_true(arena_used(arena) - before < IKE_MAX_PAYLOADS * sizeof(struct ike_payload) + 64);
}

static void unknown_critical_payload_is_named(void **state)
{
    (void)state;
    struct span bytes = init_request();
    ((uint8_t *)bytes.ptr)[28 + 88 + 40 + 36 + 8 + 1] = 0x80; /* the critical bit of the unknown one */
    struct ike_message m;
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_CRITICAL);
    assert_int_equal(m.bad_payload, 200);
    assert_int_equal(decode_status_notify(DECODE_CRITICAL), N_UNSUPPORTED_CRITICAL_PAYLOAD);
}

static void critical_bit_of_known_payloads_is_ignored(void **state)
{
    (void)state;
    struct span bytes = init_request();
    ((uint8_t *)bytes.ptr)[28 + 1] = 0x80;
    struct ike_message m;
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_OK);
    assert_true(m.v[0].is_critical);
}

static void other_major_versions_are_told_apart_and_minor_ones_ignored(void **state)
{
    (void)state;
    struct span bytes = init_request();
    uint8_t *version = (uint8_t *)bytes.ptr + 17;
    struct ike_message m;
    *version = 0x30;
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_BAD_VERSION);
    assert_int_equal(m.header.major, 3);
    *version = 0x10;
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_BAD_VERSION);
    *version = 0x2f;
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_OK);
}

static void more_than_64_payloads_are_refused(void **state)
{
    (void)state;
    for (unsigned n = 64; n <= 65; n++) {
        uint8_t buf[1024];
        struct build b;
        struct span bytes;
        struct ike_message m;
        build_begin(&b, buf, sizeof(buf), &(struct ike_header){.spi_i = 1});
        for (unsigned i = 0; i < n; i++)
            build_vendor(&b, span_str("v"));
        assert_true(build_end(&b, &bytes));
        assert_int_equal(ike_decode(arena, bytes, &m, NULL), n == 64 ? DECODE_OK : DECODE_MALFORMED);
    }
}

static void a_second_sa_payload_is_refused(void **state)
{
    (void)state;
    uint8_t buf[1024];
    struct build b;
    struct span bytes;
    struct ike_message m;
    const struct proposal p = {.protocol = PROTO_IKE};
    build_begin(&b, buf, sizeof(buf), &(struct ike_header){.spi_i = 1});
    build_sa(&b, &p, 1);
    build_sa(&b, &p, 1);
    assert_true(build_end(&b, &bytes));
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_MALFORMED);
}

static void more_transforms_than_a_proposal_holds_make_it_smaller(void **state)
{
    (void)state;
    uint8_t body[8 + 200 * 8];
    struct wr w = wr_over(body, sizeof(body));
    wr_u16(&w, 0);
    wr_u16(&w, sizeof(body));
    wr_bytes(&w, (uint8_t[]){1, PROTO_IKE, 0, 200}, 4);
    for (unsigned i = 0; i < 200; i++)
        wr_bytes(&w, (uint8_t[]){i < 199 ? 3 : 0, 0, 0, 8, TRANSFORM_KE, 0, 0, (uint8_t)i}, 8);
    uint8_t buf[2048];
    struct build b;
    struct span bytes;
    struct ike_message m;
    build_begin(&b, buf, sizeof(buf), &(struct ike_header){.spi_i = 1});
    build_raw(&b, PAYLOAD_SA, false, wr_span_view(&w));
    assert_true(build_end(&b, &bytes));
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_OK);
    assert_int_equal(ike_find(&m, PAYLOAD_SA)->sa.proposals.v[0].count, PROPOSAL_MAX_TRANSFORMS);
}

static void nothing_may_follow_an_encrypted_payload(void **state)
{
    (void)state;
    struct ike_message m;
    static const char *const text = "0102030405060708 1112131415161718 2e 20 25 08 00000001 00000030"
                                    "2900 0010 000000000000000000000000 0000 0004";
    assert_int_equal(ike_decode(arena, hex(text), &m, NULL), DECODE_MALFORMED);
}

static void a_small_arena_fails_the_message_and_nothing_else(void **state)
{
    (void)state;
    struct arena *small = arena_new(64);
    struct ike_message m;
    assert_int_equal(ike_decode(small, init_request(), &m, NULL), DECODE_MALFORMED);
    arena_free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hand_written_ike_sa_init_decodes),
        cmocka_unit_test(proposals_come_in_the_models_order_and_unknown_attributes_spoil_their_transform),
        cmocka_unit_test(a_message_cut_at_any_byte_is_malformed),
        cmocka_unit_test(bytes_after_the_last_payload_are_malformed),
        cmocka_unit_test(the_length_field_must_be_the_datagrams),
        cmocka_unit_test(a_message_without_initiator_spi_is_malformed),
        cmocka_unit_test(a_count_that_is_not_kept_allocates_nothing),
        cmocka_unit_test(payloads_with_wrong_insides_are_malformed),
        cmocka_unit_test(selectors_of_unknown_type_are_skipped),
        cmocka_unit_test(unknown_critical_payload_is_named),
        cmocka_unit_test(critical_bit_of_known_payloads_is_ignored),
        cmocka_unit_test(other_major_versions_are_told_apart_and_minor_ones_ignored),
        cmocka_unit_test(more_than_64_payloads_are_refused),
        cmocka_unit_test(a_second_sa_payload_is_refused),
        cmocka_unit_test(more_transforms_than_a_proposal_holds_make_it_smaller),
        cmocka_unit_test(nothing_may_follow_an_encrypted_payload),
        cmocka_unit_test(a_small_arena_fails_the_message_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
