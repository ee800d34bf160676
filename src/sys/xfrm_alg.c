/* SPDX-License-Identifier: Apache-2.0 */
/* See xfrm_alg.h. Keys of counter modes and AEADs end with the salt, for the kernel as for us [RFC3686#5.1]
 * [RFC4106#8.1]. */
#include "sys/xfrm_alg.h"

static const struct xfrm_alg algs[] = {
    {TRANSFORM_ENCR,  ENCR_3DES,               "cbc(des3_ede)",                 "des_generic, cbc",     NULL                      },
    {TRANSFORM_ENCR,  ENCR_NULL,               "ecb(cipher_null)",              "crypto_null",          NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_CBC,            "cbc(aes)",                      "aes, cbc",             NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_CTR,            "rfc3686(ctr(aes))",             "aes, ctr",             NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_CCM_8,          "rfc4309(ccm(aes))",             "aes, ccm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_CCM_12,         "rfc4309(ccm(aes))",             "aes, ccm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_CCM_16,         "rfc4309(ccm(aes))",             "aes, ccm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_GCM_8,          "rfc4106(gcm(aes))",             "aes, gcm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_GCM_12,         "rfc4106(gcm(aes))",             "aes, gcm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_AES_GCM_16,         "rfc4106(gcm(aes))",             "aes, gcm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_NULL_AES_GMAC,      "rfc4543(gcm(aes))",             "aes, gcm, seqiv",      NULL                      },
    {TRANSFORM_ENCR,  ENCR_CHACHA20_POLY1305,  "rfc7539esp(chacha20,poly1305)",
     "chacha20poly1305, chacha20_generic, poly1305_generic, seqiv",                                     NULL                      },

    {TRANSFORM_INTEG, INTEG_NONE,              NULL,                            NULL,                   "nothing is to be checked"},
    {TRANSFORM_INTEG, INTEG_HMAC_MD5_96,       "hmac(md5)",                     "md5, hmac",            NULL                      },
    {TRANSFORM_INTEG, INTEG_HMAC_SHA1_96,      "hmac(sha1)",                    "sha1_generic, hmac",   NULL                      },
    {TRANSFORM_INTEG, INTEG_AES_XCBC_96,       "xcbc(aes)",                     "aes, xcbc",            NULL                      },
    {TRANSFORM_INTEG, INTEG_AES_CMAC_96,       "cmac(aes)",                     "aes, cmac",            NULL                      },
    {TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_128, "hmac(sha256)",                  "sha256_generic, hmac", NULL                      },
    {TRANSFORM_INTEG, INTEG_HMAC_SHA2_384_192, "hmac(sha384)",                  "sha512_generic, hmac", NULL                      },
    {TRANSFORM_INTEG, INTEG_HMAC_SHA2_512_256, "hmac(sha512)",                  "sha512_generic, hmac", NULL                      },
    {TRANSFORM_INTEG, INTEG_HMAC_SHA2_256_96,  "hmac(sha256)",                  "sha256_generic, hmac", NULL                      },
};

const struct xfrm_alg *xfrm_alg_find(enum transform_type type, uint16_t id)
{
    for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
        if (algs[i].type == type && algs[i].id == id)
            return &algs[i];
    }
    return NULL;
}
