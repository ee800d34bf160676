/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in the layout of `pki --print` (strongSwan 5.9.8; OCSP as 6.0 prints it). Pure: bytes in, text
 * out. What a peer or a file controls is bounded by the room of the text: see print_room(). */
#pragma once

#include "base/diag.h"
#include "base/text.h"
#include "crypto/pkey.h"

struct print_env {
    int64_t now;                       /* wall seconds: "expires in 12 days" */
    int64_t (*zone_offset)(int64_t t); /* seconds from UTC to the user's time at t; NULL: UTC */
    /* What `swanctl --list-certs` can do, and pki cannot: */
    bool has_zone_name;   /* "UTC" stands in each time */
    bool is_brief;        /* who, when, which key: no flags, URIs, constraints, entries */
    bool has_private_key; /* and says that somebody has the private key */
};

/* Bytes that the text about so many bytes of DER or PEM may need: what does not fit is refused. */
size_t print_room(size_t len);

/* The first certificate, CRL and so on in data: PEM or DER. False with the reason in d; then out has a part
 * of the text. */
bool print_cert(struct text *out, struct span data, const struct print_env *env, struct diag *d);
bool print_crl(struct text *out, struct span data, const struct print_env *env, struct diag *d);
bool print_attribute_cert(struct text *out, struct span data, const struct print_env *env, struct diag *d);
bool print_ocsp_request(struct text *out, struct span data, struct diag *d);
bool print_ocsp_response(struct text *out, struct span data, const struct print_env *env, struct diag *d);
/* A key, with "privkey:" or "pubkey:" in front. */
void print_key(struct text *out, const struct pkey *key);
/* The same of a SubjectPublicKeyInfo, which is public. */
bool print_public_spki(struct text *out, struct span spki, const struct print_env *env, struct diag *d);
/* The DN as print writes it: values as they are, '?' for what is no printable ASCII, unknown types in hex.
 * False for what is no Name in DER. */
bool print_dn(struct text *out, struct span der);
