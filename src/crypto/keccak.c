/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-p[1600, 24] and the sponge over it (FIPS 202, sections 3, 4 and 6): see keccak.h. A round takes the
 * state from one set of 25 words to another, one row of the result after the other, so that all indexes are
 * constants and the words can live in registers. */
#include "crypto/keccak.h"
#include "base/secret.h"

/* [FIPS202#3.2.5] */
static const uint64_t round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000, 0x000000000000808b,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008a, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000a, 0x000000008000808b, 0x800000000000008b, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

static inline uint64_t rotate(uint64_t x, unsigned by)
{
    return x << (by & 63) | x >> ((64 - by) & 63);
}

/* One row of the result: chi over five words, each taken by pi from where theta and rho have worked on it. */
#define ROW(to, a0, r0, a1, r1, a2, r2, a3, r3, a4, r4)                                                      \
    do {                                                                                                     \
        uint64_t b0 = rotate(from[a0] ^ d[(a0) % 5], r0), b1 = rotate(from[a1] ^ d[(a1) % 5], r1);           \
        uint64_t b2 = rotate(from[a2] ^ d[(a2) % 5], r2), b3 = rotate(from[a3] ^ d[(a3) % 5], r3);           \
        uint64_t b4 = rotate(from[a4] ^ d[(a4) % 5], r4);                                                    \
        (to)[0] = b0 ^ (~b1 & b2);                                                                           \
        (to)[1] = b1 ^ (~b2 & b3);                                                                           \
        (to)[2] = b2 ^ (~b3 & b4);                                                                           \
        (to)[3] = b3 ^ (~b4 & b0);                                                                           \
        (to)[4] = b4 ^ (~b0 & b1);                                                                           \
    } while (0)

static inline __attribute__((always_inline)) void round_of(const uint64_t from[25], uint64_t to[25],
                                                           uint64_t constant)
{
    uint64_t c0 = from[0] ^ from[5] ^ from[10] ^ from[15] ^ from[20];
    uint64_t c1 = from[1] ^ from[6] ^ from[11] ^ from[16] ^ from[21];
    uint64_t c2 = from[2] ^ from[7] ^ from[12] ^ from[17] ^ from[22];
    uint64_t c3 = from[3] ^ from[8] ^ from[13] ^ from[18] ^ from[23];
    uint64_t c4 = from[4] ^ from[9] ^ from[14] ^ from[19] ^ from[24];
    const uint64_t d[5] = {c4 ^ rotate(c1, 1), c0 ^ rotate(c2, 1), c1 ^ rotate(c3, 1), c2 ^ rotate(c4, 1),
                           c3 ^ rotate(c0, 1)};
    ROW(to, 0, 0, 6, 44, 12, 43, 18, 21, 24, 14);
    ROW(to + 5, 3, 28, 9, 20, 10, 3, 16, 45, 22, 61);
    ROW(to + 10, 1, 1, 7, 6, 13, 25, 19, 8, 20, 18);
    ROW(to + 15, 4, 27, 5, 36, 11, 10, 17, 15, 23, 56);
    ROW(to + 20, 2, 62, 8, 55, 14, 39, 15, 41, 21, 2);
    to[0] ^= constant;
}

static void permute(uint64_t lanes[25])
{
    uint64_t a[25], b[25];
    memcpy(a, lanes, sizeof(a));
    for (size_t r = 0; r < ARRAY_LEN(round_constants); r += 2) {
        round_of(a, b, round_constants[r]);
        round_of(b, a, round_constants[r + 1]);
    }
    memcpy(lanes, a, sizeof(a));
    secret_wipe(a, sizeof(a));
    secret_wipe(b, sizeof(b));
}

static uint64_t load(const uint8_t *p)
{
    return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
           (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static void store(uint8_t *p, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

void keccak_init(struct keccak *k, size_t rate)
{
    *k = (struct keccak){.rate = rate};
}

/* Rates are multiples of 8, so that a whole word never crosses the end of a block. */
void keccak_absorb(struct keccak *k, struct span in)
{
    while (in.len > 0) {
        size_t step = k->at % 8 == 0 && in.len >= 8 ? 8 : 1;
        k->lanes[k->at / 8] ^= step == 8 ? load(in.ptr) : (uint64_t)in.ptr[0] << (8 * (k->at % 8));
        in = span_of(in.ptr + step, in.len - step);
        k->at += step;
        if (k->at == k->rate) {
            permute(k->lanes);
            k->at = 0;
        }
    }
}

void keccak_finish(struct keccak *k, uint8_t suffix)
{
    k->lanes[k->at / 8] ^= (uint64_t)suffix << (8 * (k->at % 8));
    k->lanes[k->rate / 8 - 1] ^= (uint64_t)0x80 << 56;
    k->at = k->rate; /* nothing is left of this block */
}

void keccak_squeeze(struct keccak *k, uint8_t *out, size_t len)
{
    while (len > 0) {
        if (k->at == k->rate) {
            permute(k->lanes);
            k->at = 0;
        }
        size_t step = k->at % 8 == 0 && len >= 8 ? 8 : 1;
        if (step == 8)
            store(out, k->lanes[k->at / 8]);
        else
            *out = (uint8_t)(k->lanes[k->at / 8] >> (8 * (k->at % 8)));
        out += step;
        len -= step;
        k->at += step;
    }
}

void keccak_digest(size_t rate, uint8_t suffix, const struct span *parts, size_t n, uint8_t *out, size_t len)
{
    struct keccak k;
    keccak_init(&k, rate);
    for (size_t i = 0; i < n; i++)
        keccak_absorb(&k, parts[i]);
    keccak_finish(&k, suffix);
    keccak_squeeze(&k, out, len);
    secret_wipe(&k, sizeof(k));
}
