/* SPDX-License-Identifier: Apache-2.0 */
/* `ipsec certutil -A`, `-D`, `-M`, `-F`: certificates into the key store, out of it, and their trust; private
 * keys out of it. */
#include "base/text.h"
#include "bin/ipsec/certutil.h"
#include "bin/pki/pki.h"
#include <errno.h>
#include <strings.h>

/* False: said. */
static bool read_trust(const struct ipsec_run *r, struct keystore_trust *out)
{
    const char *text = ipsec_get(r, "t");
    if (ipsec_has(r, "A") && strchr(text, 'u'))
        fputs("Notice: Trust flag u is set automatically if the private key is present.\n", stderr);
    if (keystore_trust_parse(text, out))
        return true;
    certutil_fail(
        "unable to decode trust string: SEC_ERROR_INVALID_ARGS: security library: invalid arguments.");
    return false;
}

static struct cert *read_cert(const struct ipsec_run *r)
{
    struct secret data = {0};
    struct diag d;
    const char *path = ipsec_get(r, "i");
    if (!pki_read(path, &data, &d)) {
        certutil_fail_diag(&d);
        return NULL;
    }
    bool is_pem = memmem(data.ptr, data.len, "-----BEGIN ", 11) != NULL;
    struct cert *c = is_pem || !ipsec_has(r, "a") ? cert_load(secret_view(&data), &d) : NULL;
    if (!c && !is_pem && ipsec_has(r, "a"))
        fputs("error converting ascii to binary (security library: invalid arguments.)\n", stderr);
    else if (!c)
        certutil_fail(
            "could not decode certificate: SEC_ERROR_BAD_DER: security library: improperly formatted "
            "DER-encoded message.");
    secret_free(&data);
    return c;
}

int certutil_add(const struct ipsec_run *r, struct keystore *s)
{
    struct keystore_trust trust;
    struct diag d;
    const char *nickname = ipsec_get(r, "n");
    struct cert *c = read_cert(r);
    if (!c)
        return CERTUTIL_BAD;
    int code = read_trust(r, &trust) ? 0 : CERTUTIL_BAD;
    const struct keystore_cert *same = keystore_find_cert(s, nickname);
    if (!code && same && !span_equal(cert_subject_der(same->cert), cert_subject_der(c)))
        code = certutil_fail(
            "could not add certificate to token or database: SEC_ERROR_ADDING_CERT: Error adding "
            "certificate to database.");
    if (!code && !keystore_add_cert(s, c, nickname, trust, &d))
        code = certutil_fail_diag(&d);
    cert_unref(c);
    return code;
}

/* NULL: said. */
static const struct keystore_cert *named(const struct ipsec_run *r, const struct keystore *s)
{
    const char *nickname = ipsec_get(r, "n");
    const struct keystore_cert *c = keystore_find_cert(s, nickname);
    if (!c)
        certutil_fail(
            "could not find certificate named \"%s\": SEC_ERROR_INVALID_ARGS: security library: invalid "
            "arguments.",
            nickname);
    return c;
}

int certutil_delete(const struct ipsec_run *r, struct keystore *s)
{
    struct diag d;
    const struct keystore_cert *c = named(r, s);
    if (!c)
        return CERTUTIL_BAD;
    return keystore_remove_cert(s, (size_t)(c - s->certs), &d) ? 0 : certutil_fail_diag(&d);
}

int certutil_modify(const struct ipsec_run *r, struct keystore *s)
{
    struct keystore_trust trust;
    struct diag d;
    const struct keystore_cert *c = named(r, s);
    if (!c)
        return CERTUTIL_BAD;
    if (!read_trust(r, &trust))
        return 1;
    return keystore_set_trust(s, (size_t)(c - s->certs), trust, &d) ? 0 : certutil_fail_diag(&d);
}

/* ---- private keys */

static const struct keystore_key *key_by_id(const struct keystore *s, const char *id)
{
    for (size_t i = 0; i < s->n_keys; i++) {
        char hex[2 * KEYSTORE_CKAID_LEN + 1];
        struct text t = TEXT_ON(hex);
        text_hex(&t, span_of(s->keys[i].ckaid, KEYSTORE_CKAID_LEN));
        if (!strcasecmp(hex, id + (strncmp(id, "0x", 2) ? 0 : 2)))
            return &s->keys[i];
    }
    return NULL;
}

static bool remove_with_certs(struct keystore *s, const struct keystore_key *e, struct diag *d)
{
    for (size_t i = s->n_certs; i > 0; i--) {
        if (keystore_find(s, cert_public_key(s->certs[i - 1].cert)) == e &&
            !keystore_remove_cert(s, i - 1, d))
            return false;
    }
    return keystore_remove_key(s, (size_t)(e - s->keys), d);
}

int certutil_forget(const struct ipsec_run *r, struct keystore *s)
{
    struct diag d;
    const char *nickname = ipsec_get(r, "n"), *id = ipsec_get(r, "k");
    if (!nickname && !id) {
        fputs("certutil -F: specify a nickname (-n) or\n   a key ID (-k).\n", stderr);
        return CERTUTIL_BAD;
    }
    int code = certutil_unlock(r, s);
    if (code)
        return code;
    const struct keystore_cert *c = nickname ? keystore_find_cert(s, nickname) : NULL;
    const struct keystore_key *e = c    ? keystore_find(s, cert_public_key(c->cert))
                                   : id ? key_by_id(s, id)
                                        : NULL;
    if (!e && id)
        return certutil_fail(
            "%s is not a key-id: SSL_ERROR_NO_CERTIFICATE: Unable to find the certificate or key "
            "necessary for authentication.",
            id);
    if (!e)
        return certutil_fail("no private key belongs to \"%s\"", nickname);
    return remove_with_certs(s, e, &d) ? 0 : certutil_fail_diag(&d);
}
