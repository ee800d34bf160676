/* SPDX-License-Identifier: Apache-2.0 */
/* Public keys as OpenSSH has them: the blob of RFC 4253 section 6.6 (RSA), RFC 5656 section 3.1 (ECDSA) and
 * RFC 8709 section 4 (EdDSA). See pkey.h. Not here: certificates and keys on tokens of OpenSSH's own. */
#include "base/rd.h"
#include "base/wr.h"
#include "crypto/pkey_impl.h"

enum { SSH_MAX = 128 + 2 * (PKEY_PART_MAX + 5) };

static const struct ssh_row {
    const char *name;
    enum pkey_type type;
    const char *curve, *ssh_curve;
    uint8_t part;
} rows[] = {
    {"ssh-rsa",             PKEY_RSA,     NULL,         NULL,       0 },
    {"ecdsa-sha2-nistp256", PKEY_ECDSA,   "prime256v1", "nistp256", 32},
    {"ecdsa-sha2-nistp384", PKEY_ECDSA,   "secp384r1",  "nistp384", 48},
    {"ecdsa-sha2-nistp521", PKEY_ECDSA,   "secp521r1",  "nistp521", 66},
    {"ssh-ed25519",         PKEY_ED25519, NULL,         NULL,       32},
    {"ssh-ed448",           PKEY_ED448,   NULL,         NULL,       57},
};

static void put_string(struct wr *w, struct span s)
{
    wr_u32(w, (uint32_t)s.len);
    wr_span(w, s);
}

/* [RFC4251#5] mpint: a zero in front where the number would read as negative. */
static void put_number(struct wr *w, struct span n)
{
    bool has_zero = n.len && (n.ptr[0] & 0x80);
    wr_u32(w, (uint32_t)(n.len + has_zero));
    wr_zero(w, has_zero);
    wr_span(w, n);
}

static void put_body(struct wr *w, const struct ssh_row *r, const struct pkey_parts *p)
{
    struct span first = span_of(p->first, p->first_len), second = span_of(p->second, p->second_len);
    put_string(w, span_str(r->name));
    if (r->type == PKEY_RSA) {
        put_number(w, second);
        put_number(w, first);
        return;
    }
    if (r->type != PKEY_ECDSA) {
        put_string(w, first);
        return;
    }
    put_string(w, span_str(r->ssh_curve));
    wr_u32(w, (uint32_t)(1 + first.len + second.len));
    wr_u8(w, 0x04);
    wr_span(w, first);
    wr_span(w, second);
}

bool pkey_ssh_encode(const struct pkey *k, struct secret *out)
{
    struct pkey_parts p;
    uint8_t buf[SSH_MAX];
    struct wr w = wr_over(buf, sizeof(buf));
    if (!pkey_parts_get(k, &p))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].type != k->type || (rows[i].curve && strcmp(rows[i].curve, p.curve) != 0))
            continue;
        put_body(&w, &rows[i], &p);
        *out = wr_ok(&w) ? secret_copy(wr_span_view(&w)) : (struct secret){0};
        return wr_ok(&w);
    }
    return false;
}

static struct span get_string(struct rd *r)
{
    return rd_bytes(r, rd_u32(r));
}

static EVP_PKEY *read_rsa(struct rd *r)
{
    struct span exponent = get_string(r), modulus = get_string(r);
    return rd_done(r) ? pkey_parts_make(PKEY_RSA, NULL, modulus, exponent) : NULL;
}

static EVP_PKEY *read_ecdsa(const struct ssh_row *row, struct rd *r)
{
    struct span curve = get_string(r);
    struct rd point = rd_sub(r, rd_u32(r));
    uint8_t form = rd_u8(&point);
    struct span x = rd_bytes(&point, row->part), y = rd_bytes(&point, row->part);
    bool is_ok = rd_done(r) && rd_done(&point) && form == 0x04 && span_equal(curve, span_str(row->ssh_curve));
    return is_ok ? pkey_parts_make(PKEY_ECDSA, row->curve, x, y) : NULL;
}

EVP_PKEY *pkey_ssh_read(struct span blob)
{
    struct rd r = rd_over(blob);
    struct span name = get_string(&r);
    for (size_t i = 0; i < ARRAY_LEN(rows) && rd_ok(&r); i++) {
        if (!span_equal(name, span_str(rows[i].name)))
            continue;
        if (rows[i].type == PKEY_RSA)
            return read_rsa(&r);
        if (rows[i].type == PKEY_ECDSA)
            return read_ecdsa(&rows[i], &r);
        struct span raw = get_string(&r);
        return rd_done(&r) ? pkey_parts_make(rows[i].type, NULL, raw, span_of(NULL, 0)) : NULL;
    }
    return NULL;
}
