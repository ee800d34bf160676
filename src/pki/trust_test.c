/* SPDX-License-Identifier: Apache-2.0 */
/* Paths to trust anchors: what is accepted, and that each rejection names the certificate, the rule, what was
 * expected and what was there. */
#include "pki/cert.h"
#include "support/test.h"
#include "support/testca.h"
#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <stdlib.h>

/* A certificate both as its maker and as Keyway sees it. */
struct both {
    struct testca_cert *made;
    struct cert *cert;
};

#define ISSUE(issuer, ...) issue(&(struct testca_spec){__VA_ARGS__}, issuer)

static struct both all[256]; /* freed after each test */
static size_t all_n;

static struct both issue(const struct testca_spec *spec, const struct both *issuer)
{
    struct diag d = {0};
    struct both b = {.made = testca_issue(spec, issuer ? issuer->made : NULL)};
    b.cert = cert_load(testca_der(b.made), &d);
    if (!b.cert)
        fail_msg("%s %s", d.what, d.got);
    assert_true(all_n < ARRAY_LEN(all));
    all[all_n++] = b;
    return b;
}

/* Set by a test where OpenSSL is known to refuse what RFC 5280 allows. */
static bool skips_openssl;

static int free_all(void **state)
{
    (void)state;
    skips_openssl = false;
    while (all_n) {
        cert_unref(all[--all_n].cert);
        testca_free(all[all_n].made);
    }
    return 0;
}

static struct both root(const char *subject)
{
    return ISSUE(NULL, .subject = subject, .is_ca = true);
}

static struct both ca(const char *subject, struct both issuer)
{
    return ISSUE(&issuer, .subject = subject, .is_ca = true);
}

static struct both moon(struct both issuer)
{
    return ISSUE(&issuer, .subject = "C=CH, O=Keyway, CN=moon",
                 .san = "DNS:moon.keyway.test,IP:192.0.2.1,IP:2001:db8::1,email:moon@keyway.test");
}

static X509 *parsed(const struct cert *c)
{
    const uint8_t *at = cert_der(c).ptr;
    return d2i_X509(NULL, &at, (long)cert_der(c).len);
}

static void push_all(STACK_OF(X509) * to, struct cert_list from)
{
    for (size_t i = 0; i < from.n; i++)
        sk_X509_push(to, parsed(from.v[i]));
}

/* Whatever we trust, OpenSSL's own search trusts too. */
static bool openssl_agrees(const struct trust_request *req)
{
    STACK_OF(X509) *inter = sk_X509_new_null(), *anchors = sk_X509_new_null();
    X509 *leaf = parsed(req->leaf);
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    push_all(inter, req->intermediates);
    push_all(anchors, req->anchors);
    assert_true(X509_STORE_CTX_init(ctx, NULL, leaf, inter));
    X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
    X509_STORE_CTX_set_time(ctx, X509_V_FLAG_PARTIAL_CHAIN, req->now);
    X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_PARTIAL_CHAIN);
    bool is_ok = X509_verify_cert(ctx) == 1;
    if (!is_ok)
        print_error("openssl: %s\n", X509_verify_cert_error_string(X509_STORE_CTX_get_error(ctx)));
    X509_STORE_CTX_free(ctx);
    X509_free(leaf);
    sk_X509_pop_free(inter, X509_free);
    sk_X509_pop_free(anchors, X509_free);
    return is_ok;
}

static struct trust_verdict judge_with(struct both leaf, const struct both *inter, size_t inter_n,
                                       const struct both *anchors, size_t anchor_n, struct trust_request req)
{
    struct cert *i[64], *a[64];
    struct trust_verdict v;
    for (size_t k = 0; k < inter_n; k++)
        i[k] = inter[k].cert;
    for (size_t k = 0; k < anchor_n; k++)
        a[k] = anchors[k].cert;
    req.leaf = leaf.cert;
    req.intermediates = (struct cert_list){i, inter_n};
    req.anchors = (struct cert_list){a, anchor_n};
    req.now = req.now ? req.now : TESTCA_NOW;
    trust_evaluate(&req, &v);
    if (v.is_trusted) {
        assert_int_equal(v.why.class, FAIL_NONE);
        assert_true(skips_openssl || openssl_agrees(&req));
    } else {
        assert_true(v.why.class != FAIL_NONE && v.why.what[0] && v.why.expected[0]);
    }
    return v;
}

#define LIST(...)                        ((struct both[]){__VA_ARGS__}), sizeof((struct both[]){__VA_ARGS__}) / sizeof(struct both)
#define NONE                             NULL, 0
#define JUDGE(leaf, inter, anchors, ...) judge_with(leaf, inter, anchors, (struct trust_request){__VA_ARGS__})

static void assert_trusted(struct trust_verdict v, size_t path_len)
{
    char text[1700];
    if (!v.is_trusted)
        fail_msg("%s", diag_format(&v.why, text, sizeof(text)));
    assert_int_equal(v.path_len, path_len);
}

/* Each part of the message contains the text given for it. */
static void assert_refused(struct trust_verdict v, const char *what, const char *expected, const char *got)
{
    char text[1700];
    assert_false(v.is_trusted);
    diag_format(&v.why, text, sizeof(text));
    if (!strstr(v.why.what, what) || !strstr(v.why.expected, expected) || !strstr(v.why.got, got))
        fail_msg("wanted '%s', '%s', '%s'; got: %s", what, expected, got, text);
}

static void chains_of_every_key_type_are_trusted(void **state)
{
    (void)state;
    static const enum testca_key keys[] = {TESTCA_P256,    TESTCA_P384,  TESTCA_P521,
                                           TESTCA_ED25519, TESTCA_ED448, TESTCA_RSA2048};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct both r = ISSUE(NULL, .subject = "CN=root", .key = keys[i], .is_ca = true);
        struct both s = ISSUE(&r, .subject = "CN=sub", .key = TESTCA_P256, .is_ca = true);
        struct both leaf = ISSUE(&s, .subject = "CN=moon", .key = keys[i]);
        assert_trusted(JUDGE(leaf, LIST(s), LIST(r)), 3);
    }
    struct both r =
        ISSUE(NULL, .subject = "CN=pss root", .key = TESTCA_RSA2048, .is_ca = true, .is_pss = true);
    assert_trusted(JUDGE(ISSUE(&r, .subject = "CN=moon", .is_pss = true, .digest = "SHA384"), NONE, LIST(r)),
                   2);
}

static void an_intermediate_ca_may_be_the_anchor(void **state)
{
    (void)state;
    struct both r = root("CN=root"), s = ca("CN=sub", r), leaf = moon(s);
    assert_trusted(JUDGE(leaf, NONE, LIST(s)), 2);
    assert_trusted(JUDGE(leaf, LIST(r), LIST(s)), 2);
    assert_trusted(JUDGE(leaf, LIST(s), LIST(s, r)), 2);
    assert_trusted(JUDGE(leaf, NONE, LIST(leaf)), 1);
}

static void without_a_trusted_issuer_the_ca_is_named(void **state)
{
    (void)state;
    struct both r = root("CN=root"), s = ca("CN=sub", r), other = root("CN=other"), leaf = moon(s);
    struct trust_verdict v = JUDGE(leaf, NONE, LIST(other));
    assert_refused(v, "no trusted issuer for certificate C=CH, O=Keyway, CN=moon", "CN=sub",
                   "1 configured CAs");
    assert_int_equal(v.why.class, FAIL_CERTIFICATE);
    /* what the peer sent does not make a root trusted */
    assert_refused(JUDGE(leaf, LIST(s, r), LIST(other)), "certificate CN=root is self-signed and not trusted",
                   "1 ", "");
    assert_refused(JUDGE(leaf, LIST(s), LIST(other)), "no trusted issuer for certificate CN=sub", "CN=root",
                   "");
    struct both alone = ISSUE(NULL, .subject = "CN=alone");
    assert_refused(JUDGE(alone, NONE, LIST(r)), "certificate CN=alone is self-signed", "", "");
    assert_refused(JUDGE(leaf, LIST(s), NONE), "no trusted issuer for certificate CN=sub", "CN=root",
                   "0 configured");
}

static void dates_are_judged_at_the_given_time_alone(void **state)
{
    (void)state;
    int64_t from = TESTCA_NOW - 1000, to = TESTCA_NOW + 1000;
    struct both r = root("CN=root");
    struct both leaf = ISSUE(&r, .subject = "CN=moon", .not_before = from, .not_after = to);
    assert_trusted(JUDGE(leaf, NONE, LIST(r), .now = from), 2);
    skips_openssl = true; /* it takes the last second for expired; RFC 5280 section 4.1.2.5: through notAfter,
                             inclusive */
    assert_trusted(JUDGE(leaf, NONE, LIST(r), .now = to), 2);
    skips_openssl = false;
    assert_refused(JUDGE(leaf, NONE, LIST(r), .now = to + 1), "certificate CN=moon expired",
                   "valid at 2026-06-01 00:16:41 UTC", "notAfter 2026-06-01 00:16:40 UTC");
    assert_refused(JUDGE(leaf, NONE, LIST(r), .now = from - 1), "certificate CN=moon is not valid yet",
                   "valid at 2026-05-31 23:43:19 UTC", "notBefore 2026-05-31 23:43:20 UTC");
    struct both old_root =
        ISSUE(NULL, .subject = "CN=old", .is_ca = true, .not_before = 1, .not_after = from);
    assert_refused(JUDGE(moon(old_root), NONE, LIST(old_root)), "certificate CN=old expired", "valid at",
                   "notAfter");
    struct both far = ISSUE(&r, .subject = "CN=far", .not_before = -100, .not_after = INT64_C(253402300799));
    assert_int_equal(cert_not_before(far.cert), -100);
    assert_int_equal(cert_not_after(far.cert), INT64_C(253402300799)); /* 9999-12-31 23:59:59, RFC 5280 */
    assert_trusted(JUDGE(far, NONE, LIST(r)), 2);
}

static void a_wrong_signature_is_refused(void **state)
{
    (void)state;
    struct both r = root("CN=root");
    struct both leaf = ISSUE(&r, .subject = "CN=moon", .has_wrong_signature = true);
    assert_refused(JUDGE(leaf, NONE, LIST(r)), "the signature of certificate CN=moon is wrong", "CN=root",
                   "");
    /* another CA by the same name: without key ids only the signature tells */
    struct both one = ISSUE(NULL, .subject = "CN=twin", .is_ca = true, .has_no_key_ids = true);
    struct both two = ISSUE(NULL, .subject = "CN=twin", .is_ca = true, .has_no_key_ids = true);
    struct both child = ISSUE(&one, .subject = "CN=child", .has_no_key_ids = true);
    assert_refused(JUDGE(child, NONE, LIST(two)), "the signature of certificate CN=child is wrong", "CN=twin",
                   "");
    skips_openssl = true; /* it does not try the second CA of that name */
    assert_trusted(JUDGE(child, NONE, LIST(two, one)), 2);
}

static void only_a_ca_may_issue(void **state)
{
    (void)state;
    struct both r = root("CN=root");
    struct both plain = ISSUE(&r, .subject = "CN=plain", .key_usage = "digitalSignature,keyCertSign");
    struct both no =
        ISSUE(&r, .subject = "CN=no", .basic_constraints = "CA:FALSE", .key_usage = "keyCertSign");
    struct both mute =
        ISSUE(&r, .subject = "CN=mute", .is_ca = true, .key_usage = "cRLSign,digitalSignature");
    struct both free_use = ISSUE(&r, .subject = "CN=free", .is_ca = true, .key_usage = "");
    assert_refused(JUDGE(moon(plain), LIST(plain), LIST(r)), "certificate CN=plain has issued another",
                   "CN=moon", "no basicConstraints");
    assert_refused(JUDGE(moon(no), LIST(no), LIST(r)), "certificate CN=no has issued another", "CA true",
                   "CA false");
    assert_refused(JUDGE(moon(mute), LIST(mute), LIST(r)), "certificate CN=mute may not issue", "keyCertSign",
                   "0x82");
    assert_trusted(JUDGE(moon(free_use), LIST(free_use), LIST(r)), 3);
    struct both v1 = ISSUE(NULL, .subject = "CN=v1 root", .is_v1 = true);
    assert_trusted(JUDGE(moon(v1), NONE, LIST(v1)), 2);
    struct both v1_sub = ISSUE(&r, .subject = "CN=v1 sub", .is_v1 = true);
    assert_refused(JUDGE(moon(v1_sub), LIST(v1_sub), LIST(r)), "certificate CN=v1 sub has issued another", "",
                   "");
}

static void the_path_length_constraint_counts_intermediates(void **state)
{
    (void)state;
    struct both r = ISSUE(NULL, .subject = "CN=root", .is_ca = true, .has_pathlen = true, .pathlen = 1);
    struct both a = ca("CN=a", r), b = ca("CN=b", a);
    assert_trusted(JUDGE(moon(a), LIST(a), LIST(r)), 3);
    assert_refused(JUDGE(moon(b), LIST(a, b), LIST(r)), "certificate CN=root does not allow a path that long",
                   "at most 1", "2");
    /* a self-issued CA certificate (a key change) does not count */
    struct both again = ISSUE(&a, .subject = "CN=a", .is_ca = true);
    assert_trusted(JUDGE(moon(again), LIST(a, again), LIST(r)), 4);
    struct both zero = ISSUE(NULL, .subject = "CN=zero", .is_ca = true, .has_pathlen = true);
    assert_trusted(JUDGE(moon(zero), NONE, LIST(zero)), 2);
    struct both under = ca("CN=under", zero);
    assert_refused(JUDGE(moon(under), LIST(under), LIST(zero)), "CN=zero does not allow", "at most 0", "1");
}

static void the_leaf_must_be_allowed_to_sign(void **state)
{
    (void)state;
    struct both r = root("CN=root");
    static const char *const good[] = {"", "nonRepudiation", "digitalSignature,keyEncipherment"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_trusted(JUDGE(ISSUE(&r, .subject = "CN=m", .key_usage = good[i]), NONE, LIST(r)), 2);
    assert_refused(
        JUDGE(ISSUE(&r, .subject = "CN=m", .key_usage = "critical,keyEncipherment"), NONE, LIST(r)),
        "certificate CN=m may not sign", "digitalSignature", "0x20");
}

static void the_extended_usage_must_fit_ike(void **state)
{
    (void)state;
    struct both r = root("CN=root");
    static const char *const good[] = {
        "serverAuth",          "clientAuth",        "codeSigning,serverAuth",
        "anyExtendedKeyUsage", "1.3.6.1.5.5.8.2.2", "critical,1.3.6.1.5.5.7.3.17"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++)
        assert_trusted(JUDGE(ISSUE(&r, .subject = "CN=m", .ext_key_usage = good[i]), NONE, LIST(r)), 2);
    assert_refused(JUDGE(ISSUE(&r, .subject = "CN=m", .ext_key_usage = "codeSigning"), NONE, LIST(r)),
                   "certificate CN=m is not meant for IKE", "serverAuth", "Code Signing");
}

static void unknown_extensions_matter_only_when_critical(void **state)
{
    (void)state;
    struct both r = root("CN=root");
    assert_trusted(JUDGE(ISSUE(&r, .subject = "CN=m", .unknown_oid = "1.2.3.4.5"), NONE, LIST(r)), 2);
    assert_refused(
        JUDGE(ISSUE(&r, .subject = "CN=m", .unknown_oid = "1.2.3.4.5", .unknown_is_critical = true), NONE,
              LIST(r)),
        "certificate CN=m has a critical extension", "nameConstraints", "1.2.3.4.5");
    struct both odd = ISSUE(&r, .subject = "CN=odd", .is_ca = true, .unknown_oid = "1.2.3.4.5",
                            .unknown_is_critical = true);
    assert_refused(JUDGE(moon(odd), LIST(odd), LIST(r)), "certificate CN=odd has a critical extension", "",
                   "");
}

static void weak_hashes_are_refused(void **state)
{
    (void)state;
    struct both r = ISSUE(NULL, .subject = "CN=root", .key = TESTCA_RSA2048, .is_ca = true, .digest = "SHA1");
    assert_trusted(JUDGE(ISSUE(&r, .subject = "CN=m"), NONE, LIST(r)),
                   2); /* an anchor's own signature is no proof */
    assert_refused(JUDGE(ISSUE(&r, .subject = "CN=m", .digest = "SHA1"), NONE, LIST(r)),
                   "certificate CN=m is signed with a weak hash", "SHA-256", "SHA1");
    assert_refused(JUDGE(ISSUE(&r, .subject = "CN=m", .digest = "MD5"), NONE, LIST(r)),
                   "certificate CN=m is signed with a weak hash", "SHA-256", "MD5");
    struct both md5 = ISSUE(NULL, .subject = "CN=md5", .key_of = r.made, .is_ca = true, .digest = "MD5");
    assert_refused(JUDGE(moon(md5), NONE, LIST(md5)), "certificate CN=md5 is signed with a weak hash", "",
                   "MD5");
    struct both sub = ISSUE(&r, .subject = "CN=sub", .is_ca = true, .digest = "SHA1");
    assert_refused(JUDGE(moon(sub), LIST(sub), LIST(r)), "certificate CN=sub is signed with a weak hash", "",
                   "SHA1");
}

static void the_certificate_must_carry_the_identity(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct both r = root("CN=root"), leaf = moon(r);
    static const char *const good[] = {"moon.keyway.test", "MOON.keyway.test", "192.0.2.1",
                                       "2001:db8::1",      "moon@keyway.test", "C=CH, O=Keyway, CN=moon"};
    static const char *const bad[] = {
        "moon",           "sun.keyway.test", "*.keyway.test",          "192.0.2.2",
        "fqdn:192.0.2.1", "CN=moon",         "keyid:moon.keyway.test", "email:moon.keyway.test"};
    struct identity id, subject;
    const char *err;
    assert_true(identity_parse(a, "C=CH, O=Keyway, CN=moon", &subject, &err));
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        assert_true(identity_parse(a, good[i], &id, &err));
        assert_trusted(JUDGE(leaf, NONE, LIST(r), .peer_id = &id), 2);
        assert_trusted(JUDGE(leaf, NONE, LIST(r), .peer_id = &subject, .cert_id = &id), 2);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_true(identity_parse(a, bad[i], &id, &err));
        struct trust_verdict v = JUDGE(leaf, NONE, LIST(r), .peer_id = &id);
        assert_refused(v, "CN=moon does not carry the identity", strchr(bad[i], ':') ? "" : bad[i],
                       "dNSName:moon.keyway.test, iPAddress:192.0.2.1, iPAddress:2001:db8::1, "
                       "rfc822Name:moon@keyway.test");
        assert_int_equal(v.why.class, FAIL_AUTH);
        v = JUDGE(leaf, NONE, LIST(r), .peer_id = &subject, .cert_id = &id); /* whatever else it carries */
        assert_refused(v, "CN=moon does not carry the identity", "", "");
    }
    arena_free(a);
}

static void a_required_ca_must_be_in_the_path(void **state)
{
    (void)state;
    struct both r = root("CN=root"), other = root("CN=other"), s = ca("CN=sub", r), leaf = moon(s);
    struct cert *want[] = {other.cert};
    struct cert *sub[] = {other.cert, s.cert};
    struct cert *self[] = {leaf.cert};
    assert_refused(JUDGE(leaf, LIST(s), LIST(r, other), .required_cas = {want, 1}),
                   "was not issued under a CA that this connection requires", "CN=other", "CN=root");
    assert_trusted(JUDGE(leaf, LIST(s), LIST(r, other), .required_cas = {sub, 2}), 3);
    assert_refused(JUDGE(leaf, LIST(s), LIST(r), .required_cas = {self, 1}), "was not issued under", "", "");
}

static void a_cross_signed_ca_is_followed_to_the_anchor_that_is_trusted(void **state)
{
    (void)state;
    struct both old = root("CN=old root"), young = root("CN=new root");
    struct both cross = ISSUE(&old, .subject = "CN=new root", .key_of = young.made, .is_ca = true);
    struct both s = ca("CN=sub", young), leaf = moon(s);
    skips_openssl = true; /* it stops at the self-signed certificate of the new root */
    assert_trusted(JUDGE(leaf, LIST(s, young, cross), LIST(old)), 4);
    skips_openssl = false;
    assert_trusted(JUDGE(leaf, LIST(s, cross), LIST(young)), 3);
    /* the first candidate has expired, the second one leads on */
    struct both stale = ISSUE(&young, .subject = "CN=twin", .is_ca = true, .not_before = 1, .not_after = 2);
    struct both fresh = ISSUE(&young, .subject = "CN=twin", .key_of = stale.made, .is_ca = true);
    assert_trusted(JUDGE(moon(fresh), LIST(stale, fresh), LIST(young)), 3);
    assert_refused(JUDGE(moon(fresh), LIST(stale), LIST(young)), "certificate CN=twin expired", "",
                   "1970-01-01");
}

static void loops_and_long_chains_end(void **state)
{
    (void)state;
    struct both a = root("CN=a"), b = root("CN=b");
    struct both a_by_b = ISSUE(&b, .subject = "CN=a", .key_of = a.made, .is_ca = true);
    struct both b_by_a = ISSUE(&a, .subject = "CN=b", .key_of = b.made, .is_ca = true);
    struct both other = root("CN=other");
    assert_false(JUDGE(moon(a), LIST(a_by_b, b_by_a), LIST(other)).is_trusted);
    struct both chain[12] = {root("CN=0")};
    for (size_t i = 1; i < ARRAY_LEN(chain); i++) {
        char name[16];
        snprintf(name, sizeof(name), "CN=%zu", i);
        chain[i] = ca(name, chain[i - 1]);
    }
    assert_trusted(judge_with(moon(chain[6]), chain + 1, 6, chain, 1, (struct trust_request){0}), 8);
    assert_refused(judge_with(moon(chain[7]), chain + 1, 7, chain, 1, (struct trust_request){0}),
                   "the chain is too long", "at most 8", "");
}

static void many_lookalike_issuers_cost_a_bounded_amount(void **state)
{
    (void)state;
    struct both r = root("CN=root"), twins[40];
    struct both real = ISSUE(&r, .subject = "CN=twin", .is_ca = true);
    for (size_t i = 0; i < ARRAY_LEN(twins); i++) /* the same key under many certificates, at every level */
        twins[i] = ISSUE(&real, .subject = i % 2 ? "CN=twin" : "CN=mate", .key_of = i % 2 ? real.made : NULL,
                         .is_ca = true);
    struct both other = root("CN=other");
    struct both lookalikes[60];
    for (size_t i = 0; i < ARRAY_LEN(lookalikes); i++)
        lookalikes[i] =
            ISSUE(NULL, .subject = "CN=twin", .is_ca = true, .has_no_key_ids = true, .key_of = twins[0].made);
    struct both leaf = ISSUE(&real, .subject = "CN=moon", .has_no_key_ids = true);
    assert_false(judge_with(leaf, twins, ARRAY_LEN(twins), &other, 1, (struct trust_request){0}).is_trusted);
    assert_refused(judge_with(leaf, lookalikes, ARRAY_LEN(lookalikes), &other, 1, (struct trust_request){0}),
                   "the signature of certificate CN=moon is wrong", "CN=twin", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(chains_of_every_key_type_are_trusted, free_all),
        cmocka_unit_test_teardown(an_intermediate_ca_may_be_the_anchor, free_all),
        cmocka_unit_test_teardown(without_a_trusted_issuer_the_ca_is_named, free_all),
        cmocka_unit_test_teardown(dates_are_judged_at_the_given_time_alone, free_all),
        cmocka_unit_test_teardown(a_wrong_signature_is_refused, free_all),
        cmocka_unit_test_teardown(only_a_ca_may_issue, free_all),
        cmocka_unit_test_teardown(the_path_length_constraint_counts_intermediates, free_all),
        cmocka_unit_test_teardown(the_leaf_must_be_allowed_to_sign, free_all),
        cmocka_unit_test_teardown(the_extended_usage_must_fit_ike, free_all),
        cmocka_unit_test_teardown(unknown_extensions_matter_only_when_critical, free_all),
        cmocka_unit_test_teardown(weak_hashes_are_refused, free_all),
        cmocka_unit_test_teardown(the_certificate_must_carry_the_identity, free_all),
        cmocka_unit_test_teardown(a_required_ca_must_be_in_the_path, free_all),
        cmocka_unit_test_teardown(a_cross_signed_ca_is_followed_to_the_anchor_that_is_trusted, free_all),
        cmocka_unit_test_teardown(loops_and_long_chains_end, free_all),
        cmocka_unit_test_teardown(many_lookalike_issuers_cost_a_bounded_amount, free_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
