/* SPDX-License-Identifier: Apache-2.0 */
/* Symmetric ciphers over libcrypto's EVP: CBC (RFC 3602, RFC 2451), CTR (RFC 3686), GCM (RFC 4106), CCM (RFC
 * 4309), ChaCha20-Poly1305 (RFC 7634), GMAC (RFC 4543) and NULL (RFC 2410). A row names libcrypto's cipher
 * for each key length; the mode says how the nonce is built and the data is run. */
#include "crypto/sym.h"
#include "base/arena.h"
#include "crypto/evp.h"
#include <openssl/err.h>
#include <stdlib.h>

enum sym_mode { SYM_NULL, SYM_CBC, SYM_CTR, SYM_AEAD, SYM_CCM, SYM_GMAC };

static const struct sym_row {
    uint16_t id;
    enum sym_mode mode;
    const char *names[3]; /* by key length, in the order of alg.key_bits */
} rows[];
static const size_t row_count;

struct sym {
    const struct sym_row *row;
    EVP_CIPHER_CTX *ctx;
    bool is_seal;
    uint8_t salt[4], salt_len, iv_len, icv_len;
};

static const struct sym_row *row_of(const struct alg *encr)
{
    for (size_t i = 0; i < row_count; i++) {
        if (rows[i].id == encr->id)
            return &rows[i];
    }
    return NULL;
}

/* Index into key_bits, or -1. Ciphers without a Key Length attribute take 0 or their only length. */
static int key_index(const struct alg *encr, uint16_t key_bits)
{
    if (!encr->has_key_length && (key_bits == 0 || key_bits == encr->key_bits[0]))
        return 0;
    for (int i = 0; i < 3 && encr->key_bits[i]; i++) {
        if (encr->key_bits[i] == key_bits)
            return i;
    }
    return -1;
}

size_t sym_key_len(const struct alg *encr, uint16_t key_bits)
{
    int i = key_index(encr, key_bits);
    return i < 0 ? 0 : encr->key_bits[i] / 8 + encr->salt;
}

static bool key_context(struct sym *s, const char *name, const uint8_t *key)
{
    const EVP_CIPHER *cipher = evp_cipher(name);
    s->ctx = cipher ? EVP_CIPHER_CTX_new() : NULL;
    if (!s->ctx || !EVP_CipherInit_ex2(s->ctx, cipher, NULL, NULL, s->is_seal, NULL))
        return false;
    if (s->row->mode == SYM_CCM &&
        (EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_IVLEN, s->salt_len + s->iv_len, NULL) <= 0 ||
         EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, s->icv_len, NULL) <= 0))
        return false;
    if (!EVP_CipherInit_ex2(s->ctx, NULL, key, NULL, s->is_seal, NULL))
        return false;
    EVP_CIPHER_CTX_set_padding(s->ctx, 0);
    return true;
}

struct sym *sym_new(const struct alg *encr, uint16_t key_bits, struct span key, bool is_seal)
{
    const struct sym_row *row = row_of(encr);
    int i = key_index(encr, key_bits);
    if (!row || i < 0 || key.len != sym_key_len(encr, key_bits))
        return NULL;
    struct sym *s = mem_new(sizeof(*s));
    *s = (struct sym){.row = row, .is_seal = is_seal, .salt_len = encr->salt, .iv_len = encr->iv};
    s->icv_len = encr->icv;
    if (encr->salt)
        memcpy(s->salt, key.ptr + key.len - encr->salt, encr->salt);
    if (row->mode == SYM_NULL || key_context(s, row->names[i], key.ptr))
        return s;
    sym_free(s);
    return NULL;
}

void sym_free(struct sym *s)
{
    if (!s)
        return;
    EVP_CIPHER_CTX_free(s->ctx);
    secret_wipe(s, sizeof(*s));
    free(s);
}

/* salt | IV, and for CTR the block counter that starts at 1 [RFC3686#4]. */
static void start(struct sym *s, const uint8_t *iv)
{
    uint8_t nonce[16] = {0};
    memcpy(nonce, s->salt, s->salt_len);
    memcpy(nonce + s->salt_len, iv, s->iv_len);
    if (s->row->mode == SYM_CTR)
        nonce[15] = 1;
    if (!EVP_CipherInit_ex2(s->ctx, NULL, NULL, nonce, -1, NULL))
        evp_panic("cipher initialisation");
}

static void feed_aad(struct sym *s, const uint8_t *p, size_t len)
{
    int done;
    if (len && !EVP_CipherUpdate(s->ctx, NULL, &done, p, (int)len))
        evp_panic("cipher AAD");
}

/* Everything but the ICV. False when CCM, which checks while it decrypts, finds the ICV wrong. */
static bool run(struct sym *s, struct span aad, const uint8_t *iv, uint8_t *data, size_t len)
{
    int done;
    if (s->row->mode == SYM_CCM && !EVP_CipherUpdate(s->ctx, NULL, &done, NULL, (int)len))
        evp_panic("CCM length");
    if (s->row->mode >= SYM_AEAD)
        feed_aad(s, aad.ptr, aad.len);
    if (s->row->mode == SYM_GMAC) {
        /* RFC 4543 section 3.3 leaves the IV out; the test case in draft-mcgrew-gcm-test-01, which corrects
         * it, and the kernels in use cover it */
        feed_aad(s, iv, s->iv_len);
        feed_aad(s, data, len);
        return true;
    }
    if (EVP_CipherUpdate(s->ctx, data, &done, data, (int)len))
        return true;
    if (s->row->mode != SYM_CCM || s->is_seal)
        evp_panic("cipher");
    return false;
}

void sym_seal(struct sym *s, struct span aad, const uint8_t *iv, uint8_t *data, size_t len, uint8_t *icv)
{
    uint8_t none[16];
    int done;
    if (s->row->mode == SYM_NULL)
        return;
    start(s, iv);
    run(s, aad, iv, data, len);
    if (s->row->mode >= SYM_AEAD &&
        (!EVP_CipherFinal_ex(s->ctx, none, &done) ||
         EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_GET_TAG, s->icv_len, icv) <= 0))
        evp_panic("cipher ICV");
}

bool sym_open(struct sym *s, struct span aad, const uint8_t *iv, uint8_t *data, size_t len,
              const uint8_t *icv)
{
    uint8_t none[16];
    int done;
    if (s->row->mode == SYM_NULL)
        return true;
    start(s, iv);
    if (s->row->mode >= SYM_AEAD &&
        EVP_CIPHER_CTX_ctrl(s->ctx, EVP_CTRL_AEAD_SET_TAG, s->icv_len, (void *)icv) <= 0)
        evp_panic("cipher ICV");
    bool is_good = run(s, aad, iv, data, len);
    /* libcrypto compares ICVs in constant time; CCM has done so already */
    if (is_good && s->row->mode >= SYM_AEAD && s->row->mode != SYM_CCM)
        is_good = EVP_CipherFinal_ex(s->ctx, none, &done) > 0;
    if (!is_good)
        ERR_clear_error(); /* what a peer sends is no error of ours */
    return is_good;
}

#define GCM_NAMES                                                                                            \
    {                                                                                                        \
        "AES-128-GCM", "AES-192-GCM", "AES-256-GCM"                                                          \
    }
#define CCM_NAMES                                                                                            \
    {                                                                                                        \
        "AES-128-CCM", "AES-192-CCM", "AES-256-CCM"                                                          \
    }

static const struct sym_row rows[] = {
    {ENCR_AES_GCM_16,        SYM_AEAD, GCM_NAMES                                    },
    {ENCR_AES_GCM_12,        SYM_AEAD, GCM_NAMES                                    },
    {ENCR_AES_GCM_8,         SYM_AEAD, GCM_NAMES                                    },
    {ENCR_CHACHA20_POLY1305, SYM_AEAD, {"ChaCha20-Poly1305"}                        },
    {ENCR_AES_CBC,           SYM_CBC,  {"AES-128-CBC", "AES-192-CBC", "AES-256-CBC"}},
    {ENCR_AES_CTR,           SYM_CTR,  {"AES-128-CTR", "AES-192-CTR", "AES-256-CTR"}},
    {ENCR_AES_CCM_16,        SYM_CCM,  CCM_NAMES                                    },
    {ENCR_AES_CCM_12,        SYM_CCM,  CCM_NAMES                                    },
    {ENCR_AES_CCM_8,         SYM_CCM,  CCM_NAMES                                    },
    {ENCR_NULL_AES_GMAC,     SYM_GMAC, GCM_NAMES                                    },
    {ENCR_3DES,              SYM_CBC,  {"DES-EDE3-CBC"}                             },
    {ENCR_NULL,              SYM_NULL, {NULL}                                       },
};
static const size_t row_count = ARRAY_LEN(rows);
