/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --keyid`: the SHA-1 of a key's subjectPublicKey (RFC 5280 section 4.2.1.2) and of its whole
 * SubjectPublicKeyInfo (what a CERTREQ lists, RFC 7296 section 3.7). */
#include "bin/pki/commands.h"
#include "crypto/hash.h"

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "private key on a token", 0, 0},
    {"type",     't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448|priv|pub|pkcs10|x509", "priv", "type of input", 0, 0},
    {"id",        'I', PKI_CHOICE, "all|spk|spki", "all", "which identifier", 0, 0},
    {"format",         'f', PKI_CHOICE, "pretty|hex|base64|bin", "pretty", "output format", 0, 0},
    {0     },
};

static int show(const struct pki_run *r, const char *heading, struct span id)
{
    char buf[80];
    struct text t = TEXT_ON(buf);
    if (strcasecmp(pki_get(r, "format"), "pretty") != 0)
        return pki_write_format(r, pki_get(r, "format"), id);
    pki_colons(&t, id);
    printf("%s\n             %s\n", heading, buf);
    return pki_write_bytes(r, span_of("", 0));
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    uint8_t spk[20], spki[20];
    const char *which = pki_get(r, "id");
    int code = 0;
    struct pkey *k = pki_has(r, "keyid") ? pki_key_on_token(r, "keyid", pki_get(r, "type"), true, &d)
                                         : pki_public_key(r, pki_get(r, "in"), pki_get(r, "type"), &d);
    if (!k)
        return pki_fail(r, &d);
    struct span info = pkey_spki(k);
    pkey_keyid(k, spk);
    hash_digest(HASH_SHA1, &info, 1, spki);
    pkey_unref(k);
    if (strcasecmp(which, "spki") != 0)
        code = show(r, "subjkey (SHA-1 of subjectPublicKey):", span_of(spk, sizeof(spk)));
    if (!code && strcasecmp(which, "spk") != 0)
        code = show(r, "keyid (SHA-1 of subjectPublicKeyInfo):", span_of(spki, sizeof(spki)));
    return code;
}

const struct pki_command pki_cmd_keyid = {
    .name = "keyid",
    .letter = 'k',
    .doc = "calculate key identifiers of a key/certificate",
    .options = options,
    .run = run,
};
