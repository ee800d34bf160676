/* SPDX-License-Identifier: Apache-2.0 */
/* Extensions about certificate policies (RFC 5280 sections 4.2.1.4, 4.2.1.5, 4.2.1.11 and 4.2.1.14). */
#include "pki/issue/cert_ext.h"

static POLICYQUALINFO *qualifier(int nid)
{
    POLICYQUALINFO *q = POLICYQUALINFO_new();
    if (q)
        q->pqualid = OBJ_nid2obj(nid);
    return q;
}

static POLICYQUALINFO *cps_qualifier(const char *uri)
{
    POLICYQUALINFO *q = qualifier(NID_id_qt_cps);
    if (q && (q->d.cpsuri = issue_ia5(uri)))
        return q;
    POLICYQUALINFO_free(q);
    return NULL;
}

/* VisibleString, which is ASCII; UTF8String for the rest [RFC5280#4.2.1.4]. */
static POLICYQUALINFO *notice_qualifier(const char *text)
{
    POLICYQUALINFO *q = qualifier(NID_id_qt_unotice);
    bool is_ascii = true;
    for (const char *p = text; *p; p++)
        is_ascii = is_ascii && (unsigned char)*p < 0x80;
    USERNOTICE *n = USERNOTICE_new();
    if (!q || !n) {
        USERNOTICE_free(n);
        POLICYQUALINFO_free(q);
        return NULL;
    }
    q->d.usernotice = n;
    n->exptext = ASN1_STRING_type_new(is_ascii ? V_ASN1_VISIBLESTRING : V_ASN1_UTF8STRING);
    if (n->exptext && ASN1_STRING_set(n->exptext, text, -1))
        return q;
    POLICYQUALINFO_free(q);
    return NULL;
}

static bool qualify(POLICYINFO *info, POLICYQUALINFO *q)
{
    if (!info->qualifiers)
        info->qualifiers = sk_POLICYQUALINFO_new_null();
    if (q && info->qualifiers && sk_POLICYQUALINFO_push(info->qualifiers, q))
        return true;
    POLICYQUALINFO_free(q);
    return false;
}

static POLICYINFO *policy(const struct issue_policy *p)
{
    POLICYINFO *info = POLICYINFO_new();
    bool is_ok = info && (info->policyid = OBJ_txt2obj(p->oid, 1));
    is_ok = is_ok && (!p->cps_uri || qualify(info, cps_qualifier(p->cps_uri))) &&
            (!p->user_notice || qualify(info, notice_qualifier(p->user_notice)));
    if (is_ok)
        return info;
    POLICYINFO_free(info);
    return NULL;
}

bool put_policies(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->n_policies)
        return true;
    CERTIFICATEPOLICIES *policies = CERTIFICATEPOLICIES_new();
    bool is_ok = policies != NULL;
    for (size_t i = 0; is_ok && i < c->n_policies; i++) {
        POLICYINFO *info = policy(&c->policies[i]);
        is_ok = info && sk_POLICYINFO_push(policies, info);
        if (!is_ok)
            POLICYINFO_free(info);
    }
    is_ok = is_ok && issue_ext_add(list, NID_certificate_policies, false, policies);
    CERTIFICATEPOLICIES_free(policies);
    return is_ok;
}

bool put_policy_mappings(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (!c->n_mappings)
        return true;
    POLICY_MAPPINGS *mappings = sk_POLICY_MAPPING_new_null();
    bool is_ok = mappings != NULL;
    for (size_t i = 0; is_ok && i < c->n_mappings; i++) {
        POLICY_MAPPING *m = POLICY_MAPPING_new();
        is_ok = m && sk_POLICY_MAPPING_push(mappings, m);
        if (!is_ok) {
            POLICY_MAPPING_free(m);
            break;
        }
        m->issuerDomainPolicy = OBJ_txt2obj(c->mappings[i].issuer_oid, 1);
        m->subjectDomainPolicy = OBJ_txt2obj(c->mappings[i].subject_oid, 1);
        is_ok = m->issuerDomainPolicy && m->subjectDomainPolicy;
    }
    is_ok = is_ok && issue_ext_add(list, NID_policy_mappings, false, mappings);
    sk_POLICY_MAPPING_pop_free(mappings, POLICY_MAPPING_free);
    return is_ok;
}

static bool set_number(ASN1_INTEGER **out, long number)
{
    if (number < 0)
        return true;
    *out = ASN1_INTEGER_new();
    return *out && ASN1_INTEGER_set(*out, number);
}

bool put_policy_constraints(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    (void)issuer;
    if (c->require_explicit_policy < 0 && c->inhibit_policy_mapping < 0)
        return true;
    POLICY_CONSTRAINTS *p = POLICY_CONSTRAINTS_new();
    bool is_ok = p && set_number(&p->requireExplicitPolicy, c->require_explicit_policy) &&
                 set_number(&p->inhibitPolicyMapping, c->inhibit_policy_mapping) &&
                 issue_ext_add(list, NID_policy_constraints, true, p);
    POLICY_CONSTRAINTS_free(p);
    return is_ok;
}

bool put_inhibit_any_policy(ext_list **list, const struct issue_cert *c, const struct cert *issuer)
{
    ASN1_INTEGER *skip = NULL;
    (void)issuer;
    if (c->inhibit_any_policy < 0)
        return true;
    bool is_ok =
        set_number(&skip, c->inhibit_any_policy) && issue_ext_add(list, NID_inhibit_any_policy, true, skip);
    ASN1_INTEGER_free(skip);
    return is_ok;
}
