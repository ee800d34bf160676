/* SPDX-License-Identifier: Apache-2.0 */
/* `pki --signcrl`: a certificate revocation list. What is revoked stands in the order of the command line,
 * and then what the last list had; --reason and --date are of the --cert or --serial that follows. */
#include "bin/pki/cert_options.h"
#include "bin/pki/commands.h"
#include "pki/crl.h"
#include <errno.h>
#include <stdlib.h>

enum { DAY = 86400 };

#define REASONS                                                                                              \
    "key-compromise|ca-compromise|affiliation-changed|superseded|cessation-of-operation|certificate-hold|"   \
    "unspecified|privilege-withdrawn|aa-compromise"

/* clang-format off */
static const struct pki_option options[] = {
    {"cacert", 'c', PKI_TEXT, "file", NULL, "CA certificate file", 1, 0},
    {"cakey", 'k', PKI_TEXT, "file", NULL, "CA private key file", 0, 0},
    {"cakeyid", 'x', PKI_TEXT, "hex", NULL, "CA private key on a token", 0, 0},
    {"lifetime", 'l', PKI_NUMBER, "days", "15", "days the CRL gets a nextUpdate", 0, 0},
    PKI_ROWS_VALIDITY("this-update", "next-update", "CRL"),
    {"lastcrl", 'a', PKI_TEXT, "file", NULL, "CRL of lastUpdate to copy revocations from", 0, 0},
    {"basecrl", 'b', PKI_TEXT, "file", NULL, "base CRL to create a delta CRL for", 0, 0},
    {"crluri", 'u', PKI_TEXT, "uri", NULL, "freshest delta CRL URI to include", 0, 1},
    {"reason", 'r', PKI_CHOICE, REASONS, NULL, "reason of the next --cert or --serial", 0, 1},
    {"date", 'd', PKI_TEXT, "timestamp", NULL, "revocation date of the next one as unix timestamp, default: now", 0, 1},
    {"cert", 'z', PKI_TEXT, "file", NULL, "certificate file to revoke", 0, 1},
    {"serial", 's', PKI_TEXT, "hex", NULL, "hex encoded certificate serial number to revoke", 0, 1},
    PKI_ROWS_SIGNATURE,
    {"critical", 'X', PKI_TEXT, "oid", NULL, "critical extension OID to include for test purposes", 0, 1},
    {"outform", 'f', PKI_CHOICE, "der|pem", "der", "encoding of generated crl", 0, 0},
    {0},
};

static const struct {
    const char *word;
    enum crl_reason reason;
} reasons[] = {
    {"unspecified",            CRL_UNSPECIFIED           },
    {"key-compromise",         CRL_KEY_COMPROMISE        },
    {"ca-compromise",          CRL_CA_COMPROMISE         },
    {"affiliation-changed",    CRL_AFFILIATION_CHANGED   },
    {"superseded",             CRL_SUPERSEDED            },
    {"cessation-of-operation", CRL_CESSATION_OF_OPERATION},
    {"certificate-hold",       CRL_CERTIFICATE_HOLD      },
    {"privilege-withdrawn",    CRL_PRIVILEGE_WITHDRAWN   },
    {"aa-compromise",          CRL_AA_COMPROMISE         },
};
/* clang-format on */

static enum crl_reason reason_of(const char *word)
{
    size_t i = 0;
    while (strcasecmp(reasons[i].word, word) != 0) /* the row has checked it */
        i++;
    return reasons[i].reason;
}

static bool parse_timestamp(const char *text, int64_t *out, struct diag *d)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (end != text && !*end && !errno && n >= 0) {
        *out = n;
        return true;
    }
    diag_set(d, FAIL_USAGE, "invalid --date %s", text);
    diag_expected(d, "seconds since 1970");
    return false;
}

static bool serial_of_file(const struct pki_run *r, const char *path, struct span *serial, struct diag *d)
{
    struct cert *c = pki_certificate(path, d);
    if (!c)
        return false;
    *serial = arena_dup(r->arena, cert_serial(c));
    cert_unref(c);
    return true;
}

/* Bytes without zeros in front. */
static struct span trimmed(struct span s)
{
    while (s.len > 1 && !s.ptr[0])
        s = span_of(s.ptr + 1, s.len - 1);
    return s;
}

static bool take_options(const struct pki_run *r, struct issue_revoked *v, size_t *n, struct diag *d)
{
    struct issue_revoked next = {.date = r->now, .reason = -1};
    for (size_t i = 0; i < r->n_args; i++) {
        const struct pki_arg *arg = &r->args[i];
        if (pki_is(arg, "reason"))
            next.reason = reason_of(arg->value);
        if (pki_is(arg, "date") && !parse_timestamp(arg->value, &next.date, d))
            return false;
        bool is_cert = pki_is(arg, "cert");
        if (!is_cert && !pki_is(arg, "serial"))
            continue;
        if (!(is_cert ? serial_of_file(r, arg->value, &next.serial, d)
                      : pki_serial(r, arg->value, &next.serial, d)))
            return false;
        v[(*n)++] = next;
        next = (struct issue_revoked){.date = r->now, .reason = -1};
    }
    return true;
}

static struct crl *read_crl(const char *path, struct diag *d)
{
    struct secret data = {0};
    if (!pki_read(path, &data, d))
        return NULL;
    struct crl *c = crl_load(secret_view(&data), d);
    secret_free(&data);
    return c;
}

/* The entries of the last list that are not given anew. */
static void take_last(const struct crl *last, struct issue_revoked *v, size_t *n)
{
    size_t n_new = *n;
    for (size_t i = 0; i < crl_count(last); i++) {
        struct crl_entry e = crl_entry_at(last, i);
        bool is_given = e.reason == CRL_REMOVE_FROM_CRL;
        for (size_t j = 0; j < n_new && !is_given; j++)
            is_given = span_equal(trimmed(v[j].serial), trimmed(e.serial));
        if (!is_given)
            v[(*n)++] = (struct issue_revoked){.serial = e.serial, .date = e.date, .reason = (int)e.reason};
    }
}

/* number + 1, big-endian; of no number: 1. */
static struct span one_more(const struct pki_run *r, struct span number)
{
    uint8_t *out = arena_alloc(r->arena, number.len + 1);
    if (number.len)
        memcpy(out + 1, number.ptr, number.len);
    for (size_t i = number.len + 1; i-- > 0 && ++out[i] == 0;)
        ;
    return span_of(out, number.len + 1);
}

struct lists {
    struct cert *ca;
    struct pkey *key;
    struct crl *last, *base;
};

static bool prepare(const struct pki_run *r, struct lists *s, struct issue_crl *c, struct diag *d)
{
    const char *last = pki_get(r, "lastcrl"), *base = pki_get(r, "basecrl");
    if ((last && !(s->last = read_crl(last, d))) || (base && !(s->base = read_crl(base, d))))
        return false;
    struct issue_revoked *v =
        arena_calloc(r->arena, r->n_args + (s->last ? crl_count(s->last) : 0) + 1, sizeof(*v));
    struct span former = s->base ? crl_number(s->base) : span_of(NULL, 0);
    if (s->base && !former.len) {
        diag_set(d, FAIL_CERTIFICATE, "the base CRL has no number");
        return false;
    }
    if (s->last && crl_number_compare(crl_number(s->last), former) > 0)
        former = crl_number(s->last);
    c->number = one_more(r, former);
    c->base_number = s->base ? crl_number(s->base) : c->base_number;
    if (!pki_validity(r, "this-update", "next-update", DAY, &c->this_update, &c->next_update, d) ||
        !take_options(r, v, &c->n_revoked, d) || !pki_critical(r, &c->critical_oids, &c->n_critical_oids, d))
        return false;
    if (s->last)
        take_last(s->last, v, &c->n_revoked);
    c->revoked = v;
    c->delta_uris = pki_texts(r, "crluri", &c->n_delta_uris);
    for (size_t i = 0; i < c->n_delta_uris; i++) {
        if (!pki_uri(c->delta_uris[i], "crluri", d))
            return false;
    }
    s->ca = pki_certificate(pki_get(r, "cacert"), d);
    s->key = s->ca ? pki_key_of(r, "cakey", "cakeyid", "priv", true, d) : NULL;
    return s->key != NULL;
}

static int run(struct pki_run *r)
{
    struct diag d = {0};
    struct span der;
    struct issue_crl c = {0};
    struct lists s = {0};
    if (!pki_has(r, "cakey") && !pki_has(r, "cakeyid"))
        return pki_refuse(r, "--cakey or --cakeyid is required");
    bool is_ok = prepare(r, &s, &c, &d);
    if (is_ok) {
        struct issue_signer by = pki_signer(r, s.key);
        is_ok = issue_crl(r->arena, &c, s.ca, &by, &der, &d);
    }
    cert_unref(s.ca);
    pkey_unref(s.key);
    crl_unref(s.last);
    crl_unref(s.base);
    return is_ok ? pki_write(r, "X509 CRL", der) : pki_fail(r, &d);
}

const struct pki_command pki_cmd_signcrl = {
    .name = "signcrl",
    .letter = 'c',
    .doc = "issue a CRL using a CA certificate and key",
    .options = options,
    .run = run,
};
