/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys under a passphrase: PKCS#8's EncryptedPrivateKeyInfo (RFC 5958) by PBES2 (RFC 8018) with
 * PBKDF2 over HMAC-SHA-256 and AES-256-CBC, which OpenSSL and NSS read. Reading them: pkey_load.c. */
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include "crypto/random.h"
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>

enum { ITERATIONS = 100000, SALT_LEN = 16, IV_LEN = 16 };

static X509_ALGOR *make_algorithm(void)
{
    uint8_t salt[SALT_LEN], iv[IV_LEN];
    crypto_random(salt, sizeof(salt));
    crypto_random(iv, sizeof(iv));
    return PKCS5_pbe2_set_iv(evp_cipher("AES-256-CBC"), ITERATIONS, salt, sizeof(salt), iv,
                             NID_hmacWithSHA256);
}

bool pkey_encrypt(const struct pkey *k, struct span passphrase, struct secret *pem)
{
    *pem = (struct secret){0};
    if (!k->is_private || k->signer.sign || !passphrase.len || passphrase.len > INT_MAX)
        return false;
    uint8_t *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->evp);
    X509_ALGOR *algorithm = make_algorithm();
    /* takes the algorithm when it succeeds */
    X509_SIG *sealed =
        info && algorithm ? PKCS8_set0_pbe((const char *)passphrase.ptr, (int)passphrase.len, info, algorithm)
                          : NULL;
    if (!sealed)
        X509_ALGOR_free(algorithm);
    int len = sealed ? i2d_X509_SIG(sealed, &der) : 0;
    if (len > 0)
        pem_encode(span_of(der, (size_t)len), "ENCRYPTED PRIVATE KEY", pem);
    OPENSSL_free(der);
    X509_SIG_free(sealed);
    PKCS8_PRIV_KEY_INFO_free(info);
    ERR_clear_error();
    return len > 0;
}
