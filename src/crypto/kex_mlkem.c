/* SPDX-License-Identifier: Apache-2.0 */
/* ML-KEM as a key exchange (draft-ietf-ipsecme-ikev2-mlkem): the initiator's value is an encapsulation key,
 * the responder's a ciphertext. OpenSSL's where it has it, else our own: both give the same bytes for the
 * same randomness. */
#include "base/secret.h"
#include "crypto/kex_group.h"
#include "crypto/mlkem.h"
#include "crypto/random.h"

static const struct mlkem_engine *engine_of(const struct kex_group *g)
{
    return mlkem_openssl.has(g->kem) ? &mlkem_openssl : &mlkem_own;
}

/* The private key is the seed, d then z. */
static bool generate(const struct kex_group *g, uint8_t *private_key, uint8_t *public_key)
{
    crypto_random(private_key, g->private_len);
    return engine_of(g)->keygen(g->kem, private_key, public_key);
}

static bool answer(const struct kex_group *g, const uint8_t *peer, uint8_t *ciphertext, uint8_t *shared)
{
    uint8_t random[MLKEM_RANDOM_LEN];
    crypto_random(random, sizeof(random));
    bool done = engine_of(g)->encaps(g->kem, peer, random, ciphertext, shared);
    secret_wipe(random, sizeof(random));
    return done;
}

static bool derive(const struct kex_group *g, const uint8_t *private_key, const uint8_t *ciphertext,
                   uint8_t *shared)
{
    return engine_of(g)->decaps(g->kem, private_key, ciphertext, shared);
}

static const char *served_by(const struct kex_group *g)
{
    return engine_of(g)->name;
}

const struct kex_family kex_mlkem = {
    .generate = generate, .answer = answer, .derive = derive, .served_by = served_by};
