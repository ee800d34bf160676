/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as DNS carries them: the key field of DNSKEY (RFC 4034) and IPSECKEY (RFC 4025) records, which
 * RFC 3110 describes for RSA (and Libreswan writes into its configurations), RFC 6605 for ECDSA and RFC 8080
 * for EdDSA; and the RDATA of a DNSKEY record. See pkey.h. */
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/pkey_impl.h"
#include <openssl/x509.h>

enum { DNSKEY_ZONE = 256, DNSKEY_PROTOCOL = 3, DNSKEY_MAX = 4 + 3 + 2 * PKEY_PART_MAX };

/* [RFC8624#3.1] IANA's DNSSEC algorithm numbers */
static const struct dns_row {
    uint8_t algorithm;
    enum pkey_type type;
    const char *curve;
    uint8_t part; /* bytes of each coordinate or of the key; 0: RSA */
} rows[] = {
    {8,  PKEY_RSA,     NULL,         0 }, /* the first of a type is the one that is written */
    {5,  PKEY_RSA,     NULL,         0 },
    {7,  PKEY_RSA,     NULL,         0 },
    {10, PKEY_RSA,     NULL,         0 },
    {1,  PKEY_RSA,     NULL,         0 },
    {13, PKEY_ECDSA,   "prime256v1", 32},
    {14, PKEY_ECDSA,   "secp384r1",  48},
    {15, PKEY_ED25519, NULL,         32},
    {16, PKEY_ED448,   NULL,         57},
};

static const struct dns_row *row_of(const struct pkey *k, const struct pkey_parts *p)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type == k->type && (!rows[i].curve || strcmp(rows[i].curve, p->curve) == 0))
            return &rows[i];
    }
    return NULL;
}

static void put_key(struct wr *w, const struct pkey *k, const struct pkey_parts *p)
{
    if (k->type != PKEY_RSA) {
        wr_bytes(w, p->first, p->first_len);
        wr_bytes(w, p->second, p->second_len);
        return;
    }
    if (p->second_len < 256) {
        wr_u8(w, (uint8_t)p->second_len);
    } else { /* [RFC3110#2] */
        wr_u8(w, 0);
        wr_u16(w, (uint16_t)p->second_len);
    }
    wr_bytes(w, p->second, p->second_len);
    wr_bytes(w, p->first, p->first_len);
}

static bool encode(const struct pkey *k, bool has_header, struct secret *out)
{
    struct pkey_parts p;
    uint8_t buf[DNSKEY_MAX];
    struct wr w = wr_over(buf, sizeof(buf));
    const struct dns_row *r = pkey_parts_get(k, &p) ? row_of(k, &p) : NULL;
    if (!r)
        return false;
    if (has_header) {
        wr_u16(&w, DNSKEY_ZONE);
        wr_u8(&w, DNSKEY_PROTOCOL);
        wr_u8(&w, r->algorithm);
    }
    put_key(&w, k, &p);
    *out = wr_ok(&w) ? secret_copy(wr_span_view(&w)) : (struct secret){0};
    return wr_ok(&w);
}

bool pkey_dns_encode(const struct pkey *k, struct secret *out)
{
    return encode(k, false, out);
}

/* [RFC4025#2.6] a field for each kind of key; which curve it is shows by the length */
bool pkey_ipseckey_encode(const struct pkey *k, struct secret *out)
{
    struct pkey_parts p;
    uint8_t buf[3 + 2 * PKEY_PART_MAX];
    struct wr w = wr_over(buf, sizeof(buf));
    if (!pkey_parts_get(k, &p))
        return false;
    put_key(&w, k, &p);
    *out = wr_ok(&w) ? secret_copy(wr_span_view(&w)) : (struct secret){0};
    return wr_ok(&w);
}

bool pkey_dnskey_encode(const struct pkey *k, struct secret *out)
{
    return encode(k, true, out);
}

static EVP_PKEY *read_rsa(struct span field)
{
    struct rd r = rd_over(field);
    size_t len = rd_u8(&r);
    struct span exponent = rd_bytes(&r, len ? len : rd_u16(&r));
    struct span modulus = rd_rest(&r);
    return rd_ok(&r) ? pkey_parts_make(PKEY_RSA, NULL, modulus, exponent) : NULL;
}

EVP_PKEY *pkey_dns_read(struct span field, uint8_t algorithm)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct dns_row *r = &rows[i];
        if (r->algorithm != algorithm)
            continue;
        if (r->type == PKEY_RSA)
            return read_rsa(field);
        struct rd rest = rd_over(field);
        struct span first = rd_bytes(&rest, r->part);
        struct span second = r->type == PKEY_ECDSA ? rd_bytes(&rest, r->part) : span_of(NULL, 0);
        return rd_done(&rest) ? pkey_parts_make(r->type, r->curve, first, second) : NULL;
    }
    return NULL;
}

EVP_PKEY *pkey_dnskey_read(struct span rdata)
{
    struct rd r = rd_over(rdata);
    rd_skip(&r, 2); /* flags: whose key it is matters to DNSSEC alone */
    uint8_t protocol = rd_u8(&r), algorithm = rd_u8(&r);
    struct span field = rd_rest(&r);
    return rd_ok(&r) && protocol == DNSKEY_PROTOCOL ? pkey_dns_read(field, algorithm) : NULL;
}

static EVP_PKEY *read_spki(struct span field)
{
    const uint8_t *at = field.ptr;
    EVP_PKEY *evp = field.len ? d2i_PUBKEY(NULL, &at, (long)field.len) : NULL;
    if (!evp || at == field.ptr + field.len)
        return evp;
    EVP_PKEY_free(evp);
    return NULL;
}

EVP_PKEY *pkey_ipseckey_read(struct span field, uint8_t algorithm)
{
    switch (algorithm) {
    case 2:
        return pkey_dns_read(field, 8);
    case 3:
        return pkey_dns_read(field, field.len == 64 ? 13 : 14);
    case 4: /* [RFC9373], and what Libreswan writes: a whole SubjectPublicKeyInfo of any kind */
        return field.len == 32   ? pkey_dns_read(field, 15)
               : field.len == 57 ? pkey_dns_read(field, 16)
                                 : read_spki(field);
    default:
        return NULL;
    }
}
