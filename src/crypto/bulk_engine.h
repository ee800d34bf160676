/* SPDX-License-Identifier: Apache-2.0 */
/* What a bulk engine is: bulk.c chooses one for each key and hands it runs of packets. Private to src/crypto.
 */
#pragma once

#include "crypto/alg.h"
#include "crypto/bulk.h"
#include "crypto/bulk_cache.h"

#define ESP_HEADER 8 /* SPI and sequence number */

/* The compact key: what IKE derived, and nothing that an engine computes from it. Immutable. */
struct bulk_key {
    const struct bulk_engine *engine;
    uint64_t id;                    /* never used again: names the key in the caches of expanded keys */
    const struct alg *encr, *integ; /* INTEG_NONE's row for AEAD */
    uint16_t key_bits;
    uint8_t iv, icv, block;
    bool is_seal, is_aead;
    uint8_t encr_len, integ_len; /* of the two parts of raw; the first ends with the salt */
    uint8_t raw[];
};

struct bulk_engine {
    const char *name;
    const char *(*version)(void); /* of the library; NULL: it is not there */
    const char *absent;           /* why it serves nothing, where what the table names is refused */
    size_t slot_len; /* of an expanded key: a multiple of 64, at most BULK_SLOT_MAX; 0: serves nothing */
    /* Makes the expanded key in a zeroed slot; what it allocates, wipe() frees. False when this engine does
     * not serve the combination; wipe() is called then, too. */
    bool (*expand)(void *slot, const struct bulk_key *k);
    void (*wipe)(void *slot);
    /* May be NULL when the engine keeps nothing else for a thread. */
    void *(*worker_new)(void);
    void (*worker_free)(void *worker);
    /* Seals or opens, as each op's key says. Lengths have been checked, status is BULK_OK. */
    void (*run)(void *worker, struct bulk_cache *cache, struct bulk_op *ops, size_t n);
};

#define BULK_SLOT_MAX 1152
#define BULK_ZERO_KEY 64 /* at least what any algorithm takes */

/* In order of speed. bulk_ipsecmb serves nothing where the library or the processor is not there. */
extern const struct bulk_engine *const bulk_engines[BULK_ENGINES];
/* Does the table name the engine for this key? Engine and id are not looked at. */
bool bulk_table_serves(size_t engine, const struct bulk_key *k);

/* What one thread has of each engine. */
struct bulk_worker {
    struct {
        struct bulk_cache *cache; /* NULL: the engine serves nothing */
        void *own;
    } of[BULK_ENGINES];
};

/* The key's slot, expanded if need be; NULL when the cache has no place before what is under way is done. */
static inline void *bulk_expanded(struct bulk_cache *c, const struct bulk_key *k)
{
    void *slot = bulk_cache_find(c, k->id);
    if (slot || !(slot = bulk_cache_claim(c, k->id)))
        return slot;
    k->engine->expand(slot, k); /* as it did when the key was made */
    bulk_cache_publish(c, slot, k->id);
    return slot;
}

static inline struct span bulk_encr_key(const struct bulk_key *k)
{
    return span_of(k->raw, k->encr_len);
}
static inline struct span bulk_integ_key(const struct bulk_key *k)
{
    return span_of(k->raw + k->encr_len, k->integ_len);
}
static inline const uint8_t *bulk_salt(const struct bulk_key *k)
{
    return k->raw + k->key_bits / 8;
}

/* Ciphertext of a packet: after the IV, before the ICV. */
static inline uint8_t *bulk_text(const struct bulk_op *op)
{
    return op->esp + ESP_HEADER + op->key->iv;
}
static inline size_t bulk_text_len(const struct bulk_op *op)
{
    return op->len - ESP_HEADER - op->key->iv - op->key->icv;
}
static inline uint8_t *bulk_icv(const struct bulk_op *op)
{
    return op->esp + op->len - op->key->icv;
}
static inline void bulk_seq_hi(const struct bulk_op *op, uint8_t out[4])
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(op->seq_hi >> (24 - 8 * i));
}
/* [RFC4106#5] SPI | seq, or SPI | high half | seq. The result points to the packet or to room. */
static inline struct span bulk_aad(const struct bulk_op *op, uint8_t room[12])
{
    if (!op->has_esn)
        return span_of(op->esp, ESP_HEADER);
    memcpy(room, op->esp, 4);
    bulk_seq_hi(op, room + 4);
    memcpy(room + 8, op->esp + 4, 4);
    return span_of(room, 12);
}

extern const struct bulk_engine bulk_ipsecmb, bulk_openssl;
