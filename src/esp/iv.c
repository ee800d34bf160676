/* SPDX-License-Identifier: Apache-2.0 */
/* IVs: see iv.h. */
#include "esp/iv.h"
#include "base/secret.h"
#include "base/wr.h"
#include "crypto/block.h"
#include "crypto/random.h"

void iv_init(struct iv *iv, size_t len, bool is_unpredictable)
{
    *iv = (struct iv){.len = (uint8_t)len, .is_unpredictable = is_unpredictable};
    if (!len)
        return;
    if (!is_unpredictable) {
        crypto_random(&iv->mask, sizeof(iv->mask));
        return;
    }
    uint8_t key[16];
    crypto_random(key, sizeof(key));
    iv->cipher = block_cipher_new(key);
    secret_wipe(key, sizeof(key));
}

void iv_deinit(struct iv *iv)
{
    block_cipher_free(iv->cipher);
    secret_wipe(iv, sizeof(*iv));
}

static void pool_fill(struct iv *iv)
{
    struct wr w = wr_over(iv->pool, sizeof(iv->pool));
    for (size_t i = 0; i < IV_POOL; i++) {
        wr_u64(&w, 0);
        wr_u64(&w, iv->counter++);
    }
    block_cipher_encrypt(iv->cipher, iv->pool, IV_POOL);
    iv->left = IV_POOL;
}

void iv_next(struct iv *iv, uint64_t seq, uint8_t *out)
{
    if (!iv->is_unpredictable) {
        uint8_t all[8];
        struct wr w = wr_over(all, sizeof(all));
        wr_u64(&w, seq);
        for (size_t i = 0; i < iv->len && i < 8; i++)
            out[i] = all[i] ^ ((const uint8_t *)&iv->mask)[i];
        return;
    }
    if (!iv->left)
        pool_fill(iv);
    memcpy(out, iv->pool + (size_t)--iv->left * 16, iv->len);
}
