/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate policies (RFC 5280 section 6.1.2 to 6.1.5): which policies hold in a whole path, in the words
 * of the anchor and, through policyMappings, in those of the CAs below; policyConstraints and
 * inhibitAnyPolicy. A path without a policy is refused when one of its certificates demands an explicit one;
 * and each policy that the connection requires must hold. Instead of the tree a set of pairs is kept, which
 * says the same. An end entity that is itself the anchor is asked, too. Policy qualifiers are not looked at.
 */
#include "net/dn.h"
#include "pki/cert_impl.h"
#include <stdio.h>

enum { NO_LIMIT = 1 << 20, PAIRS_MAX = 256, WANTED_MAX = 32 };

/* A policy as the anchor's domain calls it, and as certificates from here on have to. */
struct pair {
    const ASN1_OBJECT *root, *here;
};

struct pairs {
    struct pair v[PAIRS_MAX];
    size_t n;
    bool is_full; /* more than can be followed */
};

struct walk {
    const struct cert_path *path;
    struct pairs set;
    long explicit_after, no_mapping_after, no_any_after; /* so many certificates are still free of it */
    const char *const *oids;
    ASN1_OBJECT *wanted[WANTED_MAX];
    size_t n_wanted;
    struct diag *why;
};

static bool refuse(struct diag *why, const struct cert *c, const char *oid, const char *what)
{
    diag_set(why, FAIL_CERTIFICATE, "certificate %.120s %s", c->subject_text, what);
    diag_expected(why, "the certificate policy %.100s in every certificate below the trusted CA", oid);
    diag_try(why, "have it issued with this policy, or take the OID out of cert_policy");
    return false;
}

static void tell_policies(struct diag *why, const struct cert *c)
{
    char list[400] = "", oid[80];
    int n = c->policies ? sk_POLICYINFO_num(c->policies) : 0;
    size_t at = 0;
    for (int i = 0; i < n && at + sizeof(oid) + 2 < sizeof(list); i++) {
        OBJ_obj2txt(oid, sizeof(oid), sk_POLICYINFO_value(c->policies, i)->policyid, 1);
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", i ? ", " : "", oid);
    }
    diag_got(why, "%s", n ? list : "no certificate policies");
}

static bool is_any(const ASN1_OBJECT *oid)
{
    return OBJ_obj2nid(oid) == NID_any_policy;
}

static void add_pair(struct pairs *s, const ASN1_OBJECT *root, const ASN1_OBJECT *here)
{
    for (size_t i = 0; i < s->n; i++) {
        if (OBJ_cmp(s->v[i].root, root) == 0 && OBJ_cmp(s->v[i].here, here) == 0)
            return;
    }
    if (s->n < PAIRS_MAX)
        s->v[s->n++] = (struct pair){root, here};
    else
        s->is_full = true;
}

/* All pairs of from that are called oid here. */
static bool add_called(struct pairs *to, const struct pairs *from, const ASN1_OBJECT *oid)
{
    bool is_there = false;
    for (size_t i = 0; i < from->n; i++) {
        if (OBJ_cmp(from->v[i].here, oid))
            continue;
        add_pair(to, from->v[i].root, from->v[i].here);
        is_there = true;
    }
    return is_there;
}

static bool has_any(const struct pairs *s)
{
    for (size_t i = 0; i < s->n; i++) {
        if (is_any(s->v[i].here))
            return true;
    }
    return false;
}

/* [RFC5280#6.1.3 (d)] what of the set the certificate asserts */
static void narrow(struct walk *w, const struct cert *c, bool takes_any)
{
    const struct pairs before = w->set;
    int n = c->policies ? sk_POLICYINFO_num(c->policies) : 0;
    bool has_any_policy = false;
    w->set.n = 0;
    for (int i = 0; i < n; i++) {
        const ASN1_OBJECT *oid = sk_POLICYINFO_value(c->policies, i)->policyid;
        has_any_policy |= is_any(oid);
        if (!is_any(oid) && !add_called(&w->set, &before, oid) && has_any(&before))
            add_pair(&w->set, oid, oid);
    }
    for (size_t i = 0; has_any_policy && takes_any && i < before.n; i++)
        add_pair(&w->set, before.v[i].root, before.v[i].here);
}

/* [RFC5280#6.1.4 (b)] who comes below calls it otherwise */
static void translate(struct walk *w, const struct cert *c)
{
    const struct pairs before = w->set;
    int n = c->mappings ? sk_POLICY_MAPPING_num(c->mappings) : 0;
    struct pairs kept = {.n = 0};
    for (size_t i = 0; i < before.n; i++) {
        bool is_mapped = false;
        for (int k = 0; k < n; k++)
            is_mapped |=
                OBJ_cmp(sk_POLICY_MAPPING_value(c->mappings, k)->issuerDomainPolicy, before.v[i].here) == 0;
        if (!is_mapped)
            add_pair(&kept, before.v[i].root, before.v[i].here);
    }
    for (int k = 0; k < n && w->no_mapping_after > 0; k++) {
        const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(c->mappings, k);
        bool is_there = false;
        for (size_t i = 0; i < before.n; i++) {
            if (OBJ_cmp(before.v[i].here, m->issuerDomainPolicy))
                continue;
            add_pair(&kept, before.v[i].root, m->subjectDomainPolicy);
            is_there = true;
        }
        if (!is_there && has_any(&before))
            add_pair(&kept, m->issuerDomainPolicy, m->subjectDomainPolicy);
    }
    kept.is_full |= before.is_full;
    w->set = kept;
}

static bool maps_any(const struct cert *c)
{
    int n = c->mappings ? sk_POLICY_MAPPING_num(c->mappings) : 0;
    for (int i = 0; i < n; i++) {
        const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(c->mappings, i);
        if (is_any(m->issuerDomainPolicy) || is_any(m->subjectDomainPolicy))
            return true;
    }
    return false;
}

static void count_down(long *left, bool counts)
{
    if (counts && *left > 0)
        --*left;
}

static void lower(long *left, long to)
{
    if (to >= 0 && to < *left)
        *left = to;
}

static bool holds(const struct walk *w, const ASN1_OBJECT *oid)
{
    for (size_t i = 0; i < w->set.n; i++) {
        if (is_any(w->set.v[i].here) || OBJ_cmp(w->set.v[i].root, oid) == 0)
            return true;
    }
    return false;
}

static bool check_wanted(const struct walk *w, const struct cert *c)
{
    for (size_t i = 0; i < w->n_wanted; i++) {
        if (holds(w, w->wanted[i]))
            continue;
        refuse(w->why, c, w->oids[i], "lacks a certificate policy that this connection requires");
        tell_policies(w->why, c);
        return false;
    }
    return true;
}

static bool check_explicit(const struct walk *w, const struct cert *c)
{
    if (w->set.is_full) {
        diag_set(w->why, FAIL_CERTIFICATE, "certificate %.120s has too many certificate policies",
                 c->subject_text);
        diag_expected(w->why, "at most %d, mappings counted", PAIRS_MAX);
        return false;
    }
    if (w->explicit_after > 0 || w->set.n)
        return true;
    diag_set(w->why, FAIL_CERTIFICATE, "certificate %.120s has no certificate policy that its CAs allow",
             c->subject_text);
    diag_expected(w->why, "one, as a requireExplicitPolicy (policyConstraints) in the path demands");
    tell_policies(w->why, c);
    return false;
}

static bool step(struct walk *w, size_t at)
{
    const struct cert *c = w->path->v[at];
    bool is_last = at == 0, is_self_issued = dn_equal(c->subject, c->issuer);
    narrow(w, c, w->no_any_after > 0 || (is_self_issued && !is_last));
    if (is_last) { /* [RFC5280#6.1.5 (a), (b)] */
        count_down(&w->explicit_after, true);
        if (c->explicit_after == 0)
            w->explicit_after = 0;
    }
    if (!check_explicit(w, c) || !check_wanted(w, c))
        return false;
    if (is_last)
        return true;
    if (maps_any(c)) {
        diag_set(w->why, FAIL_CERTIFICATE, "certificate %.120s maps any certificate policy to another",
                 c->subject_text);
        diag_expected(w->why, "policyMappings without anyPolicy");
        return false;
    }
    translate(w, c);
    count_down(&w->explicit_after, !is_self_issued);
    count_down(&w->no_mapping_after, !is_self_issued);
    count_down(&w->no_any_after, !is_self_issued);
    lower(&w->explicit_after, c->explicit_after);
    lower(&w->no_mapping_after, c->no_mapping_after);
    lower(&w->no_any_after, c->any_inhibited_after);
    return true;
}

static bool walk_down(struct walk *w)
{
    const ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy);
    w->explicit_after = w->no_mapping_after = w->no_any_after = NO_LIMIT;
    w->set.n = 0;
    add_pair(&w->set, any, any);
    for (size_t at = w->path->n > 1 ? w->path->n - 1 : 1; at-- > 0;) {
        if (!step(w, at))
            return false;
    }
    return true;
}

bool path_policies_check(const struct cert_path *path, const char *const *oids, size_t n, struct diag *why)
{
    struct walk w = {.path = path, .oids = oids, .why = why};
    bool is_ok = n <= WANTED_MAX;
    if (!is_ok)
        refuse(why, path->v[0], oids[0], "cannot have as many policies as this connection requires");
    for (size_t i = 0; i < n && is_ok; i++) {
        w.wanted[i] = OBJ_txt2obj(oids[i], 1);
        is_ok = w.wanted[i] != NULL;
        w.n_wanted += is_ok;
        if (is_ok)
            continue;
        refuse(why, path->v[0], oids[i], "cannot have a required policy that is no object identifier");
        diag_try(why, "write cert_policy as numbers with dots, such as 1.3.6.1.4.1.99");
    }
    is_ok = is_ok && walk_down(&w);
    while (w.n_wanted)
        ASN1_OBJECT_free(w.wanted[--w.n_wanted]);
    return is_ok;
}
