/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, keys and preshared keys into the snapshot: from files named in the configuration, and from
 * values given in place. Those of the well-known folders: folders.c. */
#include "base/log.h"
#include "conf/build.h"
#include "conf/value.h"
#include "pki/acert.h"

/* Grows a vector in the snapshot's arena by doubling. */
static void *grown(struct arena *a, void *v, size_t n, size_t *cap, size_t size)
{
    if (n < *cap)
        return v;
    *cap = *cap ? 2 * *cap : 16;
    void *bigger = arena_calloc(a, *cap, size);
    if (n)
        memcpy(bigger, v, n * size);
    return bigger;
}

static void list_add(struct builder *b, struct cert_list *l, size_t *cap, struct cert *c)
{
    for (size_t i = 0; i < l->n; i++) {
        if (span_equal(cert_der(l->v[i]), cert_der(c))) {
            cert_unref(c);
            return;
        }
    }
    l->v = grown(b->a, l->v, l->n, cap, sizeof(*l->v));
    l->v[l->n++] = c;
}

void build_add_ca(struct builder *b, struct cert *c)
{
    list_add(b, &b->config->cas, &b->cap_cas, c);
}

void build_add_signer(struct builder *b, struct cert *c)
{
    list_add(b, &b->config->ocsp_signers, &b->cap_signers, c);
}

void build_add_cert(struct builder *b, struct cert *c)
{
    list_add(b, &b->config->certs, &b->cap_certs, c);
}

void build_add_aa(struct builder *b, struct cert *c)
{
    list_add(b, &b->config->aas, &b->cap_aas, c);
}

/* The first place counts. Enough of them for gateways; a snapshot does not need them. */
#define CERT_FILES_MAX 4096

void build_note_cert(struct builder *b, struct cert *c, const char *path)
{
    struct config *cfg = b->config;
    for (size_t i = 0; i < cfg->n_cert_files; i++) {
        if (span_equal(cert_der(cfg->cert_files[i].cert), cert_der(c)))
            return;
    }
    if (cfg->n_cert_files == CERT_FILES_MAX)
        return;
    cfg->cert_files =
        grown(b->a, cfg->cert_files, cfg->n_cert_files, &b->cap_cert_files, sizeof(*cfg->cert_files));
    cfg->cert_files[cfg->n_cert_files++] =
        (struct cert_file){.cert = cert_ref(c), .path = arena_strdup(b->a, path)};
}

void build_note_key(struct builder *b, const struct pkey *k, const char *path)
{
    for (size_t i = 0; i < b->config->n_keys; i++) {
        struct private_key *have = &b->config->keys[i];
        if (!have->file && pkey_same(have->key, k))
            have->file = arena_strdup(b->a, path);
    }
}

#define ACERTS_MAX 1024

void build_add_acert(struct builder *b, struct acert *a)
{
    struct config *c = b->config;
    if (c->n_acerts == ACERTS_MAX) {
        log_line(GROUP_CFG, LOG_WARN, "more than %d attribute certificates: the others are left out",
                 ACERTS_MAX);
        acert_unref(a);
        return;
    }
    c->acerts = grown(b->a, c->acerts, c->n_acerts, &b->cap_acerts, sizeof(*c->acerts));
    c->acerts[c->n_acerts++] = a;
}

static void keys_add(struct builder *b, struct pkey_list *l, size_t *cap, struct pkey *k)
{
    for (size_t i = 0; i < l->n; i++) {
        if (pkey_same(l->v[i], k)) {
            pkey_unref(k);
            return;
        }
    }
    l->v = grown(b->a, l->v, l->n, cap, sizeof(*l->v));
    l->v[l->n++] = k;
}

void build_add_pubkey(struct builder *b, struct pkey *k)
{
    keys_add(b, &b->config->pubkeys, &b->cap_pubkeys, k);
}

struct origin origin_of_setting(const struct setting *key)
{
    return (struct origin){.key = "secret", .file = key->file, .line = key->line, .column = key->column};
}

void build_add_secret(struct builder *b, const struct setting *key, struct secret *secret,
                      const struct identity *owners, size_t n_owners)
{
    struct config *c = b->config;
    c->secrets = grown(b->a, c->secrets, c->n_secrets, &b->cap_secrets, sizeof(*c->secrets));
    struct shared_secret *s = &c->secrets[c->n_secrets++];
    s->owners = arena_calloc(b->a, n_owners, sizeof(*s->owners));
    for (size_t i = 0; i < n_owners; i++)
        s->owners[i] = identity_dup(b->a, &owners[i]);
    s->n_owners = n_owners;
    s->secret = secret_take(secret);
    s->origin = origin_of_setting(key);
}

bool build_read_file(struct builder *b, const char *path, bool is_private, struct span *out, struct diag *d)
{
    const struct conf_source *src = b->src;
    return (is_private && src->read_private ? src->read_private : src->read)(src->ctx, b->scratch, path, out,
                                                                             d);
}

bool build_read(struct builder *b, const char *name, const char *const *folders, bool is_private,
                struct span *out, const char **path, struct diag *d)
{
    *path = name;
    if (name[0] == '/')
        return build_read_file(b, name, is_private, out, d);
    for (; *folders; folders++) {
        *path = arena_printf(b->scratch, "%s/%s/%s", b->dir, *folders, name);
        if (build_read_file(b, *path, is_private, out, d))
            return true;
        if (diag_failed(d))
            return false;
    }
    *path = arena_printf(b->scratch, "%s/%s", b->dir, name);
    return build_read_file(b, *path, is_private, out, d);
}

/* The one that the dialect's users know: ipsec.d's is the last. */
static const char *folder_of(const struct builder *b, const char *const *folders)
{
    size_t i = 0;
    bool is_last = b->ipsec_d && strcmp(b->dir, b->ipsec_d) == 0;
    while (is_last && folders[i + 1])
        i++;
    return folders[i];
}

static struct cert *load_cert(struct builder *b, const struct setting *key, const char *word,
                              const char *const *folders)
{
    struct span data = {0};
    struct diag d = {0};
    const char *path = "the value";
    bool ok = true, is_blob = value_blob(b->scratch, word, &data, &ok);
    if (!is_blob && b->has_nicknames && strcmp(folders[0], "x509") == 0)
        return build_named_cert(b, key, word);
    bool is_file = !is_blob && build_read(b, word, folders, false, &data, &path, &d);
    if (!is_blob && !is_file && !diag_failed(&d))
        path = word; /* perhaps a nickname */
    if (!is_blob && !is_file && (diag_failed(&d) || !build_stored_cert(b, word, &data))) {
        struct diag *e =
            build_error(b, key, "%s: %.200s", diag_failed(&d) ? d.what : "no such certificate file", word);
        diag_expected(e, "a file below %s/%s, an absolute path, or a nickname of the key store", b->dir,
                      folder_of(b, folders));
        return NULL;
    }
    struct cert *c = ok ? cert_load(data, &d) : NULL;
    if (!c) {
        struct diag *e = build_error(b, key, "not a certificate in %s: %s", path,
                                     ok ? d.what : "the value's encoding is broken");
        diag_expected(e, "%s", d.expected);
        diag_got(e, "%s", d.got);
    }
    if (c && !is_blob)
        build_note_cert(b, c, path);
    return c;
}

#define CERTS_MAX 256

void build_cert_take(struct builder *b, struct cert_list *l, struct cert *c)
{
    size_t cap = l->n;
    list_add(b, l, &cap, c);
}

void build_cert_list(struct builder *b, const struct setting *key, const char *const *folders,
                     struct cert_list *out)
{
    size_t n = 0;
    const char **words = value_list(b->scratch, key->value, &n);
    if (n > CERTS_MAX) {
        build_error(b, key, "too many certificates: at most %d", CERTS_MAX);
        return;
    }
    size_t cap = 0;
    struct cert_list grown_list = {arena_calloc(b->a, out->n + n, sizeof(struct cert *)), out->n};
    if (out->n)
        memcpy(grown_list.v, out->v, out->n * sizeof(struct cert *));
    cap = out->n + n;
    for (size_t i = 0; i < n; i++) {
        struct cert *c = load_cert(b, key, words[i], folders);
        if (c)
            list_add(b, &grown_list, &cap, c);
    }
    *out = grown_list;
}

void build_add_key(struct builder *b, struct pkey *k, struct origin origin)
{
    struct config *c = b->config;
    if (config_key_for(c, k)) {
        pkey_unref(k);
        return;
    }
    c->keys = grown(b->a, c->keys, c->n_keys, &b->cap_keys, sizeof(*c->keys));
    c->keys[c->n_keys++] = (struct private_key){.key = k, .origin = origin};
}

/* ---- raw public keys ---- */

#define PUBKEYS_MAX 16

/* A blob, or a file whose format says itself what it is. */
static struct pkey *load_pubkey(struct builder *b, const struct setting *key, const char *word)
{
    static const char *const folders[] = {"pubkey", NULL};
    static const char *const blobs[] = {"0x", "0s", "dns:0", "ssh:0"};
    struct span data = span_str(word);
    struct diag d = {0};
    const char *path = "the value";
    bool is_blob = false;
    for (size_t i = 0; i < ARRAY_LEN(blobs); i++)
        is_blob |= strncmp(word, blobs[i], strlen(blobs[i])) == 0;
    if (!is_blob && !build_read(b, word, folders, false, &data, &path, &d)) {
        struct diag *e =
            build_error(b, key, "%s: %.200s", diag_failed(&d) ? d.what : "no such public key file", word);
        diag_expected(e, "a file below %s/pubkey, an absolute path, 0x.. or 0s..", b->dir);
        return NULL;
    }
    struct pkey *k = pkey_load_public_any(data, &d);
    if (!k) {
        struct diag *e = build_error(b, key, "not a public key in %s: %s", path, d.what);
        diag_expected(e, "%s", d.expected);
    }
    return k;
}

void build_pubkey_add(struct builder *b, struct pkey_list *l, struct pkey *k)
{
    size_t cap = l->n;
    keys_add(b, l, &cap, k);
}

void build_pubkey_list(struct builder *b, const struct setting *key, struct pkey_list *out)
{
    size_t n = 0, cap = 0;
    const char **words = value_list(b->scratch, key->value, &n);
    struct pkey_list l = {0};
    if (n > PUBKEYS_MAX) {
        build_error(b, key, "too many public keys: at most %d", PUBKEYS_MAX);
        return;
    }
    for (size_t i = 0; i < out->n; i++)
        keys_add(b, &l, &cap, out->v[i]);
    for (size_t i = 0; i < n; i++) {
        struct pkey *k = load_pubkey(b, key, words[i]);
        if (k)
            keys_add(b, &l, &cap, k);
    }
    *out = l;
}

/* ---- private keys ---- */

struct pkey *build_private_key(struct builder *b, const struct setting *key, const char *passphrase)
{
    static const char *const folders[] = {"private", "rsa", "ecdsa", "pkcs8", NULL};
    struct span data = {0};
    struct diag d = {0};
    const char *path = NULL;
    if (!build_read(b, key->value, folders, true, &data, &path, &d)) {
        struct diag *e = build_error(b, key, "%s: %.200s",
                                     diag_failed(&d) ? d.what : "no such private key file", key->value);
        diag_expected(e, "a file below %s/private, or an absolute path", b->dir);
        if (d.try[0])
            diag_try(e, "%s", d.try);
        return NULL;
    }
    struct pkey *k = pkey_load_private(data, span_str(passphrase ? passphrase : ""), &d);
    if (!k) {
        build_error(b, key, "cannot use the private key in %s: %s", path, d.what);
        return NULL;
    }
    build_add_key(b, pkey_ref(k), origin_of_setting(key));
    build_note_key(b, k, path);
    struct pkey *mine = config_key_for(b->config, k);
    pkey_unref(k);
    return mine;
}
