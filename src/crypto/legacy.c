/* SPDX-License-Identifier: Apache-2.0 */
/* See legacy.h. */
#include "crypto/legacy.h"
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/provider.h>
#include <stddef.h>

static OSSL_LIB_CTX *context;
static CRYPTO_ONCE once = CRYPTO_ONCE_STATIC_INIT;

static void make(void)
{
    OSSL_LIB_CTX *c = OSSL_LIB_CTX_new();
    if (c && OSSL_PROVIDER_load(c, "default") && OSSL_PROVIDER_load(c, "legacy")) {
        context = c;
        return;
    }
    OSSL_LIB_CTX_free(c);
    ERR_clear_error();
}

struct ossl_lib_ctx_st *crypto_legacy(void)
{
    CRYPTO_THREAD_run_once(&once, make);
    return context;
}
