/* SPDX-License-Identifier: Apache-2.0 */
/* Keys and signatures: files that the openssl command line wrote, the vectors of RFC 4754, the identifiers of
 * RFC 7427 appendix A, and Wycheproof's signatures, wrapped as a Digital Signature. */
#include "crypto/pkey.h"
#include "support/keys.h"
#include "support/test.h"
#include "support/wycheproof.h"
#include <stdio.h>
#include <stdlib.h>

static void every_file_format_gives_the_same_key(void **state)
{
    (void)state;
    static const char *const rsa[] = {"rsa.pkcs1.pem",     "rsa.pkcs1.der",     "rsa.pkcs8.der",
                                      "rsa.encrypted.pem", "rsa.encrypted.der", "rsa.legacy-encrypted.pem"};
    static const char *const ec[] = {"p256.sec1.pem", "p256.sec1.der"};
    struct pkey *want = key_private("rsa.pkcs8.pem", "");
    for (size_t i = 0; i < ARRAY_LEN(rsa); i++) {
        struct pkey *k = key_private(rsa[i], "moonlight");
        assert_true(pkey_same(k, want));
        assert_span_equal(pkey_spki(k), key_file("rsa.spki.der"));
        pkey_unref(k);
    }
    pkey_unref(want);
    want = key_private("p256.pkcs8.pem", "");
    for (size_t i = 0; i < ARRAY_LEN(ec); i++) {
        struct pkey *k = key_private(ec[i], "");
        assert_true(pkey_same(k, want));
        assert_span_equal(pkey_spki(k), key_file("p256.spki.der"));
        pkey_unref(k);
    }
    struct pkey *other = key_private("p384.sec1.pem", "");
    assert_false(pkey_same(other, want));
    pkey_unref(other);
    pkey_unref(want);
}

static void the_kind_and_the_key_id_are_known(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        enum pkey_type type;
        unsigned bits;
        const char *keyid; /* SHA-1 over the bits of the SPKI, computed with Python's hashlib */
    } rows[] = {
        {"rsa.pkcs8.pem",  PKEY_RSA,     2048, "b164d40efe57542f135357bf063596c2c93bf4b9"},
        {"p256.sec1.pem",  PKEY_ECDSA,   256,  "263a2d808b1647831404af5912d04b63651251ab"},
        {"p521.sec1.pem",  PKEY_ECDSA,   521,  NULL                                      },
        {"bp256.sec1.pem", PKEY_ECDSA,   256,  NULL                                      },
        {"ed25519.der",    PKEY_ED25519, 256,  NULL                                      },
        {"ed448.pem",      PKEY_ED448,   456,  NULL                                      },
        {"rsapss.pem",     PKEY_RSA,     2048, NULL                                      },
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = key_private(rows[i].file, "");
        uint8_t id[20];
        assert_int_equal(pkey_type(k), rows[i].type);
        assert_int_equal(pkey_bits(k), rows[i].bits);
        assert_true(pkey_is_private(k));
        pkey_keyid(k, id);
        if (rows[i].keyid)
            assert_span_equal(span_of(id, 20), hex(rows[i].keyid));
        struct diag d = {0};
        struct pkey *pub = pkey_load_public(pkey_spki(k), &d);
        assert_non_null(pub);
        assert_false(pkey_is_private(pub));
        assert_true(pkey_same(pub, k));
        pkey_unref(pub);
        pkey_unref(k);
    }
}

static void what_is_no_usable_key_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *file, *passphrase, *what;
    } rows[] = {
        {"rsa512.pem",               "",         "RSA key of 512 bits refused"                 },
        {"k1.pem",                   "",         "elliptic curve not supported"                },
        {"explicit.pem",             "",         "elliptic curve not supported"                },
        {"dsa.pem",                  "",         "kind of key not supported"                   },
        {"ed25519.pub.pem",          "",         "no private key that can be read"             },
        {"README",                   "",         "no private key that can be read"             },
        {"rsa.spki.der",             "",         "no private key that can be read"             },
        {"rsa.encrypted.pem",        "",         "the private key is encrypted"                },
        {"rsa.encrypted.der",        "",         "the private key is encrypted"                },
        {"rsa.legacy-encrypted.pem", "",         "the private key is encrypted"                },
        {"rsa.encrypted.pem",        "sunshine", "the passphrase does not open the private key"},
        {"rsa.encrypted.der",        "sunshine", "the passphrase does not open the private key"},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct diag d = {0};
        assert_null(pkey_load_private(key_file(rows[i].file), span_str(rows[i].passphrase), &d));
        assert_string_equal(d.what, rows[i].what);
    }
    struct diag d = {0};
    assert_null(pkey_load_private(span_of(NULL, 0), span_of(NULL, 0), &d));
    assert_string_equal(d.got, "an empty file");
    struct span der = key_file("rsa.pkcs8.der");
    assert_null(pkey_load_private(span_of(der.ptr, der.len - 1), span_of(NULL, 0), &d));
    assert_null(pkey_load_private(span_of(der.ptr, der.len + 1), span_of(NULL, 0), &d));
    struct span spki = key_file("p256.spki.der");
    assert_null(pkey_load_public(span_of(spki.ptr, spki.len + 1), &d));
    assert_null(pkey_load_public(span_of(spki.ptr, spki.len - 1), &d));
    uint8_t off[128];
    memcpy(off, spki.ptr, spki.len);
    off[spki.len - 1] ^= 1; /* no point of the curve any more */
    assert_null(pkey_load_public(span_of(off, spki.len), &d));
}

/* clang-format off */
/* The scheme, and the AlgorithmIdentifier that goes in front of its signature, length first. */
static const struct scheme_row {
    const char *file;
    struct sig_scheme scheme;
    const char *name, *id;
} schemes[] = {
    {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA256, false}, "RSA_EMSA_PKCS1_SHA2_256", "0f 300d06092a864886f70d01010b0500"},
    {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA384, false}, "RSA_EMSA_PKCS1_SHA2_384", "0f 300d06092a864886f70d01010c0500"},
    {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA512, false}, "RSA_EMSA_PKCS1_SHA2_512", "0f 300d06092a864886f70d01010d0500"},
    {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA256, true}, "RSA_EMSA_PSS_SHA2_256",
     "43 3041 06092a864886f70d01010a 3034 a00f300d06096086480165030402010500"
     "a11c301a06092a864886f70d010108300d06096086480165030402010500 a203020120"},
    {"rsapss.pem", {PKEY_RSA, HASH_SHA384, true}, "RSA_EMSA_PSS_SHA2_384",
     "43 3041 06092a864886f70d01010a 3034 a00f300d06096086480165030402020500"
     "a11c301a06092a864886f70d010108300d06096086480165030402020500 a203020130"},
    {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA512, true}, "RSA_EMSA_PSS_SHA2_512",
     "43 3041 06092a864886f70d01010a 3034 a00f300d06096086480165030402030500"
     "a11c301a06092a864886f70d010108300d06096086480165030402030500 a203020140"},
    {"p256.sec1.pem", {PKEY_ECDSA, HASH_SHA256, false}, "ECDSA_WITH_SHA256_DER", "0c 300a06082a8648ce3d040302"},
    {"p256.sec1.pem", {PKEY_ECDSA, HASH_SHA384, false}, "ECDSA_WITH_SHA384_DER", "0c 300a06082a8648ce3d040303"},
    {"p521.sec1.pem", {PKEY_ECDSA, HASH_SHA512, false}, "ECDSA_WITH_SHA512_DER", "0c 300a06082a8648ce3d040304"},
    {"bp256.sec1.pem", {PKEY_ECDSA, HASH_SHA256, false}, "ECDSA_WITH_SHA256_DER", "0c 300a06082a8648ce3d040302"},
    {"ed25519.pem", {PKEY_ED25519, HASH_IDENTITY, false}, "ED25519", "07 300506032b6570"},
    {"ed448.pem", {PKEY_ED448, HASH_IDENTITY, false}, "ED448", "07 300506032b6571"},
};
/* clang-format on */

static void a_digital_signature_names_its_scheme_and_verifies(void **state)
{
    (void)state;
    struct span message = span_str("octets to be signed");
    for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
        const struct scheme_row *r = &schemes[i];
        struct pkey *k = key_private(r->file, "");
        struct span id = hex(r->id);
        struct secret sig;
        struct sig_scheme used;
        assert_string_equal(sig_scheme_name(r->scheme), r->name);
        assert_true(pkey_sign(k, r->scheme, false, message, &sig));
        assert_span_equal(span_of(sig.ptr, id.len), id);
        assert_true(pkey_verify(k, 14, message, secret_view(&sig), &used));
        assert_string_equal(sig_scheme_name(used), r->name);
        assert_false(pkey_verify(k, 14, span_str("other octets"), secret_view(&sig), &used));
        assert_false(pkey_verify(k, 1, message, secret_view(&sig), &used));
        for (size_t cut = 0; cut < sig.len; cut += 7)
            assert_false(pkey_verify(k, 14, message, span_of(sig.ptr, cut), &used));
        for (size_t at = 0; at < sig.len; at += 5) {
            sig.ptr[at] ^= 0x40;
            assert_false(pkey_verify(k, 14, message, secret_view(&sig), &used));
            sig.ptr[at] ^= 0x40;
        }
        secret_free(&sig);
        pkey_unref(k);
    }
}

/* id replaces the identifier in front of a signature that pkey_sign() made. */
static bool verifies_with(const char *file_name, struct sig_scheme s, const char *id, struct sig_scheme *used)
{
    struct pkey *k = key_private(file_name, "");
    struct span message = span_str("m"), front = hex(id);
    struct secret sig;
    uint8_t out[1024];
    assert_true(pkey_sign(k, s, false, message, &sig));
    size_t raw = sig.len - 1u - sig.ptr[0];
    memcpy(out, front.ptr, front.len);
    memcpy(out + front.len, sig.ptr + 1 + sig.ptr[0], raw);
    bool is_ok = pkey_verify(k, 14, message, span_of(out, front.len + raw), used);
    secret_free(&sig);
    pkey_unref(k);
    return is_ok;
}

static void the_identifier_must_be_one_that_the_rfcs_allow(void **state)
{
    (void)state;
    struct sig_scheme pkcs1 = {PKEY_RSA, HASH_SHA256, false}, pss = {PKEY_RSA, HASH_SHA256, true}, used;
    struct sig_scheme ed = {PKEY_ED25519, HASH_IDENTITY, false};
    /* RFC 7427 appendix A.4.3, with the trailer written out; and RFC 4055's absent NULLs */
    assert_true(
        verifies_with("rsa.pkcs8.pem", pss,
                      "48 30460609 2a864886 f70d0101 0a3039a0 0f300d06 09608648 01650304 02010500 a11c301a"
                      "06092a86 4886f70d 01010830 0d060960 86480165 03040201 0500a203 020120a3 03020101",
                      &used));
    assert_true(verifies_with("rsa.pkcs8.pem", pss,
                              "3f 303d 06092a864886f70d01010a 3030 a00d300b0609608648016503040201"
                              "a11a301806092a864886f70d010108300b0609608648016503040201 a203020120",
                              &used));
    assert_true(verifies_with("rsa.pkcs8.pem", pkcs1, "0d 300b06092a864886f70d01010b", &used));
    /* a salt length of 20; SHA-1's defaults; another MGF hash; PKCS#1 for PSS; trailing bytes; long form */
    assert_false(verifies_with("rsa.pkcs8.pem", pss,
                               "43 3041 06092a864886f70d01010a 3034 a00f300d06096086480165030402010500"
                               "a11c301a06092a864886f70d010108300d06096086480165030402010500 a203020114",
                               &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pss, "0f 300d06092a864886f70d01010a3000", &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pss,
                               "43 3041 06092a864886f70d01010a 3034 a00f300d06096086480165030402010500"
                               "a11c301a06092a864886f70d010108300d06096086480165030402020500 a203020120",
                               &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pss, "0f 300d06092a864886f70d01010b0500", &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pkcs1, "10 300d06092a864886f70d01010b050000", &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pkcs1, "10 30810d06092a864886f70d01010b0500", &used));
    assert_false(verifies_with("rsa.pkcs8.pem", pkcs1, "00", &used));
    assert_false(verifies_with("ed25519.pem", ed, "07 300506032b6571", &used));
    assert_false(verifies_with("ed25519.pem", ed, "09 300706032b65700500", &used));
    /* RFC 7427 appendix B.1: known by name, so that a log can say it, but refused */
    assert_false(verifies_with("rsa.pkcs8.pem", pkcs1, "0f 300d06092a864886f70d0101050500", &used));
    assert_string_equal(sig_scheme_name(used), "RSA_EMSA_PKCS1_SHA1");
}

static void a_genuine_sha1_signature_is_refused_as_digital_signature(void **state)
{
    (void)state;
    struct pkey *k = key_private("rsa.pkcs8.pem", "");
    struct sig_scheme sha1 = {PKEY_RSA, HASH_SHA1, false}, used;
    struct span id = hex("0f 300d06092a864886f70d0101050500");
    struct secret sig;
    uint8_t auth[512];
    assert_false(pkey_sign(k, sha1, false, span_str("m"), &sig));
    assert_true(pkey_sign(k, sha1, true, span_str("m"), &sig));
    memcpy(auth, id.ptr, id.len);
    memcpy(auth + id.len, sig.ptr, sig.len);
    assert_true(pkey_verify(k, 1, span_str("m"), span_of(auth + id.len, sig.len), &used));
    assert_false(pkey_verify(k, 14, span_str("m"), span_of(auth, id.len + sig.len), &used));
    secret_free(&sig);
    pkey_unref(k);
}

static void a_key_serves_only_its_own_schemes(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        struct sig_scheme scheme;
        bool is_classic;
    } rows[] = {
        {"rsa.pkcs8.pem",  {PKEY_ECDSA, HASH_SHA256, false},     false},
        {"rsa.pkcs8.pem",  {PKEY_RSA, HASH_SHA1, false},         false},
        {"rsa.pkcs8.pem",  {PKEY_RSA, HASH_IDENTITY, false},     false},
        {"rsa.pkcs8.pem",  {PKEY_RSA, HASH_SHA256, true},        true },
        {"rsapss.pem",     {PKEY_RSA, HASH_SHA256, false},       false},
        {"p256.sec1.pem",  {PKEY_ECDSA, HASH_SHA384, false},     true },
        {"bp256.sec1.pem", {PKEY_ECDSA, HASH_SHA256, false},     true },
        {"ed25519.pem",    {PKEY_ED25519, HASH_SHA512, false},   false},
        {"ed25519.pem",    {PKEY_ED25519, HASH_IDENTITY, false}, true },
        {"ed25519.pem",    {PKEY_ED448, HASH_IDENTITY, false},   false},
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = key_private(rows[i].file, "");
        struct secret sig;
        assert_false(pkey_sign(k, rows[i].scheme, rows[i].is_classic, span_str("m"), &sig));
        assert_null(sig.ptr);
        pkey_unref(k);
    }
    struct diag d;
    struct pkey *pub = pkey_load_public(key_file("p256.spki.der"), &d);
    struct secret sig;
    assert_false(
        pkey_sign(pub, (struct sig_scheme){PKEY_ECDSA, HASH_SHA256, false}, false, span_str("m"), &sig));
    pkey_unref(pub);
}

static void classic_rsa_takes_sha1_and_what_peers_use_instead(void **state)
{
    (void)state;
    static const enum hash_id hashes[] = {HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512};
    struct pkey *k = key_private("rsa.pkcs8.pem", "");
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
        struct sig_scheme s = {PKEY_RSA, hashes[i], false}, used;
        struct secret sig;
        assert_true(pkey_sign(k, s, true, span_str("m"), &sig));
        assert_int_equal(sig.len, 256);
        assert_true(pkey_verify(k, 1, span_str("m"), secret_view(&sig), &used));
        assert_int_equal(used.hash, hashes[i]);
        assert_false(pkey_verify(k, 1, span_str("n"), secret_view(&sig), &used));
        assert_false(pkey_verify(k, 9, span_str("m"), secret_view(&sig), &used));
        secret_free(&sig);
    }
    pkey_unref(k);
}

/* clang-format off */
/* RFC 4754 section 8: message "abc" */
static const struct {
    uint8_t method;
    const char *spki_front, *x, *y, *r, *s;
} rfc4754[] = {
    {9, "3059301306072a8648ce3d020106082a8648ce3d030107034200", "2442a5cc0ecd015fa3ca31dc8e2bbc70bf42d60cbca20085e0822cb04235e970", "6fc98bd7e50211a4a27102fa3549df79ebcb4bf246b80945cddfe7d509bbfd7d", "cb28e0999b9c7715fd0a80d8e47a77079716cbbf917dd72e97566ea1c066957c", "86fa3bb4e26cad5bf90b7f81899256ce7594bb1ea0c89212748bff3b3d5b0315"},
    {10, "3076301006072a8648ce3d020106052b81040022036200", "96281bf8dd5e0525ca049c048d345d3082968d10fedf5c5aca0c64e6465a97ea5ce10c9dfec21797415710721f437922", "447688ba94708eb6e2e4d59f6ab6d7edff9301d249fe49c33096655f5d502fad3d383b91c5e7edaa2b714cc99d5743ca", "fb017b914e29149432d8bac29a514640b46f53ddab2c69948084e2930f1c8f7e08e07c9c63f2d21a07dcb56a6af56eb3", "b263a1305e057f984d38726a1b46874109f417bca112674c528262a40a629af1cbb9f516ce0fa7d2ff630863a00e8b9f"},
    {11, "30819b301006072a8648ce3d020106052b8104002303818600", "0151518f1af0f563517edd5485190df95a4bf57b5cba4cf2a9a3f6474725a35f7afe0a6ddeb8bedbcd6a197e592d40188901cecd650699c9b5e456aea5add19052a8", "006f3b142ea1bfff7e2837ad44c9e4ff6d2d34c73184bbad90026dd5e6e85317d9df45cad7803c6c20035b2f3ff63aff4e1ba64d1c077577da3f4286c58f0aeae643", "0154fd3836af92d0dca57dd5341d3053988534fde8318fc6aaaab68e2e6f4339b19f2f281a7e0b22c269d93cf8794a9278880ed7dbb8d9362caeacee544320552251", "017705a7030290d1ceb605a9a1bb03ff9cdd521e87a696ec926c8c10c8362df4975367101f67d1cf9bccbf2f3d239534fa509e70aac851ae01aac68d62f866472660"},
};
/* clang-format on */

static void rfc4754_vectors_verify(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rfc4754); i++) {
        char text[1024];
        struct diag d = {0};
        struct sig_scheme used;
        snprintf(text, sizeof(text), "%s 04 %s %s", rfc4754[i].spki_front, rfc4754[i].x, rfc4754[i].y);
        struct pkey *k = pkey_load_public(hex(text), &d);
        assert_non_null(k);
        snprintf(text, sizeof(text), "%s%s", rfc4754[i].r, rfc4754[i].s);
        struct span sig = hex(text);
        assert_true(pkey_verify(k, rfc4754[i].method, span_str("abc"), sig, &used));
        assert_false(pkey_verify(k, rfc4754[i].method, span_str("abd"), sig, &used));
        assert_false(
            pkey_verify(k, rfc4754[i].method, span_str("abc"), span_of(sig.ptr, sig.len - 1), &used));
        for (uint8_t other = 0; other < 16; other++) {
            if (other != rfc4754[i].method)
                assert_false(pkey_verify(k, other, span_str("abc"), sig, &used));
        }
        pkey_unref(k);
    }
}

static void a_private_key_with_a_foreign_public_half_is_refused(void **state)
{
    (void)state;
    uint8_t der[256];
    char text[256];
    struct diag d = {0};
    struct span good = key_file("p256.sec1.der");
    memcpy(der, good.ptr, good.len);
    snprintf(text, sizeof(text), "%s%s", rfc4754[0].x, rfc4754[0].y);
    memcpy(der + good.len - 64, hex(text).ptr, 64); /* the public point stands last */
    assert_null(pkey_load_private(span_of(der, good.len), span_of(NULL, 0), &d));
    assert_string_equal(d.what, "the private key does not fit its own public key");
}

static void classic_ecdsa_has_a_fixed_length(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        uint8_t method;
        enum hash_id hash;
        size_t len;
    } rows[] = {
        {"p256.sec1.pem", 9,  HASH_SHA256, 64 },
        {"p384.sec1.pem", 10, HASH_SHA384, 96 },
        {"p521.sec1.pem", 11, HASH_SHA512, 132}
    };
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct pkey *k = key_private(rows[i].file, "");
        struct sig_scheme used;
        for (unsigned n = 0; n < 8; n++) {
            struct secret sig;
            assert_true(pkey_sign(k, (struct sig_scheme){PKEY_ECDSA, rows[i].hash, false}, true,
                                  span_str("m"), &sig));
            assert_int_equal(sig.len, rows[i].len);
            assert_true(pkey_verify(k, rows[i].method, span_str("m"), secret_view(&sig), &used));
            secret_free(&sig);
        }
        uint8_t zero[132] = {0};
        assert_false(pkey_verify(k, rows[i].method, span_str("m"), span_of(zero, rows[i].len), &used));
        pkey_unref(k);
    }
}

/* ---- a key that is elsewhere: here it is only behind a pointer */

struct elsewhere {
    struct pkey *key;
    unsigned n_signed, n_released;
};

/* As a token: ECDSA is r | s, each as long as the field. */
static bool sign_elsewhere(void *ctx, struct sig_scheme s, struct span message, struct secret *sig)
{
    struct elsewhere *e = ctx;
    e->n_signed++;
    return pkey_sign_raw(e->key, s, message, sig) &&
           (s.type != PKEY_ECDSA || (secret_free(sig), pkey_sign(e->key, s, true, message, sig)));
}

static void release(void *ctx)
{
    ((struct elsewhere *)ctx)->n_released++;
}

static void a_key_that_is_elsewhere_signs_like_one_that_is_here(void **state)
{
    (void)state;
    static const struct {
        const char *file;
        struct sig_scheme scheme;
    } kinds[] = {
        {"rsa.pkcs8.pem", {PKEY_RSA, HASH_SHA256, true}       },
        {"p256.sec1.pem", {PKEY_ECDSA, HASH_SHA256, false}    },
        {"p521.sec1.pem", {PKEY_ECDSA, HASH_SHA512, false}    },
        {"ed25519.pem",   {PKEY_ED25519, HASH_IDENTITY, false}},
    };
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct elsewhere e = {.key = key_private(kinds[i].file, "")};
        const struct pkey_signer signer = {&e, sign_elsewhere, release};
        struct sig_scheme used;
        struct secret sig, bytes;
        struct diag d = {0};
        struct pkey *k = pkey_of_signer(pkey_spki(e.key), &signer, &d);
        assert_non_null(k);
        assert_true(pkey_is_private(k));
        assert_true(pkey_same(k, e.key));
        assert_true(pkey_sign(k, kinds[i].scheme, false, span_str("m"), &sig));
        assert_true(pkey_verify(e.key, 14, span_str("m"), secret_view(&sig), &used));
        assert_int_equal(e.n_signed, 1);
        secret_free(&sig);
        assert_false(pkey_encode(k, PKEY_PKCS8_DER, &bytes)); /* it is not here */
        assert_int_equal(e.n_released, 0);
        pkey_unref(k);
        assert_int_equal(e.n_released, 1);
        assert_null(pkey_of_signer(span_str("no key"), &signer, &d));
        assert_int_equal(e.n_released, 2);
        pkey_unref(e.key);
    }
}

/* The signature of the case with the identifier in ctx in front. */
static void check_signature(struct vector *v, void *ctx)
{
    struct diag d = {0};
    struct sig_scheme used;
    uint8_t auth[8192];
    struct span id = hex(ctx), sig = vector_hex(v, "sig");
    struct pkey *k = pkey_load_public(vector_hex(v, "publicKeyDer"), &d);
    assert_non_null(k);
    assert_true(id.len + sig.len <= sizeof(auth));
    memcpy(auth, id.ptr, id.len);
    if (sig.len)
        memcpy(auth + id.len, sig.ptr, sig.len);
    bool is_ok = pkey_verify(k, 14, vector_hex(v, "msg"), span_of(auth, id.len + sig.len), &used);
    pkey_unref(k);
    if (vector_result(v) != VECTOR_ACCEPTABLE && is_ok != (vector_result(v) == VECTOR_VALID))
        vector_fail(v, is_ok ? "accepted" : "refused");
}

static void run_wycheproof(const char *file_name, const char *id, size_t cases)
{
    assert_int_equal(wycheproof_each(file_name, check_signature, (void *)id), cases);
}

static void wycheproof_signatures_get_the_right_verdict(void **state)
{
    (void)state;
    run_wycheproof("rsa_pss_2048_sha256_mgf1_32_test.json", schemes[3].id, 108);
    run_wycheproof("rsa_signature_2048_sha256_test.json", schemes[0].id, 259);
    run_wycheproof("ecdsa_secp256r1_sha256_test.json", "0c 300a06082a8648ce3d040302", 484);
    run_wycheproof("ecdsa_secp384r1_sha384_test.json", "0c 300a06082a8648ce3d040303", 504);
    run_wycheproof("ed25519_test.json", "07 300506032b6570", 151);
    run_wycheproof("ed448_test.json", "07 300506032b6571", 87);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_format_gives_the_same_key),
        cmocka_unit_test(the_kind_and_the_key_id_are_known),
        cmocka_unit_test(what_is_no_usable_key_is_refused_with_a_reason),
        cmocka_unit_test(a_digital_signature_names_its_scheme_and_verifies),
        cmocka_unit_test(the_identifier_must_be_one_that_the_rfcs_allow),
        cmocka_unit_test(a_genuine_sha1_signature_is_refused_as_digital_signature),
        cmocka_unit_test(a_private_key_with_a_foreign_public_half_is_refused),
        cmocka_unit_test(a_key_serves_only_its_own_schemes),
        cmocka_unit_test(classic_rsa_takes_sha1_and_what_peers_use_instead),
        cmocka_unit_test(rfc4754_vectors_verify),
        cmocka_unit_test(classic_ecdsa_has_a_fixed_length),
        cmocka_unit_test(a_key_that_is_elsewhere_signs_like_one_that_is_here),
        cmocka_unit_test(wycheproof_signatures_get_the_right_verdict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
