/* SPDX-License-Identifier: Apache-2.0 */
/* Curve25519 and Curve448 (RFC 7748, RFC 8031) over libcrypto. */
#include "crypto/evp.h"
#include "crypto/kex_group.h"
#include "crypto/random.h"

static bool generate(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key)
{
    size_t len = g->public_len;
    crypto_random(private_key, g->private_len);
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, private_key, g->private_len);
    bool done = key && EVP_PKEY_get_raw_public_key(key, public_key, &len) == 1 && len == g->public_len;
    EVP_PKEY_free(key);
    return done;
}

static bool derive(const struct kex_group *g, const uint8_t *private_key, const uint8_t *peer,
                   uint8_t *shared)
{
    size_t len = g->shared_len;
    EVP_PKEY *ours = EVP_PKEY_new_raw_private_key_ex(NULL, g->name, NULL, private_key, g->private_len);
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
