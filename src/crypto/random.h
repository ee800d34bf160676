/* SPDX-License-Identifier: Apache-2.0 */
/* The one source of randomness. Tests replace it by a seeded one; ESP's CBC IVs do not come from here
 * (esp/iv). */
#pragma once

#include "base/span.h"

void crypto_random(void *out, size_t len);
/* NULL restores the operating system's (OpenSSL's DRBG). */
typedef void crypto_random_fn(void *ctx, void *out, size_t len);
void crypto_random_set_source(crypto_random_fn *fn, void *ctx);
/* A deterministic source for tests: ChaCha20 keyed by seed. libcrypto draws from it as well (signatures
 * repeat). Process-wide until reset by NULL above; one thread only. */
void crypto_random_seed(uint64_t seed);
