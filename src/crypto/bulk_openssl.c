/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto over libcrypto's EVP, for processors without libipsec-mb and for what that library lacks
 * (AES-192-CCM). A key holds one context for the cipher and one for the MAC, keyed once; a lock lets threads
 * share the key, and is taken once for a run of packets, so that it costs nothing where an SA stays on its
 * thread. */
#include "base/arena.h"
#include "crypto/bulk_engine.h"
#include "crypto/mac.h"
#include "crypto/sym.h"
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

struct evp_key {
    struct bulk_key base;
    pthread_mutex_t lock;
    struct sym *sym;
    struct mac *mac; /* NULL for AEAD */
};

static void key_free(struct bulk_key *base)
{
    struct evp_key *k = (struct evp_key *)base;
    sym_free(k->sym);
    mac_free(k->mac);
    pthread_mutex_destroy(&k->lock);
    free(k);
}

static struct bulk_key *key_new(const struct bulk_spec *s)
{
    struct evp_key *k = mem_new(sizeof(*k));
    pthread_mutex_init(&k->lock, NULL);
    k->sym = sym_new(s->encr, s->key_bits, s->encr_key, s->is_seal);
    if (!s->encr->is_aead)
        k->mac = mac_new(mac_of_integ(s->integ->id), s->integ_key);
    if (k->sym && (s->encr->is_aead || k->mac))
        return &k->base;
    key_free(&k->base);
    return NULL;
}

/* [RFC4303#2.2.1] the high half of the sequence number follows the ciphertext in what the MAC covers. */
static void mac_packet(struct evp_key *k, const struct bulk_op *op, uint8_t full[MAC_MAX_LEN])
{
    uint8_t hi[4];
    bulk_seq_hi(op, hi);
    const struct span parts[] = {span_of(op->esp, op->len - k->base.icv), span_of(hi, sizeof(hi))};
    mac_run(k->mac, parts, op->has_esn ? 2 : 1, full);
}

static void seal(struct evp_key *k, struct bulk_op *op)
{
    uint8_t room[12], full[MAC_MAX_LEN];
    sym_seal(k->sym, bulk_aad(op, room), op->esp + ESP_HEADER, bulk_text(op), bulk_text_len(op),
             bulk_icv(op));
    if (k->mac) {
        mac_packet(k, op, full);
        memcpy(bulk_icv(op), full, k->base.icv);
    }
}

static bool open_packet(struct evp_key *k, struct bulk_op *op)
{
    uint8_t room[12], full[MAC_MAX_LEN];
    if (k->mac) {
        mac_packet(k, op, full);
        if (CRYPTO_memcmp(full, bulk_icv(op), k->base.icv) != 0)
            return false;
    }
    return sym_open(k->sym, bulk_aad(op, room), op->esp + ESP_HEADER, bulk_text(op), bulk_text_len(op),
                    bulk_icv(op));
}

static void run(void *worker, struct bulk_op *ops, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n;) {
        struct evp_key *k = (struct evp_key *)ops[i].key;
        pthread_mutex_lock(&k->lock);
        for (; i < n && ops[i].key == &k->base; i++) {
            if (k->base.is_seal)
                seal(k, &ops[i]);
            else if (!open_packet(k, &ops[i]))
                ops[i].status = BULK_BAD_ICV;
        }
        pthread_mutex_unlock(&k->lock);
    }
}

const struct bulk_engine bulk_openssl = {
    .name = "openssl",
    .key_new = key_new,
    .key_free = key_free,
    .run = run,
};
