/* SPDX-License-Identifier: Apache-2.0 */
/* Walking the payload chain: see decode.h. */
#include "ike/msg/decode.h"
#include "ike/msg/format.h"

static enum decode_status check_header(const struct ike_header *h, size_t len, struct diag *d)
{
    if (h->major != 2) {
        diag_set(d, FAIL_GENERIC, "IKE major version %u", h->major);
        return DECODE_BAD_VERSION;
    }
    if (h->length != len || h->spi_i == 0) {
        diag_set(d, FAIL_GENERIC, "malformed IKE header: length %u in %zu bytes%s", h->length, len,
                 h->spi_i ? "" : ", no initiator SPI");
        return DECODE_MALFORMED;
    }
    return DECODE_OK;
}

/* SK and SKF: what can be said before the ICV is checked. They end the chain [RFC7296#3.14]; next is the type
 * of the first payload inside. */
static bool read_sk(struct ike_message *m, struct ike_payload *p, uint8_t next, bool is_last, struct diag *d)
{
    struct rd r = rd_over(p->body);
    p->sk = (struct pl_sk){.first = next, .number = 1, .total = 1};
    if (p->type == PAYLOAD_SKF) {
        p->sk.number = rd_u16(&r);
        p->sk.total = rd_u16(&r);
    }
    size_t left = rd_left(&r);
    p->sk.body = rd_rest(&r);
    p->sk.aad_len = m->raw.len - left;
    if (rd_ok(&r) && is_last && p->sk.number > 0 && p->sk.number <= p->sk.total)
        return true;
    diag_set(d, FAIL_GENERIC, "malformed %s payload", payload_name(p->type));
    return false;
}

static bool is_repeated(const struct ike_message *m, uint8_t type)
{
    const struct payload_format *f = payload_format(type);
    return f && f->is_single && ike_find(m, type);
}

/* One payload at the cursor; *next becomes the type that follows. */
static enum decode_status read_payload(struct arena *a, struct rd *r, uint8_t *next, struct ike_message *m,
                                       bool is_inner, struct diag *d)
{
    struct ike_payload p = {.type = *next, .is_encrypted = is_inner};
    *next = rd_u8(r);
    p.is_critical = rd_u8(r) & 0x80;
    uint16_t len = rd_u16(r);
    struct rd body = rd_sub(r, len < PAYLOAD_HEADER_LEN ? SIZE_MAX : len - (size_t)PAYLOAD_HEADER_LEN);
    p.body = rd_rest(&body);
    if (!rd_ok(r) || m->n == IKE_MAX_PAYLOADS || is_repeated(m, p.type)) {
        diag_set(d, FAIL_GENERIC, "malformed message: payload %zu of type %u is %s", m->n + 1, p.type,
                 rd_ok(r) ? "one too many" : "cut short");
        return DECODE_MALFORMED;
    }
    bool is_sk = p.type == PAYLOAD_SK || p.type == PAYLOAD_SKF;
    if (!payload_is_known(p.type) && p.is_critical) {
        m->bad_payload = p.type; /* [RFC7296#2.5] */
        diag_set(d, FAIL_GENERIC, "unsupported critical payload of type %u", p.type);
        return DECODE_CRITICAL;
    }
    if (is_sk && (is_inner || !read_sk(m, &p, *next, rd_left(r) == 0, d)))
        return DECODE_MALFORMED;
    if (!is_sk && payload_is_known(p.type) && !payload_read(a, &p, d))
        return DECODE_MALFORMED;
    m->v[m->n++] = p;
    if (is_sk) {
        m->sk = &m->v[m->n - 1];
        *next = PAYLOAD_NONE;
    }
    return DECODE_OK;
}

static enum decode_status walk(struct arena *a, uint8_t first, struct rd *r, struct ike_message *m,
                               bool is_inner, struct diag *d)
{
    for (uint8_t next = first; next != PAYLOAD_NONE;) {
        enum decode_status s = read_payload(a, r, &next, m, is_inner, d);
        if (s != DECODE_OK)
            return s;
    }
    if (rd_done(r))
        return DECODE_OK;
    diag_set(d, FAIL_GENERIC, "malformed message: %zu bytes after the last payload", rd_left(r));
    return DECODE_MALFORMED;
}

enum decode_status ike_decode(struct arena *a, struct span bytes, struct ike_message *out, struct diag *d)
{
    struct rd r = rd_over(bytes);
    *out = (struct ike_message){.raw = bytes};
    if (!ike_header_read(&r, &out->header) || bytes.len > IKE_MAX_MESSAGE) {
        diag_set(d, FAIL_GENERIC, "malformed message: %zu bytes", bytes.len);
        return DECODE_MALFORMED;
    }
    enum decode_status s = check_header(&out->header, bytes.len, d);
    if (s != DECODE_OK)
        return s;
    out->v = arena_calloc(a, IKE_MAX_PAYLOADS, sizeof(*out->v));
    if (!out->v)
        return DECODE_MALFORMED;
    return walk(a, out->header.next_payload, &r, out, false, d);
}

enum decode_status ike_decode_inner(struct arena *a, uint8_t first, struct span plain, struct ike_message *m,
                                    struct diag *d)
{
    struct rd r = rd_over(plain);
    return walk(a, first, &r, m, true, d);
}

uint16_t decode_status_notify(enum decode_status s)
{
    switch (s) {
    case DECODE_MALFORMED:
        return N_INVALID_SYNTAX;
    case DECODE_BAD_VERSION:
        return N_INVALID_MAJOR_VERSION;
    case DECODE_CRITICAL:
        return N_UNSUPPORTED_CRITICAL_PAYLOAD;
    default:
        return 0;
    }
}

const struct ike_payload *ike_next(const struct ike_message *m, uint8_t type, const struct ike_payload *prev)
{
    for (size_t i = prev ? (size_t)(prev - m->v) + 1 : 0; i < m->n; i++) {
        if (m->v[i].type == type)
            return &m->v[i];
    }
    return NULL;
}

const struct ike_payload *ike_find(const struct ike_message *m, uint8_t type)
{
    return ike_next(m, type, NULL);
}

size_t ike_count(const struct ike_message *m, uint8_t type)
{
    size_t n = 0;
    for (size_t i = 0; i < m->n; i++)
        n += m->v[i].type == type;
    return n;
}

const struct pl_notify *ike_notify_next(const struct ike_message *m, uint16_t type,
                                        const struct pl_notify *prev)
{
    bool is_after = prev == NULL;
    for (size_t i = 0; i < m->n; i++) {
        const struct ike_payload *p = &m->v[i];
        if (p->type != PAYLOAD_NOTIFY)
            continue;
        if (is_after && p->notify.type == type)
            return &p->notify;
        is_after = is_after || &p->notify == prev;
    }
    return NULL;
}

const struct pl_notify *ike_notify(const struct ike_message *m, uint16_t type)
{
    return ike_notify_next(m, type, NULL);
}

const struct pl_notify *ike_error_notify(const struct ike_message *m)
{
    for (size_t i = 0; i < m->n; i++) {
        if (m->v[i].type == PAYLOAD_NOTIFY && notify_is_error(m->v[i].notify.type))
            return &m->v[i].notify;
    }
    return NULL;
}
