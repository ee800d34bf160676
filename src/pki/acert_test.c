/* SPDX-License-Identifier: Apache-2.0 */
/* Attribute certificates: what is read out of one that strongSwan's tool made, whom it is for, who signed it,
 * and bytes that are none. */
#include "pki/acert.h"
#include "support/acerts.h"
#include "support/test.h"
#include "support/testca.h"
#include <openssl/pem.h>
#include <stdlib.h>

static struct acert *load(const char *pem)
{
    struct diag d = {0};
    struct acert *a = acert_load(span_str(pem), &d);
    if (!a)
        fail_msg("%s; %s; %s", d.what, d.expected, d.got);
    return a;
}

static struct cert *load_cert(const char *pem)
{
    struct diag d = {0};
    struct cert *c = cert_load(span_str(pem), &d);
    if (!c)
        fail_msg("%s", d.what);
    return c;
}

static void fields_are_read(void **state)
{
    (void)state;
    struct acert *a = load(acert_groups);
    struct cert *aa = load_cert(acert_authority), *holder = load_cert(acert_holder);
    assert_span_equal(acert_issuer_der(a), cert_subject_der(aa));
    assert_span_equal(acert_holder_issuer(a), cert_subject_der(aa));
    assert_span_equal(acert_holder_name(a), cert_subject_der(holder));
    assert_span_equal(acert_holder_serial(a), hex("0080aa"));
    assert_span_equal(acert_serial(a), hex("07"));
    assert_span_equal(acert_authority_key_id(a), hex("cac45acb60c93cc0ad687c6f4c2c191bab8fdf5d"));
    assert_int_equal(acert_not_before(a), 1735689600);
    assert_int_equal(acert_not_after(a), 2366841600);
    assert_string_equal(acert_unknown_critical(a), "");
    assert_int_equal(acert_group_count(a), 2);
    assert_span_equal(acert_group_at(a, 0).value, span_str("sales"));
    assert_span_equal(acert_group_at(a, 1).value, span_str("x y"));
    assert_int_equal(acert_group_at(a, 1).kind, ACERT_GROUP_TEXT);
    cert_unref(aa);
    cert_unref(holder);
    acert_unref(a);
}

static void it_is_for_its_holder_alone(void **state)
{
    (void)state;
    struct acert *a = load(acert_groups);
    struct cert *aa = load_cert(acert_authority), *holder = load_cert(acert_holder);
    struct testca_cert *root =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=AA", .is_ca = true}, NULL);
    struct testca_cert *twin =
        testca_issue(&(struct testca_spec){.subject = "C=CH, O=Keyway, CN=moon"}, root);
    struct diag d = {0};
    struct cert *same_name = cert_load(testca_der(twin), &d);
    assert_true(acert_is_for(a, holder));
    assert_false(acert_is_for(a, aa));
    assert_false(acert_is_for(a, same_name)); /* of the same issuer, with another serial number */
    cert_unref(same_name);
    testca_free(twin);
    testca_free(root);
    cert_unref(aa);
    cert_unref(holder);
    acert_unref(a);
}

static void its_signature_is_verified(void **state)
{
    (void)state;
    struct acert *a = load(acert_groups);
    struct cert *aa = load_cert(acert_authority), *holder = load_cert(acert_holder);
    struct testca_cert *root = testca_issue(
        &(struct testca_spec){.subject = "C=CH, O=Keyway, CN=AA", .key_usage = "keyAgreement"}, NULL);
    struct testca_cert *signer = testca_issue(
        &(struct testca_spec){.subject = "C=CH, O=Keyway, CN=AA", .key_usage = "digitalSignature"}, NULL);
    struct diag d = {0};
    struct cert *usage = cert_load(testca_der(root), &d), *key = cert_load(testca_der(signer), &d);
    assert_true(acert_is_signed_by(a, aa, &d));
    assert_false(acert_is_signed_by(a, holder, &d));
    assert_non_null(strstr(d.what, "is not of C=CH, O=Keyway, CN=moon"));
    assert_false(acert_is_signed_by(a, usage, &d));
    assert_non_null(strstr(d.what, "no digitalSignature"));
    assert_false(acert_is_signed_by(a, key, &d));
    assert_non_null(strstr(d.what, "was not signed with the key"));
    cert_unref(usage);
    cert_unref(key);
    testca_free(root);
    testca_free(signer);
    cert_unref(aa);
    cert_unref(holder);
    acert_unref(a);
}

static void each_broken_byte_is_refused_or_breaks_the_signature(void **state)
{
    (void)state;
    struct acert *good = load(acert_groups);
    struct cert *aa = load_cert(acert_authority);
    struct span der = acert_der(good);
    uint8_t *copy = malloc(der.len);
    assert_non_null(copy);
    for (size_t at = 0; at < der.len; at++) {
        struct diag d = {0};
        memcpy(copy, der.ptr, der.len);
        copy[at] ^= 0x04;
        struct acert *a = acert_load(span_of(copy, der.len), &d);
        assert_true(a || diag_failed(&d));
        assert_false(a && acert_is_signed_by(a, aa, &d));
        acert_unref(a);
        a = acert_load(span_of(der.ptr, at), &d);
        assert_null(a);
    }
    free(copy);
    cert_unref(aa);
    acert_unref(good);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_are_read),
        cmocka_unit_test(it_is_for_its_holder_alone),
        cmocka_unit_test(its_signature_is_verified),
        cmocka_unit_test(each_broken_byte_is_refused_or_breaks_the_signature),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
