/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --pub`: the public key of a private key, a request or a certificate, as SubjectPublicKeyInfo, or
 * as DNS and OpenSSH write it. */
#include "bin/pki/commands.h"

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "private key on a token", 0, 0},
    {"type",     't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448|priv|pub|pkcs10|x509", "priv", "type of input", 0, 0},
    {"outform",        'f', PKI_CHOICE, "der|pem|dnskey|sshkey", "der", "encoding of the public key", 0, 0},
    {0        },
};

/* Base64 of the key field of a DNSKEY record, or of OpenSSH's blob; no line feed behind it. */
static int write_text(const struct pki_run *r, const struct pkey *k, enum pkey_encoding e)
{
    struct secret out = {0};
    struct diag d = {0};
    if (!pkey_encode(k, e, &out)) {
        diag_set(&d, FAIL_USAGE, "this format has no %s of this kind", pkey_type_name(k));
        return pki_fail(r, &d);
    }
    int code = pki_write_base64(r, secret_view(&out), "");
    secret_free(&out);
    return code;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    const char *form = pki_get(r, "outform");
    struct pkey *k = pki_has(r, "keyid") ? pki_key_on_token(r, "keyid", pki_get(r, "type"), true, &d)
                                         : pki_public_key(r, pki_get(r, "in"), pki_get(r, "type"), &d);
    if (!k)
        return pki_fail(r, &d);
    bool is_dns = !strcasecmp(form, "dnskey"), is_ssh = !strcasecmp(form, "sshkey");
    int code = is_dns || is_ssh ? write_text(r, k, is_dns ? PKEY_RFC3110 : PKEY_SSH)
                                : pki_write(r, "PUBLIC KEY", pkey_spki(k));
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
