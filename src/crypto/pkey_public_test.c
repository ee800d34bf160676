/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys in every format, and OpenSSH's private keys: files of openssl, strongSwan's pki and ssh-keygen
 * (tests/vectors/keys/README), the examples of RFC 4025, 6605 and 8080, and what pkey_encode() writes. */
#include "base/text.h"
#include "crypto/pkey.h"
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>
#include <stdlib.h>

static struct pkey *any(struct span data)
{
    struct diag d = {0};
    struct pkey *k = pkey_load_public_any(data, &d);
    if (!k) {
        char text[512];
        fail_msg("%s", diag_format(&d, text, sizeof(text)));
    }
    assert_false(pkey_is_private(k));
    return k;
}

static void expect_same(struct span data, const struct pkey *want)
{
    struct pkey *k = any(data);
    assert_true(pkey_same(k, want));
    pkey_unref(k);
}

static void every_format_gives_the_same_public_key(void **state)
{
    (void)state;
    static const struct {
        const char *file, *public_file;
    } rows[] = {
        {"rsa.pkcs8.pem",     "rsa.spki.der"         },
        {"rsa.pkcs8.pem",     "rsa.pkcs1.pub.pem"    },
        {"rsa.pkcs8.pem",     "rsa.pkcs1.pub.der"    },
        {"p256.sec1.pem",     "p256.spki.der"        },
        {"ed25519.pem",       "ed25519.pub.pem"      },
        {"ed25519-2.openssh", "ed25519-2.openssh.pub"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *want = key_private(rows[i].file, "");
        expect_same(key_file(rows[i].public_file), want);
        pkey_unref(want);
    }
}

static void text_forms_of_configurations_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *file, *base64_file, *front, *behind;
    } rows[] = {
        {"rsa.pkcs8.pem", "rsa.rfc3110", "0s",                                            ""                   },
        {"rsa.pkcs8.pem", "rsa.rfc3110", "dns:0s",                                        "\n"                 },
        {"rsa.pkcs8.pem", "rsa.rfc3110", "moon.example. IN IPSECKEY 10 0 2 . ",           ""                   },
        {"rsa.pkcs8.pem", "rsa.rfc3110", "moon. 7200 IN IPSECKEY ( 10 1 2 192.0.2.1\n  ", " )"                 },
        {"rsa.pkcs8.pem", "rsa.rfc3110", "moon.example. 60 IN DNSKEY 256 3 8 ",           ""                   },
        {"rsa.pkcs8.pem", "rsa.rfc3110", "DNSKEY 256 3 10 ",                              ""                   },
        {"rsa.pkcs8.pem", "rsa.ssh",     "ssh-rsa ",                                      " somebody@some.host"},
        {"rsa.pkcs8.pem", "rsa.ssh",     "ssh:0s",                                        ""                   },
        {"rsa.pkcs8.pem", "rsa.ssh",     "0s",                                            ""                   },
        {"p256.sec1.pem", "p256.ssh",    "ecdsa-sha2-nistp256 ",                          ""                   },
        {"p384.sec1.pem", "p384.ssh",    "ecdsa-sha2-nistp384 ",                          " x"                 },
        {"p521.sec1.pem", "p521.ssh",    "ecdsa-sha2-nistp521 ",                          "\n"                 },
        {"ed25519.pem",   "ed25519.ssh", "ssh-ed25519 ",                                  ""                   },
        {"ed448.pem",     "ed448.ssh",   "ssh-ed448 ",                                    ""                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        char text[4096];
        struct span body = key_file(rows[i].base64_file);
        int n = snprintf(text, sizeof(text), "%s%.*s%s", rows[i].front, (int)body.len, (const char *)body.ptr,
                         rows[i].behind);
        struct pkey *want = key_private(rows[i].file, "");
        expect_same(span_of(text, (size_t)n), want);
        pkey_unref(want);
    }
}

static void what_is_written_can_be_read(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.pkcs8.pem", "p256.sec1.pem", "p384.sec1.pem",
                                        "p521.sec1.pem", "ed25519.pem",   "ed448.pem"};
    static const enum pkey_encoding forms[] = {PKEY_SPKI_DER, PKEY_SPKI_PEM, PKEY_PKCS1_DER, PKEY_DNSKEY,
                                               PKEY_SSH};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct pkey *want = key_private(files[i], "");
        for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
            struct secret bytes;
            if (!pkey_encode(want, forms[f], &bytes))
                continue;
            expect_same(secret_view(&bytes), want);
            char text[8192] = "0x";
            struct text t = {.buf = text, .cap = sizeof(text), .len = 2};
            text_hex(&t, secret_view(&bytes));
            expect_same(span_of(text, t.len), want);
            secret_free(&bytes);
        }
        pkey_unref(want);
    }
}

static void ipseckey_records_carry_each_kind(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint8_t algorithm;
    } rows[] = {
        {"rsa.pkcs8.pem", 2},
        {"p256.sec1.pem", 3},
        {"p384.sec1.pem", 3},
        {"ed25519.pem",   4},
        {"ed448.pem",     4},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct secret field;
        struct pkey *want = key_private(rows[i].file, "");
        assert_true(pkey_encode(want, PKEY_RFC3110, &field));
        struct pkey *k = pkey_load_ipseckey(rows[i].algorithm, secret_view(&field), &d);
        assert_non_null(k);
        assert_true(pkey_same(k, want));
        assert_null(pkey_load_ipseckey(1, secret_view(&field), &d));
        assert_null(pkey_load_ipseckey(rows[i].algorithm, span_of(field.ptr, 20), &d));
        pkey_unref(k);
        pkey_unref(want);
        secret_free(&field);
    }
}

/* As Libreswan writes them. */
static void ipseckey_records_carry_a_whole_subject_public_key_info(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.pkcs8.pem", "p256.sec1.pem", "p521.sec1.pem", "ed25519.pem"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct diag d = {0};
        uint8_t more[1024];
        struct pkey *want = key_private(files[i], "");
        struct span spki = pkey_spki(want);
        struct pkey *k = pkey_load_ipseckey(4, spki, &d);
        assert_non_null(k);
        assert_true(pkey_same(k, want));
        memcpy(more, spki.ptr, spki.len);
        more[spki.len] = 0;
        assert_null(pkey_load_ipseckey(4, span_of(more, spki.len + 1), &d));
        assert_null(pkey_load_ipseckey(4, span_of(NULL, 0), &d));
        pkey_unref(k);
        pkey_unref(want);
    }
}

/* The examples of RFC 6605 section 6.1 and RFC 8080 section 6.1. */
static void published_records_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *record;
        enum pkey_type type;
        unsigned bits;
    } rows[] = {
        {"example.net. 3600 IN DNSKEY 257 3 13 (\n"
         "  GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edb\n"
         "  krSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA== )\n",                             PKEY_ECDSA, 256},
        {"example.com. 3600 IN DNSKEY 257 3 15 ( l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4= )",
         PKEY_ED25519,                                                                                          256},
        {"example.com. 3600 IN DNSKEY 257 3 16 (\n"
         "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA )", PKEY_ED448, 456},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = any(span_str(rows[i].record));
        assert_int_equal(pkey_type(k), rows[i].type);
        assert_int_equal(pkey_bits(k), rows[i].bits);
        pkey_unref(k);
    }
}

static void what_is_no_public_key_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "hello",
        "0s",
        "0x",
        "0x30",
        "0sAAAA",
        "ssh-rsa",
        "ssh-rsa AAAAB3NzaC1yc2EAAAAD",
        "x. IN IPSECKEY 10 0 2 .",
        "x. IN IPSECKEY 10 0 9999 . AQ==",
        "x. IN DNSKEY 256 3 8 !!!",
        "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        /* RFC 4025's example: a key of 232 bits */
        "38.2.0.192.in-addr.arpa. 7200 IN IPSECKEY ( 10 1 2 192.0.2.38 "
        "AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6BSGvgqt4AQ== )",
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        assert_null(pkey_load_public_any(span_str(rows[i]), &d));
        assert_true(diag_failed(&d));
    }
}

/* A point beside the curve would be a way to learn about private keys elsewhere; here it is just no key. */
static void a_point_beside_the_curve_is_refused(void **state)
{
    (void)state;
    uint8_t blob[256];
    size_t len = 0;
    struct diag d = {0};
    assert_true(base64_decode(key_file("p256.ssh"), blob, sizeof(blob), &len));
    blob[len - 1] ^= 1;
    assert_null(pkey_load_public_any(span_of(blob, len), &d));
}

/* [RFC3110#2] three bytes say how long an exponent of 256 bytes or more is. */
static void a_long_exponent_is_read_and_written(void **state)
{
    (void)state;
    uint8_t field[1024] = {0, 1, 1};
    size_t len = 0;
    uint8_t usual[512];
    assert_true(base64_decode(key_file("rsa.rfc3110"), usual, sizeof(usual), &len));
    memset(field + 3, 0x5b, 257);
    memcpy(field + 3 + 257, usual + 4, len - 4); /* the modulus */
    struct span all = span_of(field, 3 + 257 + len - 4);
    struct pkey *k = any(all);
    struct secret back;
    assert_int_equal(pkey_bits(k), 2048);
    assert_true(pkey_encode(k, PKEY_RFC3110, &back));
    assert_span_equal(secret_view(&back), all);
    secret_free(&back);
    pkey_unref(k);
}

static void numbers_that_are_no_rsa_key_are_refused(void **state)
{
    (void)state;
    struct diag d = {0};
    uint8_t spki[512];
    struct span good = key_file("rsa.spki.der");
    memcpy(spki, good.ptr, good.len);
    spki[good.len - 6] &= 0xfe; /* the modulus is even */
    assert_null(pkey_load_public_any(span_of(spki, good.len), &d));
    assert_string_equal(d.what, "the numbers of the RSA key are no key");
    memcpy(spki, good.ptr, good.len);
    spki[good.len - 1] = 0; /* so is the exponent */
    assert_null(pkey_load_public(span_of(spki, good.len), &d));
}

static void private_keys_of_ssh_keygen_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *file, *same;
    } rows[] = {
        {"rsa.openssh",       "rsa.pkcs8.pem"    },
        {"p256.openssh",      "p256.sec1.pem"    },
        {"ed25519-2.openssh", "ed25519-2.openssh"}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = key_private(rows[i].file, ""), *want = key_private(rows[i].same, "");
        assert_true(pkey_is_private(k));
        assert_true(pkey_same(k, want));
        struct secret a, b;
        assert_true(pkey_encode(k, PKEY_TRADITIONAL_DER, &a));
        assert_true(pkey_encode(want, PKEY_TRADITIONAL_DER, &b));
        assert_span_equal(secret_view(&a), secret_view(&b)); /* all parts of it */
        secret_free(&a);
        secret_free(&b);
        pkey_unref(k);
        pkey_unref(want);
    }
}

static void an_encrypted_key_of_ssh_keygen_is_refused_with_what_to_type(void **state)
{
    (void)state;
    struct diag d = {0};
    assert_null(pkey_load_private(key_file("ed25519-2.encrypted.openssh"), span_str("moonlight"), &d));
    assert_non_null(strstr(d.what, "encrypted in OpenSSH's own way"));
    assert_non_null(strstr(d.try, "ssh-keygen -p -N ''"));
}

static void an_ssh_key_whose_halves_do_not_belong_together_is_refused(void **state)
{
    (void)state;
    struct span good = key_file("ed25519-2.openssh");
    static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
    uint8_t bytes[1024], text[1024];
    struct diag d = {0};
    size_t len = 0, body = good.len - sizeof(begin) - strlen("-----END OPENSSH PRIVATE KEY-----\n");
    memcpy(text, good.ptr + sizeof(begin), body);
    assert_true(base64_decode(span_of(text, body), bytes, sizeof(bytes), &len));
    struct pkey *k = key_private("ed25519-2.openssh", "");
    uint8_t *pub = memmem(bytes, len, pkey_spki(k).ptr + pkey_spki(k).len - 32, 32);
    pub = memmem(pub + 1, len - (size_t)(pub + 1 - bytes), pkey_spki(k).ptr + pkey_spki(k).len - 32, 32);
    assert_non_null(pub); /* that of the private part */
    pub[5] ^= 1;
    assert_null(pkey_load_private(span_of(bytes, len), span_of(NULL, 0), &d));
    pkey_unref(k);
}

static void damaged_private_keys_of_ssh_keygen_are_refused(void **state)
{
    (void)state;
    static const char *const files[] = {"rsa.openssh", "p256.openssh", "ed25519-2.openssh"};
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct span good = key_file(files[i]);
        uint8_t bytes[4096], text[4096];
        size_t len = 0;
        static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----";
        size_t body = good.len - sizeof(begin) - strlen("-----END OPENSSH PRIVATE KEY-----\n");
        memcpy(text, good.ptr + sizeof(begin), body);
        assert_true(base64_decode(span_of(text, body), bytes, sizeof(bytes), &len));
        for (size_t cut = 0; cut < len - 16; cut += 7) { /* the last bytes are comment and padding */
            struct diag d = {0};
            assert_null(pkey_load_private(span_of(bytes, cut), span_of(NULL, 0), &d));
            assert_true(diag_failed(&d));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_format_gives_the_same_public_key),
        cmocka_unit_test(text_forms_of_configurations_are_understood),
        cmocka_unit_test(what_is_written_can_be_read),
        cmocka_unit_test(ipseckey_records_carry_each_kind),
        cmocka_unit_test(ipseckey_records_carry_a_whole_subject_public_key_info),
        cmocka_unit_test(published_records_are_read),
        cmocka_unit_test(what_is_no_public_key_is_refused_with_a_reason),
        cmocka_unit_test(a_point_beside_the_curve_is_refused),
        cmocka_unit_test(a_long_exponent_is_read_and_written),
        cmocka_unit_test(numbers_that_are_no_rsa_key_are_refused),
        cmocka_unit_test(an_ssh_key_whose_halves_do_not_belong_together_is_refused),
        cmocka_unit_test(private_keys_of_ssh_keygen_are_read),
        cmocka_unit_test(an_encrypted_key_of_ssh_keygen_is_refused_with_what_to_type),
        cmocka_unit_test(damaged_private_keys_of_ssh_keygen_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
