/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of the pki tool, one file each: what table.c lists. */
#pragma once

#include "bin/pki/pki.h"

/* A private RSA key of safe primes. NULL with d. */
struct pkey *pki_safe_rsa(unsigned bits, struct diag *d);

extern const struct pki_command pki_cmd_acert;
extern const struct pki_command pki_cmd_dn;
extern const struct pki_command pki_cmd_est;
extern const struct pki_command pki_cmd_estca;
extern const struct pki_command pki_cmd_gen;
extern const struct pki_command pki_cmd_issue;
extern const struct pki_command pki_cmd_keyid;
extern const struct pki_command pki_cmd_ocsp;
extern const struct pki_command pki_cmd_pkcs12;
extern const struct pki_command pki_cmd_pkcs7;
extern const struct pki_command pki_cmd_print;
extern const struct pki_command pki_cmd_pub;
extern const struct pki_command pki_cmd_req;
extern const struct pki_command pki_cmd_scep;
extern const struct pki_command pki_cmd_scepca;
extern const struct pki_command pki_cmd_self;
extern const struct pki_command pki_cmd_signcrl;
extern const struct pki_command pki_cmd_verify;
