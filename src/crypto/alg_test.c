/* SPDX-License-Identifier: Apache-2.0 */
/* The algorithm table against itself and against libcrypto, by loops over its rows. */
#include "crypto/alg.h"
#include "crypto/hash.h"
#include "crypto/kex.h"
#include "crypto/mac.h"
#include "crypto/prf.h"
#include "crypto/sym.h"
#include "support/test.h"
#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>

/* A row without a word of its own: IKE says "no integrity" by an AEAD or by leaving the transform out. */
static bool has_no_word(const struct alg *a)
{
    return a->type == TRANSFORM_INTEG && a->id == INTEG_NONE;
}

static void every_row_has_a_keyword_for_each_key_length(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        if (has_no_word(a))
            continue;
        for (size_t k = 0; k == 0 || (a->has_key_length && a->key_bits[k]); k++) {
            uint16_t bits = a->has_key_length ? a->key_bits[k] : 0;
            const char *word = alg_keyword_of(a->type, a->id, bits);
            if (!word)
                fail_msg("%s_%u has no keyword", a->name, bits);
            const struct alg_keyword *back = alg_by_keyword(word, strlen(word));
            assert_non_null(back);
            assert_int_equal(back->type, a->type);
            assert_int_equal(back->id, a->id);
            assert_int_equal(back->key_bits, bits);
        }
    }
}

static void every_keyword_leads_to_a_row_that_has_its_key_length(void **state)
{
    (void)state;
    for (size_t i = 0; alg_keyword_at(i); i++) {
        const struct alg_keyword *k = alg_keyword_at(i);
        const struct alg *a = alg_find(k->type, k->id);
        if (!a)
            fail_msg("%s leads nowhere", k->word);
        assert_int_equal(k->key_bits != 0, a->has_key_length);
        bool is_listed = !a->has_key_length;
        for (size_t j = 0; j < ARRAY_LEN(a->key_bits); j++)
            is_listed |= a->key_bits[j] == k->key_bits;
        if (!is_listed)
            fail_msg("%s: no such key length", k->word);
        for (const char *c = k->word; *c; c++)
            assert_true(islower(*c) || isdigit(*c) || *c == '_');
    }
}

static void no_row_name_or_keyword_occurs_twice(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        for (size_t j = i + 1; alg_at(j); j++) {
            if (alg_at(i)->type != alg_at(j)->type)
                continue;
            assert_int_not_equal(alg_at(i)->id, alg_at(j)->id);
            assert_string_not_equal(alg_at(i)->name, alg_at(j)->name);
        }
    }
    for (size_t i = 0; alg_keyword_at(i); i++) {
        for (size_t j = i + 1; alg_keyword_at(j); j++)
            assert_string_not_equal(alg_keyword_at(i)->word, alg_keyword_at(j)->word);
    }
}

static void words_of_strongswan_proposals_are_known(void **state)
{
    (void)state;
    const struct {
        const char *word;
        enum transform_type type;
        uint16_t id, bits;
    } v[] = {
        {"aes",              TRANSFORM_ENCR,  ENCR_AES_CBC,            128},
        {"aes192",           TRANSFORM_ENCR,  ENCR_AES_CBC,            192},
        {"aes128ctr",        TRANSFORM_ENCR,  ENCR_AES_CTR,            128},
        {"aes256gcm",        TRANSFORM_ENCR,  ENCR_AES_GCM_16,         256},
        {"AES256GCM16",      TRANSFORM_ENCR,  ENCR_AES_GCM_16,         256},
        {"aes128gcm128",     TRANSFORM_ENCR,  ENCR_AES_GCM_16,         128},
        {"aes128gcm64",      TRANSFORM_ENCR,  ENCR_AES_GCM_8,          128},
        {"aes128ccm16",      TRANSFORM_ENCR,  ENCR_AES_CCM_16,         128},
        {"aes256ccm96",      TRANSFORM_ENCR,  ENCR_AES_CCM_12,         256},
        {"aes128gmac",       TRANSFORM_ENCR,  ENCR_NULL_AES_GMAC,      128},
        {"chacha20poly1305", TRANSFORM_ENCR,  ENCR_CHACHA20_POLY1305,  0  },
        {"3des",             TRANSFORM_ENCR,  ENCR_3DES,               0  },
        {"null",             TRANSFORM_ENCR,  ENCR_NULL,               0  },
        {"sha",              TRANSFORM_INTEG, INTEG_HMAC_SHA1_96,      0  },
        {"sha2_256",         TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0  },
        {"sha256_96",        TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_96,  0  },
        {"aesxcbc",          TRANSFORM_INTEG, INTEG_AES_XCBC_96,       0  },
        {"prfsha384",        TRANSFORM_PRF,   PRF_HMAC_SHA2_384,       0  },
        {"prfaescmac",       TRANSFORM_PRF,   PRF_AES128_CMAC,         0  },
        {"x25519",           TRANSFORM_KE,    KE_CURVE25519,           0  },
        {"curve448",         TRANSFORM_KE,    KE_CURVE448,             0  },
        {"ecp512bp",         TRANSFORM_KE,    KE_ECP_512BP,            0  },
        {"modp2048",         TRANSFORM_KE,    KE_MODP_2048,            0  },
        {"mlkem768",         TRANSFORM_KE,    KE_ML_KEM_768,           0  },
        {"none",             TRANSFORM_KE,    KE_NONE,                 0  },
        {"esn",              TRANSFORM_ESN,   1,                       0  },
    };
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        const struct alg_keyword *k = alg_by_keyword(v[i].word, strlen(v[i].word));
        if (!k || k->type != v[i].type || k->id != v[i].id || k->key_bits != v[i].bits)
            fail_msg("%s", v[i].word);
    }
    assert_null(alg_by_keyword("aes128gcm16x", 12));
    assert_null(alg_by_keyword("aes51", 5));
    assert_null(alg_by_keyword("", 0));
    assert_null(alg_by_keyword("chacha20poly1305compat", 22)); /* a draft's, with another nonce */
    assert_string_equal(alg_keyword_of(TRANSFORM_ENCR, ENCR_AES_GCM_16, 256), "aes256gcm16");
    assert_string_equal(alg_keyword_of(TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0), "sha256");
    assert_null(alg_keyword_of(TRANSFORM_ENCR, ENCR_AES_GCM_16, 100));
}

static void names_are_written_with_their_key_length(void **state)
{
    (void)state;
    char buf[40], tiny[8];
    assert_string_equal(alg_format(TRANSFORM_ENCR, ENCR_AES_GCM_16, 256, buf, sizeof(buf)), "AES_GCM_16_256");
    assert_string_equal(alg_format(TRANSFORM_KE, KE_CURVE25519, 0, buf, sizeof(buf)), "CURVE_25519");
    assert_string_equal(alg_format(TRANSFORM_ENCR, 999, 128, buf, sizeof(buf)), "ENCR_999_128");
    assert_string_equal(alg_format(TRANSFORM_KE, KE_ML_KEM_768, 0, buf, sizeof(buf)), "ML_KEM_768");
    assert_string_equal(alg_format(TRANSFORM_KE, 99, 0, buf, sizeof(buf)), "KE_99");
    assert_string_equal(alg_format(TRANSFORM_ADDKE7, KE_CURVE25519, 0, buf, sizeof(buf)), "KE7_CURVE_25519");
    assert_string_equal(alg_format(TRANSFORM_ADDKE1, 99, 0, buf, sizeof(buf)), "KE1_99");
    assert_string_equal(alg_format(13, 1, 0, buf, sizeof(buf)), "UNKNOWN_1");
    assert_string_equal(alg_format(TRANSFORM_ENCR, ENCR_AES_GCM_16, 256, tiny, sizeof(tiny)), "AES_GCM");
}

static void every_integrity_transform_implies_a_prf_of_the_same_hash(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        if (a->type != TRANSFORM_INTEG)
            continue;
        uint16_t prf = alg_prf_of_integ(a->id);
        if (has_no_word(a)) {
            assert_int_equal(prf, 0);
            continue;
        }
        const struct alg *p = alg_find(TRANSFORM_PRF, prf);
        uint8_t key[64] = {1, 2, 3}, full[PRF_MAX_LEN], cut[PRF_MAX_LEN];
        struct span data = span_str("data");
        assert_non_null(p);
        assert_int_equal(p->key_len, a->key_len);
        assert_true(prf_compute(prf, span_of(key, a->key_len), &data, 1, full));
        assert_true(integ_compute(a->id, span_of(key, a->key_len), &data, 1, cut));
        assert_memory_equal(full, cut, a->icv);
        assert_int_equal(mac_len(mac_of_integ(a->id)), p->out_len);
    }
}

/* Each size in the table is what libcrypto says of its cipher. */
static void key_and_block_sizes_are_those_of_libcrypto(void **state)
{
    (void)state;
    const struct {
        uint16_t id;
        const char *format; /* of the key length */
    } v[] = {
        {ENCR_AES_GCM_16,        "AES-%u-GCM"       },
        {ENCR_AES_CCM_16,        "AES-%u-CCM"       },
        {ENCR_AES_CBC,           "AES-%u-CBC"       },
        {ENCR_AES_CTR,           "AES-%u-CTR"       },
        {ENCR_CHACHA20_POLY1305, "ChaCha20-Poly1305"},
        {ENCR_3DES,              "DES-EDE3-CBC"     },
    };
    for (size_t i = 0; i < ARRAY_LEN(v); i++) {
        const struct alg *a = alg_find(TRANSFORM_ENCR, v[i].id);
        for (size_t k = 0; k < 4 && a->key_bits[k]; k++) {
            char name[32];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
            snprintf(name, sizeof(name), v[i].format, a->key_bits[k]);
#pragma GCC diagnostic pop
            EVP_CIPHER *c = EVP_CIPHER_fetch(NULL, name, NULL);
            assert_non_null(c);
            assert_int_equal(EVP_CIPHER_get_key_length(c) * 8, a->key_bits[k]);
            assert_int_equal(EVP_CIPHER_get_block_size(c), a->block);
            if (a->block > 1)
                assert_int_equal(EVP_CIPHER_get_iv_length(c), a->iv);
            assert_int_equal(sym_key_len(a, a->key_bits[k]), a->key_bits[k] / 8 + a->salt);
            EVP_CIPHER_free(c);
        }
    }
}

static void rows_are_whole(void **state)
{
    (void)state;
    for (size_t i = 0; alg_at(i); i++) {
        const struct alg *a = alg_at(i);
        assert_non_null(a->name);
        assert_ptr_equal(alg_find(a->type, a->id), a);
        switch (a->type) {
        case TRANSFORM_ENCR:
            assert_true(a->block >= 1);
            assert_int_equal(a->is_aead, a->icv > 0);
            for (size_t k = 1; k < 4 && a->key_bits[k]; k++)
                assert_true(a->key_bits[k] > a->key_bits[k - 1]);
            break;
        case TRANSFORM_PRF:
            assert_int_equal(prf_len(a->id), a->out_len);
            assert_true(a->out_len <= PRF_MAX_LEN);
            break;
        case TRANSFORM_INTEG:
            assert_int_equal(a->icv > 0, a->id != INTEG_NONE);
            break;
        case TRANSFORM_KE: {
            static uint8_t any[KEX_PUBLIC_MAX];
            assert_true(a->public_len <= KEX_PUBLIC_MAX);
            assert_int_equal(kex_public_plausible(a->id, span_of(any, a->public_len)), a->id != KE_NONE);
            break;
        }
        case TRANSFORM_ESN:
            break;
        default: /* additional key exchanges have no rows of their own */
            fail_msg("row %zu is of type %d", i, a->type);
        }
    }
}

static void weak_is_what_must_be_named_to_be_used(void **state)
{
    (void)state;
    size_t weak = 0;
    for (size_t i = 0; alg_at(i); i++)
        weak += alg_at(i)->is_weak;
    assert_true(alg_find(TRANSFORM_ENCR, ENCR_3DES)->is_weak);
    assert_true(alg_find(TRANSFORM_ENCR, ENCR_NULL)->is_weak);
    assert_true(alg_find(TRANSFORM_ENCR, ENCR_NULL_AES_GMAC)->is_weak);
    assert_true(alg_find(TRANSFORM_PRF, PRF_HMAC_MD5)->is_weak);
    assert_true(alg_find(TRANSFORM_INTEG, INTEG_HMAC_MD5_96)->is_weak);
    assert_true(alg_find(TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_96)->is_weak);
    assert_true(alg_find(TRANSFORM_KE, KE_MODP_768)->is_weak);
    assert_true(alg_find(TRANSFORM_KE, KE_MODP_1024)->is_weak);
    assert_true(alg_find(TRANSFORM_KE, KE_MODP_1536)->is_weak);
    assert_int_equal(weak, 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_has_a_keyword_for_each_key_length),
        cmocka_unit_test(every_keyword_leads_to_a_row_that_has_its_key_length),
        cmocka_unit_test(no_row_name_or_keyword_occurs_twice),
        cmocka_unit_test(words_of_strongswan_proposals_are_known),
        cmocka_unit_test(names_are_written_with_their_key_length),
        cmocka_unit_test(every_integrity_transform_implies_a_prf_of_the_same_hash),
        cmocka_unit_test(key_and_block_sizes_are_those_of_libcrypto),
        cmocka_unit_test(rows_are_whole),
        cmocka_unit_test(weak_is_what_must_be_named_to_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
