/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --scepca`: the CA and RA certificates of a SCEP server (RFC 8894 section 4.2). Nothing vouches for
 * them but their fingerprints, which the user compares. */
#include "bin/pki/commands.h"
#include "bin/pki/enrol.h"
#include "bin/pki/scep_http.h"
#include "pki/scep.h"

/* clang-format off */
static const struct pki_option options[] = {
    {"url", 'u', PKI_TEXT, "url", NULL, "URL of the SCEP server", 1, 0},
    {"caout", 'c', PKI_TEXT, "file", NULL, "template of the names of the files that CA certificates go to", 0, 0},
    {"raout", 'r', PKI_TEXT, "file", NULL, "template of the names of the files that RA certificates go to", 0, 0},
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of the certificates", 0, 0},
    {"force", 'F', PKI_SWITCH, NULL, NULL, "force overwrite of existing files", 0, 0},
    {0},
};
/* clang-format on */

struct came {
    struct enrol_cas cas; /* that a server sent */
    struct cert *ras[CERTS_ONLY_MAX];
    size_t n_ras;
};

static bool get(const struct pki_run *r, struct certs_only *out, struct diag *d)
{
    struct fetch_answer answer = {0};
    struct secret body = {0};
    fetch_init();
    if (!scep_http_ask(r, r->arena, "GetCACert", span_of(NULL, 0), false, &answer, &body, d))
        return false;
    bool is_ok = scep_read_cas(secret_view(&body), answer.type, out, d);
    secret_free(&body);
    return is_ok;
}

static bool sort(struct came *to, const struct certs_only *certs, struct diag *d)
{
    for (size_t i = 0; i < certs->n; i++) {
        if (!cert_is_ca(certs->v[i]))
            to->ras[to->n_ras++] = certs->v[i];
        else if (!enrol_cas_add(&to->cas, certs->v[i], d))
            return false;
    }
    return true;
}

/* is_judged: by the roots that came beside it. */
static bool store(const struct pki_run *r, struct enrol_out *o, struct came *came, struct cert *c,
                  const char *kind, bool is_judged, struct diag *d)
{
    struct diag why = {0};
    char line[1024];
    pki_note(r, 1, "%s cert \"%s\"", kind, cert_subject_text(c));
    enrol_tell_serial(r, c);
    enrol_tell_fingerprints(r, c);
    bool is_trusted = is_judged && enrol_trusts(r, &came->cas, c, &why);
    if (is_judged && !is_trusted)
        pki_note(r, 1, "  %s", diag_format(&why, line, sizeof(line)));
    const char *where = enrol_write_ca(r, o, c, d);
    if (where)
        pki_note(r, 1, "%s cert is %strusted, valid until %s, %s", kind, is_trusted ? "" : "un",
                 enrol_time(r, cert_not_after(c)), where);
    return where != NULL;
}

static bool store_all(const struct pki_run *r, struct came *came, struct diag *d)
{
    const char *ca = pki_get(r, "caout"), *ra = pki_get(r, "raout");
    struct enrol_out cas = {.template = ca}, ras = {.template = ra, .counts_from_two = true};
    bool is_ok = true;
    if (!ra && ca)
        ras = (struct enrol_out){.template = ca, .infix = "-ra", .counts_from_two = true};
    for (size_t i = 0; is_ok && i < came->cas.n_roots; i++)
        is_ok = store(r, &cas, came, came->cas.roots[i], "Root CA", false, d);
    for (size_t i = 0; is_ok && i < came->cas.n_others; i++)
        is_ok = store(r, &cas, came, came->cas.others[i], "Sub CA", true, d);
    for (size_t i = 0; is_ok && i < came->n_ras; i++)
        is_ok = store(r, &ras, came, came->ras[i], "RA", true, d);
    return is_ok;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct came came = {.cas = {.came = true}};
    struct certs_only certs = {0};
    bool is_ok = get(r, &certs, &d) && sort(&came, &certs, &d) && store_all(r, &came, &d);
    enrol_cas_free(&came.cas);
    certs_only_free(&certs);
    return is_ok ? 0 : pki_fail(r, &d);
}

const struct pki_command pki_cmd_scepca = {
    .name = "scepca",
    .letter = 'C',
    .doc = "get CA [and RA] certificate[s] from a SCEP server",
    .options = options,
    .run = run,
    .manual =
        "The first CA certificate, a root, goes to the file that \\fB\\-\\-caout\\fR names, others to files "
        "with \\-1,\n"
        "\\-2 in front of the suffix; RA certificates to that of \\fB\\-\\-raout\\fR and to \\-2, \\-3, or, "
        "without it, to\n"
        "\\-ra, \\-ra\\-2 of \\fB\\-\\-caout\\fR. Without \\fB\\-\\-caout\\fR they go to stdout with "
        "\\fB\\-\\-outform pem\\fR, and are\n"
        "only shown without that. No root is trusted: compare its fingerprint with what the CA publishes.",
};
