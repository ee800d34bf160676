/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto: chooses the engine of a key and hands packets to engines in runs. What every engine would
 * check is checked here: which combinations exist, key lengths, packet lengths. The engines are in
 * bulk_ipsecmb.c and bulk_openssl.c; what they compute from a key lives in bulk_cache.c. */
#include "crypto/bulk.h"
#include "base/arena.h"
#include "crypto/bulk_engine.h"
#include "crypto/sym.h"
#include <stdlib.h>

const struct bulk_engine *const bulk_engines[BULK_ENGINES] = {&bulk_ipsecmb, &bulk_openssl};

static _Atomic uint64_t last_id;

/* Fills all but engine and id. */
static struct bulk_key *compact(const struct alg *encr, const struct alg *integ, struct span encr_key,
                                struct span integ_key, bool is_seal)
{
    struct bulk_key *k = mem_new(sizeof(*k) + encr_key.len + integ_key.len);
    k->encr = encr;
    k->integ = integ;
    k->key_bits = (uint16_t)(8 * (encr_key.len - encr->salt));
    k->iv = encr->iv;
    k->icv = encr->is_aead ? encr->icv : integ->icv;
    k->block = encr->block;
    k->is_seal = is_seal;
    k->is_aead = encr->is_aead;
    k->encr_len = (uint8_t)encr_key.len;
    k->integ_len = (uint8_t)integ_key.len;
    if (encr_key.len)
        memcpy(k->raw, encr_key.ptr, encr_key.len);
    if (integ_key.len)
        memcpy(k->raw + encr_key.len, integ_key.ptr, integ_key.len);
    return k;
}

/* What the table promises is asked by doing it once, so that it cannot fail when a packet needs it. */
static bool serves(size_t engine, const struct bulk_key *k)
{
    _Alignas(64) uint8_t slot[BULK_SLOT_MAX];
    const struct bulk_engine *e = bulk_engines[engine];
    if (!e->slot_len || !bulk_table_serves(engine, k))
        return false;
    memset(slot, 0, e->slot_len);
    bool ok = e->expand(slot, k);
    e->wipe(slot);
    return ok;
}

struct bulk_key *bulk_key_new(uint16_t encr, uint16_t key_bits, uint16_t integ, struct span encr_key,
                              struct span integ_key, bool is_seal, const char *engine)
{
    const struct alg *e = alg_find(TRANSFORM_ENCR, encr), *a = alg_find(TRANSFORM_INTEG, integ);
    if (!e || !a || e->is_aead != (integ == INTEG_NONE) || integ_key.len != a->key_len ||
        encr_key.len != sym_key_len(e, key_bits))
        return NULL;
    if (encr != ENCR_NULL && encr_key.len == 0)
        return NULL;
    struct bulk_key *k = compact(e, a, encr_key, integ_key, is_seal);
    for (size_t i = 0; i < ARRAY_LEN(bulk_engines); i++) {
        if ((engine && strcmp(engine, bulk_engines[i]->name) != 0) || !serves(i, k))
            continue;
        k->engine = bulk_engines[i];
        k->id = ++last_id;
        return k;
    }
    bulk_key_free(k);
    return NULL;
}

void bulk_key_free(struct bulk_key *k)
{
    if (!k)
        return;
    if (k->id)
        bulk_cache_forget(k->id);
    secret_wipe(k, sizeof(*k) + k->encr_len + k->integ_len);
    free(k);
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

uint16_t bulk_encr(const struct bulk_key *k)
{
    return k->encr->id;
}

uint16_t bulk_integ(const struct bulk_key *k)
{
    return k->integ->id;
}

uint16_t bulk_key_bits(const struct bulk_key *k)
{
    return k->key_bits;
}

size_t bulk_block(const struct bulk_key *k)
{
    return k->block < 4 ? 4 : k->block;
}

struct bulk_worker *bulk_worker_new(void)
{
    struct bulk_worker *w = mem_new(sizeof(*w));
    for (size_t i = 0; i < ARRAY_LEN(bulk_engines); i++) {
        if (bulk_engines[i]->slot_len)
            w->of[i].cache = bulk_cache_new(bulk_engines[i]->slot_len, bulk_engines[i]->wipe);
        if (bulk_engines[i]->worker_new)
            w->of[i].own = bulk_engines[i]->worker_new();
    }
    return w;
}

void bulk_worker_free(struct bulk_worker *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < ARRAY_LEN(bulk_engines); i++) {
        bulk_cache_free(w->of[i].cache);
        if (w->of[i].own)
            bulk_engines[i]->worker_free(w->of[i].own);
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
        size_t which = e == bulk_engines[1];
        bulk_cache_advance(w->of[which].cache);
        e->run(w->of[which].own, w->of[which].cache, ops + from, to - from);
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
