/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto over libcrypto's EVP, for processors without libipsec-mb and for what that library lacks
 * (AES-192-CCM). An expanded key is one context for the cipher and one for the MAC, keyed once. */
#include "crypto/bulk_engine.h"
#include "crypto/mac.h"
#include "crypto/sym.h"
#include <openssl/crypto.h>

struct evp_slot {
    struct sym *sym;
    struct mac *mac; /* NULL for AEAD */
    uint8_t rest[64 - 2 * sizeof(void *)];
};

static void wipe(void *slot)
{
    struct evp_slot *e = slot;
    sym_free(e->sym);
    mac_free(e->mac);
    *e = (struct evp_slot){0};
}

static bool expand(void *slot, const struct bulk_key *k)
{
    struct evp_slot *e = slot;
    e->sym = sym_new(k->encr, k->key_bits, bulk_encr_key(k), k->is_seal);
    if (!k->is_aead)
        e->mac = mac_new(mac_of_integ(k->integ->id), bulk_integ_key(k));
    return e->sym && (k->is_aead || e->mac);
}

/* [RFC4303#2.2.1] the high half of the sequence number follows the ciphertext in what the MAC covers. */
static void mac_packet(struct mac *mac, const struct bulk_op *op, uint8_t full[MAC_MAX_LEN])
{
    uint8_t hi[4];
    bulk_seq_hi(op, hi);
    const struct span parts[] = {span_of(op->esp, op->len - op->key->icv), span_of(hi, sizeof(hi))};
    mac_run(mac, parts, op->has_esn ? 2 : 1, full);
}

static void seal(struct evp_slot *e, struct bulk_op *op)
{
    uint8_t room[12], full[MAC_MAX_LEN];
    sym_seal(e->sym, bulk_aad(op, room), op->esp + ESP_HEADER, bulk_text(op), bulk_text_len(op),
             bulk_icv(op));
    if (e->mac) {
        mac_packet(e->mac, op, full);
        memcpy(bulk_icv(op), full, op->key->icv);
    }
}

static bool open_packet(struct evp_slot *e, struct bulk_op *op)
{
    uint8_t room[12], full[MAC_MAX_LEN];
    if (e->mac) {
        mac_packet(e->mac, op, full);
        if (CRYPTO_memcmp(full, bulk_icv(op), op->key->icv) != 0)
            return false;
    }
    return sym_open(e->sym, bulk_aad(op, room), op->esp + ESP_HEADER, bulk_text(op), bulk_text_len(op),
                    bulk_icv(op));
}

static void run(void *worker, struct bulk_cache *cache, struct bulk_op *ops, size_t n)
{
    (void)worker;
    for (size_t i = 0; i < n;) {
        const struct bulk_key *k = ops[i].key;
        struct evp_slot *e = bulk_expanded(cache, k);
        if (!e) { /* one packet after another: nothing is under way */
            bulk_cache_advance(cache);
            continue;
        }
        for (; i < n && ops[i].key == k; i++) {
            if (k->is_seal)
                seal(e, &ops[i]);
            else if (!open_packet(e, &ops[i]))
                ops[i].status = BULK_BAD_ICV;
        }
    }
}

static const char *version(void)
{
    return OpenSSL_version(OPENSSL_VERSION_STRING);
}

const struct bulk_engine bulk_openssl = {
    .name = "openssl",
    .version = version,
    .absent = "this OpenSSL lacks it",
    .slot_len = sizeof(struct evp_slot),
    .expand = expand,
    .wipe = wipe,
    .run = run,
};
