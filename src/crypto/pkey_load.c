/* SPDX-License-Identifier: Apache-2.0 */
/* Private keys from files: PKCS#1 (RFC 8017), PKCS#8 plain and encrypted (RFC 5958), SEC1 (RFC 5915), Ed25519
 * and Ed448 (RFC 8410), each as PEM (RFC 7468) or DER; OpenSSH's own format is read by pkey_ssh_private.c.
 * See pkey.h. Never asks anybody for a passphrase. Not here: public keys (pkey_public.c), PKCS#12 (src/pki),
 * PGP. */
#include "base/text.h"
#include "crypto/evp.h"
#include "crypto/pkey_impl.h"
#include <limits.h>
#include <openssl/decoder.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

struct passphrase {
    struct span text;
    bool was_asked;
};

static int give_passphrase(char *buf, int size, int is_writing, void *ctx)
{
    struct passphrase *p = ctx;
    (void)is_writing;
    p->was_asked = true;
    if (!p->text.len || p->text.len > (size_t)size)
        return -1;
    memcpy(buf, p->text.ptr, p->text.len);
    return (int)p->text.len;
}

struct span pem_label(struct span data)
{
    static const char begin[] = "-----BEGIN ";
    const uint8_t *at = data.len ? memmem(data.ptr, data.len, begin, sizeof(begin) - 1) : NULL;
    if (!at)
        return span_of(NULL, 0);
    at += sizeof(begin) - 1;
    size_t left = (size_t)(data.ptr + data.len - at);
    const uint8_t *end = memmem(at, left, "-----", 5);
    return span_of(at, end ? (size_t)(end - at) : 0);
}

static EVP_PKEY *read_pem(struct span data, struct passphrase *pass)
{
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    if (!bio)
        evp_panic("memory BIO");
    EVP_PKEY *evp = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, pass);
    BIO_free(bio);
    return evp;
}

static EVP_PKEY *read_der(struct span data, struct passphrase *pass)
{
    EVP_PKEY *evp = NULL;
    OSSL_DECODER_CTX *ctx =
        OSSL_DECODER_CTX_new_for_pkey(&evp, "DER", NULL, NULL, EVP_PKEY_KEYPAIR, NULL, NULL);
    if (!ctx || !OSSL_DECODER_CTX_set_pem_password_cb(ctx, give_passphrase, pass))
        evp_panic("key decoder");
    const uint8_t *at = data.ptr;
    size_t left = data.len;
    if (!OSSL_DECODER_from_data(ctx, &at, &left) || left) {
        EVP_PKEY_free(evp);
        evp = NULL;
    }
    OSSL_DECODER_CTX_free(ctx);
    return evp;
}

static void explain(struct diag *d, struct span data, struct span label, const struct passphrase *pass)
{
    char got[80];
    struct text t = TEXT_ON(got);
    if (pass->was_asked && !pass->text.len) {
        diag_set(d, FAIL_PERMISSION, "the private key is encrypted");
        diag_expected(d, "a passphrase for it");
        diag_got(d, "none");
        diag_try(d, "add a private section with its file and secret, or store the key without a passphrase");
        return;
    }
    if (pass->was_asked) {
        diag_set(d, FAIL_CONFIG, "the passphrase does not open the private key");
        return;
    }
    diag_set(d, FAIL_CONFIG, "no private key that can be read");
    diag_expected(d, "PEM or DER of PKCS#8, PKCS#1 or SEC1: RSA, ECDSA, Ed25519 or Ed448");
    if (label.len)
        text_safe(&t, label.len > 40 ? span_of(label.ptr, 40) : label);
    if (label.len)
        diag_got(d, "a PEM block %s", got);
    else
        diag_got(d, data.len ? "%zu bytes that are neither" : "an empty file", data.len);
}

/* EdDSA and EC keys may come without their public half, RSA keys with a wrong exponent: a signature that
 * nobody accepts is harder to find than a refused file. */
static bool halves_belong_together(const struct pkey *k)
{
    static const uint8_t probe[] = "keyway";
    struct sig_scheme s = {.type = k->type, .hash = HASH_SHA256, .is_pss = k->is_pss_only};
    struct sig_scheme used;
    struct secret sig = {0};
    if (k->type == PKEY_ED25519 || k->type == PKEY_ED448)
        s.hash = HASH_IDENTITY;
    struct span message = span_of(probe, sizeof(probe));
    bool is_ok =
        pkey_sign(k, s, false, message, &sig) && pkey_verify(k, 14, message, secret_view(&sig), &used);
    secret_free(&sig);
    return is_ok;
}

static struct pkey *checked_take(EVP_PKEY *evp, struct diag *d)
{
    struct pkey *k = evp ? pkey_wrap_take(evp, true, span_of(NULL, 0), d) : NULL;
    if (!k)
        return NULL;
    if (!halves_belong_together(k)) {
        diag_set(d, FAIL_CONFIG, "the private key does not fit its own public key");
        pkey_unref(k);
        return NULL;
    }
    return k;
}

struct pkey *pkey_load_private(struct span data, struct span passphrase, struct diag *d)
{
    struct passphrase pass = {.text = passphrase};
    struct span label = pem_label(data);
    EVP_PKEY *evp = NULL;
    ERR_clear_error();
    if (pkey_is_ssh_private(data))
        return checked_take(pkey_ssh_private_read(data, d), d);
    if (data.len && data.len <= KEY_FILE_MAX)
        evp = label.len ? read_pem(data, &pass) : read_der(data, &pass);
    ERR_clear_error();
    if (!evp) {
        explain(d, data, label, &pass);
        return NULL;
    }
    return checked_take(evp, d);
}
