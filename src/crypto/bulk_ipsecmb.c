/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto over libipsec-mb. GCM and GMAC go through the direct calls, one packet after another: one
 * packet fills the vector units already. All else goes through jobs, which the library runs side by side: a
 * key holds a finished job as a template, and a packet adds its pointers and lengths. ESN with a MAC: the
 * high half of the sequence number is written behind the ciphertext, where the ICV goes, and the MAC runs
 * over it there; its result lands in the slot and is copied or compared afterwards. */
#include "base/list.h"
#include "crypto/bulk_engine.h"
#include "crypto/evp.h"
#define NO_COMPAT_IMB_API_053
#include <intel-ipsec-mb.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <stdlib.h>

#define SLOTS 64

struct mb_key {
    struct bulk_key base;
    void (*direct)(IMB_MGR *, const struct mb_key *, struct bulk_op *); /* NULL: jobs */
    aes_gcm_enc_dec_t gcm_run;
    aes_gmac_init_t gmac_init;
    aes_gmac_update_t gmac_update;
    aes_gmac_finalize_t gmac_finalize;
    IMB_JOB job; /* template */
    uint8_t salt[4], salt_len;
    bool has_nonce; /* jobs: the IV is salt | IV, in the slot */
    _Alignas(64) union {
        struct gcm_key_data gcm;
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

/* What one packet needs while its job is under way. */
struct slot {
    struct bulk_op *op;
    uint8_t nonce[16], aad[16], tag[64], wire[64];
};

struct mb_worker {
    IMB_MGR *mgr;
    size_t used;
    IMB_JOB *jobs[SLOTS];
    _Alignas(64) struct slot slots[SLOTS];
};

/* Key schedules are computed with a manager of their own, made once. NULL: this processor lacks AES-NI. */
static IMB_MGR *key_mgr;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;

static IMB_MGR *mgr_new(void)
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
    key_mgr = mgr_new();
}

static void nonce_make(const struct mb_key *k, const struct bulk_op *op, uint8_t out[16])
{
    memcpy(out, k->salt, k->salt_len);
    memcpy(out + k->salt_len, op->esp + ESP_HEADER, k->base.iv);
}

static void tag_finish(const struct mb_key *k, struct bulk_op *op, const uint8_t *tag, const uint8_t *wire)
{
    if (k->base.is_seal)
        memcpy(bulk_icv(op), tag, k->base.icv);
    else if (CRYPTO_memcmp(tag, wire, k->base.icv) != 0)
        op->status = BULK_BAD_ICV;
}

static void direct_gcm(IMB_MGR *m, const struct mb_key *k, struct bulk_op *op)
{
    struct gcm_context_data ctx;
    uint8_t room[12], nonce[16], tag[16];
    struct span aad = bulk_aad(op, room);
    (void)m;
    nonce_make(k, op, nonce);
    k->gcm_run(&k->cipher.gcm, &ctx, bulk_text(op), bulk_text(op), bulk_text_len(op), nonce, aad.ptr, aad.len,
               tag, k->base.icv);
    tag_finish(k, op, tag, bulk_icv(op));
}

static void direct_gmac(IMB_MGR *m, const struct mb_key *k, struct bulk_op *op)
{
    struct gcm_context_data ctx;
    uint8_t room[12], nonce[16], tag[16];
    struct span aad = bulk_aad(op, room);
    (void)m;
    nonce_make(k, op, nonce);
    k->gmac_init(&k->cipher.gcm, &ctx, nonce, 12);
    k->gmac_update(&k->cipher.gcm, &ctx, aad.ptr, aad.len);
    /* RFC 4543 section 3.3 leaves the IV out; the test case in draft-mcgrew-gcm-test-01, which corrects it,
     * and the kernels in use cover it */
    k->gmac_update(&k->cipher.gcm, &ctx, op->esp + ESP_HEADER, k->base.iv + bulk_text_len(op));
    k->gmac_finalize(&k->cipher.gcm, &ctx, tag, k->base.icv);
    tag_finish(k, op, tag, bulk_icv(op));
}

static void job_fill(const struct mb_key *k, struct bulk_op *op, struct slot *s, IMB_JOB *j)
{
    *j = k->job;
    s->op = op;
    j->user_data = s;
    j->src = op->esp;
    j->dst = bulk_text(op);
    j->msg_len_to_cipher_in_bytes = bulk_text_len(op);
    j->auth_tag_output = s->tag;
    j->iv = op->esp + ESP_HEADER;
    if (k->has_nonce) {
        nonce_make(k, op, s->nonce);
        if (j->cipher_mode == IMB_CIPHER_CNTR)
            memcpy(s->nonce + 12, (const uint8_t[]){0, 0, 0, 1}, 4); /* [RFC3686#4] */
        j->iv = s->nonce;
    }
    if (!k->base.is_seal)
        memcpy(s->wire, bulk_icv(op), k->base.icv);
    if (k->base.is_aead) {
        struct span aad = bulk_aad(op, s->aad);
        j->msg_len_to_hash_in_bytes = j->msg_len_to_cipher_in_bytes;
        if (j->cipher_mode == IMB_CIPHER_CCM) {
            j->u.CCM.aad = aad.ptr;
            j->u.CCM.aad_len_in_bytes = aad.len;
        } else {
            j->u.CHACHA20_POLY1305.aad = aad.ptr;
            j->u.CHACHA20_POLY1305.aad_len_in_bytes = aad.len;
        }
        return;
    }
    j->msg_len_to_hash_in_bytes = op->len - k->base.icv;
    if (op->has_esn) { /* [RFC4303#2.2.1]; every ICV has room for the four bytes */
        bulk_seq_hi(op, bulk_icv(op));
        j->msg_len_to_hash_in_bytes += 4;
    }
}

static void jobs_flush(struct mb_worker *w)
{
    IMB_JOB *done[SLOTS];
    if (w->used == 0)
        return;
    uint32_t finished = IMB_SUBMIT_BURST_NOCHECK(w->mgr, (uint32_t)w->used, w->jobs);
    while (finished < w->used) {
        uint32_t more = IMB_FLUSH_BURST(w->mgr, (uint32_t)w->used - finished, done);
        if (more == 0)
            evp_panic("ipsec-mb job");
        finished += more;
    }
    for (size_t i = 0; i < w->used; i++) {
        struct slot *s = &w->slots[i];
        tag_finish((const struct mb_key *)s->op->key, s->op, s->tag, s->wire);
    }
    w->used = 0;
}

static void run(void *worker, struct bulk_op *ops, size_t n)
{
    struct mb_worker *w = worker;
    size_t asked = 0;
    for (size_t i = 0; i < n; i++) {
        const struct mb_key *k = (const struct mb_key *)ops[i].key;
        if (k->direct) {
            k->direct(w->mgr, k, &ops[i]);
            continue;
        }
        if (w->used == asked) {
            jobs_flush(w);
            asked = n - i < SLOTS ? n - i : SLOTS;
            if (IMB_GET_NEXT_BURST(w->mgr, (uint32_t)asked, w->jobs) != asked)
                evp_panic("ipsec-mb job queue");
        }
        job_fill(k, &ops[i], &w->slots[w->used], w->jobs[w->used]);
        w->used++;
    }
    jobs_flush(w);
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

static void gcm_key(struct mb_key *k, size_t key_len, const uint8_t *key, bool is_seal)
{
    IMB_MGR *m = key_mgr;
    if (key_len == 16) {
        IMB_AES128_GCM_PRE(m, key, &k->cipher.gcm);
        k->gcm_run = is_seal ? m->gcm128_enc : m->gcm128_dec;
        k->gmac_init = m->gmac128_init;
        k->gmac_update = m->gmac128_update;
        k->gmac_finalize = m->gmac128_finalize;
    } else if (key_len == 24) {
        IMB_AES192_GCM_PRE(m, key, &k->cipher.gcm);
        k->gcm_run = is_seal ? m->gcm192_enc : m->gcm192_dec;
        k->gmac_init = m->gmac192_init;
        k->gmac_update = m->gmac192_update;
        k->gmac_finalize = m->gmac192_finalize;
    } else {
        IMB_AES256_GCM_PRE(m, key, &k->cipher.gcm);
        k->gcm_run = is_seal ? m->gcm256_enc : m->gcm256_dec;
        k->gmac_init = m->gmac256_init;
        k->gmac_update = m->gmac256_update;
        k->gmac_finalize = m->gmac256_finalize;
    }
}

/* Fills the cipher half of the template. False: not served here. */
static bool cipher_key(struct mb_key *k, const struct bulk_spec *s)
{
    size_t key_len = s->key_bits / 8;
    const uint8_t *key = s->encr_key.ptr;
    IMB_JOB *j = &k->job;
    j->key_len_in_bytes = key_len;
    j->iv_len_in_bytes = s->encr->iv;
    j->enc_keys = k->cipher.aes.enc;
    j->dec_keys = k->cipher.aes.dec;
    k->has_nonce = s->encr->salt > 0;
    switch (s->encr->id) {
    case ENCR_AES_GCM_8:
    case ENCR_AES_GCM_12:
    case ENCR_AES_GCM_16:
        gcm_key(k, key_len, key, s->is_seal);
        k->direct = direct_gcm;
        return true;
    case ENCR_NULL_AES_GMAC:
        gcm_key(k, key_len, key, s->is_seal);
        k->direct = direct_gmac;
        return true;
    case ENCR_AES_CBC:
        aes_expand(key_len, key, k->cipher.aes.enc, k->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CBC;
        return true;
    case ENCR_AES_CTR:
        aes_expand(key_len, key, k->cipher.aes.enc, k->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CNTR;
        j->iv_len_in_bytes = 16;
        return true;
    case ENCR_AES_CCM_8:
    case ENCR_AES_CCM_12:
    case ENCR_AES_CCM_16:
        if (key_len == 24)
            return false;
        aes_expand(key_len, key, k->cipher.aes.enc, k->cipher.aes.dec);
        j->cipher_mode = IMB_CIPHER_CCM;
        j->iv_len_in_bytes = 11;
        return true;
    case ENCR_CHACHA20_POLY1305:
        memcpy(k->cipher.chacha, key, 32);
        j->cipher_mode = IMB_CIPHER_CHACHA20_POLY1305;
        j->iv_len_in_bytes = 12;
        j->enc_keys = j->dec_keys = k->cipher.chacha;
        return true;
    case ENCR_3DES:
        for (int i = 0; i < 3; i++) {
            IMB_DES_KEYSCHED(key_mgr, k->cipher.des.schedule[i], key + 8 * i);
            k->cipher.des.list[i] = k->cipher.des.schedule[i];
        }
        j->cipher_mode = IMB_CIPHER_DES3;
        j->enc_keys = j->dec_keys = k->cipher.des.list;
        return true;
    case ENCR_NULL:
        j->cipher_mode = IMB_CIPHER_NULL;
        return true;
    default:
        return false;
    }
}

/* The library's HMAC starts from the hash states after the first block [RFC2104#4]. */
static void hmac_key(struct mb_key *k, struct span key, size_t block, hash_one_block_t one_block)
{
    uint8_t pad[IMB_SHA_512_BLOCK_SIZE];
    memset(pad, 0x36, sizeof(pad));
    for (size_t i = 0; i < key.len; i++)
        pad[i] ^= key.ptr[i];
    one_block(pad, k->auth.hmac.ipad);
    for (size_t i = 0; i < block; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    one_block(pad, k->auth.hmac.opad);
    secret_wipe(pad, sizeof(pad));
    k->job.u.HMAC._hashed_auth_key_xor_ipad = k->auth.hmac.ipad;
    k->job.u.HMAC._hashed_auth_key_xor_opad = k->auth.hmac.opad;
}

/* Fills the integrity half of the template. False: not served here. */
static bool integ_key(struct mb_key *k, const struct bulk_spec *s)
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
    IMB_JOB *j = &k->job;
    uint8_t dec[16 * 11];
    j->auth_tag_output_len_in_bytes = s->integ->icv;
    for (size_t i = 0; i < ARRAY_LEN(hmacs); i++) {
        if (hmacs[i].id != s->integ->id)
            continue;
        j->hash_alg = hmacs[i].alg;
        if (s->integ->id == INTEG_HMAC_SHA2_256_96)
            j->auth_tag_output_len_in_bytes = 32; /* the library cuts SHA-256 to 16 bytes or not at all */
        hmac_key(k, s->integ_key, hmacs[i].block, hmacs[i].one_block);
        return true;
    }
    if (s->integ->id == INTEG_AES_XCBC_96) {
        IMB_AES_XCBC_KEYEXP(m, s->integ_key.ptr, k->auth.aes.k1, k->auth.aes.k2, k->auth.aes.k3);
        j->hash_alg = IMB_AUTH_AES_XCBC;
        j->u.XCBC._k1_expanded = (const uint32_t *)(const void *)k->auth.aes.k1;
        j->u.XCBC._k2 = k->auth.aes.k2;
        j->u.XCBC._k3 = k->auth.aes.k3;
        return true;
    }
    if (s->integ->id == INTEG_AES_CMAC_96) {
        IMB_AES_KEYEXP_128(m, s->integ_key.ptr, k->auth.aes.k1, dec);
        IMB_AES_CMAC_SUBKEY_GEN_128(m, k->auth.aes.k1, k->auth.aes.k2, k->auth.aes.k3);
        secret_wipe(dec, sizeof(dec));
        j->hash_alg = IMB_AUTH_AES_CMAC;
        j->u.CMAC._key_expanded = k->auth.aes.k1;
        j->u.CMAC._skey1 = k->auth.aes.k2;
        j->u.CMAC._skey2 = k->auth.aes.k3;
        return true;
    }
    return false;
}

static void wipe_and_free(struct mb_key *k)
{
    secret_wipe(k, sizeof(*k));
    free(k);
}

static void key_free(struct bulk_key *base)
{
    wipe_and_free(container_of(base, struct mb_key, base));
}

static bool template_make(struct mb_key *k, const struct bulk_spec *s)
{
    IMB_JOB *j = &k->job;
    bool is_ccm = false;
    if (!cipher_key(k, s))
        return false;
    j->cipher_direction = s->is_seal ? IMB_DIR_ENCRYPT : IMB_DIR_DECRYPT;
    j->cipher_start_src_offset_in_bytes = (uint64_t)ESP_HEADER + s->encr->iv;
    if (s->encr->is_aead) {
        is_ccm = j->cipher_mode == IMB_CIPHER_CCM;
        j->hash_alg = is_ccm ? IMB_AUTH_AES_CCM : IMB_AUTH_CHACHA20_POLY1305;
        j->hash_start_src_offset_in_bytes = j->cipher_start_src_offset_in_bytes;
        j->auth_tag_output_len_in_bytes = s->encr->icv;
    } else if (!integ_key(k, s)) {
        return false;
    }
    /* the MAC covers ciphertext, CCM's the plaintext */
    j->chain_order = s->is_seal != is_ccm ? IMB_ORDER_CIPHER_HASH : IMB_ORDER_HASH_CIPHER;
    return true;
}

static struct bulk_key *key_new(const struct bulk_spec *s)
{
    pthread_once(&key_once, key_mgr_make);
    if (!key_mgr)
        return NULL;
    struct mb_key *k = aligned_alloc(_Alignof(struct mb_key), sizeof(*k));
    if (!k)
        evp_panic("memory");
    memset(k, 0, sizeof(*k));
    k->salt_len = s->encr->salt;
    if (k->salt_len)
        memcpy(k->salt, s->encr_key.ptr + s->encr_key.len - k->salt_len, k->salt_len);
    if (template_make(k, s))
        return &k->base;
    wipe_and_free(k); /* the whole key: a pointer to its first member reaches no further than that */
    return NULL;
}

static void *worker_new(void)
{
    struct mb_worker *w = aligned_alloc(_Alignof(struct mb_worker), sizeof(*w));
    if (!w)
        evp_panic("memory");
    memset(w, 0, sizeof(*w));
    w->mgr = mgr_new();
    return w;
}

static void worker_free(void *worker)
{
    struct mb_worker *w = worker;
    if (w->mgr)
        free_mb_mgr(w->mgr);
    secret_wipe(w, sizeof(*w));
    free(w);
}

const struct bulk_engine bulk_ipsecmb = {
    .name = "ipsec-mb",
    .key_new = key_new,
    .key_free = key_free,
    .worker_new = worker_new,
    .worker_free = worker_free,
    .run = run,
};
