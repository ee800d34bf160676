/* SPDX-License-Identifier: Apache-2.0 */
/* SUPPORTED_AUTH_METHODS (RFC 9593): the bytes, what is made of a peer's, and the choice by it. */
#include "ike/auth/announce.h"
#include "support/test.h"
#include "support/testca.h"

#define ALL_HASHES (1u << HASH_SHA256 | 1u << HASH_SHA384 | 1u << HASH_SHA512 | 1u << HASH_IDENTITY)
#define ED25519_ID "300506032b6570"
#define ECDSA_256  "300a06082a8648ce3d040302"
#define ECDSA_384  "300a06082a8648ce3d040303"

static struct arena *a;

static struct announced decoded(const char *bytes)
{
    struct announced out;
    assert_true(announce_decode(a, hex(bytes), &out));
    return out;
}

static struct pkey *make_key(enum testca_key kind)
{
    struct diag d = {0};
    struct testca_cert *c = testca_issue(&(struct testca_spec){.subject = "CN=x", .key = kind}, NULL);
    struct pkey *k = pkey_load_private(testca_key_der(c), span_of(NULL, 0), &d);
    testca_free(c);
    assert_non_null(k);
    return k;
}

static void a_secret_and_nothing_take_two_bytes(void **state)
{
    (void)state;
    uint8_t buf[64];
    struct wr w = wr_over(buf, sizeof(buf));
    announce_encode(&w, 1u << AUTH_PSK | 1u << AUTH_NULL, NULL, 0);
    assert_span_equal(wr_span_view(&w), hex("0202 020d"));
}

static void a_signature_takes_its_algorithm_and_an_older_method_three_bytes(void **state)
{
    (void)state;
    uint8_t buf[256];
    struct wr w = wr_over(buf, sizeof(buf));
    const struct sig_scheme some[] = {
        {PKEY_ECDSA,   HASH_SHA256,   false},
        {PKEY_ED25519, HASH_IDENTITY, false}
    };
    announce_encode(&w, 1u << AUTH_PUBKEY, &(struct announce_kind){.schemes = some, .n = 2}, 1);
    assert_span_equal(wr_span_view(&w), hex("0f0e00" ECDSA_256 "0a0e00" ED25519_ID "030900"));
}

/* [RFC9593#3.2.2] */
static void what_holds_below_some_cas_is_linked_to_each(void **state)
{
    (void)state;
    static const struct sig_scheme ec[] = {
        {PKEY_ECDSA, HASH_SHA256, false}
    };
    static const struct sig_scheme ed[] = {
        {PKEY_ED25519, HASH_IDENTITY, false}
    };
    const uint8_t first[] = {1}, others[] = {2, 3};
    uint8_t buf[256];
    struct wr w = wr_over(buf, sizeof(buf));
    struct announce_kind v[] = {
        {.schemes = ec, .n = 1, .cas = first,  .n_cas = 1},
        {.schemes = ed, .n = 1, .cas = others, .n_cas = 2},
        {.schemes = ec, .n = 1, .cas = others, .n_cas = 1}
    };
    announce_encode(&w, 1u << AUTH_PUBKEY, v, 2);
    assert_span_equal(wr_span_view(&w),
                      hex("0f0e01" ECDSA_256 "0a0e02" ED25519_ID "0a0e03" ED25519_ID "030901"));
    w = wr_over(buf, sizeof(buf));
    announce_encode(&w, 1u << AUTH_PUBKEY, v, 3);
    assert_span_equal(wr_span_view(&w), hex("0f0e01" ECDSA_256 "0f0e02" ECDSA_256 "0a0e02" ED25519_ID
                                            "0a0e03" ED25519_ID "030901 030902"));
    v[2].n_cas = 0; /* whatever CA */
    w = wr_over(buf, sizeof(buf));
    announce_encode(&w, 1u << AUTH_PUBKEY, v, 3);
    assert_span_equal(wr_span_view(&w),
                      hex("0f0e00" ECDSA_256 "0a0e02" ED25519_ID "0a0e03" ED25519_ID "030900"));
}

static void all_that_we_take_comes_back(void **state)
{
    (void)state;
    uint8_t buf[1024];
    struct wr w = wr_over(buf, sizeof(buf));
    struct announced all;
    struct sig_scheme s;
    bool is_there;
    size_t n = 0;
    announce_encode(&w, 7, &(struct announce_kind){.n = 0}, 1);
    assert_true(wr_ok(&w) && w.len < 500);
    assert_true(announce_decode(a, wr_span_view(&w), &all));
    for (size_t i = 0; sig_scheme_at(i, &s, &is_there); i++)
        n += is_there;
    assert_int_equal(all.n, n + 4 + 2);
    assert_false(all.is_awaited);
    for (enum auth_method way = AUTH_PSK; way <= AUTH_NULL; way++)
        assert_true(announce_takes(&all, way));
}

static void what_is_not_known_is_left_out(void **state)
{
    (void)state;
    char text[128];
    /* method 200; PSK with a CA; a signature without algorithm, with an unknown one, with SHA-1; Ed25519 */
    struct announced got =
        decoded("02c8 030200 020e 030e00 060e00300106 0e0e0030090607 2a8648ce3d0401 0a0e02" ED25519_ID);
    assert_string_equal(announce_format(&got, text, sizeof(text)), "ED25519 (CA 2)");
    assert_false(announce_takes(&got, AUTH_PSK));
    got = decoded("02c8");
    assert_string_equal(announce_format(&got, text, sizeof(text)), "nothing that we know");
    assert_false(announce_takes(&got, AUTH_PUBKEY));
}

static void an_empty_list_is_still_to_come(void **state)
{
    (void)state;
    struct announced got = decoded("");
    assert_true(got.is_awaited);
    assert_true(announce_takes(&got, AUTH_PSK) && announce_takes(NULL, AUTH_PUBKEY));
}

static void malformed_lists_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"00",   "02",        "0002",           "0102",
                                      "0301", "030100 05", "0a0e00 3005 06", "0202 ff02"};
    struct announced out;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        if (announce_decode(a, hex(bad[i]), &out))
            fail_msg("%s", bad[i]);
    }
}

static void more_than_are_kept_do_no_harm(void **state)
{
    (void)state;
    uint8_t many[2 * 1000];
    struct announced out;
    memset(many, 2, sizeof(many));
    assert_true(announce_decode(a, span_of(many, sizeof(many)), &out));
    assert_int_equal(out.n, ANNOUNCE_MAX);
}

/* Below the peer's second CA. */
static bool below_second(const void *ctx, uint8_t link)
{
    (void)ctx;
    return link == 2;
}

static bool choose(enum testca_key kind, const char *peer, struct auth_side own, const char *scheme,
                   uint8_t method)
{
    char log[sizeof(struct diag)];
    struct announced announced = decoded(peer);
    struct auth_choice c = {0};
    struct diag d;
    struct pkey *k = make_key(kind);
    struct announce_ask q = {
        .peer = &announced, .key = k, .peer_hashes = ALL_HASHES, .own = &own, .is_below = below_second};
    diag_clear(&d);
    bool ok = announce_choose(&q, &c, &d);
    if (ok) {
        assert_string_equal(sig_scheme_name(c.scheme), scheme);
        assert_int_equal(c.method, method);
    } else if (!strstr(diag_format(&d, log, sizeof(log)), scheme))
        fail_msg("%s", log);
    pkey_unref(k);
    return ok;
}

static void the_choice_is_among_what_the_peer_takes(void **state)
{
    (void)state;
    const struct auth_side any = {.n_schemes = 0};
    assert_true(
        choose(TESTCA_P256, "0f0e00" ECDSA_384 "0a0e00" ED25519_ID, any, "ECDSA_WITH_SHA384_DER", 14));
    assert_true(choose(TESTCA_P256, "0f0e00" ECDSA_384 "0f0e00" ECDSA_256, any, "ECDSA_WITH_SHA256_DER", 14));
    assert_true(choose(TESTCA_P256, "030900", any, "ECDSA_WITH_SHA256_DER", 9)); /* nothing newer */
    assert_false(choose(TESTCA_P256, "030a00", any, "ECDSA-384 signature", 0));  /* another curve's */
    assert_false(
        choose(TESTCA_P256, "0a0e00" ED25519_ID "0202", any, "announced: ED25519, pre-shared key", 0));
    assert_false(choose(TESTCA_P256, "0a0e00" ED25519_ID, any, "got ECDSA key of 256 bits", 0));
}

static void the_configured_constraints_hold_as_well(void **state)
{
    (void)state;
    const struct sig_scheme only[] = {
        {PKEY_ECDSA, HASH_SHA512, false}
    };
    const struct auth_side own = {.schemes = only, .n_schemes = 1};
    assert_false(choose(TESTCA_P256, "0f0e00" ECDSA_384, own, "ECDSA_WITH_SHA384_DER", 0));
}

static void an_announcement_holds_for_the_ca_that_it_names(void **state)
{
    (void)state;
    const struct auth_side any = {.n_schemes = 0};
    assert_true(choose(TESTCA_P256, "0f0e01" ECDSA_256 "0f0e02" ECDSA_384, any, "ECDSA_WITH_SHA384_DER", 14));
    assert_false(choose(TESTCA_P256, "0f0e01" ECDSA_256, any, "(CA 1)", 0));
    assert_true(choose(TESTCA_P256, "030902", any, "ECDSA_WITH_SHA256_DER", 9));
    assert_false(choose(TESTCA_P256, "030903", any, "(CA 3)", 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_secret_and_nothing_take_two_bytes),
        cmocka_unit_test(a_signature_takes_its_algorithm_and_an_older_method_three_bytes),
        cmocka_unit_test(what_holds_below_some_cas_is_linked_to_each),
        cmocka_unit_test(all_that_we_take_comes_back),
        cmocka_unit_test(what_is_not_known_is_left_out),
        cmocka_unit_test(an_empty_list_is_still_to_come),
        cmocka_unit_test(malformed_lists_are_refused),
        cmocka_unit_test(more_than_are_kept_do_no_harm),
        cmocka_unit_test(the_choice_is_among_what_the_peer_takes),
        cmocka_unit_test(the_configured_constraints_hold_as_well),
        cmocka_unit_test(an_announcement_holds_for_the_ca_that_it_names),
    };
    a = arena_new(1 << 20);
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    arena_free(a);
    return rc;
}
