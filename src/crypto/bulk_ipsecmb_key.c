/* SPDX-License-Identifier: Apache-2.0 */
/* Expanded keys of bulk_ipsecmb.c: key schedules, powers of the hash key, MAC pads, and the job template that
 * points to them. What libipsec-mb does not serve is said here. */
#include "crypto/bulk_ipsecmb.h"
#include "crypto/evp.h"
#include <pthread.h>

/* Key schedules are computed with a manager of their own, made once. */
static IMB_MGR *key_mgr;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

IMB_MGR *mb_mgr_new(void)
{
    IMB_ARCH arch = IMB_ARCH_NONE;
    IMB_MGR *m = alloc_mb_mgr(0);
    if (!m)
        evp_panic("memory for ipsec-mb");
    init_mb_mgr_auto(m, &arch);
    bool is_usable = arch >= IMB_ARCH_SSE && imb_get_errno(m) == 0 &&
                     (!(m->features & IMB_FEATURE_SELF_TEST) || (m->features & IMB_FEATURE_SELF_TEST_PASS));
    if (is_usable)
        return m;
    free_mb_mgr(m);
    return NULL;
}

static void key_mgr_make(void)
{
    key_mgr = mb_mgr_new();
}

/* The three AES key schedules. dec may be NULL-like scratch for modes that only encrypt. */
static void aes_expand(size_t key_len, const uint8_t *key, void *enc, void *dec)
{
    if (key_len == 16)
        IMB_AES_KEYEXP_128(key_mgr, key, enc, dec);
    else if (key_len == 24)
        IMB_AES_KEYEXP_192(key_mgr, key, enc, dec);
    else
        IMB_AES_KEYEXP_256(key_mgr, key, enc, dec);
}

static void gcm_key(struct mb_slot *e, size_t key_len, const uint8_t *key, bool is_seal)
{
    IMB_MGR *m = key_mgr;
    if (key_len == 16) {
        IMB_AES128_GCM_PRE(m, key, &e->gcm);
        e->gcm_run = is_seal ? m->gcm128_enc : m->gcm128_dec;
        e->gmac_init = m->gmac128_init;
        e->gmac_update = m->gmac128_update;
        e->gmac_finalize = m->gmac128_finalize;
    } else if (key_len == 24) {
        IMB_AES192_GCM_PRE(m, key, &e->gcm);
        e->gcm_run = is_seal ? m->gcm192_enc : m->gcm192_dec;
        e->gmac_init = m->gmac192_init;
        e->gmac_update = m->gmac192_update;
        e->gmac_finalize = m->gmac192_finalize;
    } else {
        IMB_AES256_GCM_PRE(m, key, &e->gcm);
        e->gcm_run = is_seal ? m->gcm256_enc : m->gcm256_dec;
        e->gmac_init = m->gmac256_init;
        e->gmac_update = m->gmac256_update;
        e->gmac_finalize = m->gmac256_finalize;
    }
}

/* False: not a cipher for the direct calls, and nothing was written. */
static bool direct_key(struct mb_slot *e, const struct bulk_key *k)
{
    switch (k->encr->id) {
    case ENCR_AES_GCM_8:
    case ENCR_AES_GCM_12:
    case ENCR_AES_GCM_16:
        e->direct = mb_direct_gcm;
        break;
    case ENCR_NULL_AES_GMAC:
        e->direct = mb_direct_gmac;
        break;
    default:
        return false;
    }
    gcm_key(e, k->key_bits / 8, k->raw, k->is_seal);
    return true;
}

/* Fills the cipher half of the template. False: not served here. */
static bool cipher_key(struct mb_slot *e, const struct bulk_key *k)
{
    size_t key_len = k->key_bits / 8;
    const uint8_t *key = k->raw;
    IMB_JOB *j = &e->job;
    j->key_len_in_bytes = key_len;
    j->iv_len_in_bytes = k->encr->iv;
    j->enc_keys = e->cipher.aes.enc;
    j->dec_keys = e->cipher.aes.dec;
    e->has_nonce = k->encr->salt > 0;
    switch (k->encr->id) {
    case ENCR_AES_CBC:
        aes_expand(key_len, key, e->cipher.aes.enc, e->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CBC;
        return true;
    case ENCR_AES_CTR:
        aes_expand(key_len, key, e->cipher.aes.enc, e->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CNTR;
        j->iv_len_in_bytes = 16;
        return true;
    case ENCR_AES_CCM_8:
    case ENCR_AES_CCM_12:
    case ENCR_AES_CCM_16:
        if (key_len == 24)
            return false;
        aes_expand(key_len, key, e->cipher.aes.enc, e->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CCM;
        j->iv_len_in_bytes = 11;
        return true;
    case ENCR_CHACHA20_POLY1305:
        memcpy(e->cipher.chacha, key, 32);
        j->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
        j->iv_len_in_bytes = 12;
        j->enc_keys = j->dec_keys = e->cipher.chacha;
        return true;
    case ENCR_3DES:
        for (int i = 0; i < 3; i++) {
            IMB_DES_KEYSCHED(key_mgr, e->cipher.des.schedule[i], key + 8 * i);
            e->cipher.des.list[i] = e->cipher.des.schedule[i];
        }
        j->cipher_mode = IMB_CIPHER_DES3;
        j->enc_keys = j->dec_keys = e->cipher.des.list;
        return true;
    case ENCR_NULL:
        j->cipher_mode = IMB_CIPHER_NULL;
        return true;
    default:
        return false;
    }
}

/* The library's HMAC starts from the hash states after the first block [RFC2104#4]. */
static void hmac_key(struct mb_slot *e, struct span key, size_t block, hash_one_block_t one_block)
{
    uint8_t pad[IMB_SHA_512_BLOCK_SIZE];
    memset(pad, 0x36, sizeof(pad));
    for (size_t i = 0; i < key.len; i++)
        pad[i] ^= key.ptr[i];
    one_block(pad, e->auth.hmac.ipad);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    one_block(pad, e->auth.hmac.opad);
    secret_wipe(pad, sizeof(pad));
    e->job.u.HMAC._hashed_auth_key_xor_ipad = e->auth.hmac.ipad;
    e->job.u.HMAC._hashed_auth_key_xor_opad = e->auth.hmac.opad;
}

/* Fills the integrity half of the template. False: not served here. */
static bool integ_key(struct mb_slot *e, const struct bulk_key *k)
{
    IMB_MGR *m = key_mgr;
    const struct {
        uint16_t id, alg, block;
        hash_one_block_t one_block;
    } hmacs[] = {
        {INTEG_HMAC_MD5_96,       IMB_AUTH_MD5,          64,  m->md5_one_block   },
        {INTEG_HMAC_SHA1_96,      IMB_AUTH_HMAC_SHA_1,   64,  m->sha1_one_block  },
        {INTEG_HMAC_SHA2_256_128, IMB_AUTH_HMAC_SHA_256, 64,  m->sha256_one_block},
        {INTEG_HMAC_SHA2_256_96,  IMB_AUTH_HMAC_SHA_256, 64,  m->sha256_one_block},
        {INTEG_HMAC_SHA2_384_192, IMB_AUTH_HMAC_SHA_384, 128, m->sha384_one_block},
        {INTEG_HMAC_SHA2_512_256, IMB_AUTH_HMAC_SHA_512, 128, m->sha512_one_block},
    };
    IMB_JOB *j = &e->job;
    uint8_t dec[16 * 11];
    j->auth_tag_output_len_in_bytes = k->integ->icv;
    for (size_t i = 0; i < ARRAY_LEN(hmacs); i++) {
        if (hmacs[i].id != k->integ->id)
            continue;
        j->hash_alg = hmacs[i].alg;
        if (k->integ->id == INTEG_HMAC_SHA2_256_96)
            j->auth_tag_output_len_in_bytes = 32; /* the library cuts SHA-256 to 16 bytes or not at all */
        hmac_key(e, bulk_integ_key(k), hmacs[i].block, hmacs[i].one_block);
        return true;
    }
    if (k->integ->id == INTEG_AES_XCBC_96) {
        IMB_AES_XCBC_KEYEXP(m, bulk_integ_key(k).ptr, e->auth.aes.k1, e->auth.aes.k2, e->auth.aes.k3);
        j->hash_alg = IMB_AUTH_AES_XCBC;
        j->u.XCBC._k1_expanded = (const uint32_t *)(const void *)e->auth.aes.k1;
        j->u.XCBC._k2 = e->auth.aes.k2;
        j->u.XCBC._k3 = e->auth.aes.k3;
        return true;
    }
    if (k->integ->id == INTEG_AES_CMAC_96) {
        IMB_AES_KEYEXP_128(m, bulk_integ_key(k).ptr, e->auth.aes.k1, dec);
        IMB_AES_CMAC_SUBKEY_GEN_128(m, e->auth.aes.k1, e->auth.aes.k2, e->auth.aes.k3);
        secret_wipe(dec, sizeof(dec));
        j->hash_alg = IMB_AUTH_AES_CMAC;
        j->u.CMAC._key_expanded = e->auth.aes.k1;
        j->u.CMAC._skey1 = e->auth.aes.k2;
        j->u.CMAC._skey2 = e->auth.aes.k3;
        return true;
    }
    return false;
}

static bool job_key(struct mb_slot *e, const struct bulk_key *k)
{
    IMB_JOB *j = &e->job;
    bool is_ccm = false;
    if (!cipher_key(e, k))
        return false;
    j->cipher_direction = k->is_seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    j->cipher_start_src_offset_in_bytes = (uint64_t)ESP_HEADER + k->encr->iv;
    if (k->encr->is_aead) {
        is_ccm = j->cipher_mode == IMB_CIPHER_CCM;
        j->hash_alg = is_ccm ? IMB_AUTH_AES_CCM : IMB_AUTH_CHACHA20_POLY1305;
        j->hash_start_src_offset_in_bytes = j->cipher_start_src_offset_in_bytes;
        j->auth_tag_output_len_in_bytes = k->encr->icv;
    } else if (!integ_key(e, k)) {
        return false;
    }
    /* the MAC covers ciphertext, CCM's the plaintext */
    j->chain_order = k->is_seal != is_ccm ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    return true;
}

bool mb_expand(void *slot, const struct bulk_key *k)
{
    pthread_once(&key_once, key_mgr_make);
    return key_mgr && (direct_key(slot, k) || job_key(slot, k));
}

void mb_wipe(void *slot)
{
    secret_wipe(slot, sizeof(struct mb_slot));
}
