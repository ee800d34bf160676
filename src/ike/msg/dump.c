/* SPDX-License-Identifier: Apache-2.0 */
/* A message in one line: see dump.h. */
#include "ike/msg/dump.h"
#include "base/text.h"

static void dump_notify(struct text *t, uint16_t type)
{
    const struct notify_info *info = notify_find(type);
    if (info)
        text_printf(t, "N(%s)", info->abbrev);
    else
        text_printf(t, "N(%u)", type);
}

static void dump_type(struct text *t, uint8_t type)
{
    const char *name = payload_name(type);
    if (name)
        text_str(t, name);
    else
        text_printf(t, "(%u)", type);
}

static void dump_payload(struct text *t, const struct ike_payload *p)
{
    if (p->type == PAYLOAD_NOTIFY)
        dump_notify(t, p->notify.type);
    else if (p->type == PAYLOAD_SKF)
        text_printf(t, "SKF(%u/%u)", p->sk.number, p->sk.total);
    else if (p->type == PAYLOAD_CP)
        text_printf(t, "CP(%u)", p->cp.type);
    else
        dump_type(t, p->type);
}

static void dump_chained(struct text *t, const struct ike_chained *p)
{
    struct rd r = rd_over(p->body);
    if (p->type == PAYLOAD_NOTIFY) { /* [RFC7296#3.10] */
        rd_skip(&r, 2);
        dump_notify(t, rd_u16(&r));
    } else if (p->type == PAYLOAD_CP) {
        text_printf(t, "CP(%u)", rd_u8(&r));
    } else {
        dump_type(t, p->type);
    }
}

static void dump_header(struct text *t, const struct ike_header *h)
{
    const char *exchange = exchange_name(h->exchange);
    if (exchange)
        text_str(t, exchange);
    else
        text_printf(t, "EXCHANGE_%u", h->exchange);
    text_printf(t, " %s %u [", ike_is_response(h) ? "response" : "request", h->message_id);
}

const char *ike_dump(const struct ike_message *m, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    dump_header(&t, &m->header);
    for (size_t i = 0; i < m->n; i++) {
        bool is_envelope = m->is_opened && &m->v[i] == m->sk;
        if (is_envelope)
            continue;
        text_str(&t, " ");
        dump_payload(&t, &m->v[i]);
    }
    text_str(&t, " ]");
    return buf;
}

/* [RFC7296#3.2] */
bool ike_chain_next(struct rd *r, uint8_t *type, struct ike_chained *p)
{
    uint8_t next = rd_u8(r);
    rd_skip(r, 1);
    uint16_t len = rd_u16(r);
    p->type = *type;
    p->body = rd_bytes(r, len < 4 ? SIZE_MAX : len - 4u);
    *type = next;
    return rd_ok(r);
}

const char *ike_dump_chain(const struct ike_header *h, uint8_t first, struct span chain, char *buf,
                           size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    struct rd r = rd_over(chain);
    struct ike_chained p;
    dump_header(&t, h);
    for (uint8_t type = first; type && ike_chain_next(&r, &type, &p);) {
        text_str(&t, " ");
        dump_chained(&t, &p);
    }
    text_str(&t, " ]");
    return buf;
}
