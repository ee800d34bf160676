/* SPDX-License-Identifier: Apache-2.0 */
/* What a connection demands of the path beyond the common rules: certificate policies and the identity of a
 * CA. Each policy row is judged by OpenSSL's policy tree as well. */
#include "pki/cert.h"
#include "support/test.h"
#include "support/testca.h"
#include <openssl/x509v3.h>

#define A   "1.3.6.1.4.1.99.1"
#define B   "1.3.6.1.4.1.99.2"
#define C   "1.3.6.1.4.1.99.3"
#define ANY "2.5.29.32.0"

struct row {
    const char *sub, *leaf;         /* policies of the intermediate CA and of the leaf */
    const char *mappings, *inhibit; /* of the intermediate CA */
    const char *want[2];            /* required */
    bool is_trusted;
    const char *constraints; /* policyConstraints of the intermediate CA */
};

/* clang-format off */
static const struct row rows[] = {
    {NULL, NULL, .want = {NULL}, .is_trusted = true},
    {A, A, .want = {NULL}, .is_trusted = true},
    {A, A, .want = {A}, .is_trusted = true},
    {A "," B, B "," A, .want = {A}, .is_trusted = true},
    {A "," B, B "," A, .want = {A, B}, .is_trusted = true},
    {A "," B, A, .want = {A, B}, .is_trusted = false},
    {A, A, .want = {B}, .is_trusted = false},
    {A, NULL, .want = {A}, .is_trusted = false},
    {NULL, A, .want = {A}, .is_trusted = false},
    {B, A, .want = {A}, .is_trusted = false},
    {A, B, .want = {A}, .is_trusted = false},
    {NULL, NULL, .want = {A}, .is_trusted = false},
    {ANY, A, .want = {A}, .is_trusted = true},
    {A, ANY, .want = {A}, .is_trusted = true},
    {ANY, ANY, .want = {A, B}, .is_trusted = true},
    {ANY, B, .want = {A}, .is_trusted = false},
    {A, ANY, .inhibit = "0", .want = {A}, .is_trusted = false},
    {A, A, .inhibit = "0", .want = {A}, .is_trusted = true},
    {A, ANY, .inhibit = "1", .want = {A}, .is_trusted = true},
    {ANY, A, .inhibit = "0", .want = {A}, .is_trusted = true}, /* counts for what is below */
    {A, A, .mappings = A ":" B, .want = {A}, .is_trusted = false},
    {A, B, .mappings = A ":" B, .want = {A}, .is_trusted = true},
    {A "," B, B, .mappings = A ":" B, .want = {B}, .is_trusted = true},
    {A "," B, B, .mappings = A ":" B, .want = {A}, .is_trusted = true},
    {A "," B, C, .mappings = A ":" C "," B ":" C, .want = {A, B}, .is_trusted = true},
    {A, B "," C, .mappings = A ":" B "," A ":" C, .want = {A}, .is_trusted = true},
    {ANY, B, .mappings = A ":" B, .want = {A}, .is_trusted = true},
    {ANY, B, .mappings = A ":" B, .want = {B}, .is_trusted = false},
    {A, ANY, .mappings = A ":" B, .want = {A}, .is_trusted = true},
    {A, B, .mappings = A ":" B, .constraints = "inhibitPolicyMapping:0", .want = {A}, .is_trusted = true}, /* for what is below */
    {A, A, .constraints = "requireExplicitPolicy:0", .want = {A}, .is_trusted = true},

};
/* clang-format on */

static struct testca_cert *root, *sub, *leaf;

static void free_all(void)
{
    testca_free(root);
    testca_free(sub);
    testca_free(leaf);
}

static void make(const struct row *r)
{
    root = testca_issue(&(struct testca_spec){.subject = "CN=root", .san = "DNS:ca.example", .is_ca = true},
                        NULL);
    sub = testca_issue(&(struct testca_spec){.subject = "CN=sub",
                                             .is_ca = true,
                                             .policies = r->sub,
                                             .policy_mappings = r->mappings,
                                             .inhibit_any = r->inhibit,
                                             .policy_constraints = r->constraints},
                       root);
    leaf = testca_issue(&(struct testca_spec){.subject = "CN=moon", .policies = r->leaf}, sub);
}

static X509 *parsed(const struct testca_cert *c)
{
    const uint8_t *at = testca_der(c).ptr;
    return d2i_X509(NULL, &at, (long)testca_der(c).len);
}

static bool openssl_allows_one(const char *oid)
{
    X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    STACK_OF(X509) *anchors = sk_X509_new_null(), *inter = sk_X509_new_null();
    X509 *end = parsed(leaf);
    sk_X509_push(anchors, parsed(root));
    sk_X509_push(inter, parsed(sub));
    assert_true(X509_STORE_CTX_init(ctx, NULL, end, inter));
    X509_STORE_CTX_set0_trusted_stack(ctx, anchors);
    X509_STORE_CTX_set_time(ctx, 0, TESTCA_NOW);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
    X509_VERIFY_PARAM_add0_policy(param, OBJ_txt2obj(oid, 1));
    X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_POLICY_CHECK | X509_V_FLAG_EXPLICIT_POLICY);
    bool is_ok = X509_verify_cert(ctx) == 1;
    X509_STORE_CTX_free(ctx);
    X509_free(end);
    sk_X509_pop_free(anchors, X509_free);
    sk_X509_pop_free(inter, X509_free);
    return is_ok;
}

/* It takes one of the required policies for enough: each is asked for alone. */
static bool openssl_allows(const struct row *r)
{
    for (size_t i = 0; i < ARRAY_LEN(r->want) && r->want[i]; i++) {
        if (!openssl_allows_one(r->want[i]))
            return false;
    }
    return true;
}

static struct trust_verdict judge(struct trust_request req, bool is_pinned)
{
    struct trust_verdict v;
    struct diag d = {0};
    struct cert *c[3] = {cert_load(testca_der(leaf), &d), cert_load(testca_der(sub), &d),
                         cert_load(testca_der(root), &d)};
    req.leaf = c[0];
    req.intermediates = (struct cert_list){c + 1, 1};
    req.anchors = is_pinned ? (struct cert_list){c, 1} : (struct cert_list){c + 2, 1};
    req.now = TESTCA_NOW;
    trust_evaluate(&req, &v);
    for (size_t i = 0; i < ARRAY_LEN(c); i++)
        cert_unref(c[i]);
    return v;
}

static void required_policies_hold_in_the_whole_path(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        make(r);
        struct trust_verdict v = judge(
            (struct trust_request){.policies = r->want, .n_policies = !!r->want[0] + !!r->want[1]}, false);
        if (v.is_trusted != r->is_trusted)
            fail_msg("row %zu: %s %s", i, v.why.what, v.why.got);
        if (openssl_allows(r) != r->is_trusted)
            fail_msg("row %zu: OpenSSL disagrees with the table", i);
        if (!r->is_trusted) {
            assert_int_equal(v.why.class, FAIL_CERTIFICATE);
            assert_string_equal(v.unmet, "cert_policy");
            assert_non_null(strstr(v.why.expected, "certificate policy 1.3.6.1.4.1.99."));
            assert_true(v.why.got[0]);
        }
        free_all();
    }
}

static void a_refusal_lists_the_policies_that_are_there(void **state)
{
    (void)state;
    const char *want[] = {A};
    make(&(struct row){.sub = A, .leaf = B});
    struct trust_verdict v = judge((struct trust_request){.policies = want, .n_policies = 1}, false);
    assert_false(v.is_trusted);
    assert_non_null(strstr(v.why.what, "CN=moon"));
    assert_string_equal(v.why.got, B);
    free_all();
}

static void a_pinned_certificate_is_asked_for_policies_too(void **state)
{
    (void)state;
    const char *want[] = {A};
    make(&(struct row){.leaf = B});
    assert_false(judge((struct trust_request){.policies = want, .n_policies = 1}, true).is_trusted);
    assert_true(judge((struct trust_request){0}, true).is_trusted);
    free_all();
    make(&(struct row){.leaf = A});
    assert_true(judge((struct trust_request){.policies = want, .n_policies = 1}, true).is_trusted);
    free_all();
}

/* inhibitPolicyMapping counts for the CAs below the one that says it. */
static void mappings_below_a_ca_that_forbids_them_are_not_followed(void **state)
{
    (void)state;
    const char *want[] = {A};
    for (int forbids = 0; forbids < 2; forbids++) {
        struct trust_verdict v;
        struct diag d = {0};
        struct testca_spec top = {.subject = "CN=top", .is_ca = true};
        struct testca_spec first = {.subject = "CN=first", .is_ca = true, .policies = A};
        struct testca_spec second = {
            .subject = "CN=second", .is_ca = true, .policies = A, .policy_mappings = A ":" B};
        struct testca_spec end = {.subject = "CN=moon", .policies = B};
        first.policy_constraints = forbids ? "inhibitPolicyMapping:0" : NULL;
        struct testca_cert *t = testca_issue(&top, NULL), *f = testca_issue(&first, t),
                           *s = testca_issue(&second, f), *e = testca_issue(&end, s);
        struct cert *c[4] = {cert_load(testca_der(e), &d), cert_load(testca_der(s), &d),
                             cert_load(testca_der(f), &d), cert_load(testca_der(t), &d)};
        struct trust_request req = {.leaf = c[0], .now = TESTCA_NOW, .policies = want, .n_policies = 1};
        req.intermediates = (struct cert_list){c + 1, 2};
        req.anchors = (struct cert_list){c + 3, 1};
        trust_evaluate(&req, &v);
        assert_int_equal(v.is_trusted, !forbids);
        struct testca_cert *const made[] = {t, f, s, e};
        for (size_t i = 0; i < 4; i++) {
            cert_unref(c[i]);
            testca_free(made[i]);
        }
    }
}

static void a_required_policy_that_is_no_oid_is_never_met(void **state)
{
    (void)state;
    const char *want[] = {"3.1"};
    make(&(struct row){.sub = ANY, .leaf = ANY});
    struct trust_verdict v = judge((struct trust_request){.policies = want, .n_policies = 1}, false);
    assert_false(v.is_trusted);
    assert_non_null(strstr(v.why.what, "no object identifier"));
    free_all();
}

static void a_ca_of_the_path_must_have_the_required_identity(void **state)
{
    (void)state;
    static const struct {
        const char *id;
        bool is_pinned, is_trusted;
    } cases[] = {
        {"CN=sub",                       false, true },
        {"CN=root",                      false, true },
        {"ca.example",                   false, true }, /* a subjectAltName of the root */
        {"CN=moon",                      false, false}, /* the end entity is no CA */
        {"C=CH, O=Keyway, CN=elsewhere", false, false},
        {"other.example",                false, false},
        {"CN=sub",                       true,  false}, /* pinned: no CA was looked at */
    };
    struct arena *a = arena_new(1 << 16);
    struct identity id;
    const char *err;
    make(&rows[0]);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_true(identity_parse(a, cases[i].id, &id, &err));
        struct trust_verdict v = judge((struct trust_request){.ca_id = &id}, cases[i].is_pinned);
        if (v.is_trusted != cases[i].is_trusted)
            fail_msg("%s: %s", cases[i].id, v.why.what);
        if (v.is_trusted)
            continue;
        assert_int_equal(v.why.class, FAIL_CERTIFICATE);
        assert_string_equal(v.unmet, "ca_id");
        assert_non_null(strstr(v.why.what, "CN=moon"));
        assert_non_null(strstr(v.why.expected, cases[i].id));
        assert_true(v.why.got[0]);
    }
    free_all();
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(required_policies_hold_in_the_whole_path),
        cmocka_unit_test(a_refusal_lists_the_policies_that_are_there),
        cmocka_unit_test(a_pinned_certificate_is_asked_for_policies_too),
        cmocka_unit_test(mappings_below_a_ca_that_forbids_them_are_not_followed),
        cmocka_unit_test(a_required_policy_that_is_no_oid_is_never_met),
        cmocka_unit_test(a_ca_of_the_path_must_have_the_required_identity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
