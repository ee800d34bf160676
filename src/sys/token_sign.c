/* SPDX-License-Identifier: Apache-2.0 */
/* Signing on a token: RSA PKCS#1 v1.5 and PSS, ECDSA, EdDSA (PKCS#11 2.40 and 3.0). The message is hashed
 * here, since not every token has every hash. A session that was lost (the token was taken out) is opened
 * once more. */
#include "base/wr.h"
#include "sys/token_impl.h"

enum { SIGNATURE_MAX = 1024, TRIES = 2 };

/* [RFC8017#9.2] what stands in front of the hash */
static const struct hash_row {
    enum hash_id hash;
    CK_MECHANISM_TYPE mechanism;
    CK_RSA_PKCS_MGF_TYPE mgf;
    uint8_t prefix_len;
    uint8_t prefix[19];
} hashes[] = {
    {HASH_SHA1,
     CKM_SHA_1,  CKG_MGF1_SHA1,
     15, {0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03, 0x02, 0x1a, 0x05, 0x00, 0x04, 0x14}},
    {HASH_SHA256,
     CKM_SHA256, CKG_MGF1_SHA256,
     19, {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
      0x04, 0x20}                                                                          },
    {HASH_SHA384,
     CKM_SHA384, CKG_MGF1_SHA384,
     19, {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00,
      0x04, 0x30}                                                                          },
    {HASH_SHA512,
     CKM_SHA512, CKG_MGF1_SHA512,
     19, {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00,
      0x04, 0x40}                                                                          },
};

/* What the token is asked to do, and to what. */
struct order {
    CK_MECHANISM mechanism;
    CK_RSA_PKCS_PSS_PARAMS pss;
    uint8_t digest_info[128];
    struct span input;
};

static bool prepare(struct order *o, struct sig_scheme s, struct span message)
{
    if (s.hash == HASH_IDENTITY) {
        o->mechanism.mechanism = CKM_EDDSA;
        o->input = message;
        return true;
    }
    const struct hash_row *h = NULL;
    for (size_t i = 0; i < ARRAY_LEN(hashes); i++)
        h = hashes[i].hash == s.hash ? &hashes[i] : h;
    if (!h)
        return false;
    struct wr w = wr_over(o->digest_info, sizeof(o->digest_info));
    if (s.type == PKEY_RSA && !s.is_pss)
        wr_bytes(&w, h->prefix, h->prefix_len);
    uint8_t *digest = wr_reserve(&w, hash_len(s.hash));
    if (!digest)
        return false;
    hash_digest(s.hash, &message, 1, digest);
    o->input = wr_span_view(&w);
    o->mechanism.mechanism = s.type == PKEY_ECDSA ? CKM_ECDSA : s.is_pss ? CKM_RSA_PKCS_PSS : CKM_RSA_PKCS;
    if (s.is_pss) {
        o->pss = (CK_RSA_PKCS_PSS_PARAMS){h->mechanism, h->mgf, hash_len(s.hash)};
        o->mechanism.pParameter = &o->pss;
        o->mechanism.ulParameterLen = sizeof(o->pss);
    }
    return true;
}

static CK_RV sign_once(struct token *t, struct order *o, uint8_t *out, CK_ULONG *len)
{
    CK_RV rv = t->is_open ? CKR_OK : token_open(t);
    if (rv == CKR_OK)
        rv = t->module->C_SignInit(t->session, &o->mechanism, t->key);
    if (rv == CKR_OK)
        rv = t->module->C_Sign(t->session, (CK_BYTE_PTR)o->input.ptr, o->input.len, out, len);
    return rv;
}

bool token_sign(void *ctx, struct sig_scheme s, struct span message, struct secret *sig)
{
    struct token *t = ctx;
    struct order o = {.input = {0}};
    uint8_t out[SIGNATURE_MAX];
    CK_ULONG len = 0;
    CK_RV rv = CKR_GENERAL_ERROR;
    if (!prepare(&o, s, message))
        return false;
    pthread_mutex_lock(&t->lock);
    for (int i = 0; i < TRIES && rv != CKR_OK; i++) {
        len = sizeof(out);
        rv = sign_once(t, &o, out, &len);
        if (rv != CKR_OK)
            token_close(t);
    }
    pthread_mutex_unlock(&t->lock);
    if (rv == CKR_OK)
        *sig = secret_copy(span_of(out, len));
    return rv == CKR_OK;
}
