/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --ocsp`: shows what an OCSP request asks, or answers it (RFC 6960) from OpenSSL's index.txt. Options
 * and lines are those of strongSwan 6.0; 5.9.8 has no such command. An --index belongs to the --cacert in
 * front of it. */
#include "bin/pki/commands.h"
#include "pki/cert.h"
#include "pki/print/print.h"
#include "pki/respond.h"
#include <stdlib.h>
#include <time.h>

enum { MINUTE = 60, OBJECTS_MAX = 16 };

static const struct pki_option options[] = {
    {"respond",                     'r', PKI_SWITCH, NULL, NULL, "respond to OCSP request with OCSP response", 0, 0},
    {"in",                   'i', PKI_TEXT, "file", NULL, "input file, default: stdin", 0, 0},
    {"key",                         'k', PKI_TEXT, "file", NULL, "path to OCSP signing private key", 0, 1},
    {"keyid",                            'K', PKI_TEXT, "hex", NULL, "private key on a token", 0, 1},
    {"cert",                             'c', PKI_TEXT, "file", NULL, "path to OCSP signing certificate", 0, 1},
    {"certid",        'X', PKI_TEXT, "hex", NULL, "certificate on a token", 0, 1},
    {"cacert",                       'C', PKI_TEXT, "file", NULL, "CA certificate", 0, 1},
    {"index", 'x', PKI_TEXT, "file", NULL, "OpenSSL-style index.txt of the --cacert in front", 0, 1},
    {"digest",                            'g', PKI_CHOICE, "sha1|sha224|sha256|sha384|sha512|sha3_224|sha3_256|sha3_384|sha3_512", NULL,
     "digest for signature creation, default: key-specific", 0, 0},
    {"rsa-padding",                         'R', PKI_CHOICE, "pkcs1|pss", "pkcs1", "padding for RSA signatures", 0, 0},
    {"lifetime",                     'l', PKI_NUMBER, "minutes", NULL,
     "validity of the response; without it nextUpdate is omitted", 0, 0},
    {0                        },
};

struct job {
    struct pki_run *r;
    struct respond_ca cas[OBJECTS_MAX];
    struct respond_index *indexes[OBJECTS_MAX];
    size_t n_cas;
    struct cert *certs[OBJECTS_MAX];
    size_t n_certs;
    struct pkey *keys[OBJECTS_MAX];
    size_t n_keys;
    struct respond_query *query;
    struct diag d;
};

static void release(struct job *j)
{
    for (size_t i = 0; i < j->n_cas; i++) {
        cert_unref(j->cas[i].cert);
        respond_index_free(j->indexes[i]);
    }
    while (j->n_certs)
        cert_unref(j->certs[--j->n_certs]);
    while (j->n_keys)
        pkey_unref(j->keys[--j->n_keys]);
    respond_query_free(j->query);
}

static bool has_room(struct job *j, size_t n)
{
    if (n < OBJECTS_MAX)
        return true;
    diag_set(&j->d, FAIL_USAGE, "more than %d keys or certificates of a kind", OBJECTS_MAX);
    return false;
}

static bool take_index(struct job *j, const char *path)
{
    struct secret text = {0};
    if (!j->n_cas || j->cas[j->n_cas - 1].index) {
        diag_set(&j->d, FAIL_USAGE, "--index %s has no --cacert in front of it", path);
        return false;
    }
    if (!pki_read(path, &text, &j->d))
        return false;
    struct respond_ca *ca = &j->cas[j->n_cas - 1];
    struct respond_index *x = respond_index_load(secret_view(&text), &j->d);
    secret_free(&text);
    if (!x) {
        diag_where(&j->d, path, 0, 0);
        return false;
    }
    j->indexes[j->n_cas - 1] = x;
    ca->index = x;
    pki_note(j->r, 1, "loaded status of %zu certificates issued by '%s' from %s", respond_index_count(x),
             cert_subject_text(ca->cert), path);
    return true;
}

static bool take_argument(struct job *j, const struct pki_arg *a)
{
    if (pki_is(a, "cacert")) {
        if (!has_room(j, j->n_cas) || !(j->cas[j->n_cas].cert = pki_certificate(a->value, &j->d)))
            return false;
        j->n_cas++;
    }
    if (pki_is(a, "cert")) {
        if (!has_room(j, j->n_certs) || !(j->certs[j->n_certs] = pki_certificate(a->value, &j->d)))
            return false;
        j->n_certs++;
    }
    if (pki_is(a, "key")) {
        if (!has_room(j, j->n_keys) || !(j->keys[j->n_keys] = pki_private_key(j->r, a->value, "priv", &j->d)))
            return false;
        j->n_keys++;
    }
    return !pki_is(a, "index") || take_index(j, a->value);
}

static bool take_arguments(struct job *j)
{
    for (size_t i = 0; i < j->r->n_args; i++) {
        if (!take_argument(j, &j->r->args[i]))
            return false;
    }
    bool is_responder = pki_has(j->r, "respond");
    if (is_responder && !j->n_cas)
        diag_set(&j->d, FAIL_USAGE, "respond mode requires a CA certificate: --cacert");
    else if (is_responder && !j->n_keys)
        diag_set(&j->d, FAIL_USAGE, "respond mode requires a private signer key: --key");
    return !diag_failed(&j->d);
}

static void note_bytes(const struct job *j, const char *label, struct span bytes, const char *behind)
{
    size_t room = bytes.len * 3 + 1;
    struct text t = {.buf = arena_alloc(j->r->arena, room), .cap = room};
    pki_colons(&t, bytes);
    pki_note(j->r, 1, "%s%s%s", label, bytes.len ? t.buf : "", behind);
}

static void note_time(const struct job *j, const char *label, int64_t when)
{
    char buf[64];
    struct tm tm;
    time_t t = when;
    if (gmtime_r(&t, &tm) && strftime(buf, sizeof(buf), "%b %d %H:%M:%S UTC %Y", &tm))
        pki_note(j->r, 1, "%s%s", label, buf);
}

static void note_answer(const struct job *j, const struct respond_ca *ca, struct span serial,
                        int64_t lifetime)
{
    static const char *const reasons[] = {"unspecified",         "key compromise", "ca compromise",
                                          "affiliation changed", "superseded",     "cessation of operation",
                                          "certificate hold",    "unspecified",    "remove from crl"};
    enum { HOLD = 6 };
    struct respond_answer a = {.status = RESPOND_UNKNOWN};
    if (ca)
        a = respond_look_up(ca, serial);
    note_time(j, "  thisUpdate:        ", j->r->now);
    if (lifetime)
        note_time(j, "  nextUpdate:        ", j->r->now + lifetime);
    pki_note(j->r, 1, "  certValidation:    %s",
             a.status == RESPOND_GOOD      ? "GOOD"
             : a.status == RESPOND_UNKNOWN ? "FAILED"
             : a.reason == HOLD            ? "ON_HOLD"
                                           : "REVOKED");
    if (a.status != RESPOND_REVOKED)
        return;
    note_time(j, "  revocationTime:    ", a.revoked_at);
    pki_note(j->r, 1, "  revocationReason:  %s", reasons[a.reason >= 0 ? a.reason : 0]);
}

static void note_query(const struct job *j, bool is_responder, int64_t lifetime)
{
    if (respond_query_nonce(j->query).len)
        note_bytes(j, "nonce:               ", respond_query_nonce(j->query), "");
    for (size_t i = 0; i < respond_query_count(j->query); i++) {
        struct respond_asked asked = respond_query_at(j->query, i);
        const struct respond_ca *ca = respond_issuer(j->query, i, j->cas, j->n_cas);
        if (ca)
            pki_note(j->r, 1, "issuer:             \"%s\"", cert_subject_text(ca->cert));
        note_bytes(j, "  issuerKeyHash:     ", asked.key_hash, ca ? " (ok)" : " (no match)");
        note_bytes(j, "  issuerNameHash:    ", asked.name_hash, ca ? " (ok)" : " (no match)");
        note_bytes(j, "  serialNumber:      ", asked.serial, "");
        if (is_responder)
            note_answer(j, ca, asked.serial, lifetime);
    }
}

/* A certificate of one of the keys that may speak for the CAs that are asked about. */
static bool find_signer(const struct job *j, struct respond_signer *out)
{
    for (size_t k = 0; k < j->n_keys; k++) {
        for (size_t i = 0; i < j->n_certs + j->n_cas; i++) {
            struct cert *c = i < j->n_certs ? j->certs[i] : j->cas[i - j->n_certs].cert;
            bool is_valid = cert_not_before(c) <= j->r->now && j->r->now <= cert_not_after(c);
            if (!is_valid || !pkey_same(j->keys[k], cert_public_key(c)) ||
                !respond_may_sign(j->query, j->cas, j->n_cas, c))
                continue;
            out->cert = c;
            out->key = j->keys[k];
            return true;
        }
    }
    return false;
}

/* "sha3_256" as OpenSSL calls it. */
static const char *digest_name(const struct pki_run *r)
{
    const char *word = pki_get(r, "digest");
    char *name = word ? arena_strdup(r->arena, word) : NULL;
    for (char *p = name; p && *p; p++)
        *p = *p == '_' ? '-' : *p;
    return name;
}

enum { STATUS_MALFORMED = 1, STATUS_INTERNAL = 2, STATUS_UNAUTHORIZED = 6 };

static int respond_without_answer(const struct job *j, int status)
{
    static const char *const words[] = {[STATUS_MALFORMED] = "malformed request",
                                        [STATUS_INTERNAL] = "internal error",
                                        [STATUS_UNAUTHORIZED] = "unauthorized"};
    struct secret out = {0};
    pki_note(j->r, 1, "ocspResponseStatus:  %s", words[status]);
    respond_error(status, &out);
    int code = pki_write_bytes(j->r, secret_view(&out));
    secret_free(&out);
    return code;
}

static int respond(struct job *j, int64_t lifetime)
{
    struct respond_signer signer = {.digest = digest_name(j->r),
                                    .is_pss = !strcasecmp(pki_get(j->r, "rsa-padding"), "pss")};
    struct secret out = {0};
    size_t n_known = 0;
    for (size_t i = 0; i < respond_query_count(j->query); i++)
        n_known += respond_issuer(j->query, i, j->cas, j->n_cas) != NULL;
    if (!n_known)
        return respond_without_answer(j, STATUS_UNAUTHORIZED);
    if (!find_signer(j, &signer)) {
        pki_note(j->r, 1, "no signer certificate found");
        return respond_without_answer(j, STATUS_INTERNAL);
    }
    pki_note(j->r, 1, "trusted signer:     \"%s\"", cert_subject_text(signer.cert));
    if (!respond_make(j->query, j->cas, j->n_cas, &signer, j->r->now, lifetime, &out, &j->d))
        return pki_fail(j->r, &j->d);
    pki_note(j->r, 1, "ocspResponseStatus:  successful");
    int code = pki_write_bytes(j->r, secret_view(&out));
    secret_free(&out);
    return code;
}

static int run(struct pki_run *r)
{
    struct job j = {.r = r};
    struct secret data = {0};
    bool is_responder = pki_has(r, "respond");
    int64_t lifetime = (int64_t)pki_number(r, "lifetime", 0) * MINUTE;
    int code = 1;
    if (!pki_no_token(r, "keyid") || !pki_no_token(r, "certid"))
        return 1;
    bool is_ok = take_arguments(&j) && pki_read_in(r, &data, &j.d);
    if (is_ok)
        j.query = respond_query_load(secret_view(&data), &j.d);
    if (j.query) {
        note_query(&j, is_responder, lifetime);
        code = is_responder ? respond(&j, lifetime) : 0;
    } else {
        code = pki_fail(r, &j.d);
    }
    if (is_ok && !j.query && is_responder)
        code = respond_without_answer(&j, STATUS_MALFORMED);
    secret_free(&data);
    release(&j);
    return code;
}

const struct pki_command pki_cmd_ocsp = {
    .name = "ocsp",
    .letter = 'o',
    .doc = "OCSP responder",
    .options = options,
    .run = run,
    .manual =
        "Without \\fB\\-\\-respond\\fR the request is shown on stderr. With it the response goes to stdout, "
        "also when it\n"
        "is that the request was malformed, or that nobody here may answer it. It is signed by the CA, or by "
        "a\n"
        "certificate with the flag ocspSigning that the CA issued. What an index does not list is unknown.",
};
