/* SPDX-License-Identifier: Apache-2.0 */
/* The payload types as tables (RFC 7296 sections 3.4 to 3.16), and the few checks that a table cannot say. SK
 * and SKF are protect.c's: here they only have a name. */
#include "crypto/kex.h"
#include "ike/msg/decode.h"
#include "ike/msg/format.h"

#define P       struct ike_payload
#define ANY_LEN IKE_MAX_MESSAGE

static const struct field ke_fields[] = {
    F_U16(P, ke.group),
    F_RESERVED(2),
    F_REST(P, ke.data, 1, KEX_PUBLIC_MAX),
    F_END,
};
static const struct field id_fields[] = {
    F_U8_ENUM(P, id.id.type),
    F_RESERVED(3),
    F_REST(P, id.id.data, 0, 4096),
    F_END,
};
static const struct field cert_fields[] = {
    F_U8(P, cert.encoding),
    F_REST(P, cert.data, 1, ANY_LEN),
    F_END,
};
static const struct field certreq_fields[] = {
    F_U8(P, cert.encoding),
    F_REST(P, cert.data, 0, ANY_LEN),
    F_END,
};
static const struct field auth_fields[] = {
    F_U8(P, auth.method),
    F_RESERVED(3),
    F_REST(P, auth.data, 1, 8192),
    F_END,
};
static const struct field nonce_fields[] = {
    F_REST(P, nonce.data, NONCE_MIN, NONCE_MAX),
    F_END,
};
static const struct field notify_fields[] = {
    F_U8(P, notify.protocol),
    F_LEN8(P, notify.spi),
    F_U16(P, notify.type),
    F_SIZED(P, notify.spi, 0, SPI_MAX),
    F_REST(P, notify.data, 0, ANY_LEN),
    F_END,
};
static const struct field delete_fields[] = {
    F_U8(P, del.protocol), F_U8(P, del.spi_len), F_U16(P, del.count), F_REST(P, del.spis, 0, ANY_LEN), F_END,
};
static const struct field vendor_fields[] = {
    F_REST(P, vendor.data, 0, ANY_LEN),
    F_END,
};
static const struct field cp_fields[] = {
    F_U8(P, cp.type),
    F_RESERVED(3),
    F_REST(P, cp.attrs, 0, ANY_LEN),
    F_END,
};
static const struct field eap_fields[] = {
    F_REST(P, eap.data, 4, ANY_LEN),
    F_END,
};

/* [RFC7296#3.5] addresses have one length, [RFC7619#2.2] nobody has none; other types are the matcher's
 * business. */
static bool id_check(struct ike_payload *p, struct diag *d)
{
    size_t len = p->id.id.data.len;
    p->id.body = p->body;
    if (p->id.id.type == ID_ANY || (p->id.id.type == ID_IPV4_ADDR && len != 4) ||
        (p->id.id.type == ID_IPV6_ADDR && len != 16) || (p->id.id.type == ID_NULL && len != 0)) {
        diag_set(d, FAIL_GENERIC, "malformed ID payload: type %u with %zu bytes", p->id.id.type, len);
        return false;
    }
    return true;
}

/* [RFC7296#3.11] no SPIs for IKE, 4 bytes each for ESP and AH. */
static bool delete_check(struct ike_payload *p, struct diag *d)
{
    const struct pl_delete *del = &p->del;
    bool is_child = del->protocol == PROTO_ESP || del->protocol == PROTO_AH;
    bool fits = (size_t)del->count * del->spi_len == del->spis.len;
    if (fits && (is_child ? del->spi_len == 4 : del->count == 0))
        return true;
    diag_set(d, FAIL_GENERIC, "malformed D payload: protocol %u, %u SPIs of %u bytes in %zu", del->protocol,
             del->count, del->spi_len, del->spis.len);
    return false;
}

static bool cp_check(struct ike_payload *p, struct diag *d)
{
    struct rd r = rd_over(p->cp.attrs);
    while (rd_left(&r) > 0) {
        rd_u16(&r);
        rd_skip(&r, rd_u16(&r));
    }
    if (!rd_done(&r))
        diag_set(d, FAIL_GENERIC, "malformed CP payload: attributes do not fit");
    return rd_done(&r);
}

static const struct payload_format formats[] = {
    {PAYLOAD_SA,               "SA",                  .is_single = true, .read = sa_read, .write = sa_write},
    {PAYLOAD_KE,         "KE",             .fields = ke_fields},
    {PAYLOAD_IDI,               "IDi",                        .fields = id_fields, .check = id_check},
    {PAYLOAD_IDR,                        "IDr",                                   .fields = id_fields, .check = id_check},
    {PAYLOAD_CERT,     "CERT",.fields = cert_fields},
    {PAYLOAD_CERTREQ,              "CERTREQ",       .fields = certreq_fields},
    {PAYLOAD_AUTH,       "AUTH",                            .fields = auth_fields},
    {PAYLOAD_NONCE,              "No",                             .fields = nonce_fields},
    {PAYLOAD_NOTIFY,          "N",         .fields = notify_fields},
    {PAYLOAD_DELETE,                        "D",                                  .fields = delete_fields, .check = delete_check},
    {PAYLOAD_VENDOR,   "V",.fields = vendor_fields},
    {PAYLOAD_TSI,       "TSi",.is_single = true, .read = tsel_read, .write = tsel_write},
    {PAYLOAD_TSR,           "TSr",                    .is_single = true, .read = tsel_read, .write = tsel_write},
    {PAYLOAD_SK,                        "SK"                               },
    {PAYLOAD_CP, "CP",.fields = cp_fields, .check = cp_check},
    {PAYLOAD_EAP,           "EAP",                           .fields = eap_fields},
    {PAYLOAD_SKF,                        "SKF"                                  },
};

const struct payload_format *payload_format(uint8_t type)
{
    for (size_t i = 0; i < ARRAY_LEN(formats); i++) {
        if (formats[i].type == type)
            return &formats[i];
    }
    return NULL;
}

const char *payload_name(uint8_t type)
{
    const struct payload_format *f = payload_format(type);
    return f ? f->name : NULL;
}

bool payload_is_known(uint8_t type)
{
    return payload_format(type) != NULL;
}

bool payload_read(struct arena *a, struct ike_payload *p, struct diag *d)
{
    const struct payload_format *f = payload_format(p->type);
    if (!f)
        return false;
    if (f->read)
        return f->read(a, p, d);
    return f->fields && fields_read(f->fields, p->body, p, f->name, d) && (!f->check || f->check(p, d));
}

void payload_write(const struct ike_payload *p, struct wr *w)
{
    const struct payload_format *f = payload_format(p->type);
    if (f && f->write)
        f->write(p, w);
    else if (f && f->fields)
        fields_write(f->fields, p, w);
    else
        w->failed = true;
}

uint32_t delete_spi(const struct pl_delete *d, size_t i)
{
    struct rd r = rd_over(d->spis);
    rd_skip(&r, 4 * i);
    return rd_u32(&r);
}

bool cp_next(struct span *at, struct cp_attr *out)
{
    struct rd r = rd_over(*at);
    if (at->len == 0)
        return false;
    out->type = rd_u16(&r) & 0x7fff; /* [RFC7296#3.15.1] the top bit is reserved */
    out->value = rd_bytes(&r, rd_u16(&r));
    if (!rd_ok(&r))
        return false;
    *at = rd_rest(&r);
    return true;
}
