/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates, private keys and preshared keys into the snapshot: from files named in the configuration,
 * from the well-known folders, and from values given in place. */
#include "base/log.h"
#include "conf/build.h"
#include "conf/value.h"

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

void build_add_cert(struct builder *b, struct cert *c)
{
    list_add(b, &b->config->certs, &b->cap_certs, c);
}

static struct origin origin_of_setting(const struct setting *key)
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

bool build_read(struct builder *b, const char *name, const char *const *folders, struct span *out,
                const char **path, struct diag *d)
{
    *path = name;
    if (name[0] == '/')
        return b->src->read(b->src->ctx, b->scratch, name, out, d);
    for (; *folders; folders++) {
        *path = arena_printf(b->scratch, "%s/%s/%s", b->dir, *folders, name);
        if (b->src->read(b->src->ctx, b->scratch, *path, out, d))
            return true;
        if (diag_failed(d))
            return false;
    }
    *path = arena_printf(b->scratch, "%s/%s", b->dir, name);
    return b->src->read(b->src->ctx, b->scratch, *path, out, d);
}

static struct cert *load_cert(struct builder *b, const struct setting *key, const char *word,
                              const char *const *folders)
{
    struct span data = {0};
    struct diag d = {0};
    const char *path = "the value";
    bool ok = true;
    if (!value_blob(b->scratch, word, &data, &ok) && !build_read(b, word, folders, &data, &path, &d)) {
        struct diag *e =
            build_error(b, key, "%s: %.200s", diag_failed(&d) ? d.what : "no such certificate file", word);
        diag_expected(e, "a file below %s/%s, or an absolute path", b->dir, folders[0]);
        return NULL;
    }
    struct cert *c = ok ? cert_load(data, &d) : NULL;
    if (!c) {
        struct diag *e = build_error(b, key, "not a certificate in %s: %s", path,
                                     ok ? d.what : "the value's encoding is broken");
        diag_expected(e, "%s", d.expected);
        diag_got(e, "%s", d.got);
    }
    return c;
}

#define CERTS_MAX 256

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

/* Takes the key. One that is there already (named, and found in its folder) stays as it was found first. */
static void add_key(struct builder *b, struct pkey *k, struct origin origin)
{
    struct config *c = b->config;
    if (config_key_for(c, k)) {
        pkey_unref(k);
        return;
    }
    c->keys = grown(b->a, c->keys, c->n_keys, &b->cap_keys, sizeof(*c->keys));
    c->keys[c->n_keys++] = (struct private_key){.key = k, .origin = origin};
}

void build_private_key(struct builder *b, const struct setting *key, const char *passphrase)
{
    static const char *const folders[] = {"private", "rsa", "ecdsa", "pkcs8", NULL};
    struct span data = {0};
    struct diag d = {0};
    const char *path = NULL;
    if (!build_read(b, key->value, folders, &data, &path, &d)) {
        struct diag *e = build_error(b, key, "%s: %.200s",
                                     diag_failed(&d) ? d.what : "no such private key file", key->value);
        diag_expected(e, "a file below %s/private, or an absolute path", b->dir);
        return;
    }
    struct pkey *k = pkey_load_private(data, span_str(passphrase ? passphrase : ""), &d);
    if (k)
        add_key(b, k, origin_of_setting(key));
    else
        build_error(b, key, "cannot use the private key in %s: %s", path, d.what);
}

/* ---- folders ---- */

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

static void file_error(struct builder *b, const char *path, const struct diag *d)
{
    struct diag copy = *d;
    copy.where[0] = 0;
    errors_take(b->errs, &copy, path, 1, 1);
}

static void load_one(struct builder *b, const struct setting *secrets, const char *path, bool is_key,
                     bool is_ca)
{
    struct span data = {0};
    struct diag d = {0};
    if (!b->src->read(b->src->ctx, b->scratch, path, &data, &d)) {
        if (diag_failed(&d))
            file_error(b, path, &d);
        return;
    }
    path = arena_strdup(b->a, path);
    if (is_key) {
        const char *passphrase = passphrase_of(b, secrets, path);
        struct pkey *k = pkey_load_private(data, span_str(passphrase ? passphrase : ""), &d);
        if (k)
            add_key(b, k, (struct origin){.key = "private", .file = path, .line = 1});
        else
            file_error(b, path, &d);
        return;
    }
    struct cert *c = cert_load(data, &d);
    if (!c)
        file_error(b, path, &d);
    else if (is_ca)
        build_add_ca(b, c);
    else
        build_add_cert(b, c);
}

/* What swanctl loads from its folders: certificates, authorities, keys. Others (CRLs, raw keys, containers)
 * are not built; that their files are passed over is said once. */
void build_folders(struct builder *b, const struct setting *secrets)
{
    static const struct {
        const char *folder;
        bool is_key, is_ca, is_ignored;
    } folders[] = {
        {"x509",     false, false, false},
        {"x509ca",   false, true,  false},
        {"certs",    false, false, false},
        {"ca",       false, true,  false},
        {"private",  true,  false, false},
        {"rsa",      true,  false, false},
        {"ecdsa",    true,  false, false},
        {"pkcs8",    true,  false, false},
        {"x509aa",   false, false, true },
        {"x509ocsp", false, false, true },
        {"x509ac",   false, false, true },
        {"x509crl",  false, false, true },
        {"pubkey",   false, false, true },
        {"pkcs12",   false, false, true },
    };
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        const char **paths = NULL;
        const char *pattern = arena_printf(b->scratch, "%s/%s/*", b->dir, folders[i].folder);
        size_t n = b->src->glob(b->src->ctx, b->scratch, pattern, &paths);
        if (n && folders[i].is_ignored)
            log_line(LOG_WARN, "%s/%s: %zu files without effect: not built yet", b->dir, folders[i].folder,
                     n);
        for (size_t k = 0; k < n && !folders[i].is_ignored; k++)
            load_one(b, secrets, paths[k], folders[i].is_key, folders[i].is_ca);
    }
}
