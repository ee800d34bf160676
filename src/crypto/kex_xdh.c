/* SPDX-License-Identifier: Apache-2.0 */
/* Curve25519 and Curve448 (RFC 7748, RFC 8031) over libcrypto. */
#include "crypto/evp.h"
#include "crypto/kex_group.h"
#include "crypto/random.h"
#include <openssl/core_names.h>
#include <openssl/params.h>

static bool generate(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key)
{
    size_t len = g->public_len;
    crypto_random(private_key, g->private_len);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, private_key, g->private_len);
    bool done = key && EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1 && len == g->public_len;
    EVP_PKEY_free(key);
    return done;
}

/* A key object without its public value would have libcrypto compute that first, which costs as much as the
 * whole exchange; deriving does not read it. So the peer's stands in for ours, in an object that nothing else
 * sees. */
static EVP_PKEY *key_for_deriving(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer)
{
    EVP_PKEY *key = NULL;
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, (void *)private_key, g->private_len),
        OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)peer, g->public_len),
        OSSL_PARAM_END,
    };
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, g->name, NULL);
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1 ||
        EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
        key = NULL;
    EVP_PKEY_CTX_free(ctx);
    return key;
}

static bool derive(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer,
                   uint8_t *shared)
{
    size_t len = g->shared_len;
    EVP_PKEY *ours = key_for_deriving(g, private_key, peer);
    EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key_ex(NULL, g->name, NULL, peer, g->public_len);
    EVP_PKEY_CTX *ctx = ours && theirs ? EVP_PKEY_CTX_new_from_pkey(NULL, ours, NULL) : NULL;
    bool done = ctx && EVP_PKEY_derive_init(ctx) == 1 && EVP_PKEY_derive_set_peer_ex(ctx, theirs, 0) == 1 &&
                EVP_PKEY_derive(ctx, shared, &len) == 1 && len == g->shared_len;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(ours);
    EVP_PKEY_free(theirs);
    return done;
}

const struct kex_family kex_xdh = {.generate = generate, .derive = derive};
