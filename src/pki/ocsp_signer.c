/* SPDX-License-Identifier: Apache-2.0 */
/* Whose OCSP responses are believed (RFC 6960 sections 3.2 and 4.2.2.2): the issuer's own, those of
 * responders that are configured, and those of a responder that the issuer appointed by a certificate with
 * OCSPSigning, which must be issued by it directly. Whether an appointed responder is itself revoked is not
 * asked: there would be no end. */
#include "net/dn.h"
#include "pki/ocsp_impl.h"
#include <openssl/err.h>

static bool reject(const struct ocsp *o, struct diag *why, const char *what)
{
    diag_set(why, FAIL_CERTIFICATE, "the OCSP response of %.200s %s", o->responder_text, what);
    return false;
}

static bool is_responder(const struct ocsp *o, const struct cert *c)
{
    uint8_t keyid[20];
    if (o->responder_name.len)
        return dn_equal(o->responder_name, c->subject);
    pkey_keyid(c->key, keyid);
    return span_equal(o->responder_key, span_of(keyid, sizeof(keyid)));
}

static bool has_signed(const struct ocsp *o, const struct cert *c)
{
    bool is_ok = ASN1_item_verify(ASN1_ITEM_rptr(OCSP_RESPDATA), OCSP_resp_get0_tbs_sigalg(o->basic),
                                  (ASN1_BIT_STRING *)OCSP_resp_get0_signature(o->basic),
                                  (void *)OCSP_resp_get0_respdata(o->basic), X509_get0_pubkey(c->x509)) == 1;
    ERR_clear_error();
    return is_ok;
}

static bool check_signature(const struct ocsp *o, const struct cert *c, struct diag *why)
{
    if (has_signed(o, c))
        return true;
    reject(o, why, "has a wrong signature");
    diag_expected(why, "made by the key of %.300s", c->subject_text);
    return false;
}

static bool may_sign_responses(const struct cert *c)
{
    for (int i = 0; i < sk_ASN1_OBJECT_num(c->ekus); i++) {
        if (OBJ_obj2nid(sk_ASN1_OBJECT_value(c->ekus, i)) == NID_OCSP_sign)
            return true;
    }
    return false;
}

/* Has the issuer appointed c? */
static bool check_appointed(const struct ocsp *o, const struct cert *c, const struct cert *issuer,
                            int64_t now, struct diag *why)
{
    char text[40];
    if (!dn_equal(c->issuer, issuer->subject) || X509_verify(c->x509, X509_get0_pubkey(issuer->x509)) != 1) {
        ERR_clear_error();
        reject(o, why, "is of a responder that the issuer did not appoint");
        diag_expected(why, "a responder's certificate issued by %.300s", issuer->subject_text);
        diag_got(why, "one issued by %.300s", c->issuer_text);
        return false;
    }
    if (!may_sign_responses(c) ||
        (c->has_key_usage && !(c->key_usage & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)))) {
        reject(o, why, "is of a responder whose certificate does not allow it");
        diag_expected(why, "extKeyUsage with OCSPSigning, and digitalSignature in a keyUsage");
        diag_got(why, "%.300s without", c->subject_text);
        return false;
    }
    if (now < c->not_before || now > c->not_after || asn1_digest_is_weak(c->digest_nid)) {
        reject(o, why, "is of a responder whose certificate is not valid");
        diag_expected(why, "valid at %s, and signed with SHA-256 or stronger", cert_time_text(now, text));
        diag_got(why, "%.300s", c->subject_text);
        return false;
    }
    return true;
}

bool ocsp_is_signed_for(const struct ocsp *o, const struct cert *issuer, const struct cert_list *configured,
                        int64_t now, struct diag *why)
{
    if (asn1_digest_is_weak(o->digest_nid)) {
        reject(o, why, "is signed with a weak hash");
        diag_expected(why, "SHA-256 or stronger");
        diag_got(why, "%s", OBJ_nid2sn(o->digest_nid));
        return false;
    }
    if (is_responder(o, issuer))
        return check_signature(o, issuer, why);
    for (size_t i = 0; configured && i < configured->n; i++) {
        if (is_responder(o, configured->v[i]))
            return check_signature(o, configured->v[i], why);
    }
    for (size_t i = 0; i < o->n_certs; i++) {
        const struct cert *c = o->certs[i];
        if (is_responder(o, c))
            return check_appointed(o, c, issuer, now, why) && check_signature(o, c, why);
    }
    reject(o, why, "is of a responder that is not known");
    diag_expected(why, "the issuer %.300s, a responder that it appointed, or one in x509ocsp",
                  issuer->subject_text);
    return false;
}
