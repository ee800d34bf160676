/* SPDX-License-Identifier: Apache-2.0 */
/* The OCSP responder: its responses as the client of src/pki/ocsp.h reads them, its index, and who may sign.
 */
#include "base/text.h"
#include "pki/ocsp.h"
#include "pki/respond.h"
#include "support/test.h"
#include "support/testca.h"
#include <stdio.h>
#include <stdlib.h>

static struct testca_cert *made[5];
static struct cert *ca, *leaf, *delegate, *stranger, *other;
static struct pkey *ca_key, *delegate_key;

static struct cert *issue(size_t i, const struct testca_spec *spec, const struct testca_cert *issuer)
{
    struct diag d = {0};
    made[i] = testca_issue(spec, issuer);
    struct cert *c = cert_load(testca_der(made[i]), &d);
    if (!c)
        fail_msg("%s", d.what);
    return c;
}

static int make(void **state)
{
    (void)state;
    struct diag d = {0};
    ca = issue(0, &(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
    leaf = issue(1, &(struct testca_spec){.subject = "CN=leaf"}, made[0]);
    delegate = issue(
        2, &(struct testca_spec){.subject = "CN=ocsp", .key = TESTCA_ED25519, .ext_key_usage = "OCSPSigning"},
        made[0]);
    other = issue(3, &(struct testca_spec){.subject = "CN=other", .is_ca = true}, NULL);
    stranger = issue(4, &(struct testca_spec){.subject = "CN=ocsp", .ext_key_usage = "OCSPSigning"}, made[3]);
    ca_key = pkey_load_private(testca_key_der(made[0]), span_of(NULL, 0), &d);
    delegate_key = pkey_load_private(testca_key_der(made[2]), span_of(NULL, 0), &d);
    return ca_key && delegate_key ? 0 : -1;
}

static int unmake(void **state)
{
    (void)state;
    struct cert *certs[] = {ca, leaf, delegate, stranger, other};
    for (size_t i = 0; i < ARRAY_LEN(certs); i++)
        cert_unref(certs[i]);
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        testca_free(made[i]);
    pkey_unref(ca_key);
    pkey_unref(delegate_key);
    return 0;
}

static struct respond_query *ask(struct span nonce)
{
    static uint8_t buf[OCSP_REQUEST_MAX];
    struct diag d = {0};
    size_t len = ocsp_request_make(leaf, ca, nonce, buf);
    struct respond_query *q = respond_query_load(span_of(buf, len), &d);
    if (!q)
        fail_msg("%s", d.what);
    return q;
}

static struct respond_index *index_of(const char *text)
{
    struct diag d = {0};
    struct respond_index *x = respond_index_load(span_str(text), &d);
    if (!x)
        fail_msg("%s", d.what);
    return x;
}

/* A line about the leaf. */
static struct respond_index *leaf_is(const char *status, const char *revoked)
{
    char line[512], serial[128] = "";
    struct respond_query *q = ask(span_of(NULL, 0));
    struct text t = TEXT_ON(serial);
    text_hex(&t, respond_query_at(q, 0).serial);
    respond_query_free(q);
    snprintf(line, sizeof(line),
             "V\t300101000000Z\t\t01\tunknown\t/CN=a\n%s\t300101000000Z\t%s\t%s\tunknown\t/CN=b\n", status,
             revoked, serial);
    return index_of(line);
}

/* What the client finds; it verifies the signature first. */
static struct ocsp_single respond(const struct respond_index *x, struct respond_signer signer,
                                  struct span nonce, int64_t lifetime)
{
    struct respond_ca cas[] = {
        {other, NULL},
        {ca,    x   }
    };
    struct respond_query *q = ask(nonce);
    struct secret der = {0};
    struct diag d = {0};
    struct ocsp_single found = {0};
    assert_true(respond_may_sign(q, cas, 2, signer.cert));
    if (!respond_make(q, cas, 2, &signer, TESTCA_NOW, lifetime, &der, &d))
        fail_msg("%s", d.what);
    struct ocsp *o = ocsp_load(secret_view(&der), &d);
    assert_non_null(o);
    if (!ocsp_is_signed_for(o, ca, NULL, TESTCA_NOW, &d))
        fail_msg("%s", d.what);
    assert_span_equal(ocsp_nonce(o), nonce);
    assert_int_equal(ocsp_produced_at(o), TESTCA_NOW);
    assert_true(ocsp_find(o, leaf, ca, &found));
    assert_int_equal(found.this_update, TESTCA_NOW);
    assert_int_equal(found.next_update, lifetime ? TESTCA_NOW + lifetime : INT64_MAX);
    ocsp_unref(o);
    secret_free(&der);
    respond_query_free(q);
    return found;
}

static void the_client_finds_what_the_index_says(void **state)
{
    (void)state;
    struct respond_signer by_ca = {.cert = ca, .key = ca_key},
                          by_delegate = {.cert = delegate, .key = delegate_key};
    struct respond_index *x = leaf_is("V", "");
    assert_int_equal(respond_index_count(x), 2);
    assert_int_equal(respond(x, by_ca, span_of(NULL, 0), 0).status, OCSP_IS_GOOD);
    assert_int_equal(respond(x, by_delegate, hex("00112233445566778899aabbccddeeff"), 3600).status,
                     OCSP_IS_GOOD);
    respond_index_free(x);
    x = leaf_is("R", "260101000000Z,keyCompromise");
    struct ocsp_single found = respond(x, by_delegate, hex("01"), 60);
    assert_int_equal(found.status, OCSP_IS_REVOKED);
    assert_int_equal(found.reason, CRL_KEY_COMPROMISE);
    assert_int_equal(found.revoked_at, 1767225600);
    respond_index_free(x);
    x = index_of("");
    assert_int_equal(respond(x, by_ca, span_of(NULL, 0), 0).status, OCSP_IS_UNKNOWN);
    respond_index_free(x);
    assert_int_equal(respond(NULL, by_ca, span_of(NULL, 0), 0).status, OCSP_IS_UNKNOWN);
}

static void who_was_not_appointed_may_not_sign(void **state)
{
    (void)state;
    struct respond_ca cas[] = {
        {ca,    NULL},
        {other, NULL}
    };
    struct respond_query *q = ask(span_of(NULL, 0));
    assert_true(respond_may_sign(q, cas, 2, ca));
    assert_true(respond_may_sign(q, cas, 2, delegate));
    assert_false(respond_may_sign(q, cas, 2, leaf));     /* not for OCSP */
    assert_false(respond_may_sign(q, cas, 2, stranger)); /* of another CA */
    assert_false(respond_may_sign(q, cas, 2, other));
    assert_false(respond_may_sign(q, cas + 1, 1, other)); /* nobody here may */
    assert_ptr_equal(respond_issuer(q, 0, cas, 2), &cas[0]);
    assert_null(respond_issuer(q, 0, cas + 1, 1));
    respond_query_free(q);
}

static void lines_that_are_not_openssls_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "V\n",
        "X\t300101000000Z\t\t01\tunknown\t/CN=a\n",
        "V\t300101000000Z\t\t\tunknown\t/CN=a\n",
        "V\t300101000000Z\t\tzz\tunknown\t/CN=a\n",
        "V\t300101000000Z\t\t01\tunknown\n",
        "R\t300101000000Z\t\t01\tunknown\t/CN=a\n",
        "R\t300101000000Z\tyesterday\t01\tunknown\t/CN=a\n",
        "\n\nV V V\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct diag d = {0};
        assert_null(respond_index_load(span_str(bad[i]), &d));
        assert_non_null(strstr(d.what, i + 1 == ARRAY_LEN(bad) ? "line 3" : "line 1"));
    }
    struct respond_index *x =
        index_of("E\t200101000000Z\t\t00AB\tunknown\t/"
                 "CN=a\nR\t300101000000Z\t20260101000000Z,whatever\tCD\tunknown\t/CN=a");
    struct respond_ca with = {ca, x};
    assert_int_equal(respond_look_up(&with, hex("ab")).status, RESPOND_GOOD);
    assert_int_equal(respond_look_up(&with, hex("00cd")).status, RESPOND_REVOKED);
    assert_int_equal(respond_look_up(&with, hex("cd")).reason, -1);
    assert_int_equal(respond_look_up(&with, hex("cd00")).status, RESPOND_UNKNOWN);
    respond_index_free(x);
}

static void requests_that_are_none_are_refused(void **state)
{
    (void)state;
    uint8_t buf[OCSP_REQUEST_MAX + 1];
    size_t len = ocsp_request_make(leaf, ca, hex("0011"), buf);
    for (size_t n = 0; n < len; n++) {
        struct diag d = {0};
        assert_null(respond_query_load(span_of(buf, n), &d));
        assert_true(diag_failed(&d));
    }
    struct diag d = {0};
    buf[len] = 0;
    assert_null(respond_query_load(span_of(buf, len + 1), &d));
    assert_null(respond_query_load(hex("3004 3002 3000"), &d)); /* about nothing */
}

static void errors_have_no_answer(void **state)
{
    (void)state;
    struct secret out = {0};
    respond_error(6, &out);
    assert_span_equal(secret_view(&out), hex("30030a0106"));
    secret_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_client_finds_what_the_index_says),
        cmocka_unit_test(who_was_not_appointed_may_not_sign),
        cmocka_unit_test(lines_that_are_not_openssls_are_refused),
        cmocka_unit_test(requests_that_are_none_are_refused),
        cmocka_unit_test(errors_have_no_answer),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
