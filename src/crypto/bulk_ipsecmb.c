/* SPDX-License-Identifier: Apache-2.0 */
/* Bulk ESP crypto over libipsec-mb. GCM and GMAC go through the direct calls, one packet after another: one
 * packet fills the vector units already. All else goes through jobs, which the library runs side by side: an
 * expanded key holds a finished job as a template, and a packet adds its pointers and lengths. ESN with a
 * MAC: the high half of the sequence number is written behind the ciphertext, where the ICV goes, and the MAC
 * runs over it there; its result lands in the slot and is copied or compared afterwards. Keys are expanded in
 * bulk_ipsecmb_key.c. */
#include "crypto/bulk_ipsecmb.h"
#include "crypto/evp.h"
#include <openssl/crypto.h>
#include <stdlib.h>

#define SLOTS 64

/* What one packet needs while its job is under way. */
struct slot {
    struct bulk_op *op;
    uint8_t nonce[16], aad[16], tag[64], wire[64];
};

struct mb_worker {
    IMB_MGR *mgr;
    size_t asked, used; /* jobs that the manager gave, and those of them that are filled */
    IMB_JOB *jobs[SLOTS];
    _Alignas(64) struct slot slots[SLOTS];
};

static void nonce_make(const struct bulk_op *op, uint8_t out[16])
{
    const struct bulk_key *k = op->key;
    size_t salt = k->encr->salt;
    memcpy(out, bulk_salt(k), salt);
    memcpy(out + salt, op->esp + ESP_HEADER, k->iv);
}

static void tag_finish(struct bulk_op *op, const uint8_t *tag, const uint8_t *wire)
{
    if (op->key->is_seal)
        memcpy(bulk_icv(op), tag, op->key->icv);
    else if (CRYPTO_memcmp(tag, wire, op->key->icv) != 0)
        op->status = BULK_BAD_ICV;
}

void mb_direct_gcm(const struct mb_slot *e, struct bulk_op *op)
{
    struct gcm_context_data ctx;
    uint8_t room[12], nonce[16], tag[16];
    struct span aad = bulk_aad(op, room);
    nonce_make(op, nonce);
    e->gcm_run(&e->gcm, &ctx, bulk_text(op), bulk_text(op), bulk_text_len(op), nonce, aad.ptr, aad.len, tag,
               op->key->icv);
    tag_finish(op, tag, bulk_icv(op));
}

void mb_direct_gmac(const struct mb_slot *e, struct bulk_op *op)
{
    struct gcm_context_data ctx;
    uint8_t room[12], nonce[16], tag[16];
    struct span aad = bulk_aad(op, room);
    nonce_make(op, nonce);
    e->gmac_init(&e->gcm, &ctx, nonce, 12);
    e->gmac_update(&e->gcm, &ctx, aad.ptr, aad.len);
    /* RFC 4543 section 3.3 leaves the IV out; the test case in draft-mcgrew-gcm-test-01, which corrects it,
     * and the kernels in use cover it */
    e->gmac_update(&e->gcm, &ctx, op->esp + ESP_HEADER, op->key->iv + bulk_text_len(op));
    e->gmac_finalize(&e->gcm, &ctx, tag, op->key->icv);
    tag_finish(op, tag, bulk_icv(op));
}

static void job_fill(const struct mb_slot *e, struct bulk_op *op, struct slot *s, IMB_JOB *j)
{
    const struct bulk_key *k = op->key;
    *j = e->job;
    s->op = op;
    j->user_data = s;
    j->src = op->esp;
    j->dst = bulk_text(op);
    j->msg_len_to_cipher_in_bytes = bulk_text_len(op);
    j->auth_tag_output = s->tag;
    j->iv = op->esp + ESP_HEADER;
    if (e->has_nonce) {
        nonce_make(op, s->nonce);
        if (j->cipher_mode == IMB_CIPHER_CNTR)
            memcpy(s->nonce + 12, (const uint8_t[]){0, 0, 0, 1}, 4); /* [RFC3686#4] */
        j->iv = s->nonce;
    }
    if (!k->is_seal)
        memcpy(s->wire, bulk_icv(op), k->icv);
    if (k->is_aead) {
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
    j->msg_len_to_hash_in_bytes = op->len - k->icv;
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
        tag_finish(s->op, s->tag, s->wire);
    }
    w->used = w->asked = 0;
}

/* Jobs under way keep the expanded keys of this run from being evicted; when a key finds no place they are
 * finished first. */
static const struct mb_slot *expanded(struct mb_worker *w, struct bulk_cache *cache, const struct bulk_key *k)
{
    const struct mb_slot *e;
    while (!(e = bulk_expanded(cache, k))) {
        jobs_flush(w);
        bulk_cache_advance(cache);
    }
    return e;
}

static void job_add(struct mb_worker *w, const struct mb_slot *e, struct bulk_op *op, size_t left)
{
    if (w->used == w->asked) {
        jobs_flush(w);
        w->asked = left < SLOTS ? left : SLOTS;
        if (IMB_GET_NEXT_BURST(w->mgr, (uint32_t)w->asked, w->jobs) != w->asked)
            evp_panic("ipsec-mb job queue");
    }
    job_fill(e, op, &w->slots[w->used], w->jobs[w->used]);
    w->used++;
}

static void run(void *worker, struct bulk_cache *cache, struct bulk_op *ops, size_t n)
{
    struct mb_worker *w = worker;
    const struct mb_slot *e = NULL;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || ops[i].key != ops[i - 1].key)
            e = expanded(w, cache, ops[i].key);
        if (e->direct)
            e->direct(e, &ops[i]);
        else
            job_add(w, e, &ops[i], n - i);
    }
    jobs_flush(w);
}

static void *worker_new(void)
{
    struct mb_worker *w = aligned_alloc(_Alignof(struct mb_worker), sizeof(*w));
    if (!w)
        evp_panic("memory");
    memset(w, 0, sizeof(*w));
    w->mgr = mb_mgr_new();
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
    .version = imb_get_version_str,
    .absent = "this processor lacks AES-NI",
    .slot_len = sizeof(struct mb_slot),
    .expand = mb_expand,
    .wipe = mb_wipe,
    .worker_new = worker_new,
    .worker_free = worker_free,
    .run = run,
};
