/* SPDX-License-Identifier: Apache-2.0 */
/* See nss_database.h. A key leaves by `pk12util -o`, which wants a certificate: one without gets one in the
 * copy. The copy, the password and the containers are in a folder of their own, for their owner only, which
 * goes when it is done. */
#include "sys/nss_database.h"
#include "base/arena.h"
#include "base/text.h"
#include "crypto/hash.h"
#include "crypto/random.h"
#include "pki/pkcs12.h"
#include "sys/private_file.h"
#include "sys/store_password.h"
#include "sys/tool.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOOL_S = 60, DATABASE_MAX = 64 << 20, CONTAINER_MAX = 1 << 20, NAME_MAX_LEN = KEYSTORE_NICKNAME_MAX };

struct taking {
    char certutil[PATH_TEXT_MAX], pk12util[PATH_TEXT_MAX];
    char copy[PATH_TEXT_MAX];                                                  /* the folder of the copy */
    char where[PATH_TEXT_MAX + 8];                                             /* "sql:COPY" */
    char password[PATH_TEXT_MAX + 16], container_password[PATH_TEXT_MAX + 16]; /* files */
    struct secret container_secret;
    struct keystore *store;
    struct nss_taken *out;
    struct diag *d;
};

static const char *const files[] = {"cert9.db", "key4.db"};

/* ---- the tools */

static int run(struct taking *t, char *const argv[], struct secret *out)
{
    struct diag d;
    int code = tool_run(argv, TOOL_S, out, &d);
    if (code < 0)
        *t->d = d;
    return code;
}

#define CERTUTIL(t, out, ...)                                                                                \
    run(t, (char *[]){t->certutil, (char *)"-d", t->where, (char *)"-f", t->password, __VA_ARGS__, NULL}, out)

static struct span next_line(struct span *rest)
{
    const uint8_t *end = rest->len ? memchr(rest->ptr, '\n', rest->len) : NULL;
    struct span line = span_of(rest->ptr, end ? (size_t)(end - rest->ptr) : rest->len);
    size_t used = line.len + (end ? 1 : 0);
    *rest = span_of(rest->ptr + used, rest->len - used);
    return line;
}

/* ---- the copy */

static bool write_file(struct taking *t, const char *leaf, struct span text)
{
    return private_write(t->copy, leaf, text, t->d);
}

static bool copy_in(struct taking *t, const char *folder)
{
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        struct secret data = {0};
        if (!private_read(folder, files[i], DATABASE_MAX, NULL, &data, t->d)) {
            if (!diag_failed(t->d))
                diag_set(t->d, FAIL_NOT_FOUND, "%s/%s is not there", folder, files[i]);
            return false;
        }
        bool is_ok = write_file(t, files[i], secret_view(&data));
        secret_free(&data);
        if (!is_ok)
            return false;
    }
    return true;
}

static bool make_copy(struct taking *t, const char *folder)
{
    uint8_t noise[24];
    char text[2 * sizeof(noise) + 2] = "";
    struct text b = TEXT_ON(text);
    int n = snprintf(t->copy, sizeof(t->copy), "%s/.nss.XXXXXX", folder);
    if (n >= (int)sizeof(t->copy) || !mkdtemp(t->copy)) {
        t->copy[0] = 0;
        diag_set(t->d, FAIL_GENERIC, "%s: %s", folder, strerror(errno));
        return false;
    }
    snprintf(t->where, sizeof(t->where), "sql:%s", t->copy);
    snprintf(t->password, sizeof(t->password), "%s/password", t->copy);
    snprintf(t->container_password, sizeof(t->container_password), "%s/container", t->copy);
    crypto_random(noise, sizeof(noise));
    text_hex(&b, span_of(noise, sizeof(noise)));
    t->container_secret = secret_copy(span_str(text));
    text_str(&b, "\n");
    bool is_ok = copy_in(t, folder) && write_file(t, "container", span_str(text));
    secret_wipe(text, sizeof(text));
    return is_ok;
}

static void remove_copy(struct taking *t)
{
    static const char *const leaves[] = {"cert9.db", "key4.db",   "pkcs11.txt",
                                         "password", "container", "out.p12"};
    struct diag d;
    if (!t->copy[0])
        return;
    for (size_t i = 0; i < ARRAY_LEN(leaves); i++)
        private_remove(t->copy, leaves[i], &d);
    rmdir(t->copy);
    secret_free(&t->container_secret);
}

/* ---- its password */

static bool is_password(struct taking *t, struct span password)
{
    struct secret out = {0}, line = secret_new(password.len + 1);
    if (password.len)
        memcpy(line.ptr, password.ptr, password.len);
    line.ptr[password.len] = '\n';
    bool is_ok = write_file(t, "password", secret_view(&line));
    /* Changed into itself: a list of no keys wants no password. */
    is_ok = is_ok && CERTUTIL(t, &out, (char *)"-W", (char *)"-@", t->password) == 0;
    secret_free(&line);
    secret_free(&out);
    return is_ok;
}

/* Which password opens the database; the store opens with it, too, or with what nsspassword says. */
static bool find_password(struct taking *t, const char *etc)
{
    struct store_password p;
    struct diag d;
    bool is_open = store_password_find(etc, NULL, &p, &d) && is_password(t, secret_view(&p.password));
    t->out->has_password = is_open;
    if (!is_open && !is_password(t, span_of(NULL, 0))) {
        diag_set(t->d, FAIL_PERMISSION, "the password of NSS's database is not known");
        if (diag_failed(&d))
            *t->d = d;
        else
            diag_try(t->d, "the line \"NSS Certificate DB:PASSWORD\" in %s, then: ipsec checknss", p.path);
        store_password_free(&p);
        return false;
    }
    bool is_ok = true;
    if (keystore_has_password(t->store))
        is_ok = p.password.len && keystore_unlock(t->store, secret_view(&p.password), t->d);
    else if (is_open)
        is_ok = keystore_set_password(t->store, secret_view(&p.password), t->d);
    if (!is_ok && !diag_failed(t->d))
        diag_set(t->d, FAIL_PERMISSION, "the password of the key store is not known");
    store_password_free(&p);
    return is_ok;
}

/* ---- certificates */

static bool take_pem(struct taking *t, struct span pem, const char *nickname, struct keystore_trust trust)
{
    struct cert *c = cert_load(pem, t->d);
    bool is_ok = c && keystore_add_cert(t->store, c, nickname, trust, t->d);
    cert_unref(c);
    t->out->n_certs += is_ok;
    return is_ok;
}

/* A line of the list: the nickname, blanks, the trust. Other lines are no matter. */
static bool take_cert_line(struct taking *t, struct span line)
{
    char nickname[NAME_MAX_LEN], flags[KEYSTORE_TRUST_MAX];
    struct keystore_trust trust;
    struct secret pem = {0};
    size_t end = line.len;
    while (end && line.ptr[end - 1] == ' ')
        end--;
    size_t at = end;
    while (at && line.ptr[at - 1] != ' ')
        at--;
    size_t len = at;
    while (len && line.ptr[len - 1] == ' ')
        len--;
    if (!len || len >= sizeof(nickname) || end - at >= sizeof(flags))
        return true;
    snprintf(nickname, sizeof(nickname), "%.*s", (int)len, (const char *)line.ptr);
    snprintf(flags, sizeof(flags), "%.*s", (int)(end - at), (const char *)line.ptr + at);
    if (!strchr(flags, ',') || !keystore_trust_parse(flags, &trust))
        return true;
    bool is_ok = CERTUTIL(t, &pem, (char *)"-L", (char *)"-n", nickname, (char *)"-a") == 0 &&
                 take_pem(t, secret_view(&pem), nickname, trust);
    secret_free(&pem);
    if (!is_ok && !diag_failed(t->d))
        diag_set(t->d, FAIL_CERTIFICATE, "certutil does not give the certificate %s", nickname);
    return is_ok;
}

static bool take_certs(struct taking *t)
{
    struct secret out = {0};
    bool is_ok = CERTUTIL(t, &out, (char *)"-L") == 0;
    struct span rest = secret_view(&out);
    if (!is_ok && !diag_failed(t->d))
        diag_set(t->d, FAIL_GENERIC, "certutil -L does not list the certificates");
    while (is_ok && rest.len)
        is_ok = take_cert_line(t, next_line(&rest));
    secret_free(&out);
    return is_ok;
}

/* ---- keys */

/* Each gets one in the copy, also one that has some: what those are called in the store may differ. */
static bool certify_key(struct taking *t, char *ckaid, char name[NAME_MAX_LEN])
{
    char subject[64];
    struct secret out = {0};
    snprintf(name, NAME_MAX_LEN, "keyway-%s", ckaid);
    snprintf(subject, sizeof(subject), "CN=%s", ckaid);
    int code = CERTUTIL(t, &out, (char *)"-S", (char *)"-x", (char *)"-k", ckaid, (char *)"-n", name,
                        (char *)"-s", subject, (char *)"-t", (char *)",,");
    secret_free(&out);
    return code == 0;
}

static bool take_container(struct taking *t, const char *ckaid, const char *label)
{
    struct secret data = {0};
    struct pkcs12 p = {0};
    struct diag d;
    if (!private_read(t->copy, "out.p12", CONTAINER_MAX, NULL, &data, &d) ||
        !pkcs12_load(secret_view(&data), secret_view(&t->container_secret), 0, &p, &d)) {
        secret_free(&data);
        return false;
    }
    bool is_ok = false;
    for (size_t i = 0; i < p.n_keys; i++) {
        char hex[2 * KEYSTORE_CKAID_LEN + 1];
        uint8_t id[KEYSTORE_CKAID_LEN];
        struct text b = TEXT_ON(hex);
        pkey_ckaid(p.keys[i], id);
        text_hex(&b, span_of(id, sizeof(id)));
        is_ok = is_ok || (!strcmp(hex, ckaid) && keystore_add(t->store, p.keys[i], label, &d));
    }
    pkcs12_free(&p);
    secret_free(&data);
    return is_ok;
}

static bool take_key(struct taking *t, char *ckaid, const char *label)
{
    char name[NAME_MAX_LEN], path[PATH_TEXT_MAX + 16];
    struct secret out = {0};
    snprintf(path, sizeof(path), "%s/out.p12", t->copy);
    if (!certify_key(t, ckaid, name))
        return false;
    char *argv[] = {t->pk12util,           (char *)"-o", path,         (char *)"-n", name,
                    (char *)"-d",          t->where,     (char *)"-k", t->password,  (char *)"-w",
                    t->container_password, NULL};
    int code = run(t, argv, &out);
    secret_free(&out);
    /* NSS makes it as its umask says; the folder is closed. */
    bool is_ok = code == 0 && chmod(path, 0600) == 0 && take_container(t, ckaid, label);
    unlink(path);
    return is_ok;
}

/* "< 0> rsa      CKAID   NAME": NAME is "(orphan)", "NSS Certificate DB:NICKNAME", or a label. */
static void take_key_line(struct taking *t, struct span line)
{
    char ckaid[2 * KEYSTORE_CKAID_LEN + 1], label[NAME_MAX_LEN];
    int name_at = 0;
    char text[512];
    snprintf(text, sizeof(text), "%.*s", (int)(line.len < sizeof(text) ? line.len : 0),
             (const char *)line.ptr);
    if (sscanf(text, "<%*d> %*s %40[0-9a-f] %n", ckaid, &name_at) != 1 || !name_at || strlen(ckaid) != 40)
        return;
    const char *name = text + name_at;
    bool has_label = strcmp(name, "(orphan)") != 0 && strncmp(name, "NSS ", 4) != 0;
    snprintf(label, sizeof(label), "%s", has_label ? name : "");
    if (take_key(t, ckaid, label))
        t->out->n_keys++;
    else
        t->out->n_left++;
}

static bool take_keys(struct taking *t)
{
    struct secret out = {0};
    if (CERTUTIL(t, &out, (char *)"-K") < 0)
        return false;
    struct span rest = secret_view(&out);
    while (rest.len)
        take_key_line(t, next_line(&rest));
    secret_free(&out);
    return true;
}

/* ---- which database */

/* A word for what the files have. False: there is no database, or with d: it cannot be read. */
static bool fingerprint(const char *folder, char word[2 * HASH_MAX_LEN + 1], struct diag *d)
{
    struct text b = {.buf = word, .cap = 2 * HASH_MAX_LEN + 1};
    struct secret data[ARRAY_LEN(files)] = {{0}};
    struct span parts[ARRAY_LEN(files)];
    uint8_t digest[HASH_MAX_LEN];
    bool is_there = true;
    diag_clear(d);
    for (size_t i = 0; i < ARRAY_LEN(files); i++) {
        is_there = is_there && private_read(folder, files[i], DATABASE_MAX, "chmod 600 on it", &data[i], d);
        parts[i] = secret_view(&data[i]);
    }
    hash_digest(HASH_SHA256, parts, ARRAY_LEN(files), digest);
    text_hex(&b, span_of(digest, hash_len(HASH_SHA256)));
    for (size_t i = 0; i < ARRAY_LEN(files); i++)
        secret_free(&data[i]);
    return is_there;
}

static bool was_taken(const char *folder, const char *word)
{
    struct diag d;
    struct keystore *s = keystore_is_there(folder) ? keystore_open(folder, false, &d) : NULL;
    bool is_same = s && s->taken && !strcmp(s->taken, word);
    keystore_close(s);
    return is_same;
}

static bool take_all(struct taking *t, const char *folder, const char *etc, const char *word)
{
    if (!keystore_init(folder, t->d))
        return false;
    t->store = keystore_open(folder, true, t->d);
    bool is_ok = t->store && make_copy(t, folder) && find_password(t, etc) && take_certs(t) && take_keys(t) &&
                 keystore_set_taken(t->store, word, t->d);
    remove_copy(t);
    keystore_close(t->store);
    return is_ok;
}

bool nss_database_take(const char *folder, const char *etc, struct nss_taken *out, struct diag *d)
{
    char word[2 * HASH_MAX_LEN + 1];
    struct taking t = {.out = out, .d = d};
    *out = (struct nss_taken){.is_there = false};
    if (!fingerprint(folder, word, d))
        return !diag_failed(d);
    if (was_taken(folder, word))
        return true;
    out->is_there = true;
    out->has_tools = tool_find("certutil", t.certutil) && tool_find("pk12util", t.pk12util);
    return !out->has_tools || take_all(&t, folder, etc, word);
}
