/* SPDX-License-Identifier: Apache-2.0 */
/* What the pki tool reads: files and stdin, PEM and DER alike, keys and certificates by the words of --type.
 * Everything that may hold a private key is wiped. Tokens: on_token.c. */
#include "bin/pki/pki.h"
#include "pki/cert.h"
#include "pki/issue/request.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Grows by copying, since realloc() would leave keys behind. */
static bool read_fd(int fd, struct secret *out, const char **why)
{
    struct secret buf = secret_new(65536);
    size_t len = 0;
    for (;;) {
        if (len == buf.len) {
            struct secret more = secret_new(buf.len * 2);
            memcpy(more.ptr, buf.ptr, len);
            secret_free(&buf);
            buf = more;
        }
        ssize_t n = read(fd, buf.ptr + len, buf.len - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            *why = n ? strerror(errno) : NULL;
            break;
        }
        len += (size_t)n;
        if (len > PKI_FILE_MAX) {
            *why = "larger than 16 MiB";
            break;
        }
    }
    if (!*why)
        *out = secret_copy(span_of(buf.ptr, len));
    secret_free(&buf);
    return !*why;
}

bool pki_read(const char *path, struct secret *out, struct diag *d)
{
    const char *why = NULL;
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (fd < 0) {
        diag_set(d, FAIL_GENERIC, "cannot open %s: %s", path, strerror(errno));
        return false;
    }
    bool is_ok = read_fd(fd, out, &why);
    if (path)
        close(fd);
    if (!is_ok)
        diag_set(d, FAIL_GENERIC, "cannot read %s: %s", path ? path : "stdin", why);
    return is_ok;
}

bool pki_read_in(const struct pki_run *r, struct secret *out, struct diag *d)
{
    return pki_read(pki_get(r, "in"), out, d);
}

static bool label_is_among(const char *labels, const char *label)
{
    size_t len = strlen(label);
    for (const char *at = labels; *at; at += strcspn(at, "|"), at += *at == '|') {
        if (strcspn(at, "|") == len && !memcmp(at, label, len))
            return true;
    }
    return false;
}

bool pki_unpem(struct arena *a, struct span data, const char *labels, struct span *der, struct diag *d)
{
    char *name = NULL, *header = NULL;
    unsigned char *body = NULL;
    long len = 0;
    static const char begin[] = "-----BEGIN ";
    if (!data.len || !memmem(data.ptr, data.len, begin, sizeof(begin) - 1)) {
        *der = data;
        return true;
    }
    BIO *bio = BIO_new_mem_buf(data.ptr, (int)data.len);
    bool is_found = false;
    while (!is_found && bio && PEM_read_bio(bio, &name, &header, &body, &len)) {
        is_found = label_is_among(labels, name);
        if (is_found)
            *der = arena_dup(a, span_of(body, (size_t)len));
        OPENSSL_free(name);
        OPENSSL_free(header);
        OPENSSL_clear_free(body, (size_t)len);
    }
    BIO_free(bio);
    ERR_clear_error();
    if (is_found)
        return true;
    diag_set(d, FAIL_CONFIG, "no PEM block that can be used");
    diag_expected(d, "-----BEGIN %.*s-----", (int)strcspn(labels, "|"), labels);
    return false;
}

static const char *type_word(enum pkey_type type)
{
    static const char *const words[] = {
        [PKEY_RSA] = "rsa", [PKEY_ECDSA] = "ecdsa", [PKEY_ED25519] = "ed25519", [PKEY_ED448] = "ed448"};
    return words[type];
}

struct pkey *pki_key_must_be(struct pkey *k, const char *type, struct diag *d)
{
    if (!k || !strcmp(type, "priv") || !strcmp(type, "pub") || !strcasecmp(type, type_word(pkey_type(k))))
        return k;
    diag_set(d, FAIL_CONFIG, "a key of another type");
    diag_expected(d, "%s", type);
    diag_got(d, "%s", type_word(pkey_type(k)));
    pkey_unref(k);
    return NULL;
}

static struct pkey *private_from(struct span data, const char *type, struct diag *d)
{
    struct secret pass = {0};
    struct diag first = {0};
    struct pkey *k = pkey_load_private(data, span_of(NULL, 0), &first);
    if (!k && first.class == FAIL_PERMISSION && pki_ask_passphrase("Private key passphrase: ", false, &pass))
        k = pkey_load_private(data, secret_view(&pass), &first);
    secret_free(&pass);
    if (!k)
        *d = first;
    return pki_key_must_be(k, type, d);
}

static void where(struct diag *d, const char *path)
{
    if (diag_failed(d) && !d->where[0])
        snprintf(d->where, sizeof(d->where), "%s", path ? path : "stdin");
}

struct pkey *pki_private_key(const struct pki_run *r, const char *path, const char *type, struct diag *d)
{
    struct secret data = {0};
    if (!pki_read(path, &data, d))
        return NULL;
    struct pkey *k = private_from(secret_view(&data), type, d);
    secret_free(&data);
    where(d, path);
    if (k)
        pki_note(r, 2, "read %s of %u bits from %s", pkey_type_name(k), pkey_bits(k), path ? path : "stdin");
    return k;
}

static struct request *request_of(struct arena *a, struct span data, struct diag *d)
{
    struct span der;
    bool is_ok = pki_unpem(a, data, "CERTIFICATE REQUEST|NEW CERTIFICATE REQUEST", &der, d);
    return is_ok ? request_load(der, d) : NULL;
}

static struct pkey *public_of(struct arena *a, struct span data, const char *type, struct diag *d)
{
    if (!strcasecmp(type, "pub"))
        return pkey_load_public_any(data, d);
    if (!strcasecmp(type, "x509")) {
        struct cert *c = cert_load(data, d);
        struct pkey *k = c ? pkey_ref(cert_public_key(c)) : NULL;
        cert_unref(c);
        return k;
    }
    if (!strcasecmp(type, "pkcs10")) {
        struct request *req = request_of(a, data, d);
        struct pkey *k = req ? pkey_ref(request_public_key(req)) : NULL;
        request_free(req);
        return k;
    }
    return private_from(data, type, d);
}

struct pkey *pki_public_key(const struct pki_run *r, const char *path, const char *type, struct diag *d)
{
    struct secret data = {0};
    if (!pki_read(path, &data, d))
        return NULL;
    struct pkey *k = public_of(r->arena, secret_view(&data), type, d);
    secret_free(&data);
    where(d, path);
    return k;
}

struct request *pki_request(const struct pki_run *r, const char *path, struct diag *d)
{
    struct secret data = {0};
    if (!pki_read(path, &data, d))
        return NULL;
    struct request *req = request_of(r->arena, secret_view(&data), d);
    secret_free(&data);
    where(d, path);
    return req;
}

struct cert *pki_certificate(const char *path, struct diag *d)
{
    struct secret data = {0};
    if (!pki_read(path, &data, d))
        return NULL;
    struct cert *c = cert_load(secret_view(&data), d);
    secret_free(&data);
    where(d, path);
    return c;
}

bool pki_no_token(const struct pki_run *r, const char *option)
{
    if (!pki_has(r, option))
        return true;
    fprintf(stderr, "%s --%s: --%s: nothing on tokens is served here; name a file\n", r->program,
            r->command->name, option);
    return false;
}
