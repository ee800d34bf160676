/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --pkcs12`: what is in a PKCS#12 container (RFC 7292), and one of it. Entries are numbered as
 * strongSwan's tool does: certificates first, keys behind them, each kind from the container's end. */
#include "bin/pki/commands.h"
#include "pki/cert.h"
#include "pki/pkcs12.h"
#include "pki/print/print.h"

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"list", 'l', PKI_SWITCH, NULL, NULL, "list certificates and keys", 0, 0},
    {"export",     'e', PKI_NUMBER, "index", NULL, "export the credential with the given index", 0, 0},
    {"outform",        'f', PKI_CHOICE, "der|pem", "der", "encoding of exported credentials", 0, 0},
    {0        },
};

static bool load(const struct pki_run *r, struct pkcs12 *p, struct diag *d)
{
    struct secret data = {0}, pass = {0};
    struct span der;
    bool is_ok = pki_read_in(r, &data, d) && pki_unpem(r->arena, secret_view(&data), "PKCS12", &der, d);
    if (is_ok && !pki_ask_passphrase("Private key passphrase: ", pki_has(r, "in"), &pass)) {
        diag_set(d, FAIL_PERMISSION, "no passphrase was given");
        is_ok = false;
    }
    is_ok = is_ok && pkcs12_load(der, secret_view(&pass), 0, p, d);
    secret_free(&pass);
    secret_free(&data);
    return is_ok;
}

static const char *key_word(const struct pkey *k)
{
    static const char *const words[] = {
        [PKEY_RSA] = "RSA", [PKEY_ECDSA] = "ECDSA", [PKEY_ED25519] = "ED25519", [PKEY_ED448] = "ED448"};
    return words[pkey_type(k)];
}

static unsigned key_bits(const struct pkey *k)
{
    return pkey_type(k) == PKEY_ED25519 ? 256 : pkey_type(k) == PKEY_ED448 ? 456 : pkey_bits(k);
}

static int list(const struct pki_run *r, const struct pkcs12 *p)
{
    size_t index = 1;
    printf("Certificates:\n");
    for (size_t i = p->n_certs; i > 0; i--) {
        struct span subject = cert_subject_der(p->certs[i - 1]);
        struct text t = {.buf = arena_alloc(r->arena, print_room(subject.len)),
                         .cap = print_room(subject.len)};
        print_dn(&t, subject);
        printf("[%2zu] \"%s\"%s\n", index++, t.buf, cert_is_ca(p->certs[i - 1]) ? " (CA)" : "");
    }
    printf("Private keys:\n");
    for (size_t i = p->n_keys; i > 0; i--)
        printf("[%2zu] %s %u bits\n", index++, key_word(p->keys[i - 1]), key_bits(p->keys[i - 1]));
    return pki_write_bytes(r, span_of("", 0));
}

static int export_key(const struct pki_run *r, const struct pkey *k)
{
    struct secret out = {0};
    bool is_pem = !strcasecmp(pki_get(r, "outform"), "pem");
    int code = 1;
    if (pkey_encode(k, is_pem ? PKEY_TRADITIONAL_PEM : PKEY_TRADITIONAL_DER, &out))
        code = pki_write_bytes(r, secret_view(&out));
    secret_free(&out);
    return code;
}

static int export_one(const struct pki_run *r, const struct pkcs12 *p, size_t index)
{
    if (index >= 1 && index <= p->n_certs)
        return pki_write(r, "CERTIFICATE", cert_der(p->certs[p->n_certs - index]));
    if (index > p->n_certs && index <= p->n_certs + p->n_keys)
        return export_key(r, p->keys[p->n_certs + p->n_keys - index]);
    fprintf(stderr, "invalid index %zu: expected 1 to %zu\n", index, p->n_certs + p->n_keys);
    return 1;
}

static int run(struct pki_run *r)
{
    struct pkcs12 p = {0};
    struct diag d = {0};
    if (pki_has(r, "list") == pki_has(r, "export"))
        return pki_refuse(r, "invalid --pkcs12 options: expected --list or --export");
    if (!load(r, &p, &d))
        return pki_fail(r, &d);
    int code = pki_has(r, "list") ? list(r, &p) : export_one(r, &p, (size_t)pki_number(r, "export", 0));
    pkcs12_free(&p);
    return code;
}

const struct pki_command pki_cmd_pkcs12 = {
    .name = "pkcs12",
    .letter = 'u',
    .doc = "PKCS#12 functions",
    .options = options,
    .run = run,
    .manual = "The passphrase is asked for on the terminal; where there is none it is a line of stdin.",
};
