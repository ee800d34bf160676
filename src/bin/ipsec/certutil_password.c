/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec certutil -N` and `-W`: a key store, its password, and another one. */
#include "bin/ipsec/certutil.h"
#include "bin/pki/pki.h"

enum { TRIES = 3 };

/* Typed twice. False: nobody answers, or never twice the same. */
static bool ask_new(struct secret *out)
{
    fputs("Enter a password which will be used to encrypt your keys.\n"
          "The password should be at least 8 characters long,\n"
          "and should contain at least one non-alphabetic character.\n\n",
          stderr);
    for (int i = 0; i < TRIES; i++) {
        struct secret one = {0}, two = {0};
        bool has_both = pki_ask_passphrase("Enter new password: ", true, &one) &&
                        pki_ask_passphrase("Re-enter password: ", true, &two);
        bool is_same = has_both && secret_equal(secret_view(&one), secret_view(&two));
        if (is_same)
            *out = secret_take(&one);
        secret_free(&one);
        secret_free(&two);
        if (is_same || !has_both)
            return is_same;
        fputs("Passwords do not match. Try again.\n", stderr);
    }
    return false;
}

/* file: the option that names one. */
static bool get_new(const struct ipsec_run *r, const char *file, struct secret *out)
{
    struct diag d;
    *out = (struct secret){0};
    if (ipsec_has(r, "empty-password"))
        return true;
    if (!ipsec_has(r, file))
        return ask_new(out);
    if (ipsec_first_line(ipsec_get(r, file), out, &d))
        return true;
    fprintf(stderr, "No password file \"%s\" exists.\n", ipsec_get(r, file));
    return false;
}

static int refuse(void)
{
    return certutil_fail("Could not set password for the slot: %s", CERTUTIL_BAD_PASSWORD);
}

static bool unlock(const struct ipsec_run *r, struct keystore *s)
{
    struct secret old = {0};
    struct diag d;
    const char *file = ipsec_get(r, "f");
    if (!keystore_has_password(s))
        return true;
    bool is_ok = file ? ipsec_first_line(file, &old, &d)
                      : pki_ask_passphrase("Enter Password or Pin for \"NSS Certificate DB\":", true, &old);
    is_ok = is_ok && keystore_unlock(s, secret_view(&old), &d);
    secret_free(&old);
    if (!is_ok)
        fputs("Invalid password.\n", stderr);
    return is_ok;
}

int certutil_password(const struct ipsec_run *r, struct keystore *s)
{
    struct secret password;
    struct diag d;
    if (!unlock(r, s) || !get_new(r, "@", &password))
        return refuse();
    bool is_ok = keystore_set_password(s, secret_view(&password), &d);
    secret_free(&password);
    if (!is_ok)
        return certutil_fail_diag(&d);
    puts("Password changed successfully.");
    return 0;
}

/* NSS's -f is the new password of a new database, and the old one of one that is there. */
int certutil_new(const struct ipsec_run *r)
{
    struct secret password = {0};
    struct diag d;
    bool is_new = !keystore_is_there(r->folder);
    if (is_new && !get_new(r, "f", &password))
        return refuse();
    int code = is_new ? ipsec_store_make_empty(r) : 0;
    struct keystore *s = code ? NULL : keystore_open(r->folder, true, &d);
    if (!s)
        code = code ? CERTUTIL_BAD : certutil_fail_diag(&d);
    else if (!is_new)
        code = certutil_password(r, s);
    else if (password.len && !keystore_set_password(s, secret_view(&password), &d))
        code = certutil_fail_diag(&d);
    keystore_close(s);
    secret_free(&password);
    return code;
}
