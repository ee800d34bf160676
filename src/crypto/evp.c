/* SPDX-License-Identifier: Apache-2.0 */
/* The OpenSSL objects that this module shares. Fetching by name walks locked tables in OpenSSL 3, which costs
 * more than hashing a short message: so each object is fetched once and a MAC is started by copying a context
 * that already has its digest. See evp.h. */
#include "crypto/evp.h"
#include <openssl/core_names.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const md_names[EVP_MD_SLOTS] = {
    [EVP_SLOT_MD5] = "MD5",         [EVP_SLOT_SHA1] = "SHA1",       [EVP_SLOT_SHA256] = "SHA2-256",
    [EVP_SLOT_SHA384] = "SHA2-384", [EVP_SLOT_SHA512] = "SHA2-512",
};

static struct {
    EVP_MD *md[EVP_MD_SLOTS];
    EVP_MAC_CTX *hmac[EVP_MD_SLOTS];
    EVP_MAC_CTX *cmac;
} shared;

static struct {
    const char *name;
    EVP_CIPHER *cipher;
} ciphers[48];

static pthread_once_t shared_once = PTHREAD_ONCE_INIT;
static pthread_mutex_t cipher_lock = PTHREAD_MUTEX_INITIALIZER;

_Noreturn void evp_panic(const char *what)
{
    fprintf(stderr, "crypto: %s failed\n", what);
    abort();
}

static EVP_MAC_CTX *mac_template(const char *mac_name, const char *param, const char *value)
{
    EVP_MAC *mac = EVP_MAC_fetch(NULL, mac_name, NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(param, (char *)value, 0), OSSL_PARAM_END};
    EVP_MAC_free(mac);
    if (ctx && EVP_MAC_CTX_set_params(ctx, params))
        return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static void shared_fill(void)
{
    for (size_t i = 0; i < EVP_MD_SLOTS; i++) {
        shared.md[i] = EVP_MD_fetch(NULL, md_names[i], NULL);
        if (shared.md[i])
            shared.hmac[i] = mac_template("HMAC", OSSL_MAC_PARAM_DIGEST, md_names[i]);
    }
    /* libcrypto does not copy a CMAC context before its first key */
    shared.cmac = mac_template("CMAC", OSSL_MAC_PARAM_CIPHER, "AES-128-CBC");
    if (shared.cmac && !EVP_MAC_init(shared.cmac, (const uint8_t[16]){0}, 16, NULL))
        evp_panic("CMAC");
}

const EVP_MD *evp_md(enum evp_md_slot slot)
{
    pthread_once(&shared_once, shared_fill);
    return shared.md[slot];
}

const EVP_CIPHER *evp_cipher(const char *name)
{
    EVP_CIPHER *found = NULL;
    size_t i = 0;
    pthread_mutex_lock(&cipher_lock);
    while (i < ARRAY_LEN(ciphers) && ciphers[i].name && strcmp(ciphers[i].name, name) != 0)
        i++;
    if (i == ARRAY_LEN(ciphers))
        evp_panic("cipher cache (too small)");
    if (!ciphers[i].name) {
        ciphers[i].name = name;
        ciphers[i].cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    }
    found = ciphers[i].cipher;
    pthread_mutex_unlock(&cipher_lock);
    return found;
}

static EVP_MAC_CTX *mac_start(const EVP_MAC_CTX *template, struct span key)
{
    if (!template)
        return NULL;
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(template);
    /* OpenSSL takes a NULL key as "the key set before": an empty one needs an address. */
    if (!ctx || !EVP_MAC_init(ctx, key.len ? key.ptr : (const uint8_t *)"", key.len, NULL))
        evp_panic("MAC initialisation");
    return ctx;
}

EVP_MAC_CTX *evp_hmac_new(enum evp_md_slot slot, struct span key)
{
    pthread_once(&shared_once, shared_fill);
    return mac_start(shared.hmac[slot], key);
}

EVP_MAC_CTX *evp_cmac_new(const uint8_t key[16])
{
    pthread_once(&shared_once, shared_fill);
    return mac_start(shared.cmac, span_of(key, 16));
}
