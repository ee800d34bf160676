/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials in well-known folders: swanctl's and keyway's, which are loaded as a whole, and ipsec.d's,
 * whose private keys are looked into only for a certificate or public key that a connection names. What
 * cannot be used in the former is an error, as everything in a configuration is; in the latter, where
 * whatever a user made with the pki tool lies about, it is said and passed over. What is in neither may be in
 * the key store of `ipsec newhostkey`. Not here: certificate requests (ipsec.d/reqs), which nobody loads. */
#include "base/log.h"
#include "conf/build.h"
#include "pki/acert.h"
#include "pki/pkcs12.h"

enum place_kind {
    PLACE_CERT,
    PLACE_CA,
    PLACE_AA,
    PLACE_SIGNER, /* of OCSP responses */
    PLACE_CRL,
    PLACE_KEY,
    PLACE_PUBKEY,
    PLACE_PKCS12,
    PLACE_ACERT
};

struct place {
    const char *folder;
    enum place_kind kind;
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The section of secrets that names a file, e.g. secrets.rsa-moon { file = moon.pem  secret = ... }. */
static const char *passphrase_of(struct builder *b, const struct setting *secrets, const char *path)
{
    for (const struct setting *s = secrets ? secrets->first : NULL; s; s = s->next) {
        const struct setting *file = s->is_section ? settings_key(b->tree, s, "file") : NULL;
        const struct setting *secret = file ? settings_key(b->tree, s, "secret") : NULL;
        if (secret && secret->value && file->value && strcmp(base_name(file->value), base_name(path)) == 0)
            return secret->value;
    }
    return NULL;
}

static struct span passphrase_view(const char *passphrase)
{
    return span_str(passphrase ? passphrase : "");
}

static void load_container(struct builder *b, const char *path, struct span data, const char *passphrase,
                           struct diag *d)
{
    struct pkcs12 p;
    if (!pkcs12_load(data, passphrase_view(passphrase), 0, &p, d)) {
        if (d->class == FAIL_PERMISSION && !passphrase)
            diag_try(d, "a section pkcs12-NAME of secrets with file = %s and its secret", base_name(path));
        return;
    }
    for (size_t i = 0; i < p.n_keys; i++)
        build_add_key(b, pkey_ref(p.keys[i]), (struct origin){.key = "pkcs12", .file = path, .line = 1});
    for (size_t i = 0; i < p.n_certs; i++)
        (cert_is_ca(p.certs[i]) ? build_add_ca : build_add_cert)(b, cert_ref(p.certs[i]));
    pkcs12_free(&p);
}

static void load_cert(struct builder *b, const char *path, struct span data, enum place_kind kind,
                      struct diag *d)
{
    struct cert *c = cert_load(data, d);
    if (!c)
        return;
    build_note_cert(b, c, path);
    if (kind == PLACE_CA)
        build_add_ca(b, c);
    else if (kind == PLACE_AA)
        build_add_aa(b, c);
    else if (kind == PLACE_SIGNER)
        build_add_signer(b, c);
    else
        build_add_cert(b, c);
}

/* d says what is wrong, or nothing. */
static void load_one(struct builder *b, const char *path, enum place_kind kind, const char *passphrase,
                     struct diag *d)
{
    struct span data = {0};
    struct pkey *k;
    struct crl *crl;
    struct acert *acert;
    bool is_private = kind == PLACE_KEY || kind == PLACE_PKCS12;
    if (!build_read_file(b, path, is_private, &data, d))
        return;
    path = arena_strdup(b->a, path);
    switch (kind) {
    case PLACE_KEY:
        k = pkey_load_private(data, passphrase_view(passphrase), d);
        if (k) {
            build_add_key(b, pkey_ref(k), (struct origin){.key = "private", .file = path, .line = 1});
            build_note_key(b, k, path);
            pkey_unref(k);
        }
        return;
    case PLACE_PUBKEY:
        k = pkey_load_public_any(data, d);
        if (k)
            build_add_pubkey(b, k);
        return;
    case PLACE_CRL:
        crl = crl_load(data, d);
        if (crl)
            build_add_crl(b, crl);
        return;
    case PLACE_ACERT:
        acert = acert_load(data, d);
        if (acert)
            build_add_acert(b, acert);
        return;
    case PLACE_PKCS12:
        load_container(b, path, data, passphrase, d);
        return;
    default:
        load_cert(b, path, data, kind, d);
        return;
    }
}

static size_t list_files(struct builder *b, const char *dir, const char *folder, const char ***paths)
{
    return b->src->glob(b->src->ctx, b->scratch, arena_printf(b->scratch, "%s/%s/*", dir, folder), paths);
}

void build_folders(struct builder *b, const struct setting *secrets)
{
    static const struct place places[] = {
        {"x509",     PLACE_CERT  },
        {"x509ca",   PLACE_CA    },
        {"certs",    PLACE_CERT  },
        {"ca",       PLACE_CA    },
        {"x509aa",   PLACE_AA    },
        {"private",  PLACE_KEY   },
        {"rsa",      PLACE_KEY   },
        {"ecdsa",    PLACE_KEY   },
        {"pkcs8",    PLACE_KEY   },
        {"pubkey",   PLACE_PUBKEY},
        {"pkcs12",   PLACE_PKCS12},
        {"x509ocsp", PLACE_SIGNER},
        {"x509ac",   PLACE_ACERT },
        {"x509crl",  PLACE_CRL   },
        {"crl",      PLACE_CRL   },
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char **paths = NULL;
        size_t n = list_files(b, b->dir, places[i].folder, &paths);
        for (size_t k = 0; k < n; k++) {
            struct diag d = {0};
            load_one(b, paths[k], places[i].kind, passphrase_of(b, secrets, paths[k]), &d);
            d.where[0] = 0;
            if (diag_failed(&d))
                errors_take(b->errs, &d, paths[k], 1, 1);
        }
    }
}

/* ---- ipsec.d ---- */

static void warn_of_file(const char *path, const struct diag *d)
{
    char text[1024];
    log_line(GROUP_CFG, LOG_WARN, "%s is passed over: %s", path, diag_format(d, text, sizeof(text)));
}

void build_ipsec_d(struct builder *b)
{
    static const struct place places[] = {
        {"certs",     PLACE_CERT  },
        {"cacerts",   PLACE_CA    },
        {"aacerts",   PLACE_AA    },
        {"ocspcerts", PLACE_SIGNER},
        {"acerts",    PLACE_ACERT },
        {"crls",      PLACE_CRL   },
    };
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        const char **paths = NULL;
        size_t n = list_files(b, b->ipsec_d, places[i].folder, &paths);
        for (size_t k = 0; k < n; k++) {
            struct diag d = {0};
            load_one(b, paths[k], places[i].kind, NULL, &d);
            if (diag_failed(&d))
                warn_of_file(paths[k], &d);
        }
    }
}

#define FOUND_MAX 1024

/* All of ipsec.d/private that opens without a passphrase; the others wait for their line of secrets. */
static void look_for_keys(struct builder *b)
{
    const char **paths = NULL;
    size_t n = list_files(b, b->ipsec_d, "private", &paths);
    b->has_looked = true;
    b->found_keys = arena_calloc(b->a, n < FOUND_MAX ? n : FOUND_MAX, sizeof(*b->found_keys));
    for (size_t i = 0; i < n && i < FOUND_MAX; i++) {
        struct span data = {0};
        struct diag d = {0};
        if (!build_read_file(b, paths[i], true, &data, &d)) {
            if (diag_failed(&d))
                warn_of_file(paths[i], &d);
            continue;
        }
        struct pkey *k = pkey_load_private(data, span_of(NULL, 0), &d);
        if (k)
            b->found_keys[b->n_found_keys++] = (struct private_key){
                .key = k, .origin = {.key = "private", .file = arena_strdup(b->a, paths[i]), .line = 1}
            };
    }
}

/* What a line of ipsec.secrets calls such a key. */
static const char *secrets_word(const struct pkey *k)
{
    return pkey_type(k) == PKEY_RSA ? "RSA" : pkey_type(k) == PKEY_ECDSA ? "ECDSA" : "PKCS8";
}

static void warn_of_store(const struct diag *d)
{
    char text[1024];
    log_line(GROUP_CFG, LOG_WARN, "the key store is passed over: %s", diag_format(d, text, sizeof(text)));
}

static bool found_in_store(struct builder *b, const struct pkey *public_key, const char *connection,
                           const char *what)
{
    const char *file = NULL;
    struct diag d = {0};
    struct pkey *k = b->src->store_key ? b->src->store_key(b->src->ctx, b->config->settings.key_store, b->a,
                                                           public_key, &file, &d)
                                       : NULL;
    if (k) {
        log_line(GROUP_CFG, LOG_NOTICE, "connection %s: the private key of %s is in the key store: %s",
                 connection, what, file);
        build_add_key(b, k, (struct origin){.key = "key store", .file = file, .line = 1});
    } else if (diag_failed(&d)) {
        warn_of_store(&d);
    }
    return k != NULL;
}

void build_key_store(struct builder *b)
{
    struct diag d = {0};
    if (b->src->store_certs)
        b->n_stored = b->src->store_certs(b->src->ctx, b->config->settings.key_store, b->a, &b->stored, &d);
    if (diag_failed(&d))
        warn_of_store(&d);
    for (size_t i = 0; i < b->n_stored; i++) {
        struct cert *c = cert_load(b->stored[i].der, &d);
        if (c)
            (b->stored[i].is_trusted ? build_add_ca : build_add_cert)(b, c);
    }
}

bool build_found_key(struct builder *b, const struct pkey *public_key, const char *connection,
                     const char *what)
{
    if (b->ipsec_d && !b->has_looked)
        look_for_keys(b);
    for (size_t i = 0; i < b->n_found_keys; i++) {
        const struct private_key *f = &b->found_keys[i];
        if (!pkey_same(f->key, public_key))
            continue;
        build_add_key(b, pkey_ref(f->key), f->origin);
        build_note_key(b, f->key, f->origin.file);
        log_line(
            GROUP_CFG, LOG_NOTICE,
            "connection %s: the private key of %s is in %s, which no line names; it would be ': %s %s' in "
            "ipsec.secrets",
            connection, what, f->origin.file, secrets_word(public_key), base_name(f->origin.file));
        return true;
    }
    return found_in_store(b, public_key, connection, what);
}

void build_drop_found(struct builder *b)
{
    for (size_t i = 0; i < b->n_found_keys; i++)
        pkey_unref(b->found_keys[i].key);
    b->n_found_keys = 0;
}
