/* SPDX-License-Identifier: Apache-2.0 */
/* What the files that print credentials share. Private to src/pki/print. */
#pragma once

#include "pki/print/print.h"
#include <openssl/x509v3.h>

/* "0a:1b" */
void print_colons(struct text *t, struct span bytes);
/* The content octets of an INTEGER as in DER, without the zero in front that only says it is positive. */
void print_integer(struct text *t, const ASN1_INTEGER *i);
/* Bytes as they are; '?' for what is no printable ASCII. */
void print_raw(struct text *t, struct span bytes);
void print_name(struct text *t, const X509_NAME *name);
/* Dotted; "?" for one that is too long. */
void print_oid(struct text *t, const ASN1_OBJECT *oid);
void print_oid_bytes(struct text *t, struct span content);
/* A name as altNames and constraints list it: its text, an address with its prefix for 8 or 32 bytes; nothing
 * and false for kinds that are not listed. */
bool print_general_name(struct text *t, const GENERAL_NAME *n, bool is_constraint);
/* "Nov 21 10:00:00 2026" */
void print_time(struct text *t, int64_t when, const struct print_env *env);
/* "12 days": how long it is from a to b. */
void print_span_of_time(struct text *t, int64_t a, int64_t b);
/* "  validity:  not before ...\n             not after ...\n", or the words of CRLs. */
struct print_validity {
    const char *label, *first, *second;
};
extern const struct print_validity print_validity_cert, print_validity_update;
void print_validity(struct text *t, const struct print_validity *words, int64_t from, int64_t to,
                    const struct print_env *env);
/* Seconds since 1970 UTC. */
bool print_read_time(const ASN1_TIME *time, int64_t *out);
static inline struct span print_octets(const ASN1_STRING *s)
{
    return s ? span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : span_of(NULL, 0);
}
/* A SubjectPublicKeyInfo: kind, size, and its two ids: SHA-1 of all of it and of the key inside. */
bool print_spki(struct text *t, struct span spki, const char *label, bool has_private_key, struct diag *d);

/* The DER of the first PEM block of a label ("X509 CRL"), or data itself where it is no PEM; *owned is to be
 * freed with OPENSSL_free(). False, with d: no such block. */
bool print_unpem(struct span data, const char *const *labels, const char *what, struct span *der,
                 uint8_t **owned, struct diag *d);
/* Sets d: no what in len bytes. Returns false. */
bool print_refuse(const char *what, const char *form, size_t len, struct diag *d);
/* After the last line: was there room? */
bool print_finish(const struct text *t, struct diag *d);

/* print_ext.c: the extensions of a certificate, each with its label; nothing where it is absent. False: one
 * that cannot be read (why is in d). */
bool print_uris(struct text *t, const X509 *x, struct diag *d);
/* label becomes indent when a line has been written. */
void print_points(struct text *t, const CRL_DIST_POINTS *points, const char **label, const char *indent);
bool print_constraints(struct text *t, const X509 *x, struct diag *d);
bool print_policies(struct text *t, const X509 *x, struct diag *d);
bool print_addresses(struct text *t, const X509 *x, struct diag *d);
/* X509_get_ext_d2i(), where absence is no error: false when it is there and malformed or repeated. */
bool print_take_ext(const X509 *x, int nid, void *out, struct diag *d);
