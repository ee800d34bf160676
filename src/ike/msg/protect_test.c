/* SPDX-License-Identifier: Apache-2.0 */
/* The message of RFC 7634 appendix B, messages computed by tests/vectors/ikev2.py, and what happens to a
 * message that somebody touched. */
#include "base/wr.h"
#include "crypto/alg.h"
#include "crypto/random.h"
#include "ike/msg/build.h"
#include "ike/msg/dump.h"
#include "ike/msg/protect.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"
#include <stdlib.h>

struct suite {
    const char *name;
    uint16_t encr, key_bits, integ;
    const char *vector; /* made by ikev2.py, or NULL */
};

static const struct suite suites[] = {
    {"gcm16",         ENCR_AES_GCM_16,        256, 0,                       V_SK_GCM16_256    },
    {"gcm12",         ENCR_AES_GCM_12,        128, 0,                       V_SK_GCM12_128    },
    {"gcm8",          ENCR_AES_GCM_8,         192, 0,                       NULL              },
    {"ccm16",         ENCR_AES_CCM_16,        256, 0,                       V_SK_CCM16_256    },
    {"ccm12",         ENCR_AES_CCM_12,        128, 0,                       NULL              },
    {"ccm8",          ENCR_AES_CCM_8,         128, 0,                       V_SK_CCM8_128     },
    {"chacha",        ENCR_CHACHA20_POLY1305, 0,   0,                       V_SK_CHACHA       },
    {"cbc256-sha256", ENCR_AES_CBC,           256, INTEG_HMAC_SHA2_256_128, V_SK_CBC256_SHA256},
    {"cbc128-sha1",   ENCR_AES_CBC,           128, INTEG_HMAC_SHA1_96,      V_SK_CBC128_SHA1  },
    {"cbc128-xcbc",   ENCR_AES_CBC,           128, INTEG_AES_XCBC_96,       NULL              },
    {"cbc192-cmac",   ENCR_AES_CBC,           192, INTEG_AES_CMAC_96,       NULL              },
    {"cbc256-sha384", ENCR_AES_CBC,           256, INTEG_HMAC_SHA2_384_192, NULL              },
    {"ctr128-sha512", ENCR_AES_CTR,           128, INTEG_HMAC_SHA2_512_256, V_SK_CTR128_SHA512},
    {"3des-md5",      ENCR_3DES,              0,   INTEG_HMAC_MD5_96,       NULL              },
};

static const struct ike_header header = {
    .spi_i = UINT64_C(0x1122334455667788),
    .spi_r = UINT64_C(0x99aabbccddeeff01),
    .exchange = EXCHANGE_IKE_AUTH,
    .flags = IKE_FLAG_INITIATOR,
    .message_id = 1,
};

static struct arena *arena;

static int setup(void **state)
{
    (void)state;
    arena = arena_new(64 << 20);
    crypto_random_seed(3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(arena);
    return 0;
}

static struct cipher *cipher_of(const struct suite *s)
{
    uint8_t encr[64], integ[64];
    size_t encr_len, integ_len;
    assert_true(cipher_key_lens(s->encr, s->key_bits, s->integ, &encr_len, &integ_len));
    for (unsigned i = 0; i < 64; i++) {
        encr[i] = (uint8_t)i;
        integ[i] = (uint8_t)(0x80 + i);
    }
    struct cipher *c =
        cipher_new(s->encr, s->key_bits, s->integ, span_of(encr, encr_len), span_of(integ, integ_len));
    assert_non_null(c);
    return c;
}

static void assert_opens_to_chain(struct cipher *c, struct span message, struct span chain)
{
    struct ike_message m;
    struct diag d = {0};
    struct span before = arena_dup(arena, message);
    assert_int_equal(ike_decode(arena, message, &m, &d), DECODE_OK);
    if (protect_open(arena, c, &m, &d) != DECODE_OK)
        fail_msg("%s", d.what);
    assert_span_equal(message, before); /* the datagram itself stays as it came */
    assert_true(m.is_opened);
    size_t at = 0;
    for (size_t i = 1; i < m.n; i++) {
        assert_true(m.v[i].is_encrypted);
        assert_span_equal(m.v[i].body, span_of(chain.ptr + at + 4, m.v[i].body.len));
        at += 4 + m.v[i].body.len;
    }
    assert_int_equal(at, chain.len);
}

static void the_message_of_rfc_7634_is_sealed_and_opened_byte_for_byte(void **state)
{
    (void)state;
    struct span key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3");
    struct span whole = hex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d7 2e202500000000090000004529000029"
                            "1011121314151617 610394701f8d017f7c12924889 6b71bfe25236efd7cdc67066906315b2");
    struct span chain = hex("0000000c000040010000000a");
    const struct ike_header h = {.spi_i = UINT64_C(0xc0c1c2c3c4c5c6c7),
                                 .spi_r = UINT64_C(0xd0d1d2d3d4d5d6d7),
                                 .exchange = EXCHANGE_INFORMATIONAL,
                                 .message_id = 9};
    struct sealer s;
    struct datagrams out;
    sealer_init(&s, cipher_new(ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, key, span_of(NULL, 0)));
    s.next_iv = UINT64_C(0x1011121314151617);
    assert_true(protect_seal(arena, &s, &h, PAYLOAD_NOTIFY, chain, 0, &out));
    assert_int_equal(out.n, 1);
    assert_span_equal(out.v[0], whole);
    assert_opens_to_chain(s.cipher, whole, chain);
    sealer_deinit(&s);
}

static void independent_messages_open_and_counter_modes_seal_to_the_same_bytes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        if (!suites[i].vector)
            continue;
        struct sealer s;
        struct datagrams out;
        sealer_init(&s, cipher_of(&suites[i]));
        assert_opens_to_chain(s.cipher, hex(suites[i].vector), hex(V_CHAIN));
        assert_true(protect_seal(arena, &s, &header, PAYLOAD_NOTIFY, hex(V_CHAIN), 0, &out));
        if (cipher_block(s.cipher) == 1)
            assert_span_equal(out.v[0], hex(suites[i].vector));
        sealer_deinit(&s);
    }
}

/* A chain of vendor payloads of about that size. */
static struct span chain_of(size_t size, uint8_t *first)
{
    uint8_t *buf = arena_alloc(arena, size + 64);
    struct build b;
    struct span chain;
    build_begin(&b, buf, size + 64, NULL);
    for (size_t i = 0; b.w.len < size; i++) {
        uint8_t body[20];
        memset(body, (int)i, sizeof(body));
        size_t left = size - b.w.len;
        build_vendor(&b, span_of(body, left < 24 ? left % 20 : 20));
    }
    assert_true(build_end(&b, &chain));
    *first = b.first;
    return chain;
}

static void every_cipher_and_length_round_trips(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct sealer s;
        sealer_init(&s, cipher_of(&suites[i]));
        for (size_t size = 0; size < 70; size++) {
            struct datagrams out;
            uint8_t first;
            struct span chain = chain_of(size, &first);
            assert_true(protect_seal(arena, &s, &header, first, chain, 0, &out));
            assert_opens_to_chain(s.cipher, out.v[0], chain);
        }
        sealer_deinit(&s);
    }
}

static void any_changed_byte_is_a_bad_icv_or_malformed_and_never_opens(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct sealer s;
        struct datagrams out;
        sealer_init(&s, cipher_of(&suites[i]));
        assert_true(protect_seal(arena, &s, &header, PAYLOAD_NOTIFY, hex(V_CHAIN), 0, &out));
        for (size_t at = 0; at < out.v[0].len; at++) {
            struct ike_message m;
            struct span copy = arena_dup(arena, out.v[0]);
            ((uint8_t *)copy.ptr)[at] ^= 0x41;
            enum decode_status st = ike_decode(arena, copy, &m, NULL);
            if (st == DECODE_OK)
                st = protect_open(arena, s.cipher, &m, NULL);
            assert_int_not_equal(st, DECODE_OK);
            assert_false(m.is_opened);
            if (at >= 32)
                assert_int_equal(st, DECODE_BAD_ICV);
        }
        sealer_deinit(&s);
    }
}

static void a_cut_envelope_is_malformed_or_a_bad_icv(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct sealer s;
        struct datagrams out;
        sealer_init(&s, cipher_of(&suites[i]));
        assert_true(protect_seal(arena, &s, &header, PAYLOAD_NOTIFY, hex(V_CHAIN), 0, &out));
        for (size_t len = 32; len < out.v[0].len; len++) {
            struct ike_message m;
            uint8_t *copy = mem_new(len);
            memcpy(copy, out.v[0].ptr, len);
            copy[27] = (uint8_t)len;
            copy[31] = (uint8_t)(len - 28);
            assert_int_equal(ike_decode(arena, span_of(copy, len), &m, NULL), DECODE_OK);
            assert_int_not_equal(protect_open(arena, s.cipher, &m, NULL), DECODE_OK);
            assert_false(m.is_opened);
            free(copy);
        }
        sealer_deinit(&s);
    }
}

/* Authentic messages with nonsense inside: sealed by hand, since protect_seal() would not. */
static enum decode_status open_plain(uint8_t first, const char *plain, struct ike_message *m)
{
    struct cipher *c = cipher_of(&suites[0]);
    struct span p = hex(plain);
    uint8_t *buf = arena_alloc(arena, 256);
    size_t total = 32 + 8 + p.len + 16;
    struct ike_header h = header;
    h.next_payload = PAYLOAD_SK;
    h.length = (uint32_t)total;
    struct wr w = wr_over(buf, 256);
    ike_header_write(&w, &h);
    wr_u8(&w, first);
    wr_u8(&w, 0);
    wr_u16(&w, (uint16_t)(total - 28));
    uint8_t *iv = wr_reserve(&w, 8), *data = wr_reserve(&w, p.len), *icv = wr_reserve(&w, 16);
    memset(iv, 7, 8);
    memcpy(data, p.ptr, p.len);
    assert_true(cipher_seal(c, span_of(buf, 32), iv, data, p.len, icv));
    assert_int_equal(ike_decode(arena, span_of(buf, total), m, NULL), DECODE_OK);
    enum decode_status s = protect_open(arena, c, m, NULL);
    cipher_free(c);
    return s;
}

static void authentic_nonsense_inside_is_told_from_forgeries(void **state)
{
    (void)state;
    struct ike_message m;
    assert_int_equal(open_plain(PAYLOAD_NONE, "00", &m), DECODE_OK);
    assert_int_equal(open_plain(PAYLOAD_NONE, "00010203 04", &m), DECODE_OK);
    assert_int_equal(open_plain(PAYLOAD_NONE, "00010203 05", &m),
                     DECODE_MALFORMED); /* more padding than data */
    assert_false(m.is_opened);
    assert_int_equal(open_plain(PAYLOAD_NONE, "0000 00", &m), DECODE_MALFORMED);
    assert_true(m.is_opened);
    assert_int_equal(open_plain(PAYLOAD_VENDOR, "00000009 00", &m), DECODE_MALFORMED);
    assert_int_equal(open_plain(PAYLOAD_SK, "00000004 00", &m),
                     DECODE_MALFORMED); /* no envelope in an envelope */
    assert_int_equal(open_plain(200, "00800004 00", &m), DECODE_CRITICAL);
    assert_true(m.is_opened);
    assert_int_equal(m.bad_payload, 200);
}

static void messages_without_an_envelope_do_not_open(void **state)
{
    (void)state;
    struct cipher *c = cipher_of(&suites[0]);
    uint8_t buf[64];
    struct build b;
    struct span bytes;
    struct ike_message m;
    build_begin(&b, buf, sizeof(buf), &header);
    assert_true(build_end(&b, &bytes));
    assert_int_equal(ike_decode(arena, bytes, &m, NULL), DECODE_OK);
    assert_int_equal(protect_open(arena, c, &m, NULL), DECODE_MALFORMED);
    /* And one that was opened does not open again. */
    assert_int_equal(ike_decode(arena, hex(V_SK_GCM16_256), &m, NULL), DECODE_OK);
    assert_int_equal(protect_open(arena, c, &m, NULL), DECODE_OK);
    assert_int_equal(protect_open(arena, c, &m, NULL), DECODE_MALFORMED);
    cipher_free(c);
}

static void no_iv_is_used_twice(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(suites); i++) {
        struct sealer s;
        uint8_t first, seen[64][16] = {{0}};
        sealer_init(&s, cipher_of(&suites[i]));
        size_t iv = cipher_iv_len(s.cipher), n = 0;
        struct span chain = chain_of(1500, &first);
        for (int round = 0; round < 3; round++) {
            struct datagrams out;
            assert_true(protect_seal(arena, &s, &header, first, chain, round ? 300 : 0, &out));
            for (size_t j = 0; j < out.n; j++, n++) {
                assert_true(n < ARRAY_LEN(seen));
                memcpy(seen[n], out.v[j].ptr + 32 + (round ? 4 : 0), iv);
                for (size_t k = 0; k < n; k++)
                    assert_memory_not_equal(seen[k], seen[n], iv);
            }
        }
        sealer_deinit(&s);
    }
}

static void an_exhausted_counter_seals_nothing(void **state)
{
    (void)state;
    struct sealer s;
    struct datagrams out;
    sealer_init(&s, cipher_of(&suites[0]));
    s.next_iv = UINT64_MAX;
    assert_false(protect_seal(arena, &s, &header, PAYLOAD_NOTIFY, hex(V_CHAIN), 0, &out));
    sealer_deinit(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_message_of_rfc_7634_is_sealed_and_opened_byte_for_byte),
        cmocka_unit_test(independent_messages_open_and_counter_modes_seal_to_the_same_bytes),
        cmocka_unit_test(every_cipher_and_length_round_trips),
        cmocka_unit_test(any_changed_byte_is_a_bad_icv_or_malformed_and_never_opens),
        cmocka_unit_test(a_cut_envelope_is_malformed_or_a_bad_icv),
        cmocka_unit_test(authentic_nonsense_inside_is_told_from_forgeries),
        cmocka_unit_test(messages_without_an_envelope_do_not_open),
        cmocka_unit_test(no_iv_is_used_twice),
        cmocka_unit_test(an_exhausted_counter_seals_nothing),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
