/* SPDX-License-Identifier: Apache-2.0 */
/* See keystore.h. The index is text: a line that says what it is, then a line for each entry, in the order in
 * which they were added:
 *   key CKAID SUBJECTPUBLICKEYINFO
 *   cert TRUST NICKNAME CERTIFICATE
 * CKAID in hex, TRUST "ca" or "-", the others in base64. A line that is not understood makes the index unfit:
 * what a newer Keyway wrote is not overwritten by an older one. */
#include "sys/keystore.h"
#include "base/arena.h"
#include "base/text.h"
#include "sys/private_file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    INDEX_MAX = 4 << 20,
    KEY_FILE_MAX_LEN = 65536,
    SPKI_MAX = 2200,
    LINE_LEN_MAX = 3072,
    CERT_LINE_MAX = 512 + KEYSTORE_CERT_MAX / 3 * 4
};

static const char first_line[] = "keyway key store 1";
static const char advice[] = "chmod 600 on it, and make a new key where others may have read this one";

const char *keystore_default(const char *state, char buf[PATH_TEXT_MAX])
{
    snprintf(buf, PATH_TEXT_MAX, "%s/ipsec/nss", state);
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
    char line[sizeof(first_line) + 1];
    int n = snprintf(line, sizeof(line), "%s\n", first_line);
    return private_write_once(folder, KEYSTORE_INDEX, span_of(line, (size_t)n), d);
}

/* ---- the index */

static struct span next_line(struct span *rest)
{
    const uint8_t *end = memchr(rest->ptr, '\n', rest->len);
    struct span line = span_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    size_t used = line.len + (end ? 1 : 0);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return line;
}

static struct span next_word(struct span *rest)
{
    const uint8_t *end = memchr(rest->ptr, ' ', rest->len);
    struct span word = span_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    size_t used = word.len + (end ? 1 : 0);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return word;
}

static bool read_cert(struct keystore *s, struct span line)
{
    size_t len = 0;
    struct diag d;
    struct span trust = next_word(&line), name = next_word(&line);
    struct keystore_cert *c = &s->certs[s->n_certs];
    uint8_t *der = mem_new(KEYSTORE_CERT_MAX);
    bool is_ok = s->n_certs < KEYSTORE_ENTRIES_MAX &&
                 base64_decode(name, (uint8_t *)c->nickname, sizeof(c->nickname) - 1, &len) && len &&
                 strlen(c->nickname) == len;
    c->is_trusted = span_equal(trust, span_str("ca"));
    is_ok = is_ok && (c->is_trusted || span_equal(trust, span_str("-"))) &&
            base64_decode(line, der, KEYSTORE_CERT_MAX, &len);
    c->cert = is_ok ? cert_load(span_of(der, len), &d) : NULL;
    free(der);
    s->n_certs += c->cert != NULL;
    return c->cert != NULL;
}

static bool read_key(struct keystore *s, struct span line)
{
    uint8_t spki[SPKI_MAX], ckaid[KEYSTORE_CKAID_LEN];
    size_t len;
    struct diag d;
    struct keystore_key *k = &s->keys[s->n_keys];
    if (s->n_keys == KEYSTORE_ENTRIES_MAX ||
        !hex_decode(next_word(&line), k->ckaid, sizeof(k->ckaid), &len) || len != sizeof(k->ckaid) ||
        !base64_decode(line, spki, sizeof(spki), &len))
        return false;
    k->public_key = pkey_load_public(span_of(spki, len), &d);
    if (!k->public_key)
        return false;
    s->n_keys++;
    pkey_ckaid(k->public_key, ckaid);
    return !memcmp(ckaid, k->ckaid, sizeof(ckaid));
}

static bool read_entry(struct keystore *s, struct span line)
{
    struct span kind = next_word(&line);
    if (span_equal(kind, span_str("key")))
        return read_key(s, line);
    return span_equal(kind, span_str("cert")) && read_cert(s, line);
}

static bool read_index(struct keystore *s, struct span text, struct diag *d)
{
    int number = 1;
    char path[PATH_TEXT_MAX + sizeof(KEYSTORE_INDEX)];
    snprintf(path, sizeof(path), "%s/%s", s->folder, KEYSTORE_INDEX);
    if (!span_equal(next_line(&text), span_str(first_line))) {
        diag_set(d, FAIL_GENERIC, "%s is no index of a key store", path);
        diag_expected(d, "the line \"%s\" first", first_line);
        return false;
    }
    while (text.len) {
        number++;
        if (read_entry(s, next_line(&text)))
            continue;
        diag_set(d, FAIL_GENERIC, "the index of the key store is damaged");
        diag_where(d, path, number, 0);
        return false;
    }
    return true;
}

static bool write_index(const struct keystore *s, struct diag *d)
{
    size_t cap = sizeof(first_line) + 1 + s->n_keys * LINE_LEN_MAX + s->n_certs * CERT_LINE_MAX;
    struct secret room = secret_new(cap);
    struct text t = {.buf = (char *)room.ptr, .cap = cap};
    text_printf(&t, "%s\n", first_line);
    for (size_t i = 0; i < s->n_keys; i++) {
        text_str(&t, "key ");
        text_hex(&t, span_of(s->keys[i].ckaid, KEYSTORE_CKAID_LEN));
        text_str(&t, " ");
        text_base64(&t, pkey_spki(s->keys[i].public_key));
        text_str(&t, "\n");
    }
    for (size_t i = 0; i < s->n_certs; i++) {
        text_str(&t, s->certs[i].is_trusted ? "cert ca " : "cert - ");
        text_base64(&t, span_str(s->certs[i].nickname));
        text_str(&t, " ");
        text_base64(&t, cert_der(s->certs[i].cert));
        text_str(&t, "\n");
    }
    bool ok = private_write(s->folder, KEYSTORE_INDEX, span_of(t.buf, t.len), d);
    secret_free(&room);
    return ok;
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
    s->keys = mem_new(KEYSTORE_ENTRIES_MAX * sizeof(*s->keys));
    s->certs = mem_new((KEYSTORE_ENTRIES_MAX + 1) * sizeof(*s->certs));
    s->lock = -1;
    snprintf(s->folder, sizeof(s->folder), "%s", folder);
    diag_clear(d);
    bool ok = (!is_writing || take_lock(s, d)) &&
              private_read(folder, KEYSTORE_INDEX, INDEX_MAX, advice, &index, d) &&
              read_index(s, secret_view(&index), d);
    secret_free(&index);
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
    free(s->certs);
    free(s->keys);
    free(s);
}

/* ---- keys */

static const char *leaf_of(const uint8_t ckaid[KEYSTORE_CKAID_LEN], char buf[KEYSTORE_LEAF_MAX])
{
    struct text t = {.buf = buf, .cap = KEYSTORE_LEAF_MAX};
    text_hex(&t, span_of(ckaid, KEYSTORE_CKAID_LEN));
    text_str(&t, ".key.db");
    return buf;
}

const char *keystore_leaf(const struct keystore_key *entry, char buf[KEYSTORE_LEAF_MAX])
{
    return leaf_of(entry->ckaid, buf);
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

bool keystore_add(struct keystore *s, const struct pkey *key, struct diag *d)
{
    char leaf[KEYSTORE_LEAF_MAX];
    uint8_t ckaid[KEYSTORE_CKAID_LEN];
    struct secret pem = {0};
    pkey_ckaid(key, ckaid);
    const struct keystore_key *there = keystore_find(s, key);
    diag_clear(d);
    if (!there && s->n_keys == KEYSTORE_ENTRIES_MAX) {
        diag_set(d, FAIL_GENERIC, "the key store is full: it has %d keys", KEYSTORE_ENTRIES_MAX);
        return false;
    }
    if (!pkey_encode(key, PKEY_PKCS8_PEM, &pem)) {
        diag_set(d, FAIL_GENERIC, "the private half of the %s is not at hand", pkey_type_name(key));
        return false;
    }
    bool ok = private_write(s->folder, leaf_of(ckaid, leaf), secret_view(&pem), d);
    secret_free(&pem);
    if (!ok || there)
        return ok;
    struct keystore_key *k = &s->keys[s->n_keys];
    k->public_key = pkey_load_public(pkey_spki(key), d);
    if (!k->public_key)
        return false;
    memcpy(k->ckaid, ckaid, sizeof(ckaid));
    s->n_keys++;
    return write_index(s, d);
}

struct pkey *keystore_private_key(const struct keystore *s, const struct keystore_key *entry, struct diag *d)
{
    char leaf[KEYSTORE_LEAF_MAX];
    struct secret pem = {0};
    if (!private_read(s->folder, leaf_of(entry->ckaid, leaf), KEY_FILE_MAX_LEN, advice, &pem, d)) {
        if (!diag_failed(d))
            diag_set(d, FAIL_NOT_FOUND, "%s/%s: the key's file is gone", s->folder, leaf);
        return NULL;
    }
    struct pkey *k = pkey_load_private(secret_view(&pem), span_of(NULL, 0), d);
    secret_free(&pem);
    if (!k || pkey_same(k, entry->public_key))
        return k;
    pkey_unref(k);
    diag_set(d, FAIL_GENERIC, "%s/%s: it is another key than the index says", s->folder, leaf);
    return NULL;
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

bool keystore_add_cert(struct keystore *s, struct cert *cert, const char *nickname, bool is_trusted,
                       struct diag *d)
{
    char unique[KEYSTORE_NICKNAME_MAX];
    diag_clear(d);
    for (size_t i = 0; i < s->n_certs; i++) {
        if (!span_equal(cert_der(s->certs[i].cert), cert_der(cert)))
            continue;
        s->certs[i].is_trusted = is_trusted;
        return write_index(s, d);
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
    c->is_trusted = is_trusted;
    c->cert = cert_ref(cert);
    return write_index(s, d);
}
