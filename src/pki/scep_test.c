/* SPDX-License-Identifier: Apache-2.0 */
/* SCEP's client: addresses, capabilities, and answers made by OpenSSL. */
#include "pki/scep.h"
#include "support/test.h"
#include "support/testscep.h"
#include <openssl/asn1.h>
#include <stdlib.h>

#define TYPE "application/x-pki-message"
#define ID   "00112233445566778899AABBCCDDEEFF00112233"

static struct testca_cert *ca, *ra, *client,
    *issued; /* the client's key decrypts, the issued one is for it */
static const struct scep_expect expect = {.transaction = ID, .nonce = "0123456789abcde"};

enum { N_GOOD = 5 };
static const struct testscep_text good[N_GOOD] = {
    {SCEP_OID_MESSAGE_TYPE,    V_ASN1_PRINTABLESTRING, {(const uint8_t *)"3", 1}               },
    {SCEP_OID_STATUS,          V_ASN1_PRINTABLESTRING, {(const uint8_t *)"0", 1}               },
    {SCEP_OID_TRANSACTION_ID,  V_ASN1_PRINTABLESTRING, {(const uint8_t *)ID, 40}               },
    {SCEP_OID_RECIPIENT_NONCE, V_ASN1_OCTET_STRING,    {(const uint8_t *)"0123456789abcde", 16}},
    {SCEP_OID_SENDER_NONCE,    V_ASN1_OCTET_STRING,    {(const uint8_t *)"fedcba987654321", 16}},
};

static int make(void **state)
{
    (void)state;
    ca = testca_issue(&(struct testca_spec){.subject = "CN=ca", .is_ca = true}, NULL);
    ra = testca_issue(&(struct testca_spec){.subject = "CN=ra"}, ca);
    client = testca_issue(&(struct testca_spec){.subject = "CN=moon", .key = TESTCA_RSA2048}, NULL);
    issued = testca_issue(&(struct testca_spec){.subject = "CN=moon", .key_of = client}, ca);
    return 0;
}

static int unmake(void **state)
{
    (void)state;
    testca_free(ca);
    testca_free(ra);
    testca_free(client);
    testca_free(issued);
    return 0;
}

static void drop(struct span s)
{
    free((void *)(uintptr_t)s.ptr);
}

static struct scep_answer *load(struct span body, struct diag *d)
{
    return scep_answer_load(body, TYPE, NULL, 0, d);
}

static const char *line(const struct diag *d)
{
    static char buf[2048];
    return diag_format(d, buf, sizeof(buf));
}

static void says(const struct diag *d, const char *word)
{
    if (!diag_failed(d) || !strstr(line(d), word))
        fail_msg("%s: no %s", line(d), word);
}

/* The envelope of a SUCCESS with the issued certificate, and others beside it. */
static struct span envelope(void)
{
    struct testca_cert *certs[] = {ca, issued};
    struct span inner = testscep_certs(certs, 2), out = testscep_envelope(inner, client);
    drop(inner);
    return out;
}

static void a_certificate_comes_out_of_a_good_answer(void **state)
{
    (void)state;
    struct diag d = {0};
    struct span content = envelope();
    struct span body = testscep_answer(&(struct testscep_spec){
        .signer = ra, .attributes = good, .n_attributes = N_GOOD, .content = content});
    struct scep_answer *a = load(body, &d);
    struct cert *self = cert_load(testca_der(client), &d);
    struct pkey *key = pkey_load_private(testca_key_der(client), span_of(NULL, 0), &d);
    struct certs_only certs;
    if (!a || !scep_answer_fits(a, &expect, &d) || !scep_answer_certs(a, self, key, &certs, &d))
        fail_msg("%s", line(&d));
    assert_true(span_equal(cert_der(scep_answer_signer(a)), testca_der(ra)));
    assert_int_equal(scep_answer_status(a), SCEP_SUCCESS);
    assert_int_equal(certs.n, 2);
    struct cert *mine = certs_only_issued(&certs, key, &d);
    assert_true(mine && span_equal(cert_der(mine), testca_der(issued)));
    certs_only_free(&certs);
    struct cert *other = cert_load(testca_der(ra), &d);
    assert_false(scep_answer_certs(a, other, key, &certs, &d));
    says(&d, "could not decrypt");
    assert_int_equal(certs.n, 0);
    cert_unref(other);
    cert_unref(self);
    pkey_unref(key);
    scep_answer_free(a);
    drop(body);
    drop(content);
}

/* Every byte: a message that loads after it was changed says the same as before in all that is signed. */
static void no_change_to_a_message_passes(void **state)
{
    (void)state;
    struct span body = testscep_answer(&(struct testscep_spec){
        .signer = ra, .attributes = good, .n_attributes = N_GOOD, .content = span_str("what is inside")});
    uint8_t *copy = mem_new(body.len);
    size_t n_loaded = 0;
    for (size_t i = 0; i < body.len; i++) {
        struct diag d = {0};
        memcpy(copy, body.ptr, body.len);
        copy[i] ^= 1;
        struct scep_answer *a = load(span_of(copy, body.len), &d);
        assert_int_equal(!a, diag_failed(&d));
        if (a) {
            n_loaded++;
            assert_int_equal(scep_answer_status(a), SCEP_SUCCESS);
            assert_true(scep_answer_fits(a, &expect, &d));
        }
        scep_answer_free(a);
    }
    assert_true(n_loaded <
                body.len / 2); /* the certificate's own signature and names are not looked at here */
    for (size_t len = 0; len < body.len; len += 7) {
        struct diag d = {0};
        assert_null(load(span_of(body.ptr, len), &d));
        assert_true(diag_failed(&d));
    }
    free(copy);
    drop(body);
}

static void what_is_no_message_is_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    struct testca_cert *certs[] = {ca};
    struct span unsigned_ = testscep_certs(certs, 1), content = envelope();
    uint8_t *huge = mem_new(SCEP_ANSWER_MAX + 1);
    static const struct {
        const char *text, *type, *word;
    } rows[] = {
        {"<html></html>", "text/html", "got 13 bytes of type text/html"},
        {"",              "",          "got 0 bytes of type none"      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        d = (struct diag){0};
        assert_null(scep_answer_load(span_str(rows[i].text), rows[i].type, NULL, 0, &d));
        says(&d, rows[i].word);
    }
    assert_null(load(unsigned_, &d));
    says(&d, "0 signatures");
    assert_null(load(content, &d)); /* encrypted, not signed */
    says(&d, "no SCEP message");
    assert_null(load(span_of(huge, SCEP_ANSWER_MAX + 1), &d));
    says(&d, "longer than");
    struct span twice = testscep_answer(&(struct testscep_spec){.signer = ra, .is_signed_twice = true});
    assert_null(load(twice, &d));
    says(&d, "2 signatures");
    free(huge);
    drop(unsigned_);
    drop(content);
    drop(twice);
}

/* With one attribute of the good ones replaced or left out. */
static struct span varied(size_t which, const char *value, int type, bool is_there)
{
    struct testscep_text t[N_GOOD];
    size_t n = N_GOOD;
    memcpy(t, good, sizeof(good));
    if (value)
        t[which] = (struct testscep_text){good[which].oid, type, span_str(value)};
    if (!is_there)
        t[which] = t[--n];
    return testscep_answer(&(struct testscep_spec){.signer = ra, .attributes = t, .n_attributes = n});
}

static void an_answer_to_another_message_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t which;
        const char *value; /* NULL: left out */
        int type;
        const char *word;
    } rows[] = {
        {0, "19",               V_ASN1_PRINTABLESTRING, "another type"           },
        {0, "03",               V_ASN1_UTF8STRING,      "another type"           },
        {0, "3 ",               V_ASN1_PRINTABLESTRING, "another type"           },
        {0, "00003",            V_ASN1_PRINTABLESTRING, "another type"           },
        {0, NULL,               0,                      "another type"           },
        {2, "00112233",         V_ASN1_PRINTABLESTRING, "transaction ID"         },
        {2, ID "0",             V_ASN1_PRINTABLESTRING, "transaction ID"         },
        {2, ID,                 V_ASN1_UTF8STRING,      "transaction ID"         },
        {2, NULL,               0,                      "transaction ID"         },
        {3, "0123456789abcdef", V_ASN1_OCTET_STRING,    "answers another message"},
        {3, "0123456789abcde",  V_ASN1_OCTET_STRING,    "answers another message"},
        {3, NULL,               0,                      "answers another message"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct span body = varied(rows[i].which, rows[i].value, rows[i].type, rows[i].value != NULL);
        struct scep_answer *a = load(body, &d);
        assert_non_null(a);
        if (scep_answer_fits(a, &expect, &d))
            fail_msg("row %zu fits", i);
        says(&d, rows[i].word);
        scep_answer_free(a);
        drop(body);
    }
}

static void the_status_is_one_of_three_or_unknown(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        enum scep_status status;
    } rows[] = {
        {"0",   SCEP_SUCCESS},
        {"2",   SCEP_FAILURE},
        {"3",   SCEP_PENDING},
        {"1",   SCEP_UNKNOWN},
        {"",    SCEP_UNKNOWN},
        {"-1",  SCEP_UNKNOWN},
        {"256", SCEP_UNKNOWN},
        {"0 ",  SCEP_UNKNOWN},
        {NULL,  SCEP_UNKNOWN},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct span body = varied(1, rows[i].value, V_ASN1_PRINTABLESTRING, rows[i].value != NULL);
        struct scep_answer *a = load(body, &d);
        assert_non_null(a);
        assert_int_equal(scep_answer_status(a), rows[i].status);
        scep_answer_free(a);
        drop(body);
    }
}

static void failures_come_in_words_that_are_safe_to_print(void **state)
{
    (void)state;
    static const struct {
        const char *info, *words;
    } rows[] = {
        {"0",  "badAlg - "         },
        {"1",  "badMessageCheck - "},
        {"2",  "badRequest - "     },
        {"3",  "badTime - "        },
        {"4",  "badCertId - "      },
        {"5",  "unknown reason 5"  },
        {"x",  ""                  },
        {NULL, ""                  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char buf[200];
        struct text t = TEXT_ON(buf);
        struct diag d = {0};
        struct testscep_text attributes[] = {
            {SCEP_OID_FAIL_TEXT, V_ASN1_UTF8STRING,      span_str("no\x1b[31m")                    },
            {SCEP_OID_FAIL_INFO, V_ASN1_PRINTABLESTRING, span_str(rows[i].info ? rows[i].info : "")},
        };
        struct span body = testscep_answer(&(struct testscep_spec){
            .signer = ra, .attributes = attributes, .n_attributes = rows[i].info ? 2 : 1});
        struct scep_answer *a = load(body, &d);
        assert_non_null(a);
        buf[0] = '\0';
        scep_answer_fail_info(a, &t);
        assert_memory_equal(buf, rows[i].words, strlen(rows[i].words));
        assert_int_equal(t.len == 0, rows[i].words[0] == '\0');
        t = TEXT_ON(buf);
        scep_answer_fail_text(a, &t);
        assert_string_equal(buf, "no\\x1b[31m");
        scep_answer_free(a);
        drop(body);
    }
}

static void weak_digests_prove_nothing(void **state)
{
    (void)state;
    static const struct {
        const char *digest;
        bool is_ok, is_ok_when_asked;
    } rows[] = {
        {"SHA256", true,  true },
        {"SHA384", true,  true },
        {"SHA512", true,  true },
        {"SHA1",   false, true },
        {"MD5",    false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct scep_expect asked = expect;
        asked.takes_sha1 = true;
        struct span body = testscep_answer(&(struct testscep_spec){
            .signer = client, .digest = rows[i].digest, .attributes = good, .n_attributes = N_GOOD});
        struct scep_answer *a = load(body, &d);
        assert_non_null(a);
        assert_int_equal(scep_answer_fits(a, &expect, &d), rows[i].is_ok);
        assert_int_equal(scep_answer_fits(a, &asked, &d), rows[i].is_ok_when_asked);
        scep_answer_free(a);
        drop(body);
    }
}

static void the_signer_may_be_one_that_is_known(void **state)
{
    (void)state;
    struct diag d = {0};
    struct span body = testscep_answer(&(struct testscep_spec){
        .signer = ra, .attributes = good, .n_attributes = N_GOOD, .has_no_certificate = true});
    struct cert *known = cert_load(testca_der(ra), &d), *other = cert_load(testca_der(ca), &d);
    assert_null(load(body, &d));
    says(&d, "signature");
    d = (struct diag){0};
    assert_null(scep_answer_load(body, TYPE, &other, 1, &d));
    d = (struct diag){0};
    struct scep_answer *a = scep_answer_load(body, TYPE, (struct cert *[]){other, known}, 2, &d);
    assert_non_null(a);
    assert_true(scep_answer_fits(a, &expect, &d));
    scep_answer_free(a);
    cert_unref(known);
    cert_unref(other);
    drop(body);
}

static void cas_come_alone_or_together(void **state)
{
    (void)state;
    struct diag d = {0};
    struct certs_only certs;
    struct testca_cert *both[] = {ca, ra};
    struct span message = testscep_certs(both, 2);
    assert_true(scep_read_cas(testca_der(ca), "application/x-x509-ca-cert", &certs, &d));
    assert_int_equal(certs.n, 1);
    certs_only_free(&certs);
    assert_true(scep_read_cas(message, "application/x-x509-ca-ra-cert", &certs, &d));
    assert_int_equal(certs.n, 2);
    certs_only_free(&certs);
    assert_false(scep_read_cas(span_str("<html>"), "text/html", &certs, &d));
    says(&d, "got 6 bytes of type text/html");
    uint8_t *huge = mem_new(SCEP_ANSWER_MAX + 1);
    assert_false(scep_read_cas(span_of(huge, SCEP_ANSWER_MAX + 1), "", &certs, &d));
    says(&d, "longer than");
    free(huge);
    drop(message);
}

static void capabilities_are_words_in_any_case(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned caps;
    } rows[] = {
        {"",                                    0                                 },
        {"AES\nDES3\nSHA-1\n",                  SCEP_AES | SCEP_DES3 | SCEP_SHA1  },
        {"postpkioperation\r\nsha-256\r\n",     SCEP_POST | SCEP_SHA256           },
        {"SCEPStandard",                        SCEP_AES | SCEP_POST | SCEP_SHA256},
        {"Renewal\nGetNextCACert\nSHA-512\n\n", SCEP_RENEWAL | SCEP_SHA512        },
        {"AESX\nXAES\nSHA-2567\nAE",            0                                 },
        {"<html>AES</html>",                    0                                 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        assert_int_equal(scep_caps(span_str(rows[i].text)), rows[i].caps);
    assert_int_equal(scep_caps(span_of("AES\nDES3", 5)), SCEP_AES);
    assert_int_equal(scep_digest_cap("sha512"), SCEP_SHA512);
    assert_int_equal(scep_digest_cap("md5"), 0);
}

static void addresses_escape_the_message(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 16);
    struct diag d = {0};
    struct span none = {0};
    assert_string_equal(scep_url(a, "http://h/x", "GetCACaps", none, &d), "http://h/x?operation=GetCACaps");
    assert_string_equal(scep_url(a, "HTTPS://h/?a=b", "GetCACert", none, &d),
                        "HTTPS://h/?a=b&operation=GetCACert");
    assert_string_equal(scep_url(a, "http://h", "PKIOperation", span_of("\xfb\xff\xbf\x01", 4), &d),
                        "http://h?operation=PKIOperation&message=%2B%2F%2B%2FAQ%3D%3D");
    static const char *const bases[] = {"ftp://h", "h", "http://", "", "file:///etc/passwd", "http://h/#x"};
    for (size_t i = 0; i < ARRAY_LEN(bases); i++)
        assert_null(scep_url(a, bases[i], "GetCACaps", none, &d));
    arena_free(a);
}

static void what_a_poll_is_about_is_der(void **state)
{
    (void)state;
    struct arena *a = arena_new(1 << 20);
    static const size_t lengths[] = {1, 126, 127, 128, 254, 255, 256, 65535, 65536};
    uint8_t *bytes = mem_new(70000);
    memset(bytes, 'x', 70000);
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        long len = 0;
        int tag, class;
        struct span out = scep_issuer_and_subject(a, span_of(bytes, 1), span_of(bytes, lengths[i]));
        const uint8_t *at = out.ptr;
        assert_int_equal(ASN1_get_object(&at, &len, &tag, &class, (long)out.len), V_ASN1_CONSTRUCTED);
        assert_int_equal(tag, V_ASN1_SEQUENCE);
        assert_int_equal(len, lengths[i] + 1);
        assert_ptr_equal(at + len, out.ptr + out.len);
    }
    free(bytes);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_certificate_comes_out_of_a_good_answer),
        cmocka_unit_test(no_change_to_a_message_passes),
        cmocka_unit_test(what_is_no_message_is_refused),
        cmocka_unit_test(an_answer_to_another_message_is_refused),
        cmocka_unit_test(the_status_is_one_of_three_or_unknown),
        cmocka_unit_test(failures_come_in_words_that_are_safe_to_print),
        cmocka_unit_test(weak_digests_prove_nothing),
        cmocka_unit_test(the_signer_may_be_one_that_is_known),
        cmocka_unit_test(cas_come_alone_or_together),
        cmocka_unit_test(capabilities_are_words_in_any_case),
        cmocka_unit_test(addresses_escape_the_message),
        cmocka_unit_test(what_a_poll_is_about_is_der),
    };
    return cmocka_run_group_tests(tests, make, unmake);
}
