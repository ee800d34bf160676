/* SPDX-License-Identifier: Apache-2.0 */
/* The options that --self and --issue have in common: their rows, and what they make of a certificate. */
#pragma once

#include "bin/pki/pki.h"

/* clang-format off */
#define PKI_DIGESTS "sha1|sha224|sha256|sha384|sha512|sha3_224|sha3_256|sha3_384|sha3_512|md5"
#define PKI_ROWS_VALIDITY(begin, end, what) \
    {begin, 'F', PKI_TEXT, "datetime", NULL, "date/time the validity of the " what " starts", 0, 0}, \
    {end, 'T', PKI_TEXT, "datetime", NULL, "date/time the validity of the " what " ends", 0, 0}, \
    {"dateform", 'D', PKI_TEXT, "form", "%d.%m.%y %T", "strptime(3) input format", 0, 0}
#define PKI_ROWS_SIGNATURE \
    {"digest", 'g', PKI_CHOICE, PKI_DIGESTS, NULL, "digest for signature creation, default: key-specific", 0, 0}, \
    {"rsa-padding", 'R', PKI_CHOICE, "pkcs1|pss", "pkcs1", "padding for RSA signatures", 0, 0}
#define PKI_ROWS_CERT_START \
    {"san", 'a', PKI_TEXT, "subjectAltName", NULL, "subjectAltName to include in certificate", 0, 1}, \
    {"lifetime", 'l', PKI_NUMBER, "days", "1095", "days the certificate is valid", 0, 0}, \
    PKI_ROWS_VALIDITY("not-before", "not-after", "cert"), \
    {"serial", 's', PKI_TEXT, "hex", NULL, "serial number in hex, default: random", 0, 0}, \
    {"ca", 'b', PKI_SWITCH, NULL, NULL, "include CA basicConstraint, default: no", 0, 0}, \
    {"pathlen", 'p', PKI_NUMBER, "len", NULL, "set path length constraint", 0, 0}, \
    {"addrblock", 'B', PKI_TEXT, "block", NULL, "RFC 3779 addrBlock to include: 10.0.0.0/8 or 10.0.0.1-10.0.0.9", 0, 1}, \
    {"nc-permitted", 'n', PKI_TEXT, "name", NULL, "add permitted NameConstraint", 0, 1}, \
    {"nc-excluded", 'N', PKI_TEXT, "name", NULL, "add excluded NameConstraint", 0, 1}, \
    {"cert-policy", 'P', PKI_TEXT, "oid", NULL, "certificatePolicy OID to include", 0, 1}, \
    {"cps-uri", 'C', PKI_TEXT, "uri", NULL, "Certification Practice Statement of the --cert-policy before", 0, 1}, \
    {"user-notice", 'U', PKI_TEXT, "text", NULL, "user notice of the --cert-policy before", 0, 1}, \
    {"policy-mapping", 'M', PKI_TEXT, "issuer-oid:subject-oid", NULL, "policyMapping from issuer to subject OID", 0, 1}, \
    {"policy-explicit", 'E', PKI_NUMBER, "len", NULL, "requireExplicitPolicy constraint", 0, 0}, \
    {"policy-inhibit", 'H', PKI_NUMBER, "len", NULL, "inhibitPolicyMapping constraint", 0, 0}, \
    {"policy-any", 'A', PKI_NUMBER, "len", NULL, "inhibitAnyPolicy constraint", 0, 0}, \
    {"flag", 'e', PKI_CHOICE, "serverAuth|clientAuth|crlSign|ocspSigning|ikeIntermediate|msSmartcardLogon", NULL, \
     "include extendedKeyUsage flag", 0, 1}
#define PKI_ROWS_CERT_END \
    {"ocsp", 'o', PKI_TEXT, "uri", NULL, "OCSP AuthorityInfoAccess URI to include", 0, 1}, \
    PKI_ROWS_SIGNATURE, \
    {"critical", 'X', PKI_TEXT, "oid", NULL, "critical extension OID to include for test purposes", 0, 1}, \
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of generated cert", 0, 0}
/* clang-format on */

/* All but the subject and the key. False with d. */
bool pki_cert_fill(const struct pki_run *r, struct issue_cert *c, struct diag *d);
/* Bits of issue_cert.flags by the word of --flag, in any case; 0: none. */
unsigned pki_flag(const char *word);
/* Checked OIDs of --critical. */
bool pki_critical(const struct pki_run *r, const char *const **oids, size_t *n, struct diag *d);
