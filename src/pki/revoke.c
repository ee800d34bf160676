/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation of a path's certificates (RFC 5280 section 6.3, RFC 6960 section 3.2), each below the anchor,
 * from the anchor down. What is at hand decides: an entry in a CRL or a response that says "revoked" beats
 * everything, whatever else says "good"; otherwise a current response, or current CRLs for all reasons, are
 * enough. When they are not, an OCSP responder is to be asked, and when that does not help, a CRL fetched;
 * only then the connection's policy decides. What CRLs say is in revoke_crl.c. */
#include "pki/crl_impl.h"
#include "pki/ocsp.h"
#include "pki/revoke_impl.h"
#include <stdio.h>

/* ---- OCSP */

static bool is_current_answer(struct inquiry *q, const struct ocsp_single *s)
{
    char from[40], to[40];
    int64_t until = s->next_update == INT64_MAX ? s->this_update + OCSP_WITHOUT_END : s->next_update;
    if (s->this_update <= q->req->now + CLOCK_SKEW && q->req->now <= until + CLOCK_SKEW)
        return true;
    snprintf(q->lacking, sizeof(q->lacking), "an OCSP response for %s to %s",
             cert_time_text(s->this_update, from), cert_time_text(until, to));
    return false;
}

static void ask_responses(struct inquiry *q)
{
    const struct trust_request *req = q->req;
    for (size_t i = 0; i < req->n_ocsps && !q->is_revoked; i++) {
        const struct ocsp *o = req->ocsps[i];
        struct ocsp_single s;
        struct diag why = {0};
        if (!ocsp_find(o, q->cert, q->issuer, &s))
            continue;
        if (!ocsp_is_signed_for(o, q->issuer, &req->ocsp_signers, req->now, &why)) {
            inquiry_lacks(q, &why);
            continue;
        }
        if (!is_current_answer(q, &s))
            continue;
        if (s.status == OCSP_IS_REVOKED)
            inquiry_revoked(q, s.revoked_at, s.reason, "the OCSP response of", ocsp_responder_text(o));
        if (s.status == OCSP_IS_UNKNOWN)
            snprintf(q->lacking, sizeof(q->lacking), "the OCSP responder %.200s, which does not know it",
                     ocsp_responder_text(o));
        q->is_good |= s.status == OCSP_IS_GOOD;
    }
}

/* ---- what to fetch */

static const struct trust_tried *tried(const struct trust_request *req, const char *url)
{
    for (size_t i = 0; i < req->n_tried; i++) {
        if (strcmp(req->tried[i].url, url) == 0)
            return &req->tried[i];
    }
    return NULL;
}

/* Asks for the first that was not tried yet. */
static void want_first(struct inquiry *q, const char *const *urls, size_t n, enum trust_fetch_kind kind,
                       bool is_configured)
{
    for (size_t i = 0; i < n; i++) {
        const struct trust_tried *t = tried(q->req, urls[i]);
        q->has_uri = true;
        if (t && t->failure)
            snprintf(q->lacking, sizeof(q->lacking), "nothing from %.200s: %.200s", urls[i], t->failure);
        if (t || !q->req->can_fetch || q->wanted)
            continue;
        q->wanted = urls[i];
        q->fetch = (struct trust_fetch){.kind = kind,
                                        .url = urls[i],
                                        .is_configured = is_configured,
                                        .cert = q->cert,
                                        .issuer = q->issuer};
    }
}

static const struct trust_authority *authority_of(const struct inquiry *q)
{
    for (size_t i = 0; i < q->req->n_authorities; i++) {
        const struct cert *ca = q->req->authorities[i].ca;
        if (ca == q->issuer ||
            (dn_equal(ca->subject, q->issuer->subject) && pkey_same(ca->key, q->issuer->key)))
            return &q->req->authorities[i];
    }
    return NULL;
}

static void want_information(struct inquiry *q)
{
    const struct trust_authority *a = authority_of(q);
    const struct uri_list *ocsp = &q->cert->ocsp_uris, *crl = &q->cert->crl_uris;
    bool asks = !q->req->ignores_ocsp, reads = !q->req->ignores_crls;
    if (a && asks)
        want_first(q, a->ocsp_uris, a->n_ocsp_uris, FETCH_OCSP, true);
    if (asks)
        want_first(q, (const char *const *)ocsp->v, ocsp->n, FETCH_OCSP, false);
    if (a && reads)
        want_first(q, a->crl_uris, a->n_crl_uris, FETCH_CRL, true);
    if (reads)
        want_first(q, (const char *const *)crl->v, crl->n, FETCH_CRL, false);
}

/* A full CRL answers, and somebody says that there is a newer one of changes: worth a look, no more. */
static void want_delta(struct inquiry *q)
{
    const struct uri_list *own = &q->cert->delta_uris;
    bool had_uri = q->has_uri;
    if (!q->full || q->has_delta)
        return;
    want_first(q, (const char *const *)q->full->deltas.v, q->full->deltas.n, FETCH_CRL, false);
    want_first(q, (const char *const *)own->v, own->n, FETCH_CRL, false);
    q->has_uri = had_uri;
}

/* ---- the verdict */

void inquiry_revoked(struct inquiry *q, int64_t at, enum crl_reason reason, const char *what,
                     const char *whose)
{
    q->is_revoked = true;
    q->revoked_at = at;
    snprintf(q->source, sizeof(q->source), "%s%s%s %.300s", crl_reason_text(reason),
             reason == CRL_NO_REASON ? "" : ", ", what, whose);
}

void inquiry_lacks(struct inquiry *q, const struct diag *why)
{
    snprintf(q->lacking, sizeof(q->lacking), "%.400s", why->what);
}

static bool reject_revoked(const struct inquiry *q, const char **unmet, struct diag *why)
{
    char when[40];
    diag_set(why, FAIL_CERTIFICATE, "certificate %.120s was revoked at %s", q->cert->subject_text,
             cert_time_text(q->revoked_at, when));
    diag_expected(why, "a certificate that its authority %.300s has not revoked", q->issuer->subject_text);
    diag_got(why, "%s", q->source);
    diag_try(why, "have a new certificate issued");
    *unmet = "revocation";
    return false;
}

static bool reject_unknown(const struct inquiry *q, const char **unmet, struct diag *why)
{
    bool is_strict = q->req->revocation == REVOCATION_STRICT;
    if (!is_strict && (q->req->revocation != REVOCATION_IFURI || !q->has_uri))
        return true;
    diag_set(why, FAIL_CERTIFICATE, "it is not known whether certificate %.120s is revoked",
             q->cert->subject_text);
    diag_expected(why, "a current CRL or OCSP response of %.300s, as revocation = %s demands",
                  q->issuer->subject_text, is_strict ? "strict" : "ifuri");
    if (q->lacking[0])
        diag_got(why, "%s", q->lacking);
    else
        diag_got(why, q->has_uri ? "neither" : "neither, and nothing says where they are");
    if (q->req->ignores_crls)
        diag_try(why, "let CRLs count: plugins.revocation.enable_crl of strongswan.conf says no");
    else
        diag_try(why, q->has_uri ? "see that this machine can reach them, or put a CRL into x509crl"
                                 : "put a CRL into x509crl, or name crl_uris of the authority");
    *unmet = "revocation";
    return false;
}

static bool check_one(struct inquiry *q, struct trust_verdict *out, bool *is_open, const char **unmet,
                      struct diag *why)
{
    if (!q->req->ignores_ocsp)
        ask_responses(q);
    if (!q->is_revoked && !q->req->ignores_crls)
        inquiry_ask_crls(q);
    if (q->is_revoked)
        return reject_revoked(q, unmet, why);
    if (q->is_good)
        want_delta(q);
    else
        want_information(q);
    if (q->wanted && out->n_fetch < TRUST_FETCHES) {
        out->fetch[out->n_fetch++] = q->fetch;
        *is_open = true;
        return true;
    }
    return q->is_good || reject_unknown(q, unmet, why);
}

bool path_revocation_check(const struct cert_path *path, const struct trust_request *req,
                           struct trust_verdict *out, bool *is_open, const char **unmet, struct diag *why)
{
    out->n_fetch = 0;
    for (size_t at = path->n - 1; at-- > 0;) {
        struct inquiry q = {
            .req = req, .path = path, .at = at, .cert = path->v[at], .issuer = path->v[at + 1]};
        if (!check_one(&q, out, is_open, unmet, why)) {
            out->n_fetch = 0;
            return false;
        }
    }
    return true;
}
