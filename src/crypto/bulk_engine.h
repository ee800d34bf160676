/* SPDX-License-Identifier: Apache-2.0 */
/* What a bulk engine is: bulk.c chooses one for each key and hands it runs of packets. Private to src/crypto.
 */
#pragma once

#include "crypto/alg.h"
#include "crypto/bulk.h"

#define ESP_HEADER 8 /* SPI and sequence number */

struct bulk_spec {
    const struct alg *encr, *integ; /* INTEG_NONE's row for AEAD */
    uint16_t key_bits;
    struct span encr_key, integ_key; /* lengths have been checked; encr_key ends with the salt */
    bool is_seal;
};

struct bulk_engine {
    const char *name;
    /* A key whose first member is a struct bulk_key, or NULL when this engine does not serve it. */
    struct bulk_key *(*key_new)(const struct bulk_spec *s);
    void (*key_free)(struct bulk_key *k); /* wipes */
    /* May be NULL when the engine keeps nothing for a thread. */
    void *(*worker_new)(void);
    void (*worker_free)(void *worker);
    /* Seals or opens, as each op's key says. Lengths have been checked, status is BULK_OK. */
    void (*run)(void *worker, struct bulk_op *ops, size_t n);
};

struct bulk_key {
    const struct bulk_engine *engine;
    uint8_t iv, icv, block;
    bool is_seal;
    bool is_aead;
};

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
