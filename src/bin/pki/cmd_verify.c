/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --verify`: is a certificate trusted? The path goes through CA certificates that are given to one of
 * them that is self-signed (RFC 5280 section 6); without any, the certificate is checked as its own issuer.
 * With CRLs, or --online, it is said what they know. Exit codes: 0 trusted, 1 not, 2 not valid now, 3
 * revoked. Not here: fetching CRLs and asking OCSP responders. */
#include "bin/pki/commands.h"
#include "bin/pki/online.h"
#include "pki/cert.h"
#include "pki/crl.h"
#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { FILES_MAX = 1024 };
enum { EXIT_TRUSTED, EXIT_UNTRUSTED, EXIT_NOT_VALID_NOW, EXIT_REVOKED };

static const struct pki_option options[] = {
    {"in",      'i', PKI_TEXT, "file", NULL, "X.509 certificate to verify, default: stdin", 0, 0},
    {"cacert", 'c', PKI_TEXT, "file", NULL, "CA certificate, or a folder of them", 0, 1},
    {"crl",     'l', PKI_TEXT, "file", NULL, "CRL, or a folder of them", 0, 1},
    {"online",        'o', PKI_SWITCH, NULL, NULL, "enable online CRL/OCSP revocation checking", 0, 0},
    {0        },
};

struct verifying {
    struct cert *leaf, *roots[FILES_MAX], *others[FILES_MAX];
    struct crl *crls[FILES_MAX];
    size_t n_roots, n_others, n_crls;
    bool is_given; /* the leaf is one of the CA certificates */
};

typedef bool take_fn(struct verifying *v, const char *path, struct diag *d);

static bool is_full(size_t n, struct diag *d)
{
    if (n < FILES_MAX)
        return false;
    diag_set(d, FAIL_USAGE, "more than %d files", FILES_MAX);
    return true;
}

static bool take_ca(struct verifying *v, const char *path, struct diag *d)
{
    struct cert *c = pki_certificate(path, d);
    if (!c || is_full(v->n_roots + v->n_others, d)) {
        cert_unref(c);
        return false;
    }
    v->is_given = v->is_given || span_equal(cert_der(c), cert_der(v->leaf));
    if (cert_is_self_signed(c))
        v->roots[v->n_roots++] = c;
    else
        v->others[v->n_others++] = c;
    return true;
}

static bool take_crl(struct verifying *v, const char *path, struct diag *d)
{
    struct secret data = {0};
    if (is_full(v->n_crls, d) || !pki_read(path, &data, d))
        return false;
    struct crl *c = crl_load(secret_view(&data), d);
    secret_free(&data);
    if (c)
        v->crls[v->n_crls++] = c;
    else
        snprintf(d->where, sizeof(d->where), "%s", path);
    return c != NULL;
}

/* The files of a folder that are what is looked for; others are passed over. */
static bool take_folder(const struct pki_run *r, struct verifying *v, const char *path, take_fn *take,
                        struct diag *d)
{
    struct dirent **names;
    int n = scandir(path, &names, NULL, alphasort);
    if (n < 0) {
        diag_set(d, FAIL_USAGE, "cannot read the folder %s", path);
        return false;
    }
    for (int i = 0; i < n; i++) {
        struct stat st;
        struct diag why = {0};
        char line[1024];
        const char *file = arena_printf(r->arena, "%s/%s", path, names[i]->d_name);
        free(names[i]);
        if (stat(file, &st) == 0 && S_ISREG(st.st_mode) && !take(v, file, &why))
            pki_note(r, 1, "%s is passed over: %s", file, diag_format(&why, line, sizeof(line)));
    }
    free(names);
    return true;
}

static bool take_all(const struct pki_run *r, struct verifying *v, const char *option, take_fn *take,
                     struct diag *d)
{
    struct stat st;
    const char *path;
    for (size_t i = 0; (path = pki_nth(r, option, i)); i++) {
        bool is_folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
        if (!(is_folder ? take_folder(r, v, path, take, d) : take(v, path, d)))
            return false;
    }
    return true;
}

static struct trust_request request_of(const struct pki_run *r, struct verifying *v)
{
    return (struct trust_request){
        .leaf = v->leaf,
        .anchors = {.v = v->roots,  .n = v->n_roots },
        .intermediates = {.v = v->others, .n = v->n_others},
        .now = r->now,
        .is_for_anything = true,
        .crls = v->crls,
        .revocation = REVOCATION_RELAXED,
    };
}

static int say(int code, const char *verdict, const struct diag *why)
{
    char line[2048];
    if (why && diag_failed(why))
        fprintf(stderr, "%s\n", diag_format(why, line, sizeof(line)));
    printf("%s\n", verdict);
    return code;
}

/* Trusted by what was given, not by an issuer. */
static int judge_alone(const struct pki_run *r, const struct verifying *v)
{
    struct diag why = {0};
    if (!v->is_given && !cert_is_self_signed(v->leaf)) {
        diag_set(&why, FAIL_CERTIFICATE, "%s is not self-signed, and no CA certificate is given",
                 cert_subject_text(v->leaf));
        return say(EXIT_UNTRUSTED, "certificate untrusted", &why);
    }
    if (r->now < cert_not_before(v->leaf) || r->now > cert_not_after(v->leaf))
        return say(EXIT_NOT_VALID_NOW, "certificate trusted, but no valid lifetime", NULL);
    return say(EXIT_TRUSTED, "certificate trusted, lifetimes valid", NULL);
}

static void ask(const struct pki_run *r, const struct trust_request *req, struct online *o,
                struct trust_verdict *out)
{
    if (o)
        online_evaluate(o, r, req, out);
    else
        trust_evaluate(req, out);
}

/* What is trusted without CRLs but not with them is revoked; what is trusted with them, strictly, is known
 * not to be. */
static int judge(const struct pki_run *r, struct verifying *v, struct online *o)
{
    struct trust_verdict bare = {0}, asked = {0}, strict = {0};
    struct trust_request req = request_of(r, v);
    trust_evaluate(&req, &bare);
    if (!bare.is_trusted)
        return say(EXIT_UNTRUSTED, "certificate untrusted", &bare.why);
    if (!v->n_crls && !o)
        return say(EXIT_TRUSTED, "certificate trusted, lifetimes valid", NULL);
    req.n_crls = v->n_crls;
    ask(r, &req, o, &asked);
    if (!asked.is_trusted)
        return say(EXIT_REVOKED, "certificate trusted, lifetimes valid, certificate revoked", &asked.why);
    req.revocation = REVOCATION_STRICT;
    ask(r, &req, o, &strict);
    if (strict.is_trusted)
        return say(EXIT_TRUSTED, "certificate trusted, lifetimes valid, certificate not revoked", NULL);
    return say(EXIT_TRUSTED, "certificate trusted, lifetimes valid, no revocation information", &strict.why);
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    int code;
    struct online *o = pki_has(r, "online") ? online_new() : NULL;
    struct verifying *v = arena_alloc(r->arena, sizeof(*v));
    v->leaf = pki_certificate(pki_get(r, "in"), &d);
    if (!v->leaf || !take_all(r, v, "cacert", take_ca, &d) || !take_all(r, v, "crl", take_crl, &d))
        code = pki_fail(r, &d);
    else if (v->is_given || !pki_has(r, "cacert"))
        code = judge_alone(r, v);
    else
        code = judge(r, v, o);
    for (size_t i = 0; i < v->n_roots; i++)
        cert_unref(v->roots[i]);
    for (size_t i = 0; i < v->n_others; i++)
        cert_unref(v->others[i]);
    for (size_t i = 0; i < v->n_crls; i++)
        crl_unref(v->crls[i]);
    cert_unref(v->leaf);
    online_free(o);
    return code;
}

const struct pki_command pki_cmd_verify = {
    .name = "verify",
    .letter = 'v',
    .doc = "verify a certificate using the CA certificate",
    .options = options,
    .run = run,
    .manual = "The exit status is 0 for a certificate that is trusted, 1 for one that is not, 2 for one "
              "whose lifetime\n"
              "is not now, 3 for one that is revoked. CA certificates are those of\n"
              "\\fB\\-\\-cacert\\fR alone, and one of them must be self\\-signed. Without any, only a "
              "self\\-signed\n"
              "certificate can be trusted.",
};
