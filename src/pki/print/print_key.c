/* SPDX-License-Identifier: Apache-2.0 */
/* Keys in the layout of `pki --print`: kind, size, and the two ids by which strongSwan names a key. Printed
 * are more keys than the daemon uses: small ones, and all of OpenSSL's curves. */
#include "crypto/hash.h"
#include "pki/print/print_impl.h"
#include <limits.h>
#include <openssl/err.h>

static const struct {
    int id;
    const char *name;
    int bits; /* 0: the key's own */
} kinds[] = {
    {EVP_PKEY_RSA,     "RSA",     0  },
    {EVP_PKEY_RSA_PSS, "RSA",     0  },
    {EVP_PKEY_EC,      "ECDSA",   0  },
    {EVP_PKEY_ED25519, "ED25519", 256},
    {EVP_PKEY_ED448,   "ED448",   456},
};

/* SHA-1 of the SubjectPublicKeyInfo. A key that is for RSASSA-PSS alone is named as any other RSA key. */
static void make_keyid(struct span spki, struct span bits, bool is_rsa, uint8_t out[20])
{
    X509_PUBKEY *plain = is_rsa ? X509_PUBKEY_new() : NULL;
    uint8_t *copy = plain ? OPENSSL_memdup(bits.ptr, bits.len) : NULL, *der = NULL;
    if (copy && X509_PUBKEY_set0_param(plain, OBJ_nid2obj(NID_rsaEncryption), V_ASN1_NULL, NULL, copy,
                                       (int)bits.len)) {
        int len = i2d_X509_PUBKEY(plain, &der);
        spki = len > 0 ? span_of(der, (size_t)len) : spki;
    }
    hash_digest(HASH_SHA1, &spki, 1, out);
    OPENSSL_free(der);
    X509_PUBKEY_free(plain);
}

bool print_spki(struct text *t, struct span spki, const char *label, bool has_private_key, struct diag *d)
{
    const uint8_t *at = spki.ptr, *bits = NULL;
    uint8_t keyid[20], subjkey[20];
    int len = 0;
    size_t i = 0;
    X509_PUBKEY *key = spki.len <= LONG_MAX ? d2i_X509_PUBKEY(NULL, &at, (long)spki.len) : NULL;
    const EVP_PKEY *evp = key ? X509_PUBKEY_get0(key) : NULL;
    while (evp && i < ARRAY_LEN(kinds) && kinds[i].id != EVP_PKEY_get_base_id(evp))
        i++;
    if (!evp || i == ARRAY_LEN(kinds) || !X509_PUBKEY_get0_param(NULL, &bits, &len, NULL, key)) {
        diag_set(d, FAIL_CERTIFICATE, "unsupported public key algorithm");
        X509_PUBKEY_free(key);
        ERR_clear_error();
        return false;
    }
    struct span inner = span_of(bits, (size_t)len);
    make_keyid(spki, inner, kinds[i].id == EVP_PKEY_RSA_PSS, keyid);
    hash_digest(HASH_SHA1, &inner, 1, subjkey);
    text_printf(t, "  %s   %s %d bits%s\n  keyid:     ", label, kinds[i].name,
                kinds[i].bits ? kinds[i].bits : EVP_PKEY_get_bits(evp),
                has_private_key ? ", has private key" : "");
    print_colons(t, span_of(keyid, sizeof(keyid)));
    text_str(t, "\n  subjkey:   ");
    print_colons(t, span_of(subjkey, sizeof(subjkey)));
    text_str(t, "\n");
    X509_PUBKEY_free(key);
    return true;
}

void print_key(struct text *out, const struct pkey *key)
{
    print_spki(out, pkey_spki(key), pkey_is_private(key) ? "privkey:" : "pubkey: ", false, NULL);
}

bool print_public_spki(struct text *out, struct span spki, const struct print_env *env, struct diag *d)
{
    return print_spki(out, spki, "pubkey: ", env->has_private_key, d) && print_finish(out, d);
}
