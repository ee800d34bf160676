/* SPDX-License-Identifier: Apache-2.0 */
/* What CRLs say about a certificate of a path (RFC 5280 section 6.3.3): which of those at hand speak for it
 * and are signed by who may, which of them is replaced by a newer one, what a delta CRL changes
 * (section 5.2.4), and whether all reasons are covered. A CRL that is out of date still revokes. */
#include "pki/revoke_impl.h"
#include <openssl/err.h>
#include <stdio.h>

struct candidate {
    const struct crl *crl;
    uint32_t reasons;
};

struct candidates {
    struct candidate v[CRLS_MAX];
    size_t n;
};

/* ---- who may sign */

/* A CA of the path above the certificate, or one whose certificate such a CA has issued. */
static bool is_of_this_path(const struct inquiry *q, const struct cert *c)
{
    for (size_t i = q->at + 1; i < q->path->n; i++) {
        const struct cert *ca = q->path->v[i];
        if (ca == c || span_equal(cert_der(ca), cert_der(c)))
            return true;
        if (!dn_equal(c->issuer, ca->subject) || q->req->now < c->not_before || q->req->now > c->not_after ||
            asn1_digest_is_weak(c->digest_nid) || c->unknown_critical[0])
            continue;
        bool is_issued = X509_verify(c->x509, X509_get0_pubkey(ca->x509)) == 1;
        ERR_clear_error();
        if (is_issued)
            return true;
    }
    return false;
}

/* Its issuer's key, most of the time; another key of the same name, or whoever makes indirect CRLs
 * [RFC5280#6.3.3 (f)]: a certificate of its own then, which says that it may. */
static bool is_signed(const struct inquiry *q, const struct crl *c, struct diag *why)
{
    const struct cert_list *lists[] = {&q->req->anchors, &q->req->intermediates};
    if (crl_is_signed_by(c, q->issuer, why))
        return true;
    for (size_t l = 0; l < ARRAY_LEN(lists); l++) {
        for (size_t i = 0; i < lists[l]->n; i++) {
            const struct cert *s = lists[l]->v[i];
            struct diag ignored = {0};
            bool may = s->has_key_usage && s->key_usage & KU_CRL_SIGN && dn_equal(s->subject, c->issuer);
            if (may && s != q->issuer && is_of_this_path(q, s) && crl_is_signed_by(c, s, &ignored))
                return true;
        }
    }
    return false;
}

static bool is_usable(struct inquiry *q, const struct crl *c)
{
    struct diag why = {0};
    char when[40];
    if (c->unknown_critical[0]) {
        snprintf(q->lacking, sizeof(q->lacking),
                 "a CRL of %.200s with a critical extension that is not supported, %s", c->issuer_text,
                 c->unknown_critical);
        return false;
    }
    if (c->this_update > q->req->now + CLOCK_SKEW) {
        snprintf(q->lacking, sizeof(q->lacking), "a CRL of %.200s that begins at %s", c->issuer_text,
                 cert_time_text(c->this_update, when));
        return false;
    }
    if (is_signed(q, c, &why))
        return true;
    inquiry_lacks(q, &why);
    return false;
}

static void collect(struct inquiry *q, struct candidates *full, struct candidates *delta)
{
    for (size_t i = 0; i < q->req->n_crls; i++) {
        const struct crl *c = q->req->crls[i];
        struct candidates *to = c->base_len ? delta : full;
        uint32_t reasons;
        if (to->n < CRLS_MAX && crl_covers(c, q->cert, &reasons) && is_usable(q, c))
            to->v[to->n++] = (struct candidate){.crl = c, .reasons = reasons};
    }
}

/* ---- which of them counts */

static bool is_newer(const struct crl *a, const struct crl *b)
{
    int order = crl_number_compare(crl_number(a), crl_number(b));
    return order ? order > 0 : a->this_update > b->this_update;
}

static bool is_replaced(const struct candidates *all, const struct crl *c)
{
    for (size_t i = 0; i < all->n; i++) {
        if (all->v[i].crl != c && crl_same_scope(all->v[i].crl, c) && is_newer(all->v[i].crl, c))
            return true;
    }
    return false;
}

static bool is_current(struct inquiry *q, const struct crl *c)
{
    char when[40];
    int64_t until = c->next_update == INT64_MAX ? c->this_update + CRL_WITHOUT_END : c->next_update;
    if (q->req->now <= until)
        return true;
    snprintf(q->lacking, sizeof(q->lacking), "a CRL of %.200s that ended at %s", c->issuer_text,
             cert_time_text(until, when));
    return false;
}

/* [RFC5280#5.2.4] the newest that continues this full CRL, and is current */
static const struct crl *delta_for(struct inquiry *q, const struct candidates *deltas, const struct crl *full)
{
    const struct crl *best = NULL;
    for (size_t i = 0; i < deltas->n; i++) {
        const struct crl *d = deltas->v[i].crl;
        bool continues = crl_same_scope(d, full) && full->number_len &&
                         crl_number_compare(crl_number(full), crl_base_number(d)) >= 0 &&
                         crl_number_compare(crl_number(full), crl_number(d)) < 0;
        if (continues && is_current(q, d) && (!best || is_newer(d, best)))
            best = d;
    }
    return best;
}

static void tell_revoked(struct inquiry *q, const struct crl *c, const struct crl_entry *e)
{
    inquiry_revoked(q, e->date, e->reason, c->base_len ? "a delta CRL of" : "a CRL of", c->issuer_text);
}

void inquiry_ask_crls(struct inquiry *q)
{
    struct candidates full = {.n = 0}, delta = {.n = 0};
    uint32_t covered = 0;
    collect(q, &full, &delta);
    for (size_t i = 0; i < full.n && !q->is_revoked; i++) {
        const struct crl *c = full.v[i].crl;
        struct crl_entry e;
        if (is_replaced(&full, c))
            continue;
        const struct crl *d = delta_for(q, &delta, c);
        bool is_changed = d && crl_find(d, cert_serial(q->cert), q->cert->issuer, &e);
        if (is_changed && e.reason != CRL_REMOVE_FROM_CRL)
            tell_revoked(q, d, &e);
        if (!is_changed && crl_find(c, cert_serial(q->cert), q->cert->issuer, &e) &&
            e.reason != CRL_REMOVE_FROM_CRL)
            tell_revoked(q, c, &e);
        if (!d && !is_current(q, c))
            continue;
        covered |= full.v[i].reasons;
        q->full = c;
        q->has_delta |= d != NULL;
    }
    q->is_good |= covered == CRL_ALL_REASONS;
}
