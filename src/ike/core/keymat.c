/* SPDX-License-Identifier: Apache-2.0 */
/* Keying material: see keymat.h. */
#include "ike/core/keymat.h"
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/prf.h"

#define KEYMAT_MAX 1024

struct take { /* where a secret comes from in the stream, in the RFC's order */
    struct secret *to;
    size_t len;
};

/* Cuts prf+'s output into secrets. False when there is too much of it. */
static bool expand(uint16_t prf, struct span key, const struct span *seed, size_t n_seed,
                   const struct take *takes, size_t n)
{
    uint8_t stream[KEYMAT_MAX];
    size_t total = 0;
    for (size_t i = 0; i < n; i++)
        total += takes[i].len;
    if (total > sizeof(stream) || !prf_plus(prf, key, seed, n_seed, stream, total))
        return false;
    struct rd r = rd_over(span_of(stream, total));
    for (size_t i = 0; i < n; i++)
        *takes[i].to = secret_copy(rd_bytes(&r, takes[i].len));
    secret_wipe(stream, sizeof(stream));
    return true;
}

/* [RFC7296#2.14] {SK_d | SK_ai | SK_ar | SK_ei | SK_er | SK_pi | SK_pr} = prf+(SKEYSEED, Ni|Nr|SPIi|SPIr) */
static bool derive(const struct chosen *c, struct span skeyseed, struct span ni, struct span nr,
                   uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    const struct alg *prf = alg_find(TRANSFORM_PRF, c->prf);
    size_t encr_len, integ_len;
    *out = (struct ike_keys){.prf = c->prf};
    if (!prf || !cipher_key_lens(c->encr, c->key_bits, c->integ, &encr_len, &integ_len))
        return false;
    uint8_t spis[16];
    struct wr w = wr_over(spis, sizeof(spis));
    wr_u64(&w, spi_i);
    wr_u64(&w, spi_r);
    const struct span seed[] = {ni, nr, span_of(spis, sizeof(spis))};
    const struct take takes[] = {
        {&out->sk_d,  prf->key_len},
        {&out->sk_ai, integ_len   },
        {&out->sk_ar, integ_len   },
        {&out->sk_ei, encr_len    },
        {&out->sk_er, encr_len    },
        {&out->sk_pi, prf->key_len},
        {&out->sk_pr, prf->key_len},
    };
    return expand(c->prf, skeyseed, seed, ARRAY_LEN(seed), takes, ARRAY_LEN(takes));
}

/* [RFC7296#2.14] for historical reasons these two take only 64 bits of each nonce here (and only here). */
static struct span seed_nonce(uint16_t prf, struct span nonce)
{
    bool is_cut = (prf == PRF_AES128_XCBC || prf == PRF_AES128_CMAC) && nonce.len > 8;
    return is_cut ? span_of(nonce.ptr, 8) : nonce;
}

bool keymat_ike(const struct chosen *c, struct span ni, struct span nr, struct span shared, uint64_t spi_i,
                uint64_t spi_r, struct ike_keys *out)
{
    uint8_t key[1024], skeyseed[PRF_MAX_LEN];
    *out = (struct ike_keys){0};
    struct wr w = wr_over(key, sizeof(key));
    wr_span(&w, seed_nonce(c->prf, ni));
    wr_span(&w, seed_nonce(c->prf, nr));
    /* [RFC7296#2.14] SKEYSEED = prf(Ni | Nr, g^ir) */
    if (!wr_ok(&w) || !prf_compute(c->prf, wr_span_view(&w), &shared, 1, skeyseed))
        return false;
    bool ok = derive(c, span_of(skeyseed, prf_len(c->prf)), ni, nr, spi_i, spi_r, out);
    secret_wipe(skeyseed, sizeof(skeyseed));
    return ok;
}

/* [RFC9370#2.2.2] SKEYSEED(n) = prf(SK_d(n-1), SK(n) | Ni | Nr): as in a rekey, but for the old nonces */
bool keymat_ike_update(const struct ike_keys *now, const struct chosen *c, struct span ni, struct span nr,
                       struct span shared, uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    return keymat_ike_rekey(now, c, ni, nr, shared, span_of(NULL, 0), spi_i, spi_r, out);
}

/* [RFC5723#5.1] SKEYSEED = prf(SK_d (old), "Resumption" | Ni | Nr) */
bool keymat_ike_resume(const struct chosen *c, struct span sk_d, struct span ni, struct span nr,
                       uint64_t spi_i, uint64_t spi_r, struct ike_keys *out)
{
    uint8_t skeyseed[PRF_MAX_LEN];
    const struct span parts[] = {span_str("Resumption"), ni, nr};
    *out = (struct ike_keys){0};
    if (!prf_compute(c->prf, sk_d, parts, ARRAY_LEN(parts), skeyseed))
        return false;
    bool ok = derive(c, span_of(skeyseed, prf_len(c->prf)), ni, nr, spi_i, spi_r, out);
    secret_wipe(skeyseed, sizeof(skeyseed));
    return ok;
}

bool keymat_ike_rekey(const struct ike_keys *old, const struct chosen *c, struct span ni, struct span nr,
                      struct span shared, struct span additional, uint64_t spi_i, uint64_t spi_r,
                      struct ike_keys *out)
{
    uint8_t skeyseed[PRF_MAX_LEN];
    const struct span parts[] = {shared, ni, nr, additional};
    *out = (struct ike_keys){0};
    /* [RFC7296#2.18] SKEYSEED = prf(SK_d (old), g^ir (new) | Ni | Nr), with the old SA's PRF;
     * [RFC9370#2.2.4] then what the additional key exchanges gave */
    if (!prf_compute(old->prf, secret_view(&old->sk_d), parts, ARRAY_LEN(parts), skeyseed))
        return false;
    bool ok = derive(c, span_of(skeyseed, prf_len(old->prf)), ni, nr, spi_i, spi_r, out);
    secret_wipe(skeyseed, sizeof(skeyseed));
    return ok;
}

/* SK = prf+(PPK, SK'), as long as it was. */
static bool mix_one(uint16_t prf, struct span ppk, const struct secret *plain, struct secret *out)
{
    const struct span seed = secret_view(plain);
    *out = secret_new(plain->len);
    return prf_plus(prf, ppk, &seed, 1, out->ptr, out->len);
}

bool keymat_mix_ppk(struct ike_keys *k, struct span ppk, struct ike_keys *plain)
{
    struct ike_keys mixed = {.prf = k->prf};
    *plain = (struct ike_keys){.prf = k->prf};
    if (!mix_one(k->prf, ppk, &k->sk_d, &mixed.sk_d) || !mix_one(k->prf, ppk, &k->sk_pi, &mixed.sk_pi) ||
        !mix_one(k->prf, ppk, &k->sk_pr, &mixed.sk_pr)) {
        ike_keys_deinit(&mixed);
        return false;
    }
    plain->sk_d = secret_take(&k->sk_d);
    plain->sk_pi = secret_take(&k->sk_pi);
    plain->sk_pr = secret_take(&k->sk_pr);
    k->sk_d = secret_take(&mixed.sk_d);
    k->sk_pi = secret_take(&mixed.sk_pi);
    k->sk_pr = secret_take(&mixed.sk_pr);
    return true;
}

void keymat_take_back(struct ike_keys *k, struct ike_keys *plain)
{
    secret_free(&k->sk_d);
    secret_free(&k->sk_pi);
    secret_free(&k->sk_pr);
    k->sk_d = secret_take(&plain->sk_d);
    k->sk_pi = secret_take(&plain->sk_pi);
    k->sk_pr = secret_take(&plain->sk_pr);
}

void ike_keys_deinit(struct ike_keys *k)
{
    struct secret *const all[] = {&k->sk_d, &k->sk_ai, &k->sk_ar, &k->sk_ei, &k->sk_er, &k->sk_pi, &k->sk_pr};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        secret_free(all[i]);
}

struct cipher *ike_keys_cipher(const struct ike_keys *k, const struct chosen *c, bool is_from_initiator)
{
    const struct secret *encr = is_from_initiator ? &k->sk_ei : &k->sk_er;
    const struct secret *integ = is_from_initiator ? &k->sk_ai : &k->sk_ar;
    return cipher_new(c->encr, c->key_bits, c->integ, secret_view(encr), secret_view(integ));
}

bool keymat_child(const struct ike_keys *ike, const struct chosen *c, struct span ni, struct span nr,
                  struct span shared, struct span additional, struct child_keys *out)
{
    size_t encr_len, integ_len;
    *out = (struct child_keys){0};
    if (c->protocol == PROTO_AH) {
        const struct alg *integ = alg_find(TRANSFORM_INTEG, c->integ);
        encr_len = 0;
        integ_len = integ ? integ->key_len : 0;
        if (!integ_len)
            return false;
    } else if (!cipher_key_lens(c->encr, c->key_bits, c->integ, &encr_len, &integ_len)) {
        return false;
    }
    /* [RFC7296#2.17] KEYMAT = prf+(SK_d, [g^ir (new) |] Ni | Nr); initiator to responder first, and in each
     * direction encryption before integrity; [RFC9370#2.2.4] the additional key exchanges' after Nr */
    const struct span seed[] = {shared, ni, nr, additional};
    const struct take takes[] = {
        {&out->encr_i,  encr_len },
        {&out->integ_i, integ_len},
        {&out->encr_r,  encr_len },
        {&out->integ_r, integ_len},
    };
    return expand(ike->prf, secret_view(&ike->sk_d), seed, ARRAY_LEN(seed), takes, ARRAY_LEN(takes));
}

void child_keys_deinit(struct child_keys *k)
{
    secret_free(&k->encr_i);
    secret_free(&k->integ_i);
    secret_free(&k->encr_r);
    secret_free(&k->integ_r);
}
