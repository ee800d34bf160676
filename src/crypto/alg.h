/* SPDX-License-Identifier: Apache-2.0 */
/* THE algorithm table: IANA numbers of IKEv2 transforms (RFC 7296 section 3.3.2 and the IANA registry), their
 * sizes and their names in every dialect. Nothing else in Keyway knows an algorithm's number and its name at
 * once. */
#pragma once

#include "base/span.h"

enum transform_type {
    TRANSFORM_ENCR = 1,
    TRANSFORM_PRF = 2,
    TRANSFORM_INTEG = 3,
    TRANSFORM_KE = 4, /* "Diffie-Hellman Group", now "Key Exchange Method" (RFC 9370) */
    TRANSFORM_ESN = 5,
    TRANSFORM_ADDKE1 =
        6, /* to 12: additional key exchanges 1 to 7, their ids are those of KE [RFC9370#2.2.1] */
    TRANSFORM_ADDKE7 = 12,
    TRANSFORM_TYPES, /* all of them are below */
};

#define ADDKE_MAX (TRANSFORM_ADDKE7 - TRANSFORM_ADDKE1 + 1)
static inline bool transform_is_addke(unsigned type)
{
    return type >= TRANSFORM_ADDKE1 && type <= TRANSFORM_ADDKE7;
}

enum encr_id {
    ENCR_3DES = 3,
    ENCR_NULL = 11,
    ENCR_AES_CBC = 12,
    ENCR_AES_CTR = 13,
    ENCR_AES_CCM_8 = 14,
    ENCR_AES_CCM_12 = 15,
    ENCR_AES_CCM_16 = 16,
    ENCR_AES_GCM_8 = 18,
    ENCR_AES_GCM_12 = 19,
    ENCR_AES_GCM_16 = 20,
    ENCR_NULL_AES_GMAC = 21,
    ENCR_CHACHA20_POLY1305 = 28,
};

enum prf_id {
    PRF_HMAC_MD5 = 1,
    PRF_HMAC_SHA1 = 2,
    PRF_AES128_XCBC = 4,
    PRF_HMAC_SHA2_256 = 5,
    PRF_HMAC_SHA2_384 = 6,
    PRF_HMAC_SHA2_512 = 7,
    PRF_AES128_CMAC = 8,
};

enum integ_id {
    INTEG_NONE = 0,
    INTEG_HMAC_MD5_96 = 1,
    INTEG_HMAC_SHA1_96 = 2,
    INTEG_AES_XCBC_96 = 5,
    INTEG_AES_CMAC_96 = 8,
    INTEG_HMAC_SHA2_256_128 = 12,
    INTEG_HMAC_SHA2_384_192 = 13,
    INTEG_HMAC_SHA2_512_256 = 14,
    /* Private to Keyway: the 96-bit truncation of pre-RFC kernels (sha256_96 = yes). Never on the wire. */
    INTEG_HMAC_SHA2_256_96 = 1024,
};

enum ke_id {
    KE_NONE = 0,
    KE_MODP_768 = 1,
    KE_MODP_1024 = 2,
    KE_MODP_1536 = 5,
    KE_MODP_2048 = 14,
    KE_MODP_3072 = 15,
    KE_MODP_4096 = 16,
    KE_MODP_6144 = 17,
    KE_MODP_8192 = 18,
    KE_ECP_256 = 19,
    KE_ECP_384 = 20,
    KE_ECP_521 = 21,
    KE_ECP_224BP = 27,
    KE_ECP_256BP = 28,
    KE_ECP_384BP = 29,
    KE_ECP_512BP = 30,
    KE_CURVE25519 = 31,
    KE_CURVE448 = 32,
    KE_ML_KEM_512 = 35, /* draft-ietf-ipsecme-ikev2-mlkem */
    KE_ML_KEM_768 = 36,
    KE_ML_KEM_1024 = 37,
};

struct alg {
    enum transform_type type;
    uint16_t id;
    const char *name;     /* as vici prints it: "AES_GCM_16", "HMAC_SHA2_256_128", "CURVE_25519" */
    bool is_aead;         /* ENCR only */
    bool is_weak;         /* known, but off unless a proposal names it */
    bool has_key_length;  /* ENCR only: the Key Length attribute is sent (RFC 7296 section 3.3.5) */
    uint16_t key_bits[4]; /* ENCR: key lengths without salt, smallest first, 0-terminated */
    uint8_t block;        /* ENCR: what the plaintext must be a multiple of (1 for stream modes) */
    uint8_t iv;           /* ENCR: explicit IV bytes on the wire */
    uint8_t salt;         /* ENCR: implicit nonce bytes taken from the end of the keying material */
    uint8_t icv;          /* AEAD or INTEG: ICV bytes on the wire */
    uint16_t key_len;     /* PRF, INTEG: preferred key bytes */
    uint16_t out_len;     /* PRF: output bytes; KE: shared secret bytes */
    uint16_t public_len;  /* KE: bytes of the initiator's value on the wire (a KEM's answer has others) */
};

/* One word of a proposal string: "aes256gcm16", "sha256", "prfsha384", "x25519", "modp2048", "esn". */
struct alg_keyword {
    const char *word;
    enum transform_type type;
    uint16_t id;
    uint16_t key_bits; /* 0: none */
};

/* NULL when unknown. The methods of additional key exchanges are those of KE. */
const struct alg *alg_find(enum transform_type type, uint16_t id);
/* Case-insensitive. NULL when unknown. In an IKE proposal an integrity keyword also implies its PRF:
 * alg_prf_of_integ(). */
const struct alg_keyword *alg_by_keyword(const char *word, size_t len);
/* The PRF that strongSwan's proposal strings imply for an integrity algorithm, or 0. */
uint16_t alg_prf_of_integ(uint16_t integ);
/* The canonical keyword for a transform ("aes256gcm16"), or NULL. */
const char *alg_keyword_of(enum transform_type type, uint16_t id, uint16_t key_bits);
const char *alg_type_name(enum transform_type type);
/* "AES_GCM_16_256", "CURVE_25519", "KE1_CURVE_25519"; numbers for what is unknown. Writes into buf and
 * returns it. */
const char *alg_format(enum transform_type type, uint16_t id, uint16_t key_bits, char *buf, size_t cap);
/* Iteration for tests and listings: index 0.. until NULL. */
const struct alg *alg_at(size_t index);
const struct alg_keyword *alg_keyword_at(size_t index);
