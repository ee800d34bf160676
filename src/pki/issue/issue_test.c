/* SPDX-License-Identifier: Apache-2.0 */
/* What is issued is read back by what reads certificates, requests, revocation lists and attribute
 * certificates; who may not issue is refused. What each option becomes, byte by byte, is compared in
 * tests/pki. */
#include "pki/acert.h"
#include "pki/crl.h"
#include "pki/issue/issue.h"
#include "pki/issue/request.h"
#include "support/test.h"

enum { NOW = 1700000000, DAY = 86400 };

struct fixture {
    struct arena *a;
    struct pkey *ca_key, *key;
    struct span name, ca_name;
    struct cert *ca;
    struct issue_signer by;
};

static const uint8_t serial[] = {0x7f, 1, 2, 3};
static const uint8_t cn_a[] = {0x30, 0x0c, 0x31, 0x0a, 0x30, 0x08, 0x06,
                               0x03, 0x55, 0x04, 0x03, 0x13, 0x01, 'a'};
static const uint8_t cn_ca[] = {0x30, 0x0d, 0x31, 0x0b, 0x30, 0x09, 0x06, 0x03,
                                0x55, 0x04, 0x03, 0x13, 0x02, 'c',  'a'};

static struct issue_cert plain(const struct fixture *f, struct pkey *key)
{
    return (struct issue_cert){
        .serial = span_of(serial, sizeof(serial)),
        .subject = f->name,
        .not_before = NOW,
        .not_after = NOW + DAY,
        .key = key,
        .path_len = -1,
        .require_explicit_policy = -1,
        .inhibit_policy_mapping = -1,
        .inhibit_any_policy = -1,
    };
}

/* NULL with the reason in d. */
static struct cert *issued(const struct fixture *f, const struct issue_cert *c, const struct cert *issuer,
                           struct diag *d)
{
    struct span der;
    if (!issue_certificate(f->a, c, issuer, &f->by, &der, d))
        return NULL;
    struct cert *out = cert_load(der, d);
    if (!out)
        fail_msg("%s", d->what);
    return out;
}

static int begin(void **state)
{
    static struct fixture f;
    struct diag d = {0};
    f = (struct fixture){.a = arena_new(1 << 20),
                         .ca_key = pkey_generate(PKEY_ED25519, 0, &d),
                         .key = pkey_generate(PKEY_ECDSA, 256, &d),
                         .name = span_of(cn_a, sizeof(cn_a)),
                         .ca_name = span_of(cn_ca, sizeof(cn_ca))};
    f.by.key = f.ca_key;
    struct issue_cert c = plain(&f, f.ca_key);
    c.subject = f.ca_name;
    c.flags = ISSUE_CA;
    f.ca = issued(&f, &c, NULL, &d);
    *state = &f;
    return f.ca ? 0 : -1;
}

static int end(void **state)
{
    struct fixture *f = *state;
    cert_unref(f->ca);
    pkey_unref(f->ca_key);
    pkey_unref(f->key);
    arena_free(f->a);
    return 0;
}

static void a_certificate_says_what_was_asked_for(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    struct cert *got = issued(f, &c, f->ca, &d);
    assert_non_null(got);
    assert_string_equal(cert_subject_text(got), "CN=a");
    assert_true(span_equal(cert_issuer_der(got), f->ca_name));
    assert_true(span_equal(cert_serial(got), c.serial));
    assert_int_equal(cert_not_before(got), NOW);
    assert_int_equal(cert_not_after(got), NOW + DAY);
    assert_true(pkey_same(cert_public_key(got), f->key));
    assert_false(cert_is_ca(got));
    assert_true(cert_is_ca(f->ca));
    assert_true(cert_is_self_signed(f->ca));
    cert_unref(got);
}

static void a_certificate_leads_to_its_issuer(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    struct trust_verdict v;
    struct cert *got = issued(f, &c, f->ca, &d);
    struct trust_request req = {
        .leaf = got, .anchors = {.v = &f->ca, .n = 1},
             .now = NOW + 1
    };
    trust_evaluate(&req, &v);
    assert_true(v.is_trusted);
    cert_unref(got);
}

static void only_a_ca_with_the_key_issues(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    struct cert *leaf = issued(f, &c, f->ca, &d);
    f->by.key = f->key;
    assert_null(issued(f, &c, leaf, &d));
    assert_non_null(strstr(d.what, "CN=a is not of a CA"));
    assert_null(issued(f, &c, f->ca, &d));
    assert_non_null(strstr(d.what, "the private key is not that of the certificate of CN=ca"));
    cert_unref(leaf);
}

static void dates_are_in_order_and_have_years_of_four_digits(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    c.not_after = NOW - 1;
    assert_null(issued(f, &c, f->ca, &d));
    c.not_after = INT64_C(253402300800);
    assert_null(issued(f, &c, f->ca, &d));
    assert_non_null(strstr(d.what, "beyond the year 9999"));
    c.not_after--;
    struct cert *last = issued(f, &c, f->ca, &d);
    assert_int_equal(cert_not_after(last), INT64_C(253402300799));
    cert_unref(last);
}

static void a_public_key_signs_nothing(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    struct pkey *public = pkey_load_public(pkey_spki(f->ca_key), &d);
    f->by.key = public;
    assert_null(issued(f, &c, f->ca, &d));
    assert_non_null(strstr(d.what, "cannot sign"));
    pkey_unref(public);
}

static void md5_is_refused(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct issue_cert c = plain(f, f->key);
    f->by = (struct issue_signer){.key = f->key, .digest = "md5"};
    assert_null(issued(f, &c, NULL, &d));
    assert_non_null(strstr(d.what, "md5"));
}

static void a_request_comes_back_whole(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct span der;
    struct issue_name n = {.kind = ISSUE_DNS, .value = span_str("a.example")};
    struct issue_request q = {
        .subject = f->name,
        .key = f->key,
        .names = {&n, 1},
        .profile = span_str("server"),
        .password = span_str("open sesame")
    };
    assert_true(issue_request(f->a, &q, &f->by, &der, &d));
    struct request *r = request_load(der, &d);
    assert_non_null(r);
    assert_true(span_equal(request_subject_der(r), f->name));
    assert_true(span_equal(request_profile(r), q.profile));
    assert_true(span_equal(request_password(r), q.password));
    assert_true(pkey_same(request_public_key(r), f->key));
    assert_non_null(memmem(request_names_der(r).ptr, request_names_der(r).len, "a.example", 9));
    request_free(r);

    uint8_t *forged = arena_alloc(f->a, der.len);
    memcpy(forged, der.ptr, der.len);
    memcpy(memmem(forged, der.len, "a.example", 9), "b", 1);
    assert_null(request_load(span_of(forged, der.len), &d));
    for (size_t len = 0; len < der.len; len += 7)
        assert_null(request_load(span_of(der.ptr, len), &d));
}

static void a_revocation_list_names_whom_it_was_told(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct span der;
    static const uint8_t one[] = {1};
    struct issue_revoked revoked[] = {
        {span_of(serial, sizeof(serial)), NOW - DAY, CRL_KEY_COMPROMISE},
        {span_of(one,    1),              NOW,       -1                }
    };
    struct issue_crl c = {.this_update = NOW,
                          .next_update = NOW + DAY,
                          .number = span_of(one, 1),
                          .revoked = revoked,
                          .n_revoked = 2};
    struct crl_entry e;
    assert_true(issue_crl(f->a, &c, f->ca, &f->by, &der, &d));
    struct crl *crl = crl_load(der, &d);
    assert_true(crl_is_signed_by(crl, f->ca, &d));
    assert_int_equal(crl_count(crl), 2);
    assert_true(crl_find(crl, revoked[0].serial, span_of(NULL, 0), &e));
    assert_int_equal(e.reason, CRL_KEY_COMPROMISE);
    assert_int_equal(e.date, NOW - DAY);
    assert_true(span_equal(crl_number(crl), c.number));
    assert_int_equal(crl_next_update(crl), NOW + DAY);
    crl_unref(crl);

    struct issue_cert leaf = plain(f, f->key);
    struct cert *nobody = issued(f, &leaf, f->ca, &d);
    f->by.key = f->key;
    assert_false(issue_crl(f->a, &c, nobody, &f->by, &der, &d));
    assert_non_null(strstr(d.what, "neither of a CA nor for signing revocation lists"));
    assert_false(issue_crl(f->a, &c, f->ca, &f->by, &der, &d));
    cert_unref(nobody);
}

static void an_attribute_certificate_is_about_its_holder(void **state)
{
    struct fixture *f = *state;
    struct diag d = {0};
    struct span der;
    static const char *const groups[] = {"sales", "finance"};
    struct issue_cert leaf = plain(f, f->key);
    struct cert *holder = issued(f, &leaf, f->ca, &d);
    struct issue_acert c = {.serial = span_of(serial, sizeof(serial)),
                            .holder = holder,
                            .not_before = NOW,
                            .not_after = NOW + 3600,
                            .groups = groups,
                            .n_groups = 2};
    assert_true(issue_acert(f->a, &c, f->ca, &f->by, &der, &d));
    struct acert *got = acert_load(der, &d);
    assert_non_null(got);
    assert_true(acert_is_for(got, holder));
    assert_false(acert_is_for(got, f->ca));
    assert_true(acert_is_signed_by(got, f->ca, &d));
    assert_int_equal(acert_group_count(got), 2);
    assert_true(span_equal(acert_group_at(got, 1).value, span_str("finance")));
    assert_int_equal(acert_not_after(got), NOW + 3600);
    acert_unref(got);

    f->by.key = f->key;
    assert_false(issue_acert(f->a, &c, f->ca, &f->by, &der, &d));
    cert_unref(holder);
}

#define ISSUE_TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ISSUE_TEST(a_certificate_says_what_was_asked_for),
        ISSUE_TEST(a_certificate_leads_to_its_issuer),
        ISSUE_TEST(only_a_ca_with_the_key_issues),
        ISSUE_TEST(dates_are_in_order_and_have_years_of_four_digits),
        ISSUE_TEST(a_public_key_signs_nothing),
        ISSUE_TEST(md5_is_refused),
        ISSUE_TEST(a_request_comes_back_whole),
        ISSUE_TEST(a_revocation_list_names_whom_it_was_told),
        ISSUE_TEST(an_attribute_certificate_is_about_its_holder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
