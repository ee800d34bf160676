/* SPDX-License-Identifier: Apache-2.0 */
/* Symmetric algorithms and key exchange against Project Wycheproof's cases. What our interfaces cannot
 * express (other nonce lengths, empty messages, DER around a point) is left out, and the number of cases that
 * ran is checked, so that none is lost unseen. Signatures: see the tests of pkey. */
#include "crypto/alg.h"
#include "crypto/cipher.h"
#include "crypto/kex.h"
#include "crypto/prf.h"
#include "crypto/sym.h"
#include "support/test.h"
#include "support/wycheproof.h"

struct run {
    uint16_t id;         /* AEAD: that with the 16-byte ICV; KE group; PRF */
    uint16_t id12, id8;  /* AEAD with shorter ICVs, 0: none */
    size_t nonce;        /* bytes, AEAD */
    struct span der;     /* ECDH: what stands before x | y in a SubjectPublicKeyInfo */
    size_t private_len;  /* ECDH */
    size_t ran, refused; /* out */
};

static void aead_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span key = vector_hex(v, "key"), iv = vector_hex(v, "iv"), msg = vector_hex(v, "msg");
    struct span ct = vector_hex(v, "ct"), tag = vector_hex(v, "tag"), aad = vector_hex(v, "aad");
    uint16_t id = tag.len == 16 ? r->id : tag.len == 12 ? r->id12 : tag.len == 8 ? r->id8 : 0;
    bool is_good = vector_result(v) == VECTOR_VALID;
    if (!id || iv.len != r->nonce || msg.len == 0 || ct.len != msg.len)
        return;
    uint8_t keymat[40], data[2048], icv[16];
    size_t salt = alg_find(TRANSFORM_ENCR, id)->salt;
    memcpy(keymat, key.ptr, key.len);
    memcpy(keymat + key.len, iv.ptr, salt);
    struct cipher *c = cipher_new(id, (uint16_t)(8 * key.len), INTEG_NONE, span_of(keymat, key.len + salt),
                                  span_of(NULL, 0));
    assert_non_null(c);
    assert_true(msg.len <= sizeof(data));
    if (is_good) {
        memcpy(data, msg.ptr, msg.len);
        assert_true(cipher_seal(c, aad, iv.ptr + salt, data, msg.len, icv));
        if (memcmp(data, ct.ptr, ct.len) != 0 || memcmp(icv, tag.ptr, tag.len) != 0)
            vector_fail(v, "seals to something else");
    }
    memcpy(data, ct.ptr, ct.len);
    if (cipher_open(c, aad, iv.ptr + salt, data, ct.len, tag.ptr) != is_good)
        vector_fail(v, is_good ? "refused" : "accepted");
    if (is_good && memcmp(data, msg.ptr, msg.len) != 0)
        vector_fail(v, "opens to something else");
    cipher_free(c);
    r->ran++;
    r->refused += !is_good;
}

static void aes_gcm(void **state)
{
    (void)state;
    struct run r = {.id = ENCR_AES_GCM_16, .id12 = ENCR_AES_GCM_12, .id8 = ENCR_AES_GCM_8, .nonce = 12};
    wycheproof_each("aes_gcm_test.json", aead_case, &r);
    print_message("%zu cases, %zu of them bad\n", r.ran, r.refused);
    assert_int_equal(r.ran, 193);
}

static void aes_ccm(void **state)
{
    (void)state;
    struct run r = {.id = ENCR_AES_CCM_16, .id12 = ENCR_AES_CCM_12, .id8 = ENCR_AES_CCM_8, .nonce = 11};
    wycheproof_each("aes_ccm_test.json", aead_case, &r);
    print_message("%zu cases, %zu of them bad\n", r.ran, r.refused);
    assert_int_equal(r.ran, 12);
}

static void chacha20_poly1305(void **state)
{
    (void)state;
    struct run r = {.id = ENCR_CHACHA20_POLY1305, .nonce = 12};
    wycheproof_each("chacha20_poly1305_test.json", aead_case, &r);
    print_message("%zu cases, %zu of them bad\n", r.ran, r.refused);
    assert_int_equal(r.ran, 294);
}

/* PKCS#5 padding is the test's own: ESP and IKE pad otherwise. */
static void cbc_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span key = vector_hex(v, "key"), iv = vector_hex(v, "iv"), msg = vector_hex(v, "msg"),
                ct = vector_hex(v, "ct");
    uint8_t data[2048];
    if (vector_result(v) != VECTOR_VALID)
        return;
    size_t pad = 16 - msg.len % 16, len = msg.len + pad;
    assert_true(len <= sizeof(data));
    memcpy(data, msg.ptr, msg.len);
    memset(data + msg.len, (int)pad, pad);
    const struct alg *cbc = alg_find(TRANSFORM_ENCR, ENCR_AES_CBC);
    struct sym *seal = sym_new(cbc, (uint16_t)(8 * key.len), key, true);
    struct sym *open = sym_new(cbc, (uint16_t)(8 * key.len), key, false);
    sym_seal(seal, span_of(NULL, 0), iv.ptr, data, len, NULL);
    if (len != ct.len || memcmp(data, ct.ptr, len) != 0)
        vector_fail(v, "encrypts to something else");
    assert_true(sym_open(open, span_of(NULL, 0), iv.ptr, data, len, NULL));
    if (memcmp(data, msg.ptr, msg.len) != 0)
        vector_fail(v, "decrypts to something else");
    sym_free(seal);
    sym_free(open);
    r->ran++;
}

static void aes_cbc(void **state)
{
    (void)state;
    struct run r = {0};
    wycheproof_each("aes_cbc_pkcs5_test.json", cbc_case, &r);
    print_message("%zu cases\n", r.ran);
    assert_int_equal(r.ran, 72);
}

static void mac_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span key = vector_hex(v, "key"), msg = vector_hex(v, "msg"), tag = vector_hex(v, "tag");
    bool is_good = vector_result(v) == VECTOR_VALID;
    uint8_t out[PRF_MAX_LEN];
    /* as a PRF, CMAC hashes other key lengths, which is not what these cases are about */
    if ((r->id == PRF_AES128_CMAC && key.len != 16) || tag.len > prf_len(r->id))
        return;
    assert_true(prf_compute(r->id, key, &msg, 1, out));
    if ((memcmp(out, tag.ptr, tag.len) == 0) != is_good)
        vector_fail(v, is_good ? "gives another tag" : "gives a tag that is wrong");
    r->ran++;
    r->refused += !is_good;
}

static void macs(void **state)
{
    (void)state;
    const struct {
        const char *file;
        uint16_t prf;
        size_t cases;
    } files[] = {
        {"hmac_sha1_test.json",   PRF_HMAC_SHA1,     170},
        {"hmac_sha256_test.json", PRF_HMAC_SHA2_256, 174},
        {"hmac_sha384_test.json", PRF_HMAC_SHA2_384, 174},
        {"hmac_sha512_test.json", PRF_HMAC_SHA2_512, 174},
        {"aes_cmac_test.json",    PRF_AES128_CMAC,   102},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct run r = {.id = files[i].prf};
        wycheproof_each(files[i].file, mac_case, &r);
        print_message("%s: %zu cases, %zu of them bad\n", files[i].file, r.ran, r.refused);
        assert_int_equal(r.ran, files[i].cases);
    }
}

static bool is_zero(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i])
            return false;
    }
    return true;
}

/* Bad cases, and those "acceptable" ones whose secret is zero, must be refused [RFC8031#3.2]. */
static void derive_case(struct vector *v, struct run *r, struct span private_key, struct span peer)
{
    struct secret shared = {0};
    struct span expected = vector_hex(v, "shared");
    bool is_good = vector_result(v) != VECTOR_INVALID && !is_zero(expected);
    if (kex_derive(r->id, private_key, peer, &shared) != is_good)
        vector_fail(v, is_good ? "refused" : "accepted");
    if (is_good && !span_equal(secret_view(&shared), expected))
        vector_fail(v, "another secret");
    secret_free(&shared);
    /* The x coordinate 0 is an accident of this private key; the point itself is good. */
    bool is_good_value = is_good || (r->der.len && vector_result(v) == VECTOR_VALID);
    uint8_t answer[KEX_PUBLIC_MAX];
    size_t len;
    if (kex_answer(r->id, peer, answer, &len, &shared) != is_good_value)
        vector_fail(v, is_good_value ? "not answered" : "answered");
    if (is_good_value)
        secret_free(&shared);
    r->ran++;
    r->refused += !is_good;
}

static void xdh_case(struct vector *v, void *ctx)
{
    derive_case(v, ctx, vector_hex(v, "private"), vector_hex(v, "public"));
}

static void ecdh_case(struct vector *v, void *ctx)
{
    struct run *r = ctx;
    struct span spki = vector_hex(v, "public"), number = vector_hex(v, "private");
    uint8_t key[66] = {0};
    /* "acceptable" cases are about DER */
    if (vector_result(v) == VECTOR_ACCEPTABLE || spki.len != r->der.len + 2 * r->private_len ||
        memcmp(spki.ptr, r->der.ptr, r->der.len) != 0)
        return;
    struct span point = span_of(spki.ptr + r->der.len, spki.len - r->der.len);
    while (number.len > r->private_len && number.ptr[0] == 0)
        number = span_of(number.ptr + 1, number.len - 1);
    if (number.len > r->private_len)
        return;
    memcpy(key + r->private_len - number.len, number.ptr, number.len);
    derive_case(v, r, span_of(key, r->private_len), point);
}

static void x25519_and_x448(void **state)
{
    (void)state;
    struct run r25519 = {.id = KE_CURVE25519}, r448 = {.id = KE_CURVE448};
    size_t n25519 = wycheproof_each("x25519_test.json", xdh_case, &r25519);
    size_t n448 = wycheproof_each("x448_test.json", xdh_case, &r448);
    print_message("%zu and %zu cases, %zu and %zu of them to be refused\n", r25519.ran, r448.ran,
                  r25519.refused, r448.refused);
    assert_int_equal(r25519.ran, n25519);
    assert_int_equal(r448.ran, n448);
}

static void ecdh(void **state)
{
    (void)state;
    struct {
        const char *file;
        struct run run;
        size_t cases;
    } files[] = {
        {"ecdh_secp256r1_test.json",
         {.id = KE_ECP_256,
          .private_len = 32,
          .der = hex("3059301306072a8648ce3d020106082a8648ce3d03010703420004")},
         348},
        {"ecdh_secp384r1_test.json",
         {.id = KE_ECP_384,
          .private_len = 48,
          .der = hex("3076301006072a8648ce3d020106052b8104002203620004")},
         789},
        {"ecdh_secp521r1_test.json",
         {.id = KE_ECP_521,
          .private_len = 66,
          .der = hex("30819b301006072a8648ce3d020106052b810400230381860004")},
         650},
    };
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        wycheproof_each(files[i].file, ecdh_case, &files[i].run);
        print_message("%s: %zu cases, %zu of them bad\n", files[i].file, files[i].run.ran,
                      files[i].run.refused);
        assert_int_equal(files[i].run.ran, files[i].cases);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aes_gcm), cmocka_unit_test(aes_ccm), cmocka_unit_test(chacha20_poly1305),
        cmocka_unit_test(aes_cbc), cmocka_unit_test(macs),    cmocka_unit_test(x25519_and_x448),
        cmocka_unit_test(ecdh),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
