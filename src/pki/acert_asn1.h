/* SPDX-License-Identifier: Apache-2.0 */
/* The ASN.1 of attribute certificates (RFC 5755 section 4.1), as OpenSSL's templates, for what reads and what
 * makes them. OpenSSL 3.0 has no type for them. Private to src/pki. Not here: attributes' values but groups.
 */
#pragma once

#include <openssl/asn1t.h>
#include <openssl/x509v3.h>

/* OpenSSL's templates want types that are names. */
typedef struct {
    GENERAL_NAMES *issuer;
    ASN1_INTEGER *serial;
    ASN1_BIT_STRING *uid;
} AC_ISSUER_SERIAL;

typedef struct {
    AC_ISSUER_SERIAL *base;
    GENERAL_NAMES *entity;
    ASN1_TYPE *digest;
} AC_HOLDER;

typedef struct {
    GENERAL_NAMES *name;
    AC_ISSUER_SERIAL *base;
    ASN1_TYPE *digest;
} AC_V2FORM;

typedef struct {
    ASN1_GENERALIZEDTIME *from, *to;
} AC_PERIOD;

typedef struct {
    ASN1_ENCODING enc; /* as it came: what the signature covers */
    ASN1_INTEGER *version;
    AC_HOLDER *holder;
    AC_V2FORM *issuer;
    X509_ALGOR *signature;
    ASN1_INTEGER *serial;
    AC_PERIOD *period;
    STACK_OF(X509_ATTRIBUTE) * attributes;
    ASN1_BIT_STRING *uid;
    STACK_OF(X509_EXTENSION) * extensions;
} AC_INFO;

typedef struct {
    AC_INFO *info;
    X509_ALGOR *algorithm;
    ASN1_BIT_STRING *signature;
} AC_CERT;

typedef struct {
    GENERAL_NAMES *authority;
    STACK_OF(ASN1_TYPE) * values;
} AC_GROUPS; /* IetfAttrSyntax */

DECLARE_ASN1_ITEM(AC_ISSUER_SERIAL)
DECLARE_ASN1_ITEM(AC_INFO)
DECLARE_ASN1_ITEM(AC_CERT)
DECLARE_ASN1_ITEM(AC_GROUPS)
