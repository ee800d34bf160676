/* SPDX-License-Identifier: Apache-2.0 */
/* What the makers of test credentials share. Private to tests/support. */
#pragma once

#include "support/testca.h"
#include <openssl/evp.h>
#include <openssl/x509.h>

struct testca_cert {
    X509 *x509;
    EVP_PKEY *key;
    struct span der, key_der, pem, key_pem;
};

#define TESTCA_MUST(expr) testca_must((expr) != 0, #expr)

/* Aborts, naming what, unless it is ok. */
void testca_must(bool is_ok, const char *what);
/* "C=CH, O=Keyway, CN=moon": no escapes; owned by the caller */
X509_NAME *testca_name(const char *text);
/* Ready to sign with the certificate's key; digest NULL: SHA256. Owned by the caller. */
EVP_MD_CTX *testca_sign_ctx(const struct testca_cert *signer, const char *digest, bool is_pss);
