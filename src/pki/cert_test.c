/* SPDX-License-Identifier: Apache-2.0 */
/* Loading certificates, what is read out of them, and bytes that are none. */
#include "pki/cert.h"
#include "support/test.h"
#include "support/testca.h"
#include <stdio.h>
#include <stdlib.h>

static struct testca_cert *root, *leaf;

static int make(void **state)
{
    (void)state;
    struct testca_spec r = {
        .subject = "C=CH, O=Keyway, CN=Root", .is_ca = true, .has_pathlen = true, .pathlen = 2};
    struct testca_spec l = {.subject = "C=CH, O=Keyway, CN=moon.keyway.test, E=m@keyway.test",
                            .san = "DNS:moon.keyway.test,IP:192.0.2.1,IP:2001:db8::1,email:m@keyway.test,"
                                   "URI:http://x/,RID:1.2.3",
                            .san_dir = "C=CH, CN=other",
                            .not_before = 951782400, /* 2000-02-29 */
                            .not_after = 4107542399};
    root = testca_issue(&r, NULL);
    leaf = testca_issue(&l, root);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    testca_free(root);
    testca_free(leaf);
    return 0;
}

static struct cert *load(struct span data)
{
    struct diag d = {0};
    struct cert *c = cert_load(data, &d);
    if (!c)
        fail_msg("%s; %s; %s", d.what, d.expected, d.got);
    return c;
}

static void pem_and_der_give_the_same_certificate(void **state)
{
    (void)state;
    struct cert *a = load(testca_der(leaf)), *b = load(testca_pem(leaf));
    assert_span_equal(cert_der(a), testca_der(leaf));
    assert_span_equal(cert_der(b), testca_der(leaf));
    char text[8192];
    snprintf(text, sizeof(text), "Certificate:\n  Data: what openssl x509 -text prints\n%s",
             testca_pem(leaf).ptr);
    struct cert *c = load(span_str(text));
    assert_span_equal(cert_der(c), testca_der(leaf));
    cert_unref(a);
    cert_unref(b);
    cert_unref(c);
}

static void the_fields_are_read(void **state)
{
    (void)state;
    struct cert *r = load(testca_der(root)), *l = load(testca_der(leaf));
    assert_string_equal(cert_subject_text(l), "C=CH, O=Keyway, CN=moon.keyway.test, E=m@keyway.test");
    assert_span_equal(cert_issuer_der(l), cert_subject_der(r));
    assert_int_equal(cert_not_before(l), 951782400);
    assert_int_equal(cert_not_after(l), 4107542399);
    assert_true(cert_is_ca(r) && !cert_is_ca(l));
    assert_true(cert_is_self_signed(r) && !cert_is_self_signed(l));
    struct diag d = {0};
    struct pkey *k = pkey_load_private(testca_key_der(leaf), span_of(NULL, 0), &d);
    assert_non_null(k);
    assert_true(pkey_same(k, cert_public_key(l)));
    assert_false(pkey_same(k, cert_public_key(r)));
    uint8_t sha1[20], want[20];
    struct span spki = pkey_spki(k);
    hash_digest(HASH_SHA1, &spki, 1, want);
    cert_spki_sha1(l, sha1);
    assert_memory_equal(sha1, want, 20);
    pkey_unref(k);
    cert_unref(cert_ref(l));
    cert_unref(l);
    cert_unref(r);
}

static void names_are_listed_and_matched(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct cert *l = load(testca_der(leaf));
    char buf[512];
    assert_string_equal(cert_names_text(l, buf, sizeof(buf)),
                        "dNSName:moon.keyway.test, iPAddress:192.0.2.1, iPAddress:2001:db8::1, "
                        "rfc822Name:m@keyway.test, uniformResourceIdentifier:http://x/, registeredID:1.2.3, "
                        "directoryName:C=CH, CN=other");
    assert_int_equal(strlen(cert_names_text(l, buf, 10)), 9);
    static const char *const good[] = {"moon.keyway.test", "m@keyway.test", "C=CH, CN=other"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        struct identity id;
        const char *err;
        assert_true(identity_parse(a, good[i], &id, &err));
        assert_true(cert_has_identity(l, &id));
    }
    uint8_t keyid[20];
    pkey_keyid(cert_public_key(l), keyid);
    struct identity by_key = {.type = ID_KEY_ID, .data = span_of(keyid, 20)};
    assert_true(cert_has_identity(l, &by_key));
    keyid[0] ^= 1;
    assert_false(cert_has_identity(l, &by_key));
    struct identity gn = {.type = ID_DER_ASN1_GN, .data = hex("8704c0000201")};
    assert_true(cert_has_identity(l, &gn));
    struct identity none = {.type = ID_ANY}, empty = {.type = ID_FQDN};
    assert_false(cert_has_identity(l, &none));
    assert_false(cert_has_identity(l, &empty));
    cert_unref(l);
    arena_free(a);
}

static void an_empty_subject_is_no_identity(void **state)
{
    (void)state;
    struct testca_spec s = {.san = "DNS:x"};
    struct testca_cert *made = testca_issue(&s, root);
    struct cert *c = load(testca_der(made));
    struct identity empty = {.type = ID_DER_ASN1_DN, .data = hex("")};
    assert_string_equal(cert_subject_text(c), "");
    assert_false(cert_has_identity(c, &empty));
    cert_unref(c);
    testca_free(made);
}

static void what_is_no_certificate_is_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    struct span der = testca_der(leaf);
    assert_null(cert_load(span_of(NULL, 0), &d));
    assert_null(cert_load(span_str("hello"), &d));
    assert_null(cert_load(testca_key_pem(leaf), &d));
    assert_string_equal(d.got, "PEM without a well-formed CERTIFICATE block");
    assert_null(cert_load(testca_key_der(leaf), &d));
    assert_int_equal(d.class, FAIL_CERTIFICATE);
    uint8_t *copy = malloc(der.len + 1);
    memcpy(copy, der.ptr, der.len);
    copy[der.len] = 0;
    assert_null(cert_load(span_of(copy, der.len + 1), &d));
    for (size_t cut = 0; cut < der.len; cut += 3)
        assert_null(cert_load(span_of(copy, cut), &d));
    free(copy);
}

static void flipped_bits_never_make_a_trusted_certificate(void **state)
{
    (void)state;
    struct span der = testca_der(leaf);
    struct cert *r = load(testca_der(root));
    uint8_t *copy = malloc(der.len);
    for (size_t at = 0; at < der.len; at++) {
        struct diag d = {0};
        memcpy(copy, der.ptr, der.len);
        copy[at] ^= (uint8_t)(1u << (at % 8));
        struct cert *c = cert_load(span_of(copy, der.len), &d);
        if (!c)
            continue;
        struct trust_verdict v;
        struct trust_request req = {
            .leaf = c, .anchors = {&r, 1},
                 .now = TESTCA_NOW
        };
        trust_evaluate(&req, &v);
        assert_false(v.is_trusted);
        cert_unref(c);
    }
    free(copy);
    cert_unref(r);
}

static void the_smallest_rsa_key_is_1024_bits_long(void **state)
{
    (void)state;
    struct testca_spec s = {.subject = "CN=weak", .key = TESTCA_RSA1024};
    struct testca_cert *made = testca_issue(&s, root);
    struct cert *c = load(testca_der(made));
    assert_int_equal(pkey_bits(cert_public_key(c)), 1024);
    cert_unref(c);
    testca_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pem_and_der_give_the_same_certificate),
        cmocka_unit_test(the_fields_are_read),
        cmocka_unit_test(names_are_listed_and_matched),
        cmocka_unit_test(an_empty_subject_is_no_identity),
        cmocka_unit_test(what_is_no_certificate_is_refused),
        cmocka_unit_test(flipped_bits_never_make_a_trusted_certificate),
        cmocka_unit_test(the_smallest_rsa_key_is_1024_bits_long),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
