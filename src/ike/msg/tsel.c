/* SPDX-License-Identifier: Apache-2.0 */
/* The TSi and TSr payloads (RFC 7296 section 3.13): address ranges. Selectors of unknown types are skipped,
 * as if they had not been offered; narrowing is v2's. */
#include "ike/msg/format.h"

#define TS_IPV4_RANGE 7
#define TS_IPV6_RANGE 8

static size_t address_len(uint8_t type)
{
    return type == TS_IPV4_RANGE ? 4 : type == TS_IPV6_RANGE ? 16 : 0;
}

/* [RFC7296#3.13.1] OPAQUE is written as 65535 to 0. */
static bool ports_fit(const struct ts *t)
{
    return t->port_from <= t->port_to || (t->port_from == UINT16_MAX && t->port_to == 0);
}

/* False when malformed; *is_known tells whether out was filled. */
static bool read_one(struct rd *r, struct ts *out, bool *is_known)
{
    uint8_t type = rd_u8(r);
    struct ts t = {.proto = rd_u8(r)};
    uint16_t len = rd_u16(r);
    size_t address = address_len(type);
    *is_known = address != 0;
    if (len < 8 || (*is_known && len != 8 + 2 * address))
        return false;
    struct rd body = rd_sub(r, len - 4u);
    if (!*is_known)
        return rd_ok(r);
    t.port_from = rd_u16(&body);
    t.port_to = rd_u16(&body);
    struct span from = rd_bytes(&body, address), to = rd_bytes(&body, address);
    if (!rd_done(&body) || !ip_from_bytes(from, &t.from) || !ip_from_bytes(to, &t.to))
        return false;
    *out = t;
    return ports_fit(&t) && ip_cmp(t.from, t.to) <= 0;
}

bool tsel_read(struct arena *a, struct ike_payload *p, struct diag *d)
{
    struct rd r = rd_over(p->body);
    size_t count = rd_u8(&r), n = 0;
    rd_skip(&r, 3);
    /* The smallest selector has 8 bytes: a count that promises more than there is allocates nothing. */
    struct ts *v = rd_ok(&r) && count * 8 <= rd_left(&r) ? arena_calloc(a, count + 1, sizeof(*v)) : NULL;
    if (!v) {
        diag_set(d, FAIL_GENERIC, "malformed %s payload: %zu selectors do not fit", payload_name(p->type),
                 count);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        bool is_known = false;
        if (!read_one(&r, &v[n], &is_known)) {
            diag_set(d, FAIL_GENERIC, "malformed %s payload: selector %zu", payload_name(p->type), i + 1);
            return false;
        }
        n += is_known;
    }
    p->ts = (struct pl_ts){v, n};
    if (!rd_done(&r))
        diag_set(d, FAIL_GENERIC, "malformed %s payload: bytes left over", payload_name(p->type));
    return rd_done(&r);
}

void tsel_write(const struct ike_payload *p, struct wr *w)
{
    if (p->ts.n == 0 || p->ts.n > UINT8_MAX)
        w->failed = true;
    wr_u8(w, (uint8_t)p->ts.n);
    wr_zero(w, 3);
    for (size_t i = 0; i < p->ts.n && wr_ok(w); i++) {
        const struct ts *t = &p->ts.v[i];
        size_t address = ip_len(t->from);
        if (address == 0 || t->from.family != t->to.family || !ports_fit(t))
            w->failed = true;
        wr_u8(w, address == 4 ? TS_IPV4_RANGE : TS_IPV6_RANGE);
        wr_u8(w, t->proto);
        wr_u16(w, (uint16_t)(8 + 2 * address));
        wr_u16(w, t->port_from);
        wr_u16(w, t->port_to);
        wr_span(w, ip_view(&t->from));
        wr_span(w, ip_view(&t->to));
    }
}
