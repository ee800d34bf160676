/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs and OCSP responses in CERT payloads decide about the peer's certificate, as many of them as are looked
 * at. */
#include "ike/v2/ike_auth.h"
#include "pki/ocsp.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testcrl.h"
#include "support/testocsp.h"
#include <stdlib.h>

static struct testca_cert *root, *leaf;

static int setup(void **state)
{
    (void)state;
    root = testca_issue(&(struct testca_spec){.subject = "CN=root", .is_ca = true}, NULL);
    leaf = testca_issue(&(struct testca_spec){.subject = "CN=leaf"}, root);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    testca_free(root);
    testca_free(leaf);
    return 0;
}

static struct cert *seen(const struct testca_cert *made)
{
    struct diag d = {0};
    return cert_load(testca_der(made), &d);
}

/* A strict verification with these payloads in the message. */
static struct job *verification(struct ike_payload *v, size_t n)
{
    struct job *j = mem_new(sizeof(*j));
    const struct ike_message m = {.v = v, .n = n};
    struct cert **anchor;
    j->kind = JOB_VERIFY;
    j->arena = arena_new(1 << 20);
    anchor = arena_alloc(j->arena, sizeof(struct cert *));
    *anchor = seen(root);
    j->trust.leaf = seen(leaf);
    j->trust.anchors = (struct cert_list){anchor, 1};
    j->trust.now = TESTCA_NOW;
    j->trust.revocation = REVOCATION_STRICT;
    cert_take_news(&m, j);
    trust_evaluate(&j->trust, &j->verdict);
    return j;
}

static struct ike_payload payload(uint8_t encoding, struct span data)
{
    return (struct ike_payload){
        .type = PAYLOAD_CERT, .cert = {.encoding = encoding, .data = data}
    };
}

static void a_response_of_the_authority_that_the_peer_sends_is_believed(void **state)
{
    (void)state;
    static const char *const expected[] = {NULL, "was revoked", "not known whether"};
    for (int i = 0; i < 3; i++) {
        struct span der = testocsp_make(&(struct testocsp_spec){
            .issuer = root, .cert = leaf, .status = i == 1 ? 'r' : 'g', .has_wrong_signature = i == 2});
        struct ike_payload v[] = {payload(CERT_X509_SIGNATURE, testca_der(leaf)),
                                  payload(CERT_OCSP_CONTENT, der)};
        struct job *j = verification(v, ARRAY_LEN(v));
        assert_int_equal(j->trust.n_ocsps, 1);
        assert_int_equal(j->verdict.is_trusted, !expected[i]);
        assert_true(!expected[i] || strstr(j->verdict.why.what, expected[i]));
        job_free(j);
        testocsp_free(der);
    }
}

static void a_crl_of_the_authority_that_the_peer_sends_is_believed(void **state)
{
    (void)state;
    struct testcrl_entry e = {.cert = leaf};
    for (size_t n = 0; n < 2; n++) {
        struct span der = testcrl_make(&(struct testcrl_spec){.entries = &e, .n = n}, root);
        struct ike_payload v[] = {payload(CERT_CRL, der)};
        struct job *j = verification(v, 1);
        assert_int_equal(j->trust.n_crls, 1);
        assert_int_equal(j->verdict.is_trusted, n == 0);
        job_free(j);
        testcrl_free(der);
    }
}

static void what_is_none_is_passed_over_and_too_many_are_not_looked_at(void **state)
{
    (void)state;
    struct span crl = testcrl_make(&(struct testcrl_spec){0}, root);
    struct ike_payload v[32];
    for (size_t i = 0; i < ARRAY_LEN(v); i++)
        v[i] = i % 2 ? payload(CERT_CRL, crl) : payload(CERT_OCSP_CONTENT, span_str("no response"));
    struct job *j = verification(v, ARRAY_LEN(v));
    assert_int_equal(j->trust.n_crls, 8);
    assert_int_equal(j->trust.n_ocsps, 0);
    assert_true(j->verdict.is_trusted);
    job_free(j);
    v[0] = payload(CERT_CRL, testca_der(root));
    v[1] = payload(CERT_HASH_AND_URL, crl);
    j = verification(v, 2);
    assert_int_equal(j->trust.n_crls + j->trust.n_ocsps, 0);
    job_free(j);
    testcrl_free(crl);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_response_of_the_authority_that_the_peer_sends_is_believed),
        T(a_crl_of_the_authority_that_the_peer_sends_is_believed),
        T(what_is_none_is_passed_over_and_too_many_are_not_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
