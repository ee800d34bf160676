/* SPDX-License-Identifier: Apache-2.0 */
/* The ring of ML-KEM (FIPS 203, sections 2.4 and 4): 256 coefficients modulo 3329, always kept in 0 .. 3328.
 * No function's branches, addresses or divisions depend on coefficients, but for poly_sample_uniform() and
 * the result of poly_decode_checked(), whose inputs are public. Private to src/crypto. */
#pragma once

#include "base/span.h"

#define MLKEM_Q      3329
#define MLKEM_N      256
#define MLKEM_Q_BITS 12

struct poly {
    uint16_t c[MLKEM_N];
};

/* A sum of products before it is reduced: room for any number that ML-KEM adds up. */
struct poly_sum {
    uint32_t c[MLKEM_N];
};

void poly_add(struct poly *to, const struct poly *what);
void poly_sub(struct poly *to, const struct poly *what);

/* [FIPS203#4.3] Algorithms 9 and 10, in place. */
void poly_ntt(struct poly *p);
void poly_ntt_inverse(struct poly *p);
/* Adds the product of two polynomials in the NTT's domain (Algorithms 11 and 12); at most four times to one
 * sum that was zeroed. */
void poly_mul_add(struct poly_sum *sum, const struct poly *a, const struct poly *b);
void poly_reduce(struct poly *to, const struct poly_sum *sum);

/* [FIPS203#4.2.1] ByteEncode and ByteDecode (Algorithms 5 and 6) of d bits a coefficient: 32 * d bytes. */
void poly_encode(uint8_t *out, const struct poly *p, unsigned d);
void poly_decode(struct poly *p, const uint8_t *in, unsigned d);
/* d = 12; false when a number is not below 3329 [FIPS203#7.2]. Takes as long in both cases. */
bool poly_decode_checked(struct poly *p, const uint8_t *in);
/* Compress and Decompress, in place. d < 12. */
void poly_compress(struct poly *p, unsigned d);
void poly_decompress(struct poly *p, unsigned d);

/* [FIPS203#4.2.2] SampleNTT (Algorithm 7): from the public rho, and a column and row of the matrix. */
void poly_sample_uniform(struct poly *p, const uint8_t rho[32], uint8_t column, uint8_t row);
/* PRF and SamplePolyCBD (Algorithm 8): from a secret and a number that is used once with it. eta: 2 or 3. */
void poly_sample_binomial(struct poly *p, const uint8_t secret[32], uint8_t number, unsigned eta);
