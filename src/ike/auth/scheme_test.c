/* SPDX-License-Identifier: Apache-2.0 */
/* The choice of a signature scheme for each kind of key, and what we accept from a peer. */
#include "base/text.h"
#include "ike/auth/auth.h"
#include "support/test.h"
#include "support/testca.h"

#define BIT(hash) (UINT32_C(1) << (hash))
#define SHA2      (BIT(HASH_SHA256) | BIT(HASH_SHA384) | BIT(HASH_SHA512))
#define ALL       (SHA2 | BIT(HASH_IDENTITY))

static struct pkey *make_key(enum testca_key kind)
{
    struct diag d = {0};
    struct testca_cert *c = testca_issue(&(struct testca_spec){.subject = "CN=x", .key = kind}, NULL);
    struct pkey *k = pkey_load_private(testca_key_der(c), span_of(NULL, 0), &d);
    testca_free(c);
    if (!k)
        fail_msg("%s", d.what);
    return k;
}

static const struct {
    enum testca_key key;
    uint32_t peer_hashes;
    const char *scheme; /* NULL: none */
    uint8_t method;
} choices[] = {
    {TESTCA_ED25519, ALL,              "ED25519",               14},
    {TESTCA_ED25519, SHA2,             NULL,                    0 },
    {TESTCA_ED25519, 0,                NULL,                    0 },
    {TESTCA_ED448,   ALL,              "ED448",                 14},
    {TESTCA_P256,    ALL,              "ECDSA_WITH_SHA256_DER", 14},
    {TESTCA_P384,    ALL,              "ECDSA_WITH_SHA384_DER", 14},
    {TESTCA_P521,    ALL,              "ECDSA_WITH_SHA512_DER", 14},
    {TESTCA_P384,    BIT(HASH_SHA512), "ECDSA_WITH_SHA512_DER", 14},
    {TESTCA_P256,    0,                "ECDSA_WITH_SHA256_DER", 9 },
    {TESTCA_P384,    0,                "ECDSA_WITH_SHA384_DER", 10},
    {TESTCA_P521,    0,                "ECDSA_WITH_SHA512_DER", 11},
    {TESTCA_RSA2048, ALL,              "RSA_EMSA_PSS_SHA2_256", 14},
    {TESTCA_RSA2048, BIT(HASH_SHA384), "RSA_EMSA_PSS_SHA2_384", 14},
    {TESTCA_RSA2048, 0,                "RSA_EMSA_PKCS1_SHA1",   1 },
};

static void each_key_signs_in_the_best_way_that_the_peer_announced(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        struct auth_choice c;
        struct diag d = {0};
        struct pkey *k = make_key(choices[i].key);
        bool found = auth_choose(k, choices[i].peer_hashes, NULL, 0, &c, &d);
        assert_int_equal(found, choices[i].scheme != NULL);
        if (found) {
            assert_string_equal(sig_scheme_name(c.scheme), choices[i].scheme);
            assert_int_equal(c.method, choices[i].method);
            assert_int_equal(c.is_classic, c.method != 14);
        } else {
            assert_int_equal(d.class, FAIL_AUTH);
            assert_true(d.what[0] && d.expected[0] && d.got[0]);
        }
        pkey_unref(k);
    }
}

static void every_choice_can_be_signed_and_verified_under_its_method(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        struct auth_choice c;
        if (!choices[i].scheme)
            continue;
        struct pkey *k = make_key(choices[i].key);
        struct secret sig = {0};
        struct sig_scheme used;
        assert_true(auth_choose(k, choices[i].peer_hashes, NULL, 0, &c, NULL));
        assert_true(pkey_sign(k, c.scheme, c.is_classic, span_str("octets"), &sig));
        assert_true(auth_method_fits(c.method, pkey_type(k)));
        assert_true(pkey_verify(k, c.method, span_str("octets"), secret_view(&sig), &used));
        assert_string_equal(sig_scheme_name(used), choices[i].scheme);
        assert_false(pkey_verify(k, c.method, span_str("octetz"), secret_view(&sig), &used));
        secret_free(&sig);
        pkey_unref(k);
    }
}

static void configured_schemes_bind_our_choice(void **state)
{
    (void)state;
    static const struct sig_scheme pkcs1[] = {
        {PKEY_RSA,   HASH_SHA512, false},
        {PKEY_ECDSA, HASH_SHA384, false}
    };
    struct auth_choice c;
    struct diag d = {0};
    struct pkey *rsa = make_key(TESTCA_RSA2048), *ec = make_key(TESTCA_P256);
    assert_true(auth_choose(rsa, ALL, pkcs1, 2, &c, &d));
    assert_string_equal(sig_scheme_name(c.scheme), "RSA_EMSA_PKCS1_SHA2_512");
    assert_true(auth_choose(ec, ALL, pkcs1, 2, &c, &d));
    assert_string_equal(sig_scheme_name(c.scheme), "ECDSA_WITH_SHA384_DER");
    assert_false(auth_choose(rsa, BIT(HASH_SHA256), pkcs1, 1, &c, &d));
    assert_non_null(strstr(d.expected, "RSA_EMSA_PKCS1_SHA2_512"));
    assert_non_null(strstr(d.got, "SHA2-256"));
    pkey_unref(rsa);
    pkey_unref(ec);
}

static void pss_padding_comes_first_or_not(void **state)
{
    (void)state;
    static const struct sig_scheme pss[] = {
        {PKEY_RSA, HASH_SHA256, true}
    };
    struct auth_choice c;
    struct diag d = {0};
    struct pkey *rsa = make_key(TESTCA_RSA2048);
    assert_true(auth_choose_padded(rsa, ALL, NULL, 0, true, &c, &d));
    assert_string_equal(sig_scheme_name(c.scheme), "RSA_EMSA_PSS_SHA2_256");
    assert_true(auth_choose_padded(rsa, ALL, NULL, 0, false, &c, &d));
    assert_string_equal(sig_scheme_name(c.scheme), "RSA_EMSA_PKCS1_SHA2_256");
    assert_true(auth_choose_padded(rsa, ALL, pss, 1, false, &c, &d)); /* that alone is allowed */
    assert_string_equal(sig_scheme_name(c.scheme), "RSA_EMSA_PSS_SHA2_256");
    assert_true(auth_choose_padded(rsa, 0, NULL, 0, false, &c, &d));
    assert_true(c.is_classic);
    pkey_unref(rsa);
}

static void a_peers_scheme_and_key_length_are_judged(void **state)
{
    (void)state;
    static const struct sig_scheme only[] = {
        {PKEY_RSA, HASH_SHA384, true}
    };
    struct auth_side remote = {0};
    struct diag d = {0};
    struct pkey *rsa = make_key(TESTCA_RSA2048), *ec = make_key(TESTCA_P256);
    const struct sig_scheme pss256 = {PKEY_RSA, HASH_SHA256, true}, ec256 = {PKEY_ECDSA, HASH_SHA256, false};
    assert_true(auth_acceptable(&remote, rsa, pss256, &d));
    remote.min_rsa_bits = 3072;
    assert_false(auth_acceptable(&remote, rsa, pss256, &d));
    assert_string_equal(d.expected, "at least 3072 bits");
    assert_string_equal(d.got, "2048 bits");
    assert_true(auth_acceptable(&remote, ec, ec256, &d));
    remote = (struct auth_side){.min_ecdsa_bits = 384};
    assert_false(auth_acceptable(&remote, ec, ec256, &d));
    remote = (struct auth_side){.schemes = only, .n_schemes = 1};
    assert_false(auth_acceptable(&remote, rsa, pss256, &d));
    assert_string_equal(d.got, "RSA_EMSA_PSS_SHA2_256");
    assert_true(auth_acceptable(&remote, rsa, only[0], &d));
    pkey_unref(rsa);
    pkey_unref(ec);
}

static void announced_hashes_round_trip_and_unknown_ones_are_ignored(void **state)
{
    (void)state;
    uint8_t out[AUTH_HASHES_MAX];
    size_t len = auth_hashes_encode(out);
    assert_span_equal(span_of(out, len), hex("0002 0003 0004 0005"));
    assert_int_equal(auth_hashes_decode(span_of(out, len)), ALL);
    assert_int_equal(auth_hashes_decode(hex("0001")), 0); /* SHA-1 is not taken [RFC8247#3.2] */
    assert_int_equal(auth_hashes_decode(hex("0002 ffff 0100")), BIT(HASH_SHA256));
    assert_int_equal(auth_hashes_decode(hex("0002 00")), 0);
    assert_int_equal(auth_hashes_decode(span_of(NULL, 0)), 0);
}

static void methods_have_names_and_key_types(void **state)
{
    (void)state;
    assert_string_equal(auth_wire_method_name(2), "pre-shared key");
    assert_null(auth_wire_method_name(200));
    assert_true(auth_wire_is_signature(14) && auth_wire_is_signature(1) && !auth_wire_is_signature(2));
    assert_true(auth_method_fits(1, PKEY_RSA) && !auth_method_fits(1, PKEY_ECDSA));
    assert_true(auth_method_fits(9, PKEY_ECDSA) && !auth_method_fits(9, PKEY_ED25519));
    assert_true(auth_method_fits(14, PKEY_ED448) && !auth_method_fits(2, PKEY_RSA));
}

static void certificate_requests_list_each_ca_once(void **state)
{
    (void)state;
    struct arena *a = arena_new(65536);
    struct diag d = {0};
    struct testca_cert *made[3];
    struct cert *v[4];
    for (size_t i = 0; i < 3; i++) {
        made[i] = testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
        v[i] = cert_load(testca_der(made[i]), &d);
        assert_non_null(v[i]);
    }
    v[3] = v[0];
    struct span list = auth_certreq_encode(a, &(struct cert_list){
                                                  (struct cert *[]){v[0], v[1], v[3]},
                                                    3
    });
    assert_int_equal(list.len, 40);
    assert_int_equal(auth_certreq_count(list), 2);
    assert_true(auth_certreq_names(list, v[0]) && auth_certreq_names(list, v[1]));
    assert_false(auth_certreq_names(list, v[2]));
    assert_false(auth_certreq_names(span_of(list.ptr, 39), v[0]));
    assert_int_equal(auth_certreq_count(span_of(list.ptr, 39)), 0);
    assert_int_equal(auth_certreq_encode(a, &(struct cert_list){0}).len, 0);
    for (size_t i = 0; i < 3; i++) {
        cert_unref(v[i]);
        testca_free(made[i]);
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_key_signs_in_the_best_way_that_the_peer_announced),
        cmocka_unit_test(every_choice_can_be_signed_and_verified_under_its_method),
        cmocka_unit_test(configured_schemes_bind_our_choice),
        cmocka_unit_test(pss_padding_comes_first_or_not),
        cmocka_unit_test(a_peers_scheme_and_key_length_are_judged),
        cmocka_unit_test(announced_hashes_round_trip_and_unknown_ones_are_ignored),
        cmocka_unit_test(methods_have_names_and_key_types),
        cmocka_unit_test(certificate_requests_list_each_ca_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
