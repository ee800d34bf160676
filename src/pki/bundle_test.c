/* SPDX-License-Identifier: Apache-2.0 */
/* Bundles (RFC 7296 section 3.6): order, kinds, bounds, rubbish. */
#include "pki/bundle.h"
#include "pki/crl.h"
#include "support/bundle.h"
#include "support/test.h"
#include "support/testcrl.h"
#include <stdio.h>

static struct testca_cert *root, *leaf;
static struct span crl;

static int set_up(void **state)
{
    (void)state;
    root = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    leaf = testca_issue(&(struct testca_spec){.subject = "CN=leaf"}, root);
    crl = testcrl_make(&(struct testcrl_spec){.number = "7"}, root);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    testcrl_free(crl);
    testca_free(leaf);
    testca_free(root);
    return 0;
}

static void certificates_and_crls_come_in_their_order(void **state)
{
    (void)state;
    struct bundle_part parts[] = {
        {testca_der(leaf), false},
        {crl,              true },
        {testca_der(root), false}
    };
    struct secret s = testbundle_make(parts, ARRAY_LEN(parts));
    struct bundle b;
    struct diag d = {0};
    assert_true(bundle_load(secret_view(&s), &b, &d));
    assert_int_equal(b.n_certs, 2);
    assert_int_equal(b.n_crls, 1);
    assert_span_equal(cert_der(b.certs[0]), testca_der(leaf));
    assert_span_equal(cert_der(b.certs[1]), testca_der(root));
    assert_span_equal(crl_der(b.crls[0]), crl);
    bundle_free(&b);
    assert_int_equal(b.n_certs + b.n_crls, 0);
    secret_free(&s);
}

static void refused(struct span s, const char *why)
{
    struct bundle b;
    struct diag d = {0};
    assert_false(bundle_load(s, &b, &d));
    assert_int_equal(b.n_certs + b.n_crls, 0);
    assert_non_null(strstr(d.what, why));
}

static void more_than_there_is_room_for_is_refused(void **state)
{
    (void)state;
    struct bundle_part parts[BUNDLE_CERTS_MAX + 1];
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        parts[i] = (struct bundle_part){testca_der(leaf), false};
    struct secret s = testbundle_make(parts, ARRAY_LEN(parts));
    refused(secret_view(&s), "more than 16 certificates");
    secret_free(&s);
    for (size_t i = 0; i <= BUNDLE_CRLS_MAX; i++)
        parts[i] = (struct bundle_part){crl, true};
    s = testbundle_make(parts, BUNDLE_CRLS_MAX + 1);
    refused(secret_view(&s), "more than 8 CRLs");
    secret_free(&s);
}

static void what_is_no_bundle_is_refused(void **state)
{
    (void)state;
    struct bundle_part wrong = {crl, false}, part = {testca_der(leaf), false};
    struct secret none = testbundle_make(NULL, 0), mixed = testbundle_make(&wrong, 1),
                  good = testbundle_make(&part, 1), more = secret_new(good.len + 1);
    memcpy(more.ptr, good.ptr, good.len);
    refused(secret_view(&none), "no bundle");
    refused(secret_view(&mixed), "no bundle");
    refused(secret_view(&more), "no bundle");
    refused(span_of(NULL, 0), "no bundle");
    refused(testca_der(leaf), "no bundle");
    for (size_t len = 1; len < good.len; len++)
        refused(span_of(good.ptr, len), "no bundle");
    secret_free(&none);
    secret_free(&mixed);
    secret_free(&good);
    secret_free(&more);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(certificates_and_crls_come_in_their_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(more_than_there_is_room_for_is_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_bundle_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
