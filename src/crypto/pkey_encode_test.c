/* SPDX-License-Identifier: Apache-2.0 */
/* Keys that are made, and keys as bytes: what the openssl command line and strongSwan's pki wrote for the
 * same keys (tests/vectors/keys/README), and every private format read back. */
#include "base/text.h"
#include "crypto/pkey.h"
#include "support/keys.h"
#include "support/test.h"

static struct secret encoded(const struct pkey *k, enum pkey_encoding e)
{
    struct secret out;
    assert_true(pkey_encode(k, e, &out));
    return out;
}

static void expect_bytes(const struct pkey *k, enum pkey_encoding e, struct span want)
{
    struct secret got = encoded(k, e);
    assert_span_equal(secret_view(&got), want);
    secret_free(&got);
}

static void a_made_key_has_the_size_that_was_asked_for(void **state)
{
    (void)state;
    static const struct {
        enum pkey_type type;
        unsigned size, bits;
    } rows[] = {
        {PKEY_RSA,     1024, 1024},
        {PKEY_ECDSA,   256,  256 },
        {PKEY_ECDSA,   0,    384 },
        {PKEY_ECDSA,   521,  521 },
        {PKEY_ED25519, 0,    256 },
        {PKEY_ED448,   0,    456 },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct pkey *k = pkey_generate(rows[i].type, rows[i].size, &d);
        struct pkey *other = pkey_generate(rows[i].type, rows[i].size, &d);
        assert_non_null(k);
        assert_non_null(other);
        assert_int_equal(pkey_type(k), rows[i].type);
        assert_int_equal(pkey_bits(k), rows[i].bits);
        assert_true(pkey_is_private(k));
        assert_false(pkey_same(k, other));
        pkey_unref(other);
        pkey_unref(k);
    }
}

static void a_made_key_can_be_written_and_read_again(void **state)
{
    (void)state;
    static const enum pkey_type types[] = {PKEY_RSA, PKEY_ECDSA, PKEY_ED25519, PKEY_ED448};
    static const enum pkey_encoding forms[] = {PKEY_TRADITIONAL_DER, PKEY_TRADITIONAL_PEM, PKEY_PKCS8_DER,
                                               PKEY_PKCS8_PEM};
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct diag d = {0};
        struct pkey *k = pkey_generate(types[i], types[i] == PKEY_RSA ? 1024 : 0, &d);
        for (size_t f = 0; f < ARRAY_LEN(forms); f++) {
            struct secret bytes = encoded(k, forms[f]);
            struct pkey *back = pkey_load_private(secret_view(&bytes), span_of(NULL, 0), &d);
            assert_non_null(back);
            assert_true(pkey_same(back, k));
            pkey_unref(back);
            secret_free(&bytes);
        }
        pkey_unref(k);
    }
}

static void sizes_that_no_peer_takes_are_refused(void **state)
{
    (void)state;
    static const struct {
        enum pkey_type type;
        unsigned size;
    } rows[] = {
        {PKEY_RSA,   512  },
        {PKEY_RSA,   16384},
        {PKEY_ECDSA, 255  },
        {PKEY_ECDSA, 2048 }
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        assert_null(pkey_generate(rows[i].type, rows[i].size, &d));
        assert_int_equal(d.class, FAIL_USAGE);
    }
}

static void private_keys_are_written_as_openssl_writes_them(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        enum pkey_encoding e;
        const char *want;
    } rows[] = {
        {"rsa.pkcs8.pem", PKEY_TRADITIONAL_PEM, "rsa.pkcs1.pem"  },
        {"rsa.pkcs8.pem", PKEY_TRADITIONAL_DER, "rsa.pkcs1.der"  },
        {"rsa.pkcs1.pem", PKEY_PKCS8_PEM,       "rsa.pkcs8.pem"  },
        {"rsa.pkcs1.pem", PKEY_PKCS8_DER,       "rsa.pkcs8.der"  },
        {"p256.sec1.pem", PKEY_TRADITIONAL_DER, "p256.sec1.der"  },
        {"p256.sec1.pem", PKEY_PKCS8_PEM,       "p256.pkcs8.pem" },
        {"ed25519.pem",   PKEY_TRADITIONAL_PEM, "ed25519.pem"    },
        {"ed25519.pem",   PKEY_PKCS8_DER,       "ed25519.der"    },
        {"ed448.pem",     PKEY_TRADITIONAL_PEM, "ed448.pem"      },
        {"rsapss.pem",    PKEY_TRADITIONAL_PEM, "rsapss.pem"     },
        {"rsa.pkcs8.pem", PKEY_SPKI_DER,        "rsa.spki.der"   },
        {"ed25519.pem",   PKEY_SPKI_PEM,        "ed25519.pub.pem"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = key_private(rows[i].from, "");
        expect_bytes(k, rows[i].e, key_file(rows[i].want));
        pkey_unref(k);
    }
}

static void public_keys_are_written_as_dns_and_ssh_have_them(void **state)
{
    (void)state;
    static const struct {
        const char *from;
        enum pkey_encoding e;
        const char *want;
    } rows[] = {
        {"rsa.pkcs8.pem", PKEY_RFC3110, "rsa.rfc3110"},
        {"rsa.pkcs8.pem", PKEY_SSH,     "rsa.ssh"    },
        {"p256.sec1.pem", PKEY_SSH,     "p256.ssh"   },
        {"p384.sec1.pem", PKEY_SSH,     "p384.ssh"   },
        {"p521.sec1.pem", PKEY_SSH,     "p521.ssh"   },
        {"ed25519.pem",   PKEY_SSH,     "ed25519.ssh"},
        {"ed448.pem",     PKEY_SSH,     "ed448.ssh"  },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        uint8_t want[2048];
        size_t len = 0;
        assert_true(base64_decode(key_file(rows[i].want), want, sizeof(want), &len));
        struct pkey *k = key_private(rows[i].from, "");
        expect_bytes(k, rows[i].e, span_of(want, len));
        pkey_unref(k);
    }
}

static void a_format_without_the_kind_of_key_says_so(void **state)
{
    (void)state;
    struct secret out;
    struct diag d = {0};
    struct pkey *brainpool = key_private("bp256.sec1.pem", ""), *p521 = key_private("p521.sec1.pem", "");
    assert_false(pkey_encode(brainpool, PKEY_SSH, &out));
    assert_false(pkey_encode(brainpool, PKEY_DNSKEY, &out));
    assert_false(pkey_encode(brainpool, PKEY_PKCS1_DER, &out));
    assert_false(pkey_encode(p521, PKEY_RFC3110, &out));
    struct pkey *pub = pkey_load_public(pkey_spki(p521), &d);
    assert_false(pkey_encode(pub, PKEY_PKCS8_DER, &out));
    assert_false(pkey_encode(pub, PKEY_TRADITIONAL_PEM, &out));
    assert_null(out.ptr);
    pkey_unref(pub);
    pkey_unref(p521);
    pkey_unref(brainpool);
}

static void an_encrypted_key_opens_with_its_passphrase_alone(void **state)
{
    (void)state;
    struct diag d = {0};
    struct secret one, two;
    struct pkey *k = pkey_generate(PKEY_ECDSA, 256, &d), *pub = pkey_load_public(pkey_spki(k), &d);
    assert_true(pkey_encrypt(k, span_str("sesame"), &one));
    assert_true(pkey_encrypt(k, span_str("sesame"), &two));
    assert_false(secret_equal(secret_view(&one), secret_view(&two)));
    assert_memory_equal(one.ptr, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n", 38);
    struct pkey *again = pkey_load_private(secret_view(&one), span_str("sesame"), &d);
    assert_non_null(again);
    assert_true(pkey_same(again, k));
    assert_null(pkey_load_private(secret_view(&one), span_str("sesam"), &d));
    assert_null(pkey_load_private(secret_view(&one), span_of(NULL, 0), &d));
    secret_free(&one);
    secret_free(&two);
    assert_false(pkey_encrypt(k, span_of(NULL, 0), &one));
    assert_false(pkey_encrypt(pub, span_str("sesame"), &one));
    pkey_unref(again);
    pkey_unref(pub);
    pkey_unref(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_made_key_has_the_size_that_was_asked_for),
        cmocka_unit_test(a_made_key_can_be_written_and_read_again),
        cmocka_unit_test(sizes_that_no_peer_takes_are_refused),
        cmocka_unit_test(private_keys_are_written_as_openssl_writes_them),
        cmocka_unit_test(public_keys_are_written_as_dns_and_ssh_have_them),
        cmocka_unit_test(a_format_without_the_kind_of_key_says_so),
        cmocka_unit_test(an_encrypted_key_opens_with_its_passphrase_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
