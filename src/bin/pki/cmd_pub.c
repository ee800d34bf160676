/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --pub`: the public key of a private key, a request or a certificate, as SubjectPublicKeyInfo. */
#include "bin/pki/commands.h"

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "private key on a token", 0, 0},
    {"type",     't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448|priv|pub|pkcs10|x509", "priv", "type of input", 0, 0},
    {"outform",        'f', PKI_CHOICE, "der|pem", "der", "encoding of the public key", 0, 0},
    {0        },
};

static int run(struct pki_run *r)
{
    struct diag d = {0};
    if (!pki_no_token(r, "keyid"))
        return 1;
    struct pkey *k = pki_public_key(r, pki_get(r, "in"), pki_get(r, "type"), &d);
    if (!k)
        return pki_fail(r, &d);
    int code = pki_write(r, "PUBLIC KEY", pkey_spki(k));
    pkey_unref(k);
    return code;
}

const struct pki_command pki_cmd_pub = {
    .name = "pub",
    .letter = 'p',
    .doc = "extract the public key from a private key/certificate",
    .options = options,
    .run = run,
};
