/* SPDX-License-Identifier: Apache-2.0 */
/* Values out of OpenSSL's ASN.1 objects: times without the C library's time zones, integers of any sign,
 * digests of signature algorithms. See asn1.h. */
#include "pki/asn1.h"
#include <openssl/rsa.h>

/* Days since 1970-01-01 of a Gregorian date; years 1 to 9999. */
static int64_t days_from_civil(int64_t y, int64_t m, int64_t d)
{
    y -= m <= 2;
    int64_t era = y / 400, yoe = y - era * 400;
    int64_t doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

bool asn1_time_read(const ASN1_TIME *t, int64_t *out)
{
    struct tm tm;
    if (!t || !ASN1_TIME_to_tm(t, &tm))
        return false;
    *out = days_from_civil(tm.tm_year + INT64_C(1900), tm.tm_mon + 1, tm.tm_mday) * 86400 +
           tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec;
    return true;
}

bool asn1_integer_read(const ASN1_INTEGER *i, uint8_t buf[SERIAL_MAX], size_t *len)
{
    uint8_t der[SERIAL_MAX + 2], *at = der;
    int n = i ? i2d_ASN1_INTEGER((ASN1_INTEGER *)i, NULL) : 0;
    if (n < 3 || n > SERIAL_MAX + 2) /* below 128 octets the length takes one */
        return false;
    i2d_ASN1_INTEGER((ASN1_INTEGER *)i, &at);
    *len = (size_t)n - 2;
    memcpy(buf, der + 2, *len);
    return true;
}

int asn1_signature_digest(const X509_ALGOR *alg)
{
    const ASN1_OBJECT *oid;
    const void *value;
    int type, digest = NID_undef, key;
    X509_ALGOR_get0(&oid, &type, &value, alg);
    if (OBJ_obj2nid(oid) != NID_rsassaPss) {
        OBJ_find_sigid_algs(OBJ_obj2nid(oid), &digest, &key);
        return digest;
    }
    RSA_PSS_PARAMS *pss = type == V_ASN1_SEQUENCE
                              ? ASN1_TYPE_unpack_sequence(ASN1_ITEM_rptr(RSA_PSS_PARAMS), alg->parameter)
                              : NULL;
    if (!pss)
        return NID_undef;
    digest = pss->hashAlgorithm ? OBJ_obj2nid(pss->hashAlgorithm->algorithm) : NID_sha1; /* [RFC8017#A.2.3] */
    RSA_PSS_PARAMS_free(pss);
    return digest;
}

bool asn1_digest_is_weak(int nid)
{
    return nid == NID_md5 || nid == NID_md4 || nid == NID_md2 || nid == NID_md5_sha1 || nid == NID_mdc2 ||
           nid == NID_sha1;
}
