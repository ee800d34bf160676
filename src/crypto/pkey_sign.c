/* SPDX-License-Identifier: Apache-2.0 */
/* IKEv2 signatures: RSA of RFC 7296 section 2.15, ECDSA of RFC 4754, Digital Signature of RFC 7427 with EdDSA
 * of RFC 8420. The AlgorithmIdentifiers in front of a Digital Signature are a table, compared byte by byte;
 * for RSASSA-PSS the few encodings that RFC 4055 lets a peer choose are built and compared. The salt is as
 * long as the hash, and MGF1 uses that hash. See pkey.h. */
#include "base/wr.h"
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

enum { METHOD_RSA = 1, METHOD_ECDSA_256 = 9, METHOD_ECDSA_384, METHOD_ECDSA_521, METHOD_DIGITAL = 14 };
enum { PSS_ID_MAX = 80 };

struct sig_row {
    struct sig_scheme scheme;
    const char *name;
    uint8_t oid_len;
    uint8_t oid[17]; /* the AlgorithmIdentifier; PSS: OID of the hash, with tag and length */
    bool has_null;   /* NULL parameters follow; RFC 4055 wants their absence accepted too */
    bool is_refused; /* [RFC8247#3.2] SHA-1 is only known by name, and served in classic RSA signatures */
};

#define RSA_ID(n)                                                                                            \
    15,                                                                                                      \
    {                                                                                                        \
        0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, (n), 0x05, 0x00              \
    }
#define ECDSA_ID(n)                                                                                          \
    12,                                                                                                      \
    {                                                                                                        \
        0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, (n)                                \
    }
#define SHA2_OID(n)                                                                                          \
    11,                                                                                                      \
    {                                                                                                        \
        0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (n)                                      \
    }

/* clang-format off */
static const struct sig_row rows[] = {
    {{PKEY_RSA,     HASH_SHA1,     false}, "RSA_EMSA_PKCS1_SHA1",     RSA_ID(5),   .has_null = true, .is_refused = true},
    {{PKEY_RSA,     HASH_SHA256,   false}, "RSA_EMSA_PKCS1_SHA2_256", RSA_ID(11),  .has_null = true},
    {{PKEY_RSA,     HASH_SHA384,   false}, "RSA_EMSA_PKCS1_SHA2_384", RSA_ID(12),  .has_null = true},
    {{PKEY_RSA,     HASH_SHA512,   false}, "RSA_EMSA_PKCS1_SHA2_512", RSA_ID(13),  .has_null = true},
    {{PKEY_RSA,     HASH_SHA256,   true},  "RSA_EMSA_PSS_SHA2_256",   SHA2_OID(1)},
    {{PKEY_RSA,     HASH_SHA384,   true},  "RSA_EMSA_PSS_SHA2_384",   SHA2_OID(2)},
    {{PKEY_RSA,     HASH_SHA512,   true},  "RSA_EMSA_PSS_SHA2_512",   SHA2_OID(3)},
    {{PKEY_ECDSA,   HASH_SHA1,     false}, "ECDSA_WITH_SHA1_DER",
     11, {0x30, 0x09, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01}, .is_refused = true},
    {{PKEY_ECDSA,   HASH_SHA256,   false}, "ECDSA_WITH_SHA256_DER",   ECDSA_ID(2)},
    {{PKEY_ECDSA,   HASH_SHA384,   false}, "ECDSA_WITH_SHA384_DER",   ECDSA_ID(3)},
    {{PKEY_ECDSA,   HASH_SHA512,   false}, "ECDSA_WITH_SHA512_DER",   ECDSA_ID(4)},
    {{PKEY_ED25519, HASH_IDENTITY, false}, "ED25519", 7, {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70}},
    {{PKEY_ED448,   HASH_IDENTITY, false}, "ED448",   7, {0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x71}},
};

/* [RFC4754#4] one curve and one hash for each method */
static const struct classic_row {
    uint8_t method;
    const char *curve;
    enum hash_id hash;
    uint8_t len; /* bytes of r and of s */
} classics[] = {
    {METHOD_ECDSA_256, "prime256v1", HASH_SHA256, 32},
    {METHOD_ECDSA_384, "secp384r1",  HASH_SHA384, 48},
    {METHOD_ECDSA_521, "secp521r1",  HASH_SHA512, 66},
};
/* clang-format on */

static const struct sig_row *row_of(struct sig_scheme s)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sig_scheme *r = &rows[i].scheme;
        if (r->type == s.type && r->hash == s.hash && r->is_pss == s.is_pss)
            return &rows[i];
    }
    return NULL;
}

const char *sig_scheme_name(struct sig_scheme s)
{
    const struct sig_row *r = row_of(s);
    return r ? r->name : "unknown";
}

static const EVP_MD *md_of(enum hash_id hash)
{
    switch (hash) {
    case HASH_SHA1:
        return evp_md(EVP_SLOT_SHA1);
    case HASH_SHA256:
        return evp_md(EVP_SLOT_SHA256);
    case HASH_SHA384:
        return evp_md(EVP_SLOT_SHA384);
    case HASH_SHA512:
        return evp_md(EVP_SLOT_SHA512);
    default:
        return NULL;
    }
}

static bool has_key_type(enum pkey_type type)
{
    static const char *const names[] = {
        [PKEY_RSA] = "RSA", [PKEY_ECDSA] = "EC", [PKEY_ED25519] = "ED25519", [PKEY_ED448] = "ED448"};
    EVP_KEYMGMT *m = EVP_KEYMGMT_fetch(NULL, names[type], NULL);
    EVP_KEYMGMT_free(m);
    ERR_clear_error();
    return m != NULL;
}

bool sig_scheme_at(size_t index, struct sig_scheme *out, bool *is_there)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct sig_scheme *s = &rows[i].scheme;
        if (rows[i].is_refused || index-- > 0)
            continue;
        *out = *s;
        *is_there = has_key_type(s->type) && (s->hash == HASH_IDENTITY || md_of(s->hash));
        return true;
    }
    return false;
}

static void put_hash_id(struct wr *w, const struct sig_row *r, bool has_null)
{
    wr_u8(w, 0x30);
    wr_u8(w, (uint8_t)(r->oid_len + (has_null ? 2 : 0)));
    wr_bytes(w, r->oid, r->oid_len);
    if (has_null)
        wr_u16(w, 0x0500);
}

/* [RFC4055#3.1] RSASSA-PSS-params. DER leaves the default trailer out, RFC 7427's example writes it; the
 * hash's NULL may be there or not. All lengths stay below 128. */
static void put_pss_id(struct wr *w, const struct sig_row *r, bool has_null, bool mgf_has_null,
                       bool has_trailer)
{
    static const uint8_t id_pss[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x0a};
    static const uint8_t id_mgf1[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08};
    uint8_t hash = (uint8_t)(2 + r->oid_len + (has_null ? 2 : 0));
    uint8_t mgf_hash = (uint8_t)(2 + r->oid_len + (mgf_has_null ? 2 : 0));
    uint8_t mgf = (uint8_t)(2 + sizeof(id_mgf1) + mgf_hash);
    uint8_t params = (uint8_t)(2 + hash + 2 + mgf + 5 + (has_trailer ? 5 : 0));
    wr_u8(w, 0x30);
    wr_u8(w, (uint8_t)(sizeof(id_pss) + 2 + params));
    wr_bytes(w, id_pss, sizeof(id_pss));
    wr_u8(w, 0x30);
    wr_u8(w, params);
    wr_u8(w, 0xa0);
    wr_u8(w, hash);
    put_hash_id(w, r, has_null);
    wr_u8(w, 0xa1);
    wr_u8(w, mgf);
    wr_u8(w, 0x30);
    wr_u8(w, (uint8_t)(mgf - 2));
    wr_bytes(w, id_mgf1, sizeof(id_mgf1));
    put_hash_id(w, r, mgf_has_null);
    wr_u32(w, 0xa2030201);
    wr_u8(w, (uint8_t)hash_len(r->scheme.hash));
    if (has_trailer) {
        wr_u32(w, 0xa3030201);
        wr_u8(w, 1);
    }
}

static bool is_pss_id(const struct sig_row *r, struct span id)
{
    for (unsigned bits = 0; bits < 8; bits++) {
        uint8_t buf[PSS_ID_MAX];
        struct wr w = wr_over(buf, sizeof(buf));
        put_pss_id(&w, r, bits & 1, bits & 2, bits & 4);
        if (wr_ok(&w) && span_equal(id, wr_span_view(&w)))
            return true;
    }
    return false;
}

static bool is_plain_id(const struct sig_row *r, struct span id)
{
    if (span_equal(id, span_of(r->oid, r->oid_len)))
        return true;
    size_t bare = r->oid_len - 2u;
    return r->has_null && id.len == bare && id.ptr[0] == 0x30 && id.ptr[1] == bare - 2 &&
           memcmp(id.ptr + 2, r->oid + 2, bare - 2) == 0;
}

static const struct sig_row *row_by_id(struct span id)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].scheme.is_pss ? is_pss_id(&rows[i], id) : is_plain_id(&rows[i], id))
            return &rows[i];
    }
    return NULL;
}

bool sig_scheme_encode(struct sig_scheme s, struct wr *w)
{
    const struct sig_row *r = row_of(s);
    if (!r || r->is_refused)
        return false;
    if (s.is_pss)
        put_pss_id(w, r, true, true, false);
    else
        wr_bytes(w, r->oid, r->oid_len);
    return wr_ok(w);
}

bool sig_scheme_decode(struct span id, struct sig_scheme *out)
{
    const struct sig_row *r = id.len >= 2 ? row_by_id(id) : NULL;
    if (!r || r->is_refused)
        return false;
    *out = r->scheme;
    return true;
}

static bool set_padding(EVP_PKEY_CTX *pctx, const struct pkey *k, struct sig_scheme s)
{
    if (k->type != PKEY_RSA)
        return true;
    if (!s.is_pss)
        return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PADDING) > 0;
    return EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) > 0 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md(pctx, md_of(s.hash)) > 0 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, (int)hash_len(s.hash)) > 0;
}

static bool fits(const struct pkey *k, struct sig_scheme s)
{
    return k->type == s.type && row_of(s) && (!k->is_pss_only || s.is_pss);
}

bool pkey_verify_raw(const struct pkey *k, struct sig_scheme s, struct span message, struct span sig)
{
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_ok =
        ctx && fits(k, s) && sig.len && EVP_DigestVerifyInit(ctx, &pctx, md_of(s.hash), NULL, k->evp) == 1 &&
        set_padding(pctx, k, s) && EVP_DigestVerify(ctx, sig.ptr, sig.len, message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_ok;
}

/* r | s becomes the DER of an ECDSA signature, which OpenSSL allocates. */
static int fixed_to_der(struct span fixed, uint8_t **der)
{
    size_t len = fixed.len / 2;
    ECDSA_SIG *pair = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(fixed.ptr, (int)len, NULL), *n = BN_bin2bn(fixed.ptr + len, (int)len, NULL);
    if (!pair || !r || !n || !ECDSA_SIG_set0(pair, r, n))
        evp_panic("ECDSA signature");
    int der_len = i2d_ECDSA_SIG(pair, der);
    ECDSA_SIG_free(pair);
    return der_len;
}

static bool sign_elsewhere(const struct pkey *k, struct sig_scheme s, struct span message, struct secret *sig)
{
    uint8_t *der = NULL;
    *sig = (struct secret){0};
    if (!fits(k, s) || !k->signer.sign(k->signer.ctx, s, message, sig))
        return false;
    if (k->type != PKEY_ECDSA)
        return true;
    int len = fixed_to_der(secret_view(sig), &der);
    secret_free(sig);
    if (len > 0)
        *sig = secret_copy(span_of(der, (size_t)len));
    OPENSSL_free(der);
    return len > 0;
}

bool pkey_sign_raw(const struct pkey *k, struct sig_scheme s, struct span message, struct secret *sig)
{
    EVP_PKEY_CTX *pctx = NULL;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    size_t len = 0;
    if (k->signer.sign) {
        EVP_MD_CTX_free(ctx);
        return sign_elsewhere(k, s, message, sig);
    }
    *sig = (struct secret){0};
    bool is_ok = ctx && k->is_private && fits(k, s) &&
                 EVP_DigestSignInit(ctx, &pctx, md_of(s.hash), NULL, k->evp) == 1 &&
                 set_padding(pctx, k, s) && EVP_DigestSign(ctx, NULL, &len, message.ptr, message.len) == 1;
    if (is_ok) {
        *sig = secret_new(len);
        is_ok = EVP_DigestSign(ctx, sig->ptr, &len, message.ptr, message.len) == 1;
        sig->len = is_ok ? len : sig->len;
    }
    if (!is_ok)
        secret_free(sig);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return is_ok;
}

static const struct classic_row *classic_of(const struct pkey *k)
{
    char curve[64] = "";
    if (k->type != PKEY_ECDSA || !EVP_PKEY_get_group_name(k->evp, curve, sizeof(curve), NULL))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(classics); i++) {
        if (strcmp(classics[i].curve, curve) == 0)
            return &classics[i];
    }
    return NULL;
}

/* The DER of an ECDSA signature becomes r | s, each of len bytes. */
static bool der_to_fixed(struct secret *sig, size_t len)
{
    const uint8_t *at = sig->ptr;
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &at, (long)sig->len);
    struct secret out = secret_new(2 * len);
    bool is_ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), out.ptr, (int)len) == (int)len &&
                 BN_bn2binpad(ECDSA_SIG_get0_s(pair), out.ptr + len, (int)len) == (int)len;
    ECDSA_SIG_free(pair);
    secret_free(sig);
    *sig = out;
    if (!is_ok)
        secret_free(sig);
    return is_ok;
}

static bool verify_fixed(const struct pkey *k, const struct classic_row *c, struct span message,
                         struct span sig)
{
    struct sig_scheme s = {.type = PKEY_ECDSA, .hash = c->hash};
    uint8_t *der = NULL;
    if (sig.len != 2u * c->len)
        return false;
    int len = fixed_to_der(sig, &der);
    bool is_ok = len > 0 && pkey_verify_raw(k, s, message, span_of(der, (size_t)len));
    OPENSSL_free(der);
    return is_ok;
}

static bool sign_classic(const struct pkey *k, struct sig_scheme s, struct span message, struct secret *sig)
{
    if (s.type == PKEY_RSA && !s.is_pss)
        return pkey_sign_raw(k, s, message, sig);
    const struct classic_row *c = classic_of(k);
    return c && c->hash == s.hash && pkey_sign_raw(k, s, message, sig) && der_to_fixed(sig, c->len);
}

bool pkey_sign(const struct pkey *k, struct sig_scheme s, bool is_classic, struct span message,
               struct secret *sig)
{
    *sig = (struct secret){0};
    if (is_classic)
        return sign_classic(k, s, message, sig);
    uint8_t buf[1 + PSS_ID_MAX];
    struct wr w = wr_over(buf, sizeof(buf));
    struct secret raw = {0};
    wr_u8(&w, 0);
    if (!sig_scheme_encode(s, &w))
        return false;
    wr_patch_u8(&w, 0, (uint8_t)(w.len - 1));
    if (!wr_ok(&w) || !pkey_sign_raw(k, s, message, &raw))
        return false;
    *sig = secret_new(w.len + raw.len);
    memcpy(sig->ptr, buf, w.len);
    memcpy(sig->ptr + w.len, raw.ptr, raw.len);
    secret_free(&raw);
    return true;
}

static bool verify_digital(const struct pkey *k, struct span message, struct span sig,
                           struct sig_scheme *used)
{
    if (!sig.len || sig.len - 1 < sig.ptr[0])
        return false;
    size_t id_len = sig.ptr[0];
    const struct sig_row *r = id_len >= 2 ? row_by_id(span_of(sig.ptr + 1, id_len)) : NULL;
    if (!r)
        return false;
    *used = r->scheme;
    return !r->is_refused &&
           pkey_verify_raw(k, r->scheme, message, span_of(sig.ptr + 1 + id_len, sig.len - 1 - id_len));
}

/* [RFC7296#3.8] SHA-1 by default, though some peers use another hash without saying so. */
static bool verify_rsa(const struct pkey *k, struct span message, struct span sig, struct sig_scheme *used)
{
    static const enum hash_id hashes[] = {HASH_SHA1, HASH_SHA256, HASH_SHA384, HASH_SHA512};
    for (size_t i = 0; k->type == PKEY_RSA && i < ARRAY_LEN(hashes); i++) {
        *used = (struct sig_scheme){.type = PKEY_RSA, .hash = hashes[i]};
        if (pkey_verify_raw(k, *used, message, sig))
            return true;
    }
    return false;
}

bool pkey_verify(const struct pkey *k, uint8_t auth_method, struct span message, struct span sig,
                 struct sig_scheme *used)
{
    struct sig_scheme ignored;
    used = used ? used : &ignored;
    *used = (struct sig_scheme){0};
    if (auth_method == METHOD_DIGITAL)
        return verify_digital(k, message, sig, used);
    if (auth_method == METHOD_RSA)
        return verify_rsa(k, message, sig, used);
    const struct classic_row *c = classic_of(k);
    if (!c || c->method != auth_method)
        return false;
    *used = (struct sig_scheme){.type = PKEY_ECDSA, .hash = c->hash};
    return verify_fixed(k, c, message, sig);
}
