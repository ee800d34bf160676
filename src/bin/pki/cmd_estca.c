/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --estca`: the CA certificates of an EST server (RFC 7030 section 4.1). */
#include "bin/pki/commands.h"
#include "bin/pki/enrol.h"
#include "pki/est.h"
#include "sys/fetch.h"

enum { TIMEOUT = 60000000 }; /* microseconds */

/* clang-format off */
static const struct pki_option options[] = {
    {"url", 'u', PKI_TEXT, "url", NULL, "URL of the EST server", 1, 0},
    {"label", 'l', PKI_TEXT, "label", NULL, "label in the EST server path", 0, 0},
    {"cacert", 'C', PKI_TEXT, "file", NULL, "CA certificate of the path of the server's TLS certificate", 1, 1},
    {"caout", 'c', PKI_TEXT, "file", NULL, "template of the names of the files that CA certificates go to", 0, 0},
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of the CA certificates", 0, 0},
    {"force", 'F', PKI_SWITCH, NULL, NULL, "force overwrite of existing files", 0, 0},
    {0},
};
/* clang-format on */

static bool get(const struct pki_run *r, const struct enrol_cas *cas, struct certs_only *out, struct diag *d)
{
    char why[FETCH_WHY_MAX];
    struct fetch_answer answer = {0};
    struct secret body = {0};
    const char *url = est_url(r->arena, pki_get(r, "url"), pki_get(r, "label"), "cacerts", d);
    if (!url)
        return false;
    struct fetch_tls tls = {.cas = enrol_cas_pem(r, cas)};
    struct fetch f = {.url = url, .max = EST_ANSWER_MAX, .timeout = TIMEOUT, .tls = &tls, .answer = &answer};
    fetch_init();
    bool is_ok = false;
    if (!fetch_url(&f, &body, why))
        diag_set(d, FAIL_UNREACHABLE, "EST request failed: %s", why);
    else if (answer.status != 200)
        diag_set(d, FAIL_GENERIC, "EST request failed: HTTP %ld", answer.status);
    else
        is_ok = est_read(secret_view(&body), answer.type, out, d);
    secret_free(&body);
    return is_ok;
}

static bool tell(const struct pki_run *r, struct enrol_out *o, const struct cert *c, const char *kind,
                 bool is_trusted, struct diag *d)
{
    const char *where = enrol_write_ca(r, o, c, d);
    if (where)
        pki_note(r, 1, "%s cert is %strusted, valid until %s, %s", kind, is_trusted ? "" : "un",
                 enrol_time(r, cert_not_after(c)), where);
    return where != NULL;
}

static void introduce(const struct pki_run *r, const struct cert *c, const char *kind)
{
    pki_note(r, 1, "%s cert \"%s\"", kind, cert_subject_text(c));
    enrol_tell_serial(r, c);
    enrol_tell_fingerprints(r, c);
}

static bool store_roots(const struct pki_run *r, struct enrol_out *o, const struct enrol_cas *cas,
                        const struct enrol_cas *came, struct diag *d)
{
    for (size_t i = 0; i < came->n_roots; i++) {
        bool is_known = enrol_is_among(cas, came->roots[i]);
        introduce(r, came->roots[i], "Root CA");
        if (is_known)
            pki_note(r, 1, "Root CA equals trusted TLS Root CA");
        if (!tell(r, o, came->roots[i], "Root CA", is_known, d))
            return false;
    }
    return true;
}

/* They are judged by the roots that came beside them: whether to trust those is for the user to find out. */
static bool store_others(const struct pki_run *r, struct enrol_out *o, struct enrol_cas *came, struct diag *d)
{
    for (size_t i = 0; i < came->n_others; i++) {
        struct diag why = {0};
        char line[1024];
        introduce(r, came->others[i], "Sub CA");
        bool is_trusted = enrol_trusts(r, came, came->others[i], &why);
        if (!is_trusted)
            pki_note(r, 1, "  %s", diag_format(&why, line, sizeof(line)));
        if (!tell(r, o, came->others[i], "Sub CA", is_trusted, d))
            return false;
    }
    return true;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct enrol_cas cas = {0}, came = {.came = true};
    struct certs_only certs = {0};
    struct enrol_out out = {.template = pki_get(r, "caout")};
    bool is_ok = enrol_cas_read(r, &cas, &d) && get(r, &cas, &certs, &d);
    for (size_t i = 0; is_ok && i < certs.n; i++)
        is_ok = enrol_cas_add(&came, certs.v[i], &d);
    is_ok = is_ok && store_roots(r, &out, &cas, &came, &d) && store_others(r, &out, &came, &d);
    certs_only_free(&certs);
    enrol_cas_free(&came);
    enrol_cas_free(&cas);
    return is_ok ? 0 : pki_fail(r, &d);
}

const struct pki_command pki_cmd_estca = {
    .name = "estca",
    .letter = 'e',
    .doc = "get CA certificate[s] from an EST server",
    .options = options,
    .run = run,
    .manual =
        "The first, a root, goes to the file that \\fB\\-\\-caout\\fR names, others to files with \\-1, "
        "\\-2\n"
        "in front of the suffix. Without it they go to stdout with \\fB\\-\\-outform pem\\fR, and are only\n"
        "shown without that. A root is trusted when \\fB\\-\\-cacert\\fR names it; compare the "
        "fingerprint of\n"
        "another with what the CA publishes.",
};
