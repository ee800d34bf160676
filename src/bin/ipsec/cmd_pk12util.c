/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec pk12util`: NSS's pk12util on the key store: a PKCS#12 container into it (-i), out of it (-o), and
 * what one has (-l). Its words and its exit codes. */
#include "bin/ipsec/commands.h"
#include "bin/ipsec/container.h"
#include "bin/pki/pki.h"
#include <errno.h>
#include <fcntl.h>
#include <openssl/x509.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    EXIT_PASSWORD_FILE = 1,
    EXIT_USAGE = 2,
    EXIT_OPEN = 10,
    EXIT_DECODE = 17,
    EXIT_LOCKED = 18,
    EXIT_IMPORT = 19,
    EXIT_EXPORT = 24
};

#define BAD_PASSWORD "SEC_ERROR_BAD_PASSWORD: The security password entered is incorrect."

static const struct ipsec_option options[] = {
    {"i",                                                                             "FILE", "take what the container has"},
    {"o",                                                  "FILE", "make a container of the certificate -n, its private key, and its authorities"},
    {"l",                                                                             "FILE", "say what the container has"},
    {"n", "NICKNAME", "which certificate"},
    {"w",                                                                             "FILE", "the container's password is the first line of FILE; else it is asked for"},
    {"W",                                                   "TEXT", "the container's password"},
    {"k",                                                                             "FILE", "the key store's password is the first line of FILE"},
    {"K",                                                            "TEXT", "the key store's password"},
    {"r",                                                                             NULL, "with -l: without the certificates' contents"},
    {"v",     NULL, "taken"},
    {"h",                                                                             "TOKEN", "taken: there is one token"},
    {"d",                                                     "DIR", "refused: the store is the one of ipsec"},
    {0                                                                            },
};

static int fail(int code, const char *what)
{
    fprintf(stderr, "pk12util: %s\n", what);
    return code;
}

static int fail_diag(int code, const struct diag *d)
{
    char line[2048];
    return fail(code, diag_format(d, line, sizeof(line)));
}

/* Of an option with a file, of one with the text, or typed, twice when it is a new one. False: said. */
static bool get_password(const struct ipsec_run *r, bool is_new, struct secret *out)
{
    struct diag d;
    struct secret again = {0};
    const char *file = ipsec_get(r, "w"), *text = ipsec_get(r, "W");
    *out = (struct secret){0};
    if (text) {
        *out = secret_copy(span_str(text));
        return true;
    }
    if (file) {
        bool is_ok = ipsec_first_line(file, out, &d);
        if (!is_ok)
            fprintf(stderr, "No password file \"%s\" exists.\n", file);
        return is_ok;
    }
    bool is_ok = pki_ask_passphrase("Enter password for PKCS12 file: ", true, out);
    if (is_ok && is_new)
        is_ok = pki_ask_passphrase("Re-enter password: ", true, &again) &&
                secret_equal(secret_view(out), secret_view(&again));
    secret_free(&again);
    return is_ok;
}

/* 0, or how to exit. */
static int unlock(const struct ipsec_run *r, struct keystore *s)
{
    struct secret password = {0};
    struct diag d;
    const char *file = ipsec_get(r, "k"), *text = ipsec_get(r, "K");
    if (!keystore_has_password(s))
        return 0;
    if (text)
        password = secret_copy(span_str(text));
    bool is_ok = !file || ipsec_first_line(file, &password, &d);
    is_ok = is_ok &&
            (file || text ? keystore_unlock(s, secret_view(&password), &d) : ipsec_store_unlock(r, s, &d));
    secret_free(&password);
    return is_ok ? 0 : fail(EXIT_LOCKED, "Failed to authenticate to \"NSS Certificate DB\": " BAD_PASSWORD);
}

static int load(const struct ipsec_run *r, const char *path, struct pkcs12 *p)
{
    struct secret data = {0}, password = {0};
    struct diag d;
    if (access(path, R_OK) < 0) {
        fprintf(stderr, "pk12util: File Open failed: %s: %s\n", path,
                errno == ENOENT ? "PR_FILE_NOT_FOUND_ERROR: File not found" : strerror(errno));
        return EXIT_OPEN;
    }
    if (!get_password(r, false, &password))
        return EXIT_PASSWORD_FILE;
    int code = 0;
    if (!pki_read(path, &data, &d))
        code = fail_diag(EXIT_OPEN, &d);
    else if (!pkcs12_load(secret_view(&data), secret_view(&password), 0, p, &d))
        code = d.class == FAIL_PERMISSION ? fail(EXIT_DECODE, "PKCS12 decode not verified: " BAD_PASSWORD)
                                          : fail_diag(EXIT_DECODE, &d);
    secret_free(&data);
    secret_free(&password);
    return code;
}

static bool has_key(const struct pkcs12 *p, const struct cert *c)
{
    size_t k = 0;
    while (k < p->n_keys && !pkey_same(cert_public_key(c), p->keys[k]))
        k++;
    return k < p->n_keys;
}

/* As NSS does of certificates whose keys come along. */
static void say_names(const struct pkcs12 *p)
{
    for (size_t i = 0; i < p->n_certs; i++) {
        char name[KEYSTORE_NICKNAME_MAX];
        if (!has_key(p, p->certs[i]) || p->cert_names[i])
            continue;
        container_nickname(p->certs[i], name);
        printf("pk12util: no nickname for cert in PKCS12 file.\npk12util: using nickname: %s\n", name);
    }
}

static int import(const struct ipsec_run *r, struct keystore *s, const char *path)
{
    struct pkcs12 p = {0};
    struct diag d;
    int code = unlock(r, s);
    code = code ? code : load(r, path, &p);
    if (!code)
        say_names(&p);
    if (!code && !container_take(s, &p, false, &d))
        code = fail_diag(EXIT_IMPORT, &d);
    if (!code)
        puts("pk12util: PKCS12 IMPORT SUCCESSFUL");
    pkcs12_free(&p);
    return code;
}

/* ---- making one */

static void add_cert(struct pkcs12 *p, const struct keystore_cert *c)
{
    p->certs[p->n_certs] = cert_ref(c->cert);
    p->cert_names[p->n_certs] = strdup(c->nickname);
    p->n_certs++;
}

/* The authorities above the last certificate, as far as the store has them. */
static void add_chain(struct pkcs12 *p, const struct keystore *s)
{
    while (p->n_certs < PKCS12_ITEMS_MAX && !cert_is_self_signed(p->certs[p->n_certs - 1])) {
        const struct cert *below = p->certs[p->n_certs - 1];
        size_t i = 0;
        while (i < s->n_certs && (s->certs[i].cert == below || !cert_is_ca(s->certs[i].cert) ||
                                  !span_equal(cert_subject_der(s->certs[i].cert), cert_issuer_der(below))))
            i++;
        if (i == s->n_certs)
            return;
        add_cert(p, &s->certs[i]);
    }
}

/* Ours alone; one that is there is replaced. */
static int write_file(const char *path, struct span data)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool is_ok = fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, data.ptr, data.len) == (ssize_t)data.len;
    int why = errno;
    if (fd >= 0)
        close(fd);
    if (is_ok)
        return 0;
    fprintf(stderr, "pk12util: Initialization failed: %s: %s\n", path,
            why == ENOENT ? "PR_FILE_NOT_FOUND_ERROR: File not found" : strerror(why));
    fputs("Error attempting to export certificates.", stderr);
    return EXIT_OPEN;
}

static int export(const struct ipsec_run *r, const struct keystore *s, const struct keystore_cert *c,
                  const struct keystore_key *e, const char *path)
{
    struct pkcs12 p = {0};
    struct secret password = {0}, out = {0};
    struct diag d;
    int code = 0;
    add_cert(&p, c);
    add_chain(&p, s);
    p.keys[0] = keystore_private_key(s, e, &d);
    p.n_keys = p.keys[0] != NULL;
    if (!p.n_keys)
        code = fail_diag(EXIT_EXPORT, &d);
    else if (!get_password(r, true, &password))
        code = EXIT_PASSWORD_FILE;
    else if (!pkcs12_make(&p, secret_view(&password), &out, &d))
        code = fail_diag(EXIT_EXPORT, &d);
    code = code ? code : write_file(path, secret_view(&out));
    if (!code)
        puts("pk12util: PKCS12 EXPORT SUCCESSFUL");
    secret_free(&password);
    secret_free(&out);
    pkcs12_free(&p);
    return code;
}

static int choose_and_export(const struct ipsec_run *r, struct keystore *s, const char *path)
{
    int code = unlock(r, s);
    const char *nickname = ipsec_get(r, "n");
    const struct keystore_cert *c = keystore_find_cert(s, nickname);
    const struct keystore_key *e = c ? keystore_find(s, cert_public_key(c->cert)) : NULL;
    if (code)
        return code;
    if (e)
        return export(r, s, c, e, path);
    if (!c)
        return fail(EXIT_EXPORT,
                    "find user certs from nickname failed: SEC_ERROR_UNKNOWN_CERT: The requested "
                    "certificate could not be found.");
    fputs("pk12util: no user certs from given nickname\nError attempting to export certificates.", stderr);
    return EXIT_EXPORT;
}

/* ---- listing one */

static void print_name(const char *name)
{
    if (name)
        printf("    Friendly Name: %s\n\n", name);
}

static void print_cert(const struct cert *c)
{
    struct span der = cert_der(c);
    const uint8_t *at = der.ptr;
    X509 *x = d2i_X509(NULL, &at, (long)der.len);
    if (x)
        X509_print_ex_fp(stdout, x, 0, X509_FLAG_NO_HEADER);
    X509_free(x);
}

static int list(const struct ipsec_run *r, const char *path)
{
    struct pkcs12 p = {0};
    int code = load(r, path, &p);
    for (size_t i = 0; i < p.n_certs; i++) {
        printf("Certificate%s:\n", has_key(&p, p.certs[i]) ? "(has private key)" : "");
        if (!ipsec_has(r, "r"))
            print_cert(p.certs[i]);
        print_name(p.cert_names[i]);
    }
    for (size_t k = 0; k < p.n_keys; k++) {
        printf("Key(shrouded):\n");
        print_name(p.key_names[k]);
    }
    pkcs12_free(&p);
    return code;
}

static int run_on_store(const struct ipsec_run *r)
{
    struct diag d;
    const char *in = ipsec_get(r, "i");
    if (!keystore_is_there(r->folder))
        return fail(EXIT_PASSWORD_FILE,
                    "NSS_Initialize failed: SEC_ERROR_BAD_DATABASE: security library: bad database.");
    struct keystore *s = keystore_open(r->folder, in != NULL, &d);
    int code = !s   ? fail_diag(EXIT_PASSWORD_FILE, &d)
               : in ? import(r, s, in)
                    : choose_and_export(r, s, ipsec_get(r, "o"));
    keystore_close(s);
    return code;
}

static int run(struct ipsec_run *r)
{
    if (ipsec_has(r, "d") || ipsec_has(r, "nssdir")) {
        fputs("ERROR: ipsec {certutil|crlutil|pk12util|vfychain} do not accept --nssdir\n", stderr);
        return 2;
    }
    bool has_name = ipsec_has(r, "n") || !ipsec_has(r, "o");
    if (ipsec_has(r, "i") + ipsec_has(r, "o") + ipsec_has(r, "l") != 1 || !has_name) {
        ipsec_usage(r->command, stderr);
        return EXIT_USAGE;
    }
    return ipsec_has(r, "l") ? list(r, ipsec_get(r, "l")) : run_on_store(r);
}

const struct ipsec_command ipsec_cmd_pk12util = {
    .name = "pk12util",
    .doc = "what users of NSS's pk12util type, on the key store",
    .options = options,
    .run = run,
    .has_store = true,
    .usage_code = EXIT_USAGE,
    .manual =
        "As \\fBipsec import\\fR, it calls a certificate by its friendlyName, or as NSS does after its\n"
        "subject; other than that, it trusts no authority that comes along: \\fBipsec certutil \\-M\\fR "
        "does.",
};
