/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate policies that a connection requires of its peer (RFC 5280 section 4.2.1.4): every required OID
 * must stand in each certificate of the path below the anchor, by itself or covered by anyPolicy, which
 * inhibitAnyPolicy (section 4.2.1.14) takes back. An end entity that is itself the anchor is asked too. This
 * is stricter than section 6.1 in one point: policies are not translated, so a policyMappings extension that
 * names a required OID refuses the path. Without required policies nothing of this is looked at. */
#include "net/dn.h"
#include "pki/cert_impl.h"
#include <stdio.h>

enum { NO_LIMIT = 1 << 20 };

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

static bool asserts(const struct cert *c, const ASN1_OBJECT *want)
{
    int n = c->policies ? sk_POLICYINFO_num(c->policies) : 0;
    for (int i = 0; i < n; i++) {
        if (OBJ_cmp(sk_POLICYINFO_value(c->policies, i)->policyid, want) == 0)
            return true;
    }
    return false;
}

static bool translates(const struct cert *c, const ASN1_OBJECT *want)
{
    int n = c->mappings ? sk_POLICY_MAPPING_num(c->mappings) : 0;
    for (int i = 0; i < n; i++) {
        const POLICY_MAPPING *m = sk_POLICY_MAPPING_value(c->mappings, i);
        if (OBJ_cmp(m->issuerDomainPolicy, want) == 0 || OBJ_cmp(m->subjectDomainPolicy, want) == 0)
            return true;
    }
    return false;
}

/* From below the anchor down to the leaf, as [RFC5280#6.1] walks; any_left counts certificates that may still
 * say anyPolicy. */
static bool check_policy(const struct cert_path *path, const char *oid, const ASN1_OBJECT *want,
                         struct diag *why)
{
    long any_left = NO_LIMIT;
    const ASN1_OBJECT *any = OBJ_nid2obj(NID_any_policy);
    for (size_t at = path->n > 1 ? path->n - 1 : 1; at-- > 0;) {
        const struct cert *c = path->v[at];
        bool is_self_issued = at > 0 && dn_equal(c->subject, c->issuer);
        bool takes_any = any_left > 0 || is_self_issued;
        if (!asserts(c, want) && !(takes_any && asserts(c, any))) {
            refuse(why, c, oid, "lacks a certificate policy that this connection requires");
            tell_policies(why, c);
            return false;
        }
        if (at > 0 && translates(c, want)) {
            refuse(why, c, oid, "maps a certificate policy that this connection requires to another");
            diag_got(why, "a policyMappings extension, which is not followed");
            return false;
        }
        if (any_left > 0 && !is_self_issued)
            any_left--;
        if (c->any_inhibited_after >= 0 && c->any_inhibited_after < any_left)
            any_left = c->any_inhibited_after;
    }
    return true;
}

bool path_policies_check(const struct cert_path *path, const char *const *oids, size_t n, struct diag *why)
{
    for (size_t i = 0; i < n; i++) {
        ASN1_OBJECT *want = OBJ_txt2obj(oids[i], 1);
        bool is_ok = false;
        if (want) {
            is_ok = check_policy(path, oids[i], want, why);
        } else {
            refuse(why, path->v[0], oids[i], "cannot have a required policy that is no object identifier");
            diag_try(why, "write cert_policy as numbers with dots, such as 1.3.6.1.4.1.99");
        }
        ASN1_OBJECT_free(want);
        if (!is_ok)
            return false;
    }
    return true;
}
