/* SPDX-License-Identifier: Apache-2.0 */
/* The key store as `ipsec` commands make and open it, and where its password comes from. */
#include "bin/ipsec/ipsec.h"
#include "bin/pki/pki.h"
#include "sys/store_password.h"
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

/* "STATE", "STATE/ipsec" and "STATE/ipsec/nss"; whether they are there shows in the next step. */
static void make_folder(const char *folder)
{
    char path[PATH_TEXT_MAX];
    size_t len = strlen(folder);
    for (size_t i = 1; i <= len; i++) {
        if (folder[i] != '/' && folder[i])
            continue;
        snprintf(path, sizeof(path), "%.*s", (int)i, folder);
        mkdir(path, i == len ? 0700 : 0755);
    }
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode) && access(path, W_OK) == 0;
}

/* Empty: the store shall have none. */
static struct secret new_password(const struct ipsec_run *r)
{
    const char *given = ipsec_get(r, "password");
    struct store_password p;
    struct diag d;
    if (given)
        return secret_copy(span_str(given));
    bool is_found = store_password_find(r->paths.etc, NULL, &p, &d);
    if (is_found)
        ipsec_refuse(r, 0, "private keys will be encrypted with the password in %s", p.path);
    else if (diag_failed(&d))
        ipsec_fail(r, &d);
    struct secret password = secret_take(&p.password);
    store_password_free(&p);
    return password;
}

static bool protect(const struct ipsec_run *r, struct diag *d)
{
    struct secret password = new_password(r);
    struct keystore *s = password.len ? keystore_open(r->folder, true, d) : NULL;
    bool is_ok =
        !password.len ||
        (s && (s->n_keys || keystore_has_password(s) || keystore_set_password(s, secret_view(&password), d)));
    keystore_close(s);
    secret_free(&password);
    return is_ok;
}

int ipsec_store_make_empty(const struct ipsec_run *r)
{
    struct diag d;
    if (r->is_default_folder)
        make_folder(r->folder);
    if (is_folder(r->folder))
        return keystore_init(r->folder, &d) ? 0 : ipsec_fail(r, &d);
    fprintf(stderr, "ERROR: destination directory \"%s\" is missing or permission denied\n", r->folder);
    return 1;
}

int ipsec_store_make(const struct ipsec_run *r)
{
    struct diag d;
    int code = ipsec_store_make_empty(r);
    if (code)
        return code;
    printf("Initializing NSS database\n\n");
    return protect(r, &d) ? 0 : ipsec_fail(r, &d);
}

struct keystore *ipsec_store_open(const struct ipsec_run *r, bool is_writing, int *code)
{
    struct diag d;
    const char *given = ipsec_get(r, "password");
    struct keystore *s = keystore_open(r->folder, is_writing, &d);
    if (s && given && !keystore_has_password(s))
        ipsec_refuse(r, 0, "the key store has no password: --password is not used");
    if (s && (!given || keystore_unlock(s, span_str(given), &d)))
        return s;
    *code = ipsec_fail(r, &d);
    keystore_close(s);
    return NULL;
}

bool ipsec_store_unlock(const struct ipsec_run *r, struct keystore *s, struct diag *d)
{
    struct store_password p;
    struct secret typed = {0};
    diag_clear(d);
    if (!keystore_has_password(s) || s->password.len)
        return true;
    bool is_ok = store_password_find(r->paths.etc, s, &p, d), is_refused = diag_failed(d);
    store_password_free(&p);
    if (is_ok || is_refused)
        return is_ok;
    if (!pki_ask_passphrase("Enter Password or Pin for \"NSS Certificate DB\":", true, &typed)) {
        diag_set(d, FAIL_PERMISSION, "the key store in %s has a password", s->folder);
        diag_try(d, "--password, or the line \"NSS Certificate DB:PASSWORD\" in %s/ipsec.d/nsspassword",
                 r->paths.etc);
        return false;
    }
    is_ok = keystore_unlock(s, secret_view(&typed), d);
    secret_free(&typed);
    return is_ok;
}

bool ipsec_first_line(const char *path, struct secret *out, struct diag *d)
{
    struct secret file = {0};
    size_t len = 0;
    if (!pki_read(path, &file, d))
        return false;
    while (len < file.len && file.ptr[len] != '\n' && file.ptr[len] != '\r')
        len++;
    *out = secret_copy(span_of(file.ptr, len));
    secret_free(&file);
    return true;
}
