/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys as OpenSSH's ssh-keygen writes them ("openssh-key-v1", described in its PROTOCOL.key): RSA,
 * ECDSA and Ed25519, one key in a file. Encrypted ones are refused: their key comes from bcrypt_pbkdf, which
 * OpenSSL has not. See pkey.h. */
#include "base/rd.h"
#include "base/text.h"
#include "crypto/pkey_impl.h"
#include <openssl/err.h>
#include <stdlib.h>

static const char magic[] = "openssh-key-v1"; /* with its NUL */
static const char label[] = "OPENSSH PRIVATE KEY";

static const struct curve_row {
    const char *name, *ssh_curve, *curve;
} curves[] = {
    {"ecdsa-sha2-nistp256", "nistp256", "prime256v1"},
    {"ecdsa-sha2-nistp384", "nistp384", "secp384r1" },
    {"ecdsa-sha2-nistp521", "nistp521", "secp521r1" },
};

static struct span get_string(struct rd *r)
{
    return rd_bytes(r, rd_u32(r));
}

bool pkey_is_ssh_private(struct span data)
{
    return span_equal(pem_label(data), span_str(label)) ||
           (data.len > sizeof(magic) && memcmp(data.ptr, magic, sizeof(magic)) == 0);
}

/* What stands between the lines of the PEM block, as bytes: empty when it is none. */
static struct secret unwrapped(struct span data)
{
    static const char begin[] = "-----BEGIN OPENSSH PRIVATE KEY-----", end[] = "-----END ";
    if (!pem_label(data).len)
        return secret_copy(data);
    const uint8_t *from = memmem(data.ptr, data.len, begin, sizeof(begin) - 1);
    if (!from)
        return (struct secret){0};
    from += sizeof(begin) - 1;
    size_t left = (size_t)(data.ptr + data.len - from), len = 0;
    const uint8_t *to = memmem(from, left, end, sizeof(end) - 1);
    struct secret out = secret_new(left);
    bool is_ok = to && base64_decode(span_of(from, (size_t)(to - from)), out.ptr, out.len, &len);
    struct secret exact = secret_copy(span_of(out.ptr, is_ok ? len : 0));
    secret_free(&out);
    return exact;
}

static EVP_PKEY *read_rsa(struct rd *r)
{
    struct pkey_private_parts p = {.curve = NULL};
    struct span *const order[] = {&p.n, &p.e, &p.d, &p.iqmp, &p.p, &p.q};
    for (size_t i = 0; i < ARRAY_LEN(order); i++)
        *order[i] = get_string(r);
    return rd_ok(r) ? pkey_private_make(PKEY_RSA, &p) : NULL;
}

static EVP_PKEY *read_ecdsa(const struct curve_row *row, struct rd *r)
{
    struct span curve = get_string(r);
    struct pkey_private_parts p = {.curve = row->curve};
    p.point = get_string(r);
    p.scalar = get_string(r);
    bool is_ok = rd_ok(r) && span_equal(curve, span_str(row->ssh_curve));
    return is_ok ? pkey_private_make(PKEY_ECDSA, &p) : NULL;
}

/* The private half is seed | public key. */
static EVP_PKEY *read_ed25519(struct rd *r)
{
    struct span public_key = get_string(r), private_key = get_string(r);
    if (!rd_ok(r) || public_key.len != 32 || private_key.len != 64 ||
        !span_equal(public_key, span_of(private_key.ptr + 32, 32)))
        return NULL;
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, private_key.ptr, 32);
}

/* The part that could be encrypted: two equal numbers, the key, a comment, padding. */
static EVP_PKEY *read_inner(struct span inner)
{
    struct rd r = rd_over(inner);
    uint32_t check = rd_u32(&r);
    bool is_plain = check == rd_u32(&r);
    struct span type = get_string(&r);
    if (!is_plain || !rd_ok(&r))
        return NULL;
    if (span_equal(type, span_str("ssh-rsa")))
        return read_rsa(&r);
    if (span_equal(type, span_str("ssh-ed25519")))
        return read_ed25519(&r);
    for (size_t i = 0; i < ARRAY_LEN(curves); i++) {
        if (span_equal(type, span_str(curves[i].name)))
            return read_ecdsa(&curves[i], &r);
    }
    return NULL;
}

static EVP_PKEY *read_file(struct span bytes, struct diag *d)
{
    struct rd r = rd_over(bytes);
    rd_skip(&r, sizeof(magic));
    struct span cipher = get_string(&r), kdf = get_string(&r);
    get_string(&r); /* the KDF's options */
    uint32_t n = rd_u32(&r);
    get_string(&r); /* the public key */
    struct span inner = get_string(&r);
    bool is_plain = span_equal(cipher, span_str("none")) && span_equal(kdf, span_str("none"));
    EVP_PKEY *evp = NULL;
    if (rd_ok(&r) && !is_plain) {
        diag_set(d, FAIL_CONFIG, "the private key is encrypted in OpenSSH's own way, which is not served");
        diag_try(d, "ssh-keygen -p -N '' -f FILE takes the passphrase off; for RSA and ECDSA, ssh-keygen -p "
                    "-m PKCS8 -f FILE keeps one");
        return NULL;
    }
    if (rd_ok(&r) && n == 1)
        evp = read_inner(inner);
    if (!evp)
        diag_set(d, FAIL_CONFIG, "the OpenSSH private key cannot be read");
    diag_expected(d, "one RSA, ECDSA or Ed25519 key");
    return evp;
}

EVP_PKEY *pkey_ssh_private_read(struct span data, struct diag *d)
{
    struct secret bytes = data.len <= KEY_FILE_MAX ? unwrapped(data) : (struct secret){0};
    EVP_PKEY *evp = NULL;
    if (bytes.len > sizeof(magic) && memcmp(bytes.ptr, magic, sizeof(magic)) == 0)
        evp = read_file(secret_view(&bytes), d);
    else
        diag_set(d, FAIL_CONFIG, "the OpenSSH private key is not well-formed");
    secret_free(&bytes);
    ERR_clear_error();
    return evp;
}
