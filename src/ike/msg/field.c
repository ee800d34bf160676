/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing by field table: see field.h. */
#include "ike/msg/field.h"

static bool in_bounds(const struct field *f, size_t len)
{
    return len >= f->min && len <= f->max;
}

static void read_one(const struct field *f, struct rd *r, uint8_t *at)
{
    struct span s;
    unsigned v;
    uint16_t v16;
    switch (f->kind) {
    case FIELD_U8:
        *at = rd_u8(r);
        break;
    case FIELD_U8_ENUM:
        v = rd_u8(r);
        memcpy(at, &v, sizeof(v));
        break;
    case FIELD_U16:
        v16 = rd_u16(r);
        memcpy(at, &v16, sizeof(v16));
        break;
    case FIELD_RESERVED:
        rd_skip(r, f->max);
        break;
    case FIELD_LEN8:
        s = span_of(NULL, rd_u8(r));
        memcpy(at, &s, sizeof(s));
        break;
    case FIELD_SIZED:
        memcpy(&s, at, sizeof(s));
        s = rd_bytes(r, s.len);
        memcpy(at, &s, sizeof(s));
        break;
    default:
        s = rd_rest(r);
        memcpy(at, &s, sizeof(s));
    }
}

static bool is_view(const struct field *f)
{
    return f->kind == FIELD_SIZED || f->kind == FIELD_REST;
}

bool fields_read(const struct field *f, struct span body, void *out, const char *what, struct diag *d)
{
    struct rd r = rd_over(body);
    for (; f->kind != FIELD_END; f++) {
        uint8_t *at = (uint8_t *)out + f->offset;
        read_one(f, &r, at);
        if (!rd_ok(&r)) {
            diag_set(d, FAIL_GENERIC, "malformed %s payload: cut short in %s", what, f->name);
            return false;
        }
        struct span s = {0};
        if (is_view(f))
            memcpy(&s, at, sizeof(s));
        if (is_view(f) && !in_bounds(f, s.len)) {
            diag_set(d, FAIL_GENERIC, "malformed %s payload: length of %s", what, f->name);
            diag_expected(d, "%u to %u bytes", f->min, f->max);
            diag_got(d, "%zu", s.len);
            return false;
        }
    }
    if (rd_done(&r))
        return true;
    diag_set(d, FAIL_GENERIC, "malformed %s payload: %zu bytes too many", what, rd_left(&r));
    return false;
}

static void write_view(const struct field *f, const uint8_t *at, struct wr *w)
{
    struct span s;
    memcpy(&s, at, sizeof(s));
    if (in_bounds(f, s.len))
        wr_span(w, s);
    else
        w->failed = true;
}

static void write_len8(const uint8_t *at, struct wr *w)
{
    struct span s;
    memcpy(&s, at, sizeof(s));
    if (s.len > UINT8_MAX)
        w->failed = true;
    wr_u8(w, (uint8_t)s.len);
}

void fields_write(const struct field *f, const void *in, struct wr *w)
{
    for (; f->kind != FIELD_END; f++) {
        const uint8_t *at = (const uint8_t *)in + f->offset;
        unsigned v = 0;
        uint16_t v16;
        switch (f->kind) {
        case FIELD_U8:
            wr_u8(w, *at);
            break;
        case FIELD_U8_ENUM:
            memcpy(&v, at, sizeof(v));
            if (v > UINT8_MAX)
                w->failed = true;
            wr_u8(w, (uint8_t)v);
            break;
        case FIELD_U16:
            memcpy(&v16, at, sizeof(v16));
            wr_u16(w, v16);
            break;
        case FIELD_RESERVED:
            wr_zero(w, f->max);
            break;
        case FIELD_LEN8:
            write_len8(at, w);
            break;
        default:
            write_view(f, at, w);
        }
    }
}
