/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate revocation lists (RFC 5280 section 5) in the layout of `pki --print`. Printed are lists that
 * the daemon would not use, too: indirect ones, those without a next update (then that line is missing). */
#include "pki/print/print_impl.h"
#include <openssl/err.h>

enum { DER_MAX = 16 << 20 };

static bool get_ext(const X509_CRL *c, int nid, void *out, struct diag *d)
{
    int critical;
    *(void **)out = X509_CRL_get_ext_d2i(c, nid, &critical, NULL);
    if (*(void **)out || critical == -1)
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the CRL's %s is malformed or repeated", OBJ_nid2ln(nid));
    return false;
}

static bool check_critical(const X509_CRL *c, struct diag *d)
{
    static const int known[] = {NID_crl_number, NID_authority_key_identifier, NID_issuing_distribution_point,
                                NID_delta_crl, NID_freshest_crl};
    for (int i = 0; i < X509_CRL_get_ext_count(c); i++) {
        X509_EXTENSION *e = X509_CRL_get_ext(c, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
        size_t k = 0;
        while (k < ARRAY_LEN(known) && known[k] != nid)
            k++;
        if (!X509_EXTENSION_get_critical(e) || k < ARRAY_LEN(known))
            continue;
        char oid[128] = "";
        struct text t = TEXT_ON(oid);
        print_oid(&t, X509_EXTENSION_get_object(e));
        diag_set(d, FAIL_CERTIFICATE, "found unsupported critical X.509 CRL extension: %s", oid);
        return false;
    }
    return true;
}

static bool print_updates(struct text *t, const X509_CRL *c, const struct print_env *env, struct diag *d)
{
    const ASN1_TIME *next = X509_CRL_get0_nextUpdate(c);
    int64_t from, to;
    if (!print_read_time(X509_CRL_get0_lastUpdate(c), &from) || (next && !print_read_time(next, &to))) {
        diag_set(d, FAIL_CERTIFICATE, "CRL with dates that cannot be read");
        return false;
    }
    if (next) {
        print_validity(t, &print_validity_update, from, to, env);
        return true;
    }
    text_str(t, "  update:    this on ");
    print_time(t, from, env);
    text_str(t, from > env->now ? ", not valid yet\n" : ", ok\n");
    return true;
}

static bool print_extensions(struct text *t, const X509_CRL *c, struct diag *d)
{
    ASN1_INTEGER *number = NULL, *base = NULL;
    AUTHORITY_KEYID *aki = NULL;
    CRL_DIST_POINTS *freshest = NULL;
    const char *label = "  freshest:  ";
    bool is_ok = get_ext(c, NID_crl_number, &number, d) && get_ext(c, NID_delta_crl, &base, d) &&
                 get_ext(c, NID_authority_key_identifier, &aki, d) &&
                 get_ext(c, NID_freshest_crl, &freshest, d);
    if (is_ok) {
        text_str(t, "  serial:    ");
        print_integer(t, number);
        text_str(t, base ? "\n  delta CRL: for serial " : "\n");
        print_integer(t, base);
        text_str(t, base ? "\n  authKeyId: " : "  authKeyId: ");
        print_colons(t, print_octets(aki ? aki->keyid : NULL));
        text_str(t, "\n");
        print_points(t, freshest, &label, "             ");
    }
    ASN1_INTEGER_free(number);
    ASN1_INTEGER_free(base);
    AUTHORITY_KEYID_free(aki);
    CRL_DIST_POINTS_free(freshest);
    return is_ok;
}

static void print_reason(struct text *t, const X509_REVOKED *r)
{
    static const char *const words[] = {
        "unspecified",     "key compromise",         "ca compromise",    "affiliation changed",
        "superseded",      "cessation of operation", "certificate hold", "reason #7",
        "remove from crl", /* [RFC5280#5.3.1]; the real one has no words for what comes after */
    };
    ASN1_ENUMERATED *reason = X509_REVOKED_get_ext_d2i(r, NID_crl_reason, NULL, NULL);
    long n = reason ? ASN1_ENUMERATED_get(reason) : 0;
    ASN1_ENUMERATED_free(reason);
    if (n >= 0 && n < (long)ARRAY_LEN(words))
        text_printf(t, ", %s\n", words[n]);
    else
        text_printf(t, ", (%ld)\n", n);
}

static bool print_entries(struct text *t, X509_CRL *c, const struct print_env *env, struct diag *d)
{
    const STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(c);
    int n = all ? sk_X509_REVOKED_num(all) : 0;
    text_printf(t, "  %d revoked certificate%s%s\n", n, n == 1 ? "" : "s", n && !env->is_brief ? ":" : "");
    for (int i = 0; i < n && !env->is_brief; i++) {
        const X509_REVOKED *r = sk_X509_REVOKED_value(all, i);
        int64_t when;
        if (!print_read_time(X509_REVOKED_get0_revocationDate(r), &when)) {
            diag_set(d, FAIL_CERTIFICATE, "CRL with an entry whose date cannot be read");
            return false;
        }
        text_str(t, "    ");
        print_integer(t, X509_REVOKED_get0_serialNumber(r));
        text_str(t, ": ");
        print_time(t, when, env);
        print_reason(t, r);
    }
    return true;
}

bool print_crl(struct text *out, struct span data, const struct print_env *env, struct diag *d)
{
    static const char *const labels[] = {"X509 CRL", "CRL", NULL};
    struct span der;
    uint8_t *owned;
    if (!print_unpem(data, labels, "CRL", &der, &owned, d))
        return false;
    const uint8_t *at = der.ptr;
    X509_CRL *c = der.len <= DER_MAX ? d2i_X509_CRL(NULL, &at, (long)der.len) : NULL;
    bool is_ok = c && check_critical(c, d);
    if (is_ok) {
        text_str(out, "  issuer:   \"");
        print_name(out, X509_CRL_get_issuer(c));
        text_str(out, "\"\n");
        is_ok = print_updates(out, c, env, d) && print_extensions(out, c, d) &&
                print_entries(out, c, env, d) && print_finish(out, d);
    }
    if (!c)
        print_refuse("CRL", "PEM or DER", der.len, d);
    X509_CRL_free(c);
    OPENSSL_free(owned);
    ERR_clear_error();
    return is_ok;
}
