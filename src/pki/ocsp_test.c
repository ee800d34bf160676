/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP: requests that OpenSSL reads, responses that it made, and who may sign them. */
#include "pki/ocsp.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testocsp.h"
#include <openssl/ocsp.h>
#include <stdlib.h>

enum { ROOT, OTHER, TWIN, LEAF, SAME_SERIAL, DELEGATE, PLAIN, STRANGER, OLD, CAST };

static struct testca_cert *made[CAST];
static struct cert *cert[CAST];

static int set_up(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct {
        struct testca_spec spec;
        int issuer;
    } cast[CAST] = {
        [ROOT] = {{.subject = "C=CH, CN=root", .is_ca = true}, -1},
        [OTHER] = {{.subject = "C=CH, CN=other", .is_ca = true}, -1},
        [TWIN] = {{.subject = "C=CH, CN=root", .is_ca = true}, -1}, /* another key of that name */
        [LEAF] = {{.subject = "C=CH, CN=leaf"}, ROOT},
        [SAME_SERIAL] = {{.subject = "C=CH, CN=same"}, OTHER},
        [DELEGATE] = {{.subject = "C=CH, CN=ocsp", .ext_key_usage = "OCSPSigning"}, ROOT},
        [PLAIN] = {{.subject = "C=CH, CN=plain"}, ROOT},
        [STRANGER] = {{.subject = "C=CH, CN=stranger", .ext_key_usage = "OCSPSigning"}, OTHER},
        [OLD] = {{.subject = "C=CH, CN=old", .ext_key_usage = "OCSPSigning", .not_before = 1, .not_after = TESTCA_NOW - 1}, ROOT},
    };
    /* clang-format on */
    for (size_t i = 0; i < CAST; i++) {
        struct diag d = {0};
        made[i] = testca_issue(&cast[i].spec, cast[i].issuer < 0 ? NULL : made[cast[i].issuer]);
        cert[i] = cert_load(testca_der(made[i]), &d);
        assert_non_null(cert[i]);
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAST; i++) {
        testca_free(made[i]);
        cert_unref(cert[i]);
    }
    return 0;
}

static struct ocsp *answer(struct testocsp_spec spec)
{
    struct diag d = {0};
    spec.issuer = spec.issuer ? spec.issuer : made[ROOT];
    spec.cert = spec.cert ? spec.cert : made[LEAF];
    struct span der = testocsp_make(&spec);
    struct ocsp *o = ocsp_load(der, &d);
    if (!o)
        fail_msg("%s: %s", d.what, d.got);
    assert_true(span_equal(ocsp_der(o), der));
    testocsp_free(der);
    return o;
}

static void what_a_response_says_is_read(void **state)
{
    (void)state;
    struct ocsp_single s;
    struct ocsp *o = answer((struct testocsp_spec){
        .this_update = 1000, .next_update = 2000, .nonce = span_str("0123456789abcdef")});
    assert_true(ocsp_find(o, cert[LEAF], cert[ROOT], &s));
    assert_int_equal(s.status, OCSP_IS_GOOD);
    assert_int_equal(s.this_update, 1000);
    assert_int_equal(s.next_update, 2000);
    assert_true(span_equal(ocsp_nonce(o), span_str("0123456789abcdef")));
    assert_string_equal(ocsp_responder_text(o), "C=CH, CN=root");
    ocsp_unref(o);
    o = answer((struct testocsp_spec){.status = 'r',
                                      .revoked_at = 500,
                                      .reason = CRL_SUPERSEDED + 1,
                                      .next_update = -1,
                                      .is_by_key = true});
    assert_true(ocsp_find(o, cert[LEAF], cert[ROOT], &s));
    assert_int_equal(s.status, OCSP_IS_REVOKED);
    assert_int_equal(s.revoked_at, 500);
    assert_int_equal(s.reason, CRL_SUPERSEDED);
    assert_true(s.next_update == INT64_MAX);
    assert_int_equal(ocsp_nonce(o).len, 0);
    assert_int_equal(strlen(ocsp_responder_text(o)), 40);
    ocsp_unref(o);
    o = answer((struct testocsp_spec){.status = 'u'});
    assert_true(ocsp_find(o, cert[LEAF], cert[ROOT], &s));
    assert_int_equal(s.status, OCSP_IS_UNKNOWN);
    ocsp_unref(o);
}

static void an_answer_is_about_one_certificate_of_one_issuer(void **state)
{
    (void)state;
    static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
    struct ocsp_single s;
    for (size_t i = 0; i < ARRAY_LEN(digests); i++) {
        struct ocsp *o = answer((struct testocsp_spec){.id_digest = digests[i]});
        assert_true(ocsp_find(o, cert[LEAF], cert[ROOT], &s));
        assert_false(ocsp_find(o, cert[PLAIN], cert[ROOT], &s));
        assert_false(ocsp_find(o, cert[LEAF], cert[OTHER], &s));
        assert_false(ocsp_find(o, cert[LEAF], cert[TWIN], &s));
        ocsp_unref(o);
    }
    struct ocsp *o = answer((struct testocsp_spec){.id_digest = "MD5"});
    assert_false(ocsp_find(o, cert[LEAF], cert[ROOT], &s));
    ocsp_unref(o);
}

struct signer_row {
    int signer;
    bool has_cert, is_configured, is_wrong, is_by_key;
    const char *digest;
    const char *what; /* NULL: believed */
};

static void only_the_issuer_and_whom_it_or_the_operator_appoints_are_believed(void **state)
{
    (void)state;
    /* clang-format off */
    static const struct signer_row rows[] = {
        {.signer = ROOT},
        {.signer = ROOT, .is_by_key = true},
        {.signer = ROOT, .has_cert = true, .digest = "SHA512"},
        {.signer = ROOT, .is_wrong = true, .what = "the OCSP response of C=CH, CN=root has a wrong signature"},
        {.signer = ROOT, .digest = "SHA1", .what = "the OCSP response of C=CH, CN=root is signed with a weak hash"},
        {.signer = DELEGATE, .has_cert = true},
        {.signer = DELEGATE, .has_cert = true, .is_by_key = true},
        {.signer = DELEGATE, .has_cert = true, .is_wrong = true, .what = "the OCSP response of C=CH, CN=ocsp has a wrong signature"},
        {.signer = DELEGATE, .what = "the OCSP response of C=CH, CN=ocsp is of a responder that is not known"},
        {.signer = DELEGATE, .is_configured = true},
        {.signer = PLAIN, .has_cert = true, .what = "the OCSP response of C=CH, CN=plain is of a responder whose certificate does not allow it"},
        {.signer = STRANGER, .has_cert = true, .what = "the OCSP response of C=CH, CN=stranger is of a responder that the issuer did not appoint"},
        {.signer = STRANGER, .is_configured = true},
        {.signer = STRANGER, .is_configured = true, .is_wrong = true, .what = "the OCSP response of C=CH, CN=stranger has a wrong signature"},
        {.signer = OLD, .has_cert = true, .what = "the OCSP response of C=CH, CN=old is of a responder whose certificate is not valid"},
        {.signer = OTHER, .has_cert = true, .what = "the OCSP response of C=CH, CN=other is of a responder that the issuer did not appoint"},
    };
    /* clang-format on */
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct signer_row *r = &rows[i];
        struct ocsp *o = answer((struct testocsp_spec){.signer = made[r->signer],
                                                       .has_signer_cert = r->has_cert,
                                                       .digest = r->digest,
                                                       .is_by_key = r->is_by_key,
                                                       .has_wrong_signature = r->is_wrong});
        struct cert_list configured = {.v = &cert[r->signer], .n = r->is_configured};
        struct diag why = {0};
        bool is_ok = ocsp_is_signed_for(o, cert[ROOT], &configured, TESTCA_NOW, &why);
        if (is_ok != !r->what || (r->what && strcmp(why.what, r->what)))
            fail_msg("row %zu: %s", i, is_ok ? "believed" : why.what);
        ocsp_unref(o);
    }
}

static void what_is_no_answer_is_refused_with_a_reason(void **state)
{
    (void)state;
    struct testocsp_spec later = {
        .issuer = made[ROOT], .cert = made[LEAF], .response_status = OCSP_RESPONSE_STATUS_TRYLATER};
    struct testocsp_spec good = {.issuer = made[ROOT], .cert = made[LEAF]};
    struct span der = testocsp_make(&later);
    struct diag d = {0};
    assert_null(ocsp_load(der, &d));
    assert_string_equal(d.got, "trylater");
    testocsp_free(der);
    der = testocsp_make(&good);
    struct span bad[] = {span_of(NULL, 0), span_str("<html>"), span_of(der.ptr, der.len - 1),
                         testca_der(made[ROOT])};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_null(ocsp_load(bad[i], &d));
        assert_string_equal(d.what, "no OCSP response that can be used");
    }
    testocsp_free(der);
}

static void a_request_asks_for_the_certificate_with_our_nonce(void **state)
{
    (void)state;
    uint8_t buf[OCSP_REQUEST_MAX];
    struct span nonce = span_str("0123456789abcdef0123456789abcdef");
    size_t len = ocsp_request_make(cert[LEAF], cert[ROOT], nonce, buf);
    const uint8_t *at = buf, *leaf_at = testca_der(made[LEAF]).ptr, *root_at = testca_der(made[ROOT]).ptr;
    OCSP_REQUEST *r = d2i_OCSP_REQUEST(NULL, &at, (long)len);
    X509 *leaf = d2i_X509(NULL, &leaf_at, (long)testca_der(made[LEAF]).len);
    X509 *root = d2i_X509(NULL, &root_at, (long)testca_der(made[ROOT]).len);
    assert_non_null(r);
    assert_int_equal(OCSP_request_onereq_count(r), 1);
    OCSP_CERTID *want = OCSP_cert_to_id(NULL, leaf, root);
    assert_int_equal(OCSP_id_cmp(want, OCSP_onereq_get0_id(OCSP_request_onereq_get0(r, 0))), 0);
    X509_EXTENSION *e = OCSP_REQUEST_get_ext(r, OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, -1));
    assert_non_null(e);
    const ASN1_OCTET_STRING *value = X509_EXTENSION_get_data(e);
    assert_int_equal(ASN1_STRING_length(value), 34); /* an OCTET STRING in it [RFC8954] */
    assert_memory_equal(ASN1_STRING_get0_data(value) + 2, nonce.ptr, nonce.len);
    OCSP_CERTID_free(want);
    OCSP_REQUEST_free(r);
    X509_free(leaf);
    X509_free(root);
    assert_true(ocsp_request_make(cert[LEAF], cert[ROOT], span_of(NULL, 0), buf) > 0);
    uint8_t huge[64] = {0};
    assert_int_equal(ocsp_request_make(cert[LEAF], cert[ROOT], span_of(huge, sizeof(huge)), buf), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_response_says_is_read),
        cmocka_unit_test(an_answer_is_about_one_certificate_of_one_issuer),
        cmocka_unit_test(only_the_issuer_and_whom_it_or_the_operator_appoints_are_believed),
        cmocka_unit_test(what_is_no_answer_is_refused_with_a_reason),
        cmocka_unit_test(a_request_asks_for_the_certificate_with_our_nonce),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
