/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --scep`: a certificate from a SCEP server (RFC 8894 sections 2.5, 3.3, 4.3, 4.4): asked for with a
 * self-signed certificate, or anew with the old certificate and its key. RSA only, since the answer is
 * encrypted for the key that signed the request. Not here: requests for other certificates and CRLs. */
#include "bin/pki/commands.h"
#include "bin/pki/enrol.h"
#include "bin/pki/scep_http.h"
#include "bin/pki/scep_message.h"
#include "crypto/random.h"

enum { SELF_LIFETIME = 365 * 86400, MESSAGE_MEMORY_MAX = 64 << 20 };

/* clang-format off */
static const struct pki_option options[] = {
    {"url", 'u', PKI_TEXT, "url", NULL, "URL of the SCEP server", 1, 0},
    {"in", 'i', PKI_TEXT, "file", NULL, "RSA private key input file, default: stdin", 0, 0},
    {"dn", 'd', PKI_TEXT, "distinguished-name", NULL, "subject distinguished name, default: that of --cert", 0, 0},
    {"san", 'a', PKI_TEXT, "subjectAltName", NULL, "subjectAltName to include in cert request", 0, 1},
    {"profile", 'P', PKI_TEXT, "profile", NULL, "certificate profile name to include in cert request", 0, 0},
    {"password", 'p', PKI_TEXT, "password", NULL, "challengePassword to include in cert request", 0, 0},
    {"cacert-enc", 'e', PKI_TEXT, "file", NULL, "CA or RA certificate for encryption", 1, 0},
    {"cacert-sig", 's', PKI_TEXT, "file", NULL, "CA certificate for signature verification", 1, 0},
    {"cacert", 'C', PKI_TEXT, "file", NULL, "additional CA certificate", 0, 1},
    {"cert", 'c', PKI_TEXT, "file", NULL, "old certificate about to be renewed", 0, 0},
    {"key", 'k', PKI_TEXT, "file", NULL, "old RSA private key about to be replaced", 0, 0},
    {"cipher", 'E', PKI_CHOICE, "aes|des3", "aes", "encryption cipher", 0, 0},
    {"digest", 'g', PKI_CHOICE, "sha256|sha384|sha512|sha224|sha1", "sha256", "digest for signature creation", 0, 0},
    {"rsa-padding", 'R', PKI_CHOICE, "pkcs1|pss", "pkcs1", "padding for RSA signatures", 0, 0},
    {"interval", 't', PKI_NUMBER, "time", "60", "seconds between polls", 0, 0},
    {"maxpolltime", 'm', PKI_NUMBER, "time", "0", "maximum poll time in seconds, 0: no limit", 0, 0},
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of the issued certificate", 0, 0},
    {0},
};
/* clang-format on */

struct scep_job {
    const struct pki_run *r;
    struct enrol_cas cas; /* --cacert-sig and --cacert */
    struct cert *ca_enc, *ca_sig;
    struct pkey *key;        /* whose certificate is asked for */
    struct cert *old, *self; /* of the signer: one of them */
    struct pkey *old_key;
    struct issue_request request;
    char transaction[SCEP_TRANSACTION_LEN + 1];
    unsigned caps;
};

static bool read_cas(struct scep_job *j, struct diag *d)
{
    j->ca_enc = pki_certificate(pki_get(j->r, "cacert-enc"), d);
    j->ca_sig = j->ca_enc ? pki_certificate(pki_get(j->r, "cacert-sig"), d) : NULL;
    return j->ca_sig && enrol_cas_add(&j->cas, j->ca_sig, d) && enrol_cas_read(j->r, &j->cas, d);
}

/* The old certificate and its key, with which a renewal is signed. */
static bool read_old(struct scep_job *j, struct diag *d)
{
    if (!pki_has(j->r, "cert"))
        return true;
    j->old = pki_certificate(pki_get(j->r, "cert"), d);
    j->old_key = j->old ? pki_private_key(j->r, pki_get(j->r, "key"), "rsa", d) : NULL;
    if (!j->old_key)
        return false;
    if (pkey_same(j->old_key, cert_public_key(j->old)))
        return true;
    diag_set(d, FAIL_USAGE, "the private key is not the old certificate's");
    return false;
}

static bool read_request(struct scep_job *j, struct diag *d)
{
    const struct pki_run *r = j->r;
    if (pki_has(r, "dn") && !pki_dn(r, pki_get(r, "dn"), &j->request.subject, d))
        return false;
    if (!pki_has(r, "dn"))
        j->request.subject = cert_subject_der(j->old);
    if (pki_has(r, "password"))
        j->request.password = span_str(pki_get(r, "password"));
    if (pki_has(r, "profile"))
        j->request.profile = span_str(pki_get(r, "profile"));
    if (!pki_names(r, "san", pki_san, &j->request.names, d))
        return false;
    j->key = pki_private_key(r, pki_get(r, "in"), "rsa", d);
    j->request.key = j->key;
    if (j->key)
        scep_transaction_id(j->key, j->transaction);
    return j->key != NULL;
}

/* [RFC8894#2.3] who has no certificate yet signs with one of its own making */
static bool make_self(struct scep_job *j, struct diag *d)
{
    uint8_t serial[SCEP_TRANSACTION_LEN / 2];
    size_t len = 0;
    struct span der;
    hex_decode(span_str(j->transaction), serial, sizeof(serial), &len);
    serial[0] &= 0x7f;
    struct issue_cert c = {
        .serial = span_of(serial, len),
        .subject = j->request.subject,
        .not_before = j->r->now,
        .not_after = j->r->now + SELF_LIFETIME,
        .key = j->key,
        .path_len = -1,
        .names = j->request.names,
        .require_explicit_policy = -1,
        .inhibit_policy_mapping = -1,
        .inhibit_any_policy = -1,
    };
    struct issue_signer by = pki_signer(j->r, j->key);
    bool is_ok = issue_certificate(j->r->arena, &c, NULL, &by, &der, d);
    j->self = is_ok ? cert_load(der, d) : NULL;
    return j->self != NULL;
}

/* Refuses what the server does not say that it can; weaker algorithms are taken only when the user says so.
 */
static bool check_caps(struct scep_job *j, struct diag *d)
{
    struct fetch_answer answer = {0};
    struct secret body = {0};
    const char *digest = pki_get(j->r, "digest");
    bool is_des3 = !strcasecmp(pki_get(j->r, "cipher"), "des3");
    if (!scep_http_ask(j->r, j->r->arena, "GetCACaps", span_of(NULL, 0), false, &answer, &body, d))
        return false;
    j->caps = scep_caps(secret_view(&body));
    secret_free(&body);
    if (!(j->caps & scep_digest_cap(digest)))
        diag_set(d, FAIL_GENERIC, "%s digest algorithm not supported by CA", digest);
    else if (!(j->caps & (is_des3 ? SCEP_DES3 : SCEP_AES)))
        diag_set(d, FAIL_GENERIC, "%s encryption algorithm not supported by CA",
                 is_des3 ? "3DES_CBC" : "AES_CBC");
    return !diag_failed(d);
}

/* Any certificate of the CA will do for who signs an answer: it can withhold what was issued, but what it
 * makes up of its own is found out, since the issued one is judged by itself. */
static bool is_trusted(struct scep_job *j, const struct scep_answer *a, struct diag *d)
{
    bool is_ok = enrol_trusts(j->r, &j->cas, scep_answer_signer(a), d);
    if (!is_ok)
        diag_try(d, "name the certificates of the signer's CA and of those above it with --cacert");
    return is_ok;
}

/* One message and its answer, whose signer is trusted and which fits. NULL with d. */
static struct scep_answer *exchange_in(struct arena *scratch, struct scep_job *j, enum scep_type type,
                                       struct span data, struct diag *d)
{
    struct fetch_answer http = {0};
    struct secret body = {0};
    struct span der;
    struct scep_message m = {
        .type = type,
        .transaction = j->transaction,
        .data = data,
        .to = j->ca_enc,
        .is_des3 = !strcasecmp(pki_get(j->r, "cipher"), "des3"),
        .signer = j->old ? j->old : j->self,
        .by = pki_signer(j->r, j->old ? j->old_key : j->key),
    };
    struct scep_expect expect = {
        .transaction = j->transaction,
        .takes_sha1 = !strcasecmp(m.by.digest, "sha1"),
    };
    crypto_random(m.nonce, sizeof(m.nonce));
    memcpy(expect.nonce, m.nonce, sizeof(m.nonce));
    if (!scep_message_make(scratch, &m, &der, d) ||
        !scep_http_ask(j->r, scratch, "PKIOperation", der, (j->caps & SCEP_POST) != 0, &http, &body, d))
        return NULL;
    struct cert *known[] = {j->ca_sig, j->ca_enc};
    struct scep_answer *a = scep_answer_load(secret_view(&body), http.type, known, ARRAY_LEN(known), d);
    secret_free(&body);
    if (a && is_trusted(j, a, d) && scep_answer_fits(a, &expect, d))
        return a;
    scep_answer_free(a);
    return NULL;
}

/* The memory goes with it: there may be polls for months. */
static struct scep_answer *exchange(struct scep_job *j, enum scep_type type, struct span data, struct diag *d)
{
    pki_note(j->r, 1, "transaction ID: %s", j->transaction);
    if (type == SCEP_RENEWAL_REQ && !(j->caps & SCEP_RENEWAL)) {
        diag_set(d, FAIL_GENERIC, "Renewal operation not supported by SCEP server");
        return NULL;
    }
    struct arena *scratch = arena_new(MESSAGE_MEMORY_MAX);
    struct scep_answer *a = exchange_in(scratch, j, type, data, d);
    arena_free(scratch);
    return a;
}

/* Asks until the answer is another than "later" [RFC8894#4.4]. The answer is a SUCCESS; NULL with d. */
static struct scep_answer *ask(struct scep_job *j, struct span request, struct diag *d)
{
    struct enrol_poll poll = {.protocol = "SCEP"};
    struct span about = scep_issuer_and_subject(j->r->arena, cert_subject_der(j->ca_sig), j->request.subject);
    struct scep_answer *a = exchange(j, j->old ? SCEP_RENEWAL_REQ : SCEP_PKCS_REQ, request, d);
    while (a && scep_answer_status(a) == SCEP_PENDING) {
        scep_answer_free(a);
        a = enrol_wait(j->r, &poll, 0, d) ? exchange(j, SCEP_CERT_POLL, about, d) : NULL;
    }
    if (!a || scep_answer_status(a) == SCEP_SUCCESS)
        return a;
    char buf[600];
    struct text info = TEXT_ON(buf);
    scep_answer_fail_info(a, &info);
    if (info.len)
        pki_note(j->r, 1, "failInfo:     %s", buf);
    info = TEXT_ON(buf);
    scep_answer_fail_text(a, &info);
    if (info.len)
        pki_note(j->r, 1, "failInfoText: %s", buf);
    scep_answer_free(a);
    diag_set(d, FAIL_GENERIC, "reply status is not 'SUCCESS'");
    return NULL;
}

static int enrol(struct scep_job *j, struct span request, struct diag *d)
{
    struct certs_only certs = {0};
    struct scep_answer *a = ask(j, request, d);
    bool is_read =
        a && scep_answer_certs(a, j->old ? j->old : j->self, j->old ? j->old_key : j->key, &certs, d);
    struct cert *issued = is_read ? certs_only_issued(&certs, j->key, d) : NULL;
    int code = issued ? enrol_finish(j->r, &j->cas, issued) : pki_fail(j->r, d);
    certs_only_free(&certs);
    scep_answer_free(a);
    return code;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span request;
    struct scep_job j = {.r = r};
    if (!pki_has(r, "dn") && !pki_has(r, "cert"))
        return pki_refuse(r, "--dn is required if --cert is not set");
    if (pki_has(r, "cert") && !pki_has(r, "key"))
        return pki_refuse(r, "--key is required if --cert is set");
    if (pki_has(r, "key") && !pki_has(r, "cert"))
        return pki_refuse(r, "--cert and --key belong together");
    fetch_init();
    bool is_ok = read_cas(&j, &d) && read_old(&j, &d) && read_request(&j, &d) && check_caps(&j, &d) &&
                 (j.old || make_self(&j, &d));
    if (is_ok) {
        struct issue_signer by = pki_signer(r, j.key);
        is_ok = issue_request(r->arena, &j.request, &by, &request, &d);
    }
    int code = is_ok ? enrol(&j, request, &d) : pki_fail(r, &d);
    enrol_cas_free(&j.cas);
    cert_unref(j.ca_enc);
    cert_unref(j.ca_sig);
    cert_unref(j.old);
    cert_unref(j.self);
    pkey_unref(j.old_key);
    pkey_unref(j.key);
    return code;
}

const struct pki_command pki_cmd_scep = {
    .name = "scep",
    .letter = 'S',
    .doc = "enroll an X.509 certificate with a SCEP server",
    .options = options,
    .run = run,
    .manual =
        "The request is encrypted for \\fB\\-\\-cacert\\-enc\\fR. Answers have to be signed by the server's\n"
        "certificate, and it, as the issued one, trusted by way of \\fB\\-\\-cacert\\-sig\\fR and "
        "\\fB\\-\\-cacert\\fR,\n"
        "which reach up to a self-signed one. An answer to another message, one that is signed with MD5, or\n"
        "with SHA\\-1 without \\fB\\-\\-digest sha1\\fR, and a certificate for another key are refused.\n"
        ".PP\n"
        "With \\fB\\-\\-cert\\fR and \\fB\\-\\-key\\fR the old certificate is renewed, and says who asks.",
};
