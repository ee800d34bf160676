/* SPDX-License-Identifier: Apache-2.0 */
/* Name constraints: each row against our own rules and against OpenSSL's NAME_CONSTRAINTS_check(). */
#include "pki/cert.h"
#include "support/test.h"
#include "support/testca.h"
#include <openssl/x509v3.h>
#include <stdlib.h>

struct row {
    const char *constraints, *permitted_dir; /* of the CA */
    const char *subject, *san, *san_dir;     /* of the leaf */
    bool is_allowed;
};

/* clang-format off */
static const struct row rows[] = {
    {"permitted;DNS:example.org", NULL, "CN=x", "DNS:example.org", NULL, true},
    {"permitted;DNS:example.org", NULL, "CN=x", "DNS:a.b.EXAMPLE.org", NULL, true},
    {"permitted;DNS:example.org", NULL, "CN=x", "DNS:evilexample.org", NULL, false},
    {"permitted;DNS:example.org", NULL, "CN=x", "DNS:a.example.org,DNS:example.com", NULL, false},
    {"permitted;DNS:example.org", NULL, "CN=x", "IP:192.0.2.1", NULL, true},
    {"permitted;DNS:example.org", NULL, "CN=x", NULL, NULL, true},
    {"permitted;DNS:example.org,permitted;DNS:example.com", NULL, "CN=x", "DNS:a.example.com", NULL, true},
    {"permitted;DNS:.example.org", NULL, "CN=x", "DNS:a.example.org", NULL, true},
    {"permitted;DNS:.example.org", NULL, "CN=x", "DNS:example.org", NULL, false},
    {"excluded;DNS:example.org", NULL, "CN=x", "DNS:moon.example.org", NULL, false},
    {"excluded;DNS:example.org", NULL, "CN=x", "DNS:moon.example.com", NULL, true},
    {"permitted;DNS:example.org,excluded;DNS:bad.example.org", NULL, "CN=x", "DNS:a.bad.example.org", NULL, false},
    {"permitted;DNS:example.org,excluded;DNS:bad.example.org", NULL, "CN=x", "DNS:good.example.org", NULL, true},
    {"permitted;email:example.org", NULL, "CN=x", "email:a@example.org", NULL, true},
    {"permitted;email:example.org", NULL, "CN=x", "email:a@EXAMPLE.org", NULL, true},
    {"permitted;email:example.org", NULL, "CN=x", "email:a@mail.example.org", NULL, false},
    {"permitted;email:.example.org", NULL, "CN=x", "email:a@mail.example.org", NULL, true},
    {"permitted;email:.example.org", NULL, "CN=x", "email:a@example.org", NULL, false},
    {"permitted;email:a@example.org", NULL, "CN=x", "email:a@example.org", NULL, true},
    {"permitted;email:a@example.org", NULL, "CN=x", "email:b@example.org", NULL, false},
    {"permitted;email:a@example.org", NULL, "CN=x", "email:A@example.org", NULL, false},
    {"excluded;email:example.org", NULL, "CN=x, E=a@example.org", NULL, NULL, false},
    {"permitted;email:example.org", NULL, "CN=x, E=a@example.com", NULL, NULL, false},
    {"permitted;email:example.org", NULL, "CN=x, E=a@example.org", NULL, NULL, true},
    {"permitted;IP:10.1.0.0/255.255.0.0", NULL, "CN=x", "IP:10.1.255.1", NULL, true},
    {"permitted;IP:10.1.0.0/255.255.0.0", NULL, "CN=x", "IP:10.2.0.1", NULL, false},
    {"permitted;IP:10.1.0.0/255.255.0.0", NULL, "CN=x", "IP:2001:db8::1", NULL, false},
    {"excluded;IP:10.1.0.0/255.255.0.0", NULL, "CN=x", "IP:2001:db8::1", NULL, true},
    {"excluded;IP:10.1.0.0/255.255.0.0", NULL, "CN=x", "IP:10.1.2.3", NULL, false},
    {"permitted;IP:2001:db8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0", NULL, "CN=x", "IP:2001:db8::1", NULL, true},
    {"permitted;IP:2001:db8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0", NULL, "CN=x", "IP:2001:db9::1", NULL, false},
    {NULL, "C=CH, O=Keyway", "C=CH, O=Keyway, CN=x", NULL, NULL, true},
    {NULL, "C=CH, O=Keyway", "C=CH, O=KEYWAY, CN=x", NULL, NULL, true},
    {NULL, "C=CH, O=Keyway", "C=CH, O=Other, CN=x", NULL, NULL, false},
    {NULL, "C=CH, O=Keyway", "O=Keyway, C=CH, CN=x", NULL, NULL, false},
    {NULL, "C=CH, O=Keyway", "C=CH, O=Keyway, CN=x", NULL, "C=DE, CN=x", false},
    {NULL, "C=CH, O=Keyway", NULL, "DNS:moon", NULL, true},
    {"permitted;URI:.example.org", NULL, "CN=x", "URI:http://a.example.org/x", NULL, true},
    {"permitted;URI:.example.org", NULL, "CN=x", "URI:http://A.B.Example.org:80/", NULL, true},
    {"permitted;URI:.example.org", NULL, "CN=x", "URI:http://example.org/", NULL, false},
    {"permitted;URI:example.org", NULL, "CN=x", "URI:http://example.org/", NULL, true},
    {"permitted;URI:example.org", NULL, "CN=x", "URI:http://a.example.org/", NULL, false},
    {"permitted;URI:example.org", NULL, "CN=x", "URI:https://example.org.evil.test/", NULL, false},
    {"excluded;URI:.example.org", NULL, "CN=x", "URI:ldap://a.example.org/", NULL, false},
    {"excluded;URI:.example.org", NULL, "CN=x", "URI:ldap://a.example.com/", NULL, true},
    {"permitted;URI:example.org", NULL, "CN=x", "URI:urn:example:org", NULL, false},
    {"permitted;DNS:example.org", "C=CH", "C=CH, CN=x", "DNS:moon.example.com", NULL, false},
};
/* clang-format on */

static bool openssl_allows(struct testca_cert *ca, struct testca_cert *leaf)
{
    const uint8_t *ca_at = testca_der(ca).ptr, *leaf_at = testca_der(leaf).ptr;
    X509 *c = d2i_X509(NULL, &ca_at, (long)testca_der(ca).len);
    X509 *l = d2i_X509(NULL, &leaf_at, (long)testca_der(leaf).len);
    NAME_CONSTRAINTS *nc = X509_get_ext_d2i(c, NID_name_constraints, NULL, NULL);
    assert_non_null(nc);
    X509_check_purpose(l, -1, 0); /* fills the cache of names that the next call reads */
    bool is_allowed = NAME_CONSTRAINTS_check(l, nc) == X509_V_OK;
    NAME_CONSTRAINTS_free(nc);
    X509_free(c);
    X509_free(l);
    return is_allowed;
}

static struct trust_verdict judge(struct testca_cert *const *chain, size_t n)
{
    struct trust_verdict v;
    struct diag d = {0};
    struct cert *certs[8];
    for (size_t i = 0; i < n; i++) {
        certs[i] = cert_load(testca_der(chain[i]), &d);
        assert_non_null(certs[i]);
    }
    struct trust_request req = {
        .leaf = certs[0],
        .intermediates = {certs + 1,     n - 2},
        .anchors = {certs + n - 1, 1    },
        .now = TESTCA_NOW
    };
    trust_evaluate(&req, &v);
    for (size_t i = 0; i < n; i++)
        cert_unref(certs[i]);
    return v;
}

static void every_row_is_judged_as_openssl_does(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *r = &rows[i];
        struct testca_cert *ca = testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=root",
                                                                    .is_ca = true,
                                                                    .name_constraints = r->constraints,
                                                                    .permitted_dir = r->permitted_dir},
                                              NULL);
        struct testca_cert *leaf = testca_issue(
            &(struct testca_spec){.subject = r->subject, .san = r->san, .san_dir = r->san_dir}, ca);
        struct trust_verdict v = judge((struct testca_cert *[]){leaf, ca}, 2);
        if (openssl_allows(ca, leaf) != r->is_allowed)
            fail_msg("row %zu: openssl disagrees with the table", i);
        if (v.is_trusted != r->is_allowed)
            fail_msg("row %zu: %s %s", i, v.why.what, v.why.got);
        if (!r->is_allowed) {
            assert_int_equal(v.why.class, FAIL_CERTIFICATE);
            assert_non_null(strstr(v.why.expected, "C=CH, O=Keyway, CN=root"));
            assert_true(v.why.got[0]);
        }
        testca_free(leaf);
        testca_free(ca);
    }
}

static void a_constraint_binds_everything_below_the_ca(void **state)
{
    (void)state;
    struct testca_spec root = {
        .subject = "CN=root", .is_ca = true, .name_constraints = "permitted;DNS:example.org"};
    struct testca_spec sub = {.subject = "CN=sub", .is_ca = true};
    struct testca_spec bad_sub = {.subject = "CN=sub", .is_ca = true, .san = "DNS:sub.example.com"};
    struct testca_spec leaf = {.subject = "CN=leaf", .san = "DNS:example.com"};
    struct testca_spec good_leaf = {.subject = "CN=leaf", .san = "DNS:a.example.org"};
    struct testca_cert *r = testca_issue(&root, NULL), *s = testca_issue(&sub, r),
                       *t = testca_issue(&bad_sub, r);
    struct testca_cert *l = testca_issue(&leaf, s), *g = testca_issue(&good_leaf, s),
                       *h = testca_issue(&good_leaf, t);
    struct trust_verdict v = judge((struct testca_cert *[]){l, s, r}, 3);
    assert_string_equal(v.why.what, "certificate CN=leaf has a name outside of what its CA permits");
    assert_string_equal(v.why.got, "dNSName:example.com");
    assert_true(judge((struct testca_cert *[]){g, s, r}, 3).is_trusted);
    v = judge((struct testca_cert *[]){h, t, r}, 3);
    assert_string_equal(v.why.what, "certificate CN=sub has a name outside of what its CA permits");
    struct testca_cert *const made[] = {r, s, t, l, g, h};
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        testca_free(made[i]);
}

static void a_constrained_name_of_an_unserved_kind_is_refused(void **state)
{
    (void)state;
    struct testca_spec root = {
        .subject = "CN=root", .is_ca = true, .name_constraints = "permitted;RID:1.2.3"};
    struct testca_spec leaf = {.subject = "CN=leaf", .san = "RID:1.2.3"};
    struct testca_spec other = {.subject = "CN=leaf", .san = "DNS:moon"};
    struct testca_cert *r = testca_issue(&root, NULL), *l = testca_issue(&leaf, r),
                       *o = testca_issue(&other, r);
    struct trust_verdict v = judge((struct testca_cert *[]){l, r}, 2);
    assert_string_equal(v.why.what,
                        "certificate CN=leaf has a name under a constraint that is not supported");
    assert_string_equal(v.why.got, "registeredID:1.2.3");
    assert_true(judge((struct testca_cert *[]){o, r}, 2).is_trusted);
    testca_free(r);
    testca_free(l);
    testca_free(o);
}

static void the_host_of_an_address_is_what_stands_behind_the_user(void **state)
{
    (void)state;
    static const struct {
        const char *uri;
        bool is_allowed;
    } cases[] = {
        {"URI:http://user@example.org/",             true },
        {"URI:http://example.org@evil.test/",        false},
        {"URI:http://evil.test/@example.org",        false},
        {"URI:http://192.0.2.1/",                    false},
        {"URI:http://[2001:db8::1]/",                false},
        {"URI:http://evil.test?http://example.org/", false},
    };
    struct testca_cert *r = testca_issue(
        &(struct testca_spec){
            .subject = "CN=root", .is_ca = true, .name_constraints = "permitted;URI:example.org"},
        NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct testca_cert *l =
            testca_issue(&(struct testca_spec){.subject = "CN=leaf", .san = cases[i].uri}, r);
        struct trust_verdict v = judge((struct testca_cert *[]){l, r}, 2);
        if (v.is_trusted != cases[i].is_allowed)
            fail_msg("%s: %s", cases[i].uri, v.why.what);
        testca_free(l);
    }
    testca_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_judged_as_openssl_does),
        cmocka_unit_test(a_constraint_binds_everything_below_the_ca),
        cmocka_unit_test(the_host_of_an_address_is_what_stands_behind_the_user),
        cmocka_unit_test(a_constrained_name_of_an_unserved_kind_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
