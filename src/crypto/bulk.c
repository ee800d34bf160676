/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto: chooses the engine of a key and hands packets to engines in runs. What every engine would
 * check is checked here: which combinations exist, key lengths, packet lengths. The engines are in
 * bulk_ipsecmb.c and bulk_openssl.c. */
#include "crypto/bulk.h"
#include "base/arena.h"
#include "crypto/bulk_engine.h"
#include "crypto/sym.h"
#include <stdlib.h>

/* In order of speed. bulk_ipsecmb serves nothing where the library or the processor is not there. */
static const struct bulk_engine *const engines[] = {&bulk_ipsecmb, &bulk_openssl};

struct bulk_worker {
    void *of[ARRAY_LEN(engines)];
};

struct bulk_key *bulk_key_new(uint16_t encr, uint16_t key_bits, uint16_t integ, struct span encr_key,
                              struct span integ_key, bool is_seal, const char *engine)
{
    struct bulk_spec s = {
        .encr = alg_find(TRANSFORM_ENCR, encr),
        .integ = alg_find(TRANSFORM_INTEG, integ),
        .encr_key = encr_key,
        .integ_key = integ_key,
        .is_seal = is_seal,
    };
    if (!s.encr || !s.integ || s.encr->is_aead != (integ == INTEG_NONE) ||
        integ_key.len != s.integ->key_len || encr_key.len != sym_key_len(s.encr, key_bits))
        return NULL;
    if (encr != ENCR_NULL && encr_key.len == 0)
        return NULL;
    s.key_bits = (uint16_t)(8 * (encr_key.len - s.encr->salt));
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (engine && strcmp(engine, engines[i]->name) != 0)
            continue;
        struct bulk_key *k = engines[i]->key_new(&s);
        if (!k)
            continue;
        *k = (struct bulk_key){
            .engine = engines[i],
            .iv = s.encr->iv,
            .icv = s.encr->is_aead ? s.encr->icv : s.integ->icv,
            .block = s.encr->block,
            .is_seal = is_seal,
            .is_aead = s.encr->is_aead,
        };
        return k;
    }
    return NULL;
}

void bulk_key_free(struct bulk_key *k)
{
    if (k)
        k->engine->key_free(k);
}

const char *bulk_engine_of(const struct bulk_key *k)
{
    return k->engine->name;
}

size_t bulk_iv_len(const struct bulk_key *k)
{
    return k->iv;
}

size_t bulk_icv_len(const struct bulk_key *k)
{
    return k->icv;
}

size_t bulk_block(const struct bulk_key *k)
{
    return k->block < 4 ? 4 : k->block;
}

struct bulk_worker *bulk_worker_new(void)
{
    struct bulk_worker *w = mem_new(sizeof(*w));
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (engines[i]->worker_new)
            w->of[i] = engines[i]->worker_new();
    }
    return w;
}

void bulk_worker_free(struct bulk_worker *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < ARRAY_LEN(engines); i++) {
        if (w->of[i])
            engines[i]->worker_free(w->of[i]);
    }
    free(w);
}

/* The smallest ciphertext holds one block and never less than a pad length and a next header [RFC4303#2].
 * 16-bit lengths are all that IP can carry, and all that some multi-buffer code can count. */
static bool length_ok(const struct bulk_op *op)
{
    size_t around = (size_t)ESP_HEADER + op->key->iv + op->key->icv;
    return op->len <= UINT16_MAX && op->len >= around + 2 && (op->len - around) % op->key->block == 0;
}

/* One engine gets the longest run of good packets that are all its own. */
static void run_all(struct bulk_worker *w, struct bulk_op *ops, size_t n)
{
    size_t from = 0, to;
    while (from < n) {
        if (!length_ok(&ops[from])) {
            ops[from++].status = BULK_BAD_LENGTH;
            continue;
        }
        const struct bulk_engine *e = ops[from].key->engine;
        for (to = from; to < n && ops[to].key->engine == e && length_ok(&ops[to]); to++)
            ops[to].status = BULK_OK;
        e->run(w->of[e == engines[1]], ops + from, to - from);
        from = to;
    }
}

void bulk_seal(struct bulk_worker *w, struct bulk_op *ops, size_t n)
{
    run_all(w, ops, n);
}

void bulk_open(struct bulk_worker *w, struct bulk_op *ops, size_t n)
{
    run_all(w, ops, n);
}
