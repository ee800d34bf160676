/* SPDX-License-Identifier: Apache-2.0 */
/* Reading certificate requests (RFC 2986): the key, the subject, the names that are asked for
 * (extensionRequest, RFC 2985 section 5.4.2) and the challenge password (section 5.4.1). What else a request
 * asks for is for its reader to decide, and is not served. */
#include "pki/issue/request.h"
#include "base/arena.h"
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

enum { REQUEST_MAX = 65536, PASSWORD_MAX = 255 };

struct request {
    X509_REQ *x509;
    struct pkey *key;
    struct span subject, names, profile_der, profile, password;
};

/* A copy of the value of the extension of a type; empty when there is none. */
static struct span copy_extension(const STACK_OF(X509_EXTENSION) * extensions, const char *oid)
{
    ASN1_OBJECT *type = OBJ_txt2obj(oid, 1);
    int found = X509v3_get_ext_by_OBJ(extensions, type, -1);
    ASN1_OBJECT_free(type);
    if (found < 0)
        return span_of(NULL, 0);
    const ASN1_OCTET_STRING *bytes = X509_EXTENSION_get_data(X509v3_get_ext(extensions, found));
    size_t len = (size_t)ASN1_STRING_length(bytes);
    uint8_t *copy = mem_new(len + 1);
    memcpy(copy, ASN1_STRING_get0_data(bytes), len);
    return span_of(copy, len);
}

/* extensionRequest: a SET with one SEQUENCE OF Extension. */
static void find_extensions(struct request *r)
{
    int at = X509_REQ_get_attr_by_NID(r->x509, NID_ext_req, -1);
    X509_ATTRIBUTE *attr = at >= 0 ? X509_REQ_get_attr(r->x509, at) : NULL;
    const ASN1_TYPE *value = attr ? X509_ATTRIBUTE_get0_type(attr, 0) : NULL;
    if (!value || value->type != V_ASN1_SEQUENCE)
        return;
    STACK_OF(X509_EXTENSION) *extensions = X509_REQ_get_extensions(r->x509);
    r->names = copy_extension(extensions, "2.5.29.17");
    r->profile_der = copy_extension(extensions, REQUEST_PROFILE_OID);
    sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
    const uint8_t *p = r->profile_der.ptr;
    ASN1_TYPE *profile = p ? d2i_ASN1_TYPE(NULL, &p, (long)r->profile_der.len) : NULL;
    if (profile && (profile->type == V_ASN1_UTF8STRING || profile->type == V_ASN1_PRINTABLESTRING)) {
        size_t len = (size_t)ASN1_STRING_length(profile->value.asn1_string);
        r->profile =
            span_of(r->profile_der.ptr + r->profile_der.len - len, len); /* the string ends the DER */
    }
    ASN1_TYPE_free(profile);
}

static void find_password(struct request *r)
{
    int at = X509_REQ_get_attr_by_NID(r->x509, NID_pkcs9_challengePassword, -1);
    X509_ATTRIBUTE *attr = at >= 0 ? X509_REQ_get_attr(r->x509, at) : NULL;
    const ASN1_TYPE *value = attr ? X509_ATTRIBUTE_get0_type(attr, 0) : NULL;
    if (!value)
        return;
    bool is_text = value->type == V_ASN1_PRINTABLESTRING || value->type == V_ASN1_UTF8STRING ||
                   value->type == V_ASN1_IA5STRING || value->type == V_ASN1_T61STRING;
    if (!is_text)
        return;
    const ASN1_STRING *s = value->value.asn1_string;
    int len = ASN1_STRING_length(s);
    if (len > 0 && len <= PASSWORD_MAX)
        r->password = span_of(ASN1_STRING_get0_data(s), (size_t)len);
}

static bool take_key(struct request *r, struct diag *d)
{
    uint8_t *spki = NULL;
    int len = i2d_X509_PUBKEY(X509_REQ_get_X509_PUBKEY(r->x509), &spki);
    if (len > 0)
        r->key = pkey_load_public(span_of(spki, (size_t)len), d);
    OPENSSL_free(spki);
    if (!r->key)
        return false;
    if (X509_REQ_verify(r->x509, X509_REQ_get0_pubkey(r->x509)) == 1)
        return true;
    diag_set(d, FAIL_CERTIFICATE, "the signature of the certificate request is wrong");
    return false;
}

struct request *request_load(struct span der, struct diag *d)
{
    const uint8_t *at = der.ptr, *name = NULL;
    size_t name_len = 0;
    struct request *r = mem_new(sizeof(*r));
    if (der.len && der.len <= REQUEST_MAX)
        r->x509 = d2i_X509_REQ(NULL, &at, (long)der.len);
    if (!r->x509 || at != der.ptr + der.len) {
        diag_set(d, FAIL_CERTIFICATE, "no certificate request that can be read");
        diag_expected(d, "PKCS#10, PEM or DER");
        goto fail;
    }
    if (!take_key(r, d))
        goto fail;
    if (X509_NAME_get0_der(X509_REQ_get_subject_name(r->x509), &name, &name_len))
        r->subject = span_of(name, name_len);
    find_extensions(r);
    find_password(r);
    ERR_clear_error();
    return r;
fail:
    ERR_clear_error();
    request_free(r);
    return NULL;
}

void request_free(struct request *r)
{
    if (!r)
        return;
    X509_REQ_free(r->x509);
    pkey_unref(r->key);
    free((void *)r->names.ptr);
    free((void *)r->profile_der.ptr);
    free(r);
}

struct pkey *request_public_key(const struct request *r)
{
    return r->key;
}

struct span request_subject_der(const struct request *r)
{
    return r->subject;
}

struct span request_names_der(const struct request *r)
{
    return r->names;
}

struct span request_profile(const struct request *r)
{
    return r->profile;
}

struct span request_password(const struct request *r)
{
    return r->password;
}
