/* SPDX-License-Identifier: Apache-2.0 */
/* CRLs: what is read out of one, what is refused, and whose signature it bears. */
#include "pki/crl.h"
#include "support/test.h"
#include "support/testca.h"
#include "support/testcrl.h"
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

struct fixture {
    struct testca_cert *root, *other, *leaf, *gone;
    struct cert *ca, *other_ca, *leaf_cert, *gone_cert;
};

static struct cert *seen(const struct testca_cert *made)
{
    struct diag d = {0};
    struct cert *c = cert_load(testca_der(made), &d);
    if (!c)
        fail_msg("%s %s", d.what, d.got);
    return c;
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    f->root = testca_issue(&(struct testca_spec){.subject = "C=CH, CN=root", .is_ca = true}, NULL);
    f->other = testca_issue(&(struct testca_spec){.subject = "C=CH, CN=other", .is_ca = true}, NULL);
    f->leaf = testca_issue(&(struct testca_spec){.subject = "C=CH, CN=leaf"}, f->root);
    f->gone = testca_issue(&(struct testca_spec){.subject = "C=CH, CN=gone"}, f->root);
    f->ca = seen(f->root);
    f->other_ca = seen(f->other);
    f->leaf_cert = seen(f->leaf);
    f->gone_cert = seen(f->gone);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    struct testca_cert *made[] = {f->root, f->other, f->leaf, f->gone};
    struct cert *certs[] = {f->ca, f->other_ca, f->leaf_cert, f->gone_cert};
    for (size_t i = 0; i < ARRAY_LEN(made); i++) {
        testca_free(made[i]);
        cert_unref(certs[i]);
    }
    free(f);
    return 0;
}

static struct crl *load_der(struct span der)
{
    struct diag d = {0};
    struct crl *c = crl_load(der, &d);
    if (!c)
        fail_msg("%s; expected %s; got %s", d.what, d.expected, d.got);
    assert_int_equal(d.class, FAIL_NONE);
    return c;
}

static struct crl *made(const struct testcrl_spec *spec, const struct testca_cert *signer)
{
    struct span der = testcrl_make(spec, signer);
    struct crl *c = load_der(der);
    testcrl_free(der);
    return c;
}

static struct span octets(const char *bytes, size_t len)
{
    return span_of(bytes, len);
}

#define OCTETS(s) octets(s, sizeof(s) - 1)

static void everything_in_a_crl_is_read(void **state)
{
    struct fixture *f = *state;
    struct testcrl_entry entries[] = {
        {.serial = 300, .date = 1000                    },
        {                      .cert = f->gone, .date = 2000, .reason = CRL_KEY_COMPROMISE + 1, .invalid_since = 1500},
        { .serial = 128, .date = 3000,                     .reason = CRL_CERTIFICATE_HOLD + 1},
    };
    struct crl *c = made(&(struct testcrl_spec){.entries = entries,
                                                .n = 3,
                                                .this_update = 5000,
                                                .next_update = 6000,
                                                .number = "0x80",
                                                .freshest = "URI:http://crl.test/delta"},
                         f->root);
    struct crl_entry e = {0};
    assert_string_equal(crl_issuer_text(c), "C=CH, CN=root");
    assert_true(span_equal(crl_issuer_der(c), cert_subject_der(f->ca)));
    assert_int_equal(crl_this_update(c), 5000);
    assert_int_equal(crl_next_update(c), 6000);
    assert_true(span_equal(crl_number(c), OCTETS("\0\x80")));
    assert_int_equal(crl_base_number(c).len, 0);
    assert_int_equal(crl_authority_key_id(c).len, 20);
    assert_string_equal(crl_delta_uri(c, 0), "http://crl.test/delta");
    assert_null(crl_delta_uri(c, 1));
    assert_false(crl_scope(c)->is_restricted);
    assert_true(crl_scope(c)->has_all_reasons);
    assert_string_equal(crl_unknown_critical(c), "");
    assert_int_equal(crl_count(c), 3);
    assert_true(span_equal(crl_entry_at(c, 0).serial, OCTETS("\x01\x2c"))); /* as listed, not as sorted */
    assert_true(span_equal(crl_entry_at(c, 2).serial, OCTETS("\0\x80")));
    assert_int_equal(crl_entry_at(c, 0).reason, CRL_NO_REASON);
    assert_true(crl_find(c, cert_serial(f->gone_cert), span_of(NULL, 0), &e));
    assert_int_equal(e.date, 2000);
    assert_int_equal(e.reason, CRL_KEY_COMPROMISE);
    assert_int_equal(e.invalid_since, 1500);
    assert_true(crl_find(c, OCTETS("\0\x80"), cert_subject_der(f->ca), &e));
    assert_int_equal(e.reason, CRL_CERTIFICATE_HOLD);
    assert_true(e.invalid_since == INT64_MIN);
    assert_false(crl_find(c, OCTETS("\0\x80"), cert_subject_der(f->other_ca), &e));
    assert_false(crl_find(c, cert_serial(f->leaf_cert), span_of(NULL, 0), &e));
    assert_false(crl_find(c, OCTETS("\x80"), span_of(NULL, 0), &e)); /* -128 is another number */
    crl_unref(c);
}

static void a_crl_may_be_empty_and_without_an_end(void **state)
{
    struct fixture *f = *state;
    struct crl_entry e;
    struct crl *c = made(&(struct testcrl_spec){.next_update = -1}, f->root);
    assert_int_equal(crl_count(c), 0);
    assert_true(crl_next_update(c) == INT64_MAX);
    assert_int_equal(crl_number(c).len, 0);
    assert_false(crl_find(c, cert_serial(f->gone_cert), span_of(NULL, 0), &e));
    crl_unref(c);
}

static void every_one_of_many_serials_is_found(void **state)
{
    enum { N = 3000 };
    struct fixture *f = *state;
    struct testcrl_entry *entries = calloc(N, sizeof(*entries));
    for (long i = 0; i < N; i++) /* each once, in an order far from sorted */
        entries[i] = (struct testcrl_entry){.serial = (i * 1997 % N) * 3 + 1, .date = 1000 + i};
    struct crl *c = made(&(struct testcrl_spec){.entries = entries, .n = N}, f->root);
    for (size_t i = 0; i < N; i++) {
        struct crl_entry e, of = crl_entry_at(c, i);
        assert_int_equal(of.date, 1000 + (int64_t)i);
        assert_true(crl_find(c, of.serial, span_of(NULL, 0), &e));
        assert_int_equal(e.date, of.date);
    }
    for (unsigned v = 0; v < 3 * N + 2; v++) {
        uint8_t b[3] = {0, (uint8_t)(v >> 8), (uint8_t)v};
        const uint8_t *at = b[1] & 0x80 ? b : b[1] || b[2] & 0x80 ? b + 1 : b + 2;
        struct crl_entry e;
        bool is_there = crl_find(c, span_of(at, (size_t)(b + 3 - at)), span_of(NULL, 0), &e);
        assert_int_equal(is_there, v % 3 == 1 && v < 3 * N);
    }
    crl_unref(c);
    free(entries);
}

static void scopes_and_deltas_are_read(void **state)
{
    struct fixture *f = *state;
    struct crl *c = made(
        &(struct testcrl_spec){
            .number = "9", .base = "7", .idp = "critical,onlyuser:TRUE,onlysomereasons:keyCompromise"},
        f->root);
    assert_true(span_equal(crl_number(c), OCTETS("\x09")));
    assert_true(span_equal(crl_base_number(c), OCTETS("\x07")));
    assert_true(crl_scope(c)->is_restricted && crl_scope(c)->has_only_users);
    assert_false(crl_scope(c)->has_only_cas || crl_scope(c)->is_indirect || crl_scope(c)->has_all_reasons);
    assert_int_equal(crl_scope(c)->reasons, 1 << 1);
    assert_string_equal(crl_unknown_critical(c), "");
    crl_unref(c);
    c = made(&(struct testcrl_spec){.idp = "critical,onlyCA:TRUE"}, f->root);
    assert_true(crl_scope(c)->has_only_cas && crl_scope(c)->has_all_reasons);
    crl_unref(c);
}

static void entries_of_an_indirect_crl_are_of_the_issuer_named_last(void **state)
{
    struct fixture *f = *state;
    struct testcrl_entry entries[] = {
        {.serial = 1,                .date = 1                 },
        {           .serial = 1,                 .date = 2, .issuer = "C=CH, CN=other"},
        {           .serial = 2,                 .date = 3                          },
        { .serial = 3, .date = 4,                           .issuer = "C=CH, CN=root"},
    };
    struct crl *c =
        made(&(struct testcrl_spec){.entries = entries, .n = 4, .idp = "critical,indirectCRL:TRUE"}, f->root);
    struct span root = cert_subject_der(f->ca), other = cert_subject_der(f->other_ca);
    struct crl_entry e;
    assert_true(crl_scope(c)->is_indirect);
    assert_true(crl_find(c, OCTETS("\1"), root, &e) && e.date == 1);
    assert_true(crl_find(c, OCTETS("\1"), other, &e) && e.date == 2);
    assert_true(crl_find(c, OCTETS("\2"), other, &e) && e.date == 3);
    assert_false(crl_find(c, OCTETS("\2"), root, &e));
    assert_true(crl_find(c, OCTETS("\3"), root, &e) && e.date == 4);
    crl_unref(c);
}

static void critical_extensions_that_nobody_knows_are_told(void **state)
{
    struct fixture *f = *state;
    struct crl *c = made(&(struct testcrl_spec){.unknown_oid = "1.2.3.4"}, f->root);
    assert_string_equal(crl_unknown_critical(c), "1.2.3.4");
    crl_unref(c);
    struct testcrl_entry entries[] = {
        {.serial = 1              },
        { .serial = 2, .unknown_oid = "1.2.3.5"}
    };
    c = made(&(struct testcrl_spec){.entries = entries, .n = 2}, f->root);
    assert_string_equal(crl_unknown_critical(c), "1.2.3.5");
    crl_unref(c);
}

static void only_its_authoritys_signature_counts(void **state)
{
    struct fixture *f = *state;
    struct diag why = {0};
    struct crl *c = made(&(struct testcrl_spec){.number = "1"}, f->root);
    assert_true(crl_is_signed_by(c, f->ca, &why));
    assert_int_equal(why.class, FAIL_NONE);
    assert_false(crl_is_signed_by(c, f->other_ca, &why));
    assert_string_equal(why.what, "the CRL of C=CH, CN=root is another authority's");
    assert_string_equal(why.expected, "a CRL of C=CH, CN=other");
    crl_unref(c);
    c = made(&(struct testcrl_spec){.has_wrong_signature = true}, f->root);
    assert_false(crl_is_signed_by(c, f->ca, &why));
    assert_string_equal(why.what, "the CRL of C=CH, CN=root has a wrong signature");
    crl_unref(c);
    c = made(&(struct testcrl_spec){.issuer_name = "C=CH, CN=root"}, f->other);
    assert_false(crl_is_signed_by(c, f->ca, &why)); /* another key in its name */
    assert_string_equal(why.what, "the CRL of C=CH, CN=root has a wrong signature");
    crl_unref(c);
}

static void whoever_may_not_sign_crls_is_refused(void **state)
{
    (void)state;
    struct diag why = {0};
    struct testca_cert *r = testca_issue(
        &(struct testca_spec){.subject = "CN=r", .is_ca = true, .key_usage = "keyCertSign"}, NULL);
    struct testca_cert *free_use = testca_issue(
        &(struct testca_spec){.subject = "CN=r", .is_ca = true, .key_usage = "", .key_of = r}, NULL);
    struct crl *c = made(&(struct testcrl_spec){0}, r);
    struct cert *ca = seen(r), *free_ca = seen(free_use);
    assert_false(crl_is_signed_by(c, ca, &why));
    assert_string_equal(why.what, "the CRL of CN=r was signed with a key that may not sign CRLs");
    assert_string_equal(why.got, "keyUsage without it (bits 0x04)");
    assert_true(crl_is_signed_by(c, free_ca, &why));
    cert_unref(ca);
    cert_unref(free_ca);
    crl_unref(c);
    testca_free(r);
    testca_free(free_use);
}

static void signatures_of_every_kind_are_checked_and_weak_hashes_refused(void **state)
{
    static const enum testca_key keys[] = {TESTCA_P384, TESTCA_P521, TESTCA_ED25519, TESTCA_ED448,
                                           TESTCA_RSA2048};
    struct fixture *f = *state;
    struct diag why = {0};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct testca_cert *r =
            testca_issue(&(struct testca_spec){.subject = "CN=r", .key = keys[i], .is_ca = true}, NULL);
        struct cert *ca = seen(r);
        struct crl *c = made(&(struct testcrl_spec){.digest = "SHA384"}, r);
        assert_true(crl_is_signed_by(c, ca, &why));
        crl_unref(c);
        if (keys[i] == TESTCA_RSA2048) {
            c = made(&(struct testcrl_spec){.is_pss = true}, r);
            assert_true(crl_is_signed_by(c, ca, &why));
            crl_unref(c);
            c = made(&(struct testcrl_spec){.is_pss = true, .digest = "SHA1"}, r);
            assert_false(crl_is_signed_by(c, ca, &why));
            assert_string_equal(why.got, "SHA1");
            crl_unref(c);
        }
        cert_unref(ca);
        testca_free(r);
    }
    struct crl *c = made(&(struct testcrl_spec){.digest = "SHA1"}, f->root);
    assert_false(crl_is_signed_by(c, f->ca, &why));
    assert_string_equal(why.what, "the CRL of C=CH, CN=root is signed with a weak hash");
    crl_unref(c);
}

static void pem_is_read_and_what_is_no_crl_is_refused_with_a_reason(void **state)
{
    struct fixture *f = *state;
    struct span der = testcrl_make(&(struct testcrl_spec){.number = "3"}, f->root);
    const uint8_t *at = der.ptr;
    X509_CRL *x = d2i_X509_CRL(NULL, &at, (long)der.len);
    BIO *bio = BIO_new(BIO_s_mem());
    char *pem;
    assert_true(PEM_write_bio_X509_CRL(bio, x));
    long len = BIO_get_mem_data(bio, &pem);
    struct crl *c = load_der(span_of(pem, (size_t)len));
    assert_true(span_equal(crl_der(c), der));
    crl_unref(c);
    BIO_free(bio);
    X509_CRL_free(x);
    struct span bad[] = {
        span_of(NULL, 0),
        span_str("nothing"),
        span_str("-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n"),
        span_of(der.ptr, der.len - 1),
        testca_der(f->root),
        testca_pem(f->root),
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct diag d = {0};
        assert_null(crl_load(bad[i], &d));
        assert_string_equal(d.what, "no CRL that can be read");
        assert_int_equal(d.class, FAIL_CERTIFICATE);
    }
    uint8_t *longer = malloc(der.len + 1);
    struct diag d = {0};
    memcpy(longer, der.ptr, der.len);
    longer[der.len] = 0;
    assert_null(crl_load(span_of(longer, der.len + 1), &d));
    free(longer);
    testcrl_free(der);
}

static void extensions_that_make_no_sense_refuse_the_crl(void **state)
{
    struct fixture *f = *state;
    struct testcrl_entry odd[] = {
        {.serial = 1, .reason = 7 + 1}
    };
    struct testcrl_spec specs[] = {
        {.entries = odd, .n = 1},
        {.number = "-1"},
        {.number = "1",  .base = "-5"      }
    };
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct span der = testcrl_make(&specs[i], f->root);
        struct diag d = {0};
        assert_null(crl_load(der, &d));
        assert_string_equal(d.what, "CRL of C=CH, CN=root has a malformed date, extension or entry");
        testcrl_free(der);
    }
}

static void numbers_compare_as_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        size_t a_len, b_len;
        int order;
    } rows[] = {
        {"",       "",       0, 0, 0 },
        {"\0",     "",       1, 0, 1 },
        {"",       "\0",     0, 1, -1},
        {"\5",     "\5",     1, 1, 0 },
        {"\5",     "\6",     1, 1, -1},
        {"\0\x80", "\x7f",   2, 1, 1 },
        {"\1\0",   "\0\xff", 2, 2, 1 },
        {"\0\5",   "\5",     2, 1, 0 },
        {"\1\2",   "\1\3",   2, 2, -1},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(
            crl_number_compare(span_of(rows[i].a, rows[i].a_len), span_of(rows[i].b, rows[i].b_len)),
            rows[i].order);
}

static void reasons_have_words(void **state)
{
    (void)state;
    assert_string_equal(crl_reason_text(CRL_KEY_COMPROMISE), "key compromise");
    assert_string_equal(crl_reason_text(CRL_NO_REASON), "");
    assert_string_equal(crl_reason_text((enum crl_reason)7), "");
    assert_string_equal(crl_reason_text((enum crl_reason)11), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everything_in_a_crl_is_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_crl_may_be_empty_and_without_an_end, set_up, tear_down),
        cmocka_unit_test_setup_teardown(every_one_of_many_serials_is_found, set_up, tear_down),
        cmocka_unit_test_setup_teardown(scopes_and_deltas_are_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(entries_of_an_indirect_crl_are_of_the_issuer_named_last, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(critical_extensions_that_nobody_knows_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_its_authoritys_signature_counts, set_up, tear_down),
        cmocka_unit_test(whoever_may_not_sign_crls_is_refused),
        cmocka_unit_test_setup_teardown(signatures_of_every_kind_are_checked_and_weak_hashes_refused, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(pem_is_read_and_what_is_no_crl_is_refused_with_a_reason, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(extensions_that_make_no_sense_refuse_the_crl, set_up, tear_down),
        cmocka_unit_test(numbers_compare_as_numbers),
        cmocka_unit_test(reasons_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
