/* SPDX-License-Identifier: Apache-2.0 */
/* The protection of IKE messages: RFC 7634's example, every combination of the table there and back, and what
 * must be refused. The ciphers themselves are tested in wycheproof_test.c and bulk_vectors_test.c. */
#include "crypto/alg.h"
#include "crypto/cipher.h"
#include "crypto/prf.h"
#include "crypto/random.h"
#include "crypto/sym.h"
#include "support/test.h"
#include <stdio.h>

/* RFC 7634 appendix B: an INFORMATIONAL request with a Notify payload. */
static void an_ike_message_of_rfc_7634(void **state)
{
    (void)state;
    struct span key = hex("808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f a0a1a2a3");
    struct span aad = hex("c0c1c2c3c4c5c6c7d0d1d2d3d4d5d6d72e202500000000090000004529000029");
    struct span iv = hex("1011121314151617"), plain = hex("0000000c000040010000000a00");
    uint8_t data[13], icv[16];
    struct cipher *c = cipher_new(ENCR_CHACHA20_POLY1305, 0, INTEG_NONE, key, span_of(NULL, 0));
    assert_non_null(c);
    assert_int_equal(cipher_iv_len(c), 8);
    assert_int_equal(cipher_icv_len(c), 16);
    assert_int_equal(cipher_block(c), 1);
    memcpy(data, plain.ptr, sizeof(data));
    assert_true(cipher_seal(c, aad, iv.ptr, data, sizeof(data), icv));
    assert_span_equal(span_of(data, sizeof(data)), hex("610394701f8d017f7c12924889"));
    assert_span_equal(span_of(icv, sizeof(icv)), hex("6b71bfe25236efd7cdc67066906315b2"));
    assert_true(cipher_open(c, aad, iv.ptr, data, sizeof(data), icv));
    assert_span_equal(span_of(data, sizeof(data)), plain);
    cipher_free(c);
}

/* [RFC7296#3.14] the MAC covers the message from its header on, the IV and the ciphertext. */
static void the_mac_covers_header_iv_and_ciphertext(void **state)
{
    (void)state;
    uint8_t key[16] = {1}, mac_key[32] = {2}, iv[16] = {3}, data[48] = {4}, icv[16], expected[16];
    struct span header = span_str("IKE header and SK payload header"), k = span_of(mac_key, 32);
    struct cipher *c = cipher_new(ENCR_AES_CBC, 128, INTEG_HMAC_SHA2_256_128, span_of(key, 16), k);
    assert_true(cipher_seal(c, header, iv, data, sizeof(data), icv));
    struct span parts[] = {header, span_of(iv, 16), span_of(data, sizeof(data))};
    assert_true(integ_compute(INTEG_HMAC_SHA2_256_128, k, parts, 3, expected));
    assert_memory_equal(icv, expected, 16);
    cipher_free(c);
}

struct ends {
    struct cipher *ours, *theirs;
};

static struct ends ends_of(const struct alg *encr, uint16_t bits, const struct alg *integ)
{
    uint8_t encr_key[64], integ_key[64];
    size_t encr_len = 0, integ_len = 0;
    struct ends e;
    assert_true(cipher_key_lens(encr->id, bits, integ->id, &encr_len, &integ_len));
    assert_int_equal(encr_len, bits / 8 + encr->salt);
    assert_int_equal(integ_len, integ->key_len);
    crypto_random(encr_key, sizeof(encr_key));
    crypto_random(integ_key, sizeof(integ_key));
    e.ours =
        cipher_new(encr->id, bits, integ->id, span_of(encr_key, encr_len), span_of(integ_key, integ_len));
    e.theirs =
        cipher_new(encr->id, bits, integ->id, span_of(encr_key, encr_len), span_of(integ_key, integ_len));
    assert_non_null(e.ours);
    assert_non_null(e.theirs);
    return e;
}

/* Several messages, so that kept contexts are seen to start over; a bad one in between changes nothing. */
static void messages_pass(struct ends e, const char *name)
{
    uint8_t plain[512], data[512], iv[16], icv[32], header[37];
    size_t block = cipher_block(e.ours);
    for (size_t len = block; len <= 480; len += block * (1 + 160 / block / 3)) {
        crypto_random(plain, len);
        crypto_random(iv, sizeof(iv));
        crypto_random(header, sizeof(header));
        struct span aad = span_of(header, 28 + len % 9);
        memcpy(data, plain, len);
        assert_true(cipher_seal(e.ours, aad, iv, data, len, icv));
        if (len > 8)
            assert_memory_not_equal(data, plain, len);
        for (size_t where = 0; where < 4; where++) {
            uint8_t copy[512];
            uint8_t *at[] = {header, iv + cipher_iv_len(e.ours) - 1, copy + len - 1, icv};
            memcpy(copy, data, len);
            *at[where] ^= 0x10;
            if (cipher_open(e.theirs, aad, iv, copy, len, icv))
                fail_msg("%s: a change at place %zu is not seen", name, where);
            *at[where] ^= 0x10;
        }
        assert_true(cipher_open(e.theirs, aad, iv, data, len, icv));
        assert_memory_equal(data, plain, len);
    }
    cipher_free(e.ours);
    cipher_free(e.theirs);
}

static void every_combination_seals_and_opens_and_sees_changes(void **state)
{
    (void)state;
    size_t combinations = 0;
    for (size_t e = 0; alg_at(e); e++) {
        const struct alg *encr = alg_at(e);
        for (size_t i = 0; encr->type == TRANSFORM_ENCR && alg_at(i); i++) {
            const struct alg *integ = alg_at(i);
            if (integ->type != TRANSFORM_INTEG || encr->is_aead != (integ->id == INTEG_NONE) ||
                encr->id == ENCR_NULL || encr->id == ENCR_NULL_AES_GMAC)
                continue;
            for (size_t k = 0; k < 4 && encr->key_bits[k]; k++) {
                char name[128];
                snprintf(name, sizeof(name), "%s_%u/%s", encr->name, encr->key_bits[k], integ->name);
                messages_pass(ends_of(encr, encr->key_bits[k], integ), name);
                combinations++;
            }
        }
    }
    assert_int_equal(combinations, 9 + 9 + 1 + (3 + 3 + 1) * 8);
}

static void what_does_not_protect_an_ike_sa_is_refused(void **state)
{
    (void)state;
    size_t a, b;
    uint8_t key[64] = {0};
    const struct {
        uint16_t encr, bits, integ;
    } bad[] = {
        {ENCR_NULL,              0,   INTEG_HMAC_SHA2_256_128},
        {ENCR_NULL,              0,   INTEG_NONE             },
        {ENCR_NULL_AES_GMAC,     128, INTEG_NONE             },
        {ENCR_AES_CBC,           128, INTEG_NONE             },
        {ENCR_AES_CBC,           0,   INTEG_HMAC_SHA2_256_128},
        {ENCR_AES_CBC,           512, INTEG_HMAC_SHA2_256_128},
        {ENCR_AES_GCM_16,        128, INTEG_HMAC_SHA2_256_128},
        {ENCR_CHACHA20_POLY1305, 128, INTEG_NONE             },
        {ENCR_3DES,              128, INTEG_HMAC_SHA1_96     },
        {1000,                   128, INTEG_NONE             },
        {ENCR_AES_CBC,           128, 1000                   },
    };
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        assert_false(cipher_key_lens(bad[i].encr, bad[i].bits, bad[i].integ, &a, &b));
        for (size_t len = 0; len <= 64; len += 4)
            assert_null(
                cipher_new(bad[i].encr, bad[i].bits, bad[i].integ, span_of(key, len), span_of(key, 32)));
    }
    assert_null(cipher_new(ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96, span_of(key, 32), span_of(key, 19)));
    assert_null(cipher_new(ENCR_AES_CBC, 256, INTEG_HMAC_SHA1_96, span_of(key, 16), span_of(key, 20)));
}

static void lengths_that_are_no_blocks_are_refused(void **state)
{
    (void)state;
    uint8_t key[64] = {0}, iv[16] = {0}, data[64] = {0}, icv[32] = {0};
    struct span aad = span_str("aad");
    struct cipher *cbc =
        cipher_new(ENCR_AES_CBC, 128, INTEG_HMAC_SHA1_96, span_of(key, 16), span_of(key, 20));
    struct cipher *ccm = cipher_new(ENCR_AES_CCM_16, 128, INTEG_NONE, span_of(key, 19), span_of(NULL, 0));
    assert_false(cipher_seal(cbc, aad, iv, data, 17, icv));
    assert_false(cipher_open(cbc, aad, iv, data, 17, icv));
    assert_false(cipher_seal(cbc, aad, iv, data, 0, icv));
    assert_false(cipher_open(cbc, aad, iv, data, 0, icv));
    assert_false(cipher_open(ccm, aad, iv, data, 0, icv));
    cipher_free(cbc);
    cipher_free(ccm);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ike_message_of_rfc_7634),
        cmocka_unit_test(the_mac_covers_header_iv_and_ciphertext),
        cmocka_unit_test(every_combination_seals_and_opens_and_sees_changes),
        cmocka_unit_test(what_does_not_protect_an_ike_sa_is_refused),
        cmocka_unit_test(lengths_that_are_no_blocks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
