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

static void dump_payload(struct text *t, const struct ike_payload *p)
{
    const char *name = payload_name(p->type);
    if (p->type == PAYLOAD_NOTIFY)
        dump_notify(t, p->notify.type);
    else if (p->type == PAYLOAD_SKF)
        text_printf(t, "SKF(%u/%u)", p->sk.number, p->sk.total);
    else if (p->type == PAYLOAD_CP)
        text_printf(t, "CP(%u)", p->cp.type);
    else if (name)
        text_str(t, name);
    else
        text_printf(t, "(%u)", p->type);
}

const char *ike_dump(const struct ike_message *m, char *buf, size_t cap)
{
    struct text t = {.buf = buf, .cap = cap};
    const char *exchange = exchange_name(m->header.exchange);
    if (exchange)
        text_str(&t, exchange);
    else
        text_printf(&t, "EXCHANGE_%u", m->header.exchange);
    text_printf(&t, " %s %u [", ike_is_response(&m->header) ? "response" : "request", m->header.message_id);
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
