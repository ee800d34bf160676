/* SPDX-License-Identifier: Apache-2.0 */
/* The AUTH payload's mathematics (RFC 7296 section 2.15, RFC 7427, RFC 8420): what is signed, with which
 * method, and the CERTREQ hashes (section 3.7). Signing and verifying with keys is crypto/pkey's (as jobs);
 * shared secrets are done here. */
#pragma once

#include "base/diag.h"
#include "base/secret.h"
#include "crypto/pkey.h"
#include "crypto/prf.h"
#include "model/connection.h"

enum auth_wire_method { /* RFC 7296 section 3.8 and the IANA registry */
                        AUTH_WIRE_RSA = 1,
                        AUTH_WIRE_PSK = 2,
                        AUTH_WIRE_DSS = 3,
                        AUTH_WIRE_ECDSA_256 = 9,
                        AUTH_WIRE_ECDSA_384 = 10,
                        AUTH_WIRE_ECDSA_521 = 11,
                        AUTH_WIRE_SECURE_PASSWORD = 12,
                        AUTH_WIRE_NULL = 13,
                        AUTH_WIRE_SIGNATURE = 14,
};
/* "digital signature", "pre-shared key"; NULL when unknown. */
const char *auth_wire_method_name(uint8_t method);
bool auth_wire_is_signature(uint8_t method);
/* The way to authenticate that a wire method is of; unknown ones count as signatures, and fail as such. */
enum auth_method auth_way_of(uint8_t method);
const char *auth_way_name(enum auth_method way); /* "a pre-shared key" */

/* One side's signed octets: its own first message as it went over the wire (without the non-ESP marker), the
 * OTHER side's nonce, and prf(SK_p, its ID payload's body); then IntAuth [RFC9242#3.3.2]. */
struct auth_input {
    uint16_t prf;
    struct span message;  /* IKE_SA_INIT of the side that authenticates: the one that was answered */
    struct span nonce;    /* of the other side */
    struct span sk_p;     /* SK_pi when the initiator authenticates, SK_pr when the responder does */
    struct span id_body;  /* pl_id.body, or auth_id_body() */
    struct span int_auth; /* int_auth_view(); empty without IKE_INTERMEDIATE */
};
/* type | reserved | data of an identity as build_id() writes it. */
struct span auth_id_body(struct arena *a, const struct identity *id);
/* The octets to sign or to verify against; freed by the caller. Empty when the PRF is unknown. */
struct secret auth_octets(const struct auth_input *in);

/* AUTH data for a shared secret: prf(prf(psk, "Key Pad for IKEv2"), octets). out holds prf_len(). */
bool auth_psk(const struct auth_input *in, struct span psk, uint8_t out[PRF_MAX_LEN], size_t *len);
/* Constant time. */
bool auth_psk_verify(const struct auth_input *in, struct span psk, struct span auth_data);

/* NULL authentication: as above, and SK_p stands in for the secret [RFC7619#2.1]. It proves that the peer of
 * IKE_SA_INIT speaks, and not who that is. */
bool auth_null(const struct auth_input *in, uint8_t out[PRF_MAX_LEN], size_t *len);
bool auth_null_verify(const struct auth_input *in, struct span auth_data);

/* SIGNATURE_HASH_ALGORITHMS (RFC 7427 section 4): sets of hashes as bits 1 << enum hash_id. */
#define AUTH_HASHES_MAX 16
/* What we announce: SHA2-256, 384, 512, identity (never SHA1). Bytes written into out; returns how many. */
size_t auth_hashes_encode(uint8_t out[AUTH_HASHES_MAX]);
/* Unknown ones are ignored; 0 when the data is malformed or holds none that we know. */
uint32_t auth_hashes_decode(struct span data);

/* How we sign. */
struct auth_choice {
    struct sig_scheme scheme;
    bool is_classic; /* methods 1, 9, 10, 11: RFC 7296 and 4754; otherwise 14 */
    uint8_t method;  /* the wire's number */
};
/* The best scheme for our key. peer_hashes 0: the peer sent no SIGNATURE_HASH_ALGORITHMS, only the classic
 * methods remain. allowed (n 0: all but SHA-1): the configured constraints. False with the reason in d. */
bool auth_choose(const struct pkey *own, uint32_t peer_hashes, const struct sig_scheme *allowed,
                 size_t n_allowed, struct auth_choice *out, struct diag *d);
/* The same; without prefers_pss what RFC 7427 has without PSS padding comes first. */
bool auth_choose_padded(const struct pkey *own, uint32_t peer_hashes, const struct sig_scheme *allowed,
                        size_t n_allowed, bool prefers_pss, struct auth_choice *out, struct diag *d);
/* May the peer's signature (the scheme that verified, its key) stand? n_schemes 0: everything but SHA-1 with
 * method 14. min_bits by key type; 0: no demand. False with the reason in d. */
bool auth_acceptable(const struct auth_side *remote, const struct pkey *key, struct sig_scheme used,
                     struct diag *d);
/* Announcing and checking ahead of the work: could the wire method be of this key type at all? */
bool auth_method_fits(uint8_t method, enum pkey_type type);

/* CERTREQ: the concatenated SHA-1 hashes of the CAs' public keys, each once. Memory from a. */
struct span auth_certreq_encode(struct arena *a, const struct cert_list *cas);
/* Does the list (pl_cert.data of an X.509 CERTREQ) name this CA? */
bool auth_certreq_names(struct span authorities, const struct cert *ca);
/* Its place in the list, from 1; 0: it is not there. */
size_t auth_certreq_place(struct span authorities, const struct cert *ca);
/* Hashes in the list; 0 when its length is not a multiple of 20. */
size_t auth_certreq_count(struct span authorities);
