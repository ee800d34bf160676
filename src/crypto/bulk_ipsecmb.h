/* SPDX-License-Identifier: Apache-2.0 */
/* What bulk_ipsecmb.c runs packets on and bulk_ipsecmb_key.c makes from a key. Private to these two. */
#pragma once

#include "crypto/bulk_engine.h"
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>

/* An expanded key: for the direct calls, or a finished job as a template with what it points to. */
struct mb_slot {
    void (*direct)(const struct mb_slot *, struct bulk_op *); /* NULL: jobs */
    aes_gcm_enc_dec_t gcm_run;
    aes_gmac_init_t gmac_init;
    aes_gmac_update_t gmac_update;
    aes_gmac_finalize_t gmac_finalize;
    bool has_nonce; /* jobs: the IV is salt | IV, in the room of the job */
    _Alignas(64) union {
        struct gcm_key_data gcm;
        struct {
            IMB_JOB job;
            union {
                struct {
                    _Alignas(16) uint8_t enc[16 * 15];
                    _Alignas(16) uint8_t dec[16 * 15];
                } aes;
                struct {
                    uint64_t schedule[3][IMB_DES_KEY_SCHED_SIZE / 8];
                    const void *list[3];
                } des;
                uint8_t chacha[32];
            } cipher;
            union {
                struct {
                    uint8_t ipad[IMB_SHA512_DIGEST_SIZE_IN_BYTES];
                    uint8_t opad[IMB_SHA512_DIGEST_SIZE_IN_BYTES];
                } hmac;
                struct {
                    _Alignas(16) uint8_t k1[16 * 11];
                    _Alignas(16) uint8_t k2[16];
                    _Alignas(16) uint8_t k3[16];
                } aes;
            } auth;
        };
    };
};
_Static_assert(sizeof(struct mb_slot) <= BULK_SLOT_MAX, "an expanded key fits its slot");

/* NULL: this processor lacks AES-NI. */
IMB_MGR *mb_mgr_new(void);
bool mb_expand(void *slot, const struct bulk_key *k);
void mb_wipe(void *slot);
/* How one packet goes through the direct calls. */
void mb_direct_gcm(const struct mb_slot *e, struct bulk_op *op);
void mb_direct_gmac(const struct mb_slot *e, struct bulk_op *op);
