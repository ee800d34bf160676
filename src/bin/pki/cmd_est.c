/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --est`: a certificate from an EST server (RFC 7030 sections 4.2.1 to 4.2.3): asked for with a request,
 * or anew with the old certificate and its key, by TLS. Not here: server-made keys (4.4), CSR attributes
 * (4.5). */
#include "bin/pki/commands.h"
#include "bin/pki/enrol.h"
#include "pki/est.h"
#include "pki/issue/request.h"
#include "sys/fetch.h"

enum { TIMEOUT = 60000000 }; /* microseconds, of one request */

/* clang-format off */
static const struct pki_option options[] = {
    {"url", 'u', PKI_TEXT, "url", NULL, "URL of the EST server", 1, 0},
    {"label", 'l', PKI_TEXT, "label", NULL, "label in the EST server path", 0, 0},
    {"in", 'i', PKI_TEXT, "file", NULL, "PKCS#10 input file, default: stdin", 0, 0},
    {"cacert", 'C', PKI_TEXT, "file", NULL, "CA certificate of the server's or the issued certificate's path", 1, 1},
    {"cert", 'c', PKI_TEXT, "file", NULL, "old certificate about to be renewed", 0, 0},
    {"certid", 'X', PKI_TEXT, "hex", NULL, "old certificate on a token", 0, 0},
    {"key", 'k', PKI_TEXT, "file", NULL, "old private key about to be replaced", 0, 0},
    {"keyid", 'x', PKI_TEXT, "hex", NULL, "old private key on a token", 0, 0},
    {"userpass", 'p', PKI_TEXT, "username:password", NULL, "for HTTP basic authentication", 0, 0},
    {"interval", 't', PKI_NUMBER, "time", "60", "seconds between polls, where the server states none", 0, 0},
    {"maxpolltime", 'm', PKI_NUMBER, "time", "0", "maximum poll time in seconds, 0: no limit", 0, 0},
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of the issued certificate", 0, 0},
    {0},
};
/* clang-format on */

struct est_job {
    const struct pki_run *r;
    struct enrol_cas cas;
    struct request *request;
    struct span body;
    struct cert *old;
    struct pkey *old_key;
    struct secret old_key_pem;
    const char *url;
    struct fetch_tls tls;
};

static bool read_request(struct est_job *j, struct diag *d)
{
    struct secret data = {0};
    struct span der;
    bool is_ok =
        pki_read_in(j->r, &data, d) &&
        pki_unpem(j->r->arena, secret_view(&data), "CERTIFICATE REQUEST|NEW CERTIFICATE REQUEST", &der, d);
    j->request = is_ok ? request_load(der, d) : NULL;
    if (j->request)
        j->body = est_body(j->r->arena, der);
    secret_free(&data);
    return j->request != NULL;
}

/* Who we are to the server. */
static bool read_old(struct est_job *j, struct diag *d)
{
    if (!pki_has(j->r, "cert"))
        return true;
    j->old = pki_certificate(pki_get(j->r, "cert"), d);
    j->old_key = j->old ? pki_private_key(j->r, pki_get(j->r, "key"), "priv", d) : NULL;
    if (!j->old_key)
        return false;
    if (!pkey_same(j->old_key, cert_public_key(j->old))) {
        diag_set(d, FAIL_USAGE, "the private key is not the old certificate's");
        return false;
    }
    if (!pkey_encode(j->old_key, PKEY_PKCS8_PEM, &j->old_key_pem)) {
        diag_set(d, FAIL_USAGE, "the private key cannot be used");
        return false;
    }
    return true;
}

static bool prepare(struct est_job *j, struct diag *d)
{
    const char *operation = pki_has(j->r, "cert") ? "simplereenroll" : "simpleenroll";
    j->url = est_url(j->r->arena, pki_get(j->r, "url"), pki_get(j->r, "label"), operation, d);
    if (!j->url || !enrol_cas_read(j->r, &j->cas, d) || !read_old(j, d) || !read_request(j, d))
        return false;
    j->tls = (struct fetch_tls){
        .cas = enrol_cas_pem(j->r, &j->cas),
        .certs = j->old ? enrol_chain_pem(j->r, j->old, &j->cas) : span_of(NULL, 0),
        .key = secret_view(&j->old_key_pem),
        .user_pass = pki_get(j->r, "userpass"),
    };
    return true;
}

/* Asks until there is an answer other than "later" [RFC7030#4.2.3]. */
static bool ask(const struct est_job *j, struct fetch_answer *answer, struct secret *body, struct diag *d)
{
    struct enrol_poll poll = {.protocol = "EST"};
    char why[FETCH_WHY_MAX];
    struct fetch f = {
        .url = j->url,
        .post = j->body,
        .post_type = "application/pkcs10",
        .encoding = "base64",
        .max = EST_ANSWER_MAX,
        .timeout = TIMEOUT,
        .tls = &j->tls,
        .answer = answer,
    };
    for (;;) {
        if (!fetch_url(&f, body, why)) {
            diag_set(d, FAIL_UNREACHABLE, "EST request failed: %s", why);
            return false;
        }
        if (answer->status != 202)
            break;
        secret_free(body);
        if (!enrol_wait(j->r, &poll, answer->retry_after, d))
            return false;
    }
    if (answer->status != 200)
        diag_set(d, FAIL_GENERIC, "EST request failed: HTTP %ld", answer->status);
    return answer->status == 200;
}

static int enrol(struct est_job *j, struct diag *d)
{
    struct fetch_answer answer = {0};
    struct secret body = {0};
    struct certs_only certs = {0};
    bool is_read = ask(j, &answer, &body, d) && est_read(secret_view(&body), answer.type, &certs, d);
    struct cert *issued = is_read ? certs_only_issued(&certs, request_public_key(j->request), d) : NULL;
    int code = issued ? enrol_finish(j->r, &j->cas, issued) : pki_fail(j->r, d);
    certs_only_free(&certs);
    secret_free(&body);
    return code;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct est_job j = {.r = r};
    if (!pki_no_token(r, "certid") || !pki_no_token(r, "keyid"))
        return 1;
    if (pki_has(r, "cert") != pki_has(r, "key"))
        return pki_refuse(r, "--cert and --key belong together");
    fetch_init();
    int code = prepare(&j, &d) ? enrol(&j, &d) : pki_fail(r, &d);
    enrol_cas_free(&j.cas);
    cert_unref(j.old);
    pkey_unref(j.old_key);
    secret_free(&j.old_key_pem);
    request_free(j.request);
    return code;
}

const struct pki_command pki_cmd_est = {
    .name = "est",
    .letter = 'E',
    .doc = "enroll an X.509 certificate with an EST server",
    .options = options,
    .run = run,
    .manual =
        "\\fB\\-\\-cacert\\fR names the CA certificates of two paths: that of the server's certificate, "
        "and that\n"
        "of the one that is issued. Only they are trusted, not those of the system. A certificate for\n"
        "another key than the request's, or one that they do not trust, is not written.\n"
        ".PP\n"
        "With \\fB\\-\\-cert\\fR and \\fB\\-\\-key\\fR the old certificate is renewed, and says who asks.",
};
