/* SPDX-License-Identifier: Apache-2.0 */
/* Which identities a certificate speaks for (RFC 4945 section 3.1, RFC 5280 section 4.2.1.6): its subject,
 * its subjectAltNames, and by its key id. A wildcard inside a dNSName is not expanded: an IKE identity names
 * one host. The common name is no name of a host. */
#include "base/text.h"
#include "net/dn.h"
#include "pki/cert.h"
#include "pki/cert_impl.h"
#include <stdio.h>

static const struct {
    int gen;
    enum id_type id; /* ID_ANY: none */
    const char *name;
} kinds[] = {
    {GEN_DNS,       ID_FQDN,        "dNSName"                  },
    {GEN_EMAIL,     ID_RFC822_ADDR, "rfc822Name"               },
    {GEN_IPADD,     ID_ANY,         "iPAddress"                },
    {GEN_DIRNAME,   ID_DER_ASN1_DN, "directoryName"            },
    {GEN_URI,       ID_ANY,         "uniformResourceIdentifier"},
    {GEN_OTHERNAME, ID_ANY,         "otherName"                },
    {GEN_RID,       ID_ANY,         "registeredID"             },
    {GEN_X400,      ID_ANY,         "x400Address"              },
    {GEN_EDIPARTY,  ID_ANY,         "ediPartyName"             },
};

const char *general_name_kind(const GENERAL_NAME *n)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].gen == n->type)
            return kinds[i].name;
    }
    return "name";
}

struct span general_name_bytes(const GENERAL_NAME *n)
{
    const ASN1_STRING *s = NULL;
    if (n->type == GEN_DNS || n->type == GEN_EMAIL || n->type == GEN_URI)
        s = n->d.ia5;
    else if (n->type == GEN_IPADD)
        s = n->d.iPAddress;
    return s ? span_of(ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s)) : span_of(NULL, 0);
}

struct span general_name_directory(const GENERAL_NAME *n)
{
    const unsigned char *der = NULL;
    size_t len = 0;
    if (n->type != GEN_DIRNAME || !X509_NAME_get0_der(n->d.directoryName, &der, &len))
        return span_of(NULL, 0);
    return span_of(der, len);
}

/* The identity that the name amounts to; ID_ANY when it is none. */
static struct identity as_identity(const GENERAL_NAME *n)
{
    struct identity id = {.type = ID_ANY, .data = general_name_bytes(n)};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        if (kinds[i].gen == n->type)
            id.type = kinds[i].id;
    }
    if (n->type == GEN_IPADD && id.data.len == 4)
        id.type = ID_IPV4_ADDR;
    if (n->type == GEN_IPADD && id.data.len == 16)
        id.type = ID_IPV6_ADDR;
    if (n->type == GEN_DIRNAME)
        id.data = general_name_directory(n);
    return id;
}

static bool is_general_name(const GENERAL_NAME *n, struct span want)
{
    uint8_t *der = NULL;
    int len = i2d_GENERAL_NAME((GENERAL_NAME *)n, &der);
    bool is_equal = len > 0 && span_equal(span_of(der, (size_t)len), want);
    OPENSSL_free(der);
    return is_equal;
}

bool cert_has_identity(const struct cert *c, const struct identity *id)
{
    if (id->type == ID_ANY || !id->data.len)
        return false;
    if (id->type == ID_DER_ASN1_DN && (dn_equal(c->subject, id->data)))
        return true;
    if (id->type == ID_KEY_ID) {
        uint8_t keyid[20];
        pkey_keyid(c->key, keyid);
        return span_equal(id->data, span_of(keyid, sizeof(keyid))) ||
               span_equal(id->data, span_of(c->spki_sha1, sizeof(c->spki_sha1)));
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names); i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(c->names, i);
        struct identity san = as_identity(n);
        if (san.type != ID_ANY && identity_equal(&san, id))
            return true;
        if (id->type == ID_DER_ASN1_GN && is_general_name(n, id->data))
            return true;
    }
    return false;
}

const char *general_name_text(const GENERAL_NAME *n, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    struct identity id = as_identity(n);
    char value[ID_TEXT_MAX];
    buf[0] = '\0';
    if (id.type != ID_ANY)
        text_str(&t, identity_format(&id, value));
    else if (n->type == GEN_URI)
        text_safe(&t, general_name_bytes(n));
    else if (n->type == GEN_RID)
        OBJ_obj2txt(buf, (int)cap, n->d.registeredID, 1);
    else
        text_hex(&t, general_name_bytes(n));
    return buf;
}

const char *cert_names_text(const struct cert *c, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    char value[ID_TEXT_MAX];
    buf[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(c->names) && t.len + 1 < cap; i++) {
        const GENERAL_NAME *n = sk_GENERAL_NAME_value(c->names, i);
        text_printf(&t, "%s%s:%s", i ? ", " : "", general_name_kind(n),
                    general_name_text(n, value, sizeof(value)));
    }
    return buf;
}
