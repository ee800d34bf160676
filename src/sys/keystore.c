/* SPDX-License-Identifier: Apache-2.0 */
/* See keystore.h. The index: keystore_index.c; passwords: keystore_password.c. */
#include "sys/keystore.h"
#include "base/arena.h"
#include "base/text.h"
#include "sys/keystore_impl.h"
#include "sys/private_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_FILE_MAX_LEN = 65536 };

static const char advice[] = "chmod 600 on it, and make a new key where others may have read this one";

const char *keystore_folder(const struct paths *p, const char *configured, char buf[PATH_TEXT_MAX])
{
    const char *folder = p->nssdir ? p->nssdir : configured;
    if (!folder)
        snprintf(buf, PATH_TEXT_MAX, "%s/ipsec/nss", p->state);
    else /* as NSS's tools have it */
        snprintf(buf, PATH_TEXT_MAX, "%s", !strncmp(folder, "sql:", 4) ? folder + 4 : folder);
    return buf;
}

bool keystore_is_there(const char *folder)
{
    char path[PATH_TEXT_MAX];
    struct stat st;
    int n = snprintf(path, sizeof(path), "%s/%s", folder, KEYSTORE_INDEX);
    return n < PATH_TEXT_MAX && lstat(path, &st) == 0;
}

bool keystore_init(const char *folder, struct diag *d)
{
    char line[64];
    keystore_index_first(line, sizeof(line));
    return private_write_once(folder, KEYSTORE_INDEX, span_str(line), d);
}

/* ---- opening */

/* Of the folder, since files in it are replaced. Waits for who has it. */
static bool take_lock(struct keystore *s, struct diag *d)
{
    s->lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int n = s->lock < 0 ? -1 : flock(s->lock, LOCK_EX);
    while (n < 0 && s->lock >= 0 && errno == EINTR)
        n = flock(s->lock, LOCK_EX);
    if (n < 0)
        diag_set(d, errno == EACCES ? FAIL_PERMISSION : FAIL_GENERIC, "%s: %s", s->folder, strerror(errno));
    return n == 0;
}

struct keystore *keystore_open(const char *folder, bool is_writing, struct diag *d)
{
    struct secret index = {0};
    struct keystore *s = mem_new(sizeof(*s));
    s->keys = mem_new((KEYSTORE_ENTRIES_MAX + 1) * sizeof(*s->keys));
    s->certs = mem_new((KEYSTORE_ENTRIES_MAX + 1) * sizeof(*s->certs));
    s->lock = -1;
    snprintf(s->folder, sizeof(s->folder), "%s", folder);
    diag_clear(d);
    bool ok = (!is_writing || take_lock(s, d)) &&
              private_read(folder, KEYSTORE_INDEX, KEYSTORE_INDEX_LEN_MAX, advice, &index, d) &&
              keystore_index_read(s, secret_view(&index), d);
    secret_free(&index);
    if (ok && is_writing)
        keystore_drop_older(s);
    if (ok)
        return s;
    keystore_close(s);
    if (!diag_failed(d)) {
        diag_set(d, FAIL_NOT_FOUND, "there is no key store in %s", folder);
        diag_try(d, "ipsec initnss");
    }
    return NULL;
}

void keystore_close(struct keystore *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_keys; i++)
        pkey_unref(s->keys[i].public_key);
    for (size_t i = 0; i < s->n_certs; i++)
        cert_unref(s->certs[i].cert);
    if (s->lock >= 0)
        close(s->lock);
    secret_free(&s->proof);
    secret_free(&s->password);
    free(s->taken);
    free(s->certs);
    free(s->keys);
    free(s);
}

bool keystore_set_taken(struct keystore *s, const char *taken, struct diag *d)
{
    diag_clear(d);
    free(s->taken);
    s->taken = mem_new(strlen(taken) + 1);
    memcpy(s->taken, taken, strlen(taken));
    return keystore_index_write(s, d);
}

/* ---- keys */

const char *keystore_leaf_of(unsigned generation, const struct keystore_key *entry,
                             char buf[KEYSTORE_LEAF_MAX])
{
    struct text t = {.buf = buf, .cap = KEYSTORE_LEAF_MAX};
    text_hex(&t, span_of(entry->ckaid, KEYSTORE_CKAID_LEN));
    if (generation)
        text_printf(&t, ".%u", generation);
    text_str(&t, ".key.db");
    return buf;
}

const char *keystore_leaf(const struct keystore *s, const struct keystore_key *entry,
                          char buf[KEYSTORE_LEAF_MAX])
{
    return keystore_leaf_of(s->generation, entry, buf);
}

const struct keystore_key *keystore_find(const struct keystore *s, const struct pkey *key)
{
    uint8_t ckaid[KEYSTORE_CKAID_LEN];
    pkey_ckaid(key, ckaid);
    for (size_t i = 0; i < s->n_keys; i++) {
        if (!memcmp(s->keys[i].ckaid, ckaid, KEYSTORE_CKAID_LEN))
            return &s->keys[i];
    }
    return NULL;
}

bool keystore_write_key(const struct keystore *s, unsigned generation, struct span password,
                        const struct keystore_key *entry, const struct pkey *key, struct diag *d)
{
    char leaf[KEYSTORE_LEAF_MAX];
    struct secret pem = {0};
    bool ok = password.len ? pkey_encrypt(key, password, &pem) : pkey_encode(key, PKEY_PKCS8_PEM, &pem);
    if (!ok)
        diag_set(d, FAIL_GENERIC, "the private half of the %s is not at hand", pkey_type_name(key));
    ok = ok && private_write(s->folder, keystore_leaf_of(generation, entry, leaf), secret_view(&pem), d);
    secret_free(&pem);
    return ok;
}

static bool is_locked(const struct keystore *s, struct diag *d)
{
    if (!keystore_has_password(s) || s->password.len)
        return false;
    diag_set(d, FAIL_PERMISSION, "the key store in %s has a password, and none was given", s->folder);
    return true;
}

bool keystore_add(struct keystore *s, const struct pkey *key, const char *label, struct diag *d)
{
    const struct keystore_key *there = keystore_find(s, key);
    diag_clear(d);
    if (!there && s->n_keys == KEYSTORE_ENTRIES_MAX) {
        diag_set(d, FAIL_GENERIC, "the key store is full: it has %d keys", KEYSTORE_ENTRIES_MAX);
        return false;
    }
    struct keystore_key *k = &s->keys[s->n_keys];
    *k = (struct keystore_key){0};
    pkey_ckaid(key, k->ckaid);
    snprintf(k->label, sizeof(k->label), "%s", label ? label : "");
    if (is_locked(s, d) || !keystore_write_key(s, s->generation, secret_view(&s->password), k, key, d))
        return false;
    if (there)
        return true;
    k->public_key = pkey_load_public(pkey_spki(key), d);
    if (!k->public_key)
        return false;
    s->n_keys++;
    return keystore_index_write(s, d);
}

struct pkey *keystore_private_key(const struct keystore *s, const struct keystore_key *entry, struct diag *d)
{
    char leaf[KEYSTORE_LEAF_MAX];
    struct secret pem = {0};
    diag_clear(d);
    if (is_locked(s, d))
        return NULL;
    if (!private_read(s->folder, keystore_leaf(s, entry, leaf), KEY_FILE_MAX_LEN, advice, &pem, d)) {
        if (!diag_failed(d))
            diag_set(d, FAIL_NOT_FOUND, "%s/%s: the key's file is gone", s->folder, leaf);
        return NULL;
    }
    struct pkey *k = pkey_load_private(secret_view(&pem), secret_view(&s->password), d);
    secret_free(&pem);
    if (!k || pkey_same(k, entry->public_key))
        return k;
    pkey_unref(k);
    diag_set(d, FAIL_GENERIC, "%s/%s: it is another key than the index says", s->folder, leaf);
    return NULL;
}

/* The index first: a key that it names is there. */
bool keystore_remove_key(struct keystore *s, size_t key, struct diag *d)
{
    char leaf[KEYSTORE_LEAF_MAX];
    diag_clear(d);
    keystore_leaf(s, &s->keys[key], leaf);
    pkey_unref(s->keys[key].public_key);
    s->n_keys--;
    memmove(&s->keys[key], &s->keys[key + 1], (s->n_keys - key) * sizeof(*s->keys));
    return keystore_index_write(s, d) && private_remove(s->folder, leaf, d);
}

/* ---- certificates */

const struct keystore_cert *keystore_find_cert(const struct keystore *s, const char *nickname)
{
    for (size_t i = 0; i < s->n_certs; i++) {
        if (!strcmp(s->certs[i].nickname, nickname))
            return &s->certs[i];
    }
    return NULL;
}

bool keystore_set_trust(struct keystore *s, size_t cert, struct keystore_trust trust, struct diag *d)
{
    diag_clear(d);
    s->certs[cert].trust = trust;
    return keystore_index_write(s, d);
}

bool keystore_remove_cert(struct keystore *s, size_t cert, struct diag *d)
{
    diag_clear(d);
    cert_unref(s->certs[cert].cert);
    s->n_certs--;
    memmove(&s->certs[cert], &s->certs[cert + 1], (s->n_certs - cert) * sizeof(*s->certs));
    return keystore_index_write(s, d);
}

bool keystore_add_cert(struct keystore *s, struct cert *cert, const char *nickname,
                       struct keystore_trust trust, struct diag *d)
{
    char unique[KEYSTORE_NICKNAME_MAX];
    diag_clear(d);
    for (size_t i = 0; i < s->n_certs; i++) {
        if (span_equal(cert_der(s->certs[i].cert), cert_der(cert)))
            return keystore_set_trust(s, i, trust, d);
    }
    if (s->n_certs == KEYSTORE_ENTRIES_MAX || cert_der(cert).len > KEYSTORE_CERT_MAX) {
        diag_set(d, FAIL_GENERIC, "the key store takes at most %d certificates of at most %d bytes",
                 KEYSTORE_ENTRIES_MAX, KEYSTORE_CERT_MAX);
        return false;
    }
    snprintf(unique, sizeof(unique), "%.*s", KEYSTORE_NICKNAME_MAX - 16, *nickname ? nickname : "-");
    for (unsigned n = 2; keystore_find_cert(s, unique); n++)
        snprintf(unique, sizeof(unique), "%.*s #%u", KEYSTORE_NICKNAME_MAX - 16, nickname, n);
    struct keystore_cert *c = &s->certs[s->n_certs++];
    memcpy(c->nickname, unique, sizeof(unique));
    c->trust = trust;
    c->cert = cert_ref(cert);
    return keystore_index_write(s, d);
}
