/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates (RFC 5280 section 4) in the layout of `pki --print`. Certificates that a daemon would
 * refuse are printed all the same, unless they have a critical extension that is not known here: then what
 * could be said would be half the truth. Not here: URIs, constraints, policies, addresses (print_ext.c). */
#include "pki/print/print_impl.h"
#include <openssl/err.h>

enum { DER_MAX = 1 << 20 };

/* Known, whether or not something is printed for them. */
static const int known[] = {
    NID_basic_constraints,
    NID_key_usage,
    NID_ext_key_usage,
    NID_subject_alt_name,
    NID_issuer_alt_name,
    NID_name_constraints,
    NID_certificate_policies,
    NID_policy_mappings,
    NID_policy_constraints,
    NID_inhibit_any_policy,
    NID_subject_key_identifier,
    NID_authority_key_identifier,
    NID_crl_distribution_points,
    NID_freshest_crl,
    NID_info_access,
    NID_sbgp_ipAddrBlock,
    NID_netscape_cert_type,
};

/* The extended key usages that have a flag, in their order. ikeIntermediate has no NID in OpenSSL 3.0. */
static const struct {
    const char *oid, *flag;
} usages[] = {
    {"1.3.6.1.5.5.7.3.9",      "ocspSigning "    },
    {"1.3.6.1.5.5.7.3.1",      "serverAuth "     },
    {"1.3.6.1.5.5.7.3.2",      "clientAuth "     },
    {"1.3.6.1.5.5.8.2.2",      "ikeIntermediate "},
    {"1.3.6.1.4.1.311.20.2.2", "msSmartcardLogon"}, /* no space behind it: so does the real one */
};

bool print_take_ext(const X509 *x, int nid, void *out, struct diag *d)
{
    int critical;
    *(void **)out = X509_get_ext_d2i(x, nid, &critical, NULL);
    if (*(void **)out || critical == -1)
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the certificate's %s is malformed or repeated", OBJ_nid2ln(nid));
    return false;
}

static bool check_critical(const X509 *x, struct diag *d)
{
    for (int i = 0; i < X509_get_ext_count(x); i++) {
        X509_EXTENSION *e = X509_get_ext(x, i);
        int nid = OBJ_obj2nid(X509_EXTENSION_get_object(e));
        size_t k = 0;
        while (k < ARRAY_LEN(known) && known[k] != nid)
            k++;
        if (!X509_EXTENSION_get_critical(e) || k < ARRAY_LEN(known))
            continue;
        char oid[128] = "?";
        struct text t = TEXT_ON(oid);
        print_oid(&t, X509_EXTENSION_get_object(e));
        diag_set(d, FAIL_CERTIFICATE, "found unsupported critical X.509 extension: %s", oid);
        return false;
    }
    return true;
}

static bool print_alt_names(struct text *t, const X509 *x, struct diag *d)
{
    GENERAL_NAMES *names;
    bool is_first = true;
    if (!print_take_ext(x, NID_subject_alt_name, &names, d))
        return false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        size_t mark = t->len;
        text_str(t, is_first ? "  altNames:  " : ", ");
        if (print_general_name(t, sk_GENERAL_NAME_value(names, i), false))
            is_first = false;
        else
            t->len = mark;
    }
    t->buf[t->len] = '\0';
    text_str(t, is_first ? "" : "\n");
    GENERAL_NAMES_free(names);
    return true;
}

/* Signed with its own key: its issuer is itself by key identifier or, without one, by name. */
static bool is_self_signed(const X509 *x)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id((X509 *)x);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id((X509 *)x);
    uint8_t sha1[20];
    unsigned len = 0;
    struct span own = print_octets(ski);
    if (aki && !ski && X509_pubkey_digest(x, EVP_sha1(), sha1, &len))
        own = span_of(sha1, len);
    bool is_own = aki ? span_equal(print_octets(aki), own)
                      : X509_NAME_cmp(X509_get_subject_name(x), X509_get_issuer_name(x)) == 0;
    bool is_signed = is_own && X509_verify((X509 *)x, X509_get0_pubkey(x)) == 1;
    ERR_clear_error();
    return is_signed;
}

static void print_usages(struct text *t, const EXTENDED_KEY_USAGE *ekus)
{
    for (size_t k = 0; k < ARRAY_LEN(usages); k++) {
        for (int i = 0; i < sk_ASN1_OBJECT_num(ekus); i++) {
            char oid[64] = "";
            OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(ekus, i), 1);
            if (strcmp(oid, usages[k].oid) != 0)
                continue;
            text_str(t, usages[k].flag);
            break;
        }
    }
}

static bool print_flags(struct text *t, const X509 *x, long *path_len, struct diag *d)
{
    BASIC_CONSTRAINTS *basic = NULL;
    ASN1_BIT_STRING *usage = NULL;
    EXTENDED_KEY_USAGE *ekus = NULL;
    bool is_ok = print_take_ext(x, NID_basic_constraints, &basic, d) &&
                 print_take_ext(x, NID_key_usage, &usage, d) &&
                 print_take_ext(x, NID_ext_key_usage, &ekus, d);
    if (is_ok) {
        text_str(t, "  flags:     ");
        text_str(t, basic && basic->ca ? "CA " : "");
        text_str(t, usage && ASN1_BIT_STRING_get_bit(usage, 6) ? "CRLSign " : "");
        print_usages(t, ekus);
        text_str(t, is_self_signed(x) ? "self-signed \n" : "\n");
        *path_len = basic && basic->ca && basic->pathlen ? ASN1_INTEGER_get(basic->pathlen) : -1;
    }
    BASIC_CONSTRAINTS_free(basic);
    ASN1_BIT_STRING_free(usage);
    EXTENDED_KEY_USAGE_free(ekus);
    return is_ok;
}

static void print_key_ids(struct text *t, const X509 *x)
{
    const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id((X509 *)x);
    const ASN1_OCTET_STRING *ski = X509_get0_subject_key_id((X509 *)x);
    uint8_t sha1[20] = {0};
    X509_pubkey_digest(x, EVP_sha1(), sha1, NULL);
    if (aki) {
        text_str(t, "  authkeyId: ");
        print_colons(t, print_octets(aki));
        text_str(t, "\n");
    }
    text_str(t, "  subjkeyId: ");
    print_colons(t, ski ? print_octets(ski) : span_of(sha1, sizeof(sha1)));
    text_str(t, "\n");
}

static bool print_public_key(struct text *t, const X509 *x, const struct print_env *env, struct diag *d)
{
    uint8_t *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x), &spki);
    bool is_ok = print_spki(t, span_of(spki, len > 0 ? (size_t)len : 0), "pubkey: ", env->has_private_key, d);
    OPENSSL_free(spki);
    return is_ok;
}

/* What is left out where few words are wanted. */
static bool print_details(struct text *t, const X509 *x, struct diag *d)
{
    long path_len = -1;
    if (!print_flags(t, x, &path_len, d) || !print_uris(t, x, d))
        return false;
    if (path_len >= 0)
        text_printf(t, "  pathlen:   %ld\n", path_len);
    return print_constraints(t, x, d) && print_policies(t, x, d) && print_addresses(t, x, d);
}

static bool print_x509(struct text *t, const X509 *x, const struct print_env *env, struct diag *d)
{
    int64_t from, to;
    if (!print_read_time(X509_get0_notBefore(x), &from) || !print_read_time(X509_get0_notAfter(x), &to)) {
        diag_set(d, FAIL_CERTIFICATE, "certificate with dates that cannot be read");
        return false;
    }
    text_str(t, "  subject:  \"");
    print_name(t, X509_get_subject_name(x));
    text_str(t, "\"\n  issuer:   \"");
    print_name(t, X509_get_issuer_name(x));
    text_str(t, "\"\n");
    print_validity(t, &print_validity_cert, from, to, env);
    text_str(t, "  serial:    ");
    print_integer(t, X509_get0_serialNumber(x));
    text_str(t, "\n");
    if (!print_alt_names(t, x, d) || (!env->is_brief && !print_details(t, x, d)))
        return false;
    print_key_ids(t, x);
    return print_public_key(t, x, env, d);
}

bool print_cert(struct text *out, struct span data, const struct print_env *env, struct diag *d)
{
    static const char *const labels[] = {"CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE", NULL};
    struct span der;
    uint8_t *owned;
    if (!print_unpem(data, labels, "certificate", &der, &owned, d))
        return false;
    const uint8_t *at = der.ptr;
    X509 *x = der.len <= DER_MAX ? d2i_X509(NULL, &at, (long)der.len) : NULL;
    bool is_ok = x && check_critical(x, d) && print_x509(out, x, env, d) && print_finish(out, d);
    if (!x)
        print_refuse("certificate", "PEM or DER", der.len, d);
    X509_free(x);
    OPENSSL_free(owned);
    ERR_clear_error();
    return is_ok;
}
