/* SPDX-License-Identifier: Apache-2.0 */
/* IntAuth, and the contents that it is made of, against values of tests/vectors/ikev2.py. */
#include "base/rd.h"
#include "crypto/alg.h"
#include "ike/auth/auth.h"
#include "ike/auth/intauth.h"
#include "ike/msg/build.h"
#include "ike/msg/protect.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"

#define PRF PRF_HMAC_SHA2_256

/* SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr, 32 bytes each */
static struct span sk_p(const char *keys, bool is_initiator)
{
    return span_of(hex(keys).ptr + (is_initiator ? 160 : 192), 32);
}

static struct int_auth two_rounds(void)
{
    struct int_auth a = {0};
    assert_int_equal(int_auth_view(&a, PRF).len, 0);
    assert_true(int_auth_request(&a, PRF, sk_p(V_IKE_SHA256_CBC256_SHA256, true), hex(V_CONTENT_I1)));
    assert_int_equal(int_auth_view(&a, PRF).len, 0);
    assert_true(int_auth_response(&a, PRF, sk_p(V_IKE_SHA256_CBC256_SHA256, false), hex(V_CONTENT_R1)));
    assert_span_equal(int_auth_view(&a, PRF), hex(V_INTAUTH_1));
    assert_true(int_auth_request(&a, PRF, sk_p(V_ADDKE_1, true), hex(V_CONTENT_I2)));
    assert_true(int_auth_response(&a, PRF, sk_p(V_ADDKE_1, false), hex(V_CONTENT_R2)));
    return a;
}

static void each_round_covers_the_one_before(void **state)
{
    (void)state;
    struct int_auth a = two_rounds();
    assert_span_equal(int_auth_view(&a, PRF), hex(V_INTAUTH_2));
}

static void auth_covers_it(void **state)
{
    (void)state;
    struct int_auth a = two_rounds();
    struct auth_input in = {
        .prf = PRF,
        .message = hex(V_AUTH_MESSAGE),
        .nonce = hex(V_NR),
        .sk_p = hex(V_AUTH_SK_PI),
        .id_body = hex(V_AUTH_ID_BODY),
        .int_auth = int_auth_view(&a, PRF),
    };
    assert_true(auth_psk_verify(&in, span_str("a shared secret"), hex(V_AUTH_PSK_INTAUTH)));
    a.value[40] ^= 1;
    assert_false(auth_psk_verify(&in, span_str("a shared secret"), hex(V_AUTH_PSK_INTAUTH)));
}

static void rounds_are_whole_and_bounded(void **state)
{
    (void)state;
    struct int_auth a = {0};
    struct span key = hex(V_AUTH_SK_PI), one = span_str("x"), none = span_of(NULL, 0);
    assert_false(int_auth_response(&a, PRF, key, one));
    assert_false(int_auth_request(&a, 999, key, one));
    assert_false(int_auth_request(&a, PRF, none, one));
    assert_false(int_auth_request(&a, PRF, key, none));
    for (int i = 0; i < INT_AUTH_ROUNDS_MAX; i++) {
        assert_true(int_auth_request(&a, PRF, key, one));
        assert_false(int_auth_request(&a, PRF, key, one));
        assert_true(int_auth_response(&a, PRF, key, one));
    }
    assert_false(int_auth_request(&a, PRF, key, one));
}

/* ---- what a message says */

static struct arena *arena;
static struct sealer sealer;

static int setup(void **state)
{
    (void)state;
    uint8_t key[36] = {7};
    arena = arena_new(1 << 20);
    sealer_init(&sealer, cipher_new(ENCR_AES_GCM_16, 256, 0, span_of(key, 36), span_of(NULL, 0)));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    sealer_deinit(&sealer);
    arena_free(arena);
    return 0;
}

static const struct ike_header header = {
    .spi_i = UINT64_C(0x1122334455667788),
    .spi_r = UINT64_C(0x99aabbccddeeff01),
    .exchange = EXCHANGE_IKE_INTERMEDIATE,
    .flags = IKE_FLAG_INITIATOR,
    .message_id = 1,
};

static void what_is_covered_does_not_depend_on_how_it_was_sent(void **state)
{
    (void)state;
    static const size_t limits[] = {0, 95, 90, 80};
    struct span chain = hex(V_CHAIN);
    assert_span_equal(protect_content_sent(arena, &header, PAYLOAD_NOTIFY, chain), hex(V_CONTENT_I1));
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
        struct datagrams d;
        struct ike_message m;
        struct reassembly r = {0};
        enum reassembly_status s = REASSEMBLY_MORE;
        assert_true(protect_seal(arena, &sealer, &header, PAYLOAD_NOTIFY, chain, limits[i], &d));
        assert_int_equal(d.n > 1, limits[i] != 0);
        for (size_t k = d.n; k > 0; k--) { /* the first fragment comes last, and then first */
            assert_int_equal(ike_decode(arena, d.v[k - 1], &m, NULL), DECODE_OK);
            assert_int_equal(protect_content(arena, &m).len, 0); /* not opened */
            if (d.n == 1)
                assert_int_equal(protect_open(arena, sealer.cipher, &m, NULL), DECODE_OK);
            else
                s = reassembly_add(&r, arena, sealer.cipher, &m, 10000, NULL);
        }
        assert_true(d.n == 1 || s == REASSEMBLY_DONE);
        assert_span_equal(protect_content(arena, &m), hex(V_CONTENT_I1));
    }
}

/* The second byte of the first SKF is what the second byte of SK would have been. */
static void reserved_bits_of_the_first_fragment_are_covered(void **state)
{
    (void)state;
    struct datagrams d;
    struct ike_message m;
    struct reassembly r = {0};
    uint8_t expected[200];
    struct span plain = hex(V_CONTENT_I1), chain = hex(V_CHAIN);
    memcpy(expected, plain.ptr, plain.len);
    expected[29] = 0x2a;
    assert_true(protect_seal(arena, &sealer, &header, PAYLOAD_NOTIFY, chain, 80, &d));
    for (size_t k = 0; k < d.n; k++) {
        /* sealed again with the bits set: they are under the ICV */
        uint8_t *p = (uint8_t *)arena_dup(arena, d.v[k]).ptr;
        size_t aad = 28 + 8, len = d.v[k].len - aad - 8 - 16;
        assert_true(
            cipher_open(sealer.cipher, span_of(p, aad), p + aad, p + aad + 8, len, p + aad + 8 + len));
        p[29] = k ? 0x11 : 0x2a;
        assert_true(
            cipher_seal(sealer.cipher, span_of(p, aad), p + aad, p + aad + 8, len, p + aad + 8 + len));
        assert_int_equal(ike_decode(arena, span_of(p, d.v[k].len), &m, NULL), DECODE_OK);
        assert_int_equal(reassembly_add(&r, arena, sealer.cipher, &m, 10000, NULL),
                         k + 1 < d.n ? REASSEMBLY_MORE : REASSEMBLY_DONE);
    }
    assert_span_equal(protect_content(arena, &m), span_of(expected, plain.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_round_covers_the_one_before),
        cmocka_unit_test(auth_covers_it),
        cmocka_unit_test(rounds_are_whole_and_bounded),
        cmocka_unit_test_setup_teardown(what_is_covered_does_not_depend_on_how_it_was_sent, setup, teardown),
        cmocka_unit_test_setup_teardown(reserved_bits_of_the_first_fragment_are_covered, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
