/* SPDX-License-Identifier: Apache-2.0 */
/* For which certificates a CRL speaks (RFC 5280 sections 4.2.1.13, 5.2.5 and 6.3.3 (b)): the issuer, the kind
 * of certificate, the distribution points on both sides, and the reasons they are about. */
#include "net/dn.h"
#include "pki/crl_impl.h"

static uint32_t reasons_of(const ASN1_BIT_STRING *s)
{
    uint32_t bits = 0;
    for (int i = 1; s && i <= 8; i++)
        bits |= (uint32_t)ASN1_BIT_STRING_get_bit((ASN1_BIT_STRING *)s, i) << i;
    return s ? bits : CRL_ALL_REASONS;
}

static bool names_meet(const GENERAL_NAMES *a, const GENERAL_NAMES *b)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(a); i++) {
        for (int k = 0; k < sk_GENERAL_NAME_num(b); k++) {
            if (GENERAL_NAME_cmp(sk_GENERAL_NAME_value(a, i), sk_GENERAL_NAME_value(b, k)) == 0)
                return true;
        }
    }
    return false;
}

static bool names_have_dn(const GENERAL_NAMES *names, struct span dn)
{
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        if (dn_equal(general_name_directory(sk_GENERAL_NAME_value(names, i)), dn))
            return true;
    }
    return false;
}

static struct span dn_of(const X509_NAME *n)
{
    const unsigned char *der;
    size_t len;
    return n && X509_NAME_get0_der(n, &der, &len) ? span_of(der, len) : span_of(NULL, 0);
}

/* The name that is one: the full directory name of what is relative to the CRL's issuer. */
static struct span relative_dn(const DIST_POINT_NAME *n)
{
    return n->type == 1 ? dn_of(n->dpname) : span_of(NULL, 0);
}

static bool points_meet(const DIST_POINT_NAME *a, const DIST_POINT_NAME *b)
{
    struct span x = relative_dn(a), y = relative_dn(b);
    if (x.len && y.len)
        return dn_equal(x, y);
    if (x.len)
        return names_have_dn(b->name.fullname, x);
    if (y.len)
        return names_have_dn(a->name.fullname, y);
    return a->type == 0 && b->type == 0 && names_meet(a->name.fullname, b->name.fullname);
}

/* The certificate's issuer stands for a distribution point where it names none. */
static bool names_dn(const DIST_POINT_NAME *n, struct span dn)
{
    return n->type == 0 ? names_have_dn(n->name.fullname, dn) : dn_equal(relative_dn(n), dn);
}

static bool point_covers(const struct crl *c, const struct cert *cert, const DIST_POINT *p)
{
    const DIST_POINT_NAME *ours = c->point ? c->point->distpoint : NULL;
    bool is_own = dn_equal(c->issuer, cert->issuer);
    bool is_named = p && names_have_dn(p->CRLissuer, c->issuer);
    if (p && p->CRLissuer ? !is_named || (!is_own && !c->scope.is_indirect) : !is_own)
        return false;
    if (!ours)
        return true;
    if (p && p->distpoint)
        return points_meet(ours, p->distpoint);
    return p && p->CRLissuer ? ours->type == 0 && names_meet(ours->name.fullname, p->CRLissuer)
                             : names_dn(ours, cert->issuer);
}

bool crl_covers(const struct crl *c, const struct cert *cert, uint32_t *reasons)
{
    const struct crl_scope *s = &c->scope;
    uint32_t own = s->has_all_reasons ? CRL_ALL_REASONS : s->reasons & CRL_ALL_REASONS;
    *reasons = 0;
    if (s->has_only_attributes || (s->has_only_users && cert->is_ca) || (s->has_only_cas && !cert->is_ca))
        return false;
    for (int i = 0; i < sk_DIST_POINT_num(cert->crl_points); i++) {
        const DIST_POINT *p = sk_DIST_POINT_value(cert->crl_points, i);
        if (point_covers(c, cert, p))
            *reasons |= own & reasons_of(p->reasons);
    }
    /* [RFC5280#6.3.3] a CRL of the certificate's issuer needs no distribution point that names it */
    if (point_covers(c, cert, NULL))
        *reasons |= own;
    return *reasons != 0;
}

bool crl_same_scope(const struct crl *a, const struct crl *b)
{
    return dn_equal(a->issuer, b->issuer) && span_equal(a->point_der, b->point_der);
}
