/* SPDX-License-Identifier: Apache-2.0 */
/* AUTH with a shared secret against values of tests/vectors/ikev2.py. */
#include "crypto/alg.h"
#include "ike/auth/auth.h"
#include "support/test.h"
#include "vectors/ikev2_vectors.h"

static struct auth_input input(void)
{
    return (struct auth_input){
        .prf = PRF_HMAC_SHA2_256,
        .message = hex(V_AUTH_MESSAGE),
        .nonce = hex(V_NR),
        .sk_p = hex(V_AUTH_SK_PI),
        .id_body = hex(V_AUTH_ID_BODY),
    };
}

static void signed_octets_are_message_nonce_and_maced_identity(void **state)
{
    (void)state;
    struct auth_input in = input();
    struct secret octets = auth_octets(&in);
    assert_span_equal(secret_view(&octets), hex(V_AUTH_OCTETS));
    secret_free(&octets);
    in.prf = 999;
    octets = auth_octets(&in);
    assert_int_equal(octets.len, 0);
    secret_free(&octets);
}

static void identity_body_is_type_reserved_and_data(void **state)
{
    (void)state;
    struct arena *a = arena_new(4096);
    const struct identity id = {.type = ID_FQDN, .data = span_str("moon.example")};
    assert_span_equal(auth_id_body(a, &id), hex(V_AUTH_ID_BODY));
    arena_free(a);
}

static void shared_secret_gives_the_expected_auth_value(void **state)
{
    (void)state;
    uint8_t out[PRF_MAX_LEN];
    size_t len;
    struct auth_input in = input();
    assert_true(auth_psk(&in, span_str("a shared secret"), out, &len));
    assert_span_equal(span_of(out, len), hex(V_AUTH_PSK));
    assert_true(auth_psk_verify(&in, span_str("a shared secret"), hex(V_AUTH_PSK)));
}

static void anything_else_does_not_verify(void **state)
{
    (void)state;
    struct span good = hex(V_AUTH_PSK), psk = span_str("a shared secret");
    struct auth_input in = input();
    assert_false(auth_psk_verify(&in, span_str("another secret"), good));
    assert_false(auth_psk_verify(&in, psk, span_of(good.ptr, good.len - 1)));
    assert_false(auth_psk_verify(&in, psk, span_of(NULL, 0)));
    in.nonce = hex(V_NI);
    assert_false(auth_psk_verify(&in, psk, good));
    in = input();
    in.message.len--;
    assert_false(auth_psk_verify(&in, psk, good));
    in = input();
    in.id_body = hex("02000000 73756e2e6578616d706c65");
    assert_false(auth_psk_verify(&in, psk, good));
    in = input();
    in.id_body = hex("02000001 6d6f6f6e2e6578616d706c65"); /* the reserved octets are covered as they came */
    assert_false(auth_psk_verify(&in, psk, good));
    in = input();
    in.sk_p = hex("00");
    assert_false(auth_psk_verify(&in, psk, good));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signed_octets_are_message_nonce_and_maced_identity),
        cmocka_unit_test(identity_body_is_type_reserved_and_data),
        cmocka_unit_test(shared_secret_gives_the_expected_auth_value),
        cmocka_unit_test(anything_else_does_not_verify),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
