/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec certutil`: the part of NSS's certutil that users of Libreswan type, on the key store: its letters,
 * its words, its exit codes. Which command it is, is a letter among the options. */
#include "bin/ipsec/certutil.h"
#include <stdarg.h>

static const struct ipsec_option options[] = {
    {"L",                                                                                   NULL, "list the certificates; with -n show one: in words, -a in PEM, -r in DER"},
    {"K",            NULL, "list the private keys; with -k of a kind"},
    {"A",                                                                                   NULL, "add a certificate, -n, with -t, from -i or stdin"},
    {"D",                                           NULL, "delete a certificate, -n"},
    {"M",                                                                                   NULL, "set the trust of a certificate, -n, to -t"},
    {"F",                                   NULL, "delete a private key, -n or -k, and its certificates"},
    {"N",                                                                                   NULL, "make a key store, or change the password of the one that is there"},
    {"W",                                                           NULL, "change the password: -f the old, -@ the new"},
    {"n",                                                                                   "NICKNAME", "which certificate"},
    {"t",                                          "TRUST", "flags as \"CT,,\": C or T among the first: peers' certificates may be signed by it"},
    {"i",                                                                                   "FILE", "input"},
    {"o",                               "FILE", "output; default: stdout"},
    {"a",                                                                                   NULL, "it is PEM"},
    {"r",                  NULL, "it is DER"},
    {"k",                                                                                   "WORD", "kind of key, rsa or ec; or its CKAID"},
    {"f",                                        "FILE", "the store's password is the first line of FILE"},
    {"@",                                                                                   "FILE", "the new password is the first line of FILE"},
    {"empty-password",                                                                  NULL, "with -N: no password"},
    {"h",                                                                                   "TOKEN", "taken: there is one token"},
    {"d", "DIR", "refused: the store is the one of ipsec"},
    {0                                                                                  },
};

/* What is made elsewhere. */
static const struct {
    const char *letter, *instead;
} others[] = {
    {"S", "a certificate is made by: ipsec pki --gen, --self, --issue; and taken by: ipsec certutil -A, "
          "ipsec import"                                 },
    {"R", "a request is made by: ipsec pki --req"                 },
    {"C", "a request is signed by: ipsec pki --issue"             },
    {"G", "a key is made by: ipsec newhostkey"                    },
    {"V", "a certificate's path is checked by: ipsec pki --verify"},
};

static const struct action {
    const char *letter;
    certutil_fn *run;
    bool is_writing, needs_nickname, needs_trust;
} actions[] = {
    {"L", certutil_list,     false, false, false},
    {"K", certutil_keys,     false, false, false},
    {"A", certutil_add,      true,  true,  true },
    {"D", certutil_delete,   true,  true,  false},
    {"M", certutil_modify,   true,  true,  true },
    {"F", certutil_forget,   true,  false, false},
    {"N", NULL,              true,  false, false},
    {"W", certutil_password, true,  false, false},
};

int certutil_fail(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    fputs("certutil: ", stderr);
    vfprintf(stderr, fmt, args);
    fputc('\n', stderr);
    va_end(args);
    return CERTUTIL_BAD;
}

int certutil_fail_diag(const struct diag *d)
{
    char line[2048];
    return certutil_fail("%s", diag_format(d, line, sizeof(line)));
}

int certutil_unlock(const struct ipsec_run *r, struct keystore *s)
{
    const char *file = ipsec_get(r, "f");
    struct secret password = {0};
    struct diag d;
    bool is_there = !file || ipsec_first_line(file, &password, &d);
    bool is_ok =
        is_there && (file && keystore_has_password(s) ? keystore_unlock(s, secret_view(&password), &d)
                                                      : ipsec_store_unlock(r, s, &d));
    secret_free(&password);
    if (is_ok)
        return 0;
    if (is_there)
        fputs("Incorrect password/PIN entered.\n", stderr);
    else
        fprintf(stderr, "No password file \"%s\" exists.\n", file);
    return certutil_fail("could not authenticate to token NSS Certificate DB.: %s", CERTUTIL_BAD_PASSWORD);
}

/* NULL: not one; *code says how to exit. */
static const struct action *chosen(const struct ipsec_run *r, int *code)
{
    const struct action *a = NULL;
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(actions); i++) {
        if (ipsec_has(r, actions[i].letter)) {
            a = &actions[i];
            n++;
        }
    }
    *code = n ? CERTUTIL_BAD : 1;
    if (n > 1)
        certutil_fail("only one command at a time!");
    else if (!n)
        ipsec_usage(r->command, stderr);
    return n == 1 ? a : NULL;
}

static bool is_complete(const struct ipsec_run *r, const struct action *a)
{
    bool has_all = true;
    if (a->needs_nickname && !ipsec_has(r, "n"))
        has_all =
            fprintf(stderr, "certutil -%s: nickname is required for this command (-n).\n", a->letter) < 0;
    else if (a->needs_trust && !ipsec_has(r, "t"))
        has_all = fprintf(stderr, "certutil -%s: trust is required for this command (-t).\n", a->letter) < 0;
    return has_all;
}

static int run(struct ipsec_run *r)
{
    struct diag d;
    int code;
    if (ipsec_has(r, "d") || ipsec_has(r, "nssdir")) {
        fputs("ERROR: ipsec {certutil|crlutil|pk12util|vfychain} do not accept --nssdir\n", stderr);
        return 2;
    }
    const struct action *a = chosen(r, &code);
    if (!a)
        return code;
    if (!is_complete(r, a))
        return CERTUTIL_BAD;
    if (!a->run)
        return certutil_new(r);
    if (!keystore_is_there(r->folder))
        return certutil_fail("function failed: SEC_ERROR_BAD_DATABASE: security library: bad database.");
    struct keystore *s = keystore_open(r->folder, a->is_writing, &d);
    code = s ? a->run(r, s) : certutil_fail_diag(&d);
    keystore_close(s);
    return code;
}

/* These come with options of their own, which are not looked at. */
static int run_words(int argc, char **argv)
{
    struct ipsec_run r = {.command = &ipsec_cmd_certutil};
    int code = 0;
    for (int i = 1; i < argc; i++) {
        for (size_t k = 0; k < ARRAY_LEN(others); k++) {
            if (argv[i][0] == '-' && !strcmp(argv[i] + 1, others[k].letter)) {
                fprintf(stderr, "certutil %s: not here: %s\n", argv[i], others[k].instead);
                return CERTUTIL_BAD;
            }
        }
    }
    return ipsec_options_parse(&r, argc, argv, &code) ? run(&r) : code;
}

const struct ipsec_command ipsec_cmd_certutil = {
    .name = "certutil",
    .doc = "what users of NSS's certutil type, on the key store",
    .options = options,
    .run_words = run_words,
    .has_store = true,
    .usage_code = CERTUTIL_BAD,
    .manual =
        "One of the capital letters says what to do. Lists have NSS's form; the trust of a certificate\n"
        "whose private key is there is said with a \\fBu\\fR. With \\fB\\-f\\fR the store's password comes "
        "from\n"
        "a file, else from nsspassword, or it is asked for. A change of the password encrypts all private\n"
        "keys anew; an empty one leaves them in clear. Exit codes are NSS's: 255 for what fails.",
};
