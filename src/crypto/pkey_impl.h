/* SPDX-License-Identifier: Apache-2.0 */
/* What the pkey_*.c files share. Private to src/crypto. */
#pragma once

#include "crypto/pkey.h"
#include <openssl/evp.h>
#include <stdatomic.h>

struct pkey {
    atomic_uint refs;
    EVP_PKEY *evp; /* immutable once made: EVP lets threads share it */
    enum pkey_type type;
    unsigned bits;
    bool is_private;
    bool is_pss_only;          /* its SPKI says id-RSASSA-PSS */
    struct pkey_signer signer; /* sign is NULL: evp has the private half, if there is one here */
    uint8_t keyid[20];
    uint8_t *spki;
    size_t spki_len, bits_len; /* the last bits_len of them are the subjectPublicKey */
};

/* Takes evp. spki: the bytes that it came from, or empty to encode it. NULL when the kind of key is not
 * served. */
struct pkey *pkey_wrap_take(EVP_PKEY *evp, bool is_private, struct span spki, struct diag *d);

/* The bits of the subjectPublicKey, inside the SPKI that the key owns. */
struct span pkey_bits_view(const struct pkey *k);

/* A public key taken apart, big-endian. RSA: modulus and exponent. ECDSA: x and y, each as long as the field.
 * EdDSA: the key, and nothing. */
enum { PKEY_PART_MAX = 1024 };
struct pkey_parts {
    char curve[32]; /* OpenSSL's name; ECDSA only */
    uint8_t first[PKEY_PART_MAX], second[PKEY_PART_MAX];
    size_t first_len, second_len;
};
bool pkey_parts_get(const struct pkey *k, struct pkey_parts *p);
/* And put together: NULL when no such key can be. */
EVP_PKEY *pkey_parts_make(enum pkey_type type, const char *curve, struct span first, struct span second);

/* Rows of pkey_encode()'s table (pkey_dns.c, pkey_ssh.c). */
bool pkey_dns_encode(const struct pkey *k, struct secret *out);
bool pkey_ipseckey_encode(const struct pkey *k, struct secret *out);
bool pkey_dnskey_encode(const struct pkey *k, struct secret *out);
bool pkey_ssh_encode(const struct pkey *k, struct secret *out);

/* And back; NULL when the bytes are no key that is served. algorithm: IANA's DNSSEC number, 8 for any RSA. */
EVP_PKEY *pkey_dns_read(struct span field, uint8_t algorithm);
EVP_PKEY *pkey_dnskey_read(struct span rdata);
EVP_PKEY *pkey_ssh_read(struct span blob);
/* IPSECKEY's numbers: 2 RSA, 3 ECDSA, of which the length tells the curve, 4 EdDSA likewise or a
 * SubjectPublicKeyInfo. */
EVP_PKEY *pkey_ipseckey_read(struct span field, uint8_t algorithm);

/* The label of the first PEM block: "CERTIFICATE" for "-----BEGIN CERTIFICATE-----"; empty when there is
 * none. */
struct span pem_label(struct span data);
/* What is inside of "openssh-key-v1"; NULL with the reason in d. */
EVP_PKEY *pkey_ssh_private_read(struct span data, struct diag *d);
bool pkey_is_ssh_private(struct span data);

/* A private key from its parts, for formats that are not ASN.1. ECDSA: the point is checked against the
 * scalar by whoever calls. */
struct pkey_private_parts {
    struct span n, e, d, p, q, iqmp; /* RSA */
    const char *curve;               /* ECDSA */
    struct span point, scalar;
};
EVP_PKEY *pkey_private_make(enum pkey_type type, const struct pkey_private_parts *p);

enum { KEY_FILE_MAX = 65536 };
