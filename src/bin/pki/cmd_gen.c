/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --gen`: a new private key. RSA is written as PKCS#1 (RFC 8017), ECDSA as SEC1 (RFC 5915), EdDSA as
 * PKCS#8 (RFC 8410). Not here: shares of RSA keys. */
#include "bin/pki/commands.h"
static const struct pki_option options[] = {
    {"type",      't', PKI_CHOICE, "rsa|ecdsa|ed25519|ed448", "rsa", "type of key", 0, 0},
    {"size", 's', PKI_NUMBER, "bits", NULL, "keylength in bits, default: rsa 2048, ecdsa 384", 0, 0},
    {"safe-primes",      'p', PKI_SWITCH, NULL, NULL, "generate rsa safe primes", 0, 0},
    {"shares",          'n', PKI_NUMBER, "n", NULL, "number of private rsa key shares; not served", 0, 0},
    {"threshold",           'l', PKI_NUMBER, "l", NULL, "least number of shares that sign; not served", 0, 0},
    {"outform",        'f', PKI_CHOICE, "der|pem", "der", "encoding of the private key", 0, 0},
    {0    },
};

static const struct {
    const char *word;
    enum pkey_type type;
} types[] = {
    {"rsa",     PKEY_RSA    },
    {"ecdsa",   PKEY_ECDSA  },
    {"ed25519", PKEY_ED25519},
    {"ed448",   PKEY_ED448  },
};

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct secret out = {0};
    size_t i = 0;
    while (strcasecmp(types[i].word, pki_get(r, "type")) != 0)
        i++;
    unsigned bits = (unsigned)pki_number(r, "size", 0);
    if (pki_has(r, "shares") || pki_has(r, "threshold"))
        return pki_refuse(r, "shares of RSA keys are not made");
    if (pki_has(r, "size") && !bits)
        return pki_refuse(r, "invalid --size 0");
    bool is_safe = types[i].type == PKEY_RSA && pki_has(r, "safe-primes");
    struct pkey *k = is_safe ? pki_safe_rsa(bits ? bits : 2048, &d) : pkey_generate(types[i].type, bits, &d);
    if (!k)
        return pki_fail(r, &d);
    bool is_pem = !strcasecmp(pki_get(r, "outform"), "pem");
    bool is_ok = pkey_encode(k, is_pem ? PKEY_TRADITIONAL_PEM : PKEY_TRADITIONAL_DER, &out);
    pkey_unref(k);
    if (!is_ok) {
        diag_set(&d, FAIL_GENERIC, "the key cannot be encoded");
        return pki_fail(r, &d);
    }
    int code = pki_write_bytes(r, secret_view(&out));
    secret_free(&out);
    return code;
}

const struct pki_command pki_cmd_gen = {
    .name = "gen", .letter = 'g', .doc = "generate a new private key", .options = options, .run = run};
