/* SPDX-License-Identifier: Apache-2.0 */
/* Asymmetric keys and IKEv2 signatures: RSA PKCS#1 v1.5 and PSS, ECDSA, EdDSA. Objects are reference-counted
 * and immutable, so that a job in another thread can hold one. */
#pragma once

#include "base/diag.h"
#include "base/secret.h"
#include "crypto/hash.h"

struct pkey; /* public or private */

enum pkey_type { PKEY_RSA = 1, PKEY_ECDSA, PKEY_ED25519, PKEY_ED448 };

/* How an AUTH payload is signed. wire_method is its IKEv2 Auth Method: 1 RSA, 9/10/11 ECDSA (RFC 4754), 14
 * Digital Signature (RFC 7427, RFC 8420) with the AlgorithmIdentifier in front. */
struct sig_scheme {
    enum pkey_type type;
    enum hash_id hash; /* HASH_IDENTITY for EdDSA */
    bool is_pss;
};

/* Makes a private key. size: bits of RSA (0: 2048) or of the curve, NIST's P-256, P-384, P-521 (0: 384); not
 * for EdDSA, whose size is its type's. NULL with the reason in d. RSA takes time: not for the control loop.
 */
struct pkey *pkey_generate(enum pkey_type type, unsigned size, struct diag *d);

/* How a key is written. Traditional is what strongSwan's pki and older programs write: PKCS#1 for RSA, SEC1
 * for ECDSA, and PKCS#8 for EdDSA, which has no other. */
enum pkey_encoding {
    PKEY_SPKI_DER = 1, /* public: SubjectPublicKeyInfo */
    PKEY_SPKI_PEM,
    PKEY_PKCS1_DER, /* public: RSAPublicKey of RFC 8017; RSA only */
    PKEY_RFC3110,   /* public: the key field of DNSKEY and IPSECKEY; RFC 3110, 6605, 8080; no brainpool */
    PKEY_IPSECKEY,  /* public: the key field of IPSECKEY records; as PKEY_RFC3110, and ECDSA over any curve */
    PKEY_DNSKEY,    /* public: RDATA of a DNSKEY record (RFC 4034), flags 256; likewise */
    PKEY_SSH,       /* public: the blob of RFC 4253, 5656, 8709, of which OpenSSH writes the base64 */
    PKEY_TRADITIONAL_DER,
    PKEY_TRADITIONAL_PEM,
    PKEY_PKCS8_DER,
    PKEY_PKCS8_PEM,
};
/* out is freed by the caller. False: the format has no such kind of key, or only the public half is here. */
bool pkey_encode(const struct pkey *k, enum pkey_encoding e, struct secret *out);
/* PEM of PKCS#8, encrypted with a passphrase, which is not empty. Slow by design. False as above. */
bool pkey_encrypt(const struct pkey *k, struct span passphrase, struct secret *pem);
/* "-----BEGIN label-----", lines of 64 characters, a line feed at the end. */
void pem_encode(struct span der, const char *label, struct secret *out);

/* PEM or DER of PKCS#1, PKCS#8 and SEC1 (encrypted with passphrase, or not), and OpenSSH's format (not
 * encrypted). passphrase may be empty. d says what is wrong, and that a passphrase is missing by
 * FAIL_PERMISSION. */
struct pkey *pkey_load_private(struct span data, struct span passphrase, struct diag *d);
struct pkey *pkey_load_public(struct span spki, struct diag *d);
/* A private key that is elsewhere, on a token: its public half is here, and it signs what is asked of it, in
 * any thread. sign: as pkey_sign_raw(), but ECDSA as r | s. release: when the key goes. */
struct pkey_signer {
    void *ctx;
    bool (*sign)(void *ctx, struct sig_scheme s, struct span message, struct secret *sig);
    void (*release)(void *ctx);
};
/* Takes the signer, also when it fails. spki: in any format that pkey_load_public_any() takes. */
struct pkey *pkey_of_signer(struct span spki, const struct pkey_signer *signer, struct diag *d);
/* A public key in any format: PEM or DER of SubjectPublicKeyInfo or RSAPublicKey (RFC 7250 is the former),
 * OpenSSH's line or blob, RFC 3110, the RDATA of a DNSKEY record; 0x.. and 0s.. of each, with "dns:" or
 * "ssh:" in front or not; and the text of a DNSKEY, KEY or IPSECKEY record. */
struct pkey *pkey_load_public_any(struct span data, struct diag *d);
/* The key of an IPSECKEY record (RFC 4025). algorithm: IANA's number: 2 RSA, 3 ECDSA, 4 EdDSA. */
struct pkey *pkey_load_ipseckey(uint8_t algorithm, struct span key, struct diag *d);
struct pkey *pkey_ref(struct pkey *k);
void pkey_unref(struct pkey *k);
enum pkey_type pkey_type(const struct pkey *k);
const char *pkey_type_name(const struct pkey *k); /* "ECDSA key" */
unsigned pkey_bits(const struct pkey *k);
bool pkey_is_private(const struct pkey *k);
/* Made by pkey_of_signer(): pkey_evp() has its public half only. */
bool pkey_is_elsewhere(const struct pkey *k);
/* SubjectPublicKeyInfo DER, owned by the key. */
struct span pkey_spki(const struct pkey *k);
/* SHA-1 of the subjectPublicKey BIT STRING contents (the key id that CERTREQ for raw keys, SKI and vici use).
 */
void pkey_keyid(const struct pkey *k, uint8_t out[20]);
/* SHA-1 of the number that the key is: an RSA modulus without leading zeros, an uncompressed point, an EdDSA
 * key. What NSS and Libreswan call a CKAID. */
void pkey_ckaid(const struct pkey *k, uint8_t out[20]);
bool pkey_same(const struct pkey *a, const struct pkey *b);

/* Signs message under the scheme. classic: RFC 7296/4754 format (RSA-SHA1 PKCS#1, ECDSA r|s); otherwise RFC
 * 7427's, with the length-prefixed AlgorithmIdentifier in front. sig is freed by the caller. */
bool pkey_sign(const struct pkey *k, struct sig_scheme s, bool is_classic, struct span message,
               struct secret *sig);
/* auth_method as on the wire (1, 9, 10, 11, 14). On success *used tells the scheme; so it does when a Digital
 * Signature names a scheme that is known but refused (SHA-1, RFC 8247 section 3.2) or the signature is wrong.
 * used may be NULL. */
bool pkey_verify(const struct pkey *k, uint8_t auth_method, struct span message, struct span sig,
                 struct sig_scheme *used);
/* The signature alone, without anything in front: as in certificates. ECDSA is DER. SHA-1 is served. */
bool pkey_sign_raw(const struct pkey *k, struct sig_scheme s, struct span message, struct secret *sig);
bool pkey_verify_raw(const struct pkey *k, struct sig_scheme s, struct span message, struct span sig);
/* OpenSSL's object, borrowed, for src/pki, which hands it to X509_sign() and its like. */
struct evp_pkey_st *pkey_evp(const struct pkey *k);
/* The AlgorithmIdentifier of a scheme in DER, without a length in front; and which scheme one names, in any
 * of its encodings. False: none that is known and not refused. */
struct wr;
bool sig_scheme_encode(struct sig_scheme s, struct wr *w);
bool sig_scheme_decode(struct span id, struct sig_scheme *out);
/* The schemes that are not refused, index 0.. until false. is_there: this OpenSSL has all that it takes. */
bool sig_scheme_at(size_t index, struct sig_scheme *out, bool *is_there);
/* "RSA_EMSA_PSS_SHA2_256", "ECDSA_WITH_SHA384_DER", "ED25519": for logs. */
const char *sig_scheme_name(struct sig_scheme s);
