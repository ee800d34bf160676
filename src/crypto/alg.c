/* SPDX-License-Identifier: Apache-2.0 */
/* THE algorithm table and the words of proposal strings: see alg.h. Numbers: IANA "IKEv2 Parameters"; sizes:
 * the RFC that a row's comment names. Weak rows are known and work, but only where a proposal names them
 * (RFC 8247 and RFC 8221 forbid them; NULL encryption is among them, since nobody should get it by default).
 */
#include "crypto/alg.h"
#include "base/text.h"
#include <strings.h>

static const struct alg algs[];
static const struct alg_keyword keywords[];
static const size_t alg_count, keyword_count;

const struct alg *alg_at(size_t index)
{
    return index < alg_count ? &algs[index] : NULL;
}

const struct alg_keyword *alg_keyword_at(size_t index)
{
    return index < keyword_count ? &keywords[index] : NULL;
}

const struct alg *alg_find(enum transform_type type, uint16_t id)
{
    if (transform_is_addke(type))
        type = TRANSFORM_KE;
    for (size_t i = 0; i < alg_count; i++) {
        if (algs[i].type == type && algs[i].id == id)
            return &algs[i];
    }
    return NULL;
}

const struct alg_keyword *alg_by_keyword(const char *word, size_t len)
{
    for (size_t i = 0; i < keyword_count; i++) {
        if (strlen(keywords[i].word) == len && strncasecmp(keywords[i].word, word, len) == 0)
            return &keywords[i];
    }
    return NULL;
}

const char *alg_keyword_of(enum transform_type type, uint16_t id, uint16_t key_bits)
{
    for (size_t i = 0; i < keyword_count; i++) {
        const struct alg_keyword *k = &keywords[i];
        if (k->type == type && k->id == id && k->key_bits == key_bits)
            return k->word;
    }
    return NULL;
}

uint16_t alg_prf_of_integ(uint16_t integ)
{
    switch (integ) {
    case INTEG_HMAC_MD5_96:
        return PRF_HMAC_MD5;
    case INTEG_HMAC_SHA1_96:
        return PRF_HMAC_SHA1;
    case INTEG_AES_XCBC_96:
        return PRF_AES128_XCBC;
    case INTEG_AES_CMAC_96:
        return PRF_AES128_CMAC;
    case INTEG_HMAC_SHA2_256_96:
    case INTEG_HMAC_SHA2_256_128:
        return PRF_HMAC_SHA2_256;
    case INTEG_HMAC_SHA2_384_192:
        return PRF_HMAC_SHA2_384;
    case INTEG_HMAC_SHA2_512_256:
        return PRF_HMAC_SHA2_512;
    default:
        return 0;
    }
}

const char *alg_type_name(enum transform_type type)
{
    static const char *const names[] = {
        [TRANSFORM_ENCR] = "ENCR",
        [TRANSFORM_PRF] = "PRF",
        [TRANSFORM_INTEG] = "INTEG",
        [TRANSFORM_KE] = "KE",
        [TRANSFORM_ESN] = "ESN",
        [6] = "KE1",
        "KE2",
        "KE3",
        "KE4",
        "KE5",
        "KE6",
        "KE7",
    };
    return (size_t)type < ARRAY_LEN(names) && names[type] ? names[type] : "UNKNOWN";
}

const char *alg_format(enum transform_type type, uint16_t id, uint16_t key_bits, char *buf, size_t cap)
{
    const struct alg *a = alg_find(type, id);
    struct text t = {.buf = buf, .cap = cap};
    if (a && transform_is_addke(type))
        text_printf(&t, "%s_", alg_type_name(type));
    if (a)
        text_str(&t, a->name);
    else
        text_printf(&t, "%s_%u", alg_type_name(type), id);
    if (key_bits)
        text_printf(&t, "_%u", key_bits);
    return buf;
}

#define ENCR(i, n)   .type = TRANSFORM_ENCR, .id = (i), .name = (n)
#define AES_KEYS     .has_key_length = true, .key_bits = {128, 192, 256}
#define AEAD(s, tag) .is_aead = true, .block = 1, .iv = 8, .salt = (s), .icv = (tag)
#define WEAK         .is_weak = true

#define PRF(i, n, len)                                                                                       \
    {                                                                                                        \
        .type = TRANSFORM_PRF, .id = (i), .name = (n), .key_len = (len), .out_len = (len)                    \
    }
#define PRF_WEAK(i, n, len)                                                                                  \
    {                                                                                                        \
        .type = TRANSFORM_PRF, .id = (i), .name = (n), .key_len = (len), .out_len = (len), WEAK              \
    }
#define INTEG(i, n, key, tag)                                                                                \
    {                                                                                                        \
        .type = TRANSFORM_INTEG, .id = (i), .name = (n), .key_len = (key), .icv = (tag)                      \
    }
#define INTEG_WEAK(i, n, key, tag)                                                                           \
    {                                                                                                        \
        .type = TRANSFORM_INTEG, .id = (i), .name = (n), .key_len = (key), .icv = (tag), WEAK                \
    }
#define KE(i, n, out, pub)                                                                                   \
    {                                                                                                        \
        .type = TRANSFORM_KE, .id = (i), .name = (n), .out_len = (out), .public_len = (pub)                  \
    }
#define KE_WEAK(i, n, out, pub)                                                                              \
    {                                                                                                        \
        .type = TRANSFORM_KE, .id = (i), .name = (n), .out_len = (out), .public_len = (pub), WEAK            \
    }

static const struct alg algs[] = {
    {ENCR(ENCR_AES_GCM_16, "AES_GCM_16"),            AES_KEYS,                                          AEAD(4, 16)}, /* RFC 4106, RFC 5282 */
    {ENCR(ENCR_AES_GCM_12,                 "AES_GCM_12"),                                         AES_KEYS,                                                                       AEAD(4, 12)},
    {ENCR(ENCR_AES_GCM_8,            "AES_GCM_8"),AES_KEYS,AEAD(4, 8)},
    {ENCR(ENCR_CHACHA20_POLY1305,  "CHACHA20_POLY1305"),   AEAD(4,                                                       16), .key_bits = {256}}, /* RFC 7634 */
    {ENCR(ENCR_AES_CBC,                  "AES_CBC"),                                          AES_KEYS,                                                                 .block = 16, .iv = 16}, /* RFC 3602 */
    {ENCR(ENCR_AES_CTR,              "AES_CTR"),                                 AES_KEYS,           .block = 1, .iv = 8, .salt = 4}, /* RFC 3686, RFC 5930 */
    {ENCR(ENCR_AES_CCM_16,    "AES_CCM_16"), AES_KEYS, AEAD(3, 16)}, /* RFC 4309, RFC 5282 */
    {ENCR(ENCR_AES_CCM_12,            "AES_CCM_12"),                                    AES_KEYS,                                                                     AEAD(3, 12)},
    {ENCR(ENCR_AES_CCM_8,            "AES_CCM_8"),AES_KEYS,                          AEAD(3, 8)},
    {ENCR(ENCR_NULL_AES_GMAC,                    "NULL_AES_GMAC"),                         AES_KEYS,                                                          AEAD(4, 16), WEAK}, /* RFC 4543 */
    {ENCR(ENCR_3DES,              "3DES_CBC"),                                   .key_bits = {192},                                                                                    .block = 8, .iv = 8, WEAK}, /* RFC 2451 */
    {ENCR(ENCR_NULL,"NULL"),.block = 1,WEAK}, /* RFC 2410 */

    PRF(PRF_HMAC_SHA2_256, "PRF_HMAC_SHA2_256", 32), /* RFC 4868 */
    PRF(PRF_HMAC_SHA2_384, "PRF_HMAC_SHA2_384", 48),
    PRF(PRF_HMAC_SHA2_512, "PRF_HMAC_SHA2_512", 64),
    PRF(PRF_HMAC_SHA1, "PRF_HMAC_SHA1", 20),
    PRF(PRF_AES128_XCBC, "PRF_AES128_XCBC", 16), /* RFC 4434 */
    PRF(PRF_AES128_CMAC, "PRF_AES128_CMAC", 16), /* RFC 4615 */
    PRF_WEAK(PRF_HMAC_MD5, "PRF_HMAC_MD5", 16),

    INTEG(INTEG_NONE, "NONE", 0, 0),
    INTEG(INTEG_HMAC_SHA2_256_128, "HMAC_SHA2_256_128", 32, 16), /* RFC 4868 */
    INTEG(INTEG_HMAC_SHA2_384_192, "HMAC_SHA2_384_192", 48, 24),
    INTEG(INTEG_HMAC_SHA2_512_256, "HMAC_SHA2_512_256", 64, 32),
    INTEG(INTEG_HMAC_SHA1_96, "HMAC_SHA1_96", 20, 12), /* RFC 2404 */
    INTEG(INTEG_AES_XCBC_96, "AES_XCBC_96", 16, 12), /* RFC 3566 */
    INTEG(INTEG_AES_CMAC_96, "AES_CMAC_96", 16, 12), /* RFC 4494 */
    INTEG_WEAK(INTEG_HMAC_MD5_96, "HMAC_MD5_96", 16, 12),
    INTEG_WEAK(INTEG_HMAC_SHA2_256_96, "HMAC_SHA2_256_96", 32, 12),

    KE(KE_NONE, "KE_NONE", 0, 0),
    KE(KE_CURVE25519, "CURVE_25519", 32, 32), /* RFC 8031 */
    KE(KE_CURVE448, "CURVE_448", 56, 56),
    KE(KE_ECP_256, "ECP_256", 32, 64), /* RFC 5903 */
    KE(KE_ECP_384, "ECP_384", 48, 96),
    KE(KE_ECP_521, "ECP_521", 66, 132),
    KE(KE_ECP_224BP, "ECP_224_BP", 28, 56), /* RFC 6954 */
    KE(KE_ECP_256BP, "ECP_256_BP", 32, 64),
    KE(KE_ECP_384BP, "ECP_384_BP", 48, 96),
    KE(KE_ECP_512BP, "ECP_512_BP", 64, 128),
    KE(KE_MODP_2048, "MODP_2048", 256, 256), /* RFC 3526 */
    KE(KE_MODP_3072, "MODP_3072", 384, 384),
    KE(KE_MODP_4096, "MODP_4096", 512, 512),
    KE(KE_MODP_6144, "MODP_6144", 768, 768),
    KE(KE_MODP_8192, "MODP_8192", 1024, 1024),
    KE_WEAK(KE_MODP_1536, "MODP_1536", 192, 192),
    KE_WEAK(KE_MODP_1024, "MODP_1024", 128, 128), /* RFC 2409 */
    KE_WEAK(KE_MODP_768, "MODP_768", 96, 96),
    KE(KE_ML_KEM_512, "ML_KEM_512", 32, 800), /* FIPS 203 */
    KE(KE_ML_KEM_768, "ML_KEM_768", 32, 1184),
    KE(KE_ML_KEM_1024, "ML_KEM_1024", 32, 1568),

    {.type = TRANSFORM_ESN,                    .id = 0,                          .name = "NO_EXT_SEQ"                                                   },
    {.type = TRANSFORM_ESN,              .id = 1,                                    .name = "EXT_SEQ"                                                           },
};
static const size_t alg_count = ARRAY_LEN(algs);

/* Where several words mean one transform the first is the canonical one. "aes" alone is 128 bits; an AEAD
 * word gives its ICV in bytes or in bits, and means 16 bytes when it gives none. */
#define E(word, id, bits)                                                                                    \
    {                                                                                                        \
        word, TRANSFORM_ENCR, id, bits                                                                       \
    }
#define AES_WORDS(prefix, bits)                                                                              \
    E(prefix "gcm16", ENCR_AES_GCM_16, bits), E(prefix "gcm128", ENCR_AES_GCM_16, bits),                     \
        E(prefix "gcm", ENCR_AES_GCM_16, bits), E(prefix "gcm12", ENCR_AES_GCM_12, bits),                    \
        E(prefix "gcm96", ENCR_AES_GCM_12, bits), E(prefix "gcm8", ENCR_AES_GCM_8, bits),                    \
        E(prefix "gcm64", ENCR_AES_GCM_8, bits), E(prefix "ccm16", ENCR_AES_CCM_16, bits),                   \
        E(prefix "ccm128", ENCR_AES_CCM_16, bits), E(prefix "ccm", ENCR_AES_CCM_16, bits),                   \
        E(prefix "ccm12", ENCR_AES_CCM_12, bits), E(prefix "ccm96", ENCR_AES_CCM_12, bits),                  \
        E(prefix "ccm8", ENCR_AES_CCM_8, bits), E(prefix "ccm64", ENCR_AES_CCM_8, bits),                     \
        E(prefix "ctr", ENCR_AES_CTR, bits), E(prefix "gmac", ENCR_NULL_AES_GMAC, bits),                     \
        E(prefix, ENCR_AES_CBC, bits)

static const struct alg_keyword keywords[] = {
    AES_WORDS("aes128", 128),
    AES_WORDS("aes192", 192),
    AES_WORDS("aes256", 256),
    AES_WORDS("aes", 128),
    E("chacha20poly1305", ENCR_CHACHA20_POLY1305, 0),
    E("3des", ENCR_3DES, 0),
    E("null", ENCR_NULL, 0),

    {"sha256",      TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0},
    {"sha2_256",    TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, 0},
    {"sha384",      TRANSFORM_INTEG, INTEG_HMAC_SHA2_384_192, 0},
    {"sha2_384",    TRANSFORM_INTEG, INTEG_HMAC_SHA2_384_192, 0},
    {"sha512",      TRANSFORM_INTEG, INTEG_HMAC_SHA2_512_256, 0},
    {"sha2_512",    TRANSFORM_INTEG, INTEG_HMAC_SHA2_512_256, 0},
    {"sha256_96",   TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_96,  0},
    {"sha2_256_96", TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_96,  0},
    {"sha1",        TRANSFORM_INTEG, INTEG_HMAC_SHA1_96,      0},
    {"sha",         TRANSFORM_INTEG, INTEG_HMAC_SHA1_96,      0},
    {"aesxcbc",     TRANSFORM_INTEG, INTEG_AES_XCBC_96,       0},
    {"aescmac",     TRANSFORM_INTEG, INTEG_AES_CMAC_96,       0},
    {"md5",         TRANSFORM_INTEG, INTEG_HMAC_MD5_96,       0},

    {"prfsha256",   TRANSFORM_PRF,   PRF_HMAC_SHA2_256,       0},
    {"prfsha384",   TRANSFORM_PRF,   PRF_HMAC_SHA2_384,       0},
    {"prfsha512",   TRANSFORM_PRF,   PRF_HMAC_SHA2_512,       0},
    {"prfsha1",     TRANSFORM_PRF,   PRF_HMAC_SHA1,           0},
    {"prfaesxcbc",  TRANSFORM_PRF,   PRF_AES128_XCBC,         0},
    {"prfaescmac",  TRANSFORM_PRF,   PRF_AES128_CMAC,         0},
    {"prfmd5",      TRANSFORM_PRF,   PRF_HMAC_MD5,            0},

    {"none",        TRANSFORM_KE,    KE_NONE,                 0},
    {"x25519",      TRANSFORM_KE,    KE_CURVE25519,           0},
    {"curve25519",  TRANSFORM_KE,    KE_CURVE25519,           0},
    {"x448",        TRANSFORM_KE,    KE_CURVE448,             0},
    {"curve448",    TRANSFORM_KE,    KE_CURVE448,             0},
    {"ecp256",      TRANSFORM_KE,    KE_ECP_256,              0},
    {"ecp384",      TRANSFORM_KE,    KE_ECP_384,              0},
    {"ecp521",      TRANSFORM_KE,    KE_ECP_521,              0},
    {"ecp224bp",    TRANSFORM_KE,    KE_ECP_224BP,            0},
    {"ecp256bp",    TRANSFORM_KE,    KE_ECP_256BP,            0},
    {"ecp384bp",    TRANSFORM_KE,    KE_ECP_384BP,            0},
    {"ecp512bp",    TRANSFORM_KE,    KE_ECP_512BP,            0},
    {"modp2048",    TRANSFORM_KE,    KE_MODP_2048,            0},
    {"modp3072",    TRANSFORM_KE,    KE_MODP_3072,            0},
    {"modp4096",    TRANSFORM_KE,    KE_MODP_4096,            0},
    {"modp6144",    TRANSFORM_KE,    KE_MODP_6144,            0},
    {"modp8192",    TRANSFORM_KE,    KE_MODP_8192,            0},
    {"modp1536",    TRANSFORM_KE,    KE_MODP_1536,            0},
    {"modp1024",    TRANSFORM_KE,    KE_MODP_1024,            0},
    {"modp768",     TRANSFORM_KE,    KE_MODP_768,             0},
    {"mlkem512",    TRANSFORM_KE,    KE_ML_KEM_512,           0},
    {"mlkem768",    TRANSFORM_KE,    KE_ML_KEM_768,           0},
    {"mlkem1024",   TRANSFORM_KE,    KE_ML_KEM_1024,          0},

    {"noesn",       TRANSFORM_ESN,   0,                       0},
    {"esn",         TRANSFORM_ESN,   1,                       0},
};
static const size_t keyword_count = ARRAY_LEN(keywords);
