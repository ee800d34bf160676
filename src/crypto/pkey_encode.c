/* SPDX-License-Identifier: Apache-2.0 */
/* Keys as bytes: DER through OpenSSL (RFC 5280 SubjectPublicKeyInfo, RFC 8017, RFC 5915, RFC 5958), and PEM
 * (RFC 7468) around it. The formats of DNS and OpenSSH are in pkey_dns.c and pkey_ssh.c. See pkey.h. Not
 * here: encrypted forms (pkey_encrypt.c). */
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

typedef bool encode_fn(const struct pkey *k, struct secret *out);

/* Takes what OpenSSL allocated. */
static bool take(uint8_t *der, int len, struct secret *out)
{
    ERR_clear_error();
    if (len <= 0)
        return false;
    *out = secret_copy(span_of(der, (size_t)len));
    OPENSSL_clear_free(der, (size_t)len);
    return true;
}

static bool encode_spki(const struct pkey *k, struct secret *out)
{
    *out = secret_copy(pkey_spki(k));
    return true;
}

/* The bits of an RSA key's SubjectPublicKeyInfo are its RSAPublicKey. */
static bool encode_pkcs1(const struct pkey *k, struct secret *out)
{
    struct span bits = pkey_bits_view(k);
    *out = k->type == PKEY_RSA ? secret_copy(bits) : (struct secret){0};
    return k->type == PKEY_RSA;
}

static bool encode_pkcs8(const struct pkey *k, struct secret *out)
{
    uint8_t *der = NULL;
    PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(k->evp);
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    PKCS8_PRIV_KEY_INFO_free(info);
    return take(der, len, out);
}

/* A key for PSS alone would lose that in PKCS#1. */
static bool has_own_format(const struct pkey *k)
{
    return (k->type == PKEY_RSA && !k->is_pss_only) || k->type == PKEY_ECDSA;
}

static bool encode_traditional(const struct pkey *k, struct secret *out)
{
    uint8_t *der = NULL;
    if (!has_own_format(k))
        return encode_pkcs8(k, out);
    int len = i2d_PrivateKey(k->evp, &der);
    return take(der, len, out);
}

void pem_encode(struct span der, const char *label, struct secret *out)
{
    BUF_MEM *mem = NULL;
    BIO *bio = BIO_new(BIO_s_secmem());
    if (!bio || PEM_write_bio(bio, label, "", der.ptr, (long)der.len) <= 0 || BIO_get_mem_ptr(bio, &mem) <= 0)
        evp_panic("PEM");
    *out = secret_copy(span_of(mem->data, mem->length));
    BIO_free(bio); /* wipes */
}

static const char *label_of(const struct pkey *k, enum pkey_encoding e)
{
    if (e == PKEY_SPKI_PEM)
        return "PUBLIC KEY";
    if (e == PKEY_PKCS8_PEM || !has_own_format(k))
        return "PRIVATE KEY";
    return k->type == PKEY_RSA ? "RSA PRIVATE KEY" : "EC PRIVATE KEY";
}

static const struct encoding_row {
    encode_fn *encode;
    bool is_private, is_pem;
} rows[] = {
    [PKEY_SPKI_DER] = {encode_spki,          false, false},
    [PKEY_SPKI_PEM] = {encode_spki,          false, true },
    [PKEY_PKCS1_DER] = {encode_pkcs1,         false, false},
    [PKEY_RFC3110] = {pkey_dns_encode,      false, false},
    [PKEY_IPSECKEY] = {pkey_ipseckey_encode, false, false},
    [PKEY_DNSKEY] = {pkey_dnskey_encode,   false, false},
    [PKEY_SSH] = {pkey_ssh_encode,      false, false},
    [PKEY_TRADITIONAL_DER] = {encode_traditional,   true,  false},
    [PKEY_TRADITIONAL_PEM] = {encode_traditional,   true,  true },
    [PKEY_PKCS8_DER] = {encode_pkcs8,         true,  false},
    [PKEY_PKCS8_PEM] = {encode_pkcs8,         true,  true },
};

bool pkey_encode(const struct pkey *k, enum pkey_encoding e, struct secret *out)
{
    *out = (struct secret){0};
    const struct encoding_row *r = &rows[e];
    if ((r->is_private && (!k->is_private || k->signer.sign)) || !r->encode(k, out))
        return false;
    if (r->is_pem) {
        struct secret der = secret_take(out);
        pem_encode(secret_view(&der), label_of(k, e), out);
        secret_free(&der);
    }
    return true;
}
