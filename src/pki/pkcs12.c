/* SPDX-License-Identifier: Apache-2.0 */
/* PKCS#12 (RFC 7292) by OpenSSL's functions: MAC, then each safe, then each bag. Old ciphers (RC2 of 40 bits,
 * which Windows and older OpenSSL put around certificates) come from crypto/legacy.h. Bounded: the size, the
 * number of bags and their depth, and the iterations of every key derivation. See pkcs12.h. Not here:
 * containers that are sealed by a public key, CRLs and secrets inside, writing (src/pki/issue). */
#include "pki/pkcs12.h"
#include "crypto/legacy.h"
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>

enum { FILE_MAX = 1 << 20, DEPTH_MAX = 4, BAGS_MAX = 4 * PKCS12_ITEMS_MAX };
#define ITERATIONS_MAX UINT64_C(10000000)

struct reading {
    struct pkcs12 *out;
    struct diag *d;
    OSSL_LIB_CTX *libctx;
    const char *passphrase;
    int passphrase_len;
    uint64_t iterations_left;
    unsigned bags;
};

static bool refuse(struct reading *r, const char *what)
{
    diag_set(r->d, FAIL_CERTIFICATE, "%s", what);
    return false;
}

static bool spend(struct reading *r, const ASN1_INTEGER *iterations)
{
    uint64_t n = 1;
    if (iterations && !ASN1_INTEGER_get_uint64(&n, iterations))
        return refuse(r, "the container's number of iterations is none");
    if (n > r->iterations_left) {
        diag_set(r->d, FAIL_CERTIFICATE, "the container wants too many iterations");
        diag_expected(r->d, "at most %llu in all", (unsigned long long)ITERATIONS_MAX);
        return false;
    }
    r->iterations_left -= n;
    return true;
}

/* Derives nothing yet: says how long that would take. */
static bool spend_pbkdf2(struct reading *r, const X509_ALGOR *function)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, function);
    if (OBJ_obj2nid(oid) != NID_id_pbkdf2)
        return refuse(r, "the container derives its key in an unknown way");
    PBKDF2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBKDF2PARAM), function->parameter);
    bool is_ok = p ? spend(r, p->iter) : refuse(r, "the container's parameters cannot be read");
    PBKDF2PARAM_free(p);
    return is_ok;
}

static bool spend_algorithm(struct reading *r, const X509_ALGOR *algorithm)
{
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    if (OBJ_obj2nid(oid) == NID_pbes2) {
        PBE2PARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBE2PARAM), algorithm->parameter);
        bool is_ok = p ? spend_pbkdf2(r, p->keyfunc) : refuse(r, "the container's parameters cannot be read");
        PBE2PARAM_free(p);
        return is_ok;
    }
    PBEPARAM *p = ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(PBEPARAM), algorithm->parameter);
    bool is_ok = p ? spend(r, p->iter) : refuse(r, "the container is encrypted in an unknown way");
    PBEPARAM_free(p);
    return is_ok;
}

static bool cannot_decrypt(struct reading *r, const X509_ALGOR *algorithm)
{
    char name[80] = "?";
    const ASN1_OBJECT *oid;
    X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
    OBJ_obj2txt(name, sizeof(name), oid, 0);
    diag_set(r->d, FAIL_CERTIFICATE, "the container cannot be decrypted");
    diag_got(r->d, "%s", name);
    if (!crypto_legacy())
        diag_try(r->d,
                 "OpenSSL's legacy provider, for old ciphers, is not installed; or, where it is: openssl "
                 "pkcs12 -legacy -nodes -in OLD | openssl pkcs12 -export -out NEW");
    ERR_clear_error();
    return false;
}

static char *name_of(PKCS12_SAFEBAG *bag)
{
    char *given = PKCS12_get_friendlyname(bag);
    char *copy = given ? mem_new(strlen(given) + 1) : NULL;
    if (copy)
        memcpy(copy, given, strlen(given) + 1);
    OPENSSL_free(given);
    return copy;
}

/* One that is of no use to us (another kind of key) does not spoil the others. */
static bool add_key(struct reading *r, const PKCS8_PRIV_KEY_INFO *info, PKCS12_SAFEBAG *bag)
{
    struct diag why = {0};
    uint8_t *der = NULL;
    int len = info ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;
    if (len <= 0)
        return refuse(r, "a private key in the container cannot be read");
    struct pkey *k = pkey_load_private(span_of(der, (size_t)len), span_of(NULL, 0), &why);
    OPENSSL_clear_free(der, (size_t)len);
    if (k && r->out->n_keys == PKCS12_ITEMS_MAX) {
        pkey_unref(k);
        return refuse(r, "too many private keys in the container");
    }
    if (k) {
        r->out->key_names[r->out->n_keys] = name_of(bag);
        r->out->keys[r->out->n_keys++] = k;
    }
    return true;
}

static bool take_shrouded_key(struct reading *r, PKCS12_SAFEBAG *bag)
{
    const X509_ALGOR *algorithm;
    const X509_SIG *sig = PKCS12_SAFEBAG_get0_pkcs8(bag);
    X509_SIG_get0(sig, &algorithm, NULL);
    if (!spend_algorithm(r, algorithm))
        return false;
    PKCS8_PRIV_KEY_INFO *info = PKCS8_decrypt_ex(sig, r->passphrase, r->passphrase_len, r->libctx, NULL);
    bool is_ok = info ? add_key(r, info, bag) : cannot_decrypt(r, algorithm);
    PKCS8_PRIV_KEY_INFO_free(info);
    return is_ok;
}

static bool take_cert(struct reading *r, PKCS12_SAFEBAG *bag)
{
    struct diag why = {0};
    uint8_t *der = NULL;
    X509 *x = PKCS12_SAFEBAG_get_bag_nid(bag) == NID_x509Certificate ? PKCS12_SAFEBAG_get1_cert(bag) : NULL;
    int len = x ? i2d_X509(x, &der) : 0;
    struct cert *c = len > 0 ? cert_load(span_of(der, (size_t)len), &why) : NULL;
    X509_free(x);
    OPENSSL_free(der);
    if (c && r->out->n_certs == PKCS12_ITEMS_MAX) {
        cert_unref(c);
        return refuse(r, "too many certificates in the container");
    }
    if (c) {
        r->out->cert_names[r->out->n_certs] = name_of(bag);
        r->out->certs[r->out->n_certs++] = c;
    }
    return true;
}

static bool take_bags(struct reading *r, const STACK_OF(PKCS12_SAFEBAG) * bags, unsigned depth)
{
    for (int i = 0; i < sk_PKCS12_SAFEBAG_num(bags); i++) {
        PKCS12_SAFEBAG *bag = sk_PKCS12_SAFEBAG_value(bags, i);
        bool is_ok = true;
        if (++r->bags > BAGS_MAX)
            return refuse(r, "too many parts in the container");
        switch (PKCS12_SAFEBAG_get_nid(bag)) {
        case NID_keyBag:
            is_ok = add_key(r, PKCS12_SAFEBAG_get0_p8inf(bag), bag);
            break;
        case NID_pkcs8ShroudedKeyBag:
            is_ok = take_shrouded_key(r, bag);
            break;
        case NID_certBag:
            is_ok = take_cert(r, bag);
            break;
        case NID_safeContentsBag:
            if (depth == 0)
                return refuse(r, "the container's parts are nested too deeply");
            is_ok = take_bags(r, PKCS12_SAFEBAG_get0_safes(bag), depth - 1);
            break;
        default:
            break;
        }
        if (!is_ok)
            return false;
    }
    return true;
}

static bool take_safe(struct reading *r, PKCS7 *safe)
{
    STACK_OF(PKCS12_SAFEBAG) *bags = NULL;
    switch (OBJ_obj2nid(safe->type)) {
    case NID_pkcs7_data:
        bags = PKCS12_unpack_p7data(safe);
        break;
    case NID_pkcs7_encrypted:
        if (!safe->d.encrypted || !safe->d.encrypted->enc_data->algorithm ||
            !spend_algorithm(r, safe->d.encrypted->enc_data->algorithm))
            return false;
        bags = PKCS12_unpack_p7encdata(safe, r->passphrase, r->passphrase_len);
        if (!bags)
            return cannot_decrypt(r, safe->d.encrypted->enc_data->algorithm);
        break;
    default:
        return refuse(r, "the container is sealed in a way that a passphrase does not open");
    }
    bool is_ok = bags ? take_bags(r, bags, DEPTH_MAX) : refuse(r, "a part of the container cannot be read");
    sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
    return is_ok;
}

static bool take_safes(struct reading *r, const PKCS12 *p12)
{
    STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(p12);
    bool is_ok = safes || refuse(r, "the container's contents cannot be read");
    for (int i = 0; is_ok && i < sk_PKCS7_num(safes); i++)
        is_ok = take_safe(r, sk_PKCS7_value(safes, i));
    sk_PKCS7_pop_free(safes, PKCS7_free);
    return is_ok;
}

/* [RFC7292#5.1] an empty passphrase is no characters or a NUL, depending on who wrote the file. */
static bool opens(struct reading *r, PKCS12 *p12)
{
    if (PKCS12_verify_mac(p12, r->passphrase, r->passphrase_len) == 1)
        return true;
    if (r->passphrase_len == 0 && PKCS12_verify_mac(p12, NULL, 0) == 1) {
        r->passphrase = NULL;
        return true;
    }
    return false;
}

static bool check_mac(struct reading *r, PKCS12 *p12)
{
    const ASN1_INTEGER *iterations = NULL;
    if (!PKCS12_mac_present(p12))
        return refuse(r, "the container has no MAC: who made it, and whether it is whole, cannot be told");
    PKCS12_get0_mac(NULL, NULL, NULL, &iterations, p12);
    if (!spend(r, iterations))
        return false;
    if (opens(r, p12))
        return true;
    diag_set(r->d, FAIL_PERMISSION, "the passphrase does not open the PKCS#12 container");
    if (!r->passphrase_len)
        diag_got(r->d, "none");
    return false;
}

static PKCS12 *decode(struct span data, OSSL_LIB_CTX *libctx)
{
    const uint8_t *at = data.ptr;
    PKCS12 *p12 = data.len && data.len <= FILE_MAX ? PKCS12_init_ex(NID_pkcs7_data, libctx, NULL) : NULL;
    if (p12 && !d2i_PKCS12(&p12, &at, (long)data.len))
        return NULL; /* and freed */
    if (p12 && at != data.ptr + data.len) {
        PKCS12_free(p12);
        return NULL;
    }
    return p12;
}

bool pkcs12_load(struct span data, struct span passphrase, uint64_t max_iterations, struct pkcs12 *out,
                 struct diag *d)
{
    char *text = mem_new(passphrase.len + 1);
    if (passphrase.len)
        memcpy(text, passphrase.ptr, passphrase.len);
    struct reading r = {
        .out = out,
        .d = d,
        .libctx = crypto_legacy(),
        .passphrase = text,
        .passphrase_len = (int)(passphrase.len < FILE_MAX ? passphrase.len : 0),
        .iterations_left = max_iterations ? max_iterations : ITERATIONS_MAX,
    };
    *out = (struct pkcs12){.n_keys = 0};
    ERR_clear_error();
    PKCS12 *p12 = decode(data, r.libctx);
    bool is_ok =
        p12 ? check_mac(&r, p12) && take_safes(&r, p12) : refuse(&r, "no PKCS#12 container that can be read");
    if (is_ok && !out->n_keys && !out->n_certs)
        is_ok = refuse(&r, "the PKCS#12 container has neither a key nor a certificate of use");
    PKCS12_free(p12);
    secret_wipe(text, passphrase.len);
    free(text);
    ERR_clear_error();
    if (!is_ok)
        pkcs12_free(out);
    return is_ok;
}

void pkcs12_free(struct pkcs12 *p)
{
    for (size_t i = 0; i < p->n_keys; i++) {
        pkey_unref(p->keys[i]);
        free(p->key_names[i]);
    }
    for (size_t i = 0; i < p->n_certs; i++) {
        cert_unref(p->certs[i]);
        free(p->cert_names[i]);
    }
    *p = (struct pkcs12){.n_keys = 0};
}
