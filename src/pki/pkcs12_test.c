/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 containers that the openssl command line made: see tests/vectors/pkcs12/README. */
#include "pki/pkcs12.h"
#include "support/keys.h"
#include "support/test.h"
#include <stdio.h>

static struct span container(const char *name)
{
    char path[128];
    snprintf(path, sizeof(path), "../pkcs12/%s.p12", name);
    return key_file(path);
}

static void every_cipher_opens(void **state)
{
    (void)state;
    static const char *const names[] = {"modern", "legacy", "pbes1", "plain"};
    struct pkey *want = key_private("p256.pkcs8.pem", "");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct diag d = {0};
        struct pkcs12 p;
        if (!pkcs12_load(container(names[i]), span_str("moonlight"), 0, &p, &d))
            fail_msg("%s: %s", names[i], d.what);
        assert_int_equal(p.n_keys, 1);
        assert_int_equal(p.n_certs, 2);
        assert_true(pkey_same(p.keys[0], want));
        assert_true(pkey_is_private(p.keys[0]));
        assert_string_equal(p.key_names[0], "moon");
        assert_string_equal(cert_subject_text(p.certs[0]), "C=CH, O=Keyway, CN=moon");
        assert_string_equal(p.cert_names[0], "moon");
        assert_string_equal(p.cert_names[1], "ca");
        assert_true(cert_is_ca(p.certs[1]));
        assert_true(pkey_same(cert_public_key(p.certs[0]), want));
        pkcs12_free(&p);
        assert_int_equal(p.n_keys, 0);
    }
    pkey_unref(want);
}

static void an_empty_passphrase_is_one(void **state)
{
    (void)state;
    struct diag d = {0};
    struct pkcs12 p;
    assert_true(pkcs12_load(container("empty"), span_of(NULL, 0), 0, &p, &d));
    assert_int_equal(p.n_keys, 1);
    pkcs12_free(&p);
}

static void a_container_without_a_key_gives_its_certificates(void **state)
{
    (void)state;
    struct diag d = {0};
    struct pkcs12 p;
    assert_true(pkcs12_load(container("certs"), span_str("moonlight"), 0, &p, &d));
    assert_int_equal(p.n_keys, 0);
    assert_int_equal(p.n_certs, 1);
    pkcs12_free(&p);
}

static void what_does_not_open_says_why(void **state)
{
    (void)state;
    static const struct {
        const char *name, *passphrase;
        uint64_t max_iterations;
        enum fail_class class;
        const char *what;
    } rows[] = {
        {"modern", "sunlight",  0,      FAIL_PERMISSION,  "the passphrase does not open"},
        {"modern", "",          0,      FAIL_PERMISSION,  "the passphrase does not open"},
        {"modern", "moonligh",  0,      FAIL_PERMISSION,  "the passphrase does not open"},
        {"nomac",  "moonlight", 0,      FAIL_CERTIFICATE, "has no MAC"                  },
        {"slow",   "moonlight", 100000, FAIL_CERTIFICATE, "too many iterations"         },
        {"modern", "moonlight", 4000,   FAIL_CERTIFICATE, "too many iterations"         },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        struct pkcs12 p;
        assert_false(pkcs12_load(container(rows[i].name), span_str(rows[i].passphrase),
                                 rows[i].max_iterations, &p, &d));
        assert_int_equal(d.class, rows[i].class);
        if (!strstr(d.what, rows[i].what))
            fail_msg("%s: %s", rows[i].name, d.what);
        assert_int_equal(p.n_keys + p.n_certs, 0);
    }
}

/* The MAC covers all of it: no changed byte within goes unseen. */
static void damage_is_noticed(void **state)
{
    (void)state;
    struct span good = container("plain");
    uint8_t bytes[2048];
    for (size_t i = 0; i < good.len; i += 11) {
        struct diag d = {0};
        struct pkcs12 p;
        memcpy(bytes, good.ptr, good.len);
        bytes[i] ^= 0x40;
        if (pkcs12_load(span_of(bytes, good.len), span_str("moonlight"), 5000, &p, &d))
            fail_msg("a change at %zu was not noticed", i);
        assert_true(diag_failed(&d));
        assert_false(pkcs12_load(span_of(good.ptr, i), span_str("moonlight"), 5000, &p, &d));
    }
}

static void what_is_made_opens_again(void **state)
{
    (void)state;
    struct diag d = {0};
    struct pkcs12 p, again;
    struct secret der;
    assert_true(pkcs12_load(container("plain"), span_str("moonlight"), 0, &p, &d));
    assert_true(pkcs12_make(&p, span_str("sunlight"), &der, &d));
    assert_false(pkcs12_load(secret_view(&der), span_str("moonlight"), 0, &again, &d));
    assert_true(pkcs12_load(secret_view(&der), span_str("sunlight"), 0, &again, &d));
    assert_int_equal(again.n_keys, 1);
    assert_int_equal(again.n_certs, 2);
    assert_true(pkey_same(again.keys[0], p.keys[0]));
    assert_string_equal(again.key_names[0], "moon");
    for (size_t i = 0; i < 2; i++) {
        bool is_leaf = !cert_is_ca(again.certs[i]);
        assert_string_equal(again.cert_names[i], is_leaf ? "moon" : "ca");
        assert_span_equal(cert_der(again.certs[i]), cert_der(p.certs[is_leaf ? 0 : 1]));
    }
    pkcs12_free(&again);
    pkcs12_free(&p);
    secret_free(&der);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_cipher_opens),
        cmocka_unit_test(an_empty_passphrase_is_one),
        cmocka_unit_test(a_container_without_a_key_gives_its_certificates),
        cmocka_unit_test(what_does_not_open_says_why),
        cmocka_unit_test(damage_is_noticed),
        cmocka_unit_test(what_is_made_opens_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
