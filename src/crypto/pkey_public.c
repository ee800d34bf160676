/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys from wherever they come: a certificate's SubjectPublicKeyInfo, and raw keys of configurations,
 * files and DNS in the formats that pkey.h lists, told apart by how they begin. No two of them begin alike: a
 * DNSKEY's flags would be an exponent of zero in RFC 3110, an SSH blob's first length likewise, and 0x30 is
 * DER. Not here: certificates, PGP. */
#include "base/arena.h"
#include "base/text.h"
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <ctype.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <strings.h>

struct pkey *pkey_load_public(struct span spki, struct diag *d)
{
    const uint8_t *at = spki.ptr;
    EVP_PKEY *evp = spki.len && spki.len <= KEY_FILE_MAX ? d2i_PUBKEY(NULL, &at, (long)spki.len) : NULL;
    ERR_clear_error();
    if (evp && at != spki.ptr + spki.len) {
        EVP_PKEY_free(evp);
        evp = NULL;
    }
    if (!evp) {
        diag_set(d, FAIL_CERTIFICATE, "no public key that can be read");
        diag_expected(d, "the DER of a SubjectPublicKeyInfo with an RSA, ECDSA, Ed25519 or Ed448 key");
        return NULL;
    }
    return pkey_wrap_take(evp, false, spki, d);
}

static EVP_PKEY *read_spki(struct span der)
{
    const uint8_t *at = der.ptr;
    EVP_PKEY *evp = d2i_PUBKEY(NULL, &at, (long)der.len);
    if (evp && at != der.ptr + der.len) {
        EVP_PKEY_free(evp);
        evp = NULL;
    }
    return evp;
}

static EVP_PKEY *read_pkcs1(struct span der)
{
    const uint8_t *at = der.ptr;
    EVP_PKEY *evp = d2i_PublicKey(EVP_PKEY_RSA, NULL, &at, (long)der.len);
    if (evp && at != der.ptr + der.len) {
        EVP_PKEY_free(evp);
        evp = NULL;
    }
    return evp;
}

/* 256 zone key, 257 key signing key, 0 other; 0x4200: of the KEY records that came before DNSSEC */
static bool is_dnskey(struct span s)
{
    if (s.len < 5 || s.ptr[2] != 3)
        return false;
    unsigned flags = (unsigned)s.ptr[0] << 8 | s.ptr[1];
    return flags == 0x0100 || flags == 0x0101 || flags == 0 || flags == 0x4200;
}

static bool is_ssh_blob(struct span s)
{
    return s.len > 4 && s.ptr[0] == 0 && s.ptr[1] == 0 && s.ptr[2] == 0 &&
           (s.ptr[4] == 's' || s.ptr[4] == 'e');
}

static EVP_PKEY *read_binary(struct span s)
{
    if (s.len && s.ptr[0] == 0x30) {
        EVP_PKEY *evp = read_spki(s);
        return evp ? evp : read_pkcs1(s);
    }
    if (is_ssh_blob(s))
        return pkey_ssh_read(s);
    if (is_dnskey(s))
        return pkey_dnskey_read(s);
    return pkey_dns_read(s, 8);
}

static EVP_PKEY *read_pem(struct span data)
{
    char *name = NULL, *header = NULL;
    unsigned char *der = NULL;
    long len = 0;
    EVP_PKEY *evp = NULL;
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    if (!bio)
        evp_panic("memory BIO");
    if (PEM_read_bio(bio, &name, &header, &der, &len) > 0) {
        struct span bytes = span_of(der, (size_t)len);
        if (strcmp(name, "PUBLIC KEY") == 0)
            evp = read_spki(bytes);
        else if (strcmp(name, "RSA PUBLIC KEY") == 0)
            evp = read_pkcs1(bytes);
    }
    OPENSSL_free(name);
    OPENSSL_free(header);
    OPENSSL_free(der);
    BIO_free(bio);
    return evp;
}

/* ---- text: words, the last of which are base64 */

static struct span trimmed(struct span s)
{
    while (s.len && isspace(s.ptr[0]))
        s = span_of(s.ptr + 1, s.len - 1);
    while (s.len && isspace(s.ptr[s.len - 1]))
        s.len--;
    return s;
}

static struct span next_word(struct span *rest)
{
    *rest = trimmed(*rest);
    size_t n = 0;
    while (n < rest->len && !isspace(rest->ptr[n]))
        n++;
    struct span word = span_of(rest->ptr, n);
    *rest = trimmed(span_of(rest->ptr + n, rest->len - n));
    return word;
}

static bool word_is(struct span word, const char *text)
{
    return word.len == strlen(text) && strncasecmp((const char *)word.ptr, text, word.len) == 0;
}

static bool begins(struct span s, const char *text)
{
    return s.len >= strlen(text) && strncasecmp((const char *)s.ptr, text, strlen(text)) == 0;
}

static bool take_number(struct span *rest, unsigned max, unsigned *out)
{
    struct span word = next_word(rest);
    *out = 0;
    for (size_t i = 0; i < word.len; i++) {
        if (!isdigit(word.ptr[i]))
            return false;
        *out = *out * 10 + (unsigned)(word.ptr[i] - '0');
        if (*out > max)
            return false;
    }
    return word.len > 0;
}

/* No control characters; comments may be UTF-8. Binary forms begin with some, and may hold anything, even
 * what looks like PEM. */
static bool is_text(struct span s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < 0x20 && !isspace(s.ptr[i]))
            return false;
    }
    return s.len > 0;
}

typedef EVP_PKEY *read_fn(struct span bytes, uint8_t algorithm);

/* Base64 to the end of the text (spaces may stand in it), a ')' of a record over several lines aside. */
static EVP_PKEY *read_base64(struct span text, read_fn *read, uint8_t algorithm)
{
    size_t len = 0, cap = text.len;
    uint8_t *buf = mem_new(cap);
    if (text.len && text.ptr[text.len - 1] == ')')
        text.len--;
    EVP_PKEY *evp = base64_decode(text, buf, cap, &len) ? read(span_of(buf, len), algorithm) : NULL;
    free(buf);
    return evp;
}

/* What a client of vici takes out of a file as it is may be PEM. */
static EVP_PKEY *read_blob(struct span s, uint8_t algorithm)
{
    (void)algorithm;
    return is_text(s) && pem_label(s).len ? read_pem(s) : read_binary(s);
}

static EVP_PKEY *read_ssh_of(struct span s, uint8_t algorithm)
{
    (void)algorithm;
    return pkey_ssh_read(s);
}

/* A record over several lines has parentheses around the lines. */
static void skip_parenthesis(struct span *rest)
{
    *rest = trimmed(*rest);
    if (rest->len && rest->ptr[0] == '(')
        *rest = span_of(rest->ptr + 1, rest->len - 1);
}

/* DNSKEY: flags protocol algorithm key. IPSECKEY: precedence gateway-type algorithm gateway key. */
static EVP_PKEY *read_record(struct span rest, bool is_ipseckey)
{
    unsigned first, second, algorithm;
    skip_parenthesis(&rest);
    if (!take_number(&rest, 65535, &first) || !take_number(&rest, 255, &second) ||
        !take_number(&rest, 255, &algorithm))
        return NULL;
    if (is_ipseckey)
        next_word(&rest);
    skip_parenthesis(&rest);
    return read_base64(rest, is_ipseckey ? pkey_ipseckey_read : pkey_dns_read, (uint8_t)algorithm);
}

/* "name. 3600 IN IPSECKEY 10 0 2 . AwEAA..." */
static bool find_record(struct span text, EVP_PKEY **evp)
{
    for (unsigned i = 0; i < 5 && text.len; i++) {
        struct span word = next_word(&text);
        bool is_ipseckey = word_is(word, "IPSECKEY");
        if (!is_ipseckey && !word_is(word, "DNSKEY") && !word_is(word, "KEY"))
            continue;
        *evp = read_record(text, is_ipseckey);
        return true;
    }
    return false;
}

static EVP_PKEY *read_hex(struct span text)
{
    size_t len = 0;
    uint8_t *buf = mem_new(text.len);
    EVP_PKEY *evp = hex_decode(text, buf, text.len, &len) ? read_blob(span_of(buf, len), 0) : NULL;
    free(buf);
    return evp;
}

static EVP_PKEY *read_text(struct span text)
{
    EVP_PKEY *evp = NULL;
    if (begins(text, "dns:") || begins(text, "ssh:"))
        text = span_of(text.ptr + 4, text.len - 4);
    struct span body = span_of(text.ptr + (text.len > 2 ? 2 : 0), text.len > 2 ? text.len - 2 : 0);
    if (begins(text, "0x"))
        return read_hex(body);
    if (begins(text, "0s"))
        return read_base64(body, read_blob, 0);
    if (begins(text, "ssh-") || begins(text, "ecdsa-")) {
        next_word(&text);
        return read_base64(next_word(&text), read_ssh_of, 0); /* a comment follows */
    }
    return find_record(text, &evp) ? evp : NULL;
}

struct pkey *pkey_load_public_any(struct span data, struct diag *d)
{
    EVP_PKEY *evp = NULL;
    ERR_clear_error();
    if (data.len && data.len <= KEY_FILE_MAX) {
        if (!is_text(data))
            evp = read_binary(data);
        else
            evp = pem_label(data).len ? read_pem(data) : read_text(trimmed(data));
    }
    ERR_clear_error();
    if (evp)
        return pkey_wrap_take(evp, false, span_of(NULL, 0), d);
    diag_set(d, FAIL_CONFIG, "no public key that can be read");
    diag_expected(d, "PEM or DER, an OpenSSH key, RFC 3110 as 0s.. or 0x.., or a DNSKEY or IPSECKEY record, "
                     "with an RSA, ECDSA, Ed25519 or Ed448 key");
    return NULL;
}

struct pkey *pkey_of_signer(struct span spki, const struct pkey_signer *signer, struct diag *d)
{
    struct pkey *k = pkey_load_public_any(spki, d);
    if (!k) {
        signer->release(signer->ctx);
        return NULL;
    }
    k->signer = *signer;
    k->is_private = true;
    return k;
}

struct pkey *pkey_load_ipseckey(uint8_t algorithm, struct span key, struct diag *d)
{
    EVP_PKEY *evp = pkey_ipseckey_read(key, algorithm);
    ERR_clear_error();
    if (evp)
        return pkey_wrap_take(evp, false, span_of(NULL, 0), d);
    diag_set(d, FAIL_AUTH, "the IPSECKEY record has no key that can be read");
    diag_expected(d, "algorithm 2 (RSA), 3 (ECDSA) or 4 (EdDSA or SubjectPublicKeyInfo)");
    diag_got(d, "algorithm %u, %zu bytes", algorithm, key.len);
    return NULL;
}
