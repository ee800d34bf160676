/* SPDX-License-Identifier: Apache-2.0 */
/* OCSP requests and responses (RFC 6960 section 4) in the layout of `pki --print` of strongSwan 6.0; 5.9.8
 * knows neither. Signatures are not looked at. */
#include "pki/print/print_impl.h"
#include <limits.h>
#include <openssl/asn1t.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>

enum { VALID_WITHOUT_NEXT = 30 }; /* seconds: what the real one takes for a missing nextUpdate */

/* The part of a request that OpenSSL has no accessor for. Its templates want types that are names. */
typedef struct {
    ASN1_INTEGER *version;
    GENERAL_NAME *requestor;
    STACK_OF(ASN1_TYPE) * list;
    STACK_OF(X509_EXTENSION) * extensions;
} PRINT_TBS_REQUEST;
ASN1_SEQUENCE(PRINT_TBS_REQUEST) =
    {
        ASN1_EXP_OPT(PRINT_TBS_REQUEST, version, ASN1_INTEGER, 0),
        ASN1_EXP_OPT(PRINT_TBS_REQUEST, requestor, GENERAL_NAME, 1),
        ASN1_SEQUENCE_OF(PRINT_TBS_REQUEST, list, ASN1_ANY),
        ASN1_EXP_SEQUENCE_OF_OPT(PRINT_TBS_REQUEST, extensions, X509_EXTENSION, 2),
} static_ASN1_SEQUENCE_END(PRINT_TBS_REQUEST)

        typedef struct {
    PRINT_TBS_REQUEST *tbs;
    ASN1_TYPE *signature;
} PRINT_REQUEST;
ASN1_SEQUENCE(PRINT_REQUEST) =
    {
        ASN1_SIMPLE(PRINT_REQUEST, tbs, PRINT_TBS_REQUEST),
        ASN1_OPT(PRINT_REQUEST, signature, ASN1_ANY),
} static_ASN1_SEQUENCE_END(PRINT_REQUEST)

        static void print_requestor(struct text * t, struct span der)
{
    const uint8_t *at = der.ptr;
    PRINT_REQUEST *r = (void *)ASN1_item_d2i(NULL, &at, (long)der.len, ASN1_ITEM_rptr(PRINT_REQUEST));
    text_str(t, "  subject:  \"");
    if (!r || !r->tbs->requestor || !print_general_name(t, r->tbs->requestor, false))
        text_str(t, "(null)");
    text_str(t, "\"\n");
    ASN1_item_free((ASN1_VALUE *)r, ASN1_ITEM_rptr(PRINT_REQUEST));
}

static void print_nonce(struct text *t, OCSP_REQUEST *r)
{
    int at = OCSP_REQUEST_get_ext_by_NID(r, NID_id_pkix_OCSP_Nonce, -1);
    struct span outer = print_octets(at < 0 ? NULL : X509_EXTENSION_get_data(OCSP_REQUEST_get_ext(r, at)));
    const uint8_t *p = outer.ptr;
    ASN1_OCTET_STRING *nonce = outer.len ? d2i_ASN1_OCTET_STRING(NULL, &p, (long)outer.len) : NULL;
    text_str(t, "  nonce:     ");
    print_colons(t, nonce ? print_octets(nonce) : outer); /* RFC 2560's nonces were not wrapped */
    text_str(t, "\n");
    ASN1_OCTET_STRING_free(nonce);
}

static void print_request(struct text *t, OCSP_ONEREQ *one)
{
    ASN1_OCTET_STRING *name, *key;
    ASN1_OBJECT *hash;
    ASN1_INTEGER *serial;
    OCSP_id_get0_info(&name, &hash, &key, &serial, OCSP_onereq_get0_id(one));
    text_str(t, "  serial:    ");
    print_integer(t, serial);
    text_str(t, "\n  issuer:    keyHash:  ");
    print_colons(t, print_octets(key));
    text_str(t, "\n             nameHash: ");
    print_colons(t, print_octets(name));
    text_str(t, "\n");
    if (OBJ_obj2nid(hash) == NID_sha1)
        return;
    const char *word = OBJ_nid2sn(OBJ_obj2nid(hash));
    text_str(t, "             hashAlg:  ");
    for (size_t i = 0; OBJ_obj2nid(hash) != NID_undef && word[i]; i++)
        text_printf(t, "%c", word[i] >= 'A' && word[i] <= 'Z' ? word[i] | 0x20 : word[i]);
    if (OBJ_obj2nid(hash) == NID_undef)
        print_oid(t, hash);
    text_str(t, "\n");
}

static bool refuse(const char *what, size_t len, struct diag *d)
{
    ERR_clear_error();
    return print_refuse(what, "DER", len, d);
}

bool print_ocsp_request(struct text *out, struct span data, struct diag *d)
{
    const uint8_t *at = data.ptr;
    OCSP_REQUEST *r = data.len && data.len <= INT_MAX ? d2i_OCSP_REQUEST(NULL, &at, (long)data.len) : NULL;
    if (!r)
        return refuse("OCSP request", data.len, d);
    print_requestor(out, data);
    print_nonce(out, r);
    for (int i = 0; i < OCSP_request_onereq_count(r); i++)
        print_request(out, OCSP_request_onereq_get0(r, i));
    OCSP_REQUEST_free(r);
    ERR_clear_error();
    return print_finish(out, d);
}

static void print_responder(struct text *t, const OCSP_BASICRESP *b)
{
    const ASN1_OCTET_STRING *key = NULL;
    const X509_NAME *name = NULL;
    OCSP_resp_get0_id(b, &key, &name);
    text_str(t, "  issuer:   \"");
    if (name)
        print_name(t, name);
    else
        print_colons(t, print_octets(key));
    text_str(t, "\"\n");
}

/* The words of RFC 5280's reasons, which OCSP shares. */
static const char *reason_text(int reason)
{
    static const char *const words[] = {
        [OCSP_REVOKED_STATUS_UNSPECIFIED] = "unspecified",
        [OCSP_REVOKED_STATUS_KEYCOMPROMISE] = "key compromise",
        [OCSP_REVOKED_STATUS_CACOMPROMISE] = "ca compromise",
        [OCSP_REVOKED_STATUS_AFFILIATIONCHANGED] = "affiliation changed",
        [OCSP_REVOKED_STATUS_SUPERSEDED] = "superseded",
        [OCSP_REVOKED_STATUS_CESSATIONOFOPERATION] = "cessation of operation",
        [OCSP_REVOKED_STATUS_CERTIFICATEHOLD] = "certificate hold",
        [OCSP_REVOKED_STATUS_REMOVEFROMCRL] = "remove from crl",
    };
    bool is_known = reason >= 0 && (size_t)reason < ARRAY_LEN(words) && words[reason];
    return is_known ? words[reason] : "unspecified";
}

static bool print_single(struct text *t, OCSP_SINGLERESP *s, const struct print_env *env)
{
    ASN1_INTEGER *serial;
    ASN1_GENERALIZEDTIME *when = NULL;
    int64_t at;
    int reason = -1, status = OCSP_single_get0_status(s, &reason, &when, NULL, NULL);
    OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(s));
    print_integer(t, serial);
    if (status != V_OCSP_CERTSTATUS_REVOKED) {
        text_str(t, status == V_OCSP_CERTSTATUS_GOOD ? ": good\n" : ": unknown\n");
        return true;
    }
    if (!print_read_time(when, &at))
        return false;
    text_str(t, ": revoked on ");
    print_time(t, at, env);
    text_printf(t, ", %s\n", reason_text(reason));
    return true;
}

static bool print_dates(struct text *t, OCSP_SINGLERESP *s, const struct print_env *env)
{
    ASN1_GENERALIZEDTIME *this_update = NULL, *next_update = NULL;
    int64_t from, to;
    OCSP_single_get0_status(s, NULL, NULL, &this_update, &next_update);
    if (!print_read_time(this_update, &from) || (next_update && !print_read_time(next_update, &to)))
        return false;
    print_validity(t, &print_validity_update, from, next_update ? to : from + VALID_WITHOUT_NEXT, env);
    return true;
}

static bool print_basic(struct text *t, OCSP_BASICRESP *b, const struct print_env *env)
{
    int n = OCSP_resp_count(b);
    print_responder(t, b);
    if (n > 0 && !print_dates(t, OCSP_resp_get0(b, 0), env))
        return false;
    if (env->is_brief)
        return true;
    for (int i = 0; i < n; i++) {
        text_str(t, i ? "             " : "  responses: ");
        if (!print_single(t, OCSP_resp_get0(b, i), env))
            return false;
    }
    text_str(t, n > 0 ? "" : "  responses: (none)\n");
    return true;
}

bool print_ocsp_response(struct text *out, struct span data, const struct print_env *env, struct diag *d)
{
    const uint8_t *at = data.ptr;
    OCSP_RESPONSE *r = data.len && data.len <= INT_MAX ? d2i_OCSP_RESPONSE(NULL, &at, (long)data.len) : NULL;
    if (!r)
        return refuse("OCSP response", data.len, d);
    bool is_successful = OCSP_response_status(r) == OCSP_RESPONSE_STATUS_SUCCESSFUL;
    OCSP_BASICRESP *b = is_successful ? OCSP_response_get1_basic(r) : NULL;
    bool is_ok = !is_successful || b;
    if (b)
        is_ok = print_basic(out, b, env);
    if (!is_successful) /* it has no responses, only its status */
        text_str(out, "  issuer:   \"(null)\"\n  responses: (none)\n");
    OCSP_BASICRESP_free(b);
    OCSP_RESPONSE_free(r);
    ERR_clear_error();
    return is_ok ? print_finish(out, d) : refuse("OCSP response", data.len, d);
}
