/* SPDX-License-Identifier: Apache-2.0 */
/* EST's client: paths, requests, and answers made by OpenSSL. */
#include "pki/est.h"
#include "base/text.h"
#include "support/test.h"
#include "support/testca.h"
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <stdlib.h>

#define TYPE "application/pkcs7-mime"

static struct testca_cert *made[3];

static int make(void **state)
{
    (void)state;
    made[0] = testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
    made[1] = testca_issue(&(struct testca_spec){.subject = "CN=leaf", .key = TESTCA_ED25519}, made[0]);
    made[2] = testca_issue(&(struct testca_spec){.subject = "CN=leaf"}, made[0]);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(made); i++)
        testca_free(made[i]);
    return 0;
}

/* A certs-only message with made[i] n times; the caller frees it. tail: what follows the message. */
static struct span message(size_t i, int n, const char *tail)
{
    PKCS7 *p7 = PKCS7_new();
    uint8_t *der = NULL;
    struct span leaf = testca_der(made[i]);
    const uint8_t *at = leaf.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)leaf.len);
    PKCS7_set_type(p7, NID_pkcs7_signed);
    PKCS7_content_new(p7, NID_pkcs7_data);
    PKCS7_set_detached(p7, 1);
    for (int k = 0; k < n; k++)
        assert_int_equal(PKCS7_add_certificate(p7, x), 1);
    int len = i2d_PKCS7(p7, &der);
    assert_true(len > 0);
    size_t all = (size_t)len + strlen(tail);
    uint8_t *joined = mem_new(all), *text = mem_new(all * 2 + 8);
    memcpy(joined, der, (size_t)len);
    memcpy(joined + len, tail, strlen(tail));
    int n_text = EVP_EncodeBlock(text, joined, (int)all);
    free(joined);
    OPENSSL_free(der);
    X509_free(x);
    PKCS7_free(p7);
    return span_of(text, (size_t)n_text);
}

static void refuse(struct span body, const char *type, const char *word)
{
    struct certs_only certs;
    struct diag d = {0};
    char line[2048];
    assert_false(est_read(body, type, &certs, &d));
    assert_int_equal(certs.n, 0);
    if (!strstr(diag_format(&d, line, sizeof(line)), word))
        fail_msg("%s: no %s", line, word);
}

static void certificates_of_an_answer_come_out(void **state)
{
    (void)state;
    static const char *const types[] = {TYPE, TYPE "; smime-type=certs-only", "Application/PKCS7-MIME"};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct certs_only certs;
        struct diag d = {0};
        struct span body = message(1, 2, "");
        if (!est_read(body, types[i], &certs, &d))
            fail_msg("%s", d.what);
        assert_int_equal(certs.n, 2);
        assert_true(span_equal(cert_der(certs.v[0]), testca_der(made[1])));
        certs_only_free(&certs);
        assert_int_equal(certs.n, 0);
        free((void *)(uintptr_t)body.ptr);
    }
}

static void counts_and_sizes_are_bounded(void **state)
{
    (void)state;
    static const struct {
        int n;
        bool is_ok;
    } rows[] = {
        {0,                  false},
        {1,                  true },
        {CERTS_ONLY_MAX,     true },
        {CERTS_ONLY_MAX + 1, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct certs_only certs;
        struct diag d = {0};
        struct span body = message(1, rows[i].n, "");
        assert_int_equal(est_read(body, TYPE, &certs, &d), rows[i].is_ok);
        assert_int_equal(diag_failed(&d), !rows[i].is_ok);
        assert_int_equal(certs.n, rows[i].is_ok ? rows[i].n : 0);
        certs_only_free(&certs);
        free((void *)(uintptr_t)body.ptr);
    }
    uint8_t *huge = mem_new(EST_ANSWER_MAX + 1);
    memset(huge, 'A', EST_ANSWER_MAX + 1);
    refuse(span_of(huge, EST_ANSWER_MAX + 1), TYPE, "longer than");
    refuse(span_of(huge, EST_ANSWER_MAX), TYPE, "certs-only");
    free(huge);
}

static void what_is_no_answer_is_refused(void **state)
{
    (void)state;
    struct span body = message(1, 1, ""), tail = message(1, 1, "x");
    refuse(body, "text/html", "got text/html");
    refuse(body, "application/pkcs7-mimes", "another type");
    refuse(body, "", "got none");
    refuse(tail, TYPE, "certs-only");
    refuse(span_of(body.ptr, body.len / 2 / 4 * 4), TYPE, "certs-only");
    refuse(span_str("<html></html>"), TYPE, "no base64");
    refuse(span_str(""), TYPE, "got 0 bytes");
    free((void *)(uintptr_t)body.ptr);
    free((void *)(uintptr_t)tail.ptr);
}

static void only_a_certificate_for_the_key_is_taken(void **state)
{
    (void)state;
    struct certs_only certs;
    struct diag d = {0};
    struct span body = message(1, 1, "");
    struct pkey *key = pkey_load_private(testca_key_der(made[1]), span_of(NULL, 0), &d);
    struct pkey *other = pkey_load_private(testca_key_der(made[2]), span_of(NULL, 0), &d);
    assert_true(est_read(body, TYPE, &certs, &d));
    assert_ptr_equal(certs_only_issued(&certs, key, &d), certs.v[0]);
    assert_null(certs_only_issued(&certs, other, &d));
    assert_string_equal(d.got, "CN=leaf");
    certs_only_free(&certs);
    pkey_unref(key);
    pkey_unref(other);
    free((void *)(uintptr_t)body.ptr);
}

static void paths_are_those_of_the_rfc(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct diag d = {0};
    assert_string_equal(est_url(a, "https://h", NULL, "cacerts", &d), "https://h/.well-known/est/cacerts");
    assert_string_equal(est_url(a, "HTTPS://h:1/x//", "a-b.c", "op", &d),
                        "HTTPS://h:1/x/.well-known/est/a-b.c/op");
    static const char *const bases[] = {"http://h", "h", "https://", "", "file:///etc/passwd"};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        assert_null(est_url(a, bases[i], NULL, "cacerts", &d));
    static const char *const labels[] = {"", "a/b", "..", ".", "a?b", "a#b", "a b", "a\r\nb", "\xc3\xa9"};
    for (size_t i = 0; i < ARRAY_LEN(labels); i++)
        assert_null(est_url(a, "https://h", labels[i], "cacerts", &d));
    arena_free(a);
}

static void requests_are_lines_of_base64(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    uint8_t bytes[100], back[100];
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)(i * 7);
    for (size_t n = 0; n <= sizeof(bytes); n++) {
        size_t len = 0, column = 0;
        struct span body = est_body(a, span_of(bytes, n));
        assert_true(base64_decode(body, back, sizeof(back), &len));
        assert_true(span_equal(span_of(back, len), span_of(bytes, n)));
        for (size_t i = 0; i < body.len; i++) {
            column = body.ptr[i] == '\n' ? 0 : column + 1;
            assert_true(column <= 65);
        }
    }
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(certificates_of_an_answer_come_out),
        cmocka_unit_test(counts_and_sizes_are_bounded),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(only_a_certificate_for_the_key_is_taken),
        cmocka_unit_test(paths_are_those_of_the_rfc),
        cmocka_unit_test(requests_are_lines_of_base64),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
