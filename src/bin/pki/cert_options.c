/* SPDX-License-Identifier: Apache-2.0 */
/* What --self and --issue put into a certificate: see cert_options.h. */
#include "bin/pki/cert_options.h"

enum { DAY = 86400 };

static const struct {
    const char *word;
    unsigned flag;
} flags[] = {
    {"serverAuth",       ISSUE_SERVER_AUTH       },
    {"clientAuth",       ISSUE_CLIENT_AUTH       },
    {"crlSign",          ISSUE_CRL_SIGN          },
    {"ocspSigning",      ISSUE_OCSP_SIGNING      },
    {"ikeIntermediate",  ISSUE_IKE_INTERMEDIATE  },
    {"msSmartcardLogon", ISSUE_MS_SMARTCARD_LOGON},
};

unsigned pki_flag(const char *word)
{
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        if (!strcasecmp(flags[i].word, word))
            return flags[i].flag;
    }
    return 0;
}

bool pki_critical(const struct pki_run *r, const char *const **oids, size_t *n, struct diag *d)
{
    *oids = pki_texts(r, "critical", n);
    for (size_t i = 0; i < *n; i++) {
        if (!pki_oid((*oids)[i], "critical", d))
            return false;
    }
    return true;
}

/* --cert-policy begins one; --cps-uri and --user-notice are of the one before them. */
static bool fill_policies(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    struct issue_policy *v = arena_calloc(r->arena, r->n_args + 1, sizeof(*v));
    size_t n = 0;
    for (size_t i = 0; i < r->n_args; i++) {
        const struct pki_arg *arg = &r->args[i];
        bool is_uri = pki_is(arg, "cps-uri"), is_notice = pki_is(arg, "user-notice");
        if ((is_uri || is_notice) && !n) {
            diag_set(d, FAIL_USAGE, "--%s must follow a --cert-policy", arg->option->name);
            return false;
        }
        if (is_uri)
            v[n - 1].cps_uri = arg->value;
        if (is_notice)
            v[n - 1].user_notice = arg->value;
        if (pki_is(arg, "cert-policy"))
            v[n++].oid = arg->value;
        if ((is_uri && !pki_uri(arg->value, "cps-uri", d)) ||
            (pki_is(arg, "cert-policy") && !pki_oid(arg->value, "cert-policy", d)))
            return false;
    }
    c->policies = v;
    c->n_policies = n;
    return true;
}

static bool fill_mappings(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    size_t n;
    const char *const *texts = pki_texts(r, "policy-mapping", &n);
    struct issue_mapping *v = arena_calloc(r->arena, n + 1, sizeof(*v));
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(texts[i], ":");
        v[i].issuer_oid = arena_strndup(r->arena, texts[i], len);
        v[i].subject_oid = texts[i] + len + (texts[i][len] == ':');
        if (!pki_oid(v[i].issuer_oid, "policy-mapping", d) || !pki_oid(v[i].subject_oid, "policy-mapping", d))
            return false;
    }
    c->mappings = v;
    c->n_mappings = n;
    return true;
}

static bool parse_block(const struct pki_run *r, const char *text, struct issue_range *out)
{
    struct prefix p;
    size_t len = strcspn(text, "-");
    if (!text[len]) {
        if (!prefix_parse(text, &p))
            return false;
        *out = (struct issue_range){.from = p.ip, .to = prefix_last(&p)};
        return true;
    }
    return ip_parse(arena_strndup(r->arena, text, len), &out->from) && ip_parse(text + len + 1, &out->to) &&
           out->from.family == out->to.family && ip_cmp(out->from, out->to) <= 0;
}

static bool fill_addresses(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    size_t n;
    const char *const *texts = pki_texts(r, "addrblock", &n);
    struct issue_range *v = arena_calloc(r->arena, n + 1, sizeof(*v));
    for (size_t i = 0; i < n; i++) {
        if (parse_block(r, texts[i], &v[i]))
            continue;
        diag_set(d, FAIL_USAGE, "invalid --addrblock %s", texts[i]);
        diag_expected(d, "10.0.0.0/8 or 10.0.0.1-10.0.0.9");
        return false;
    }
    c->addresses = v;
    c->n_addresses = n;
    return true;
}

static bool fill_uris(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    c->ocsp_uris = pki_texts(r, "ocsp", &c->n_ocsp_uris);
    for (size_t i = 0; i < c->n_ocsp_uris; i++) {
        if (!pki_uri(c->ocsp_uris[i], "ocsp", d))
            return false;
    }
    return true;
}

bool pki_cert_fill(const struct pki_run *r, struct issue_cert *c, struct diag *d)
{
    size_t n;
    const char *const *words = pki_texts(r, "flag", &n);
    for (size_t i = 0; i < n; i++)
        c->flags |= pki_flag(words[i]);
    if (pki_has(r, "ca"))
        c->flags |= ISSUE_CA;
    c->path_len = pki_number(r, "pathlen", -1);
    c->require_explicit_policy = pki_number(r, "policy-explicit", -1);
    c->inhibit_policy_mapping = pki_number(r, "policy-inhibit", -1);
    c->inhibit_any_policy = pki_number(r, "policy-any", -1);
    return pki_new_serial(r, &c->serial, d) &&
           pki_validity(r, "not-before", "not-after", DAY, &c->not_before, &c->not_after, d) &&
           pki_names(r, "san", pki_san, &c->names, d) &&
           pki_names(r, "nc-permitted", pki_constraint, &c->permitted, d) &&
           pki_names(r, "nc-excluded", pki_constraint, &c->excluded, d) && fill_policies(r, c, d) &&
           fill_mappings(r, c, d) && fill_addresses(r, c, d) && fill_uris(r, c, d) &&
           pki_critical(r, &c->critical_oids, &c->n_critical_oids, d);
}
