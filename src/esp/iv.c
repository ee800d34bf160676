/* SPDX-License-Identifier: Apache-2.0 */
/* IVs: see iv.h. */
#include "esp/iv.h"
#include "base/secret.h"
#include "base/wr.h"
#include "crypto/block.h"
#include "crypto/random.h"

void iv_pool_init(struct iv_pool *p)
{
    *p = (struct iv_pool){0};
}

void iv_pool_deinit(struct iv_pool *p)
{
    block_cipher_free(p->cipher);
    secret_wipe(p, sizeof(*p));
}

static void pool_start(struct iv_pool *p)
{
    uint8_t key[16];
    crypto_random(key, sizeof(key));
    p->cipher = block_cipher_new(key);
    secret_wipe(key, sizeof(key));
}

static void pool_fill(struct iv_pool *p)
{
    struct wr w = wr_over(p->blocks, sizeof(p->blocks));
    for (size_t i = 0; i < IV_POOL; i++) {
        wr_u64(&w, 0);
        wr_u64(&w, p->counter++);
    }
    block_cipher_encrypt(p->cipher, p->blocks, IV_POOL);
    p->left = IV_POOL;
}

void iv_init(struct iv *iv, size_t len, bool is_unpredictable, struct iv_pool *pool)
{
    *iv = (struct iv){.len = (uint8_t)len, .is_unpredictable = is_unpredictable};
    if (!len)
        return;
    if (!is_unpredictable) {
        crypto_random(&iv->mask, sizeof(iv->mask));
        return;
    }
    iv->pool = pool;
    if (!pool->cipher)
        pool_start(pool);
}

void iv_next(struct iv *iv, uint64_t seq, uint8_t *out)
{
    if (!iv->len)
        return;
    if (!iv->is_unpredictable) {
        uint8_t all[8];
        struct wr w = wr_over(all, sizeof(all));
        wr_u64(&w, seq);
        for (size_t i = 0; i < iv->len && i < 8; i++)
            out[i] = all[i] ^ ((const uint8_t *)&iv->mask)[i];
        return;
    }
    struct iv_pool *p = iv->pool;
    if (!p->left)
        pool_fill(p);
    memcpy(out, p->blocks + (size_t)--p->left * 16, iv->len);
}
