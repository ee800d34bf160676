/* SPDX-License-Identifier: Apache-2.0 */
/* The extensions of a certificate that fill lines of their own in `pki --print`: CRL and OCSP URIs, name
 * constraints, policies (RFC 5280 section 4.2.1) and address blocks (RFC 3779 section 2). The real one shows
 * one CPS per policy and no user notice; so does this. It reads policyConstraints only where their tags are
 * explicit, which is how its own --issue writes them and not what RFC 5280 says; here both are read. */
#include "pki/print/print_impl.h"
#include <arpa/inet.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>

static const char URI_INDENT[] = "           ";

/* policyConstraints as strongSwan 5.9 writes it. */
struct explicit_constraints {
    ASN1_INTEGER *explicit_policy, *mapping;
};
typedef struct explicit_constraints PKI_EXPLICIT_PC; /* OpenSSL's templates want a type's name */
ASN1_SEQUENCE(PKI_EXPLICIT_PC) =
    {
        ASN1_EXP_OPT(PKI_EXPLICIT_PC, explicit_policy, ASN1_INTEGER, 0),
        ASN1_EXP_OPT(PKI_EXPLICIT_PC, mapping, ASN1_INTEGER, 1),
} static_ASN1_SEQUENCE_END(PKI_EXPLICIT_PC)

    /* The label stands in front of the first, indent in front of the others. */
    static void print_uri(struct text * t, const char **label, const char *indent, const GENERAL_NAME *uri,
                          const GENERAL_NAME *issuer)
{
    size_t mark = t->len;
    text_str(t, *label);
    if (!print_general_name(t, uri, false)) {
        t->len = mark;
        return;
    }
    *label = indent;
    if (issuer) {
        text_str(t, " (CRL issuer: ");
        print_general_name(t, issuer, false);
        text_str(t, ")");
    }
    text_str(t, "\n");
}

/* The names of one point come last first, each with all of its issuers. */
static void print_point(struct text *t, const DIST_POINT *p, const char **label, const char *indent)
{
    const GENERAL_NAMES *names = p->distpoint && p->distpoint->type == 0 ? p->distpoint->name.fullname : NULL;
    int n_issuers = sk_GENERAL_NAME_num(p->CRLissuer);
    for (int i = sk_GENERAL_NAME_num(names) - 1; i >= 0; i--) {
        for (int k = 0; k < n_issuers || k == 0; k++) {
            const GENERAL_NAME *issuer = k < n_issuers ? sk_GENERAL_NAME_value(p->CRLissuer, k) : NULL;
            print_uri(t, label, indent, sk_GENERAL_NAME_value(names, i), issuer);
        }
    }
}

void print_points(struct text *t, const CRL_DIST_POINTS *points, const char **label, const char *indent)
{
    for (int i = 0; i < sk_DIST_POINT_num(points); i++)
        print_point(t, sk_DIST_POINT_value(points, i), label, indent);
    t->buf[t->len] = '\0';
}

bool print_uris(struct text *t, const X509 *x, struct diag *d)
{
    CRL_DIST_POINTS *points = NULL;
    AUTHORITY_INFO_ACCESS *access = NULL;
    const char *crl = "  CRL URIs:  ", *ocsp = "  OCSP URIs: ";
    bool is_ok = print_take_ext(x, NID_crl_distribution_points, &points, d) &&
                 print_take_ext(x, NID_info_access, &access, d);
    if (is_ok)
        print_points(t, points, &crl, URI_INDENT);
    for (int i = 0; is_ok && i < sk_ACCESS_DESCRIPTION_num(access); i++) {
        const ACCESS_DESCRIPTION *a = sk_ACCESS_DESCRIPTION_value(access, i);
        if (OBJ_obj2nid(a->method) == NID_ad_OCSP)
            print_uri(t, &ocsp, URI_INDENT, a->location, NULL);
    }
    t->buf[t->len] = '\0';
    CRL_DIST_POINTS_free(points);
    AUTHORITY_INFO_ACCESS_free(access);
    return is_ok;
}

static void print_subtrees(struct text *t, const char *label, const STACK_OF(GENERAL_SUBTREE) * trees)
{
    bool is_first = true;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        size_t mark = t->len;
        if (is_first)
            text_printf(t, "  %s nameConstraints:\n", label);
        text_str(t, "           ");
        if (print_general_name(t, sk_GENERAL_SUBTREE_value(trees, i)->base, true)) {
            text_str(t, "\n");
            is_first = false;
            continue;
        }
        t->len = mark;
    }
    t->buf[t->len] = '\0';
}

bool print_constraints(struct text *t, const X509 *x, struct diag *d)
{
    NAME_CONSTRAINTS *nc;
    if (!print_take_ext(x, NID_name_constraints, &nc, d))
        return false;
    if (nc) {
        print_subtrees(t, "permitted", nc->permittedSubtrees);
        print_subtrees(t, "excluded", nc->excludedSubtrees);
    }
    NAME_CONSTRAINTS_free(nc);
    return true;
}

static void print_policy(struct text *t, const POLICYINFO *p)
{
    text_str(t, "             ");
    print_oid(t, p->policyid);
    text_str(t, "\n");
    for (int i = 0; i < sk_POLICYQUALINFO_num(p->qualifiers); i++) {
        const POLICYQUALINFO *q = sk_POLICYQUALINFO_value(p->qualifiers, i);
        if (OBJ_obj2nid(q->pqualid) != NID_id_qt_cps)
            continue;
        text_str(t, "             CPS: ");
        print_raw(t, print_octets(q->d.cpsuri));
        text_str(t, "\n");
        return;
    }
}

static bool print_certificate_policies(struct text *t, const X509 *x, struct diag *d)
{
    CERTIFICATEPOLICIES *policies;
    if (!print_take_ext(x, NID_certificate_policies, &policies, d))
        return false;
    if (sk_POLICYINFO_num(policies) > 0)
        text_str(t, "  certificatePolicies:\n");
    for (int i = 0; i < sk_POLICYINFO_num(policies); i++)
        print_policy(t, sk_POLICYINFO_value(policies, i));
    CERTIFICATEPOLICIES_free(policies);
    return true;
}

static bool print_mappings(struct text *t, const X509 *x, struct diag *d)
{
    POLICY_MAPPINGS *mappings;
    if (!print_take_ext(x, NID_policy_mappings, &mappings, d))
        return false;
    if (sk_POLICY_MAPPING_num(mappings) > 0)
        text_str(t, "  policyMappings:\n");
    for (int i = 0; i < sk_POLICY_MAPPING_num(mappings); i++) {
        const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(mappings, i);
        text_str(t, "           ");
        print_oid(t, m->issuerDomainPolicy);
        text_str(t, " => ");
        print_oid(t, m->subjectDomainPolicy);
        text_str(t, "\n");
    }
    sk_POLICY_MAPPING_pop_free(mappings, POLICY_MAPPING_free);
    return true;
}

/* -1: absent. */
struct limits {
    long explicit_policy, mapping, any;
};

static long read_limit(const ASN1_INTEGER *i)
{
    return i ? ASN1_INTEGER_get(i) : -1;
}

static bool read_policy_constraints(const X509 *x, struct limits *out, struct diag *d)
{
    int at = X509_get_ext_by_NID(x, NID_policy_constraints, -1);
    if (at < 0)
        return true;
    POLICY_CONSTRAINTS *pc = X509_get_ext_d2i(x, NID_policy_constraints, NULL, NULL);
    if (pc) {
        out->explicit_policy = read_limit(pc->requireExplicitPolicy);
        out->mapping = read_limit(pc->inhibitPolicyMapping);
        POLICY_CONSTRAINTS_free(pc);
        return true;
    }
    struct span der = print_octets(X509_EXTENSION_get_data(X509_get_ext(x, at)));
    const uint8_t *p = der.ptr;
    struct explicit_constraints *ec =
        (void *)ASN1_item_d2i(NULL, &p, (long)der.len, ASN1_ITEM_rptr(PKI_EXPLICIT_PC));
    if (!ec) {
        diag_set(d, FAIL_CERTIFICATE, "the certificate's policyConstraints is malformed");
        return false;
    }
    out->explicit_policy = read_limit(ec->explicit_policy);
    out->mapping = read_limit(ec->mapping);
    ASN1_item_free((ASN1_VALUE *)ec, ASN1_ITEM_rptr(PKI_EXPLICIT_PC));
    return true;
}

static bool print_policy_constraints(struct text *t, const X509 *x, struct diag *d)
{
    struct limits l = {-1, -1, -1};
    ASN1_INTEGER *any;
    if (!read_policy_constraints(x, &l, d) || !print_take_ext(x, NID_inhibit_any_policy, &any, d))
        return false;
    l.any = read_limit(any);
    ASN1_INTEGER_free(any);
    if (l.explicit_policy >= 0 || l.mapping >= 0 || l.any >= 0)
        text_str(t, "  policyConstraints:\n");
    if (l.explicit_policy >= 0)
        text_printf(t, "           requireExplicitPolicy: %ld\n", l.explicit_policy);
    if (l.mapping >= 0)
        text_printf(t, "           inhibitPolicyMapping: %ld\n", l.mapping);
    if (l.any >= 0)
        text_printf(t, "           inhibitAnyPolicy: %ld\n", l.any);
    return true;
}

bool print_policies(struct text *t, const X509 *x, struct diag *d)
{
    return print_certificate_policies(t, x, d) && print_mappings(t, x, d) &&
           print_policy_constraints(t, x, d);
}

/* The first and last address of a block, 4 or 16 bytes each. */
struct block {
    uint8_t low[16], high[16];
    size_t len;
};

/* The lowest or highest address that begins with these bits. */
static bool fill_address(uint8_t out[16], size_t len, const ASN1_BIT_STRING *bits, bool is_high)
{
    struct span s = print_octets(bits);
    unsigned unused = bits->flags & ASN1_STRING_FLAG_BITS_LEFT ? bits->flags & 7 : 0;
    if (s.len > len)
        return false;
    memset(out, is_high ? 0xff : 0, len);
    if (s.len)
        memcpy(out, s.ptr, s.len);
    if (is_high && s.len && unused)
        out[s.len - 1] |= (uint8_t)((1u << unused) - 1);
    return true;
}

/* How many leading bits the addresses share, when the block is all that begins so; -1: it is no prefix. */
static int prefix_of(const struct block *b)
{
    unsigned n = 0;
    while (n < b->len * 8 && !((b->low[n / 8] ^ b->high[n / 8]) & (0x80 >> n % 8)))
        n++;
    for (unsigned i = n; i < b->len * 8; i++) {
        unsigned bit = 0x80 >> i % 8;
        if (b->low[i / 8] & bit || !(b->high[i / 8] & bit))
            return -1;
    }
    return (int)n;
}

static void print_block(struct text *t, const struct block *b)
{
    int family = b->len == 4 ? AF_INET : AF_INET6, prefix = prefix_of(b);
    char low[INET6_ADDRSTRLEN], high[INET6_ADDRSTRLEN];
    inet_ntop(family, b->low, low, sizeof(low));
    inet_ntop(family, b->high, high, sizeof(high));
    if (prefix >= 0)
        text_printf(t, "%s/%d", low, prefix);
    else
        text_printf(t, "%s..%s", low, high);
}

static bool read_block(const IPAddressOrRange *r, struct block *b)
{
    const ASN1_BIT_STRING *low =
        r->type == IPAddressOrRange_addressPrefix ? r->u.addressPrefix : r->u.addressRange->min;
    const ASN1_BIT_STRING *high =
        r->type == IPAddressOrRange_addressPrefix ? r->u.addressPrefix : r->u.addressRange->max;
    return fill_address(b->low, b->len, low, false) && fill_address(b->high, b->len, high, true);
}

static bool print_family(struct text *t, const IPAddressFamily *f, bool *is_first)
{
    struct span family = print_octets(f->addressFamily);
    struct block b = {.len = family.len >= 2 && family.ptr[1] == 2 ? 16 : 4};
    if (family.len < 2 || family.ptr[0] || family.ptr[1] < 1 || family.ptr[1] > 2)
        return false;
    if (f->ipAddressChoice->type != IPAddressChoice_addressesOrRanges)
        return true; /* inherited: the issuer's certificate knows */
    const IPAddressOrRanges *all = f->ipAddressChoice->u.addressesOrRanges;
    for (int i = 0; i < sk_IPAddressOrRange_num(all); i++) {
        if (!read_block(sk_IPAddressOrRange_value(all, i), &b))
            return false;
        text_str(t, *is_first ? "" : ", ");
        *is_first = false;
        print_block(t, &b);
    }
    return true;
}

bool print_addresses(struct text *t, const X509 *x, struct diag *d)
{
    IPAddrBlocks *blocks;
    bool is_first = true, is_ok = true;
    if (!print_take_ext(x, NID_sbgp_ipAddrBlock, &blocks, d))
        return false;
    if (!blocks)
        return true;
    text_str(t, "  addresses: ");
    for (int i = 0; is_ok && i < sk_IPAddressFamily_num(blocks); i++)
        is_ok = print_family(t, sk_IPAddressFamily_value(blocks, i), &is_first);
    text_str(t, "\n");
    if (!is_ok)
        diag_set(d, FAIL_CERTIFICATE, "the certificate's address blocks are malformed");
    sk_IPAddressFamily_pop_free(blocks, IPAddressFamily_free);
    return is_ok;
}
