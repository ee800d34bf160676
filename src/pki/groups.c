/* SPDX-License-Identifier: Apache-2.0 */
/* Is a certificate's holder in a group that a connection asks for (RFC 5755 sections 4.4.4 and 5)? A valid
 * attribute certificate for it says so, which an authority over attributes has issued that the operator
 * trusts by itself (x509aa). Where none will do, the one that came closest is told of. Not served: whether an
 * attribute certificate is revoked (section 6; they are short-lived), targets, and authorities below a CA. */
#include "base/text.h"
#include "net/dn.h"
#include "pki/acert.h"
#include "pki/cert_impl.h"
#include <stdio.h>

/* How close an attribute certificate came. */
enum closeness { CLOSE_NOT_FOR, CLOSE_STRANGER, CLOSE_FORGED, CLOSE_UNSERVED, CLOSE_DATE, CLOSE_GROUP };

struct reason {
    enum closeness how;
    char text[512];
};

static void note(struct reason *r, enum closeness how, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void note(struct reason *r, enum closeness how, const char *fmt, ...)
{
    va_list ap;
    if (how <= r->how)
        return;
    r->how = how;
    va_start(ap, fmt);
    vsnprintf(r->text, sizeof(r->text), fmt, ap);
    va_end(ap);
}

/* "'sales', 'finance'", no longer than a line. */
static const char *groups_of(const struct acert *a, char buf[200])
{
    struct text t = {.buf = buf, .cap = 200};
    buf[0] = 0;
    for (size_t i = 0; i < acert_group_count(a); i++) {
        struct acert_group g = acert_group_at(a, i);
        text_str(&t, i ? ", " : "");
        if (g.kind == ACERT_GROUP_TEXT) {
            text_str(&t, "'");
            text_safe(&t, g.value);
            text_str(&t, "'");
        } else {
            text_hex(&t, g.value);
        }
    }
    return buf[0] ? buf : "none";
}

static const char *grants(const struct trust_request *req, const struct acert *a)
{
    for (size_t g = 0; g < req->n_groups; g++) {
        for (size_t i = 0; i < acert_group_count(a); i++) {
            struct acert_group has = acert_group_at(a, i);
            if (has.kind != ACERT_GROUP_OID && span_equal(has.value, span_str(req->groups[g])))
                return req->groups[g];
        }
    }
    return NULL;
}

/* Whose it is; NULL with why. */
static const struct cert *issuer_of(const struct trust_request *req, const struct acert *a, struct reason *r)
{
    char name[256];
    const struct cert *found = NULL;
    note(r, CLOSE_STRANGER, "an attribute certificate of %s, who is no authority over attributes here",
         dn_format(acert_issuer_der(a), name, sizeof(name)));
    for (size_t i = 0; i < req->aas.n && !found; i++) {
        const struct cert *aa = req->aas.v[i];
        struct diag why = {0};
        if (!dn_equal(acert_issuer_der(a), cert_subject_der(aa)))
            continue;
        if (acert_is_signed_by(a, aa, &why))
            found = aa;
        else
            note(r, CLOSE_FORGED, "%.400s", why.what);
    }
    return found;
}

static bool is_in_time(const struct trust_request *req, const struct acert *a, const struct cert *aa,
                       struct reason *r)
{
    char from[40], to[40];
    const char *who = cert_subject_text(aa);
    if (req->now < acert_not_before(a) || req->now > acert_not_after(a)) {
        note(r, CLOSE_DATE, "an attribute certificate of %.200s for %s to %s", who,
             cert_time_text(acert_not_before(a), from), cert_time_text(acert_not_after(a), to));
        return false;
    }
    if (req->now < cert_not_before(aa) || req->now > cert_not_after(aa)) {
        note(r, CLOSE_DATE, "an attribute certificate of %.200s, whose own certificate is for %s to %s", who,
             cert_time_text(cert_not_before(aa), from), cert_time_text(cert_not_after(aa), to));
        return false;
    }
    return true;
}

static const char *ask(const struct trust_request *req, const struct acert *a, struct reason *r)
{
    char groups[200], to[40];
    if (!acert_is_for(a, req->leaf))
        return NULL;
    const struct cert *aa = issuer_of(req, a, r);
    if (!aa)
        return NULL;
    if (acert_unknown_critical(a)[0]) { /* [RFC5755#4.3] */
        note(r, CLOSE_UNSERVED, "an attribute certificate of %.200s with a critical extension, %s",
             cert_subject_text(aa), acert_unknown_critical(a));
        return NULL;
    }
    if (!is_in_time(req, a, aa, r))
        return NULL;
    const char *group = grants(req, a);
    if (!group)
        note(r, CLOSE_GROUP, "an attribute certificate of %.200s until %s with the groups %s",
             cert_subject_text(aa), cert_time_text(acert_not_after(a), to), groups_of(a, groups));
    return group;
}

static void explain(const struct trust_request *req, const struct reason *r, struct diag *why)
{
    char aa[200];
    snprintf(aa, sizeof(aa), "%.190s", req->aas.n ? cert_subject_text(req->aas.v[0]) : "");
    diag_set(why, FAIL_CERTIFICATE,
             "certificate %.120s is not shown to be in a group that this connection requires",
             req->leaf->subject_text);
    diag_expected(why, "an attribute certificate%s%s%s that puts it into '%.100s'%s", aa[0] ? " of " : "", aa,
                  req->aas.n > 1 ? " or another authority over attributes" : "", req->groups[0],
                  req->n_groups > 1 ? " or another of the groups" : "");
    if (r->how != CLOSE_NOT_FOR)
        diag_got(why, "%s", r->text);
    else
        diag_got(why, "none for it among %zu", req->n_acerts);
    if (!req->aas.n)
        diag_try(why, "put the certificate of the authority over attributes into x509aa");
    else
        diag_try(why, "put an attribute certificate into x509ac, or have the peer send it");
}

const char *acert_words(const struct acert *a, char buf[ACERT_WORDS_MAX])
{
    char issuer[256], until[40];
    snprintf(buf, ACERT_WORDS_MAX, "an attribute certificate of %s until %s",
             dn_format(acert_issuer_der(a), issuer, sizeof(issuer)),
             cert_time_text(acert_not_after(a), until));
    return buf;
}

bool path_groups_check(const struct trust_request *req, struct trust_verdict *out, struct diag *why)
{
    struct reason r = {.how = CLOSE_NOT_FOR};
    for (size_t i = 0; i < req->n_acerts && req->n_groups; i++) {
        out->group = ask(req, req->acerts[i], &r);
        out->granted_by = out->group ? req->acerts[i] : NULL;
        if (out->group)
            return true;
    }
    if (!req->n_groups)
        return true;
    explain(req, &r, why);
    return false;
}
