/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --pkcs7`: messages of PKCS#7 and CMS (RFC 2315, RFC 5652): signed with one key, enveloped for
 * certificates, opened again, shown. OpenSSL's CMS makes and reads them; whether a signer is trusted is found
 * by src/pki/trust.c. Not here: detached signatures, MIME. */
#include "bin/pki/commands.h"
#include "pki/cert.h"
#include "pki/print/print.h"
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509.h>

enum { CERTS_MAX = 64, SIGNERS_MAX = 32 };

static const struct pki_option options[] = {
    {"sign",                       's', PKI_SWITCH, NULL, NULL, "create PKCS#7 signed-data", 0, 0},
    {"verify",                  'u', PKI_SWITCH, NULL, NULL, "verify PKCS#7 signed-data", 0, 0},
    {"encrypt",                        'e', PKI_SWITCH, NULL, NULL, "create PKCS#7 enveloped-data", 0, 0},
    {"decrypt",                           'd', PKI_SWITCH, NULL, NULL, "decrypt PKCS#7 enveloped-data", 0, 0},
    {"show",                            'p', PKI_SWITCH, NULL, NULL, "show info about PKCS#7, print certificates", 0, 0},
    {"in",        'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"key",                        'k', PKI_TEXT, "file", NULL, "path to private key for sign/decrypt", 0, 0},
    {"cert", 'c', PKI_TEXT, "file", NULL, "path to certificate for sign/verify/encrypt", 0, 1},
    {0                          },
};

/* What a run works on; all of it is freed by release(). */
struct job {
    const struct pki_run *r;
    struct secret data;
    struct cert *certs[CERTS_MAX];
    size_t n_certs;
    struct pkey *key;
    EVP_PKEY *evp;
    CMS_ContentInfo *cms;
    BIO *out;
    struct diag d;
};

static void release(struct job *j)
{
    secret_free(&j->data);
    while (j->n_certs)
        cert_unref(j->certs[--j->n_certs]);
    pkey_unref(j->key);
    EVP_PKEY_free(j->evp);
    CMS_ContentInfo_free(j->cms);
    BIO_free(j->out);
    ERR_clear_error();
}

/* Sets d to what was tried, and OpenSSL's last word on it. */
static bool refuse(struct job *j, const char *what)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = code ? ERR_reason_error_string(code) : NULL;
    diag_set(&j->d, FAIL_GENERIC, "%s", what);
    if (reason)
        diag_got(&j->d, "%s", reason);
    return false;
}

static bool read_certs(struct job *j)
{
    const char *path;
    for (size_t i = 0; (path = pki_nth(j->r, "cert", i)); i++) {
        if (j->n_certs == CERTS_MAX) {
            diag_set(&j->d, FAIL_USAGE, "more than %d certificates", CERTS_MAX);
            return false;
        }
        j->certs[j->n_certs] = pki_certificate(path, &j->d);
        if (!j->certs[j->n_certs])
            return false;
        j->n_certs++;
    }
    return true;
}

static bool need_cert(struct job *j)
{
    if (!j->n_certs)
        diag_set(&j->d, FAIL_USAGE, "requiring a certificate: --cert");
    return j->n_certs > 0;
}

static bool read_key(struct job *j)
{
    struct secret der = {0};
    if (!pki_has(j->r, "key")) {
        diag_set(&j->d, FAIL_USAGE, "requiring a private key: --key");
        return false;
    }
    j->key = pki_private_key(j->r, pki_get(j->r, "key"), "priv", &j->d);
    if (!j->key)
        return false;
    bool is_ok = pkey_encode(j->key, PKEY_PKCS8_DER, &der);
    const uint8_t *at = der.ptr;
    if (is_ok)
        j->evp = d2i_AutoPrivateKey(NULL, &at, (long)der.len);
    secret_free(&der);
    return j->evp || refuse(j, "the private key cannot be used");
}

/* The caller frees it. */
static X509 *as_x509(const struct cert *c)
{
    struct span der = cert_der(c);
    const uint8_t *at = der.ptr;
    return d2i_X509(NULL, &at, (long)der.len);
}

static bool read_message(struct job *j)
{
    struct span der;
    if (!pki_unpem(j->r->arena, secret_view(&j->data), "PKCS7|CMS|PKCS #7 SIGNED DATA", &der, &j->d))
        return false;
    const uint8_t *at = der.ptr;
    j->cms = der.len ? d2i_CMS_ContentInfo(NULL, &at, (long)der.len) : NULL;
    if (j->cms)
        return true;
    diag_set(&j->d, FAIL_GENERIC, "no PKCS#7 that can be read");
    diag_expected(&j->d, "one as PEM or DER");
    diag_got(&j->d, "%zu bytes", der.len);
    return false;
}

static bool expect_kind(struct job *j, int nid, const char *name)
{
    int got = OBJ_obj2nid(CMS_get0_type(j->cms));
    if (got == nid)
        return true;
    diag_set(&j->d, FAIL_GENERIC, "PKCS#7 of another kind");
    diag_expected(&j->d, "%s", name);
    diag_got(&j->d, "%s", OBJ_nid2ln(got));
    return false;
}

static int write_content(struct job *j)
{
    char *content = NULL;
    long len = BIO_get_mem_data(j->out, &content);
    return pki_write_bytes(j->r, span_of(content, len > 0 ? (size_t)len : 0));
}

static bool write_message(struct job *j, int *code)
{
    uint8_t *der = NULL;
    int len = i2d_CMS_ContentInfo(j->cms, &der);
    if (len <= 0)
        return refuse(j, "the message cannot be encoded");
    *code = pki_write_bytes(j->r, span_of(der, (size_t)len));
    OPENSSL_free(der);
    return true;
}

static bool run_sign(struct job *j, int *code)
{
    unsigned flags = CMS_BINARY | CMS_NOSMIMECAP | CMS_PARTIAL;
    if (!need_cert(j) || !read_key(j))
        return false;
    if (!pkey_same(j->key, cert_public_key(j->certs[0]))) {
        diag_set(&j->d, FAIL_USAGE, "the private key is not the certificate's");
        return false;
    }
    X509 *x = as_x509(j->certs[0]);
    BIO *in = BIO_new_mem_buf(j->data.ptr, (int)j->data.len);
    j->cms = x && in ? CMS_sign(NULL, NULL, NULL, NULL, flags) : NULL;
    bool is_ok = j->cms && CMS_add1_signer(j->cms, x, j->evp, EVP_sha256(), flags) &&
                 CMS_final(j->cms, in, NULL, flags);
    X509_free(x);
    BIO_free(in);
    return is_ok ? write_message(j, code) : refuse(j, "signing failed");
}

static bool run_encrypt(struct job *j, int *code)
{
    STACK_OF(X509) *to = sk_X509_new_null();
    if (need_cert(j) && to) {
        BIO *in = BIO_new_mem_buf(j->data.ptr, (int)j->data.len);
        for (size_t i = 0; i < j->n_certs; i++)
            sk_X509_push(to, as_x509(j->certs[i]));
        j->cms = in ? CMS_encrypt(to, in, EVP_aes_128_cbc(), CMS_BINARY) : NULL;
        BIO_free(in);
    }
    sk_X509_pop_free(to, X509_free);
    if (!j->n_certs)
        return false;
    return j->cms ? write_message(j, code) : refuse(j, "encrypting failed");
}

/* A wrong key opens to noise or fails, which nobody who only watches can tell apart [RFC3218#2.3.2]. */
static bool run_decrypt(struct job *j, int *code)
{
    if (!read_key(j) || !read_message(j) || !expect_kind(j, NID_pkcs7_enveloped, "enveloped-data"))
        return false;
    X509 *x = j->n_certs ? as_x509(j->certs[0]) : NULL;
    j->out = BIO_new(BIO_s_secmem());
    bool is_ok = j->out && CMS_decrypt(j->cms, j->evp, x, NULL, j->out, CMS_BINARY) == 1;
    X509_free(x);
    if (!is_ok)
        return refuse(j, "decrypting failed");
    *code = write_content(j);
    return true;
}

/* When a signer says that it signed; empty when it does not. */
static const char *signing_time(CMS_SignerInfo *si, char buf[64])
{
    const ASN1_TIME *t =
        CMS_signed_get0_data_by_OBJ(si, OBJ_nid2obj(NID_pkcs9_signingTime), -3, V_ASN1_UTCTIME);
    BIO *bio = BIO_new(BIO_s_mem());
    int len = 0;
    if (t && bio && ASN1_TIME_print(bio, t))
        len = BIO_read(bio, buf, 63);
    BIO_free(bio);
    buf[len > 0 ? len : 0] = '\0';
    return buf;
}

/* Its signature holds already: is there a path from its certificate to one of --cert? */
static bool signer_is_trusted(struct job *j, X509 *x, const STACK_OF(X509) * beside)
{
    struct cert *all[CERTS_MAX] = {0};
    struct trust_verdict v = {0};
    size_t n = 0;
    for (int i = -1; i < sk_X509_num(beside) && n < CERTS_MAX; i++) {
        uint8_t *der = NULL;
        struct diag d = {0};
        int len = i2d_X509(i < 0 ? x : sk_X509_value(beside, i), &der);
        struct cert *c = len > 0 ? cert_load(span_of(der, (size_t)len), &d) : NULL;
        OPENSSL_free(der);
        if (c)
            all[n++] = c;
        else if (i < 0)
            break; /* the signer's own */
    }
    if (n) {
        struct trust_request req = {
            .leaf = all[0], .intermediates = {all,      n         },
                 .anchors = {j->certs, j->n_certs},
                 .now = j->r->now
        };
        trust_evaluate(&req, &v);
        if (!v.is_trusted) {
            char why[1024];
            pki_note(j->r, 1, "signer '%s' is not trusted: %s", cert_subject_text(all[0]),
                     diag_format(&v.why, why, sizeof(why)));
        }
    }
    while (n)
        cert_unref(all[--n]);
    return v.is_trusted;
}

static const char *subject_text(const X509 *x, char buf[1024])
{
    const unsigned char *der;
    size_t len;
    struct text t = {.buf = buf, .cap = 1024};
    buf[0] = '\0';
    if (X509_NAME_get0_der(X509_get_subject_name(x), &der, &len))
        print_dn(&t, span_of(der, len));
    return buf;
}

static bool report_signers(struct job *j)
{
    STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(j->cms);
    STACK_OF(X509) *beside = CMS_get1_certs(j->cms);
    size_t n_trusted = 0;
    for (int i = 0; i < sk_CMS_SignerInfo_num(signers) && i < SIGNERS_MAX; i++) {
        CMS_SignerInfo *si = sk_CMS_SignerInfo_value(signers, i);
        X509 *x = NULL;
        char when[64], name[1024];
        CMS_SignerInfo_get0_algs(si, NULL, &x, NULL, NULL);
        if (!x || !signer_is_trusted(j, x, beside))
            continue;
        n_trusted++;
        pki_note(j->r, 1, "signed by '%s' at %s", subject_text(x, name), signing_time(si, when));
    }
    sk_X509_pop_free(beside, X509_free);
    if (!n_trusted)
        diag_set(&j->d, FAIL_CERTIFICATE, "no trusted signature found");
    return n_trusted > 0;
}

static bool run_verify(struct job *j, int *code)
{
    if (!need_cert(j) || !read_message(j) || !expect_kind(j, NID_pkcs7_signed, "signed-data"))
        return false;
    if (sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(j->cms)) > SIGNERS_MAX) {
        diag_set(&j->d, FAIL_GENERIC, "more than %d signers", SIGNERS_MAX);
        return false;
    }
    STACK_OF(X509) *known = sk_X509_new_null();
    for (size_t i = 0; known && i < j->n_certs; i++)
        sk_X509_push(known, as_x509(j->certs[i]));
    j->out = BIO_new(BIO_s_mem());
    bool is_ok =
        j->out && CMS_verify(j->cms, known, NULL, NULL, j->out, CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1;
    sk_X509_pop_free(known, X509_free);
    if (!is_ok)
        return refuse(j, "no signature that is valid");
    if (!report_signers(j))
        return false;
    *code = write_content(j);
    return true;
}

static bool run_show(struct job *j, int *code)
{
    static const struct {
        int nid;
        const char *name;
    } kinds[] = {
        {NID_pkcs7_data,      "PKCS7_DATA"          },
        {NID_pkcs7_signed,    "PKCS7_SIGNED_DATA"   },
        {NID_pkcs7_enveloped, "PKCS7_ENVELOPED_DATA"},
        {NID_pkcs7_encrypted, "PKCS7_ENCRYPTED_DATA"},
    };
    if (!read_message(j))
        return false;
    int nid = OBJ_obj2nid(CMS_get0_type(j->cms));
    size_t i = 0;
    while (i < ARRAY_LEN(kinds) && kinds[i].nid != nid)
        i++;
    fprintf(stderr, "%s\n", i < ARRAY_LEN(kinds) ? kinds[i].name : OBJ_nid2ln(nid));
    STACK_OF(X509) *certs = nid == NID_pkcs7_signed ? CMS_get1_certs(j->cms) : NULL;
    *code = 0;
    for (int k = sk_X509_num(certs) - 1; k >= 0 && !*code; k--) { /* as the real one orders them */
        uint8_t *der = NULL;
        struct secret pem = {0};
        int len = i2d_X509(sk_X509_value(certs, k), &der);
        if (len > 0) {
            pem_encode(span_of(der, (size_t)len), "CERTIFICATE", &pem);
            *code = pki_write_bytes(j->r, secret_view(&pem));
        }
        secret_free(&pem);
        OPENSSL_free(der);
    }
    sk_X509_pop_free(certs, X509_free);
    return true;
}

static const struct {
    const char *name;
    bool (*run)(struct job *j, int *code);
} operations[] = {
    {"sign",    run_sign   },
    {"verify",  run_verify },
    {"encrypt", run_encrypt},
    {"decrypt", run_decrypt},
    {"show",    run_show   },
};

static int run(struct pki_run *r)
{
    struct job j = {.r = r};
    size_t n = 0, which = 0;
    int code = 1;
    for (size_t i = 0; i < ARRAY_LEN(operations); i++) {
        if (pki_has(r, operations[i].name))
            n++, which = i;
    }
    if (n != 1)
        return pki_refuse(
            r, "invalid --pkcs7 options: expected one of --sign, --verify, --encrypt, --decrypt and --show");
    bool is_ok = pki_read_in(r, &j.data, &j.d) && read_certs(&j) && operations[which].run(&j, &code);
    if (!is_ok)
        code = pki_fail(r, &j.d);
    release(&j);
    return code;
}

const struct pki_command pki_cmd_pkcs7 = {
    .name = "pkcs7",
    .letter = '7',
    .doc = "PKCS#7 wrap/unwrap functions",
    .options = options,
    .run = run,
    .manual = "Content comes out on stdout as it went in. \\fB\\-\\-verify\\fR trusts the certificates that "
              "\\fB\\-\\-cert\\fR\n"
              "names, and those that they signed; \\fB\\-\\-encrypt\\fR is for the holders of all of them.",
};
