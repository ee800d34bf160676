/* SPDX-License-Identifier: Apache-2.0 */
/* See container.h. */
#include "bin/ipsec/container.h"
#include "base/text.h"
#include <openssl/x509.h>
#include <stdio.h>

/* One attribute of a Name in UTF-8; "": it has none. */
static void part_of(struct span name, int nid, char out[KEYSTORE_NICKNAME_MAX / 2])
{
    const uint8_t *at = name.ptr;
    uint8_t *text = NULL;
    X509_NAME *x = d2i_X509_NAME(NULL, &at, (long)name.len);
    int i = x ? X509_NAME_get_index_by_NID(x, nid, -1) : -1;
    int len = i < 0 ? -1 : ASN1_STRING_to_UTF8(&text, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(x, i)));
    snprintf(out, KEYSTORE_NICKNAME_MAX / 2, "%s", len > 0 ? (const char *)text : "");
    OPENSSL_free(text);
    X509_NAME_free(x);
}

void container_nickname(const struct cert *c, char out[KEYSTORE_NICKNAME_MAX])
{
    char cn[KEYSTORE_NICKNAME_MAX / 2], o[KEYSTORE_NICKNAME_MAX / 2];
    part_of(cert_subject_der(c), NID_commonName, cn);
    part_of(*cn ? cert_issuer_der(c) : cert_subject_der(c), NID_organizationName, o);
    struct text t = {.buf = out, .cap = KEYSTORE_NICKNAME_MAX};
    text_printf(&t, "%s%s%s", cn, *cn && *o ? " - " : "", o);
    if (!*cn && !*o)
        text_str(&t, cert_subject_text(c));
}

/* Where the certificate is; n_certs: it is not there. */
static size_t index_of(const struct keystore *s, const struct cert *c)
{
    size_t i = 0;
    while (i < s->n_certs && !span_equal(cert_der(s->certs[i].cert), cert_der(c)))
        i++;
    return i;
}

static const char *name_for_key(const struct pkcs12 *p, size_t i)
{
    if (p->key_names[i])
        return p->key_names[i];
    static char name[KEYSTORE_NICKNAME_MAX];
    for (size_t k = 0; k < p->n_certs; k++) {
        if (!pkey_same(cert_public_key(p->certs[k]), p->keys[i]))
            continue;
        container_nickname(p->certs[k], name);
        return name;
    }
    return NULL;
}

bool container_take(struct keystore *s, const struct pkcs12 *p, bool is_trusting, struct diag *d)
{
    for (size_t i = 0; i < p->n_keys; i++) {
        if (!keystore_add(s, p->keys[i], name_for_key(p, i), d))
            return false;
    }
    for (size_t i = 0; i < p->n_certs; i++) {
        char made[KEYSTORE_NICKNAME_MAX];
        struct cert *c = p->certs[i];
        size_t at = index_of(s, c);
        bool shall_trust = is_trusting && cert_is_ca(c);
        container_nickname(c, made);
        if (at < s->n_certs && shall_trust && !keystore_set_trust(s, at, KEYSTORE_CA_TRUST, d))
            return false;
        if (at == s->n_certs && !keystore_add_cert(s, c, p->cert_names[i] ? p->cert_names[i] : made,
                                                   shall_trust ? KEYSTORE_CA_TRUST : KEYSTORE_NO_TRUST, d))
            return false;
    }
    return true;
}
