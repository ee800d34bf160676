/* SPDX-License-Identifier: Apache-2.0 */
/* Arithmetic, encoding and sampling of ML-KEM's polynomials: see mlkem_poly.h. Numbers are unsigned and below
 * the modulus between functions. What a compiler might make a branch of is written with masks, and division
 * by the modulus as a multiplication: a processor's own division takes a time that depends on its operands.
 */
#include "crypto/mlkem_poly.h"
#include "base/secret.h"
#include "crypto/keccak.h"

/* 17^BitRev7(i) mod 3329 [FIPS203#A] */
static const uint16_t zetas[128] = {
    1,    1729, 2580, 3289, 2642, 630,  1897, 848,  1062, 1919, 193,  797,  2786, 3260, 569,  1746,
    296,  2447, 1339, 1476, 3046, 56,   2240, 1333, 1426, 2094, 535,  2882, 2393, 2879, 1974, 821,
    289,  331,  3253, 1756, 1197, 2304, 2277, 2055, 650,  1977, 2513, 632,  2865, 33,   1320, 1915,
    2319, 1435, 807,  452,  1438, 2868, 1534, 2402, 2647, 2617, 1481, 648,  2474, 3110, 1227, 910,
    17,   2761, 583,  2649, 1637, 723,  2288, 1100, 1409, 2662, 3281, 233,  756,  2156, 3015, 3050,
    1703, 1651, 2789, 1789, 1847, 952,  1461, 2687, 939,  2308, 2437, 2388, 733,  2337, 268,  641,
    1584, 2298, 2037, 3220, 375,  2549, 2090, 1645, 1063, 319,  2773, 757,  2099, 561,  2466, 2594,
    2804, 1092, 403,  1026, 1143, 2150, 2775, 886,  1722, 1212, 1874, 1029, 2110, 2935, 885,  2154,
};

/* x < 2 * q -> x mod q. The top bit of the difference says whether it went below zero. */
static inline uint32_t reduce_once(uint32_t x)
{
    uint32_t less = x - MLKEM_Q;
    return less + (MLKEM_Q & (0 - (less >> 31)));
}

/* Any x -> x mod q: 1290167 is 2^32 / q rounded down, which makes the quotient too small by at most one. */
static inline uint32_t reduce(uint32_t x)
{
    uint32_t quotient = (uint32_t)((uint64_t)x * 1290167 >> 32);
    return reduce_once(x - quotient * MLKEM_Q);
}

/* A public factor and, for multiplication without a long product, factor * 2^16 / q rounded down. */
struct factor {
    uint32_t value, scaled;
};

static inline struct factor factor_of(uint16_t value)
{
    return (struct factor){value, ((uint32_t)value << 16) / MLKEM_Q};
}

static inline uint16_t times(uint32_t x, struct factor f)
{
    return (uint16_t)reduce_once(x * f.value - (x * f.scaled >> 16) * MLKEM_Q);
}

void poly_add(struct poly *to, const struct poly *what)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        to->c[i] = (uint16_t)reduce_once((uint32_t)to->c[i] + what->c[i]);
}

void poly_sub(struct poly *to, const struct poly *what)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        to->c[i] = (uint16_t)reduce_once((uint32_t)to->c[i] + MLKEM_Q - what->c[i]);
}

void poly_ntt(struct poly *p)
{
    const uint16_t *zeta = zetas + 1;
    for (size_t len = MLKEM_N / 2; len >= 2; len /= 2) {
        for (size_t start = 0; start < MLKEM_N; start += 2 * len) {
            const struct factor f = factor_of(*zeta++);
            uint16_t *low = p->c + start, *high = low + len;
            for (size_t j = 0; j < len; j++) {
                uint32_t t = times(high[j], f), l = low[j];
                low[j] = (uint16_t)reduce_once(l + t);
                high[j] = (uint16_t)reduce_once(l + MLKEM_Q - t);
            }
        }
    }
}

void poly_ntt_inverse(struct poly *p)
{
    const uint16_t *zeta = zetas + ARRAY_LEN(zetas);
    const struct factor scale = factor_of(3303); /* 1 / 128 */
    for (size_t len = 2; len < MLKEM_N; len *= 2) {
        for (size_t start = 0; start < MLKEM_N; start += 2 * len) {
            const struct factor f = factor_of(*--zeta);
            uint16_t *low = p->c + start, *high = low + len;
            for (size_t j = 0; j < len; j++) {
                uint32_t l = low[j], h = high[j];
                low[j] = (uint16_t)reduce_once(l + h);
                high[j] = times(h + MLKEM_Q - l, f);
            }
        }
    }
    for (size_t i = 0; i < MLKEM_N; i++)
        p->c[i] = times(p->c[i], scale);
}

/* Pairs of coefficients are polynomials modulo X^2 - gamma; gammas come in pairs of opposite sign, the second
 * half of the zetas being the first of each. A term is below 2 * q^2 < 2^25. */
void poly_mul_add(struct poly_sum *sum, const struct poly *a, const struct poly *b)
{
    for (size_t i = 0; i < MLKEM_N; i += 2) {
        uint32_t zeta = zetas[64 + i / 4], gamma = i % 4 == 0 ? zeta : MLKEM_Q - zeta;
        uint32_t a0 = a->c[i], a1 = a->c[i + 1], b0 = b->c[i], b1 = b->c[i + 1];
        sum->c[i] += a0 * b0 + reduce(a1 * b1) * gamma;
        sum->c[i + 1] += a0 * b1 + a1 * b0;
    }
}

void poly_reduce(struct poly *to, const struct poly_sum *sum)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        to->c[i] = (uint16_t)reduce(sum->c[i]);
}

void poly_encode(uint8_t *out, const struct poly *p, unsigned d)
{
    uint32_t bits = 0;
    unsigned n = 0;
    for (size_t i = 0; i < MLKEM_N; i++) {
        bits |= (uint32_t)p->c[i] << n;
        for (n += d; n >= 8; n -= 8) {
            *out++ = (uint8_t)bits;
            bits >>= 8;
        }
    }
}

void poly_decode(struct poly *p, const uint8_t *in, unsigned d)
{
    uint32_t bits = 0, mask = (1u << d) - 1;
    unsigned n = 0;
    for (size_t i = 0; i < MLKEM_N; i++) {
        for (; n < d; n += 8)
            bits |= (uint32_t)*in++ << n;
        p->c[i] = (uint16_t)(bits & mask);
        bits >>= d;
        n -= d;
    }
}

bool poly_decode_checked(struct poly *p, const uint8_t *in)
{
    uint32_t below = UINT32_MAX; /* its top bit stays while all numbers are below q */
    poly_decode(p, in, MLKEM_Q_BITS);
    for (size_t i = 0; i < MLKEM_N; i++)
        below &= (uint32_t)p->c[i] - MLKEM_Q;
    return below >> 31;
}

/* round(2^d / q * x) mod 2^d: 330282858 is 2^40 / q rounded up, which is exact for numbers below 2^23. */
void poly_compress(struct poly *p, unsigned d)
{
    for (size_t i = 0; i < MLKEM_N; i++) {
        uint64_t scaled = ((uint64_t)p->c[i] << d) + MLKEM_Q / 2;
        p->c[i] = (uint16_t)((scaled * 330282858 >> 40) & ((1u << d) - 1));
    }
}

/* round(q / 2^d * y) */
void poly_decompress(struct poly *p, unsigned d)
{
    for (size_t i = 0; i < MLKEM_N; i++)
        p->c[i] = (uint16_t)(((uint32_t)p->c[i] * MLKEM_Q + (1u << (d - 1))) >> d);
}

void poly_sample_uniform(struct poly *p, const uint8_t rho[32], uint8_t column, uint8_t row)
{
    struct keccak k;
    uint8_t block[SHAKE128_RATE], where[2] = {column, row};
    keccak_init(&k, SHAKE128_RATE);
    keccak_absorb(&k, span_of(rho, 32));
    keccak_absorb(&k, span_of(where, sizeof(where)));
    keccak_finish(&k, SHAKE_SUFFIX);
    for (size_t n = 0, at = sizeof(block); n < MLKEM_N; at += 3) {
        if (at == sizeof(block)) { /* which is a multiple of three */
            keccak_squeeze(&k, block, sizeof(block));
            at = 0;
        }
        uint32_t three = block[at] | (uint32_t)block[at + 1] << 8 | (uint32_t)block[at + 2] << 16;
        uint16_t first = three & 0xfff, second = (uint16_t)(three >> 12);
        if (first < MLKEM_Q)
            p->c[n++] = first;
        if (second < MLKEM_Q && n < MLKEM_N)
            p->c[n++] = second;
    }
}

/* The number of ones among the low eta bits. */
static inline uint32_t ones(uint32_t bits, unsigned eta)
{
    uint32_t n = 0;
    for (unsigned i = 0; i < eta; i++)
        n += bits >> i & 1;
    return n;
}

void poly_sample_binomial(struct poly *p, const uint8_t secret[32], uint8_t number, unsigned eta)
{
    uint8_t bytes[64 * 3];
    const struct span parts[] = {span_of(secret, 32), span_of(&number, 1)};
    keccak_digest(SHAKE256_RATE, SHAKE_SUFFIX, parts, ARRAY_LEN(parts), bytes, 64 * (size_t)eta);
    poly_decode(p, bytes, 2 * eta);
    for (size_t i = 0; i < MLKEM_N; i++) {
        uint32_t bits = p->c[i];
        p->c[i] = (uint16_t)reduce_once(ones(bits, eta) + MLKEM_Q - ones(bits >> eta, eta));
    }
    secret_wipe(bytes, sizeof(bytes));
}
